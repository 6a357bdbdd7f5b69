"""The answer on top of the report: can this layer be trusted? By rules that the report states beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from biaozhu.scoring.evaluation import Evaluation

Trust = Literal["high", "high_here", "some", "low", "unknown"]

# Lower bounds of the confidence interval of strict F1. At 0.90 at most every tenth span is wrong: samples of the
# output suffice. Under 0.75 correcting takes about as long as annotating from nothing.
HIGH = 0.90
SOME = 0.75
FEW_SPANS = 100
SIGNIFICANT = 0.05


def judge_layer(evaluation: Evaluation) -> Trust:
    """Judge a layer by the lower bound of its strict F1; without an interval the answer is unknown."""
    bounds = evaluation.overall["strict"].f1.best
    if not bounds:
        return "unknown"
    if bounds[0] >= HIGH:
        # An interval over sections or sentences says nothing about other articles.
        return "high" if evaluation.units.kind == "article" else "high_here"
    return "some" if bounds[0] >= SOME else "low"


def find_weakest(evaluation: Evaluation) -> str:
    """Return the label with the lowest strict F1, empty where no label has one."""
    scores = {label: by["strict"].f1.value for label, by in evaluation.labels.items()}
    known = {label: f1 for label, f1 in scores.items() if f1 is not None}
    return min(known, key=lambda label: known[label], default="")
