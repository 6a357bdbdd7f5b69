"""What is kept about the local server between commands: one JSON file of mode 600 in its home folder.

It holds the generated secret key and the administrator's password: no other place does.
"""

from __future__ import annotations

import json
import secrets
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from biaozhu.data.errors import ServerError, WriteError
from biaozhu.data.files import parse_json, read_bytes, write_text
from biaozhu.doccano.local.processes import Process, is_alive, is_stopped

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT_HOME = Path(".doccano")
SCHEMA = 1


@dataclass(frozen=True, slots=True)
class State:
    """A local server: where it listens, its secrets, its processes, and what its database was prepared for.

    `database` says where the annotations are, without user and password; empty before the first start.
    """

    port: int
    username: str
    password: str
    secret_key: str
    prepared: str = ""
    database: str = ""
    processes: tuple[Process, ...] = ()

    @property
    def url(self) -> str:
        """The address of the server, on loopback."""
        return f"http://127.0.0.1:{self.port}"


def state_path(home: Path) -> Path:
    """Return the path of the state file of a home folder."""
    return home / "state.json"


def new_state(port: int) -> State:
    """Return the state of a server that was never started, with secrets of its own."""
    return State(
        port=port,
        username="admin",
        password=secrets.token_urlsafe(24),
        secret_key=secrets.token_urlsafe(48),
    )


def read_state(home: Path) -> State | None:
    """Read the state, or None where there is none.

    Raises:
        ServerError: the file is there and is not a state file of this version.
    """
    path = state_path(home)
    if not path.exists():
        return None
    try:
        data = parse_json(read_bytes(path))
        if data.pop("schema") != SCHEMA:
            raise ServerError(
                "this state file is of another version of biaozhu",
                where=str(path),
                next_step="Use the version that wrote it, or move the folder away and start a new server",
            )
        processes = tuple(Process(**process) for process in data.pop("processes"))
        return State(**data, processes=processes)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise ServerError(
            "not a state file", where=str(path), next_step="Move the file away and run `biaozhu doccano up`"
        ) from None


def write_state(home: Path, state: State) -> None:
    """Write the state, readable by its owner only.

    Raises:
        WriteError: it cannot be written; the old state stays.
    """
    content = json.dumps({"schema": SCHEMA, **asdict(state)}, indent=2) + "\n"
    write_text(state_path(home), content, mode=0o600)


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """Keep every other command that starts, stops, saves or restores this home folder waiting.

    Raises:
        ServerError: another one is at work and does not end.
        WriteError: the folder cannot be written.
    """
    lock = FileLock(home / "lock", timeout=180, mode=0o600)
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise ServerError("another `biaozhu doccano` is at work", next_step="Wait for it to end") from None
    except OSError as error:
        raise WriteError(f"no folder to write into ({error.strerror})", where=str(home)) from None
    try:
        yield
    finally:
        lock.release()


def worker_runs(home: Path) -> bool:
    """Tell whether the local server's worker is there and not stopped; it may be busy.

    Raises:
        ServerError: the state file is damaged.
    """
    state = read_state(home)
    return state is not None and any(
        process.name == "worker" and is_alive(process, home.resolve()) and not is_stopped(process)
        for process in state.processes
    )
