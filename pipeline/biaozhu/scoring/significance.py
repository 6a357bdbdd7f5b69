"""Uncertainty of scores: the bootstrap over units, paired approximate randomisation, Holm's correction.

A unit is what was sampled together: an article, or where there are few of them a section or a sentence with its copies. All
figures of one unit stay together, so a resample is a weighting of the units' rows of counts. Units with equal rows
are interchangeable: weights can be drawn for the distinct rows (multinomial, binomial), which is the same
distribution and much less to draw where sentences are many and their counts small.

Sources: Efron 1987 (BCa), Noreen 1989 and Yeh 2000 (approximate randomisation), Holm 1979.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from biaozhu.data.errors import ScoringError
from biaozhu.data.model import Sentence

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
# From sums of counts, shape (resamples, columns), to the metric, shape (resamples,); NaN where undefined.
Metric = Callable[[Floats], Floats]
UnitKind = Literal["article", "section", "sentence"]
# Of an interval; None where there is none.
Bounds = tuple[float, float] | None

ARTICLES_NEEDED = 10
# Fewer make intervals too narrow, and let no difference be significant: 2^-5 / 9 tests is as low as p gets with six.
SECTIONS_NEEDED = 10
UNITS_NEEDED = 2
CELLS_AT_ONCE = 500_000
ROUNDING_ERROR = 1e-12
# How much a cell of a multinomial draw costs, where drawing units one by one and counting them costs 1.
MULTINOMIAL_COST = 3
SMALLEST_P = 0.001  # as journals print it


@dataclass(frozen=True, slots=True)
class ResamplingUnits:
    """Units of resampling: kind, unit by sentence id, count, reason, and how many groups they are put into."""

    kind: UnitKind
    of: Mapping[str, str]
    count: int
    reason: str
    groups: int | None = None


@dataclass(frozen=True, slots=True)
class Sampling:
    """Settings of intervals and p-values: number of resamples, share an interval should cover, random seed."""

    resamples: int = 10_000
    confidence: float = 0.95
    seed: int = 1


DEFAULT_SAMPLING = Sampling()


@dataclass(frozen=True, slots=True)
class Estimate:
    """A metric with its two confidence intervals; `undefined` counts the resamples in which it has no value.

    Where all units are alike, as where all is right, every resample is the same and both intervals are a point, which would
    claim certainty: `exact` of a share is then the interval of Clopper and Pearson (1934), with the spans as independent trials.
    """

    value: float | None
    percentile: Bounds = None
    bca: Bounds = None
    undefined: int = 0
    exact: Bounds = None

    @property
    def best(self) -> Bounds:
        """The interval to show: BCa, or percentile where there is no BCa; where that is a point exact, or none."""
        bounds = self.exact or self.bca or self.percentile
        return bounds if bounds and bounds[1] - bounds[0] >= ROUNDING_ERROR else None


@dataclass(frozen=True, slots=True)
class Difference:
    """One metric of two runs on the same gold: b - a, p before and after Holm; `exact`: all swaps were tried."""

    metric: str
    a: float | None
    b: float | None
    difference: Estimate
    p: float | None
    p_holm: float | None
    exact: bool


def choose_units(gold: Sequence[Sentence], sections: Mapping[str, str] | None = None) -> ResamplingUnits:
    """Choose what to resample: articles; with fewer than 10 sections; with fewer than 10 of these sentences, copies as one.

    Sections are by sentence id; those of different articles need different names.
    """
    articles = {one.id: one.article for one in gold}
    lacking = [one for one in articles if sections is not None and one not in sections]
    if lacking:
        advice = "Give every article of the gold, in Python a section for each sentence"
        raise ScoringError(f"{len(lacking)} sentences have no section", where=lacking[0], next_step=advice)
    found = len(set(articles.values()))
    if found >= ARTICLES_NEEDED:
        return ResamplingUnits("article", dict(articles), found, f"{found} articles")
    few = f"{found} {'article' if found == 1 else 'articles'}, fewer than {ARTICLES_NEEDED}"
    reason = f"{few}, and no sections are known"
    if sections is not None:
        of = {one: sections[one] for one in articles}
        count = len(set(of.values()))
        if count >= SECTIONS_NEEDED:
            return ResamplingUnits("section", of, count, few)
        reason = f"{few}, and {count} sections, fewer than {SECTIONS_NEEDED}"
    first: dict[str, str] = {}
    of = {one.id: first.setdefault(one.text, one.id) for one in gold}
    return ResamplingUnits("sentence", of, len(first), reason)


def estimate_metrics(
    rows: Integers, metrics: Mapping[str, Metric], *, sampling: Sampling = DEFAULT_SAMPLING
) -> dict[str, Estimate]:
    """Estimate metrics with percentile and BCa intervals by the bootstrap over units; none with fewer than two.

    `rows` are counts, one row a unit, shape (units, columns); metrics are functions of their sums.
    """
    rows = np.asarray(rows, dtype=np.int64)
    total = rows.sum(axis=0, keepdims=True).astype(np.float64)
    values = {name: _read_scalar(metric(total)) for name, metric in metrics.items()}
    if len(rows) < UNITS_NEEDED:
        return {name: Estimate(value) for name, value in values.items()}
    distinct, sizes = np.unique(rows, axis=0, return_counts=True)
    sums = _draw_resamples(distinct, sizes, sampling)
    without_one = total - distinct
    return {
        name: _make_estimate(values[name], metric(sums), metric(without_one), sizes, sampling.confidence)
        for name, metric in metrics.items()
    }


def add_exact_interval(estimate: Estimate, trials: float, *, confidence: float) -> Estimate:
    """Return the estimate of a share of `trials` spans, with its exact interval where the others are a point."""
    if not estimate.percentile or estimate.value is None or estimate.best or not trials:
        return estimate
    from scipy.special import betaincinv  # noqa: PLC0415 — takes longer to read than most scores to count

    right, tail = estimate.value * trials, (1 - confidence) / 2
    wrong = trials - right
    low = float(betaincinv(right, wrong + 1, tail)) if right else 0.0
    return replace(estimate, exact=(low, float(betaincinv(right + 1, wrong, 1 - tail)) if wrong else 1.0))


def compare_rows(
    a: Integers, b: Integers, metrics: Mapping[str, Metric], *, sampling: Sampling = DEFAULT_SAMPLING
) -> tuple[Difference, ...]:
    """Compare two runs, unit by unit: b - a with its interval, p by approximate randomisation, Holm over all metrics.

    The null hypothesis is that each unit's two outputs could as well be swapped. With so few units that all ways of
    swapping fit into the number of resamples, all are tried and p is exact. Rows of the same unit are at the same place.
    """
    a, b = np.asarray(a, dtype=np.int64), np.asarray(b, dtype=np.int64)
    if a.shape != b.shape:
        raise ScoringError(f"the two runs have different units ({len(a)} and {len(b)})")
    columns = a.shape[1]

    def difference_of(metric: Metric) -> Metric:
        return lambda sums: metric(sums[:, columns:]) - metric(sums[:, :columns])

    changes = {name: difference_of(metric) for name, metric in metrics.items()}
    estimates = estimate_metrics(np.hstack([a, b]), changes, sampling=sampling)
    moved, exact = _draw_swaps(a, b, sampling)
    total_a, total_b = a.sum(axis=0).astype(np.float64), b.sum(axis=0).astype(np.float64)
    tests: dict[str, float | None] = {}
    for name, metric in metrics.items():
        seen, tests[name] = estimates[name].value, None
        if seen is not None:
            swapped = np.abs(metric(total_b - moved) - metric(total_a + moved))
            # An undefined difference cannot be told from a large one: count it against significance.
            as_large = int(np.count_nonzero(~(swapped < abs(seen) - ROUNDING_ERROR)))
            tests[name] = as_large / len(swapped) if exact else (as_large + 1) / (len(swapped) + 1)
    corrected = correct_by_holm(tests)
    found = []
    for name, metric in metrics.items():
        first, second = (_read_scalar(metric(total[None])) for total in (total_a, total_b))
        found.append(Difference(name, first, second, estimates[name], tests[name], corrected[name], exact))
    return tuple(found)


def correct_by_holm(p_values: Mapping[str, float | None]) -> dict[str, float | None]:
    """Correct p-values of several tests by Holm's step-down method; None stays None and counts as no test."""
    ordered = sorted((p, name) for name, p in p_values.items() if p is not None)
    corrected: dict[str, float | None] = dict.fromkeys(p_values)
    floor = 0.0
    for rank, (p, name) in enumerate(ordered):
        floor = max(floor, min(1.0, p * (len(ordered) - rank)))
        corrected[name] = floor
    return corrected


