"""Intervals and p-values against simulations, exact answers and SciPy's own implementations."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from biaozhu.data.errors import ScoringError
from biaozhu.data.model import Sentence
from biaozhu.scoring.significance import (
    Estimate,
    Sampling,
    add_exact_interval,
    choose_units,
    compare_rows,
    correct_by_holm,
    estimate_metrics,
)


def share(sums: np.ndarray) -> np.ndarray:
    return np.divide(sums[:, 0], sums[:, 1], out=np.full(len(sums), np.nan), where=sums[:, 1] > 0)


METRICS = {"share": share}


def mean_of(hits: np.ndarray, tries: np.ndarray, axis: int = -1) -> np.ndarray:
    return hits.sum(axis=axis) / tries.sum(axis=axis)


@pytest.mark.parametrize("units", [40, 400])
@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_bootstrap_agrees_with_scipy(units: int, method: str) -> None:
    rng = np.random.default_rng(5)
    tries = rng.integers(1, 6, units)
    hits = rng.binomial(tries, 0.93)
    # Few distinct rows take the multinomial path, many the other one: both must agree with SciPy.
    for spread in (0, 1000):
        rows = np.column_stack([hits, tries, np.arange(units) * (spread > 0)])
        ours = estimate_metrics(rows, METRICS, sampling=Sampling(resamples=10_000))["share"]
        theirs = stats.bootstrap(
            (hits, tries), mean_of, paired=True, vectorized=True, n_resamples=10_000, method=method, rng=1
        ).confidence_interval
        interval = getattr(ours, method)
        assert interval == pytest.approx(tuple(theirs), abs=0.006)


def test_bootstrap_of_skewed_units_is_accelerated_as_in_scipy() -> None:
    # Few units, one far worse than the others: what tells BCa's acceleration from none.
    tries = np.full(20, 1000)
    hits = np.array([300, 700, *range(930, 948)])
    ours = estimate_metrics(np.column_stack([hits, tries]), METRICS, sampling=Sampling(resamples=20_000))["share"]
    theirs = stats.bootstrap(
        (hits, tries), mean_of, paired=True, vectorized=True, n_resamples=20_000, method="bca", rng=1
    )
    assert ours.bca == pytest.approx(tuple(theirs.confidence_interval), abs=0.006)
    assert ours.percentile != pytest.approx(ours.bca, abs=0.02)


def test_bootstrap_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(6)
    covered = {"percentile": 0, "bca": 0}
    trials = 250
    for trial in range(trials):
        tries = rng.integers(1, 6, 60)
        rows = np.column_stack([rng.binomial(tries, 0.8), tries])
        found = estimate_metrics(rows, METRICS, sampling=Sampling(resamples=500, seed=trial))["share"]
        for method in covered:
            low, high = getattr(found, method)
            covered[method] += low <= 0.8 <= high
    assert all(0.90 < count / trials < 0.985 for count in covered.values())


def test_bootstrap_says_nothing_of_one_unit_and_of_undefined_metrics() -> None:
    one = estimate_metrics(np.array([[3, 4]]), METRICS)["share"]
    assert (one.value, one.percentile, one.bca) == (0.75, None, None)
    never = estimate_metrics(np.array([[0, 0]] * 5), METRICS)["share"]
    assert (never.value, never.percentile, never.undefined) == (None, None, 10_000)
    rare = estimate_metrics(np.array([[0, 0]] * 9 + [[1, 2]]), METRICS)["share"]
    # A unit is left out of a resample with probability 0.9 to the tenth.
    assert rare.undefined / 10_000 == pytest.approx(0.9**10, abs=0.02)
    assert (rare.value, rare.percentile, rare.bca) == (0.5, (0.5, 0.5), (0.5, 0.5))


def test_bootstrap_of_a_perfect_layer_is_a_point() -> None:
    found = estimate_metrics(np.array([[2, 2], [5, 5], [1, 1]]), METRICS)["share"]
    assert (found.bca, found.percentile) == ((1, 1), (1, 1))


@pytest.mark.parametrize("odd", [0.0, 1.0])
def test_bootstrap_is_no_point_where_one_resample_differs(odd: float) -> None:
    metrics = {"odd": lambda sums: np.array([0.5] * (len(sums) - 1) + [odd if len(sums) == 10 else 0.5])}
    found = estimate_metrics(np.array([[1], [2], [3]]), metrics, sampling=Sampling(resamples=10))["odd"]
    assert found.bca is not None
    assert (found.bca[0] < 0.5, found.bca[1] > 0.5) == (odd == 0, odd == 1)


@pytest.mark.parametrize(("value", "without_one"), [(0.0, 0.5), (1.0, 0.5), (0.5, np.nan)])
def test_bootstrap_has_no_bca_where_the_draws_tell_no_bias_or_no_unit_can_be_left_out(
    value: float, without_one: float
) -> None:
    of = {1: [value], 2: [without_one, without_one], 10: np.linspace(0.2, 0.8, 10)}
    metrics = {"made": lambda sums: np.array(of[len(sums)])}
    found = estimate_metrics(np.array([[1], [2]]), metrics, sampling=Sampling(resamples=10))["made"]
    assert (found.value, found.bca, found.undefined) == (value, None, 0)
    assert found.best == found.percentile == pytest.approx((0.215, 0.785))


@pytest.mark.parametrize("trials", [1, 5, 18, 157])
@pytest.mark.parametrize("share_of", [0, 1 / 3, 2 / 3, 1])
def test_exact_interval_is_that_of_scipy_where_the_bootstrap_is_a_point(trials: int, share_of: float) -> None:
    # A regression test: only where all was right or wrong; units that are all alike were certain of two thirds.
    right = round(share_of * trials)
    found = estimate_metrics(np.array([[right, trials]] * 12), METRICS)["share"]
    assert (found.best, found.bca) == (None, (found.value, found.value))
    found = add_exact_interval(found, trials, confidence=0.95)
    theirs = stats.binomtest(right, trials).proportion_ci(0.95, method="exact")
    assert found.exact == pytest.approx((theirs.low, theirs.high))
    assert found.best == found.exact


def test_compare_of_units_that_are_alike_has_no_interval() -> None:
    a, b = np.array([[2, 3]] * 12), np.array([[3, 3]] * 12)
    assert compare_rows(a, b, METRICS)[0].difference.best is None


@pytest.mark.parametrize(
    "estimate",
    [
        Estimate(0.9, (0.8, 0.95), (0.7, 0.94), 0),
        Estimate(1.0, None, None, 0),
        Estimate(None, None, None, 7),
    ],
)
def test_exact_interval_stands_only_where_it_is_needed(estimate: Estimate) -> None:
    assert add_exact_interval(estimate, 40, confidence=0.95) == estimate
    assert estimate.best == estimate.bca


def test_estimate_falls_back_to_percentile() -> None:
    assert Estimate(0.9, (0.8, 0.95), None, 0).best == (0.8, 0.95)


def test_bootstrap_gives_the_same_for_the_same_seed_and_any_order_of_units() -> None:
    rng = np.random.default_rng(7)
    rows = np.column_stack([rng.integers(0, 3, 50), np.full(50, 3)])
    assert estimate_metrics(rows, METRICS) == estimate_metrics(rows[::-1], METRICS)
    assert estimate_metrics(rows, METRICS) != estimate_metrics(rows, METRICS, sampling=Sampling(seed=2))


def by_enumeration(a: np.ndarray, b: np.ndarray) -> float:
    """Try every way of swapping, one at a time."""
    seen = abs(b[:, 0].sum() / b[:, 1].sum() - a[:, 0].sum() / a[:, 1].sum())
    large = ways = 0
    for swaps in itertools.product((False, True), repeat=len(a)):
        mine = np.where(np.array(swaps)[:, None], b, a).sum(axis=0)
        theirs = np.where(np.array(swaps)[:, None], a, b).sum(axis=0)
        large += abs(theirs[0] / theirs[1] - mine[0] / mine[1]) >= seen - 1e-12
        ways += 1
    return large / ways


def two_runs(units: int, seed: int, better: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    tries = rng.integers(1, 5, units)
    return (
        np.column_stack([rng.binomial(tries, 0.7), tries]),
        np.column_stack([rng.binomial(tries, better), tries]),
    )


def test_compare_is_exact_for_few_units() -> None:
    a, b = two_runs(10, 8, 0.9)
    found = compare_rows(a, b, METRICS)[0]
    assert found.exact
    assert found.p == pytest.approx(by_enumeration(a, b))
    assert found.difference.value == pytest.approx(found.b - found.a)


def test_compare_samples_close_to_the_exact_answer() -> None:
    rng = np.random.default_rng(9)
    hits, tries = rng.integers(0, 4, 14), np.full(14, 3)
    a, b = np.column_stack([hits, tries]), np.column_stack([(hits + rng.choice((1, 1, 2), 14)) % 4, tries])
    found = compare_rows(a, b, METRICS, sampling=Sampling(resamples=1000))[0]
    assert not found.exact
    assert found.p == pytest.approx(by_enumeration(a, b), abs=0.05)


def test_compare_of_equal_runs_is_certain_of_nothing() -> None:
    a, _ = two_runs(50, 10, 0.7)
    found = compare_rows(a, a, METRICS)[0]
    assert (found.difference.value, found.p, found.p_holm) == (0, 1, 1)
    assert found.difference.bca == (0, 0)


def test_compare_finds_a_real_difference_and_turns_round() -> None:
    a, b = two_runs(300, 11, 0.9)
    there, back = compare_rows(a, b, METRICS)[0], compare_rows(b, a, METRICS)[0]
    assert there.p < 0.001
    assert there.difference.bca[0] > 0
    assert back.p == pytest.approx(there.p, abs=1e-3)
    assert back.difference.value == pytest.approx(-there.difference.value)


def test_compare_holds_its_level_under_the_null_hypothesis() -> None:
    rejected = sum(
        compare_rows(*two_runs(80, 100 + trial, 0.7), METRICS, sampling=Sampling(resamples=500))[0].p < 0.1
        for trial in range(200)
    )
    assert rejected / 200 == pytest.approx(0.1, abs=0.05)


def test_compare_refuses_different_units() -> None:
    with pytest.raises(ScoringError):
        compare_rows(np.zeros((3, 2)), np.zeros((4, 2)), METRICS)


def test_holm_gives_the_textbook_answer() -> None:
    found = correct_by_holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005, "e": None})
    assert found == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02, "e": None})


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_never_lowers_a_p_value_and_keeps_their_order(values: list[float]) -> None:
    names = {str(at): value for at, value in enumerate(values)}
    found = correct_by_holm(names)
    assert all(names[name] <= found[name] <= 1 for name in names)
    ordered = sorted(names, key=names.get)
    assert [found[name] for name in ordered] == sorted(found.values())


@pytest.mark.parametrize(
    ("articles", "sections", "kind", "count"),
    [
        (10, 5, "article", 10),
        (9, 5, "section", 45),
        (1, 10, "section", 10),
        (1, 9, "sentence", 90),
        (2, None, "sentence", 20),
    ],
)
def test_choose_units_says_what_is_resampled_and_why(
    articles: int, sections: int | None, kind: str, count: int
) -> None:
    gold = [
        Sentence(str(article), number, number + 1, f"{article} {number}")
        for article in range(articles)
        for number in range(10 if sections is None else 10 * sections)
    ]
    of_section = None if sections is None else {one.id: f"{one.article}/{one.start % sections}" for one in gold}
    found = choose_units(gold, of_section)
    assert (found.kind, found.count) == (kind, count)
    assert str(articles) in found.reason
    assert len(set(found.of.values())) == count


def test_choose_units_takes_copies_of_a_sentence_for_one() -> None:
    # A regression test: forty copies of a sentence made any difference significant.
    found = choose_units([Sentence("x", at, at + 1, "ab"[at % 2]) for at in range(40)])
    assert (found.kind, found.count, len(found.of), len(set(found.of.values()))) == ("sentence", 2, 40, 2)


def test_choose_units_refuses_a_sentence_without_a_section() -> None:
    gold = [Sentence("x", at, at + 1, "a") for at in range(2)]
    with pytest.raises(ScoringError):
        choose_units(gold, {gold[0].id: "1"})
