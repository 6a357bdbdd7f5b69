"""What a character CRF sees of a character: n-grams around it, and kinds of characters, as words of a vocabulary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from biaozhu.nlp.encoders import CLASSES, class_of
from biaozhu.reading.width import to_half_width

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Where a feature's n-gram begins, seen from the character, and its length.
GRAMS = ((-2, 1), (-1, 1), (0, 1), (1, 1), (2, 1), (-2, 2), (-1, 2), (0, 2), (1, 2), (-2, 3), (-1, 3), (0, 3))
CLASS_GRAMS = ((-2, 1), (-1, 1), (0, 1), (1, 1), (2, 1), (-1, 2), (0, 2), (-1, 3), (-2, 5))
REACH = 2
EDGE = "\n"
EDGE_CLASS = CLASSES


@dataclass(frozen=True, slots=True)
class CharFeatures:
    """Which features to take: n-grams of up to so many characters, and n-grams of the kinds of characters."""

    longest: int = 3
    classes: bool = True

    def of(self, text: str) -> list[list[str]]:
        """Return the features of each code point; digits count as 0, full width as half width."""
        plain = "".join("0" if one.isdecimal() else one for one in to_half_width(text))
        found = [list(self._grams(window)) for window in _windows(plain)]
        if self.classes:
            kinds = "".join(str(class_of(one)) for one in text)
            for features, window in zip(found, _windows(kinds, str(EDGE_CLASS)), strict=True):
                features += [
                    f"k{start}:{window[REACH + start : REACH + start + size]}" for start, size in CLASS_GRAMS
                ]
        return found

    def _grams(self, window: str) -> Iterator[str]:
        for start, size in GRAMS:
            if size <= self.longest:
                yield f"{start}:{window[REACH + start : REACH + start + size]}"


def _windows(text: str, edge: str = EDGE) -> Iterator[str]:
    padded = edge * REACH + text + edge * REACH
    return (padded[place : place + 2 * REACH + 1] for place in range(len(text)))


def emissions_of(
    features: Sequence[Sequence[str]], columns: dict[str, int], weights: np.ndarray
) -> np.ndarray:
    """Return the sums of the features' weights, float64 of shape (characters, tags).

    Args:
        features: of each character.
        columns: feature -> row of `weights`; one that is not among them weighs nothing.
        weights: float32 of shape (features, tags).
    """
    rows = [[columns[one] for one in some if one in columns] for some in features]
    found = np.zeros((len(features), weights.shape[1]))
    for place, known in enumerate(rows):
        if known:
            found[place] = weights[known].sum(axis=0)
    return found
