"""Phrases that look like an amount and are none: set phrases, dates, clock times, ordinals, reign titles."""

from __future__ import annotations

from biaozhu.knowledge.measures import DASH, EACH, alternation
from biaozhu.knowledge.word_tables import TABLES, read_words

DIGITS, SMALL = "〇零一二三四五六七八九", "一二三四五六七八九十"
# Set phrases in which a numeral and a measure word say no quantity.
IDIOMS = read_words("amounts", "idioms")
_NUMERAL = f"[{SMALL}]{{1,3}}"
# Before a number of days they say how long: 提前十日, 逾期15日.
_TERMS = "".join(f"(?<!{word})" for word in read_words("amounts", "terms"))


def _day(number: str) -> str:
    """Return the pattern of a day of the month; 十日内, 提前十日 are terms."""
    dated = rf"{_TERMS}{number} ?日(?!(?:以|之)?内|以[上下]|之?后(?!半)|之前)(?!\w?均)"
    return rf"(?={number} ?日)(?:{dated}|(?<=[至到于自从月—~-]){number} ?日(?=后))"


_PARTS = {
    "small": SMALL,
    "ones": SMALL[:-1],
    "digits": DIGITS,
    "figures": "[0-9]{1,2}",
    "numeral": _NUMERAL,
    "dash": DASH,
    "each": EACH,
    # No month has more days.
    "day": _day("(?:3[01]|[12][0-9]|0?[1-9])"),
    "day_in_words": _day(_NUMERAL),
    # 一八五团附近, 79团2营: a regiment or its farm.
    "regiment": f"(?=[0-9{SMALL}]{{0,2}}[连营]|职工|附近|农场|部|[的在]|$)",
}


def read_patterns(table: str, name: str) -> str:
    """Return the alternation of an entry's patterns, the parts that they name filled in."""
    joined = "|".join(TABLES[table][name])
    for part, pattern in _PARTS.items():
        joined = joined.replace(f"{{{part}}}", pattern)
    return joined


_FIGURED, _LETTERED, _IDIOMATIC, _NUMBERED, _WORDED = (
    read_patterns("skips", name) for name in ("figures", "letters", "idioms", "numerals", "words")
)
SKIPPED = (
    rf"(?=[0-9])(?:{_FIGURED})|(?=[A-Za-z])(?:{_LETTERED})|(?![0-9A-Za-z])(?:{alternation(IDIOMS)}|{_WORDED})"
    rf"|(?=[零〇两半{SMALL}百千万])(?:{_IDIOMATIC}|{_NUMBERED})"
)

# Reign titles: 洪武九年 is a date.
ERAS = read_words("amounts", "eras")
# Of ordinary words or towns, too, or with 和 ("and") at the end: dates by what follows only.
WORD_ERAS = read_words("amounts", "word_eras")
