"""A doubt: a place of a layer that is likely wrong, why, and what may be right there; doubts joined and ranked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod
from typing import TypeVar

from biaozhu.data.model import Sentence, Span, with_spans

SCORE_DIGITS = 4
SOURCE = "doubt"
Place = TypeVar("Place", Span, "Doubt")


@dataclass(frozen=True, slots=True)
class Doubt:
    """A stretch of a sentence, in code points, whose labels are likely wrong.

    `reason` names the guideline's rule where one is broken; `score` ranks and is no calibrated probability; `right` are the
    spans to stand instead of those that touch one of its `places`, which are all of the stretch or, of joined doubts, what
    the likeliest of them say; `by` are the checks that found it: `lint`, `surface`, `model`.
    """

    sentence: str
    start: int
    end: int
    reason: str
    score: float
    places: tuple[tuple[int, int], ...]
    right: tuple[Span, ...] = ()
    by: tuple[str, ...] = ()

    def find_wrong(self, spans: Iterable[Span]) -> list[Span]:
        """Return those of its sentence's spans that should not stand."""
        return [one for one in spans if any(one.start < end and start < one.end for start, end in self.places)]


def rank_doubts(found: Iterable[Doubt]) -> tuple[Doubt, ...]:
    """Join the doubts that overlap, and return the likeliest errors first.

    Checks count as independent: the joined score is `1 - (1 - a)(1 - b)…`, of each check its best. The likeliest says what
    is right.
    """
    groups: list[list[Doubt]] = []
    for one in sorted(found, key=lambda one: (one.sentence, one.start, one.end)):
        last = groups[-1] if groups else []
        if any(other.sentence == one.sentence and one.start < other.end for other in last):
            last.append(one)
        else:
            groups.append([one])
    return tuple(sorted(map(_join_doubts, groups), key=lambda one: (-one.score, one.sentence, one.start)))


def apply_doubts(layer: Sequence[Sentence], doubts: Iterable[Doubt]) -> tuple[Sentence, ...]:
    """Return the layer as it would be if all doubts were right: what `adjudicate` sets beside the layer itself."""
    by_sentence: dict[str, list[Doubt]] = defaultdict(list)
    for one in doubts:
        by_sentence[one.sentence].append(one)
    applied = []
    for sentence in layer:
        own = by_sentence[sentence.id]
        wrong = {span for one in own for span in one.find_wrong(sentence.spans)}
        kept = [span for span in sentence.spans if span not in wrong]
        applied.append(with_spans(sentence, [*kept, *(span for one in own for span in one.right)]))
    return tuple(applied)


def overlapping(place: Span | Doubt, others: Iterable[Place]) -> list[Place]:
    """Return those of other spans or doubts of a sentence that overlap one."""
    return [one for one in others if one.start < place.end and place.start < one.end]


def make_doubt(
    sentence: Sentence, wrong: Sequence[Span], right: Sequence[Span], *, reason: str, score: float, by: str
) -> Doubt:
    """Return the doubt that some spans should not stand, and others should."""
    every = (*wrong, *right)
    start, end = min(span.start for span in every), max(span.end for span in every)
    there = tuple(Span(*span.key, f"{SOURCE}:{by}", span.score) for span in right)
    return Doubt(sentence.id, start, end, reason, round(score, SCORE_DIGITS), ((start, end),), there, (by,))


def _join_doubts(group: list[Doubt]) -> Doubt:
    ranked = sorted(group, key=lambda one: -one.score)
    best = {name: one.score for one in reversed(ranked) for name in one.by}
    score = round(1 - prod(1 - one for one in sorted(best.values())), SCORE_DIGITS)
    settled: list[Doubt] = []
    for one in ranked:
        # A weaker doubt says what is right only where no stronger one has said it.
        if not overlapping(one, settled):
            settled.append(one)
    right = sorted(span for one in settled for span in one.right)
    reasons = "; ".join(dict.fromkeys(one.reason for one in ranked))
    start, end = min(one.start for one in group), max(one.end for one in group)
    # What only a weaker one doubts stays: its correction is not among what is right, either.
    places = tuple(place for one in settled for place in one.places)
    return Doubt(ranked[0].sentence, start, end, reasons, score, places, tuple(right), tuple(sorted(best)))
