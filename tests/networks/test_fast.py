"""The fast model: its rows, its graph against plain NumPy, its decoding, and the model that comes with the package."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from biaozhu.annotators.network.batching import LIMITS, LONGEST_PIECE_CHARS, group_lengths
from biaozhu.annotators.network.char_rows import frequent_pairs, make_pair_table, pair_keys
from biaozhu.annotators.network.fast import FOLDER, decode_shares, load_fast
from biaozhu.annotators.network.fast import LIMITS as FAST_LIMITS
from biaozhu.annotators.network.runtime import CONFIG, GRAPH, make_session
from biaozhu.annotators.preannotate import annotate_combined
from biaozhu.data.errors import ModelDataError
from recipes.base.graph import quantise
from recipes.distil.graph import FastWeights, build_fast_graph

if TYPE_CHECKING:
    from pathlib import Path

    from biaozhu.annotators.network.batching import BatchLimits

WIDTH, HIDDEN, KINDS = 8, 5, 3
TEXTS = ["张晓梅在青河县种了120亩苹果。", "记者 李建国", "共投入3.5万元，", "\U00020000", "好" * 30]
loaded = cache(load_fast)


def _weights(seed: int) -> FastWeights:
    rng = np.random.default_rng(seed)

    def draw(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(np.float32)

    return FastWeights(
        draw(20, WIDTH),
        draw(9, WIDTH // 2),
        draw(2, 3 * HIDDEN, WIDTH),
        draw(2, 3 * HIDDEN, HIDDEN),
        draw(2, 6 * HIDDEN),
        draw(2 * HIDDEN, 2 * KINDS),
        draw(2 * KINDS),
    )


def _in_numpy(weights: FastWeights, chars: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    def table(values: np.ndarray) -> np.ndarray:
        small, step = quantise(values, 0)
        return small * step

    sides = table(weights.pairs)[pairs]
    inputs = table(weights.chars)[chars] + np.concatenate([sides[:-1], sides[1:]], axis=1)

    def sigmoid(x: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-x))

    def gru(direction: int, rows: np.ndarray) -> np.ndarray:
        left, right = np.split(weights.biases[direction], 2)
        state, states = np.zeros(HIDDEN), []
        for row in rows:
            given = np.split(weights.inputs[direction] @ row + left, 3)
            kept = np.split(weights.recurrents[direction] @ state + right, 3)
            update, reset = sigmoid(given[0] + kept[0]), sigmoid(given[1] + kept[1])
            state = (1 - update) * np.tanh(given[2] + reset * kept[2]) + update * state
            states.append(state)
        return np.array(states)

    both = np.concatenate([gru(0, inputs), gru(1, inputs[::-1])[::-1]], axis=1)
    scores = both @ weights.projection + weights.bias
    shares: np.ndarray = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    return shares


def test_fast_graph_gives_what_plain_numpy_gives() -> None:
    weights = _weights(1)
    session = make_session(build_fast_graph(weights), 1)
    chars = [np.array([3, 4, 5, 19]), np.array([7])]
    pairs = [np.array([1, 2, 3, 8, 0]), np.array([4, 5])]
    grid, around = np.zeros((4, 2), np.int32), np.zeros((5, 2), np.int32)
    for column in range(2):
        grid[: len(chars[column]), column] = chars[column]
        around[: len(pairs[column]), column] = pairs[column]
    live = np.array([0, 2, 4, 6, 1])
    lengths = np.array([4, 1], np.int32)
    (found,) = session.run(None, {"chars": grid, "pairs": around, "lengths": lengths, "live": live})
    wanted = np.concatenate([_in_numpy(weights, *one) for one in zip(chars, pairs, strict=True)])
    assert np.allclose(found, wanted, atol=1e-4)


def test_fast_graph_keeps_tables_within_half_a_step() -> None:
    table = np.random.default_rng(2).normal(size=(50, 4)).astype(np.float32)
    small, step = quantise(table, 0)
    assert np.abs(small).max() == 127
    assert (np.abs(small * step - table) <= step / 2 + 1e-6).all()


@given(st.lists(st.integers(1, 2**32 - 1), unique=True, max_size=300))
def test_fast_rows_know_a_pair_or_say_that_they_do_not(keys: list[int]) -> None:
    table = make_pair_table(np.array(keys, np.uint32))
    sides = np.array([[key >> 16, key & 0xFFFF] for key in keys], np.int32).reshape(-1, 2)
    rows = [int(table.rows_of(one)[0]) for one in sides]
    # Of two pairs with the same bucket the first has it.
    assert all(row in (0, number) for number, row in enumerate(rows, 1))
    assert rows[:1] in ([], [1])
    others = np.array([(1, 2), (3, 4)], np.int32)
    assert all(table.rows_of(one)[0] == 0 for one in others if int(pair_keys(one)[0]) not in keys)


def test_fast_rows_take_the_most_frequent_pairs() -> None:
    chars = np.array([5, 6, 5, 6, 5, 6, 9, 9, 9, 9, 9, 7])
    keys = frequent_pairs(chars, 2, least=2)
    assert keys.tolist() == [(9 << 16) | 9, (5 << 16) | 6]


@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=6).flatmap(
        lambda lengths: st.tuples(
            st.just(lengths),
            arrays.arrays(np.float32, (sum(lengths), 2 * KINDS), elements=st.floats(-9, 9, width=32)),
        )
    )
)
def test_fast_decoding_leaves_nothing_out(case: tuple[list[int], np.ndarray]) -> None:
    lengths, scores = np.array(case[0]), case[1]
    shares = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    begins, starts, ends, kinds, word_scores = decode_shares(shares, lengths)
    assert starts.tolist() == [0, *ends[:-1].tolist()]
    assert ends[-1] == lengths.sum()
    assert set(begins.tolist()) <= set(starts.tolist())
    assert ((kinds >= 0) & (kinds < KINDS)).all()
    assert ((word_scores >= 0) & (word_scores <= 1)).all()


def test_fast_decoding_takes_the_likeliest_kind_and_the_least_share() -> None:
    # Columns: B of kinds 0, 1, then I of them. A word of kind 1 over two characters, then one of kind 0.
    shares = np.log(
        np.array([[0.2, 0.7, 0.05, 0.05], [0.1, 0.1, 0.3, 0.5], [0.6, 0.1, 0.1, 0.2], [0.9, 0.04, 0.03, 0.03]])
    )
    begins, starts, ends, kinds, scores = decode_shares(shares, np.array([3, 1]))
    assert (begins.tolist(), starts.tolist(), ends.tolist()) == ([0, 3], [0, 2, 3], [2, 3, 4])
    assert kinds.tolist() == [1, 0, 0]
    assert scores == pytest.approx([0.5, 0.6, 0.9])


@pytest.mark.parametrize("limits", [LIMITS, FAST_LIMITS])
@given(lengths=st.lists(st.integers(1, 400), max_size=200))
def test_batches_hold_each_text_once_and_little_padding(limits: BatchLimits, lengths: list[int]) -> None:
    groups = list(group_lengths(np.array(lengths, np.int32), limits))
    assert sorted(position for group in groups for position in group) == list(range(len(lengths)))
    for group in groups:
        sizes = [lengths[position] for position in group]
        assert sizes == sorted(sizes)
        if len(sizes) > 1:
            assert len(sizes) * sizes[-1] <= limits.chars
            assert sizes[-1] <= sizes[0] * limits.spread + limits.slack


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(max_size=60), max_size=8))
def test_fast_words_are_disjoint_names_of_the_text(texts: list[str]) -> None:
    model = loaded(threads=1)
    for text, words in zip(texts, model.words(texts), strict=True):
        edges = [edge for word in words for edge in (word.start, word.end)]
        assert edges == sorted(edges)
        assert all(word.start < word.end <= len(text) for word in words)
        assert {word.tag for word in words} <= set(model.labels)


def test_fast_words_do_not_depend_on_the_texts_beside() -> None:
    model = loaded(threads=1)
    together = model.words([*TEXTS, "一" * (2 * LONGEST_PIECE_CHARS + 5)])
    for text, words in zip(TEXTS, together, strict=False):
        (alone,) = model.words([text])
        assert [word[:3] for word in alone] == [word[:3] for word in words]
        assert [word.score for word in alone] == pytest.approx([word.score for word in words], abs=2e-4)


def test_fast_names_persons_places_and_amounts() -> None:
    (spans,) = annotate_combined([TEXTS[0]], model=loaded(threads=1))
    assert {(TEXTS[0][span.start : span.end], span.label) for span in spans} == {
        ("张晓梅", "PERSON"),
        ("青河县", "PLACE"),
        ("120亩", "AMOUNT"),
    }


def test_fast_gives_no_name_below_its_min_score() -> None:
    model = replace(loaded(threads=1), min_score=0.0)
    scores = [word.score for words in model.words(TEXTS) for word in words]
    first, second = sorted(set(scores))[:2]
    least = (first + second) / 2
    kept = [word.score for words in replace(model, min_score=least).words(TEXTS) for word in words]
    assert kept == [score for score in scores if score >= least]


def test_fast_refuses_a_damaged_model(tmp_path: Path) -> None:
    folder = tmp_path / "fast"
    shutil.copytree(FOLDER, folder)
    (folder / GRAPH).write_bytes((folder / GRAPH).read_bytes()[:-1])
    with pytest.raises(ModelDataError, match="not the one that its config names"):
        load_fast(folder)
    config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    (folder / CONFIG).write_text(json.dumps(config | {"format": 0}), encoding="utf-8")
    with pytest.raises(ModelDataError, match="format 0"):
        load_fast(folder)
    (folder / CONFIG).write_text("[]", encoding="utf-8")
    with pytest.raises(ModelDataError, match="not the config"):
        load_fast(folder)
