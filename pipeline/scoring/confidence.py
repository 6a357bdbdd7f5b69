"""What a layer's own scores are worth: reliability bins, expected calibration error, the precision-recall curve.

Correct means strict: the gold has the same boundaries and label. Spans of a layer are disjoint, so whether one is
correct does not depend on which others a threshold keeps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipeline.scoring.scores import ratio

if TYPE_CHECKING:
    from collections.abc import Sequence

BINS = 10
POINTS = 200


@dataclass(frozen=True, slots=True)
class Bin:
    """Predicted spans whose score lies in [low, high), the last bin up to and with 1."""

    low: float
    high: float
    count: int
    correct: int
    mean_score: float | None

    @property
    def precision(self) -> float | None:
        """The share that is correct; a calibrated layer has it close to `mean_score`."""
        return ratio(self.correct, self.count)


@dataclass(frozen=True, slots=True)
class Calibration:
    """The reliability diagram, and the expected calibration error (Naeini et al. 2015) over the scored spans.

    `ece` is the mean of |mean score - precision| over bins, weighted by count; None where no span has a score.
    """

    bins: tuple[Bin, ...]
    scored: int
    unscored: int
    ece: float | None


@dataclass(frozen=True, slots=True)
class Point:
    """Strict precision, recall and F1 when only spans with a score of at least `threshold` are kept.

    Spans without a score are kept at every threshold.
    """

    threshold: float
    kept: int
    precision: float | None
    recall: float | None
    f1: float | None


def bin_of(score: float) -> int:
    """Return the number of the bin that a score in [0, 1] falls into, from 0."""
    return min(int(score * BINS), BINS - 1)


def calibrate(
    scores: Sequence[float], correct: Sequence[bool] | bytearray, *, unscored: int = 0
) -> Calibration:
    """Put scored spans into ten bins of equal width.

    Args:
        scores: in [0, 1], one a predicted span.
        correct: whether that span is strictly correct.
        unscored: how many predicted spans have no score.
    """
    number = [bin_of(score) for score in scores]
    counts = np.bincount(number, minlength=BINS)
    hits = np.bincount(number, weights=np.asarray(correct, dtype=np.float64), minlength=BINS)
    sums = np.bincount(number, weights=np.asarray(scores, dtype=np.float64), minlength=BINS)
    bins = tuple(
        Bin(
            at / BINS,
            (at + 1) / BINS,
            int(counts[at]),
            int(hits[at]),
            ratio(float(sums[at]), int(counts[at])),
        )
        for at in range(BINS)
    )
    ece = ratio(float(np.abs(sums - hits).sum()), len(scores))
    return Calibration(bins, len(scores), unscored, ece)


def threshold_curve(
    scores: Sequence[float],
    correct: Sequence[bool] | bytearray,
    *,
    gold: int,
    unscored: int = 0,
    unscored_correct: int = 0,
) -> tuple[Point, ...]:
    """Return the points of the precision-recall curve, from the highest threshold to the lowest.

    Each distinct score is a threshold; above 200 of them, 200 spread evenly over their ranks stand for all.

    Args:
        scores: of the predicted spans that have one, in [0, 1].
        correct: whether that span is strictly correct.
        gold: number of gold spans.
        unscored: number of predicted spans without a score.
        unscored_correct: how many of those are strictly correct.
    """
    if not len(scores):
        return ()
    order = np.argsort(-np.asarray(scores, dtype=np.float64), kind="stable")
    ranked = np.asarray(scores, dtype=np.float64)[order]
    hits = np.cumsum(np.asarray(correct, dtype=np.int64)[order])
    last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    if len(last) > POINTS:
        last = last[np.unique(np.linspace(0, len(last) - 1, POINTS).round().astype(np.int64))]
    points = []
    for at in last:
        kept, right = int(at) + 1 + unscored, int(hits[at]) + unscored_correct
        points.append(
            Point(
                float(ranked[at]), kept, ratio(right, kept), ratio(right, gold), ratio(2 * right, kept + gold)
            )
        )
    return tuple(points)
