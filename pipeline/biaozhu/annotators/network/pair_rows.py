"""Rows of the fast model's table of pairs of neighbouring characters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Two rows of characters in one number: no dictionary has more than that.
SHIFT = 16
_MULTIPLIER = np.uint32(2654435769)
_BITS = 20


@dataclass(frozen=True, slots=True)
class PairTable:
    """The known pairs in a hash table of one entry a bucket; a pair whose bucket another one has is not known.

    `rows` of shape (2**20,) has the row of the pair that has the bucket, `keys` each row's pair.
    """

    rows: np.ndarray
    keys: np.ndarray

    def rows_of(self, chars: np.ndarray) -> np.ndarray:
        """Return the row of each two neighbours, int32 of shape (characters - 1,)."""
        keys = pair_keys(chars)
        rows = self.rows[_bucket(keys)]
        # Comparing with the bucket's own pair keeps others out: they get the row that stands for no pair.
        found: np.ndarray = rows * (self.keys[rows] == keys)
        return found


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
    keys, counts = keys[counts >= least], counts[counts >= least]
    keys = keys[np.argsort(-counts, kind="stable")]
    _, firsts = np.unique(_bucket(keys), return_index=True)
    return keys[np.sort(firsts)][:count]


def _bucket(keys: np.ndarray) -> np.ndarray:
    return (keys * _MULTIPLIER) >> np.uint32(32 - _BITS)
