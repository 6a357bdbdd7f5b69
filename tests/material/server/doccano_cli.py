"""Run the real command line against the tests' server."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def command(home: Path | None, *arguments: object) -> list[str]:
    place = [] if home is None else ["--home", str(home)]
    return [sys.executable, "-m", "biaozhu", *map(str, arguments), *place]


def run(home: Path | None, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(home, *arguments),
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
        env={**os.environ, **environment},
    )
