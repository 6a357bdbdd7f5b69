"""The pure parts of the local server: its state file, and which processes are its own."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import psutil
import pytest

from biaozhu.cli import run
from biaozhu.data.errors import AuthError, ServerError
from biaozhu.doccano.connection import find_account
from biaozhu.doccano.local import server
from biaozhu.doccano.local.server import find_venv, get_status, start, stop
from biaozhu.doccano.local.state import (
    HOME_VARIABLE,
    STATE_FILE,
    ServerProcess,
    ServerState,
    is_alive,
    make_state,
    read_state,
    spawn,
    stop_family,
    write_state,
)

if TYPE_CHECKING:
    from pathlib import Path

SLEEP = [sys.executable, "-c", "import time; time.sleep(300)"]


def test_state_is_kept_for_its_owner_only(tmp_path: Path) -> None:
    state = replace(make_state(4711), processes=(ServerProcess("webserver", 1, 2.5),), prepared="x")
    write_state(tmp_path, state)
    assert read_state(tmp_path) == state
    assert stat.S_IMODE((tmp_path / STATE_FILE).stat().st_mode) == 0o600


def test_state_has_secrets_of_its_own_each_time() -> None:
    first, second = make_state(1), make_state(1)
    assert first.password != second.password
    assert first.secret_key != second.secret_key
    assert len(first.secret_key) >= 50


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"schema": 1}', '{"schema": 99, "processes": []}'])
def test_state_that_is_damaged_is_one_clear_line(tmp_path: Path, content: str) -> None:
    (tmp_path / STATE_FILE).write_text(content)
    with pytest.raises(ServerError) as caught:
        read_state(tmp_path)
    assert str(tmp_path / STATE_FILE) in str(caught.value)


def test_processes_of_a_home_end_with_their_children_and_no_others(tmp_path: Path) -> None:
    parent = f"import subprocess, time; subprocess.Popen({SLEEP!r}); time.sleep(300)"
    other = subprocess.Popen(SLEEP, env={**os.environ, HOME_VARIABLE: str(tmp_path / "other")})
    process = spawn(
        "part",
        [sys.executable, "-c", parent],
        environment={**os.environ, HOME_VARIABLE: str(tmp_path)},
        folder=tmp_path,
        log=tmp_path / "part.log",
    )
    try:
        assert is_alive(process, tmp_path)
        deadline = time.monotonic() + 20
        while not psutil.Process(process.pid).children() and time.monotonic() < deadline:
            time.sleep(0.05)
        (child,) = psutil.Process(process.pid).children()
        # The leader dies first: its child is an orphan, and ours all the same.
        psutil.Process(process.pid).kill()
        time.sleep(0.1)
        assert not is_alive(process, tmp_path)
        assert stop_family(tmp_path) == [child.pid]
        assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_processes_never_take_a_recycled_pid_for_ours(tmp_path: Path) -> None:
    stranger = subprocess.Popen(SLEEP)
    try:
        started = psutil.Process(stranger.pid).create_time()
        recorded = ServerProcess("worker", stranger.pid, started - 3600)
        write_state(tmp_path, replace(make_state(1), processes=(recorded,)))
        assert not is_alive(recorded, tmp_path)
        assert get_status(home=tmp_path).running is False
        assert stop(home=tmp_path) == []
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_server_status_of_nothing_is_not_running(tmp_path: Path) -> None:
    found = get_status(home=tmp_path / "none")
    assert (found.running, found.healthy, found.url) == (False, False, "")
    assert not (tmp_path / "none").exists()
    assert stop(home=tmp_path / "none") == []


@pytest.mark.parametrize("built", [("work", "checkout"), ("checkout",)])
def test_server_finds_its_environment_in_the_folder_else_in_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, built: tuple[str, ...]
) -> None:
    # A regression test: after `make run`, `doccano up` in a folder of one's own asked for another installation.
    for name in built:
        (tmp_path / name / ".venv-doccano/bin").mkdir(parents=True)
        (tmp_path / name / ".venv-doccano/bin/gunicorn").touch()
    (tmp_path / "work").mkdir(exist_ok=True)
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.delenv(server.VENV_VARIABLE, raising=False)
    monkeypatch.setattr(server, "HOMES", (tmp_path / "package", tmp_path / "checkout"))
    assert find_venv() == tmp_path / built[0] / ".venv-doccano"


def test_server_names_the_step_that_builds_its_environment(tmp_path: Path) -> None:
    with pytest.raises(ServerError) as caught:
        find_venv(tmp_path)
    assert f"-m venv {tmp_path} && " in str(caught.value)
    assert "locks/doccano.lock" in str(caught.value)


@pytest.mark.parametrize(
    ("variables", "error"),
    [
        ({}, ServerError),
        ({"DOCCANO_URL": "doccano.example.org"}, ServerError),
        ({"DOCCANO_URL": "ftp://doccano.example.org"}, ServerError),
        ({"DOCCANO_URL": "https://me:secret@doccano.example.org"}, ServerError),
        ({"DOCCANO_URL": "https://doccano.example.org"}, AuthError),
        ({"DOCCANO_URL": "https://doccano.example.org", "DOCCANO_USERNAME": "a"}, AuthError),
        ({"DOCCANO_URL": "http://doccano.example.org", "DOCCANO_TOKEN": "secret"}, AuthError),
    ],
)
def test_connection_refuses_an_environment_that_lacks_something(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], error: type[Exception]
) -> None:
    for name in ("DOCCANO_URL", "DOCCANO_TOKEN", "DOCCANO_USERNAME", "DOCCANO_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(error) as caught:
        find_account(home=tmp_path)
    assert "secret" not in str(caught.value)


def test_connection_account_shows_no_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCCANO_URL", "https://doccano.example.org/")
    monkeypatch.setenv("DOCCANO_USERNAME", "anna")
    monkeypatch.setenv("DOCCANO_PASSWORD", "geheim")
    monkeypatch.setenv("DOCCANO_TOKEN", "geheimer")
    account = find_account(home=tmp_path)
    assert account.url == "https://doccano.example.org"
    assert "geheim" not in repr(account)


@pytest.mark.parametrize(
    ("kept", "given"),
    [
        ("sqlite", "postgresql://me:geheim@db.example/a"),
        ("postgresql://db.example:5432/a", ""),
        ("postgresql://db.example:5432/a", "postgres://me:geheim@db.example/b?sslmode=disable"),
        ("postgresql://db.example:5432/a", "postgresql://me:geheim@db.example:port/a"),
    ],
)
def test_server_keeps_a_home_to_its_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: str, given: str
) -> None:
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "gunicorn").touch()
    home = tmp_path / "home"
    state = replace(make_state(4711), prepared="x", database=kept)
    write_state(home, state)
    monkeypatch.setenv("DATABASE_URL", given)
    with pytest.raises(ServerError) as caught:
        start(home=home, venv=venv)
    assert "geheim" not in str(caught.value)
    assert read_state(home) == state
    assert get_status(home=home).database == kept.split(":", 1)[0]


@pytest.mark.parametrize(("command", "code"), [("status", 1), ("down", 0)])
def test_server_commands_in_another_folder_point_at_home(
    command: str,
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["doccano", command]) == code
    said = capsys.readouterr().err
    assert str(tmp_path / ".doccano") in said
    assert "--home" in said


@pytest.mark.parametrize("url", ["http://x.example", "https://x.example/path", "https://", "https://a b", "x.example"])
def test_server_public_url_that_is_no_https_address_is_refused(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gunicorn = tmp_path / "venv/bin/gunicorn"
    gunicorn.parent.mkdir(parents=True)
    gunicorn.touch()
    monkeypatch.setenv("DOCCANO_PUBLIC_URL", url)
    with pytest.raises(ServerError):
        start(home=tmp_path / "home", venv=tmp_path / "venv")
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(("ends", "starts"), [(0, 1), (1, 2), (2, 2)])
def test_server_starts_a_part_again_that_ended_over_the_new_queue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends: int, starts: int
) -> None:
    begun: list[str] = []

    def living(_state: object, _home: Path) -> tuple[ServerProcess, ...]:
        lost = begun.count("worker") <= ends
        return tuple(ServerProcess(name, 1, 0.0) for name in sorted({*begun}) if not (lost and name == "worker"))

    def begin(part: str, _home: Path, state: ServerState, *_: object) -> ServerState:
        begun.append(part)
        return state

    monkeypatch.setattr(server, "find_venv", lambda venv: venv or tmp_path)
    monkeypatch.setattr(server, "_make_environment", lambda *_: {})
    monkeypatch.setattr(server, "_prepare_database", lambda _home, state, *_: state)
    monkeypatch.setattr(server, "_list_living", living)
    monkeypatch.setattr(server, "_start_part", begin)
    monkeypatch.setattr(server, "_check_health", lambda _: (begun.count("worker") > ends, {}))
    if ends < server.MOST_STARTS:
        assert server.start(home=tmp_path / "home", wait_seconds=20).healthy
    else:
        with pytest.raises(ServerError):
            server.start(home=tmp_path / "home", wait_seconds=20)
    assert begun.count("worker") == starts
