"""Strict counts, which only this module makes: a prediction is correct where the gold has its boundaries and label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

# Ends with the label: `Span.key`, or what tells sentences from each other and then the span's key.
Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class StrictCounts:
    """Gold spans, predicted spans and correct ones; a figure without a denominator is None."""

    gold: int = 0
    predicted: int = 0
    correct: int = 0

    def __add__(self, other: StrictCounts) -> StrictCounts:
        return StrictCounts(self.gold + other.gold, self.predicted + other.predicted, self.correct + other.correct)

    @property
    def precision(self) -> float | None:
        """Correct / predicted."""
        return divide(self.correct, self.predicted)

    @property
    def recall(self) -> float | None:
        """Correct / gold."""
        return divide(self.correct, self.gold)

    @property
    def f1(self) -> float | None:
        """2 correct / (gold + predicted)."""
        return divide(2 * self.correct, self.gold + self.predicted)


def count_strict_spans(gold: Iterable[Key], predicted: Iterable[Key]) -> dict[str, StrictCounts]:
    """Count spans by label; the keys of one side are distinct."""
    wanted, found = set(gold), set(predicted)
    sides = [Counter(key[-1] for key in side) for side in (wanted, found, wanted & found)]
    return {label: StrictCounts(*(side[label] for side in sides)) for label in sorted(sides[0] | sides[1])}


def sum_counts(counts: Iterable[StrictCounts]) -> StrictCounts:
    """Add counts up; of no counts all are 0."""
    return sum(counts, StrictCounts())


def divide(part: float, whole: float) -> float | None:
    """Return part / whole, or None where whole is 0."""
    return part / whole if whole else None
