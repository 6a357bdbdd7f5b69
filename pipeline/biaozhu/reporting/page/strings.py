"""The report's words in Chinese and English, from one table, and its numbers."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Literal

from biaozhu.scoring.significance import Bounds

Words = Callable[..., str]
Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")
NOTHING = "–"


def make_translator(language: Language) -> Words:
    """Return a function from a key, and values for its {places}, to words; it raises KeyError for an unknown key."""
    table = read_strings()

    def translate(key: str, /, **values: object) -> str:
        words = table[key][language]
        return words.format(**values) if values else words

    return translate


@cache
def read_strings() -> Mapping[str, Mapping[str, str]]:
    """Return the table: key -> language -> words."""
    return tomllib.loads(files("biaozhu.reporting.page").joinpath("strings.toml").read_text("utf-8"))


def format_share(value: float | None, digits: int = 3) -> str:
    """Return a share with its digits, or a dash where it is undefined."""
    return NOTHING if value is None else f"{value:.{digits}f}"


def format_percent(value: float | None) -> str:
    """Return a share in per cent."""
    return NOTHING if value is None else f"{value:.1%}".replace("%", " %")


def format_difference(value: float | None) -> str:
    """Return a difference with its sign."""
    return NOTHING if value is None else f"{value:+.3f}".replace("-", "−")


def format_interval(bounds: Bounds, *, sign: bool = False) -> str:
    """Return the bounds of an interval; those of a difference with their signs."""
    if not bounds:
        return NOTHING
    return " … ".join(map(format_difference, bounds)) if sign else f"{bounds[0]:.3f}–{bounds[1]:.3f}"
