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
    """Return where a person that one article names elsewhere stands again, in each of its texts."""
    known: dict[str, float] = {}
    some = [
        (text, row)
        for text, row in zip(texts, words, strict=True)
        if any(word.tag == "PERSON" and word.end - word.start >= SHORTEST for word in row)
    ]
    for (text, _), spans in zip(some, find_labelled(*zip(*some, strict=True)) if some else (), strict=True):
        for span in spans:
            if span.label == "PERSON" and (span.score or 0.0) >= MIN_SCORE:
                name = text[span.start : span.end]
                for part in (name, *_DOTS.split(name)):
                    if len(part) >= SHORTEST:
                        known[part] = max(known.get(part, 0.0), span.score or 0.0)
    by_first: dict[str, list[str]] = {}
    for name in sorted(known, key=len, reverse=True):
        by_first.setdefault(name[0], []).append(name)
    return [list(_occurrences(text, known, by_first)) for text in texts]


def _occurrences(
    text: str, known: Mapping[str, float], by_first: Mapping[str, Sequence[str]]
) -> Iterator[Span]:
    reached = 0
    for start, character in enumerate(text):
        if start < reached or character not in by_first:
            continue
        found = next((name for name in by_first[character] if text.startswith(name, start)), "")
        reached = start + len(found)
        if found and not _NOT_BEFORE.match(text, reached):
            yield Span(start, reached, "PERSON", SOURCE, known[found])


REPEATED = Annotator(SOURCE, find_repeated, proposes=PROPOSED, reads_words=True, built_in=True)
