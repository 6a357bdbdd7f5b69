from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biaozhu.nlp.crf import (
    START,
    STOP,
    Tagging,
    best_path,
    decode,
    encode,
    forward_backward,
    loss_and_gradients,
    make_rows,
    make_tagging,
    span_probabilities,
)

TAGGING = make_tagging(["A"])


def every_path(tagging: Tagging, chain: np.ndarray, emissions: np.ndarray) -> dict[tuple[int, ...], float]:
    """The score of each well-formed path of one sentence, by enumeration."""
    found = {}
    for path in product(range(len(tagging.tags)), repeat=len(emissions)):
        steps = [
            (START, path[0]),
            *((2 + a, b) for a, b in pairwise(path)),
            (STOP, path[-1]),
        ]
        if all(tagging.allowed[step] for step in steps):
            found[path] = sum(chain[step] for step in steps) + sum(
                emissions[i, tag] for i, tag in enumerate(path)
            )
    return found


def drawn(lengths: list[int], seed: int, tagging: Tagging = TAGGING) -> tuple[np.ndarray, np.ndarray]:
    source = np.random.default_rng(seed)
    tags = len(tagging.tags)
    return source.normal(0, 2, (2 + tags, tags)), source.normal(0, 3, (sum(lengths), tags))


def spans_of(length: int) -> st.SearchStrategy[list[tuple[int, int, str]]]:
    def paired(cuts: list[int]) -> list[tuple[int, int, str]]:
        borders = sorted(set(cuts))
        return [(a, b, "AB"[a % 2]) for a, b in zip(borders[::2], borders[1::2], strict=False)]

    return st.lists(st.integers(0, length), max_size=8).map(paired)


def test_crf_tags_follow_only_what_they_may() -> None:
    tagging = make_tagging(["B", "A", "A"])
    assert tagging.labels == ("A", "B")
    allowed = {
        (one, other)
        for i, one in enumerate(tagging.tags)
        for j, other in enumerate(tagging.tags)
        if tagging.allowed[2 + i, j]
    }
    assert ("B-A", "E-A") in allowed
    assert ("I-A", "I-A") in allowed
    assert ("E-A", "B-A") in allowed
    assert not allowed & {("B-A", "E-B"), ("B-A", "O"), ("O", "I-A"), ("S-A", "E-A"), ("I-B", "B-B")}
    assert [tag for tag, may in zip(tagging.tags, tagging.allowed[STOP], strict=True) if not may] == [
        "B-A", "I-A", "B-B", "I-B",
    ]  # fmt: skip


@given(st.data(), st.integers(1, 30))
def test_crf_encode_and_decode_give_back_the_spans(data: st.DataObject, length: int) -> None:
    spans = data.draw(spans_of(length))
    tagging = make_tagging(["A", "B"])
    assert decode(tagging, encode(tagging, length, spans)) == spans


@pytest.mark.parametrize("lengths", [[1], [4], [4, 3, 3, 1]])
def test_crf_agrees_with_enumeration(lengths: list[int]) -> None:
    chain, emissions = drawn(lengths, seed=len(lengths))
    rows = make_rows(lengths)
    passed = forward_backward(TAGGING, chain, emissions, rows)
    path = best_path(TAGGING, chain, emissions, rows)
    log_z = 0.0
    for first, length in zip(rows.firsts.tolist(), lengths, strict=True):
        scores = every_path(TAGGING, chain, emissions[first : first + length])
        total = np.logaddexp.reduce(list(scores.values()))
        log_z += total
        assert tuple(path[first : first + length].tolist()) == max(scores, key=scores.__getitem__)
        for place in range(length):
            for tag in range(len(TAGGING.tags)):
                share = sum(np.exp(score - total) for one, score in scores.items() if one[place] == tag)
                assert passed.marginals[first + place, tag] == pytest.approx(share, abs=1e-9)
        for start, end, label in decode(TAGGING, path[first : first + length]):
            wanted = tuple(encode(TAGGING, length, [(start, end, label)])[start:end].tolist())
            share = sum(np.exp(score - total) for one, score in scores.items() if one[start:end] == wanted)
            (found,) = span_probabilities(TAGGING, chain, passed, path, [(first + start, first + end)])
            assert found == pytest.approx(share, abs=1e-9)
    assert passed.log_z == pytest.approx(log_z)


def test_crf_gradient_is_that_of_finite_differences() -> None:
    lengths = [5, 4, 2]
    chain, emissions = drawn(lengths, seed=7)
    rows = make_rows(lengths)
    path = np.concatenate(
        [encode(TAGGING, 5, [(1, 4, "A")]), encode(TAGGING, 4, [(0, 1, "A")]), encode(TAGGING, 2, [])]
    )
    loss, by_emission, by_chain = loss_and_gradients(TAGGING, chain, emissions, rows, path)
    assert loss > 0
    step = 1e-6
    for array, gradient, skip in ((emissions, by_emission, None), (chain, by_chain, ~TAGGING.allowed)):
        for place in np.ndindex(array.shape):
            if skip is not None and skip[place]:
                assert gradient[place] == pytest.approx(0, abs=1e-12)
                continue
            before = array[place]
            array[place] = before + step
            more = loss_and_gradients(TAGGING, chain, emissions, rows, path)[0]
            array[place] = before - step
            less = loss_and_gradients(TAGGING, chain, emissions, rows, path)[0]
            array[place] = before
            assert gradient[place] == pytest.approx((more - less) / (2 * step), abs=1e-5)


@settings(deadline=None)
@given(st.lists(st.integers(1, 12), min_size=1, max_size=6), st.integers(0, 99))
def test_crf_paths_are_well_formed_and_scores_are_probabilities(lengths: list[int], seed: int) -> None:
    lengths = sorted(lengths, reverse=True)
    tagging = make_tagging(["A", "B", "C"])
    chain, emissions = drawn(lengths, seed, tagging)
    rows = make_rows(lengths)
    # Emissions far apart must neither overflow nor turn to NaN.
    emissions *= 100
    path = best_path(tagging, chain, emissions, rows)
    passed = forward_backward(tagging, chain, emissions, rows)
    assert np.isfinite(passed.log_z)
    assert passed.marginals.sum(axis=1) == pytest.approx(np.ones(sum(lengths)))
    for first, length in zip(rows.firsts.tolist(), lengths, strict=True):
        spans = decode(tagging, path[first : first + length])
        assert encode(tagging, length, spans).tolist() == path[first : first + length].tolist()
        scores = span_probabilities(
            tagging, chain, passed, path, [(first + start, first + end) for start, end, _ in spans]
        )
        assert all(0 <= score <= 1 for score in scores)
