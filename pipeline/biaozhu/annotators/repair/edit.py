"""A text whose spans are corrected: which stand where, which words of the dictionaries cross a border."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from biaozhu.annotators.cover import Cover
from biaozhu.data.files import LONE_SURROGATE
from biaozhu.data.model import Span
from biaozhu.knowledge.lexicon import DIVISION, FOREIGN, loaded_lexicon
from biaozhu.knowledge.word_tables import read_words
from biaozhu.knowledge.world import PLACE_KINDS
from biaozhu.reading.simplified import to_chinese_marks, to_simplified

HAN = re.compile("[\u3400-\u9fff\U00020000-\U0003ffff]")
# Characters that transliterate names, of minorities and of others.
TRANSLITERATING = frozenset("".join(read_words("given_names", "transliterating")))
DOTS = "·•・‧．.∙⋅･"
PLACE, PERSON = "PLACE", "PERSON"
SOURCE, SCORE = "network", 0.75
_TITLE = re.compile("[《》]")
_NAME_BITS = 0b111
# The ten forms of divisions, and the places of `world`.
_TABLE_BITS = (1 << FOREIGN) - (1 << DIVISION) | PLACE_KINDS << FOREIGN


class Word(NamedTuple):
    """A word of the dictionaries where it stands, with its kinds as bits (see `lexicon`); a text has as many words as characters."""

    start: int
    end: int
    kinds: int

    @property
    def is_plain(self) -> bool:
        """Return whether jieba has it, as anything but the name of a person or a place."""
        return bool(self.kinds & ((1 << DIVISION) - 1) & ~_NAME_BITS)

    def is_of(self, kinds: int) -> bool:
        """Return whether a table of the world has it as the name of one of these kinds; see `world`."""
        return bool(self.kinds >> FOREIGN & kinds)

    def is_division(self, highest: int, lowest: int, *, full: bool | None = None) -> bool:
        """Return whether it names a division of these levels, with its unit word or (`full` false) without."""
        return bool(self.kinds >> DIVISION & _division_bits(highest, lowest, full))


@cache
def _division_bits(highest: int, lowest: int, full: bool | None) -> int:  # noqa: FBT001 — private, called by position
    forms = (0, 1) if full is None else (int(full),)
    return sum(1 << 2 * (level - 1) + form for level in range(highest, lowest + 1) for form in forms)


class Edit:
    """A text in simplified characters, its words, and its disjoint spans, which rules change in turn.

    No query looks at more than its stretch of the text, so that rules stay linear in a sentence's length.
    """

    def __init__(self, text: str, spans: Iterable[Span] = ()) -> None:
        # The automata read UTF-8, which has no lone surrogates.
        self.text = text = LONE_SURROGATE.sub("\ufffd", to_chinese_marks(to_simplified(text)))
        find, kinds = loaded_lexicon()
        self.words = sorted(Word(start, end, kinds.item(number)) for start, end, number in find(text))
        # Those that a table of places has, which are few.
        self.places = [word for word in self.words if word.kinds & _TABLE_BITS]
        self._starts = [word.start for word in self.words]
        self._longest = max((word.end - word.start for word in self.words), default=0)
        self._marks = [mark.start() for mark in _TITLE.finditer(text)]
        self._cover = Cover((span.start, span.end, span) for span in spans)

    @property
    def spans(self) -> list[Span]:
        """The spans as they are now, in order."""
        return self._cover.values()

    def near(self, start: int, end: int) -> list[Word]:
        """Return the words that share a border or a character with text[start:end], in order, and some before it."""
        first = bisect_left(self._starts, start - self._longest)
        return self.words[first : bisect_right(self._starts, end)]

    def over(self, start: int, end: int) -> list[Span]:
        """Return the spans that share a character with text[start:end], in order."""
        return self._cover.find(max(0, start), end)

    def word(self, start: int, end: int) -> Word | None:
        """Return the word with these borders."""
        return next((word for word in self.near(start, end) if (word.start, word.end) == (start, end)), None)

    def crossing(self, start: int, end: int) -> list[Word]:
        """Return the words that hold a border of text[start:end] inside them, in order."""
        return [one for one in self.near(start, end) if one.start < start < one.end or one.start < end < one.end]

    def is_span(self, start: int, end: int) -> bool:
        """Return whether a span has these borders."""
        return any((span.start, span.end) == (start, end) for span in self._cover.find(start, start + 1))

    def put(self, start: int, end: int, label: str) -> None:
        """Give text[start:end] this label in place of all that overlaps it; inside 《》 nothing new is marked (P8)."""
        old = self.over(start, end)
        before, after = bisect_left(self._marks, start), bisect_left(self._marks, end)
        marks = self._marks[max(0, before - 1) : before] + self._marks[after : after + 1]
        if not old and [self.text[mark] for mark in marks] == ["《", "》"]:
            return
        for span in old:
            self.drop(span)
        self._cover.add(start, end, Span(start, end, label, SOURCE, SCORE))

    def add(self, start: int, end: int, label: str) -> None:
        """Give text[start:end] this label where no span overlaps it."""
        if not self.over(start, end):
            self.put(start, end, label)

    def drop(self, span: Span) -> None:
        """Take a span away."""
        self._cover.remove(span.start, span.end)

    def cut(self, span: Span, start: int, end: int) -> None:
        """Give a span narrower borders, which may leave nothing of it."""
        self.drop(span)
        if start < end:
            self._cover.add(start, end, Span(start, end, span.label, span.source, span.score))

    def has(self, label: str, *, end: int | None = None, start: int | None = None) -> Span | None:
        """Return the span of a label that ends or starts at a place."""
        at = (start or 0) if end is None else end - 1
        found = (span for span in self.over(at, at + 1) if span.label == label)
        return next((span for span in found if span.end == end or span.start == start), None)

    def labelled(self, label: str) -> list[Span]:
        """Return the spans of a label, in order, as they are now."""
        return [span for span in self.spans if span.label == label]
