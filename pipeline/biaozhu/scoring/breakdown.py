"""Strict scores by class: by what a span or its sentence is like, to see where a layer is good and where it is not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal, get_args

from biaozhu.data.model import Sentence
from biaozhu.data.strict_counts import StrictCounts

Aspect = Literal["article", "section", "sentence_length", "length", "surface", "confidence", "source"]
ASPECTS: tuple[Aspect, ...] = get_args(Aspect)
# Aspects of sentences; the others are aspects of spans.
OF_SENTENCES: frozenset[Aspect] = frozenset({"article", "section", "sentence_length"})
# Aspects of predicted spans only, so that there is no recall.
OF_PREDICTIONS: frozenset[Aspect] = frozenset({"confidence", "source"})

OUTSIDE = "O"
NO_SCORE = "none"
# The group of names that no fold of a cross-validation leaves out.
ALWAYS = ""
# Upper bounds, in characters, with the last class open.
SPAN_LENGTHS = (1, 2, 3, 4, 5, 7, 10)
SENTENCE_LENGTHS = (10, 20, 40, 60, 100)


@dataclass(frozen=True, slots=True)
class ClassScore:
    """Strict counts of one class; `gold` is None for aspects of predictions, `sentences` for aspects of spans."""

    key: str
    gold: int | None
    predicted: int
    correct: int
    sentences: int | None
    precision: float | None
    recall: float | None
    f1: float | None


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


def score_classes(aspect: Aspect, classes: Mapping[str, Sequence[int]]) -> tuple[ClassScore, ...]:
    """Return the scores of an aspect's classes, given as [sentences, gold, predicted, correct]."""
    found, known = [], aspect not in OF_PREDICTIONS
    for key in sort_classes(aspect, classes):
        sentences, gold, predicted, correct = classes[key]
        of = StrictCounts(gold, predicted, correct)
        own = sentences if aspect in OF_SENTENCES else None
        figures = (of.precision, of.recall, of.f1) if known else (of.precision, None, None)
        found.append(ClassScore(key, gold if known else None, predicted, correct, own, *figures))
    return tuple(found)


class SeenNames:
    """The names in layers that a model was trained on, and by group in gold that it was cross-validated on."""

    def __init__(
        self,
        trained: Iterable[Sequence[Sentence]],
        *,
        held_out: Sequence[Sentence] = (),
        groups: Mapping[str, str] | None = None,
    ) -> None:
        self._groups = groups or {}
        self._places: defaultdict[str, set[str]] = defaultdict(set)
        for sentence, group in [
            *((sentence, ALWAYS) for layer in trained for sentence in layer),
            *((sentence, self._groups[sentence.id]) for sentence in held_out),
        ]:
            for span in sentence.spans:
                self._places[sentence.text[span.start : span.end]].add(group)

    def knows(self, identifier: str, name: str) -> bool:
        """Tell whether the model that annotated a sentence has seen this name."""
        return not self._places.get(name, set()) <= {self._groups.get(identifier)}
