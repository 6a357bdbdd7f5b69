"""Names again: what an article names in full once, and the network misses where it comes alone: the layer `repeated`.

杰弗里·爱泼斯坦 makes 爱泼斯坦 a person in all of the article, and 草科乡 makes 草科 a place.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from biaozhu.annotators.labelled import find_labelled
from biaozhu.annotators.registry import Annotator
from biaozhu.annotators.repair.edit import Edit
from biaozhu.annotators.words import LacWord
from biaozhu.data.model import Span
from biaozhu.knowledge.gazetteer import gazetteer
from biaozhu.knowledge.lexicon import LONGEST

SOURCE = "repeated"
PROPOSED = {"PERSON": 5, "PLACE": 4}
# What the scores of a name add up to in an article, by its length: short ones stand in other words.
MIN_SCORES = {2: 1.0, 3: 0.5}
LONG = max(MIN_SCORES)
_DOTS = re.compile("[·•・‧．]")
# What makes a facility, a place or a prize of a person's name (guideline R5), and a title.
_NOT_BEFORE = re.compile(
    "路|街|大道|大桥|广场|公园|故居|纪念|奖|杯|镇|村|乡|县|中学|小学|大学|学院|医院|支队|兵团|集团军|纵队|号|公司|集团|牌|品牌|基金"
)
_NOT_AFTER = ("《", "『")
# The last character of places that go by the rest as well, and what makes another name of that, or a facility.
_UNITS = "县乡镇村旗"
_NO_PLACE_BEFORE = re.compile("路|街|大道|大?桥|线|寺|[0-9]*号(?!称)|[省市县区乡镇村旗]")
_NO_PLACE_AFTER = ("《", "『", "「", "“", "#")


def find_repeated(texts: Sequence[str], words: Sequence[Sequence[LacWord]]) -> list[list[Span]]:
    """Return where a person that one article names elsewhere stands again, and a place without its unit word, in each of its texts."""
    sums: dict[tuple[str, str], float] = defaultdict(float)
    best: dict[str, float] = {}
    some = [(text, row) for text, row in zip(texts, words, strict=True) if any(_is_telling(text, one) for one in row)]
    for (text, _), spans in zip(some, find_labelled(*zip(*some, strict=True)) if some else (), strict=True):
        for span in spans:
            name, score = text[span.start : span.end], span.score or 0.0
            for part in _parts(name, span.label):
                sums[part, span.label] += score
                best[part] = max(best.get(part, 0.0), score)
    known = {
        name: Span(0, len(name), label, SOURCE, best[name])
        for (name, label), sum_ in sorted(sums.items(), reverse=True)  # a person before a place
        if len(name) > 1 and sum_ >= MIN_SCORES[min(len(name), LONG) if label == "PERSON" else LONG]
    }
    by_first: dict[str, list[str]] = {}
    for name in sorted(known, key=len, reverse=True):
        by_first.setdefault(name[0], []).append(name)
    return [list(_occurrences(text, known, by_first)) for text in texts]


def _is_telling(text: str, word: LacWord) -> bool:
    return word.tag == "PERSON" or (word.tag == "PLACE" and text[word.end - 1] in _UNITS)


def _parts(name: str, label: str) -> set[str]:
    """Return what a name stands for where it comes again: itself and its long parts (a person's), or the rest without its unit word."""
    if label == "PERSON":
        return {name, *(one for one in _DOTS.split(name) if len(one) >= LONG)}
    return {name[:-1]} if label == "PLACE" and name[-1] in _UNITS else set()


def _in_words(text: str, start: int, end: int) -> bool:
    """Tell whether a short name is a word itself (高峰), or a word holds one of its borders (李强|调)."""
    first = max(0, start - LONGEST)
    near = Edit(text[first : end + LONGEST]).near(start - first, end - first)
    return any(one.is_plain and one.start < end - first and start - first < one.end for one in near)


def _occurrences(text: str, known: Mapping[str, Span], by_first: Mapping[str, Sequence[str]]) -> Iterator[Span]:
    reached = 0
    for start, character in enumerate(text):
        if start < reached or character not in by_first:
            continue
        found = next((name for name in by_first[character] if text.startswith(name, start)), "")
        reached = start + len(found)
        if found and _is_allowed(text, start, reached, known[found].label):
            yield replace(known[found], start=start, end=reached)


def _is_allowed(text: str, start: int, end: int, label: str) -> bool:
    before, name = text[start - 1 : start], text[start:end]
    if label == "PERSON":
        is_free = not _NOT_BEFORE.match(text, end) and before not in _NOT_AFTER
        return is_free and (end - start >= LONG or not _in_words(text, start, end))
    is_free = not _NO_PLACE_BEFORE.match(text, end) and before not in _NO_PLACE_AFTER
    return is_free and (len(gazetteer().lookup(name)) == 1 or not _in_words(text, start, end))


REPEATED = Annotator(SOURCE, find_repeated, proposes=PROPOSED, reads_words=True, built_in=True)
