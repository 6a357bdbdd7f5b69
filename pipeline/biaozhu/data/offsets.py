"""Offsets in UTF-16 units, as browsers and Doccano count them, from code points and back."""

from __future__ import annotations

import re
from bisect import bisect_left

ASTRAL = re.compile("[\U00010000-\U0010ffff]")


class Utf16Offsets:
    """A converter for the offsets of one text, which is read once; each conversion is a binary search."""

    __slots__ = ("_astral", "_astral_units", "_length")

    def __init__(self, text: str) -> None:
        self._length = len(text)
        self._astral = [match.start() for match in ASTRAL.finditer(text)]
        self._astral_units = [offset + number for number, offset in enumerate(self._astral)]

    def to_units(self, offset: int) -> int:
        """Convert an offset from code points to UTF-16 units."""
        return offset + bisect_left(self._astral, offset)

    def from_units(self, units: int) -> int | None:
        """Convert an offset from UTF-16 units; None inside a surrogate pair or outside the text."""
        before = bisect_left(self._astral_units, units)
        if before and self._astral_units[before - 1] == units - 1:
            return None
        offset = units - before
        return offset if 0 <= offset <= self._length else None

    def span_from_units(self, start: int, end: int) -> tuple[int, int] | None:
        """Convert the offsets of a span; None where they do not fit the text, or hold nothing."""
        first, last = self.from_units(start), self.from_units(end)
        return (first, last) if first is not None and last is not None and first < last else None
