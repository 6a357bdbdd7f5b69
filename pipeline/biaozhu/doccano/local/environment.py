"""Doccano's own environment, which holds what biaozhu's cannot: where it is, and the one command that makes it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from biaozhu.data.errors import ServerError
from biaozhu.data.shipped import HOMES, find_shipped

VENV_VARIABLE = "BIAOZHU_DOCCANO_VENV"
DEFAULT_VENV = Path(".venv-doccano")
LOCK = Path("locks/doccano.lock")


def find_venv(venv: Path | None = None) -> Path:
    """Return Doccano's environment: the given one, else the working folder's, else that of the checkout."""
    built = (folder / DEFAULT_VENV for folder in (Path(), *HOMES) if _is_built(folder / DEFAULT_VENV))
    venv = (venv or Path(os.environ.get(VENV_VARIABLE) or next(built, DEFAULT_VENV))).absolute()
    if not _is_built(venv):
        advice = f"Make it: {_describe_install(venv)}; or name another in {VENV_VARIABLE}"
        raise ServerError("Doccano's own environment is not there", where=str(venv), next_step=advice)
    return venv


def _is_built(venv: Path) -> bool:
    return (venv / "bin" / "gunicorn").exists()


def _describe_install(venv: Path) -> str:
    """Return the shell command that makes the environment from the lock file of the package."""
    lock = find_shipped(LOCK)
    if lock == LOCK and Path("Makefile").exists() and venv == DEFAULT_VENV.absolute():
        return "make install-doccano"
    return f"{sys.executable} -m venv {venv} && {venv}/bin/python -m pip install --require-hashes -r {lock}"
