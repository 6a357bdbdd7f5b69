"""The local server's processes, and its state between commands: a JSON file of mode 600 in its home folder.

A process is ours when its environment names our home folder. A recorded pid counts only while its process started when
the record says so: the system may have given the pid to another one.
"""

from __future__ import annotations

import json
import secrets
import subprocess
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import psutil
from filelock import FileLock, Timeout

from biaozhu.data.errors import ServerError, WriteError
from biaozhu.data.files import parse_json, read_bytes, write_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

SCHEMA = 1
LOCK_WAIT_SECONDS = 180
HOME_VARIABLE = "BIAOZHU_DOCCANO_HOME"
START_TOLERANCE_SECONDS = 2.0
"""By how much the same start time may read differently: the system rounds it to clock ticks."""


@dataclass(frozen=True, slots=True)
class ServerProcess:
    """A process that was started: its part of the server, its pid, and its start time (seconds since 1970)."""

    name: str
    pid: int
    started: float


@dataclass(frozen=True, slots=True)
class ServerState:
    """A local server: port, secrets, processes, what its database was prepared for, and its address without a password."""

    port: int
    username: str
    password: str
    secret_key: str
    prepared: str = ""
    database: str = ""
    processes: tuple[ServerProcess, ...] = ()

    @property
    def url(self) -> str:
        """The address of the server, on loopback."""
        return f"http://127.0.0.1:{self.port}"


def state_path(home: Path) -> Path:
    """Return the path of the state file of a home folder."""
    return home / "state.json"


def make_state(port: int) -> ServerState:
    """Return the state of a server that was never started, with new secrets."""
    return ServerState(port, "admin", secrets.token_urlsafe(24), secrets.token_urlsafe(48))


def read_state(home: Path) -> ServerState | None:
    """Read the state, or None where there is none."""
    path = state_path(home)
    if not path.exists():
        return None
    try:
        data = parse_json(read_bytes(path))
        if data.pop("schema") != SCHEMA:
            what = "this state file is of another version of biaozhu"
            advice = "Use the version that wrote it, or move the folder away and start a new server"
            raise ServerError(what, where=str(path), next_step=advice)
        processes = tuple(ServerProcess(**process) for process in data.pop("processes"))
        return ServerState(**data, processes=processes)
    except (ValueError, TypeError, KeyError, AttributeError):
        advice = "Move the file away and run `biaozhu doccano up`"
        raise ServerError("not a state file", where=str(path), next_step=advice) from None


def write_state(home: Path, state: ServerState) -> None:
    """Write the state, readable by its owner only."""
    content = json.dumps({"schema": SCHEMA, **asdict(state)}, indent=2)
    write_text(state_path(home), f"{content}\n", mode=0o600)


@contextmanager
def lock_home(home: Path) -> Iterator[None]:
    """Make every other command that starts, stops, saves or restores this home folder wait."""
    lock = FileLock(home / "lock", timeout=LOCK_WAIT_SECONDS, mode=0o600)
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise ServerError("another `biaozhu doccano` is running", next_step="Wait for it to end") from None
    except OSError as error:
        raise WriteError(f"the folder cannot be written ({error.strerror})", where=str(home)) from None
    try:
        yield
    finally:
        lock.release()


def worker_runs(home: Path) -> bool:
    """Tell whether the local server's worker runs and is not halted; it may be busy."""
    state = read_state(home)
    with suppress(psutil.Error):
        return any(
            is_alive(worker, home.resolve()) and psutil.Process(worker.pid).status() != psutil.STATUS_STOPPED
            for worker in (state.processes if state else ())
            if worker.name == "worker"
        )
    return False


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
