"""Annotators' accounts: made on the server, their generated passwords in one file that only its owner can read.

The file stands in the local server's home folder, by server address, also for a Doccano elsewhere. A password is
written there before the account is made, never passed as an argument and never printed.
"""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING

from pipeline.doccano.connection import Account
from pipeline.errors import AuthError, RemoteError
from pipeline.files import read_bytes, write_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pipeline.doccano.connection import Connection
    from pipeline.doccano.project import Project

ROLE = "annotator"


def accounts_path(home: Path) -> Path:
    """Return the path of the file of passwords of a home folder."""
    return home / "accounts.json"


def ensure_accounts(connection: Connection, names: Sequence[str], *, home: Path) -> dict[str, int]:
    """Find or make an account for each name.

    Returns:
        The user ids by name.

    Raises:
        AuthError: the connection's account may not make accounts.
        RemoteError: the server refuses a name; or a name is the account that pushes, whose own work could not be
            told from the pre-annotations.
        WriteError: the passwords cannot be kept; no account is made then.
    """
    if connection.username in names:
        raise RemoteError(
            f"{connection.username!r} is the account that pushes",
            where=connection.url,
            next_step="Give the annotator a name of their own",
        )
    found = {user["username"]: int(user["id"]) for user in connection.get("users")}
    missing = [name for name in names if name not in found]
    if missing:
        kept = _read(home)
        mine = kept.setdefault(connection.url, {})
        mine |= {name: secrets.token_urlsafe(18) for name in missing}
        write_text(accounts_path(home), json.dumps(kept, ensure_ascii=False, indent=2) + "\n", mode=0o600)
        for name in missing:
            data = {"username": name, "password1": mine[name], "password2": mine[name]}
            found[name] = int(connection.post("users/create", data)["id"])
    return {name: found[name] for name in names}


def ensure_members(connection: Connection, project: Project, users: Mapping[str, int]) -> None:
    """Let these users annotate in the project; whoever is a member already keeps their role.

    Raises:
        ServerError, AuthError, RemoteError: see `connection.reported`.
    """
    present = {data["user"] for data in connection.get(f"projects/{project.id}/members")}
    role = next(data["id"] for data in connection.get("roles") if data["name"] == ROLE)
    for user in users.values():
        if user not in present:
            connection.post(f"projects/{project.id}/members", {"user": user, "role": role})


def find_password(home: Path, url: str, name: str) -> Account:
    """Return the account of an annotator whose password we keep.

    Raises:
        AuthError: we do not keep it.
    """
    password = _read(home).get(url, {}).get(name)
    if password is None:
        raise AuthError(
            f"no password of {name!r} is kept for this server",
            where=url,
            next_step="Make the account with `biaozhu project create`",
        )
    return Account(url, name, password)


def _read(home: Path) -> dict[str, dict[str, str]]:
    path = accounts_path(home)
    if not path.exists():
        return {}
    try:
        data: dict[str, dict[str, str]] = json.loads(read_bytes(path))
        return {str(url): {str(k): str(v) for k, v in kept.items()} for url, kept in data.items()}
    except (ValueError, AttributeError):
        raise AuthError(
            "not a file of accounts", where=str(path), next_step="Restore it, or move it away"
        ) from None
