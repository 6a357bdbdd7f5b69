"""Calibrating the base model on dev: one temperature for its scores, and the least probability of a span that is given.

Temperature: Guo et al. 2017, "On Calibration of Modern Neural Networks". All scores are divided by it, so the best
sequence stays the best one and only the probabilities of the spans change. Least probability: the best sequence also
holds spans that are more likely wrong than right, where several others share the rest; F1 is highest when they are left
out (Lipton, Elkan and Narayanaswamy 2014, "Optimal Thresholding of Classifiers to Maximize F1 Measure").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from biaozhu.annotators.network.crf_decoding import make_chain
from recipes.base.data import MICRO, Example, f1_by_label
from recipes.base.network import BaseNetwork
from recipes.base.train import Vocabulary, emissions_of, found_spans, gold_spans, scores_of

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


def calibrate(networks: Sequence[BaseNetwork], vocabulary: Vocabulary, dev: Sequence[Example]) -> Calibration:
    """Choose the temperature by the log-loss of whether a found span is right, then the least probability by F1."""
    batches = list(emissions_of(networks, vocabulary, dev))
    gold = {(at, *span) for at, (batch, _) in enumerate(batches) for span in gold_spans(batch, vocabulary.tags)}

    def find(temperature: float) -> dict[tuple[int, int, int, int, str], float]:
        chain = make_chain(vocabulary.tags, **scores_of(networks, temperature))
        cooled = ((batch, emissions / np.float32(temperature)) for batch, emissions in batches)
        return {(at, *span): score for at, one in enumerate(cooled) for span, score in found_spans(chain, *one)}

    def f1(min_score: float) -> dict[str, float]:
        return f1_by_label(gold, {span for span, score in tried[temperature].items() if score >= min_score})

    def loss(temperature: float) -> float:
        chances = [score if span in gold else 1 - score for span, score in tried[temperature].items()]
        return float(-np.log(np.maximum(chances, _SMALLEST)).mean()) if chances else 0.0

    tried = {temperature: find(temperature) for temperature in TEMPERATURES}
    temperature = min(TEMPERATURES, key=loss)
    min_score = max(MIN_SCORES, key=lambda one: f1(one)[MICRO])
    return Calibration(temperature, min_score, f1(min_score))
