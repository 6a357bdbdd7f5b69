"""Characters as readers see them, which no span begins or ends inside: a letter with its marks, an emoji with its tone or family."""

from __future__ import annotations

import re
from dataclasses import replace
from unicodedata import category

from biaozhu.data.model import Span

JOINER = "\u200d"
# What goes on a character and is no mark by its category: sounds of kana, jamo, tones of skin, tags of flags.
_GOES_ON = re.compile("[\u200d\uff9e\uff9f\u1160-\u11ff\ud7b0-\ud7ff\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")
_LETTERS = "".join(map(chr, range(0x1F1E6, 0x1F200)))


def with_whole_characters(text: str, span: Span) -> Span | None:
    """Return the span with whole characters at both ends, None where none is left: marks go with a letter, an emoji that was cut is left out."""
    start, end = span.start, span.end
    while start < len(text) and _is_inside(text, start):
        start += 1
    if _is_inside(text, end):
        first = end - 1
        while _is_inside(text, first):
            first -= 1
        is_picture = category(text[first]) == "So"
        while not is_picture and _is_inside(text, end):
            end += 1
        end = first if is_picture else end
    if start >= end:
        return None
    return span if (start, end) == (span.start, span.end) else replace(span, start=start, end=end)


def _is_inside(text: str, at: int) -> bool:
    if not 0 < at < len(text):
        return False
    kind = category(text[at])
    if kind[0] == "M" or (kind == "So" and text[at - 1] == JOINER) or _GOES_ON.match(text, at):
        return True
    # Each two letters of flags are one.
    return text[at] in _LETTERS and (at - len(text[:at].rstrip(_LETTERS))) % 2 == 1
