"""The real command in a process of its own: signals, a closed pipe, a full disk, a folder that cannot be written."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from bad_files import ARTICLE, make_workplace, snapshot

COMMAND = [sys.executable, "-m", "biaozhu"]
LONG = "".join(f"第{number}天，王小明在青岛市买了{number}斤种子。" for number in range(4000))


@pytest.fixture
def workplace(tmp_path: Path) -> Path:
    """A folder to work in where everything is right, with an article of some length."""
    make_workplace(tmp_path)
    (tmp_path / "long.txt").write_text(f"{ARTICLE}\n{LONG}\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    "command",
    [
        ["preannotate", "long.txt", "-o", "out.jsonl", "--layers", "layers", "--ledger"],
        [
            "train",
            "good.cfg",
            "-o",
            "new",
            "--set",
            "components.ner.iterations=100000",
            "--set",
            "training.max_steps=1",
        ],
    ],
    ids=["preannotate", "train"],
)
def test_bad_input_stopped_in_the_middle(workplace: Path, command: list[str], sent: signal.Signals) -> None:
    before = snapshot(workplace)
    # Started with the signals as they are by default: pytest in the background would hand down an ignored Ctrl-C.
    running = subprocess.Popen(
        [*COMMAND, *command],
        cwd=workplace,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=_hear_ctrl_c,  # noqa: PLW1509 — it only sets a signal
    )
    _wait_until_it_works(running)
    running.send_signal(sent)
    out, err = running.communicate(timeout=60)
    if running.returncode == 0:
        pytest.skip("it was done before it could be stopped")
    assert running.returncode == 128 + sent
    assert err.decode() == "stopped; nothing half-written was left\n"
    assert out == b""
    assert snapshot(workplace) == before


def _hear_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _wait_until_it_works(running: subprocess.Popen[bytes]) -> None:
    """Wait until the command line has taken over the signals and the process has computed for a while."""
    until = time.monotonic() + 60
    while time.monotonic() < until and running.poll() is None:
        stat = Path(f"/proc/{running.pid}/stat").read_text(encoding="ascii", errors="replace")
        ticks = int(stat.rpartition(")")[2].split()[11])
        if ticks > 1.2 * os.sysconf("SC_CLK_TCK"):
            return
        time.sleep(0.02)


@pytest.mark.parametrize(
    "command",
    [["split", "long.txt"], ["read", "long.txt", "--json"], ["preannotate", "good.txt"], ["--help"]],
)
def test_bad_input_closed_pipe_is_no_error(workplace: Path, command: list[str]) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run([*COMMAND, *command], cwd=workplace, stdout=write_end, stderr=subprocess.PIPE, check=False)
    os.close(write_end)
    assert done.returncode == 141
    assert b"Traceback" not in done.stderr
    assert b"BrokenPipe" not in done.stderr


@pytest.mark.parametrize(
    "command", ["run", "new x", "split a.txt -o b.jsonl", "export a.jsonl -f conll -o b", "agree a b"]
)
def test_bad_input_current_folder_is_gone(tmp_path: Path, command: str) -> None:
    script = f"rmdir ../gone && {sys.executable} -m biaozhu {command}"
    (tmp_path / "gone").mkdir()
    done = subprocess.run(["sh", "-c", script], cwd=tmp_path / "gone", capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("BZ003 ")
    assert done.stderr.count("\n") == 1


DISK = {
    "split": ["split", "long.txt", "-o", "small/out.jsonl"],
    "report": ["report", "--gold", "good.jsonl", "--layer", "a=good.jsonl", "-o", "small/out"],
    "train": ["train", "good.cfg", "-o", "small/new"],
    "export": ["export", "long.jsonl", "--format", "conll", "-o", "small/out"],
    "evaluate": ["evaluate", "--gold", "good.jsonl", "--layer", "good.jsonl", "-o", "small/out.json"],
}


@pytest.mark.parametrize("command", DISK.values(), ids=DISK)
@pytest.mark.parametrize("kind", ["full", "read-only"])
@pytest.mark.slow
def test_bad_input_disk(workplace: Path, command: list[str], kind: str) -> None:
    subprocess.run([*COMMAND, "split", "long.txt", "-o", "long.jsonl"], cwd=workplace, check=True, capture_output=True)
    (workplace / "small").mkdir()
    # A disk of 8 KiB, or one that takes nothing, in a mount namespace of its own: root may write anywhere else.
    mount = "mount -t tmpfs -o size=8k none small" if kind == "full" else "mount -t tmpfs -o ro none small"
    script = f'{mount} || exit 77; "$@"; status=$?; find small -mindepth 1; exit $status'
    if shutil.which("unshare") is None:
        pytest.skip("needs unshare")
    done = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh", *COMMAND, *command],
        cwd=workplace,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 77 or "unshare:" in done.stderr:
        pytest.skip(f"no mount in a namespace here: {done.stderr.strip()}")
    said = [line for line in done.stderr.splitlines() if line.startswith("BZ")]
    reason = "No space left on device" if kind == "full" else "Read-only file system"
    assert done.returncode == 2, done.stderr
    assert len(said) == 1
    assert said[0].startswith("BZ004 small/")
    assert f"cannot be written ({reason}). Check the folder's rights and the free space" in said[0]
    assert "Traceback" not in done.stderr
    # Nothing of a file is left; what a folder was made for may be.
    left = [line for line in done.stdout.splitlines() if line.startswith("small")]
    assert left in ([], ["small/out"])
