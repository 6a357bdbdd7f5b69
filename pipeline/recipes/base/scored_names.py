"""Names that a network finds on dev, with their scores: for the least score that a name must have to be given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from biaozhu.annotators.labelled import OUTSIDE
from biaozhu.data.model import Sentence
from biaozhu.data.strict_counts import count_strict_spans, sum_counts

if TYPE_CHECKING:
    from biaozhu.annotators.words import LacWord


@dataclass(frozen=True, slots=True)
class ScoredNames:
    """Gold sentences, and what a network finds in each."""

    gold: Sequence[Sentence]
    rows: Sequence[tuple[LacWord, ...]]

    def f1(self, min_score: float = 0.0) -> float:
        """Return strict F1 of the names that are at least so likely."""
        gold = {(number, *span.key) for number, one in enumerate(self.gold) for span in one.spans}
        kept = {
            (number, word.start, word.end, word.tag)
            for number, row in enumerate(self.rows)
            for word in row
            if word.tag != OUTSIDE and word.score >= min_score
        }
        return sum_counts(count_strict_spans(gold, kept).values()).f1 or 0.0
