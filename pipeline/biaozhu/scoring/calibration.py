"""What a layer's own scores are worth: reliability bins, expected calibration error, the precision-recall curve.

Correct means strict: the gold has the same boundaries and label. Spans of a layer are disjoint, so whether one is
correct does not depend on which others a threshold keeps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from biaozhu.scoring.scores import ratio

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

BINS = 10
POINTS = 200
# Scores of four decimals, as all annotators write them, are 10,001 at most. A power of two, so that nothing is rounded.
STEPS = 1 << 14


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


class ScoreTally:
    """Predicted spans with a score, counted by it.

    `by_score` holds [spans, correct ones] by distinct score, `bins` [spans, correct ones, sum of the scores].
    """

    def __init__(self, most: int | None = None) -> None:
        """With more than `most` distinct scores each is counted at the multiple of 1 / `STEPS` at or below it."""
        self.by_score: dict[float, list[int]] = {}
        self.bins: tuple[list[float], ...] = tuple([0, 0, 0.0] for _ in range(BINS))
        self.number = 0
        self.coarse = False
        self._most = most

    def add(self, score: float, correct: bool) -> int:  # noqa: FBT001 — runs for each span, keywords cost time
        """Count one span and return the number of its bin."""
        number = bin_of(score)
        bin_, self.number = self.bins[number], self.number + 1
        bin_[0] += 1
        bin_[1] += correct
        bin_[2] += score
        key = floor_of(score) if self.coarse else score
        counts = self.by_score.get(key)
        if counts is None:
            counts = self.by_score[key] = [0, 0]
            if self._most is not None and not self.coarse and len(self.by_score) > self._most:
                self._coarsen()
                counts = self.by_score[floor_of(score)]
        counts[0] += 1
        counts[1] += correct
        return number

    def _coarsen(self) -> None:
        self.coarse = True
        fine, self.by_score = self.by_score, {}
        for score, (spans, correct) in fine.items():
            counts = self.by_score.setdefault(floor_of(score), [0, 0])
            counts[0] += spans
            counts[1] += correct


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


def floor_of(score: float) -> float:
    """Return the multiple of 1 / `STEPS` at or below a score: it is at least such a threshold if the score is."""
    return math.floor(score * STEPS) / STEPS


def calibrate(scored: ScoreTally, *, unscored: int = 0) -> Calibration:
    """Put scored spans into ten bins of equal width.

    Args:
        scored: the predicted spans that have a score.
        unscored: how many have none.
    """
    counts, hits, sums = np.array(scored.bins, dtype=np.float64).T
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
    ece = ratio(float(np.abs(sums - hits).sum()), scored.number)
    return Calibration(bins, scored.number, unscored, ece)


def threshold_curve(
    by_score: Mapping[float, Sequence[int]],
    *,
    gold: int,
    unscored: int = 0,
    unscored_correct: int = 0,
) -> tuple[Point, ...]:
    """Return the points of the precision-recall curve, from the highest threshold to the lowest.

    Each distinct score is a threshold; above 200 of them, 200 spread evenly over their ranks stand for all.

    Args:
        by_score: number of spans and of strictly correct ones, by score in [0, 1].
        gold: number of gold spans.
        unscored: number of predicted spans without a score.
        unscored_correct: how many of those are strictly correct.
    """
    if not by_score:
        return ()
    ranked = sorted(by_score, reverse=True)
    sums = np.cumsum(np.array([by_score[score] for score in ranked], dtype=np.int64), axis=0)
    chosen = range(len(ranked))
    if len(ranked) > POINTS:
        chosen = np.unique(np.linspace(0, len(ranked) - 1, POINTS).round().astype(np.int64)).tolist()
    points = []
    for at in chosen:
        kept, right = int(sums[at, 0]) + unscored, int(sums[at, 1]) + unscored_correct
        points.append(
            Point(
                float(ranked[at]), kept, ratio(right, kept), ratio(right, gold), ratio(2 * right, kept + gold)
            )
        )
    return tuple(points)
