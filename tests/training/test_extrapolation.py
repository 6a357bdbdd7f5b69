from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biaozhu.scoring.significance import Sampling
from biaozhu.training.curves.extrapolation import (
    Extrapolation,
    Gain,
    PowerLaw,
    exchange,
    extrapolate,
    fit_power_law,
)

FEW = Sampling(resamples=100)
SIZES = (10, 20, 40, 80, 160)


def made_counts(shares: list[float], *, seeds: int = 4, units: int = 40, noise: int = 0) -> np.ndarray:
    """Counts of 10 spans there and found in each unit, of which a share is right (give or take the noise)."""
    draw = np.random.default_rng(3)
    counts = np.full((len(shares), seeds, units, 3), 10, np.int64)
    for size, share in enumerate(shares):
        # So many units are right throughout that the share comes out; where the noise falls differs by seed.
        right = np.full(seeds * units, int(10 * share))
        right[: round(seeds * units * (10 * share - int(10 * share)))] += 1
        right = np.clip(right + draw.integers(-noise, noise + 1, len(right)), 0, 10)
        counts[size, :, :, 2] = draw.permutation(right).reshape(seeds, units)
    return counts


@pytest.mark.parametrize(("a", "b", "c"), [(0.95, 2.0, 0.8), (0.8, 1.0, 0.5), (1.0, 5.0, 1.2), (0.7, -0.6, 0.9)])
def test_extrapolation_finds_the_law_that_points_were_made_by(a: float, b: float, c: float) -> None:
    made = PowerLaw(a, b, c)
    found = fit_power_law(SIZES, np.array([a - b * n**-c for n in SIZES]), np.full(5, 0.01))
    assert found is not None
    for size in (15, 160, 300):
        assert found.at(size) == pytest.approx(made.at(size), abs=1e-4)


def test_extrapolation_says_what_more_is_worth() -> None:
    made = PowerLaw(0.9, 2.0, 0.7)
    found = extrapolate(SIZES, made_counts([made.at(n) for n in SIZES], noise=1), annotated=160, more=100, sampling=FEW)
    assert found.failure == ""
    assert found.gain is not None
    assert found.gain.low is not None
    assert found.gain.high is not None
    assert found.gain.gain == pytest.approx(made.at(260) - made.at(160), abs=0.01)
    assert found.gain.low <= found.gain.gain <= found.gain.high
    assert found.gain.distinguishable
    for point in found.points:
        assert point.low is not None
        assert point.high is not None
        assert point.mean is not None
        assert point.low <= point.mean <= point.high


@pytest.mark.parametrize("share", [0.8, 1.0])
def test_extrapolation_of_a_flat_curve_is_not_distinguishable_from_nothing(share: float) -> None:
    found = extrapolate(SIZES, made_counts([share] * 5, noise=2), annotated=160, more=100, sampling=FEW)
    assert found.gain is not None
    assert abs(found.gain.gain) < 0.01
    assert not found.gain.distinguishable


@pytest.mark.parametrize(
    ("sizes", "shares", "failure"),
    [
        ((10, 20, 40), [0.3, 0.5, 0.6], "few_sizes"),
        ((10, 10, 20, 40), [0.3, 0.4, 0.5, 0.6], "few_sizes"),
        # It climbs, falls and climbs again: no inverse power law does.
        ((10, 20, 40, 80, 160, 320), [0.1, 0.9, 0.1, 0.9, 0.1, 0.9], "misses"),
    ],
)
def test_extrapolation_says_that_it_cannot(sizes: tuple[int, ...], shares: list[float], failure: str) -> None:
    found = extrapolate(sizes, made_counts(shares), annotated=100, more=100, sampling=FEW)
    assert (found.law, found.gain, found.failure) == (None, None, failure)
    assert len(found.points) == len(sizes)


def test_extrapolation_of_nothing_is_undefined() -> None:
    found = extrapolate(SIZES, np.zeros((5, 2, 3, 3), np.int64), annotated=100, more=100, sampling=FEW)
    assert found.failure == "undefined"
    assert {(point.mean, point.low, point.runs) for point in found.points} == {(None, None, (None, None))}


