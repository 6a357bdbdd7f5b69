"""Strict scores by what a span or its sentence is like: where a layer is good, and where it is not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from biaozhu.scoring.scores import ratio

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

Aspect = Literal["article", "section", "sentence_length", "length", "surface", "confidence", "source"]
ASPECTS: tuple[Aspect, ...] = (
    "article",
    "section",
    "sentence_length",
    "length",
    "surface",
    "confidence",
    "source",
)

OUTSIDE = "O"
NO_SCORE = "none"
# Upper bounds, in characters, with the last class open.
SPAN_LENGTHS = (1, 2, 3, 4, 5, 7, 10)
SENTENCE_LENGTHS = (10, 20, 40, 60, 100)


@dataclass(frozen=True, slots=True)
class Row:
    """Strict counts of one class.

    `gold` is None where a class is a property of predictions only (confidence, source): then there is no recall.
    `sentences` is None where the class is a property of spans.
    """

    key: str
    gold: int | None
    predicted: int
    correct: int
    sentences: int | None = None

    @property
    def precision(self) -> float | None:
        """Correct / predicted."""
        return ratio(self.correct, self.predicted)

    @property
    def recall(self) -> float | None:
        """Correct / gold."""
        return None if self.gold is None else ratio(self.correct, self.gold)

    @property
    def f1(self) -> float | None:
        """2 correct / (gold + predicted)."""
        return None if self.gold is None else ratio(2 * self.correct, self.gold + self.predicted)


@dataclass(frozen=True, slots=True)
class Confusion:
    """Characters by gold label (rows) and predicted label (columns), in the order of `labels`, O last."""

    labels: tuple[str, ...]
    matrix: tuple[tuple[int, ...], ...]


def length_class(length: int, bounds: Sequence[int] = SPAN_LENGTHS) -> str:
    """Return the class of a length, such as `3`, `6-7` or `11+`.

    Args:
        length: in characters, at least 1.
        bounds: upper bounds of the classes, ascending.
    """
    low = 1
    for bound in bounds:
        if length <= bound:
            return str(bound) if bound == low else f"{low}-{bound}"
        low = bound + 1
    return f"{low}+"


def length_classes(bounds: Sequence[int] = SPAN_LENGTHS) -> tuple[str, ...]:
    """Return the names of all classes, in order."""
    return tuple(length_class(bound, bounds) for bound in (*bounds, bounds[-1] + 1))


def first_of(key: str) -> int:
    """Return the shortest length of a class, by which classes are put in order."""
    return int(key.rstrip("+").partition("-")[0])


def confusion_of(matrix: NDArray[np.int64], labels: Sequence[str]) -> Confusion:
    """Wrap a matrix of shape (labels + 1, labels + 1), O last."""
    return Confusion((*labels, OUTSIDE), tuple(tuple(int(cell) for cell in row) for row in matrix))
