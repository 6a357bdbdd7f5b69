"""A doubt: a place of a layer that is likely wrong, why, and what may be right there; doubts joined and ranked."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import groupby
from math import prod
from typing import TYPE_CHECKING

from biaozhu.data.model import Sentence, Span, with_spans

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


SCORE_DIGITS = 4
SOURCE = "doubt"


@dataclass(frozen=True, slots=True)
class Doubt:
    """A stretch of a sentence, in code points, whose labels are likely wrong.

    `reason` is in words, with the guideline's rule where one is broken; `score` ranks by how likely it is an error and is no
    calibrated probability; `right` are the spans that should stand instead of those that touch the stretch; `by` the checks
    that found it: `lint`, `surface`, `model`.
    """

    sentence: str
    start: int
    end: int
    reason: str
    score: float
    right: tuple[Span, ...] = ()
    by: tuple[str, ...] = ()


def rank_doubts(found: Iterable[Doubt]) -> tuple[Doubt, ...]:
    """Join the doubts that overlap, and return the likeliest errors first.

    Checks that agree count as independent: the joined score is `1 - (1 - a)(1 - b)…`, of each check its best. What is
    right there is said by the likeliest of them.
    """
    ordered = sorted(found, key=lambda one: (one.sentence, one.start, one.end))
    joined = [
        _join(group)
        for _, same in groupby(ordered, key=lambda one: one.sentence)
        for group in _overlapping(list(same))
    ]
    return tuple(sorted(joined, key=lambda one: (-one.score, one.sentence, one.start)))


def apply_doubts(layer: Sequence[Sentence], doubts: Iterable[Doubt]) -> tuple[Sentence, ...]:
    """Return the layer as it would be if all doubts were right: what `adjudicate` sets beside the layer itself."""
    by_sentence: dict[str, list[Doubt]] = {}
    for one in doubts:
        by_sentence.setdefault(one.sentence, []).append(one)
    return tuple(_applied(sentence, by_sentence.get(sentence.id, ())) for sentence in layer)


def doubted_spans(sentence: Sentence, doubt: Doubt) -> tuple[Span, ...]:
    """Return the spans of the sentence that a doubt is about."""
    return tuple(span for span in sentence.spans if span.start < doubt.end and doubt.start < span.end)


def make_doubt(
    sentence: Sentence, wrong: Sequence[Span], right: Sequence[Span], *, reason: str, score: float, by: str
) -> Doubt:
    """Return the doubt that some spans should not stand, and others should."""
    every = (*wrong, *right)
    start, end = min(span.start for span in every), max(span.end for span in every)
    there = tuple(Span(*span.key, f"{SOURCE}:{by}", span.score) for span in right)
    return Doubt(sentence.id, start, end, reason, round(score, SCORE_DIGITS), there, (by,))


def count_by_check(doubts: Iterable[Doubt]) -> Mapping[str, int]:
    """Count the doubts that each check found."""
    return dict(sorted(Counter(name for one in doubts for name in one.by).items()))


def _overlapping(doubts: list[Doubt]) -> Iterable[list[Doubt]]:
    group: list[Doubt] = []
    reached = 0
    for one in doubts:
        if group and one.start >= reached:
            yield group
            group = []
        group.append(one)
        reached = max(reached, one.end)
    if group:
        yield group


def _join(group: list[Doubt]) -> Doubt:
    ranked = sorted(group, key=lambda one: -one.score)
    best: dict[str, float] = {}
    for one in ranked:
        for name in one.by:
            best.setdefault(name, one.score)
    score = round(1 - prod(1 - one for one in sorted(best.values())), SCORE_DIGITS)
    right: list[Span] = []
    settled: list[Doubt] = []
    for one in ranked:
        # A weaker doubt says what is right only where no stronger one has said it.
        if not any(one.start < other.end and other.start < one.end for other in settled):
            settled.append(one)
            right += one.right
    reasons = "; ".join(dict.fromkeys(one.reason for one in ranked))
    start, end = min(one.start for one in group), max(one.end for one in group)
    return Doubt(ranked[0].sentence, start, end, reasons, score, tuple(sorted(right)), tuple(sorted(best)))


def _applied(sentence: Sentence, doubts: Sequence[Doubt]) -> Sentence:
    if not doubts:
        return sentence
    doubted = {span.key for one in doubts for span in doubted_spans(sentence, one)}
    kept = [span for span in sentence.spans if span.key not in doubted]
    return with_spans(sentence, [*kept, *(span for one in doubts for span in one.right)])
