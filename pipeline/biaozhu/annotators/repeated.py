"""Persons again: what an article names in full once, and the network misses where it comes alone: the layer `repeated`.

杰弗里·爱泼斯坦 makes 爱泼斯坦 a person in all of the article.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from biaozhu.annotators.labelled import find_labelled
from biaozhu.annotators.registry import Annotator
from biaozhu.data.model import Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from biaozhu.annotators.words import LacWord

SOURCE = "repeated"
PROPOSED = {"PERSON": 5}
# Shorter ones stand in too many words.
SHORTEST = 3
MIN_SCORE = 0.5
_DOTS = re.compile("[·•・‧．]")
# What makes a facility, a place or a prize of a person's name (guideline R5).
_NOT_BEFORE = re.compile(
    "路|街|大道|大桥|广场|公园|故居|纪念|奖|杯|镇|村|乡|县|中学|小学|大学|学院|医院|支队|号"
)


def find_repeated(texts: Sequence[str], words: Sequence[Sequence[LacWord]]) -> list[list[Span]]:
    """Return the places in each text where a person that the article names elsewhere stands again.

    Args:
        texts: the sentences of one article.
        words: the network's words of each.
    """
    known: dict[str, float] = {}
    some = [pair for pair in zip(texts, words, strict=True) if any(map(_may_name, pair[1]))]
    for (text, _), spans in zip(some, find_labelled(*zip(*some, strict=True)) if some else (), strict=True):
        for span in spans:
            if span.label == "PERSON" and (span.score or 0.0) >= MIN_SCORE:
                name = text[span.start : span.end]
                for part in (name, *_DOTS.split(name)):
                    if len(part) >= SHORTEST:
                        known[part] = max(known.get(part, 0.0), span.score or 0.0)
    lengths = sorted({len(name) for name in known}, reverse=True)
    return [list(_occurrences(text, known, lengths)) for text in texts]


def _may_name(word: LacWord) -> bool:
    return word.tag == "PERSON" and word.end - word.start >= SHORTEST


def _occurrences(text: str, known: Mapping[str, float], lengths: Sequence[int]) -> Iterator[Span]:
    start = 0
    while start < len(text):
        # A slice at the text's end is shorter than its bounds say.
        end = next(
            (start + len(some) for size in lengths if (some := text[start : start + size]) in known), 0
        )
        if end and not _NOT_BEFORE.match(text, end):
            yield Span(start, end, "PERSON", SOURCE, known[text[start:end]])
        start = end or start + 1


REPEATED = Annotator(SOURCE, find_repeated, proposes=PROPOSED, reads_words=True, built_in=True)
