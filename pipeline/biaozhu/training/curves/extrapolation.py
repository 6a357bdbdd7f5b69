"""Extrapolation of a learning curve: bands around its points, a curve through them, and what more sentences are worth.

The curve is an inverse power law, F1 = a - b n^-c (Figueroa et al. 2012, Hestness et al. 2017), fitted by weighted
least squares. Bands and the interval of the gain come from one bootstrap that draws the held-out units and the seeds
anew and fits again each time; all sizes are scored on the same draw, so what is common to them cancels out of the gain.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeWarning, curve_fit

from biaozhu.scoring.significance import Sampling

Floats = NDArray[np.float64]

Failure = Literal["", "few_sizes", "undefined", "no_convergence", "misses"]
FAILURES: dict[Failure, str] = {
    "few_sizes": "fewer than four different sizes do not tell three parameters",
    "undefined": "F1 is undefined at some sizes",
    "no_convergence": "no inverse power law fits these points: the search did not converge",
    "misses": "no inverse power law fits these points: the best one lies outside the band of more than a third of them",
}
# Each draw is a search for a curve, so fewer of them than for a score.
DEFAULT_SAMPLING = Sampling(resamples=1000)
# a is a share; b and c are kept where the curve still bends within what anybody annotates.
LOWEST, HIGHEST = (0.0, -20.0, 0.01), (1.0, 20.0, 3.0)
STARTS = (0.5, 1.0, 0.1)
# Differences in F1 below this are rounding.
SMALLEST = 0.001
# With more draws than this that no curve fits, or sizes whose band the curve misses, the figures would be a fiction.
MOST_UNFITTED = 0.1
MOST_MISSED = 1 / 3


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Strict F1 after training on so many sentences (their mean over the folds): mean over the seeds, and its band.

    `runs` has the F1 of each seed; what is undefined (nothing there and nothing found) is None.
    """

    sentences: int
    mean: float | None
    low: float | None
    high: float | None
    runs: tuple[float | None, ...]


class PowerLaw(NamedTuple):
    """The curve F1 = a - b n^-c."""

    a: float
    b: float
    c: float

    def at(self, sentences: float) -> float:
        """Return F1 after so many sentences, kept within what a share can be."""
        return float(min(max(_power_law(float(sentences), *self), 0.0), 1.0))


@dataclass(frozen=True, slots=True)
class Gain:
    """Change of F1 by `more` sentences on top of `annotated`; the bounds are None where they cannot be computed."""

    annotated: int
    more: int
    gain: float
    low: float | None
    high: float | None

    @property
    def distinguishable(self) -> bool:
        """The interval does not hold zero."""
        return self.low is not None and self.high is not None and (self.low > SMALLEST or self.high < -SMALLEST)


@dataclass(frozen=True, slots=True)
class Exchange:
    """Exchange rate of a layer: its sentences that train to the F1 of one of the gold.

    `bound` says that the rate is only the least or the most, where one curve begins above the other's end.
    """

    f1: float
    gold: float
    layer: float
    low: float | None
    high: float | None
    bound: Literal["", "at least", "at most"]

    @property
    def rate(self) -> float:
        """Sentences of the layer for one of the gold."""
        return self.layer / self.gold


@dataclass(frozen=True, slots=True)
class Extrapolation:
    """The points, and the curve with the gain it promises, or in `failure` why there is none."""

    points: tuple[CurvePoint, ...]
    law: PowerLaw | None = None
    gain: Gain | None = None
    failure: Failure = ""


def extrapolate(
    sizes: Sequence[int], counts: NDArray[np.int64], *, annotated: int, more: int, sampling: Sampling = DEFAULT_SAMPLING
) -> Extrapolation:
    """Put bands around the points of a learning curve and extrapolate it from `annotated` sentences to `more`.

    `sizes` are the sentences trained on, ascending; `counts` the spans there, found and right, shape (sizes, seeds, units, 3).
    """
    measured = _f1(counts.sum(axis=2))
    means = _mean_of_seeds(measured)
    drawn = _draw(counts, sampling)
    points = tuple(
        CurvePoint(size, _known(mean), *_bounds(around, sampling), tuple(map(_known, runs)))
        for size, mean, runs, around in zip(sizes, means, measured, drawn.T, strict=True)
    )
    if len(set(sizes)) <= len(LOWEST):
        return Extrapolation(points, failure="few_sizes")
    if np.isnan(means).any():
        return Extrapolation(points, failure="undefined")
    # A size whose mean hardly varies weighs more, but not without end.
    spread = np.array([np.nanstd(around) if len(around) else 0.0 for around in drawn.T])
    weights = np.maximum(spread, SMALLEST)
    law = fit_power_law(sizes, means, weights)
    if law is None:
        return Extrapolation(points, failure="no_convergence")
    if sum(_misses(law, point) for point in points) > MOST_MISSED * len(points):
        return Extrapolation(points, failure="misses")
    gains = []
    for values in drawn:
        again = None if np.isnan(values).any() else fit_power_law(sizes, values, weights, near=law)
        if again:
            gains.append(again.at(annotated + more) - again.at(annotated))
    fitted = len(gains) >= (1 - MOST_UNFITTED) * len(drawn)
    bounds = _bounds(np.array(gains), sampling) if fitted else (None, None)
    gain = law.at(annotated + more) - law.at(annotated)
    return Extrapolation(points, law, Gain(annotated, more, gain, *bounds))


