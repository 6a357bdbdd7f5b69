"""A tiny base model with random weights, and its emissions in plain NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.annotators.base_graph import HIDDEN, BaseWeights, bigram_rows
from pipeline.training.base_export import export_base

if TYPE_CHECKING:
    from pathlib import Path

TAGS = ("O", "PLACE-B", "PLACE-I", "PERSON-B", "PERSON-I")
# Rows 0 and 1 are the edge and the unknown character; １ shares the row of 1.
DICTIONARY = ("", "", "山", "河", "周", "青", "1１", "。", " \u3000")


def random_weights(
    seed: int, *, characters: int = len(DICTIONARY), buckets: int = 11, width: int = 3
) -> BaseWeights:
    rng = np.random.default_rng(seed)

    def draw(*shape: int) -> np.ndarray:
        return rng.normal(0, 0.4, shape).astype(np.float16).astype(np.float32)

    layers = tuple(
        (draw(2, 3 * HIDDEN, inputs), draw(2, 3 * HIDDEN, HIDDEN), draw(2, 6 * HIDDEN))
        for inputs in (HIDDEN + 2 * width, 2 * HIDDEN)
    )
    return BaseWeights(
        draw(characters, HIDDEN), draw(buckets, width), layers, draw(2 * HIDDEN, len(TAGS)), draw(len(TAGS))
    )


def emissions_of(weights: BaseWeights, ids: np.ndarray) -> np.ndarray:
    """Return the emissions of one sentence, float of shape (time, tags), for its rows of shape (time,)."""
    left, right = bigram_rows(ids[:, None].astype(np.int64), len(weights.bigrams))
    state = np.concatenate(
        [weights.characters[ids], weights.bigrams[left[:, 0]], weights.bigrams[right[:, 0]]], axis=1
    )
    for inputs, recurrents, biases in weights.layers:
        ahead = _gru(state, inputs[0], recurrents[0], biases[0])
        behind = _gru(state[::-1], inputs[1], recurrents[1], biases[1])[::-1]
        state = np.concatenate([ahead, behind], axis=1)
    return state @ weights.projection + weights.bias


def write_model(folder: Path, seed: int = 1) -> BaseWeights:
    weights = random_weights(seed)
    rng = np.random.default_rng(seed + 1)
    count = len(TAGS)
    scores = {
        "start": rng.normal(size=count),
        "stop": rng.normal(size=count),
        "transitions": rng.normal(size=(count, count)),
    }
    export_base(folder, weights, scores=scores, tags=TAGS, dictionary=DICTIONARY, facts={})
    return weights


def _gru(inputs: np.ndarray, into: np.ndarray, again: np.ndarray, biases: np.ndarray) -> np.ndarray:
    hidden = np.zeros(HIDDEN, np.float32)
    states = []
    into_bias, again_bias = np.split(biases, 2)
    for step in inputs:
        z, r, h = np.split(into @ step + into_bias, 3)
        rz, rr, rh = np.split(again @ hidden + again_bias, 3)
        update, reset = _sigmoid(z + rz), _sigmoid(r + rr)
        hidden = (1 - update) * np.tanh(h + reset * rh) + update * hidden
        states.append(hidden)
    return np.array(states)


def _sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values))
