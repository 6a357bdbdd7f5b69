"""The files that a working folder may have and the package has too: labels, guideline and training configs.

In a checkout they are at its top; building the wheel copies them into the package (`recipes/wheel.py`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container

PACKAGE = Path(__file__).resolve().parents[1]
HOMES = (PACKAGE / "shipped", PACKAGE.parents[1])


def list_configs() -> tuple[Path, ...]:
    """Return the configs of the working folder, and the package's own of other names."""
    found: dict[str, Path] = {}
    for folder in (Path("configs"), *(home / "configs" for home in HOMES)):
        for path in sorted(folder.glob("*.cfg")):
            found.setdefault(path.name, path)
    return tuple(found[name] for name in sorted(found))


def find_owner(sections: Container[str]) -> str:
    """Return the command that takes a config of these sections; `train` where no other does."""
    if "nlp" in sections:
        return "train"
    return "base distil" if "text" in sections else "base build" if "corpus" in sections else "train"


def find_shipped(path: Path) -> Path:
    """Return the path, or that of the package's own file of this name where the working folder has none."""
    if path.is_absolute() or path.exists():
        return path
    return find_own(path)


def find_own(path: Path) -> Path:
    """Return the package's own file of this name, or the path where there is none."""
    return next((home / path for home in HOMES if (home / path).is_file()), path)
