"""A tiny base model with random weights, and its emissions in plain NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from biaozhu.annotators.network.lac_data import HIDDEN, LacWeights, Layer
from recipes.base.export import export_base
from recipes.base.graph import BIGRAM_FACTOR, BaseWeights, quantise

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

TAGS = ("O", "PLACE-B", "PLACE-I", "PERSON-B", "PERSON-I")
# Rows 0 and 1 are the edge and the unknown character; １ shares the row of 1.
DICTIONARY = ("", "", "山", "河", "周", "青", "1１", "。", " \u3000")


def random_weights(
    seed: int, *, buckets: int = 11, width: int = 3, narrow: int = 6, own: bool = False, lexicon: int = 0
) -> BaseWeights:
    """Return weights; with `own` there is a LAC of its own beside the shared ones."""
    rng = np.random.default_rng(seed)

    def draw(*shape: int) -> np.ndarray:
        # Values that 8 bits with a scale hold, so that the graph has the same ones.
        values, scales = quantise(rng.normal(0, 0.3, shape).astype(np.float32))
        return values * scales

    def halves(*shape: int) -> np.ndarray:
        return rng.normal(0, 0.3, shape).astype(np.float16).astype(np.float32)

    def layer(inputs: int) -> Layer:
        return draw(2, 3 * HIDDEN, inputs), draw(2, 3 * HIDDEN, HIDDEN), draw(2, 6 * HIDDEN)

    def lac(*, reset_after: bool) -> LacWeights:
        return LacWeights(
            rng.integers(0, 5, len(DICTIONARY)).astype(np.int32),
            draw(5, HIDDEN),
            (layer(HIDDEN), layer(2 * HIDDEN)),
            reset_after,
        )

    lacs = (lac(reset_after=True), lac(reset_after=False))
    states = 2 * HIDDEN * (len(lacs) + own) + lexicon
    return BaseWeights(
        lacs,
        draw(buckets, width),
        (halves(states, narrow), draw(narrow)),
        layer(narrow + 2 * width),
        (halves(2 * HIDDEN + narrow, len(TAGS)), draw(len(TAGS))),
        lac(reset_after=True) if own else None,
        lexicon,
    )


def emissions_of(weights: BaseWeights, ids: np.ndarray, columns: np.ndarray | None = None) -> np.ndarray:
    """Return the emissions of one sentence, float of shape (time, tags), for its rows of shape (time,)."""
    shared = lac_states(weights.lacs, ids)
    if columns is not None:
        shared = np.concatenate([shared, columns], axis=1)
    own = [] if weights.tuned is None else [lac_states([weights.tuned], ids)]
    states = np.concatenate([*own, shared], axis=1)
    narrow = states @ weights.narrow[0] + weights.narrow[1]
    left, right = bigram_rows(ids[:, None].astype(np.int64), len(weights.bigrams))
    mixed = np.concatenate([narrow, weights.bigrams[left[:, 0]], weights.bigrams[right[:, 0]]], axis=1)
    last = _both(mixed, weights.layer, reset_after=True)
    return np.asarray(np.concatenate([last, narrow], axis=1) @ weights.emit[0] + weights.emit[1])


def bigram_rows(ids: np.ndarray, buckets: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the buckets of bigrams with the character before and after, of ids (time, batch), 0 beyond a sentence."""
    padded = np.pad(ids, ((1, 1), (0, 0)))
    pairs = (padded[:-1] * BIGRAM_FACTOR + padded[1:]) % buckets
    return pairs[:-1], pairs[1:]


def lac_states(lacs: Iterable[LacWeights], ids: np.ndarray) -> np.ndarray:
    """Return the states of LAC's networks side by side, float of shape (time, 256 for each)."""
    states = []
    for lac in lacs:
        values, scales = quantise(lac.embedding)
        state = (values * scales)[lac.rows[ids]]
        for layer in lac.layers:
            state = _both(state, layer, reset_after=lac.reset_after)
        states.append(state)
    return np.concatenate(states, axis=1)


def write_model(folder: Path, seed: int = 1, **facts: float) -> BaseWeights:
    weights = random_weights(seed)
    rng = np.random.default_rng(seed + 1)
    count = len(TAGS)
    scores = {
        "start": rng.normal(size=count),
        "stop": rng.normal(size=count),
        "transitions": rng.normal(size=(count, count)),
    }
    export_base(folder, weights, scores=scores, tags=TAGS, dictionary=DICTIONARY, facts=facts)
    return weights


def _both(inputs: np.ndarray, layer: Layer, *, reset_after: bool) -> np.ndarray:
    ahead = _gru(inputs, *(part[0] for part in layer), reset_after=reset_after)
    behind = _gru(inputs[::-1], *(part[1] for part in layer), reset_after=reset_after)[::-1]
    return np.concatenate([ahead, behind], axis=1)


def _gru(
    inputs: np.ndarray, into: np.ndarray, again: np.ndarray, biases: np.ndarray, *, reset_after: bool
) -> np.ndarray:
    hidden = np.zeros(HIDDEN, np.float32)
    states = []
    into_bias, again_bias = np.split(biases, 2)
    again_z, again_r, again_h = np.split(again, 3)
    bias_z, bias_r, bias_h = np.split(again_bias, 3)
    for step in inputs:
        z, r, h = np.split(into @ step + into_bias, 3)
        update = _sigmoid(z + again_z @ hidden + bias_z)
        reset = _sigmoid(r + again_r @ hidden + bias_r)
        back = reset * (again_h @ hidden + bias_h) if reset_after else again_h @ (reset * hidden) + bias_h
        hidden = (1 - update) * np.tanh(h + back) + update * hidden
        states.append(hidden)
    return np.array(states)


def _sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values))
