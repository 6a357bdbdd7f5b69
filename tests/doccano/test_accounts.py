"""The file of generated passwords: the local server's stay in sight on any port, others go by address."""

from __future__ import annotations

import json
import secrets
import socket
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from biaozhu.data.errors import AuthError
from biaozhu.doccano.connection import Account, Connection, connect, find_account
from biaozhu.doccano.local.server import start, stop
from biaozhu.doccano.local.state import ACCOUNTS_FILE, make_state, write_state
from biaozhu.doccano.team import ensure_accounts, find_password

if TYPE_CHECKING:
    from pathlib import Path

HERE, THERE, TUNNEL = "http://127.0.0.1:4711", "https://doccano.example.org", "http://127.0.0.1:8000"


def write_accounts(home: Path, content: Any) -> None:
    (home / ACCOUNTS_FILE).write_text(json.dumps(content), encoding="utf-8")


def word_of(home: Path, url: str, name: str) -> str:
    return find_password(home, url, name).password


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def test_accounts_of_the_local_server_are_found_on_any_port(tmp_path: Path) -> None:
    state = make_state(4711)
    write_state(tmp_path, state)
    write_accounts(tmp_path, {"schema": 2, "local": {"ann": "a"}, "elsewhere": {THERE: {"ann": "b"}}})
    assert find_password(tmp_path, HERE, "ann") == Account(HERE, "ann", "a")
    assert word_of(tmp_path, THERE, "ann") == "b"
    moved = replace(state, port=4712)
    write_state(tmp_path, moved)
    assert find_password(tmp_path, moved.url, "ann") == Account(moved.url, "ann", "a")
    with pytest.raises(AuthError):
        find_password(tmp_path, HERE, "ann")


def test_accounts_by_address_of_an_earlier_version_are_the_local_servers(tmp_path: Path) -> None:
    write_state(tmp_path, make_state(4711))
    old = {HERE: {"ann": "new"}, TUNNEL: {"ann": "old", "ben": "b"}, THERE: {"cai": "c"}}
    write_accounts(tmp_path, old)
    assert word_of(tmp_path, HERE, "ann") == "new"
    assert word_of(tmp_path, HERE, "ben") == "b"
    # It may have been a tunnel: what was kept for its address is still found there.
    assert word_of(tmp_path, TUNNEL, "ann") == "old"
    assert word_of(tmp_path, THERE, "cai") == "c"


def test_accounts_of_an_earlier_version_stay_by_address_where_no_server_is_local(tmp_path: Path) -> None:
    write_accounts(tmp_path, {TUNNEL: {"ann": "a"}})
    assert word_of(tmp_path, TUNNEL, "ann") == "a"
    with pytest.raises(AuthError):
        find_password(tmp_path, HERE, "ann")


@pytest.mark.parametrize("content", [[], "x", {"schema": 3}, {"schema": 2}, {"schema": 2, "local": []}, {HERE: 1}])
def test_accounts_that_are_damaged_are_one_clear_line(tmp_path: Path, content: Any) -> None:
    write_accounts(tmp_path, content)
    with pytest.raises(AuthError) as caught:
        find_password(tmp_path, HERE, "ann")
    assert str(tmp_path / ACCOUNTS_FILE) in str(caught.value)


@pytest.mark.server
def test_doccano_accounts_log_in_after_the_server_has_moved_to_another_port(
    doccano: Connection, doccano_server: Path
) -> None:
    first, second = (f"ann-{secrets.token_hex(3)}" for _ in range(2))
    ensure_accounts(doccano, [first], home=doccano_server)
    kept = json.loads((doccano_server / ACCOUNTS_FILE).read_text("utf-8"))
    # As the earlier version kept it.
    write_accounts(doccano_server, {doccano.url: kept["local"]})
    before = connect(find_password(doccano_server, doccano.url, first))
    stop(home=doccano_server)
    moved = start(home=doccano_server, port=free_port(), wait_seconds=180)
    assert moved.url != doccano.url
    assert connect(find_password(doccano_server, moved.url, first)).user_id == before.user_id
    ensure_accounts(connect(find_account(home=doccano_server)), [first, second], home=doccano_server)
    kept = json.loads((doccano_server / ACCOUNTS_FILE).read_text("utf-8"))
    assert {first, second} <= kept["local"].keys()
    assert (doccano_server / ACCOUNTS_FILE).stat().st_mode & 0o777 == 0o600
    assert connect(find_password(doccano_server, moved.url, second)).username == second
