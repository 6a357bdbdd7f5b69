"""Reading the configs of what is built in PyTorch: base, accurate and fast model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

from confection import Config

from biaozhu.data.errors import ConfigError, TrainingError, extra_advice
from biaozhu.data.files import read_bytes
from biaozhu.data.renamed import RECIPE, rename_keys


def read_table(path: Path) -> dict[str, Any]:
    """Return a config's sections, unchecked; raises ConfigError where the file is not a config."""
    content = read_bytes(path)
    try:
        return dict(Config().from_str(content.decode("utf-8")))
    except Exception as error:  # noqa: BLE001 — confection raises what its parser and JSON raise
        raise ConfigError(f"not a config: {str(error).splitlines()[0]}", where=str(path)) from None


def check_sections(
    table: Mapping[str, Any], needed: tuple[str, ...], where: str, *, allowed: tuple[str, ...] = ()
) -> None:
    """Raise ConfigError unless a config has the sections needed and none but these and those allowed."""
    missing = [name for name in needed if not isinstance(table.get(name), dict)]
    unknown = [name for name in table if name not in (*needed, *allowed)]
    if missing or unknown:
        more = "".join(f" but [{name}]" for name in allowed)
        raise ConfigError(f"it needs the sections {', '.join(needed)} and no other{more}", where=where)


def corpus_of(table: Mapping[str, Any], where: str) -> tuple[str, tuple[str, ...]]:
    """Return the corpus's name and the labels that [corpus] names; raises ConfigError where it names something else."""
    section = dict(table["corpus"])
    name, labels = section.pop("name", None), section.pop("labels", None)
    if not isinstance(name, str) or not isinstance(labels, list) or not labels or section:
        raise ConfigError("[corpus] needs name and labels and nothing else", where=where)
    return name, tuple(str(label) for label in labels)


def filled(kind: type[Any], section: dict[str, Any], where: str) -> Any:
    """Return a section as a dataclass; raises ConfigError for an unknown key or a value of the wrong type."""
    known = {field.name: type(field.default) for field in fields(kind)}
    section = dict(section)
    rename_keys(section, RECIPE)
    for key, value in section.items():
        if key not in known:
            raise ConfigError(f"unknown key {key!r}", where=where)
        if isinstance(value, bool) != (known[key] is bool) or not isinstance(
            value, (int, float) if known[key] is float else known[key]
        ):
            raise ConfigError(f"{key} must be a {known[key].__name__}", where=where)
    return kind(**section)


@contextmanager
def needing_torch(what: str) -> Iterator[None]:
    """Within it, an import that fails for want of PyTorch raises TrainingError, which says so."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise TrainingError(
            f"{what} is trained with PyTorch, which is not installed", next_step=extra_advice("train")
        ) from None
