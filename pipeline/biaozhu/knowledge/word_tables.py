"""The word tables of `word_tables.toml`, which names their sources."""

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
