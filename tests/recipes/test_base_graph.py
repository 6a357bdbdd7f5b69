"""The base model's graph against plain NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from base_models import DICTIONARY, bigram_rows, emissions_of, random_weights

from biaozhu.annotators.network.runtime import make_session
from recipes.base.graph import build_base_graph, quantise


@pytest.mark.parametrize(("own", "lexicon"), [(False, 0), (True, 0), (False, 5), (True, 5)])
def test_base_graph_gives_what_plain_numpy_gives_padding_or_not(own: bool, lexicon: int) -> None:  # noqa: FBT001 — a parameter of the test
    weights = random_weights(7, own=own, lexicon=lexicon)
    session = make_session(build_base_graph(weights), 1)
    rng = np.random.default_rng(3)
    sentences = [rng.integers(1, len(DICTIONARY), size) for size in (1, 5, 12)]
    ids = np.zeros((12, 3), np.int32)
    for column, rows in enumerate(sentences):
        ids[: len(rows), column] = rows
    lengths = np.array([len(rows) for rows in sentences], np.int32)
    inputs = {"ids": ids, "lengths": lengths}
    columns = rng.integers(0, 2, (12, 3, lexicon)).astype(np.uint8)
    if lexicon:
        inputs["lexicon"] = columns
    (emissions,) = session.run(["emissions"], inputs)
    for column, rows in enumerate(sentences):
        told = columns[: len(rows), column] if lexicon else None
        expected = emissions_of(weights, rows, told)
        np.testing.assert_allclose(emissions[: len(rows), column], expected, atol=2e-3)


def test_base_graph_bigram_rows_look_one_back_and_one_ahead() -> None:
    left, right = bigram_rows(np.array([[2], [3]]), 1_000_003)
    assert left[:, 0].tolist() == [2, 2 * 31337 + 3]
    assert right[:, 0].tolist() == [2 * 31337 + 3, 3 * 31337 % 1_000_003]


def test_base_graph_quantised_rows_come_back_within_half_a_step() -> None:
    rows = np.random.default_rng(1).normal(0, 2, (50, 8)).astype(np.float32)
    rows[3] = 0
    values, scales = quantise(rows)
    assert values.dtype == np.int8
    assert (np.abs(values * scales - rows) < scales * 0.5001).all()
