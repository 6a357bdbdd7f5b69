from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biaozhu.annotators.network.crf_decoding import Chain, best_path, decode, make_chain

TAGS = ("X-B", "X-I", "Y-B", "Y-I", "O")


def _random(seed: int, lengths: list[int]) -> tuple[Chain, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    count = len(TAGS)
    chain = make_chain(
        TAGS,
        start=random.normal(size=count).astype(np.float32),
        stop=random.normal(size=count).astype(np.float32),
        transitions=random.normal(size=(count, count)).astype(np.float32),
    )
    emissions = 2 * random.normal(size=(max(lengths), len(lengths), count)).astype(np.float32)
    return chain, emissions, np.array(lengths)


def _well_formed(tags: tuple[int, ...]) -> bool:
    names = ["O", *(TAGS[tag] for tag in tags)]
    return all(
        not after.endswith("-I") or before in (f"{after[0]}-B", f"{after[0]}-I") for before, after in pairwise(names)
    )


def _all_sequences(chain: Chain, emissions: np.ndarray) -> list[tuple[float, tuple[int, ...]]]:
    scored = []
    for tags in product(range(len(TAGS)), repeat=len(emissions)):
        if _well_formed(tags):
            score = chain.start[tags[0]] + chain.stop[tags[-1]]
            score += sum(emissions[step, tag] for step, tag in enumerate(tags))
            score += sum(chain.transitions[a, b] for a, b in pairwise(tags))
            scored.append((float(score), tags))
    return scored


def _words_of(tags: tuple[int, ...]) -> set[tuple[int, int, int]]:
    begins = [step for step, tag in enumerate(tags) if not TAGS[tag].endswith("-I")]
    return {(start, end, tags[start]) for start, end in zip(begins, [*begins[1:], len(tags)], strict=True)}


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), lengths=st.lists(st.integers(1, 5), min_size=1, max_size=4))
def test_decoding_agrees_with_enumeration(seed: int, lengths: list[int]) -> None:
    chain, emissions, sizes = _random(seed, lengths)
    path = best_path(chain, emissions, sizes)
    words = decode(chain, emissions, sizes)
    for row, length in enumerate(lengths):
        scored = _all_sequences(chain, emissions[:length, row])
        best = max(scored)[1]
        assert tuple(path[:length, row]) == best
        total = sum(np.exp(score) for score, _ in scored)
        here = words.sentence == row
        found = list(
            zip(
                words.start[here].tolist(),
                words.end[here].tolist(),
                words.tag[here].tolist(),
                strict=True,
            )
        )
        assert set(found) == _words_of(best)
        for word, score in zip(found, words.score[here], strict=True):
            exact = sum(np.exp(other) for other, tags in scored if word in _words_of(tags)) / total
            assert score == pytest.approx(exact, rel=1e-3, abs=1e-5)


def test_decoding_does_not_read_the_padding() -> None:
    chain, emissions, sizes = _random(7, [3, 6])
    before = decode(chain, emissions, sizes)
    emissions[3:, 0] = 50
    after = decode(chain, emissions, sizes)
    assert before.tag.tolist() == after.tag.tolist()
    assert before.end.tolist() == after.end.tolist()
    assert before.score == pytest.approx(after.score)
