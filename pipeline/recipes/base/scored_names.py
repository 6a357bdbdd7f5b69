"""Strict F1 of what a network finds on dev, also with a least score that a name must have to be given."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from biaozhu.annotators.labelled import OUTSIDE
from biaozhu.data.model import Sentence
from biaozhu.data.strict_counts import count_strict_spans, sum_counts

if TYPE_CHECKING:
    from biaozhu.annotators.words import LacWord

MICRO = "micro"


def f1_by_label(gold: Iterable[tuple[Any, ...]], found: Iterable[tuple[Any, ...]]) -> dict[str, float]:
    """Return strict F1 of each label and `micro`; a span ends with its label."""
    counts = count_strict_spans(gold, found)
    counts[MICRO] = sum_counts(counts.values())
    return {label: one.f1 or 0.0 for label, one in sorted(counts.items())}


def f1_of_names(gold: Sequence[Sentence], rows: Sequence[tuple[LacWord, ...]], min_score: float = 0.0) -> float:
    """Return strict F1 of the names, of those found in each gold sentence, that are at least so likely."""
    kept = (
        (number, word.start, word.end, word.tag)
        for number, row in enumerate(rows)
        for word in row
        if word.tag != OUTSIDE and word.score >= min_score
    )
    return f1_by_label(((number, *span.key) for number, one in enumerate(gold) for span in one.spans), kept)[MICRO]
