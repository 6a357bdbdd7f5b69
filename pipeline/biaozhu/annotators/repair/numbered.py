"""Names of persons that read as amounts: 王七斤, 刘八两."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from functools import lru_cache

from biaozhu.knowledge.word_tables import SURNAMES

# Goods, and words that go before an amount: 白鱼七斤, 有米八斤, 共三两.
_NO_SURNAMES = frozenset(
    "鱼米麦糜粟花水金银车马牛羊来和于从有时计共余约各达连满广全都后前安平高长宽单双重能要过干包支钱肉粮酒油豆茶药鹿查公经家石"
)
_SURNAME = "".join(sorted(name for name in SURNAMES if len(name) == 1 and name not in _NO_SURNAMES))
_ROLE = "(?:(?<=[叫叔伯员户人者民工生师匠兵汉长记爷婶嫂哥姐姨])|(?<=老板)|(?<=支书)|(?<=同学))"
_APART = "(?:^|(?<=[，。、；：:！？“”（(\\s])|(?<=[和与跟给把被让请对向]))"
_SAYS = "(?:说|道[：:，]|家(?![用具电禽族庭])|是|住|叫|也[是在说有]|正在|笑|站|坐|走|带|告诉|表示|介绍|今年|当[上过了]|的[儿女父母妻丈爱孙爹娘家房地果牛羊鱼]|有[一了]|来了|去了)"
# A role before the name or a verb of persons behind it vouches for it: 来三斤。 has neither.
_NUMBERED = re.compile(
    f"{_ROLE}[{_SURNAME}][一二三四五六七八九十][斤两](?![多半重左以])"
    f"|{_ROLE}[{_SURNAME}][一二三四五六七八九十百千万][元里年丈尺石斗升](?={_SAYS})"
    f"|{_APART}(?![付费成])[{_SURNAME}钱](?:[百千]万|万千)(?={_SAYS}|捐|开[了办]|回[家来])"
    f"|^[{_SURNAME}钱][一二三四五六七八九十百千万]{{1,2}}(?=。?$)"
    f"|{_APART}[{_SURNAME}][一二三四五六七八九十][斤两](?={_SAYS})"
)
_LISTED = re.compile(r"[，、；]?[^，。、；]{0,4}[一二三四五六七八九十百0-9]+[斤两个只条元]")


_STREETS = re.compile("(?:路|街|大道|巷|环)[东西南北中]?$")


def find_numbered_names(text: str) -> Iterator[tuple[int, int]]:
    """Yield where a surname, a numeral and 斤 or 两 are a person's name: beside a role, a verb of speech, another name."""
    for found in _NUMBERED.finditer(text):
        if not _LISTED.match(text, found.end()):
            yield found.span()


def is_in_name(text: str, start: int, end: int) -> bool:
    """Return whether what reads as an amount is part of such a name, or of a street's (人民路三段)."""
    if text[end - 1] == "段" and _STREETS.search(text, max(0, start - 3), start):
        return True
    names = _names_in(text)
    before = bisect_left(names, (start,)) - 1
    return before >= 0 and end <= names[before][1]


# Once a text, not once an amount of it.
@lru_cache(maxsize=16)
def _names_in(text: str) -> tuple[tuple[int, int], ...]:
    return tuple(find_numbered_names(text))
