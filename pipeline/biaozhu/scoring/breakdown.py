"""Strict scores by what a span or its sentence is like, and calibration of a layer's scores by strict correctness."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal, get_args

import numpy as np

from biaozhu.data.model import Sentence
from biaozhu.data.strict_counts import StrictCounts, divide

Aspect = Literal["article", "section", "sentence_length", "length", "surface", "confidence", "source"]
ASPECTS: tuple[Aspect, ...] = get_args(Aspect)
# Aspects of sentences; the others are aspects of spans.
OF_SENTENCES: frozenset[Aspect] = frozenset({"article", "section", "sentence_length"})
# Aspects of predicted spans only, so that there is no recall.
OF_PREDICTIONS: frozenset[Aspect] = frozenset({"confidence", "source"})

OUTSIDE = "O"
NO_SCORE = "none"
# The group of names that no fold of a cross-validation leaves out.
ALWAYS = ""
# Upper bounds, in characters, with the last class open.
SPAN_LENGTHS = (1, 2, 3, 4, 5, 7, 10)
SENTENCE_LENGTHS = (10, 20, 40, 60, 100)
BINS = 10
BIN_NAMES = tuple(f"{at / BINS:.1f}-{(at + 1) / BINS:.1f}" for at in range(BINS))
MOST_POINTS = 200
# Scores of four decimals, as all annotators write them, are 10,001 at most. A power of two, so that nothing is rounded.
STEPS = 1 << 14


@dataclass(frozen=True, slots=True)
class ClassScore:
    """Strict counts of one class; `gold` is None for aspects of predictions, `sentences` for aspects of spans."""

    key: str
    gold: int | None
    predicted: int
    correct: int
    sentences: int | None
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True, slots=True)
class Confusion:
    """Characters by gold label (rows) and predicted label (columns), in the order of `labels`, O last."""

    labels: tuple[str, ...]
    matrix: tuple[tuple[int, ...], ...]


@cache
def name_length_class(length: int, bounds: tuple[int, ...] = SPAN_LENGTHS) -> str:
    """Return the class of a length in characters (at least 1), such as `3`, `6-7` or `11+`."""
    low = 1
    for bound in bounds:
        if length <= bound:
            return str(bound) if bound == low else f"{low}-{bound}"
        low = bound + 1
    return f"{low}+"


def sort_classes(aspect: Aspect, keys: Iterable[str]) -> list[str]:
    """Return the names of classes in the order of reports: lengths by size, articles and sections as they come."""
    if aspect in ("length", "sentence_length"):
        return sorted(keys, key=lambda key: int(key.rstrip("+").partition("-")[0]))
    # "none" and "unseen" come last in the alphabet, too.
    return list(keys) if aspect in ("article", "section") else sorted(keys)


def score_classes(aspect: Aspect, classes: Mapping[str, Sequence[int]]) -> tuple[ClassScore, ...]:
    """Return the scores of an aspect's classes, given as [sentences, gold, predicted, correct]."""
    found, known = [], aspect not in OF_PREDICTIONS
    for key in sort_classes(aspect, classes):
        sentences, gold, predicted, correct = classes[key]
        of = StrictCounts(gold, predicted, correct)
        own = sentences if aspect in OF_SENTENCES else None
        figures = (of.precision, of.recall, of.f1) if known else (of.precision, None, None)
        found.append(ClassScore(key, gold if known else None, predicted, correct, own, *figures))
    return tuple(found)


class SeenNames:
    """The names in layers that a model was trained on, and by group in gold that it was cross-validated on.

    It knows a sentence by what is left without its names, too: a template filled with other names shows little that is new.
    """

    def __init__(
        self,
        trained: Iterable[Sequence[Sentence]],
        *,
        held_out: Sequence[Sentence] = (),
        groups: Mapping[str, str] | None = None,
    ) -> None:
        self._groups = groups or {}
        self._places: defaultdict[str, set[str]] = defaultdict(set)
        self._frames: defaultdict[str, set[str]] = defaultdict(set)
        for sentence, group in [
            *((sentence, ALWAYS) for layer in trained for sentence in layer),
            *((sentence, self._groups[sentence.id]) for sentence in held_out),
        ]:
            self._frames[_cut_names(sentence)].add(group)
            for span in sentence.spans:
                self._places[sentence.text[span.start : span.end]].add(group)

    def knows(self, identifier: str, name: str) -> bool:
        """Tell whether the model that annotated a sentence has seen this name."""
        return not self._places.get(name, set()) <= {self._groups.get(identifier)}

    def knows_sentence(self, sentence: Sentence) -> bool:
        """Tell whether the model that annotated a sentence of the gold has seen one that differs in names at most."""
        return not self._frames.get(_cut_names(sentence), set()) <= {self._groups.get(sentence.id)}


