"""Start and end long-running processes, and recognise our own.

A process is ours when its environment names our home folder. A recorded pid counts only while the process that has it
started when the record says so: the system may have given the pid to another one.
"""

from __future__ import annotations

import subprocess
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

HOME_VARIABLE = "BIAOZHU_DOCCANO_HOME"
START_TOLERANCE_SECONDS = 2.0
"""By how much the same start time may read differently: the system rounds it to clock ticks."""


@dataclass(frozen=True, slots=True)
class ServerProcess:
    """A process that was started: its part of the server, its pid, and its start time (seconds since 1970)."""

    name: str
    pid: int
    started: float


def spawn(
    name: str, command: Sequence[str], *, environment: Mapping[str, str], folder: Path, log: Path
) -> ServerProcess:
    """Start a process in a session of its own; both its outputs are appended to the log, of mode 600."""
    log.touch(mode=0o600, exist_ok=True)
    with log.open("ab") as output:
        child = subprocess.Popen(  # noqa: S603 — the program is one of Doccano's environment, there is no shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=dict(environment),
            start_new_session=True,
            umask=0o077,
        )
    return ServerProcess(name, child.pid, psutil.Process(child.pid).create_time())


def is_alive(process: ServerProcess, home: Path) -> bool:
    """Tell whether the process still runs and is the one that was started for this home."""
    try:
        found = psutil.Process(process.pid)
        if found.status() == psutil.STATUS_ZOMBIE:
            return False
        # The clock may have been set since; then the environment decides.
        same_start = abs(found.create_time() - process.started) < START_TOLERANCE_SECONDS
        return same_start or found.environ().get(HOME_VARIABLE) == str(home)
    except psutil.Error:
        return False


def is_stopped(process: ServerProcess) -> bool:
    """Tell whether the process was halted (SIGSTOP)."""
    try:
        return bool(psutil.Process(process.pid).status() == psutil.STATUS_STOPPED)
    except psutil.Error:
        return False


def find_family(home: Path) -> list[psutil.Process]:
    """Return every process whose environment names this home folder: leaders, workers and their children."""
    members = []
    for process in psutil.process_iter():
        try:
            is_ours = process.environ().get(HOME_VARIABLE) == str(home)
            if is_ours and process.status() != psutil.STATUS_ZOMBIE:
                members.append(process)
        except psutil.Error:
            continue
    return members


def stop_family(home: Path, *, grace_seconds: float = 10.0) -> list[int]:
    """End every process of this home, by force where it does not end in time, and return the pids."""
    ended: list[int] = []
    # A parent may start a child between the look and the signal; a second round finds it.
    for _ in range(3):
        members = find_family(home)
        if not members:
            break
        alive = members
        for end in (psutil.Process.terminate, psutil.Process.kill):
            for member in alive:
                # psutil itself refuses to signal a pid that has meanwhile gone to another process.
                with suppress(psutil.NoSuchProcess):
                    end(member)
            _, alive = psutil.wait_procs(alive, timeout=grace_seconds)
        ended += [member.pid for member in members if member.pid not in ended]
    return ended
