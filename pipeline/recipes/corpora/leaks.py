"""Near-duplicates between the parts of a corpus, by the Jaccard index of their shingles.

Text is compared without white space, punctuation and width: what a copy may change.
"""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

SHINGLE = 4
THRESHOLD = 0.7
# Below this many letters and digits, likeness is chance: a dateline, a signature, a heading.
SHORTEST = 12


def normalised(text: str) -> str:
    """Return letters and digits only, compatibility forms folded, lower case."""
    folded = unicodedata.normalize("NFKC", text).lower()
    return "".join(character for character in folded if character.isalnum())


def find_leaks(texts: Sequence[str], others: Mapping[str, Sequence[str]]) -> dict[int, str]:
    """Return the positions of the texts that are nearly in other parts (name -> its texts), each with the likest part."""
    ours = [_shingles(normalised(text)) for text in texts]
    holders: dict[str, list[int]] = defaultdict(list)
    for index, shingles in enumerate(ours):
        for shingle in shingles:
            holders[shingle].append(index)
    found: dict[int, tuple[float, str]] = {}
    for part, theirs in others.items():
        for text in theirs:
            shingles = _shingles(normalised(text))
            shared = Counter(index for shingle in shingles for index in holders.get(shingle, ()))
            for index, count in shared.items():
                likeness = count / (len(shingles) + len(ours[index]) - count)
                if likeness >= THRESHOLD and likeness > found.get(index, (0.0, ""))[0]:
                    found[index] = round(likeness, 4), part
    return {index: part for index, (_, part) in found.items()}


def _shingles(text: str) -> frozenset[str]:
    if len(text) < SHORTEST:
        return frozenset()
    return frozenset(text[at : at + SHINGLE] for at in range(len(text) - SHINGLE + 1))
