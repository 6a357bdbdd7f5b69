"""Strict F1 of names that a network finds on dev: for the least score that a name must have to be given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from biaozhu.annotators.labelled import OUTSIDE
from biaozhu.data.model import Sentence
from biaozhu.data.strict_counts import count_strict_spans, sum_counts

if TYPE_CHECKING:
    from biaozhu.annotators.words import LacWord


def f1_of_names(gold: Sequence[Sentence], rows: Sequence[tuple[LacWord, ...]], min_score: float = 0.0) -> float:
    """Return strict F1 of the names, of those found in each gold sentence, that are at least so likely."""
    wanted = {(number, *span.key) for number, one in enumerate(gold) for span in one.spans}
    kept = {
        (number, word.start, word.end, word.tag)
        for number, row in enumerate(rows)
        for word in row
        if word.tag != OUTSIDE and word.score >= min_score
    }
    return sum_counts(count_strict_spans(wanted, kept).values()).f1 or 0.0
