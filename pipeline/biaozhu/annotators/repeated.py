"""Persons again: what an article names in full once, and the network misses where it comes alone: the layer `repeated`.

杰弗里·爱泼斯坦 makes 爱泼斯坦 a person in all of the article.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from biaozhu.annotators.labelled import find_labelled
from biaozhu.annotators.registry import Annotator
from biaozhu.annotators.repair.edit import Edit
from biaozhu.annotators.words import LacWord
from biaozhu.data.model import Span
from biaozhu.knowledge.lexicon import LONGEST
from biaozhu.knowledge.word_tables import read_alternation

SOURCE = "repeated"
PROPOSED = {"PERSON": 5}
# What the scores of a name add up to in an article, by its length: short ones stand in other words.
MIN_SCORES = {2: 1.0, 3: 0.5}
LONG = max(MIN_SCORES)
_DOTS = re.compile("[·•・‧．]")
_NOT_BEFORE = re.compile(read_alternation("persons", "namesakes_repeated"))
_NOT_AFTER = ("《", "『")


def find_repeated(texts: Sequence[str], words: Sequence[Sequence[LacWord]]) -> list[list[Span]]:
    """Return where a person that one article names elsewhere stands again, in each of its texts."""
    known: dict[str, float] = defaultdict(float)
    best: dict[str, float] = {}
    some = [(text, row) for text, row in zip(texts, words, strict=True) if any(word.tag == "PERSON" for word in row)]
    for (text, _), spans in zip(some, find_labelled(*zip(*some, strict=True)) if some else (), strict=True):
        for span in spans:
            if span.label == "PERSON":
                name = text[span.start : span.end]
                for part in {name, *(one for one in _DOTS.split(name) if len(one) >= LONG)}:
                    known[part] += span.score or 0.0
                    best[part] = max(best.get(part, 0.0), span.score or 0.0)
    sure = {
        name: best[name] for name, sum_ in known.items() if len(name) > 1 and sum_ >= MIN_SCORES[min(len(name), LONG)]
    }
    by_first: dict[str, list[str]] = {}
    for name in sorted(sure, key=len, reverse=True):
        by_first.setdefault(name[0], []).append(name)
    return [list(_find_again(text, sure, by_first)) for text in texts]


def _in_words(text: str, start: int, end: int) -> bool:
    """Tell whether a short name is a word itself (高峰), or a word holds one of its borders (李强|调)."""
    first = max(0, start - LONGEST)
    near = Edit(text[first : end + LONGEST]).near(start - first, end - first)
    return any(one.is_plain and one.start < end - first and start - first < one.end for one in near)


def _find_again(text: str, known: Mapping[str, float], by_first: Mapping[str, Sequence[str]]) -> Iterator[Span]:
    reached = 0
    for start, character in enumerate(text):
        if start < reached or character not in by_first:
            continue
        found = next((name for name in by_first[character] if text.startswith(name, start)), "")
        reached = start + len(found)
        allowed = not _NOT_BEFORE.match(text, reached) and text[start - 1 : start] not in _NOT_AFTER
        if found and allowed and (len(found) >= LONG or not _in_words(text, start, reached)):
            yield Span(start, reached, "PERSON", SOURCE, known[found])


REPEATED = Annotator(SOURCE, find_repeated, proposes=PROPOSED, reads_words=True, built_in=True)