def format_p(value: float | None, *, sign: bool = False) -> str:
    """Return a p-value, a small one by its bound; in a sentence, after the letter p, with its sign."""
    if value is None:
        return "–"
    if value < SMALLEST_P:
        return f"< {SMALLEST_P}"
    return f"= {value:.3f}" if sign else f"{value:.3f}"


def _draw_resamples(distinct: Integers, sizes: Integers, sampling: Sampling) -> Floats:
    rng, resamples = np.random.default_rng(sampling.seed), sampling.resamples
    units = int(sizes.sum())
    # A multinomial draw costs about three times as much a cell as drawing units and counting them.
    grouped = MULTINOMIAL_COST * len(distinct) < units
    values = (distinct if grouped else np.repeat(distinct, sizes, axis=0)).astype(np.float64)
    at_once = max(1, CELLS_AT_ONCE // len(values))
    sums = []
    for done in range(0, resamples, at_once):
        size = min(at_once, resamples - done)
        if grouped:
            weights = rng.multinomial(units, sizes / units, size=size).astype(np.float64)
        else:
            weights = np.empty((size, units))
            for row in weights:
                row[:] = np.bincount(rng.integers(0, units, size=units, dtype=np.int32), minlength=units)
        sums.append(weights @ values)
    return np.concatenate(sums)


def _draw_swaps(a: Integers, b: Integers, sampling: Sampling) -> tuple[Floats, bool]:
    """Return how much moves from b to a in each way of swapping, shape (ways, columns), and whether that is all."""
    rng, resamples = np.random.default_rng(sampling.seed), sampling.resamples
    changed = (a != b).any(axis=1)
    gaps, sizes = np.unique((b - a)[changed], axis=0, return_counts=True)
    units = int(sizes.sum())
    gap_values = gaps.astype(np.float64)
    if 2**units <= resamples:
        single = np.repeat(gap_values, sizes, axis=0)
        ways = (np.arange(2**units)[:, None] >> np.arange(units)) & 1
        return ways.astype(np.float64) @ single, True
    at_once = max(1, CELLS_AT_ONCE // len(gaps))
    shapes = [(min(at_once, resamples - done), len(gaps)) for done in range(0, resamples, at_once)]
    moved = [rng.binomial(sizes, 0.5, size=shape).astype(np.float64) @ gap_values for shape in shapes]
    return np.concatenate(moved), False


def _make_estimate(value: float | None, drawn: Floats, others: Floats, sizes: Integers, sure: float) -> Estimate:
    defined = np.sort(drawn[~np.isnan(drawn)])
    undefined = len(drawn) - len(defined)
    if value is None or not len(defined):
        return Estimate(value, undefined=undefined)
    tail = (1 - sure) / 2
    low, high = np.quantile(defined, [tail, 1 - tail])
    bca = _compute_bca(value, defined, others, sizes, tail)
    return Estimate(value, (float(low), float(high)), bca, undefined)


def _compute_bca(value: float, defined: Floats, without_one: Floats, sizes: Integers, tail: float) -> Bounds:
    if defined[-1] - defined[0] < ROUNDING_ERROR:
        return value, value
    kept = ~np.isnan(without_one)
    left, weights = without_one[kept], sizes[kept]
    # Ties with the value count half, or a coarse metric would look biased.
    ties = np.count_nonzero(np.abs(defined - value) <= ROUNDING_ERROR)
    share = float(np.count_nonzero(defined < value - ROUNDING_ERROR) + ties / 2) / len(defined)
    if not len(left) or not 0 < share < 1:
        return None
    normal = NormalDist()
    bias = normal.inv_cdf(share)
    gaps = np.average(left, weights=weights) - left
    spread = float((weights * gaps**2).sum())
    acceleration = float((weights * gaps**3).sum()) / (6 * spread**1.5) if spread > 0 else 0.0
    bounds = []
    for z in (normal.inv_cdf(tail), normal.inv_cdf(1 - tail)):
        stretch = 1 - acceleration * (bias + z)
        if stretch <= 0:
            return None
        bounds.append(float(np.quantile(defined, normal.cdf(bias + (bias + z) / stretch))))
    return bounds[0], bounds[1]


def _read_scalar(values: Floats) -> float | None:
    value = float(values[0])
    return None if np.isnan(value) else value
