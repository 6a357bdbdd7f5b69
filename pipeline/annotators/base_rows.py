"""The base model's dictionary: which row of the embedding each code point has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

CODE_POINTS = 0x110000
UNKNOWN = 1


def rows_of(dictionary: Sequence[str]) -> np.ndarray:
    """Return code point -> row, int64 of shape (0x110000,); the first character of a row has precedence.

    Args:
        dictionary: for each row the characters that it stands for.
    """
    rows = np.full(CODE_POINTS, UNKNOWN, np.int64)
    for row, characters in enumerate(dictionary):
        for variant in characters[1:]:
            if rows[ord(variant)] == UNKNOWN:
                rows[ord(variant)] = row
    for row, characters in enumerate(dictionary):
        if characters:
            rows[ord(characters[0])] = row
    return rows
