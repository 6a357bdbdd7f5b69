"""Backups that are none, are damaged, or would lead elsewhere: one clear line, and nothing written."""

from __future__ import annotations

import hashlib
import json
import stat
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from biaozhu import cli
from biaozhu.data.errors import BackupError, BiaozhuError, ServerError
from biaozhu.doccano.local.backup import FORMAT, MANIFEST, restore_backup
from biaozhu.doccano.local.state import lock_home, make_state, read_state, write_state

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

SECRETS = json.dumps({"username": "admin", "password": "geheim", "secret_key": "noch geheimer"}).encode()
CONTENT = {"db.sqlite3": b"SQLite format 3\0...", "secrets.json": SECRETS, "media/1/a.jsonl": b"{}\n"}


def make_backup(
    path: Path,
    content: Mapping[str, bytes] = CONTENT,
    *,
    change: Callable[[dict[str, Any]], object] = lambda _manifest: None,
    extra: Mapping[str, bytes] | None = None,
) -> Path:
    """Write an archive as `backup` does, with its manifest changed afterwards or members that it does not name."""
    manifest = {
        "format": FORMAT,
        "created": "2026-01-01T00:00:00+00:00",
        "biaozhu": "0.1.0",
        "doccano": "1.8.4",
        "database": "sqlite",
        "rows": {},
        "files": {
            name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in content.items()
        },
    }
    change(manifest)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in {**content, **(extra or {})}.items():
            archive.writestr(name, data)
        archive.writestr(MANIFEST, json.dumps(manifest))
    return path


def test_restore_keeps_secrets_to_the_owner_and_takes_a_port(tmp_path: Path) -> None:
    manifest, aside = restore_backup(make_backup(tmp_path / "b.zip"), home=tmp_path / "home", port=4711)
    assert (manifest.database, aside) == ("sqlite", None)
    home = tmp_path / "home"
    found = read_state(home)
    assert found is not None
    assert (found.port, found.password, found.prepared, found.processes) == (4711, "geheim", "", ())
    assert (home / "media/1/a.jsonl").read_bytes() == b"{}\n"
    assert not (home / "secrets.json").exists()
    for path in [home, *home.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert [path.name for path in tmp_path.iterdir()].count("home") == 1
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(
    "name",
    [
        "../outside",
        "/etc/outside",
        "media/../../outside",
        "media/..",
        "media",
        "media/",
        "media//a",
        "media/./a",
        "media\\..\\a",
        "media/\\a",
        "state.json",
        "queue.sqlite3",
        "manifest.json/a",
    ],
)
def test_restore_refuses_names_that_no_backup_has(tmp_path: Path, name: str) -> None:
    path = make_backup(tmp_path / "b.zip", {**CONTENT, name: b"x"})
    with pytest.raises(BackupError):
        restore_backup(path, home=tmp_path / "deep" / "home")
    assert sorted(one.name for one in tmp_path.rglob("*")) == ["b.zip"]


CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "an older or newer form": lambda m: m.update(format="biaozhu.doccano-backup.v2"),
    "a newer Doccano": lambda m: m.update(doccano="1.9.0"),
    "another database": lambda m: m.update(database="oracle"),
    "another checksum": lambda m: m["files"]["db.sqlite3"].update(sha256="0" * 64),
    "another size": lambda m: m["files"]["db.sqlite3"].update(bytes=3),
    "a file that is missing": lambda m: m["files"].update({"media/2": {"bytes": 0, "sha256": ""}}),
    "a size without end": lambda m: m["files"]["db.sqlite3"].update(bytes=float("inf")),
    "no files": lambda m: m.pop("files"),
    "a key too many": lambda m: m.update(run="rm"),
}


@pytest.mark.parametrize("what", list(CHANGES))
def test_restore_refuses_a_manifest_that_is_not_true(tmp_path: Path, what: str) -> None:
    with pytest.raises(BackupError):
        restore_backup(make_backup(tmp_path / "b.zip", change=CHANGES[what]), home=tmp_path / "home")
    assert [one.name for one in tmp_path.iterdir()] == ["b.zip"]


def test_restore_refuses_what_the_manifest_does_not_name(tmp_path: Path) -> None:
    path = make_backup(tmp_path / "b.zip", extra={"media/more": b"x"})
    with pytest.raises(BackupError):
        restore_backup(path, home=tmp_path / "home")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"not a zip at all" * 100])
def test_restore_of_no_archive_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes) -> None:
    path = tmp_path / "b.zip"
    path.write_bytes(content)
    assert cli.run(["doccano", "restore", str(path), "--home", str(tmp_path / "home")]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"BZ036 {path}: ")
    assert said.count("\n") == 1
    assert cli.run(["doccano", "restore", str(tmp_path / "none"), "--home", str(tmp_path / "home")]) == 2
    assert capsys.readouterr().err.startswith("BZ036 ")
    assert [one.name for one in tmp_path.iterdir()] == ["b.zip"]


