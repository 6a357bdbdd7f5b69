"""The same words labelled in one place and left out, labelled otherwise or cut otherwise in another.

Of the occurrences of a surface form in a layer, a minority is in doubt where most others, or one with the same
neighbours, say something else.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from biaozhu.curation.doubts import Doubt, make_doubt
from biaozhu.data.model import Sentence, Span
from biaozhu.knowledge.names import make_finder

OUTSIDE = ""
SHORTEST_CHARS = 2
# So many occurrences must agree before they speak against another, and so large must their share be.
LEAST_VOTES, LEAST_SHARE = 2, 0.7
SAME_NEIGHBOURS = 3  # What one occurrence with the same neighbours counts.
# Words of the same form are often something else: this check weighs half alone. Chosen with `python benchmarks/doubt.py`
# on other samples than those of its published figures, as is ABSENCE_WEIGHT.
WEIGHT = 0.5
# How often a surface form has each label (OUTSIDE: none); also by its neighbours, as a key beside it.
_Votes = defaultdict[Any, Counter[str]]


class _Occurrence(NamedTuple):
    """Occurrence of a surface form: its place and text, the characters around it, its label, and the spans that overlap it."""

    sentence: Sentence
    start: int
    end: int
    text: str
    neighbours: tuple[str, str]
    label: str
    over: tuple[Span, ...]


def find_inconsistent(layer: Sequence[Sentence]) -> Iterator[Doubt]:
    """Yield a doubt for each occurrence of a labelled surface form that most others, or a like one, contradict."""
    every = (sentence.text[span.start : span.end] for sentence in layer for span in sentence.spans)
    surfaces = {text for text in every if len(text) >= SHORTEST_CHARS}
    if not surfaces:
        return
    votes: _Votes = defaultdict(Counter)
    occurrences = list(_find_occurrences(layer, surfaces))
    for one in occurrences:
        if one.label or not one.over:
            votes[one.text][one.label] += 1
            votes[one.text, one.neighbours][one.label] += 1
    for one in occurrences:
        doubt = _border_doubt(one, votes) if one.over and not one.label else _label_doubt(one, votes)
        if doubt is not None:
            yield doubt


def _find_occurrences(layer: Sequence[Sentence], surfaces: set[str]) -> Iterator[_Occurrence]:
    find = make_finder(surfaces)
    for sentence in layer:
        text = sentence.text
        starts, ends = [span.start for span in sentence.spans], [span.end for span in sentence.spans]
        for start, end in find(text):
            over = sentence.spans[bisect_left(ends, start + 1) : bisect_left(starts, end)]
            exact = len(over) == 1 and (over[0].start, over[0].end) == (start, end)
            neighbours = text[:start][-1:], text[end : end + 1]
            label = over[0].label if exact else OUTSIDE
            yield _Occurrence(sentence, start, end, text[start:end], neighbours, label, over)


def _label_doubt(one: _Occurrence, votes: _Votes) -> Doubt | None:
    labels, near = votes[one.text], votes[one.text, one.neighbours]
    # Neighbours at a sentence's edge say less: they are the same everywhere.
    weight = SAME_NEIGHBOURS if all(one.neighbours) else 1
    share, rival, count = 0.0, OUTSIDE, 0
    for label in labels.keys() - {one.label}:
        given, own = labels[label], labels[one.label] - 1
        if near[label]:
            given += weight * near[label]
            own += weight * (near[one.label] - 1)
        share, rival, count = max((share, rival, count), (given / (given + own + 1), label, given))
    if count < LEAST_VOTES or share < LEAST_SHARE:
        return None
    right = [Span(one.start, one.end, rival)] if rival else []
    said = f"{one.label or 'no label'} here, {rival or 'none'} in {labels[rival]} places"
    reason, score = f"{one.text}: {said}", _rank_share(count, share)
    return make_doubt(one.sentence, one.over, right, reason=reason, score=score, by="surface")


def _border_doubt(one: _Occurrence, votes: _Votes) -> Doubt | None:
    """Doubt a span that has one border of a frequent surface form, and is itself labelled nowhere else."""
    if len(one.over) != 1:
        return None
    span = one.over[0]
    there = one.sentence.text[span.start : span.end]
    if (span.start != one.start and span.end != one.end) or votes[there][span.label] > 1:
        return None
    others = votes[one.text]
    count = others[span.label]
    share = count / (sum(others.values()) + 1)
    longer = span.end - span.start > one.end - one.start
    if count < LEAST_VOTES or share < LEAST_SHARE or (longer and not _is_loose(one, span, votes)):
        return None
    said = f"{there} only here, {one.text} as {span.label} in {count} places"
    right = [Span(one.start, one.end, span.label)]
    # A longer name is often another one (河北|河北省): less sure.
    score = _rank_share(count, share) * (0.5 if longer else 1)
    return make_doubt(one.sentence, one.over, right, reason=said, score=score, by="surface")


def _is_loose(one: _Occurrence, span: Span, votes: _Votes) -> bool:
    """Tell whether what a span has beyond the surface form is a name of its own, or a single character."""
    text = one.sentence.text
    rest = text[one.end : span.end] if span.start == one.start else text[span.start : one.start]
    return len(rest) == 1 or (rest in votes and votes[rest][span.label] > 0)


def _rank_share(count: int, share: float) -> float:
    return WEIGHT * share * count / (count + 1)