def test_extrapolation_over_one_unit_has_no_interval() -> None:
    counts = made_counts([0.3, 0.5, 0.6, 0.7, 0.8], units=1, seeds=1)
    found = extrapolate(SIZES, counts, annotated=100, more=100, sampling=FEW)
    assert {(point.low, point.high) for point in found.points} == {(None, None)}
    assert found.gain is not None
    assert found.gain.low is None
    assert not found.gain.distinguishable


@given(st.lists(st.floats(0.05, 1), min_size=4, max_size=6, unique=True), st.integers(0, 3))
def test_extrapolation_stays_a_share_and_knows_its_own_mind(shares: list[float], seed: int) -> None:
    draw = np.random.default_rng(seed)
    sizes = tuple(10 * 2**at for at in range(len(shares)))
    found = fit_power_law(sizes, np.array(sorted(shares)), draw.uniform(0.01, 0.2, len(shares)))
    if found is None:
        return
    line = [found.at(size) for size in range(1, 1000, 37)]
    assert all(value >= 0 and value <= 1 for value in line)
    steps = [later - earlier for earlier, later in pairwise(line)]
    assert min(steps) > -1e-12 or max(steps) < 1e-12


def test_extrapolation_draws_the_same_from_the_same_seed() -> None:
    counts = made_counts([0.3, 0.5, 0.6, 0.7, 0.75], noise=2)

    def again(seed: int) -> Extrapolation:
        return extrapolate(SIZES, counts, annotated=100, more=100, sampling=Sampling(resamples=100, seed=seed))

    assert again(1) == again(1)
    assert again(1) != again(2)


@pytest.mark.parametrize(
    ("low", "high", "sure"),
    [(0.01, 0.03, True), (-0.03, -0.01, True), (-0.01, 0.02, False), (None, None, False)],
)
def test_extrapolation_tells_a_gain_from_nothing_by_its_interval(
    low: float | None, high: float | None, *, sure: bool
) -> None:
    assert Gain(100, 100, 0.01, low, high).distinguishable == sure


@pytest.mark.parametrize(
    ("gold", "layer", "rate", "bound"),
    [
        ([20, 40, 60, 80], [20, 40, 60, 80], 1.0, ""),
        ([20, 40, 60, 80], [10, 20, 30, 40], 4.0, ""),
        ([20, 40, 60, 80], [5, 6, 7, 8], 8.0, "at least"),
        ([5, 6, 7, 8], [20, 40, 60, 80], 1 / 8, "at most"),
        ([20, 40, 60, 60], [20, 40, 60, 60], 1.0, ""),
        ([20, 40, 50, 80], [20, 50, 40, 30], 0.5, ""),
    ],
)
def test_exchange_compares_curves_where_both_reach_the_same(
    gold: list[int], layer: list[int], rate: float, bound: str
) -> None:
    sizes = [10, 20, 40, 80]
    counts = [np.array([[[[100, 100, right]]] for right in one]) for one in (gold, layer)]
    found = exchange((sizes, counts[0]), (sizes, counts[1]))
    assert found is not None
    assert found.rate == pytest.approx(rate)
    assert found.bound == bound


def test_exchange_compares_curves_with_different_numbers_of_sizes() -> None:
    # A regression test: the draws of both curves were stacked as if they had the same sizes.
    few = np.array([[[[10, 10, 4]] * 8], [[[10, 10, 8]] * 8]])
    many = np.array([[[[10, 10, found]] * 8] for found in (2, 4, 6, 8)])
    found = exchange(([100, 200], few), ([100, 200, 400, 800], many))
    assert found is not None
    assert (found.f1, found.gold, found.layer) == (pytest.approx(0.8), pytest.approx(200), pytest.approx(800))


def test_exchange_says_nothing_where_a_score_is_undefined() -> None:
    counts = np.zeros((2, 1, 1, 3), np.int64)
    assert exchange(([1, 2], counts), ([1, 2], counts)) is None
