"""A real Doccano whose disk is full: one clear line, and when there is room again the rerun finishes."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
from typing import TYPE_CHECKING

import pytest
from doccano_cli import run
from doccano_layers import make_layer

from biaozhu.data.labels import read_labels
from biaozhu.data.layers import write_layer
from biaozhu.doccano.connection import connect, find_account
from biaozhu.doccano.local.server import start, stop
from biaozhu.doccano.local.state import SQLITE_FILE
from biaozhu.doccano.project import ProjectSpec, require_project
from biaozhu.doccano.pull import pull
from biaozhu.doccano.remote import count_examples

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.server
SETTING = ProjectSpec("disk", read_labels())
KIB = 1024


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 48 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("only root may mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path, *, free: int) -> Path:
    """Leave so many bytes free; return the file that takes up the rest."""
    filler = folder / "filler"
    left = shutil.disk_usage(folder).free - free
    with filler.open("wb") as file, contextlib.suppress(OSError):
        while left >= 1:
            left -= file.write(bytes(min(left, 64 * KIB)))
            file.flush()
    return filler


def test_doccano_on_a_full_disk_says_so_and_the_rerun_finishes(small_disk: Path, tmp_path: Path) -> None:
    home, path, layer = small_disk / "home", tmp_path / "disk.jsonl", make_layer("disk", 600)
    write_layer(path, layer)
    try:
        start(home=home, wait_seconds=180)
        first = make_layer("first", 5)
        write_layer(tmp_path / "first.jsonl", first)
        assert run(home, "push", tmp_path / "first.jsonl", "--project", "first").returncode == 0
        failed = []
        for free in (0, 700 * KIB):
            # What SQLite has set aside already would else take up some of the push.
            with contextlib.closing(sqlite3.connect(home.resolve() / SQLITE_FILE, timeout=30)) as database:
                database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            filler = fill(small_disk, free=free)
            pushed = run(home, "push", path, "--project", SETTING.name)
            if pushed.returncode:
                assert pushed.returncode == 2
                assert pushed.stderr.splitlines()[-1].startswith("BZ03"), pushed.stderr
                assert "Traceback" not in pushed.stderr
                assert "run the same command again" in pushed.stderr or "`biaozhu push` again" in pushed.stderr
                failed.append(free)
            saved = run(home, "doccano", "backup", small_disk / "backup.zip")
            if free == 0:
                assert saved.returncode == 2
                assert saved.stderr.startswith("BZ004 ")
            (small_disk / "backup.zip").unlink(missing_ok=True)
            assert sorted(os.listdir(small_disk)) == ["filler", "home"]  # noqa: PTH208 — names are enough
            filler.unlink()
        assert failed[:1] == [0]
        start(home=home, wait_seconds=180)
        again = run(home, "push", path, "--project", SETTING.name)
        assert again.returncode == 0, again.stderr
        connection = connect(find_account(home=home))
        for name, sent in ((SETTING.name, layer), ("first", first)):
            pulled = pull(connection, ProjectSpec(name, SETTING.labels))
            assert list(pulled.sentences) == sent
            assert (pulled.losses, pulled.changes) == ((), ())
            assert count_examples(require_project(connection, name)) == len(sent)
    finally:
        stop(home=home)
