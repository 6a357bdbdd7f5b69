"""Start and end long-running processes, and know which are ours.

A process is ours when its environment names our home folder. A recorded pid counts only while the process that
has it started when the record says so: a pid that the system gave to another process is never taken for ours.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

MARK = "BIAOZHU_DOCCANO_HOME"
START_TOLERANCE = 2.0
"""Seconds by which the same start time may read differently (the system rounds it to clock ticks)."""


@dataclass(frozen=True, slots=True)
class Process:
    """A process that was started: its part in the server, its pid, and its start time (seconds since 1970)."""

    name: str
    pid: int
    started: float


def spawn(
    name: str, command: Sequence[str], *, environment: Mapping[str, str], folder: Path, log: Path
) -> Process:
    """Start a process in a session of its own; both its outputs are appended to the log, of mode 600.

    Raises:
        OSError: the program cannot be started.
    """
    log.touch(mode=0o600, exist_ok=True)
    with log.open("ab") as output:
        child = subprocess.Popen(  # noqa: S603 — the program is one of Doccano's environment, no shell is in between
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=dict(environment),
            start_new_session=True,
            umask=0o077,
        )
    return Process(name, child.pid, psutil.Process(child.pid).create_time())


def is_alive(process: Process, home: Path) -> bool:
    """Tell whether the process still runs and is the one that was started for this home."""
    try:
        found = psutil.Process(process.pid)
        if found.status() == psutil.STATUS_ZOMBIE:
            return False
        # The clock may have been set since: then the mark in the environment is what tells.
        same_start = abs(found.create_time() - process.started) < START_TOLERANCE
        return same_start or found.environ().get(MARK) == str(home)
    except psutil.Error:
        return False


def is_stopped(process: Process) -> bool:
    """Tell whether the process was halted (SIGSTOP), so that it does nothing though it is there."""
    try:
        return bool(psutil.Process(process.pid).status() == psutil.STATUS_STOPPED)
    except psutil.Error:
        return False


def family(home: Path) -> list[psutil.Process]:
    """Return every process whose environment names this home folder: leaders, workers and their children."""
    members = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == str(home) and process.status() != psutil.STATUS_ZOMBIE:
                members.append(process)
        except psutil.Error:
            continue
    return members


def stop_family(home: Path, *, grace: float = 10.0) -> list[int]:
    """End every process of this home: first asked, then killed after `grace` seconds.

    Returns:
        The pids that were ended.
    """
    ended: list[int] = []
    # A parent may start a child between the look and the signal; a second round finds it.
    for _ in range(3):
        members = family(home)
        if not members:
            break
        for member in members:
            _signal(member, kill=False)
        _, alive = psutil.wait_procs(members, timeout=grace)
        for member in alive:
            _signal(member, kill=True)
        psutil.wait_procs(alive, timeout=grace)
        ended += [member.pid for member in members if member.pid not in ended]
    return ended


def _signal(process: psutil.Process, *, kill: bool) -> None:
    # psutil itself refuses to signal a pid that has meanwhile gone to another process.
    try:
        if kill:
            process.kill()
        else:
            process.terminate()
    except psutil.NoSuchProcess:
        return
