"""The token of the service: from the environment, or from a file that only its owner can read."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

from biaozhu.data.errors import ServiceError
from biaozhu.data.files import read_bytes, write_text

if TYPE_CHECKING:
    from pathlib import Path

VARIABLE = "BIAOZHU_TOKEN"
SHORTEST = 16


def find_token(file: Path, *, make: bool = False) -> str:
    """Return the token of BIAOZHU_TOKEN, else of the file; with `make` a new one where there is no such file.

    Raises:
        ServiceError: there is none, it is not a token, or others can read the file.
    """
    given = os.environ.get(VARIABLE, "")
    if given:
        return _checked(given, VARIABLE)
    if not file.exists():
        if not make:
            advice = f"Start `biaozhu serve`, or set {VARIABLE}"
            raise ServiceError("there is no token", where=str(file), next_step=advice)
        write_text(file, f"{secrets.token_urlsafe(32)}\n", mode=0o600)
    if file.stat().st_mode & 0o077:
        raise ServiceError("others can read the token", where=str(file), next_step=f"Run chmod 600 {file}")
    return _checked(read_bytes(file).decode("utf-8", "replace").strip(), str(file))


def _checked(token: str, where: str) -> str:
    if len(token) < SHORTEST or not (token.isascii() and token.isprintable()) or " " in token:
        what = f"a token is {SHORTEST} or more letters, digits and signs of ASCII, without blanks"
        raise ServiceError(what, where=where)
    return token
