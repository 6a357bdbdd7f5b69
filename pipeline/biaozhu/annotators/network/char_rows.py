"""The base model's dictionary: which row each code point has."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from biaozhu.knowledge.lexicon import CODE_POINTS

# What stands outside a sentence, and a character that is in no dictionary.
EDGE, UNKNOWN = 0, 1


def rows_of(dictionary: Sequence[str]) -> np.ndarray:
    """Return code point -> row, int64 of shape (0x110000,); each row of the dictionary has the characters that it stands for."""
    rows = np.full(CODE_POINTS, UNKNOWN, np.int64)
    for row, characters in enumerate(dictionary):
        for character in characters:
            rows[ord(character)] = row
    return rows
