"""Rows of characters in our models' dictionary, and of pairs of neighbours in the fast model's table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from biaozhu.knowledge.lexicon import CODE_POINTS

# What stands outside a sentence, and a character that is in no dictionary.
EDGE, UNKNOWN = 0, 1
# Two rows of characters in one number: no dictionary has more than that.
SHIFT = 16
_MULTIPLIER = np.uint32(2654435769)
_BITS = 20


def rows_of(dictionary: Sequence[str]) -> np.ndarray:
    """Return code point -> row, int64 of shape (0x110000,); each row of the dictionary has the characters that it stands for."""
    rows = np.full(CODE_POINTS, UNKNOWN, np.int64)
    for row, characters in enumerate(dictionary):
        for character in characters:
            rows[ord(character)] = row
    return rows


class PairTable(NamedTuple):
    """The known pairs of neighbours in a hash table of one entry a bucket; a pair whose bucket another one has is not known.

    `rows` of shape (2**20,) has the row of the pair that has the bucket, `keys` each row's pair.
    """

    rows: np.ndarray
    keys: np.ndarray

    def rows_of(self, chars: np.ndarray) -> np.ndarray:
        """Return the row of each two neighbours, int32 of shape (characters - 1,)."""
        keys = pair_keys(chars)
        rows = self.rows[_bucket(keys)]
        # Comparing with the bucket's own pair keeps others out: they get the row that stands for no pair.
        return np.asarray(rows * (self.keys[rows] == keys))


def pair_keys(chars: np.ndarray) -> np.ndarray:
    """Return one number for each two neighbours, uint32."""
    rows = chars.astype(np.uint32)
    return (rows[:-1] << np.uint32(SHIFT)) | rows[1:]


def make_pair_table(keys: np.ndarray) -> PairTable:
    """Put pairs into a table, the most important first; pair i has row i + 1."""
    rows = np.zeros(1 << _BITS, np.int32)
    # The last write counts: backwards, the most important pair of a bucket has it.
    rows[_bucket(keys[::-1])] = np.arange(len(keys), 0, -1, dtype=np.int32)
    return PairTable(rows, np.concatenate([np.zeros(1, np.uint32), keys]))


def frequent_pairs(chars: np.ndarray, count: int, *, least: int = 3) -> np.ndarray:
    """Return at most `count` pairs that have a bucket and stand `least` times, the most frequent first, uint32.

    `chars` are rows of characters with EDGE between the sentences.
    """
    keys, counts = np.unique(pair_keys(chars), return_counts=True)
    keys = keys[np.argsort(-counts, kind="stable")][: np.count_nonzero(counts >= least)]
    _, firsts = np.unique(_bucket(keys), return_index=True)
    return keys[np.sort(firsts)][:count]


def _bucket(keys: np.ndarray) -> np.ndarray:
    return (keys * _MULTIPLIER) >> np.uint32(32 - _BITS)
