"""The time that an amount is of, and the units that meant something else then."""

from __future__ import annotations

import re

from biaozhu.knowledge.word_tables import read_words
from biaozhu.normalization.numerals import DIGITS, read_numeral
from biaozhu.normalization.units import Unit

# The year from which on a unit is what it is today: market units (order of 1929, in force 1930), the new yuan (1955), 两 of ten
# to the 斤 (order of 1959).
_SINCE = {
    **dict.fromkeys("里丈尺寸亩顷斤担升", 1930),
    **dict.fromkeys(("元", "角", "分钱"), 1955),
    **dict.fromkeys("两钱", 1959),
}
# 1320万元(1953年)
_BESIDE = re.compile(r" ?\(([^()]{2,20})\)")
REPUBLIC, EMPIRE, TODAY = 1911, 1, 9999
# Those of the table that are no emperor's of China, or reach into our time.
_REIGNS = sorted(set(read_words("amounts", "eras")) - {"民国", "公元", "西元", "明治", "大正", "昭和", "平成", "令和"})
_TIME = re.compile(
    "(?<![立建生办设]于)(?P<year>[12][0-9]{3}|[一二][〇零○一二三四五六七八九]{3})(?=年)"
    "|(?P<republic>民国)(?P<count>[元一二三四五六七八九十]{1,3}|[0-9]{1,2})?"
    f"|(?P<reign>(?:{'|'.join(_REIGNS)})(?=[元一二三四五六七八九十0-9]|年间|初年?|末年?|中叶))"
    "|(?P<today>(?:今|去|前|明)年|如今|现在|目前|近年|当前|至今)"
)
# Silver by the dollar.
_SILVER_BEFORE = re.compile("(?:银(?!行)|洋)[共约计各合]*$")
_SILVER_AFTER = re.compile("(?:纹|白|足|库平)?银(?![行杏河联])")


def year_of(text: str, year: int | None = None) -> int | None:
    """Return the year that the end of a text is about, as it says last; `year` where it says none."""
    for found in _TIME.finditer(text):
        if written := found["year"]:
            year = int("".join(str(DIGITS.get(digit, digit)) for digit in written))
        elif found["republic"]:
            count = read_numeral((found["count"] or "元").replace("元", "一"))
            year = REPUBLIC + (int(count.low) if count else 1)
        else:
            year = EMPIRE if found["reign"] else TODAY
    return year


def is_of_another_era(unit: Unit, before: str, after: str, year: int | None) -> bool:
    """Tell whether an amount is copper cash, or silver by weight or by the dollar, or of a time when the unit was not what it is today.

    The time is what the text before it says, else `year`.
    """
    if unit.base in ("银两", "文"):
        return True
    if (since := _SINCE.get(unit.name)) is None:
        return False
    silver = unit.name == "元" and (_SILVER_BEFORE.search(before) or _SILVER_AFTER.match(after))
    beside = _BESIDE.match(after)
    return bool(silver) or (year_of(before + (beside[1] if beside else ""), year) or TODAY) < since
