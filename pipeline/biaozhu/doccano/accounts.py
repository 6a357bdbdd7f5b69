"""Annotators' accounts: made on the server, their generated passwords in one file that only its owner can read.

The file stands in the local server's home folder: the accounts of that server, whatever port it is on, and by
address those of a Doccano elsewhere. A password is written there before the account is made, never passed as an
argument and never printed.
"""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from biaozhu.data.errors import AuthError, RemoteError
from biaozhu.data.files import parse_json, read_bytes, write_text
from biaozhu.doccano.connection import Account, reported
from biaozhu.doccano.local.state import read_state

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from biaozhu.doccano.connection import Connection
    from biaozhu.doccano.project import Project

ROLE = "annotator"
SCHEMA = 2
# How the first form of the file named a local server; its port may be another by now.
OLD_LOCAL = re.compile(r"http://127\.0\.0\.1:\d+")


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
    with reported(connection.url):
        found: dict[str, int] = {user.username: user.id for user in connection.client.search_users()}
    missing = [name for name in names if name not in found]
    if missing:
        kept = _read(home)
        mine = _passwords(kept, home, connection.url)
        mine |= {name: secrets.token_urlsafe(18) for name in missing}
        content = {"schema": SCHEMA, "local": kept.local, "elsewhere": kept.elsewhere}
        write_text(accounts_path(home), json.dumps(content, ensure_ascii=False, indent=2) + "\n", mode=0o600)
        for name in missing:
            with reported(connection.url):
                found[name] = connection.client.create_user(name, mine[name]).id
    return {name: found[name] for name in names}


def ensure_members(connection: Connection, project: Project, users: Mapping[str, int]) -> None:
    """Let these users annotate in the project; whoever is a member already keeps their role.

    Raises:
        ServerError, AuthError, RemoteError: see `connection.reported`.
    """
    with reported(connection.url):
        present = {member.user for member in connection.client.list_members(project.id)}
        for name, user in users.items():
            if user not in present:
                connection.client.add_member(project.id, name, ROLE)


def find_password(home: Path, url: str, name: str) -> Account:
    """Return the account of an annotator whose password we keep.

    Raises:
        AuthError: we do not keep it.
    """
    password = _passwords(_read(home), home, url).get(name)
    if password is None:
        raise AuthError(
            f"no password of {name!r} is kept for this server",
            where=url,
            next_step="Make the account with `biaozhu project create`",
        )
    return Account(url, name, password)


@dataclass(frozen=True, slots=True)
class _Kept:
    """Passwords by name: of the home's own server, and of others by address."""

    local: dict[str, str] = field(default_factory=dict)
    elsewhere: dict[str, dict[str, str]] = field(default_factory=dict)


def _passwords(kept: _Kept, home: Path, url: str) -> dict[str, str]:
    return kept.local if url == _local_url(home) else kept.elsewhere.setdefault(url, {})


def _local_url(home: Path) -> str:
    state = read_state(home)
    return state.url if state else ""


def _read(home: Path) -> _Kept:
    path = accounts_path(home)
    if not path.exists():
        return _Kept()
    try:
        data: Any = parse_json(read_bytes(path))
        if "schema" not in data:
            return _from_old(data, _local_url(home))
        if data["schema"] != SCHEMA:
            raise AuthError(
                "this file of accounts is of another version of biaozhu",
                where=str(path),
                next_step="Use the version that wrote it",
            )
        return _Kept(_strings(data["local"]), _by_address(data["elsewhere"]))
    except (ValueError, AttributeError, TypeError, KeyError):
        raise AuthError(
            "not a file of accounts", where=str(path), next_step="Restore it, or move it away"
        ) from None


def _from_old(data: dict[str, Any], url: str) -> _Kept:
    """Read the first form, which had an address for the local server too.

    An address of loopback may also have been a tunnel to a server elsewhere: what is not surely ours stays there too.
    """
    elsewhere = _by_address(data)
    local: dict[str, str] = {}
    for address in sorted(elsewhere, key=lambda address: address == url):
        if url and OLD_LOCAL.fullmatch(address):
            local |= elsewhere[address]
    elsewhere.pop(url, None)
    return _Kept(local, elsewhere)


def _by_address(data: dict[str, Any]) -> dict[str, dict[str, str]]:
    return {str(url): _strings(found) for url, found in data.items()}


def _strings(data: dict[str, Any]) -> dict[str, str]:
    return {str(name): str(password) for name, password in data.items()}
