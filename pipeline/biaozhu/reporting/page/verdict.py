"""The answer on top of the report: can this layer be trusted? By rules that the report states beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from biaozhu.scoring.evaluation import Comparison, Evaluation
    from biaozhu.scoring.significance import Difference, Interval

Trust = Literal["high", "high_here", "some", "low", "unknown"]

# Lower bounds of the confidence interval of strict F1. At 0.90 at most every tenth span is wrong: samples of the
# output suffice. Under 0.75 correcting takes about as long as annotating from nothing.
HIGH = 0.90
SOME = 0.75
FEW_SPANS = 100
SIGNIFICANT = 0.05


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said of a layer: trust by the lower bound of strict F1, and what that figure stands on."""

    name: str
    trust: Trust
    f1: float | None
    interval: Interval
    gold: int
    weakest: str
    weakest_f1: float | None
    few: bool


def judge(evaluation: Evaluation) -> Verdict:
    """Judge one layer by the lower bound of its strict F1; without an interval the answer is unknown."""
    strict = evaluation.overall["strict"]
    interval = strict.f1.best
    known = {
        label: scores["strict"].score.f1
        for label, scores in evaluation.labels.items()
        if scores["strict"].score.f1 is not None
    }
    weakest = min(known, key=lambda label: known[label] or 0.0, default="")
    possible = strict.score.counts.possible
    return Verdict(
        name=evaluation.name,
        trust=_trust(interval, widely=evaluation.units.kind == "article"),
        f1=strict.score.f1,
        interval=interval,
        gold=possible,
        weakest=weakest,
        weakest_f1=known.get(weakest),
        few=possible < FEW_SPANS,
    )


def headline_difference(comparison: Comparison) -> Difference:
    """Return the difference in strict F1 over all labels."""
    return differences_by_name(comparison)["ALL strict f1"]


def differences_by_name(comparison: Comparison) -> Mapping[str, Difference]:
    """Return a comparison's differences by the name of the metric, such as `ALL strict f1`."""
    return {difference.metric: difference for difference in comparison.differences}


def _trust(interval: Interval, *, widely: bool) -> Trust:
    if interval.low is None:
        return "unknown"
    if interval.low >= HIGH:
        # An interval over sections or sentences says nothing about other articles.
        return "high" if widely else "high_here"
    return "some" if interval.low >= SOME else "low"
