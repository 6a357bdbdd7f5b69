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


def translator(language: Language) -> Callable[..., str]:
    """Return a function from a key (and the values for its {places}) to the words in a language.

    The function raises KeyError for a key that the table lacks.
    """
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
