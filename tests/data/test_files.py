"""Files are there whole or not at all; ledgers read back what they wrote."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from biaozhu.data.errors import WriteError
from biaozhu.data.files import write_text
from biaozhu.data.ledger import Entry, read_ledger, write_ledger


def test_files_pipe_is_written_into_and_not_replaced(tmp_path: Path) -> None:
    pipe, got = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_text("utf-8")))
    reader.start()
    write_text(pipe, "标注")
    reader.join(10)
    assert got == ["标注"]
    assert pipe.is_fifo()


def test_files_device_is_not_replaced() -> None:
    write_text(Path("/dev/null"), "标注")
    assert Path("/dev/null").is_char_device()
    with pytest.raises(WriteError, match="BZ004"):
        write_text(Path("/dev/full"), "标注" * 100_000)


def test_files_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_text(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_ledger_reads_back_line_separators_in_texts(tmp_path: Path) -> None:
    entries = (Entry("pull", "loss", "dropped", "x:0-3", 0, 2, "PLACE", "云\u2028岭\x85"),)
    write_ledger(tmp_path / "ledger.jsonl", entries)
    assert read_ledger(tmp_path / "ledger.jsonl") == entries


@pytest.mark.parametrize(("redirect", "status"), [("/dev/full", 2), ("/dev/null", 0)])
def test_cli_full_disk_under_stdout_is_no_loss(redirect: str, status: int) -> None:
    seed = Path(__file__).parents[2] / "seeds/handan-2020-07-02.txt"
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    with Path(redirect).open("wb") as out:
        done = subprocess.run(
            [sys.executable, "-m", "biaozhu", "read", str(seed), "--json"],
            stdout=out, stderr=subprocess.PIPE, env=environment, check=False,
        )  # fmt: skip
    assert done.returncode == status
    assert b"Traceback" not in done.stderr
