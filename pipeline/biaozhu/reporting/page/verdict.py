"""The answer at the top of the report: can this layer be trusted? By rules that the report states beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from biaozhu.reporting.authorship import GoldAuthor
    from biaozhu.scoring.evaluation import Evaluation
    from biaozhu.scoring.significance import Bounds, Difference

Trust = Literal["high", "limited", "some", "low", "unknown"]
Doubt = Literal["few_articles", "in_sample", "models_only", "authors_unknown"]
Direction = Literal["better", "worse", "open", "unclear"]

# Lower bounds of the confidence interval of strict F1. At 0.90 at most every tenth span is wrong: samples of the
# output suffice. Under 0.75 correcting takes about as long as annotating from nothing.
HIGH = 0.90
SOME = 0.75
FEW_SPANS = 100
SIGNIFICANT = 0.05


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement of a layer, and why its score says little about other articles, whatever its height."""

    trust: Trust
    doubts: tuple[Doubt, ...]


def judge_layer(evaluation: Evaluation, authors: Iterable[GoldAuthor], *, in_sample: bool) -> Verdict:
    """Judge a layer by the lower bound of its strict F1, and by the evidence; without an interval it is unknown.

    `high`, the only green verdict, needs enough articles, a blind layer, and a person among the gold's annotators.
    """
    kinds = {author.kind for author in authors if author.kind != "pre"}
    found: dict[Doubt, bool] = {
        "in_sample": in_sample,
        # An interval over sections or sentences says nothing about other articles.
        "few_articles": evaluation.units.kind != "article",
        "models_only": kinds == {"model"},
        "authors_unknown": "person" not in kinds and kinds != {"model"},
    }
    doubts = tuple(doubt for doubt, holds in found.items() if holds)
    bounds = evaluation.overall["strict"].f1.best
    if not bounds:
        return Verdict("unknown", doubts)
    if bounds[0] >= HIGH:
        return Verdict("limited" if doubts else "high", doubts)
    return Verdict("some" if bounds[0] >= SOME else "low", doubts)


def judge_difference(difference: Difference, tests: int) -> tuple[Direction, Bounds, float | None]:
    """Return which of two layers is better, with the interval and the p-value that say so.

    Both are corrected for the same number of tests (Bonferroni): the interval must have been drawn at the
    confidence 1 - 0.05 / tests. Where only one of them finds a difference, the direction is `unclear`.
    """
    bounds = difference.difference.best
    p = None if difference.p is None else min(1.0, difference.p * tests)
    apart = bool(bounds) and not (bounds or (0, 0))[0] <= 0 <= (bounds or (0, 0))[1]
    significant = p is not None and p < SIGNIFICANT
    if apart and significant:
        return ("better" if (difference.difference.value or 0) > 0 else "worse"), bounds, p
    return ("unclear" if apart or significant else "open"), bounds, p


def find_weakest(evaluation: Evaluation) -> str:
    """Return the label with the lowest strict F1, empty where no label has one."""
    scores = {label: by["strict"].f1.value for label, by in evaluation.labels.items()}
    known = {label: f1 for label, f1 in scores.items() if f1 is not None}
    return min(known, key=lambda label: known[label], default="")
