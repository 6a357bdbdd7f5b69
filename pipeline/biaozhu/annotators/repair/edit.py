"""A text whose spans are corrected: which stand where, which words of the dictionaries cross a border."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from biaozhu.data.model import Span
from biaozhu.knowledge.lexicon import DIVISION, FOREIGN, LONE, loaded_lexicon
from biaozhu.knowledge.world import COUNTRY, FOREIGN_CITY, FOREIGN_REGION, FORMER_DIVISION
from biaozhu.reading.simplified import to_simplified

if TYPE_CHECKING:
    from collections.abc import Iterable

HAN = re.compile("[\u3400-\u9fff\U00020000-\U0003ffff]")
DOTS = "·•・‧．.∙⋅･"
PLACE, PERSON = "PLACE", "PERSON"
SOURCE, SCORE = "network", 0.75
_TITLE = re.compile("《[^》]*$")
_PERSON_BITS, _PLACE_BIT = 0b11, 0b100


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the dictionaries where it stands, with its kinds as bits (see `lexicon`)."""

    start: int
    end: int
    kinds: int

    @property
    def is_plain(self) -> bool:
        """Return whether jieba has it, as anything but the name of a person or a place."""
        return bool(self.kinds & ((1 << DIVISION) - 1) & ~(_PERSON_BITS | _PLACE_BIT))

    @property
    def is_place(self) -> bool:
        """Return whether jieba has it as a place's name."""
        return bool(self.kinds & _PLACE_BIT)

    @property
    def is_country(self) -> bool:
        """Return whether it names a country, a dependency or a large region of the world."""
        return bool(self.kinds >> FOREIGN & COUNTRY)

    @property
    def is_foreign(self) -> bool:
        """Return whether it names a country, or a region or city abroad."""
        return bool(self.kinds >> FOREIGN & (COUNTRY | FOREIGN_REGION | FOREIGN_CITY))

    @property
    def is_former(self) -> bool:
        """Return whether it names a division that is no more."""
        return bool(self.kinds >> FOREIGN & FORMER_DIVISION)

    def is_division(self, highest: int, lowest: int, *, full: bool | None = None) -> bool:
        """Return whether it names a division of these levels, with its unit word or (`full` false) without."""
        return bool(self.kinds >> DIVISION & _division_bits(highest, lowest, full))


@cache
def _division_bits(highest: int, lowest: int, full: bool | None) -> int:  # noqa: FBT001 — private, called by position
    forms = (0, 1) if full is None else (int(full),)
    return sum(1 << 2 * (level - 1) + form for level in range(highest, lowest + 1) for form in forms)


@dataclass(slots=True)
class Edit:
    """A text in simplified characters, its words, and its spans (borders to span), which rules change in turn."""

    text: str
    words: tuple[Word, ...] = ()
    spans: dict[tuple[int, int], Span] = field(default_factory=dict)

    def over(self, start: int, end: int) -> list[Span]:
        """Return the spans that share a character with text[start:end], in order."""
        return sorted(span for span in self.spans.values() if span.start < end and start < span.end)

    def put(self, start: int, end: int, label: str) -> None:
        """Give text[start:end] this label in place of all that overlaps it; inside 《》 nothing new is marked (P8)."""
        old = self.over(start, end)
        if not old and _TITLE.search(self.text, 0, start) and "》" in self.text[end:]:
            return
        for span in old:
            del self.spans[span.start, span.end]
        self.spans[start, end] = Span(start, end, label, SOURCE, SCORE)

    def drop(self, span: Span) -> None:
        """Take a span away."""
        del self.spans[span.start, span.end]

    def cut(self, span: Span, start: int, end: int) -> None:
        """Give a span narrower borders, which may leave nothing of it."""
        self.drop(span)
        if start < end:
            self.spans[start, end] = Span(start, end, span.label, span.source, span.score)

    def has(self, label: str, *, end: int | None = None, start: int | None = None) -> Span | None:
        """Return the span of a label that ends or starts at a place."""
        for span in self.spans.values():
            if span.label == label and (span.end == end or span.start == start):
                return span
        return None

    def labelled(self, label: str) -> list[Span]:
        """Return the spans of a label, in order, as they are now."""
        return sorted(span for span in self.spans.values() if span.label == label)


def make_edit(text: str, spans: Iterable[Span]) -> Edit:
    """Return what rules work on."""
    # The automata read UTF-8, which has no lone surrogates.
    text = LONE.sub("\ufffd", to_simplified(text))
    find, kinds, _ = loaded_lexicon()
    words = tuple(Word(start, end, int(kinds[number])) for start, end, number in find(text))
    return Edit(text, words, {(span.start, span.end): span for span in spans})
