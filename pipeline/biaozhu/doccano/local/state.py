"""The local server's processes, its state between commands (a JSON file of mode 600 in its home folder), and its database.

A process is ours when its environment names our home folder. A recorded pid counts only while its process started when
the record says so: the system may have given the pid to another one.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import psutil
from filelock import FileLock, Timeout

from biaozhu.data.errors import ServerError, WriteError
from biaozhu.data.files import parse_json, read_bytes, tell_waiting, write_json

STATE_FILE, ACCOUNTS_FILE, SQLITE_FILE = "state.json", "accounts.json", "db.sqlite3"  # of a home folder
SCHEMA = 1
LOCK_WAIT_SECONDS = 180
HOME_VARIABLE = "BIAOZHU_DOCCANO_HOME"
GRACE_SECONDS = 10.0  # for a process to end before it is killed
START_TOLERANCE_SECONDS = 2.0  # the system rounds start times to clock ticks


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


def make_state(port: int) -> ServerState:
    """Return the state of a server that was never started, with new secrets."""
    return ServerState(port, "admin", secrets.token_urlsafe(24), secrets.token_urlsafe(48))


def read_state(home: Path) -> ServerState | None:
    """Read the state, or None where there is none."""
    path = home / STATE_FILE
    if not path.exists():
        return None
    try:
        data = parse_json(read_bytes(path))
        if data.pop("schema") != SCHEMA:
            advice = "Use the version that wrote it, or move the folder away and start a new server"
            raise ServerError("this state file is of another version of biaozhu", where=path, next_step=advice)
        processes = tuple(ServerProcess(**process) for process in data.pop("processes"))
        return ServerState(**data, processes=processes)
    except (ValueError, TypeError, KeyError, AttributeError):
        advice = "Move the file away and run `biaozhu doccano up`"
        raise ServerError("not a state file", where=path, next_step=advice) from None


def write_state(home: Path, state: ServerState) -> ServerState:
    """Write the state, readable by its owner only, and return it."""
    write_json(home / STATE_FILE, {"schema": SCHEMA, **asdict(state)}, mode=0o600)
    return state


@contextmanager
def lock_home(home: Path) -> Iterator[None]:
    """Make every other command that starts, stops, saves or restores this home folder wait."""
    lock = FileLock(home / "lock", timeout=LOCK_WAIT_SECONDS, mode=0o600)
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tell_waiting(home):
            lock.acquire()
    except Timeout:
        raise ServerError("another `biaozhu doccano` is running", next_step="Wait for it to end") from None
    except OSError as error:
        raise WriteError(f"the folder cannot be written ({error.strerror})", where=home) from None
    try:
        yield
    finally:
        lock.release()


def worker_runs(home: Path) -> bool:
    """Tell whether the local server's worker runs and is not halted; it may be busy."""
    state = read_state(home)
    workers = [one for one in (state.processes if state else ()) if one.name == "worker"]
    with suppress(psutil.Error):
        alive = [psutil.Process(one.pid) for one in workers if is_alive(one, home.resolve())]
        return any(one.status() != psutil.STATUS_STOPPED for one in alive)
    return False


@contextmanager
def logged(log: Path) -> Iterator[dict[str, Any]]:
    """Give the options of a process without input, whose outputs are appended to the log; what it writes is of mode 600."""
    log.touch(mode=0o600, exist_ok=True)
    with log.open("ab") as output:
        yield {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": subprocess.STDOUT, "umask": 0o077}


def spawn(name: str, command: list[str], *, environment: Mapping[str, str], folder: Path, log: Path) -> ServerProcess:
    """Start a process in a session of its own; its outputs go to the log."""
    with logged(log) as options:
        child = subprocess.Popen(  # noqa: S603 — the program is one of Doccano's environment, there is no shell
            command, cwd=folder, env=environment, start_new_session=True, **options
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
    every = psutil.process_iter(["environ", "status"])
    ours = (one for one in every if (one.info["environ"] or {}).get(HOME_VARIABLE) == str(home))
    return [one for one in ours if one.info["status"] != psutil.STATUS_ZOMBIE]


def stop_family(home: Path) -> list[int]:
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
            _, alive = psutil.wait_procs(alive, timeout=GRACE_SECONDS)
        ended += [member.pid for member in members if member.pid not in ended]
    return ended


def database_url(home: Path) -> str:
    """Return the address that Doccano is given: the PostgreSQL of DATABASE_URL, else SQLite in the home folder."""
    given = os.environ.get("DATABASE_URL", "")
    return given if given.startswith(("postgres:", "postgresql:")) else f"sqlite:///{home / SQLITE_FILE}"


def hide_password(url: str) -> str:
    """Return a database's address without user, password and options."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return "sqlite"
    try:
        return f"postgresql://{parts.hostname or ''}:{parts.port or 5432}{parts.path}"
    except ValueError:
        advice = "Write it as postgresql://user:password@host:5432/name"
        raise ServerError("DATABASE_URL is not an address", next_step=advice) from None


def check_database(state: ServerState, home: Path) -> None:
    """Refuse another database than the one that the home folder began with: all annotations would seem lost."""
    now = hide_password(database_url(home))
    if state.database and state.database != now:
        change = "Unset DATABASE_URL" if state.database == "sqlite" else f"Set DATABASE_URL to {state.database} again"
        what = f"its annotations are in {state.database}, and DATABASE_URL now leads to {now}"
        raise ServerError(what, where=home, next_step=f"{change}, or give another --home")


def call_postgres(program: str, *arguments: str, url: str) -> str:
    """Run `psql`, `pg_dump` or `pg_restore` (on the PATH, else Debian's newest) on a database and return what it prints.

    The password goes through the environment: every user of the machine can read process arguments.
    """
    debians = Path("/usr/lib/postgresql").glob(f"*/bin/{program}")
    newest = max(debians, key=lambda found: float(found.parents[1].name), default=None)
    path = shutil.which(program) or newest
    if path is None:
        advice = "Install PostgreSQL's client programs, then run again"
        raise ServerError(f"there is no {program} on this machine", next_step=advice)
    parts = urlsplit(url)
    given = {
        "PGHOST": parts.hostname,
        "PGPORT": str(parts.port or 5432),
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGDATABASE": unquote(parts.path.lstrip("/")),
        # Doccano's own default.
        "PGSSLMODE": parse_qs(parts.query).get("sslmode", ["require"])[0],
    }
    result = subprocess.run(  # noqa: S603 — PostgreSQL's own programs, there is no shell
        [path, *arguments],
        env={"PATH": os.environ.get("PATH", ""), **{name: value for name, value in given.items() if value}},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if result.returncode:
        said = " ".join(result.stderr.split())[:300] or "it says nothing"
        raise ServerError(f"{program} fails ({said})", next_step="Check the database that DATABASE_URL names")
    return result.stdout.strip()
