"""The report's words in Chinese and English, from one table."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")


def make_translator(language: Language) -> Callable[..., str]:
    """Return a function from a key, and values for its {places}, to words; it raises KeyError for an unknown key."""
    table = read_strings()

    def translate(key: str, /, **values: object) -> str:
        words = table[key][language]
        return words.format(**values) if values else words

    return translate


@cache
def read_strings() -> Mapping[str, Mapping[str, str]]:
    """Return the table: key -> language -> words."""
    content = files("biaozhu.reporting.page").joinpath("strings.toml").read_text("utf-8")
    return {key: dict(words) for key, words in tomllib.loads(content).items()}
