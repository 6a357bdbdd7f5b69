"""The local server's state between commands: a JSON file of mode 600 in its home folder.

It alone has the generated secret key and the administrator's password.
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
from biaozhu.doccano.local.processes import ServerProcess, is_alive, is_stopped

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT_HOME = Path(".doccano")
SCHEMA = 1
LOCK_WAIT_SECONDS = 180


@dataclass(frozen=True, slots=True)
class ServerState:
    """A local server: where it listens, its secrets, its processes, and what its database was prepared for.

    `database` says where the annotations are, without user and password; empty before the first start.
    """

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
    workers = [process for process in state.processes if process.name == "worker"] if state else []
    return any(is_alive(worker, home.resolve()) and not is_stopped(worker) for worker in workers)