def _cut_names(sentence: Sentence) -> str:
    frame, reached = "", 0
    for span in sentence.spans:
        frame += f"{sentence.text[reached : span.start]}[{span.label}]"
        reached = span.end
    return frame + sentence.text[reached:]


@dataclass(frozen=True, slots=True)
class ScoreBin:
    """Predicted spans whose score is in [low, high), the last bin with 1; `precision` is the share that is correct."""

    low: float
    high: float
    count: int
    correct: int
    mean_score: float | None
    precision: float | None


class ScoreTally:
    """Predicted spans by score: `by_score` [spans, correct ones], `bins` [spans, correct ones, sum of the scores]."""

    def __init__(self, most: float = math.inf) -> None:
        """With more than `most` distinct scores each is counted at the multiple of 1 / `STEPS` at or below it."""
        self.by_score: dict[float, list[int]] = {}
        self.bins: tuple[list[float], ...] = tuple([0, 0, 0.0] for _ in range(BINS))
        self.coarse = False
        self._most = most

    def add(self, score: float, correct: bool) -> int:  # noqa: FBT001 — runs for each span, keywords cost time
        """Count one span and return the number of its bin."""
        number = min(int(score * BINS), BINS - 1)
        bin_ = self.bins[number]
        bin_[0] += 1
        bin_[1] += correct
        bin_[2] += score
        self._count(score, 1, correct)
        if not self.coarse and len(self.by_score) > self._most:
            fine, self.by_score, self.coarse = self.by_score, {}, True
            for each, counts in fine.items():
                self._count(each, *counts)
        return number

    def _count(self, score: float, spans: int, correct: int) -> None:
        # A score is at least a multiple of the step exactly if the rounded one is.
        key = math.floor(score * STEPS) / STEPS if self.coarse else score
        counts = self.by_score.setdefault(key, [0, 0])
        counts[0] += spans
        counts[1] += correct


@dataclass(frozen=True, slots=True)
class Calibration:
    """The reliability diagram and expected calibration error (Naeini et al. 2015), None without scored spans."""

    ece: float | None
    scored: int
    unscored: int
    bins: tuple[ScoreBin, ...]


@dataclass(frozen=True, slots=True)
class ThresholdPoint:
    """Strict figures when only spans with a score of at least `threshold`, and those without one, are kept."""

    threshold: float
    kept: int
    precision: float | None
    recall: float | None
    f1: float | None


def measure_calibration(scored: ScoreTally, *, unscored: int = 0) -> Calibration:
    """Put scored spans into ten bins of equal width; `unscored` is how many have no score."""
    bins = tuple(
        ScoreBin(at / BINS, (at + 1) / BINS, int(count), int(hits), divide(total, count), divide(hits, count))
        for at, (count, hits, total) in enumerate(scored.bins)
    )
    gaps, number = np.abs([total - hits for _, hits, total in scored.bins]), sum(one.count for one in bins)
    return Calibration(divide(float(gaps.sum()), number), number, unscored, bins)


def trace_thresholds(
    by_score: Mapping[float, Sequence[int]], *, gold: int, unscored: Sequence[int] = (0, 0)
) -> tuple[ThresholdPoint, ...]:
    """Return the points of the precision-recall curve, from the highest threshold to the lowest; at most 200, by rank.

    `by_score` are spans and strictly correct ones; `unscored` the same of spans without a score, which are always kept.
    """
    if not by_score:
        return ()
    ranked = sorted(by_score, reverse=True)
    sums = np.cumsum(np.array([by_score[score] for score in ranked], dtype=np.int64), axis=0) + unscored
    ranks = np.linspace(0, len(ranked) - 1, min(len(ranked), MOST_POINTS))
    points = []
    for at in np.unique(ranks.round().astype(np.int64)).tolist():
        counts = StrictCounts(gold, *sums[at].tolist())
        figures = (counts.predicted, counts.precision, counts.recall, counts.f1)
        points.append(ThresholdPoint(float(ranked[at]), *figures))
    return tuple(points)
