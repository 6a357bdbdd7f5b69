"""The tags of a trained model over the one CRF there is: BIES tags against enumeration, and the loss's gradients."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biaozhu.annotators.network.crf_decoding import FORBIDDEN, Chain, marginals
from biaozhu.nlp.crf import build_chain, encode_spans, find_spans, make_tags, pad_batches, sum_losses

TAGS = make_tags(["A"])


def draw_chain(seed: int, labels: str = "A") -> Chain:
    tags = len(make_tags(labels))
    chain = build_chain(labels, np.random.default_rng(seed).normal(0, 2, (2 + tags, tags)))
    # In double precision, so that differences can be taken.
    return replace(chain, **{name: getattr(chain, name).astype(float) for name in ("start", "stop", "transitions")})


def score_paths(chain: Chain, emissions: np.ndarray) -> dict[tuple[int, ...], float]:
    """The score of each well-formed path of one text, by enumeration."""
    found = {}
    for path in product(range(emissions.shape[1]), repeat=len(emissions)):
        steps = [chain.transitions[step] for step in pairwise(path)]
        score = chain.start[path[0]] + chain.stop[path[-1]] + sum(steps)
        if score > FORBIDDEN / 2:
            found[path] = float(score + sum(emissions[at, tag] for at, tag in enumerate(path)))
    return found


def spans_of(length: int) -> st.SearchStrategy[list[tuple[int, int, str]]]:
    def paired(cuts: list[int]) -> list[tuple[int, int, str]]:
        borders = sorted(set(cuts))
        return [(a, b, "AB"[a % 2]) for a, b in zip(borders[::2], borders[1::2], strict=False)]

    return st.lists(st.integers(0, length), max_size=8).map(paired)


def test_crf_tags_follow_only_what_they_may() -> None:
    tags = make_tags(["B", "A", "A"])
    chain = build_chain("AB", np.zeros((2 + len(tags), len(tags))))
    assert tags == ("O", "A-B", "A-I", "A-E", "A-S", "B-B", "B-I", "B-E", "B-S")
    allowed = {
        (one, other)
        for (one, row) in zip(tags, chain.transitions, strict=True)
        for other, score in zip(tags, row, strict=True)
        if score == 0
    }
    inside = {(f"{label}-{one}", f"{label}-{other}") for label in "AB" for one in "BI" for other in "IE"}
    outside = ["O", "A-E", "A-S", "B-E", "B-S"], ["O", "A-B", "A-S", "B-B", "B-S"]
    assert allowed == inside | set(product(*outside))
    assert [tag for tag, score in zip(tags, chain.start, strict=True) if score == 0] == outside[1]
    assert {tag for tag, score in zip(tags, chain.stop, strict=True) if score == 0} == set(outside[0])


@given(st.data(), st.lists(st.integers(0, 30), min_size=1, max_size=5))
def test_crf_finds_the_spans_that_emissions_say(data: st.DataObject, lengths: list[int]) -> None:
    spans = [data.draw(spans_of(length)) for length in lengths]
    emissions = [
        20 * np.eye(9, dtype=np.float32)[encode_spans("AB", length, some)]
        for length, some in zip(lengths, spans, strict=True)
    ]
    found = find_spans(build_chain("AB", np.zeros((11, 9))), emissions)
    assert [[span[:3] for span in some] for some in found] == spans
    assert all(span.score > 0.99 for some in found for span in some)


@settings(max_examples=20)
@given(st.integers(0, 1000), st.lists(st.integers(1, 4), min_size=1, max_size=3))
def test_crf_agrees_with_enumeration(seed: int, lengths: list[int]) -> None:
    chain = draw_chain(seed)
    draw = np.random.default_rng(seed)
    emissions = [draw.normal(0, 3, (length, len(TAGS))) for length in lengths]
    loss = 0.0
    path = []
    for text, spans in zip(emissions, find_spans(chain, emissions), strict=True):
        scores = score_paths(chain, text)
        total = float(np.logaddexp.reduce(list(scores.values())))
        best = max(scores, key=scores.__getitem__)
        assert encode_spans("A", len(text), [span[:3] for span in spans]).tolist() == list(best)
        for span in spans:
            own = tuple(encode_spans("A", len(text), [span[:3]])[span.start : span.end].tolist())
            share = sum(np.exp(score - total) for one, score in scores.items() if one[span.start : span.end] == own)
            assert span.score == pytest.approx(share, abs=1e-6)
        for at, tag in np.ndindex(text.shape):
            share = sum(np.exp(score - total) for one, score in scores.items() if one[at] == tag)
            found = marginals(chain, text[:, None], np.array([len(text)]))[at, 0, tag]
            assert found == pytest.approx(share, abs=1e-9)
        # Another path than the best one.
        path.append(min(scores, key=scores.__getitem__))
        loss += total - scores[path[-1]]
    found, _, _ = sum_losses(chain, np.concatenate(emissions), np.concatenate(path), pad_batches(lengths))
    assert found == pytest.approx(loss, rel=1e-6, abs=1e-6)


def test_crf_gradient_is_that_of_finite_differences() -> None:
    lengths = [5, 2, 4]
    chain, batches = draw_chain(7), pad_batches(lengths)
    emissions = np.random.default_rng(7).normal(0, 3, (sum(lengths), len(TAGS)))
    path = np.concatenate(
        [encode_spans("A", 5, [(1, 4, "A")]), encode_spans("A", 2, []), encode_spans("A", 4, [(0, 1, "A")])]
    )
    loss, by_emission, by_chain = sum_losses(chain, emissions, path, batches)
    assert loss > 0
    scores = {
        "emissions": emissions,
        "start": chain.start,
        "stop": chain.stop,
        "transitions": chain.transitions,
    }
    gradients = {
        "emissions": by_emission, "start": by_chain[0], "stop": by_chain[1], "transitions": by_chain[2:],
    }  # fmt: skip
    for name, array in scores.items():
        for place in np.ndindex(array.shape):
            if array[place] < FORBIDDEN / 2:
                assert gradients[name][place] == pytest.approx(0, abs=1e-12)
                continue
            losses = []
            for step in (1e-6, -1e-6):
                array[place] += step
                losses.append(sum_losses(chain, emissions, path, batches)[0])
                array[place] -= step
            assert gradients[name][place] == pytest.approx((losses[0] - losses[1]) / 2e-6, abs=1e-5)


@settings(deadline=None)
@given(st.lists(st.integers(0, 12), min_size=1, max_size=6), st.integers(0, 99))
def test_crf_scores_are_probabilities_however_far_apart_emissions_are(lengths: list[int], seed: int) -> None:
    chain, draw = draw_chain(seed, "ABC"), np.random.default_rng(seed)
    emissions = [300 * draw.normal(size=(length, 13)).astype(np.float32) for length in lengths]
    found = find_spans(chain, emissions)
    assert [len(one) for one in found] == [0 if not length else len(found[at]) for at, length in enumerate(lengths)]
    for spans, length in zip(found, lengths, strict=True):
        assert all(0 <= span.score <= 1 for span in spans)
        assert all(a.end <= b.start for a, b in pairwise(spans))
        assert all(0 <= span.start < span.end <= length for span in spans)
    path = np.zeros(sum(lengths), np.int64)
    loss, by_emission, _ = sum_losses(chain, np.concatenate(emissions).astype(float), path, pad_batches(lengths))
    assert np.isfinite(loss)
    assert np.isfinite(by_emission).all()


@given(st.lists(st.integers(0, 50), max_size=20))
def test_crf_batches_hold_each_row_once(lengths: list[int]) -> None:
    rows, texts = [], []
    for batch in pad_batches(lengths):
        live = np.arange(len(batch.rows))[:, None] < batch.lengths
        rows += batch.rows[live].tolist()
        texts += batch.texts
    assert sorted(rows) == list(range(sum(lengths)))
    assert sorted(texts) == [at for at, length in enumerate(lengths) if length]
