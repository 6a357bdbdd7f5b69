"""Labels, guideline and training configs: a working folder may have them, checkout and wheel carry their own."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Container
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.requirements import Requirement

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
    if "drawn" in sections:
        return "base deepen"
    return "base distil" if "text" in sections else "base build" if "corpus" in sections else "train"


def find_shipped(path: Path) -> Path:
    """Return the path, or that of the package's own file of this name where the working folder has none."""
    return path if path.is_absolute() or path.exists() else find_own(path)


def find_own(path: Path) -> Path:
    """Return the package's own file of this name, or the path where there is none."""
    return next((home / path for home in HOMES if (home / path).is_file()), path)


def list_requirements(extra: str) -> list[Requirement]:
    """Return what an extra needs here (the core, where it is empty)."""
    from importlib.metadata import requires  # noqa: PLC0415 — read only where something is missing

    from packaging.requirements import Requirement  # noqa: PLC0415 — as above

    read = map(Requirement, requires("biaozhu") or ())
    wanted = [one for one in read if bool(extra) == ("extra" in str(one.marker or ""))]
    return [one for one in wanted if one.marker is None or one.marker.evaluate({"extra": extra})]


def name_shipped(path: Path) -> Path:
    """Return the path of the package's own file as a working folder would have it; another path as it is."""
    return next((path.relative_to(home) for home in HOMES if path.is_relative_to(home)), path)


def describe_extra_install(extra: str) -> str:
    """Return the command that installs the packages of an extra (of the core, where it is empty).

    No index has the project: they come from the checkout, or by their own names where the wheel is installed.
    """
    checkout = PACKAGE.parents[1]
    if (checkout / "pyproject.toml").is_file():
        what = f"-e {shlex.quote(f'{checkout}[{extra}]' if extra else str(checkout))}"
    else:
        what = " ".join(f"'{str(one).partition(';')[0].strip()}'" for one in list_requirements(extra))
    return f"{shlex.quote(sys.executable)} -m pip install {what}"
