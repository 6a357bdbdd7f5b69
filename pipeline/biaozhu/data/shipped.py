"""The files that a working folder may have and the package has too: labels, guideline and training configs.

In a checkout they are at its top; building the wheel copies them into the package (`recipes/wheel.py`).
"""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
HOMES = (PACKAGE / "shipped", PACKAGE.parents[1])


def find_shipped(path: Path) -> Path:
    """Return the path, or that of the package's own file of this name where the working folder has none."""
    if path.is_absolute() or path.exists():
        return path
    return next((home / path for home in HOMES if (home / path).is_file()), path)
