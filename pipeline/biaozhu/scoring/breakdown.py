"""Strict scores by class: by what a span or its sentence is like, to see where a layer is good and where it is not."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

from biaozhu.data.strict_counts import divide

if TYPE_CHECKING:
    from collections.abc import Iterable

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
# Aspects of sentences; the others are aspects of spans.
OF_SENTENCES: frozenset[Aspect] = frozenset({"article", "section", "sentence_length"})
# Aspects of predicted spans only, so that there is no recall.
OF_PREDICTIONS: frozenset[Aspect] = frozenset({"confidence", "source"})

OUTSIDE = "O"
NO_SCORE = "none"
# Upper bounds, in characters, with the last class open.
SPAN_LENGTHS = (1, 2, 3, 4, 5, 7, 10)
SENTENCE_LENGTHS = (10, 20, 40, 60, 100)


@dataclass(frozen=True, slots=True)
class ClassScore:
    """Strict counts of one class.

    `gold` is None where only predictions have the aspect: then there is no recall. `sentences` is None where the
    aspect is one of spans.
    """

    key: str
    gold: int | None
    predicted: int
    correct: int
    sentences: int | None = None

    @property
    def precision(self) -> float | None:
        """Correct / predicted."""
        return divide(self.correct, self.predicted)

    @property
    def recall(self) -> float | None:
        """Correct / gold."""
        return None if self.gold is None else divide(self.correct, self.gold)

    @property
    def f1(self) -> float | None:
        """2 correct / (gold + predicted)."""
        return None if self.gold is None else divide(2 * self.correct, self.gold + self.predicted)


@dataclass(frozen=True, slots=True)
class Confusion:
    """Characters by gold label (rows) and predicted label (columns), in the order of `labels`, O last."""

    labels: tuple[str, ...]
    matrix: tuple[tuple[int, ...], ...]


@cache
def name_length_class(length: int, bounds: tuple[int, ...] = SPAN_LENGTHS) -> str:
    """Return the class of a length in characters (at least 1), such as `3`, `6-7` or `11+`."""
    low = 1
    for bound in bounds:
        if length <= bound:
            return str(bound) if bound == low else f"{low}-{bound}"
        low = bound + 1
    return f"{low}+"


def sort_classes(aspect: Aspect, keys: Iterable[str]) -> list[str]:
    """Return the names of classes in the order of reports: lengths by size, articles and sections as they come."""
    if aspect in ("length", "sentence_length"):
        return sorted(keys, key=lambda key: int(key.rstrip("+").partition("-")[0]))
    # "none" and "unseen" come last in the alphabet, too.
    return list(keys) if aspect in ("article", "section") else sorted(keys)
