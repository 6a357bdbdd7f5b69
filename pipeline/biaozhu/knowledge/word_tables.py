"""The word tables of `word_tables.toml`, which names their sources; among them surnames: the Baijiaxing, and those that it lacks."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Any

TABLES: dict[str, Any] = tomllib.loads(
    files("biaozhu.knowledge").joinpath("word_tables.toml").read_text(encoding="utf-8")
)


def read_words(table: str, name: str) -> tuple[str, ...]:
    """Return the words of an entry of a table, in order."""
    return tuple(TABLES[table][name].split())


def read_alternation(table: str, name: str) -> str:
    """Return the words of an entry, which may be patterns, as alternatives of a pattern, in order."""
    return "|".join(read_words(table, name))


COMPOUND_SURNAMES = frozenset(read_words("surnames", "compound"))
_SINGLE = (*read_words("surnames", "baijiaxing"), *read_words("surnames", "modern"))
SURNAMES = frozenset("".join(_SINGLE)) | COMPOUND_SURNAMES


def surname_length(text: str) -> int:
    """Return how many characters of the text's beginning are a surname: 2 (compound), 1 or 0."""
    return 2 if text[:2] in COMPOUND_SURNAMES else int(text[:1] in SURNAMES)
