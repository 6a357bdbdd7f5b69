"""Calibrating the base model on dev: one temperature for its scores, and the least probability of a span that is given.

Temperature: Guo et al. 2017, "On Calibration of Modern Neural Networks". All scores are divided by it, so the best
sequence stays the best one and only the probabilities of the spans change. Least probability: the best sequence also
holds spans that are more likely wrong than right, where several others share the rest; F1 is highest when they are left
out (Lipton, Elkan and Narayanaswamy 2014, "Optimal Thresholding of Classifiers to Maximize F1 Measure").
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from biaozhu.annotators.network.crf_decoding import decode, make_chain
from biaozhu.data.strict_counts import StrictCounts
from recipes.base.train import emissions_of, gold_spans, scores_of

if TYPE_CHECKING:
    from recipes.base.data import Batch, Example
    from recipes.base.network import BaseNetwork
    from recipes.base.train import Vocabulary

# From sharper to flatter by an eighth each.
TEMPERATURES = tuple(round(0.8 * 1.125**step, 3) for step in range(8))
MIN_SCORES = (0.0, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6)
_SMALLEST = 1e-6


@dataclass(frozen=True, slots=True)
class Calibration:
    """Settings chosen on dev, and strict F1 there with them: of each label, and `micro`."""

    temperature: float
    min_score: float
    scores: dict[str, float]


@dataclass(frozen=True, slots=True)
class _Found:
    """The spans that are found under one temperature, as parallel arrays."""

    labels: np.ndarray
    probabilities: np.ndarray
    right: np.ndarray

    def loss(self) -> float:
        chances = np.where(self.right, self.probabilities, 1 - self.probabilities)
        return float(-np.log(np.maximum(chances, _SMALLEST)).mean()) if len(chances) else 0.0

    def f1(self, gold: Counter[str], min_score: float) -> dict[str, float]:
        kept = self.probabilities >= min_score
        scores = {}
        for name, wanted in [*sorted(gold.items()), ("micro", gold.total())]:
            chosen = kept if name == "micro" else kept & (self.labels == name)
            counts = StrictCounts(wanted, int(chosen.sum()), int((chosen & self.right).sum()))
            scores[name] = counts.f1 or 0.0
        return scores


def calibrate(networks: Sequence[BaseNetwork], vocabulary: Vocabulary, dev: Sequence[Example]) -> Calibration:
    """Choose the temperature by the log-loss of whether a found span is right, then the least probability by F1."""
    batches = [
        (batch, emissions, gold_spans(batch, vocabulary.tags))
        for batch, emissions in emissions_of(networks, vocabulary, dev)
    ]
    gold = Counter(label for _, _, spans in batches for *_, label in spans)
    tried = {
        temperature: _found(batches, vocabulary.tags, scores_of(networks, temperature), temperature)
        for temperature in TEMPERATURES
    }
    temperature = min(tried, key=lambda one: tried[one].loss())
    min_score = max(MIN_SCORES, key=lambda one: tried[temperature].f1(gold, one)["micro"])
    return Calibration(temperature, min_score, tried[temperature].f1(gold, min_score))


def _found(
    batches: Sequence[tuple[Batch, np.ndarray, set[tuple[int, int, int, str]]]],
    tags: Sequence[str],
    scores: dict[str, np.ndarray],
    temperature: float,
) -> _Found:
    chain = make_chain(tags, **scores)
    labels, probabilities, right = [], [], []
    for batch, emissions, gold in batches:
        words = decode(chain, emissions / np.float32(temperature), batch.lengths)
        columns = (words.sentence, words.start, words.end, words.tag, words.score)
        for sentence, start, end, tag, score in zip(*columns, strict=True):
            label = chain.kinds[tag]
            if label != "O":
                labels.append(label)
                probabilities.append(float(score))
                right.append((int(sentence), int(start), int(end), label) in gold)
    return _Found(np.array(labels, str), np.array(probabilities, float), np.array(right, bool))