def test_restore_of_a_truncated_archive_is_one_line_at_every_length(tmp_path: Path) -> None:
    whole = make_backup(tmp_path / "b.zip").read_bytes()
    for length in range(0, len(whole), 61):
        (tmp_path / "cut.zip").write_bytes(whole[:length])
        with pytest.raises(BackupError):
            restore_backup(tmp_path / "cut.zip", home=tmp_path / "home")
    # A byte turned over anywhere: refused, or in a place that carries nothing.
    for position in range(0, len(whole), 31):
        turned = bytearray(whole)
        turned[position] ^= 0x55
        (tmp_path / "cut.zip").write_bytes(bytes(turned))
        home = tmp_path / f"home-{position}"
        try:
            restore_backup(tmp_path / "cut.zip", home=home)
        except BiaozhuError:
            assert not home.exists()
        else:
            assert (home / "db.sqlite3").read_bytes() == CONTENT["db.sqlite3"]
            assert (home / "media/1/a.jsonl").read_bytes() == CONTENT["media/1/a.jsonl"]


@pytest.mark.parametrize("name", [MANIFEST, "db.sqlite3"])
def test_restore_of_a_member_that_seems_encrypted_is_refused(tmp_path: Path, name: str) -> None:
    path = make_backup(tmp_path / "b.zip")
    data = bytearray(path.read_bytes())
    # Bit 0 of the flags in the central directory, whose entry holds the name 46 bytes after its beginning.
    entry = data.rindex(name.encode()) - 46
    assert data[entry : entry + 4] == b"PK\x01\x02"
    data[entry + 8] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(BackupError):
        restore_backup(path, home=tmp_path / "home")
    assert [one.name for one in tmp_path.iterdir()] == ["b.zip"]


def test_restore_waits_for_who_is_at_work_there_and_looks_again(tmp_path: Path) -> None:
    path, home = make_backup(tmp_path / "b.zip"), tmp_path / "home"
    with ThreadPoolExecutor(1) as pool:
        with lock_home(home):
            restoring = pool.submit(restore_backup, path, home=home)
            until = time.monotonic() + 30
            while not list(tmp_path.glob(".home.*/home/state.json")):
                assert time.monotonic() < until
                assert not restoring.done()
                time.sleep(0.01)
            # What `up` does with the lock in its hands.
            write_state(home, make_state(4711))
            with pytest.raises(TimeoutError):
                restoring.result(timeout=0.2)
        with pytest.raises(ServerError):
            restoring.result(timeout=30)
    state = read_state(home)
    assert state is not None
    assert state.port == 4711
    assert sorted(one.name for one in tmp_path.iterdir()) == ["b.zip", "home"]
    assert restore_backup(path, home=home, replace=True)[1] == tmp_path / "home.replaced-1"


def test_restore_that_fails_at_its_place_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # No PostgreSQL listens on that port.
    path = make_backup(
        tmp_path / "b.zip",
        {"database.dump": b"PGDMP", "secrets.json": SECRETS},
        change=lambda m: m.update(database="postgresql"),
    )
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:geheim@127.0.0.1:1/a")
    with pytest.raises(ServerError):
        restore_backup(path, home=tmp_path / "home")
    assert [one.name for one in tmp_path.iterdir()] == ["b.zip"]


def test_restore_leaves_a_folder_that_holds_something_alone(tmp_path: Path) -> None:
    path, home = make_backup(tmp_path / "b.zip"), tmp_path / "home"
    home.mkdir()
    (home / "lock").touch()
    restore_backup(path, home=home)
    (home / "media/1/b.jsonl").write_text("new")
    with pytest.raises(ServerError) as caught:
        restore_backup(path, home=home)
    assert "--replace" in str(caught.value)
    assert (home / "media/1/b.jsonl").read_text() == "new"
    for number in (1, 2):
        _, aside = restore_backup(path, home=home, replace=True)
        assert aside == tmp_path / f"home.replaced-{number}"
    assert (tmp_path / "home.replaced-1/media/1/b.jsonl").read_text() == "new"
    assert not (home / "media/1/b.jsonl").exists()


def test_restore_keeps_to_the_kind_of_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:geheim@db.example/a")
    with pytest.raises(ServerError) as caught:
        restore_backup(make_backup(tmp_path / "b.zip"), home=tmp_path / "home")
    assert "geheim" not in str(caught.value)


def test_backup_of_nothing_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DOCCANO_URL", raising=False)
    command = ["doccano", "backup", str(tmp_path / "b.zip"), "--home", str(tmp_path / "home")]
    assert cli.run(command) == 2
    assert capsys.readouterr().err.startswith("BZ036 ")
    assert not (tmp_path / "home").exists()
    write_state(tmp_path / "home", make_state(4711))
    assert cli.run(command) == 2
    assert capsys.readouterr().err.startswith("BZ036 ")
    monkeypatch.setenv("DOCCANO_URL", "https://doccano.example")
    assert cli.run(command) == 2
    assert capsys.readouterr().err.startswith("BZ002 ")
    assert not (tmp_path / "b.zip").exists()
