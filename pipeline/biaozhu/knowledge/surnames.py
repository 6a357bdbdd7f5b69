"""Chinese surnames: those of the Baijiaxing, and surnames of today that it lacks or writes with another character."""

from __future__ import annotations

from biaozhu.knowledge.word_tables import read_words

COMPOUND_SURNAMES = frozenset(read_words("surnames", "compound"))
_SINGLE = (*read_words("surnames", "baijiaxing"), *read_words("surnames", "modern"))
SURNAMES = frozenset("".join(_SINGLE)) | COMPOUND_SURNAMES


def surname_length(text: str) -> int:
    """Return how many characters of the text's beginning are a surname: 2 (compound), 1 or 0."""
    if text[:2] in COMPOUND_SURNAMES:
        return 2
    return int(text[:1] in SURNAMES)
