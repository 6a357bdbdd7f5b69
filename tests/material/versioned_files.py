"""A file that says its version, and how one of another version is refused."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from biaozhu.data.errors import BiaozhuError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OTHERS = ("next", 0, 99, None)


@dataclass(frozen=True)
class File:
    """A file of this version: how it is read, where its version stands, and what brings one of another to this."""

    path: Path
    read: Callable[[Path], object]
    key: str
    command: str


def check_refused(file: File, other: object) -> None:
    """Check that a file is read as it is, and refused in one line that says what to run with another version."""
    file.read(file.path)
    data = json.loads(file.path.read_text("utf-8"))
    data[file.key] = other
    file.path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(BiaozhuError) as caught:
        file.read(file.path)
    line = str(caught.value)
    assert "\n" not in line
    assert file.command in line
    assert str(file.path) in line
