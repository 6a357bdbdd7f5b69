"""Annotators' accounts, whose generated passwords are in a file of the home folder that only its owner can read.

The file has the local server's accounts, whatever its port, and by address those of other servers. A password is written
there before the account is made, never passed as an argument and never printed.
"""

from __future__ import annotations

import json
import re
import secrets
from typing import TYPE_CHECKING, Any

import msgspec

from biaozhu.data.errors import AuthError, RemoteError
from biaozhu.data.files import parse_json, read_bytes, write_text
from biaozhu.doccano.connection import Account
from biaozhu.doccano.local.state import read_state
from biaozhu.doccano.remote import list_member_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from biaozhu.doccano.connection import Connection
    from biaozhu.doccano.project import Project

_ByAddress = dict[str, dict[str, str]]
SCHEMA = 2
LOCAL_ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")
"""How schema 1 named a local server, whose port may be another by now."""


def accounts_path(home: Path) -> Path:
    """Return the path of the file of passwords of a home folder."""
    return home / "accounts.json"


def ensure_accounts(connection: Connection, names: Sequence[str], *, home: Path) -> dict[str, int]:
    """Find or make an account for each name, and return the user ids by name.

    The account that pushes cannot be an annotator's: their work would look like pre-annotations.
    """
    if connection.username in names:
        what = f"{connection.username!r} is the account that pushes"
        raise RemoteError(what, where=connection.url, next_step="Give the annotator a name of their own")
    users = connection.call(connection.client.search_users)
    found: dict[str, int] = {user.username: user.id for user in users}
    missing = [name for name in names if name not in found]
    if missing:
        data = _read_accounts(home)
        passwords = _select_passwords(data, home, connection.url)
        passwords |= {name: secrets.token_urlsafe(18) for name in missing}
        content = json.dumps({"schema": SCHEMA, **data}, ensure_ascii=False, indent=2)
        write_text(accounts_path(home), f"{content}\n", mode=0o600)
        for name in missing:
            found[name] = connection.call(connection.client.create_user, name, passwords[name]).id
    return {name: found[name] for name in names}


def ensure_members(connection: Connection, project: Project, users: Mapping[str, int]) -> None:
    """Let these users annotate in the project; anyone who is a member already keeps their role."""
    present = list_member_names(connection, project)
    for name, user in users.items():
        if user not in present:
            connection.call(connection.client.add_member, project.id, name, "annotator")


def find_password(home: Path, url: str, name: str) -> Account:
    """Return the account of an annotator whose password we keep."""
    password = _select_passwords(_read_accounts(home), home, url).get(name)
    if password is None:
        advice = "Make the account with `biaozhu project create`"
        raise AuthError(f"no password of {name!r} is kept for this server", where=url, next_step=advice)
    return Account(url, name, password)


def list_accounts(home: Path, url: str) -> tuple[str, ...]:
    """Return the names whose passwords are kept for this server."""
    return tuple(_select_passwords(_read_accounts(home), home, url))


def _select_passwords(data: dict[str, Any], home: Path, url: str) -> dict[str, str]:
    """Return the passwords by name for one server."""
    state = read_state(home)
    is_local = state is not None and state.url == url
    passwords: dict[str, str] = data["local"] if is_local else data["elsewhere"].setdefault(url, {})
    return passwords


def _read_accounts(home: Path) -> dict[str, Any]:
    """Return `local`, passwords by name, and `elsewhere`, the same by address."""
    path = accounts_path(home)
    if not path.exists():
        return {"local": {}, "elsewhere": {}}
    try:
        data: Any = parse_json(read_bytes(path))
        if data.get("schema", SCHEMA) != SCHEMA:
            what = "this accounts file is of another version of biaozhu"
            raise AuthError(what, where=str(path), next_step="Use the version that wrote it")
        if "schema" not in data:
            data = _convert_schema_1(msgspec.convert(data, _ByAddress), home)
        return {
            "local": msgspec.convert(data["local"], dict[str, str]),
            "elsewhere": msgspec.convert(data["elsewhere"], _ByAddress),
        }
    except (ValueError, AttributeError, TypeError, KeyError, msgspec.ValidationError):
        advice = "Restore it, or move it away"
        raise AuthError("not an accounts file", where=str(path), next_step=advice) from None


def _convert_schema_1(elsewhere: _ByAddress, home: Path) -> dict[str, Any]:
    """Convert a file with addresses only; one of loopback may have been a tunnel, so its passwords stay there too."""
    state = read_state(home)
    local: dict[str, str] = {}
    if state:
        for address in sorted(elsewhere, key=lambda address: address == state.url):
            local |= elsewhere[address] if LOCAL_ADDRESS.fullmatch(address) else {}
        elsewhere.pop(state.url, None)
    return {"local": local, "elsewhere": elsewhere}
