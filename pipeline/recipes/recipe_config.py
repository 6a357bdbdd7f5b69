"""Reading the configs of what is built in PyTorch: the accurate, the deep and the fast model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from confection import Config

from biaozhu.data.errors import ConfigError
from biaozhu.data.files import read_bytes

Watch = Callable[[dict[str, Any]], None]
"""What hears of how far a recipe is: it gets a record of each step."""


def read_sections(path: Path, needed: tuple[str, ...]) -> dict[str, Any]:
    """Return a config's sections: those needed and no other; raises ConfigError for another file."""
    content = read_bytes(path)
    try:
        table = dict(Config().from_str(content.decode("utf-8")))
    except Exception as error:  # noqa: BLE001 — confection raises what its parser and JSON raise
        raise ConfigError(f"not a config: {str(error).splitlines()[0]}", where=str(path)) from None
    if table.keys() != set(needed) or not all(isinstance(section, dict) for section in table.values()):
        raise ConfigError(f"it needs the sections {', '.join(needed)} and no other", where=str(path))
    return table


def read_corpus_section(table: Mapping[str, Any], where: str) -> tuple[str, tuple[str, ...]]:
    """Return the corpus's name and the labels that [corpus] names; raises ConfigError where it names something else."""
    section = dict(table["corpus"])
    name, labels = section.pop("name", None), section.pop("labels", None)
    if not isinstance(name, str) or not isinstance(labels, list) or not labels or section:
        raise ConfigError("[corpus] needs name and labels and nothing else", where=where)
    return name, tuple(str(label) for label in labels)


def filled(kind: type[Any], section: dict[str, Any], where: str) -> Any:
    """Return a section as a dataclass; raises ConfigError for an unknown key or a value of the wrong type."""
    known = {field.name: type(field.default) for field in fields(kind)}
    for key, value in section.items():
        if key not in known:
            raise ConfigError(f"unknown key {key!r}", where=where)
        if type(value) is not known[key] and (type(value), known[key]) != (int, float):
            raise ConfigError(f"{key} must be a {known[key].__name__}", where=where)
    return kind(**section)