def exchange(
    gold: tuple[Sequence[int], NDArray[np.int64]],
    layer: tuple[Sequence[int], NDArray[np.int64]],
    *,
    sampling: Sampling = DEFAULT_SAMPLING,
) -> Exchange | None:
    """Compare two learning curves at the highest F1 that both reach; None where F1 is undefined somewhere.

    Both are sizes and counts as `extrapolate` takes them, scored on the same and on the same draws.
    """
    f1 = [_mean_of_seeds(_f1(counts.sum(axis=2))) for _, counts in (gold, layer)]
    if np.isnan(np.concatenate(f1)).any():
        return None

    def needed(first: Floats, second: Floats) -> tuple[float, float, float]:
        reached = float(min(first.max(), second.max()))
        return reached, _needed(gold[0], first, reached), _needed(layer[0], second, reached)

    target, first, second = needed(*f1)
    drawn = [needed(*values) for values in zip(*(_draw(counts, sampling) for _, counts in (gold, layer)), strict=True)]
    rates = np.array([second / first for _, first, second in drawn])
    bound: Literal["", "at least", "at most"]
    bound = "at least" if target < f1[0][0] else "at most" if target < f1[1][0] else ""
    return Exchange(target, first, second, *_bounds(rates, sampling), bound)


def fit_power_law(
    sizes: Sequence[float], values: Floats, weights: Floats, *, near: PowerLaw | None = None
) -> PowerLaw | None:
    """Fit F1 = a - b n^-c by weighted least squares, or return None where no search converges.

    There are at least four different sizes; `weights` are the standard deviations of the values. The search begins at `near`; without it
    several beginnings are tried and the best result taken.
    """
    at = np.asarray(sizes, np.float64)
    # With the exponent given the other two are a straight line.
    lines = [] if near else [(c, *np.polyfit(at**-c, values, 1)) for c in STARTS]
    starts = [near] if near else [PowerLaw(level, -slope, c) for c, slope, level in lines]
    settings = {"sigma": weights, "bounds": (LOWEST, HIGHEST), "jac": _slopes, "x_scale": (0.1, 1, 1), "max_nfev": 500}
    laws = []
    for start in starts:
        # A flat curve leaves the exponent open, which is not a failure: any exponent predicts the same.
        with suppress(RuntimeError), warnings.catch_warnings(action="ignore", category=OptimizeWarning):
            found, _ = curve_fit(_power_law, at, values, p0=np.clip(start, LOWEST, HIGHEST), **settings)
            laws.append(PowerLaw(*map(float, found)))
    losses = [float((((_power_law(at, *law) - values) / weights) ** 2).sum()) for law in laws]
    return laws[losses.index(min(losses))] if laws else None


def _needed(sizes: Sequence[int], values: Floats, target: float) -> float:
    """Return after how many sentences an F1 is first reached, in between by their logarithm."""
    reached, first = np.unique(np.maximum.accumulate(values), return_index=True)
    return float(np.exp(np.interp(target, reached, np.log(np.asarray(sizes, np.float64)[first]))))


def _draw(counts: NDArray[np.int64], sampling: Sampling) -> Floats:
    """Return the mean F1 of each size in each draw, shape (draws, sizes); no draws where there is one unit only."""
    sizes, seeds, units, _ = counts.shape
    if units < 2:  # noqa: PLR2004 — one unit has nothing to vary against
        return np.zeros((0, sizes))
    rng = np.random.default_rng(sampling.seed)
    weights = rng.multinomial(units, np.full(units, 1 / units), size=sampling.resamples).astype(np.float64)
    sums = np.tensordot(weights, counts.astype(np.float64), axes=(1, 2))
    by_seed = _f1(sums)
    chosen = rng.integers(0, seeds, size=(sampling.resamples, 1, seeds))
    return _mean_of_seeds(np.take_along_axis(by_seed, np.broadcast_to(chosen, by_seed.shape), axis=2))


def _f1(counts: NDArray[np.int64] | Floats) -> Floats:
    with np.errstate(invalid="ignore"):
        return np.asarray(2 * counts[..., 2] / (counts[..., 0] + counts[..., 1]), np.float64)


def _mean_of_seeds(values: Floats) -> Floats:
    with np.errstate(invalid="ignore"):
        return np.asarray(np.nansum(values, axis=-1) / (~np.isnan(values)).sum(axis=-1))


def _bounds(values: Floats, sampling: Sampling) -> tuple[float | None, float | None]:
    known = values[~np.isnan(values)]
    if not len(known):
        return None, None
    tail = (1 - sampling.confidence) / 2
    low, high = np.quantile(known, [tail, 1 - tail])
    return float(low), float(high)


def _misses(law: PowerLaw, point: CurvePoint) -> bool:
    if point.low is None or point.high is None:
        return False
    return not point.low - SMALLEST <= law.at(point.sentences) <= point.high + SMALLEST


def _power_law(sizes: Floats | float, a: float, b: float, c: float) -> Floats | float:
    return a - b * sizes**-c


def _slopes(sizes: Floats, _a: float, b: float, c: float) -> Floats:
    falling = sizes**-c
    return np.stack([np.ones_like(sizes), -falling, b * falling * np.log(sizes)], axis=1)


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
