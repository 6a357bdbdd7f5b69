"""Cells of a table of variants: strict F1 with its interval, that of each label, and the paired difference to the whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from biaozhu.scoring.evaluation import ALL, compare_evaluations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from biaozhu.scoring.evaluation import Evaluation


def scores(found: Evaluation, labels: Sequence[str]) -> list[str]:
    """Return the cells of strict F1 with its interval, and of each label."""
    strict = found.overall["strict"]
    low, high = strict.f1.best or (0, 0)
    cells = [f"{strict.f1.value or 0:.4f} ({low:.4f} to {high:.4f})"]
    return cells + [f"{found.labels[label]['strict'].f1.value or 0:.4f}" for label in labels]


def line(found: Evaluation, whole: Evaluation) -> str:
    """Return a row's cells: strict F1 with its interval, that of each label, and the difference to all."""
    cells = scores(found, ("PLACE", "PERSON", "AMOUNT"))
    if found is whole:
        return " | ".join([*cells, ""])
    change = next(
        one for one in compare_evaluations(whole, found).differences if one.metric == f"{ALL} strict f1"
    )
    low, high = change.difference.best or (0, 0)
    return " | ".join([*cells, f"{change.difference.value or 0:+.4f} ({low:+.4f} to {high:+.4f})"])
