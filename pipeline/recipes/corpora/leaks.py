"""Near-duplicates between the parts of a corpus: MinHash with banding, then the exact Jaccard index.

Text is compared without white space, punctuation and width: what a copy may change. MinHash: Broder 1997, "On the
resemblance and containment of documents"; banding: Leskovec, Rajaraman and Ullman, "Mining of Massive Datasets", 3.4.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

SHINGLE = 4
# 32 bands of 3 rows: two texts with a Jaccard index of 0.7 share a band with probability 1 - 3e-6, of 0.5 with 0.99.
BANDS, ROWS = 32, 3
THRESHOLD = 0.7
# Below this many letters and digits, likeness is chance: a dateline, a signature, a heading.
SHORTEST = 12
_RNG = np.random.default_rng(0)
_FACTORS = _RNG.integers(0, 1 << 63, (BANDS * ROWS, 1), np.uint64) * np.uint64(2) + np.uint64(1)
_OFFSETS = _RNG.integers(0, 1 << 63, (BANDS * ROWS, 1), np.uint64)


def normalised(text: str) -> str:
    """Return letters and digits only, compatibility forms folded, lower case."""
    folded = unicodedata.normalize("NFKC", text).lower()
    return "".join(character for character in folded if character.isalnum())


def find_leaks(texts: Sequence[str], others: Mapping[str, Sequence[str]]) -> dict[int, str]:
    """Return the positions of the texts that are nearly in other parts (name -> its texts), each with the likest part."""
    ours = [_shingles(normalised(text)) for text in texts]
    buckets: dict[tuple[int, int], list[int]] = defaultdict(list)
    for index, shingles in enumerate(ours):
        for band in _bands(shingles):
            buckets[band].append(index)
    found: dict[int, tuple[float, str]] = {}
    for part, theirs in others.items():
        for text in theirs:
            shingles = _shingles(normalised(text))
            for index in {index for band in _bands(shingles) for index in buckets.get(band, ())}:
                likeness = len(shingles & ours[index]) / len(shingles | ours[index])
                if likeness >= THRESHOLD and likeness > found.get(index, (0.0, ""))[0]:
                    found[index] = round(likeness, 4), part
    return {index: part for index, (_, part) in found.items()}


def _shingles(text: str) -> frozenset[str]:
    if len(text) < SHORTEST:
        return frozenset()
    return frozenset(text[at : at + SHINGLE] for at in range(len(text) - SHINGLE + 1))


def _bands(shingles: frozenset[str]) -> list[tuple[int, int]]:
    if not shingles:
        return []
    # Four code points of 21 bits in 64: the shingle itself, folded, is as good a hash as any to begin with.
    codes = np.frombuffer("".join(sorted(shingles)).encode("utf-32-le"), "<u4").reshape(-1, SHINGLE).astype(np.uint64)
    mixed = np.zeros(len(codes), np.uint64)
    for column in range(SHINGLE):
        mixed = (mixed * np.uint64(0x9E3779B97F4A7C15)) ^ (codes[:, column] * np.uint64(0xC2B2AE3D27D4EB4F))
    mixed ^= mixed >> np.uint64(29)
    low = mixed >> np.uint64(32)
    # Multiply and add modulo 2**64: the upper bits of an odd multiple are as good a random order as is needed.
    least = (low[None] * _FACTORS + _OFFSETS).min(axis=1).reshape(BANDS, ROWS)
    return [(band, hash(tuple(row))) for band, row in enumerate(least.tolist())]
