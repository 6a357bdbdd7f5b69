"""A real Doccano on loopback: gunicorn and the Celery worker, in Doccano's own environment.

Everything it writes lies under one home folder (`.doccano/`): database, queue, uploads, logs and the state file.
Secrets go to the processes through their environment, never through their arguments.

The database is SQLite in the home folder, or the PostgreSQL that DATABASE_URL names (`postgresql://user:password@
host/name`; `?sslmode=disable` where the server has no TLS). A home folder keeps to the database that it began with:
a start without that DATABASE_URL, or with another, is refused, since the annotations would seem to be gone.
"""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import requests

from biaozhu.data.errors import ServerError
from biaozhu.doccano import server_plugin
from biaozhu.doccano.local.database import address, check_database, database_url
from biaozhu.doccano.local.processes import MARK, Process, is_alive, spawn, stop_family
from biaozhu.doccano.local.state import State, locked, new_state, read_state, write_state

if TYPE_CHECKING:
    from collections.abc import Callable

VENV_VARIABLE = "BIAOZHU_DOCCANO_VENV"
DEFAULT_VENV = Path(".venv-doccano")
VERSION = "1.8.4"
PARTS = ("webserver", "worker")
# What a process needs of our own environment; everything else (tokens, proxies) stays here.
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ")


@dataclass(frozen=True, slots=True)
class Status:
    """What is known about the local server: `health` is Doccano's own report, by part."""

    home: Path
    url: str
    running: bool
    healthy: bool
    username: str
    database: str
    processes: tuple[Process, ...]
    dead: tuple[str, ...]
    health: dict[str, str]
    logs: tuple[Path, ...]


def start(*, home: Path, port: int | None = None, venv: Path | None = None, wait: float = 90.0) -> Status:
    """Start what does not run yet and wait until Doccano says that all its parts work.

    Args:
        home: the folder of the database, the logs and the state file; made if it is not there.
        port: the port on 127.0.0.1; None keeps the last one, or takes a free one.
        venv: Doccano's environment; None looks at BIAOZHU_DOCCANO_VENV, then at `.venv-doccano`.
        wait: seconds to wait for a healthy server.

    Raises:
        ServerError: there is no such environment, the port is taken, the home folder began with another database,
            that database is another program's, or the server does not come up.
        WriteError: the home folder cannot be written.
    """
    home = home.resolve()
    venv = find_venv(venv)
    with locked(home):
        state = read_state(home)
        if state is not None and port is not None and port != state.port and _living(state, home):
            raise ServerError(
                f"it runs already, on port {state.port}",
                next_step="Run `biaozhu doccano down` before you give it another port",
            )
        state = state or new_state(port or choose_free_port())
        check_database(state, home)
        write_state(home, state)
        if not _living(state, home):
            state = replace(state, port=_choose_port(state.port, port))
            # Doccano keeps every export that was ever asked for.
            for archive in (home / "media").glob("*.zip"):
                archive.unlink(missing_ok=True)
        environment = _environment(home, state, venv)
        state = _prepare(home, state, venv, environment)

        def begin(part: str, state: State) -> State:
            return _start_part(part, home, state, venv, environment)

        missing = set(PARTS) - {process.name for process in _living(state, home)}
        for part in PARTS:
            if part in missing:
                state = begin(part, state)
        _wait_until_healthy(home, state, begun=missing, begin=begin, deadline=time.monotonic() + wait)
        return status(home=home)


def stop(*, home: Path) -> list[int]:
    """End every process of the local server and of its children; the data stay.

    Returns:
        The pids that were ended; empty when nothing ran.
    """
    home = home.resolve()
    if not home.is_dir():
        return []
    with locked(home):
        ended = stop_family(home)
        state = read_state(home)
        if state is not None:
            write_state(home, replace(state, processes=()))
        return ended


def status(*, home: Path) -> Status:
    """Look at the local server without changing anything.

    Raises:
        ServerError: the state file is damaged.
    """
    home = home.resolve()
    state = read_state(home)
    if state is None:
        return Status(home, "", False, False, "", "", (), (), {}, ())  # noqa: FBT003 — nothing runs, nothing is healthy
    living = _living(state, home)
    names = {process.name for process in living}
    healthy, health = _health(state.url) if "webserver" in names else (False, {})
    return Status(
        home=home,
        url=state.url,
        running=bool(living),
        healthy=healthy and len(names) == len(PARTS),
        username=state.username,
        database=(state.database or address(database_url(home))).split(":", 1)[0],
        processes=living,
        dead=tuple(part for part in PARTS if part not in names),
        health=health,
        logs=tuple(_log(home, part) for part in PARTS if _log(home, part).exists()),
    )


def find_venv(venv: Path | None = None) -> Path:
    """Return Doccano's environment.

    Raises:
        ServerError: it has not been built.
    """
    venv = (venv or Path(os.environ.get(VENV_VARIABLE) or DEFAULT_VENV)).absolute()
    if not (venv / "bin" / "gunicorn").exists():
        raise ServerError(
            "Doccano's own environment is not there",
            where=str(venv),
            next_step=f"Run `make install-doccano`, or name the environment in {VENV_VARIABLE}",
        )
    return venv


def _backend(venv: Path) -> Path:
    for folder in sorted(venv.glob("lib/python*/site-packages/backend")):
        return folder
    raise ServerError(
        "no Doccano in this environment", where=str(venv), next_step="Run `make install-doccano`"
    )


def _environment(home: Path, state: State, venv: Path) -> dict[str, str]:
    backend = _backend(venv)
    return {
        **{name: os.environ[name] for name in PASSED_ON if name in os.environ},
        MARK: str(home),
        "PYTHONPATH": os.pathsep.join((str(Path(server_plugin.__file__).parent), str(backend))),
        "PYTHONUTF8": "1",
        "PYTHONUNBUFFERED": "1",
        "DJANGO_SETTINGS_MODULE": "biaozhu_settings",
        "STANDALONE": "True",
        "DEBUG": "False",
        "DOCCANO_HOME": str(home),
        "DATABASE_URL": database_url(home),
        "MEDIA_ROOT": str(home / "media"),
        "SECRET_KEY": state.secret_key,
    }


def _prepare(home: Path, state: State, venv: Path, environment: dict[str, str]) -> State:
    # The address of the database holds a password: only its checksum is kept.
    prepared = hashlib.sha256(f"{VERSION} {environment['DATABASE_URL']}".encode()).hexdigest()[:12]
    if state.prepared == prepared:
        return state
    for name in ("media", "uploads"):
        (home / name).mkdir(exist_ok=True)
    log = _log(home, "setup")
    log.touch(mode=0o600, exist_ok=True)
    with log.open("ab") as output:
        result = subprocess.run(  # noqa: S603 — the program is one of Doccano's environment, no shell is in between
            [str(venv / "bin" / "python"), "-m", "biaozhu_setup"],
            env={
                **environment,
                "DJANGO_SUPERUSER_USERNAME": state.username,
                "DJANGO_SUPERUSER_PASSWORD": state.password,
            },
            cwd=_backend(venv),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            umask=0o077,
            check=False,
        )
    if result.returncode:
        raise ServerError(
            f"the database cannot be prepared ({_last_line(log)})", next_step=f"Look into {log}"
        )
    # Only now: a mistyped address must not stick.
    state = replace(state, prepared=prepared, database=address(environment["DATABASE_URL"]))
    write_state(home, state)
    return state


def _start_part(part: str, home: Path, state: State, venv: Path, environment: dict[str, str]) -> State:
    backend = _backend(venv)
    commands = {
        "webserver": [
            str(venv / "bin" / "gunicorn"),
            *("--bind", f"127.0.0.1:{state.port}", "--workers", "2", "--threads", "4"),
            *("--timeout", "300", "--keep-alive", "75", "--chdir", str(backend), "config.wsgi"),
        ],
        # One task at a time: batches are imported in the order in which they were sent.
        "worker": [
            str(venv / "bin" / "celery"),
            *("--app", "config", "--workdir", str(backend), "worker"),
            *("--loglevel", "info", "--concurrency", "1", "--without-gossip", "--without-mingle"),
        ],
    }
    try:
        process = spawn(part, commands[part], environment=environment, folder=backend, log=_log(home, part))
    except OSError as error:
        raise ServerError(f"the {part} cannot be started ({error})") from None
    others = tuple(other for other in state.processes if other.name != part)
    state = replace(state, processes=(*others, process))
    write_state(home, state)
    return state


def _wait_until_healthy(
    home: Path, state: State, *, begun: set[str], begin: Callable[[str, State], State], deadline: float
) -> None:
    health: dict[str, str] = {}
    while time.monotonic() < deadline:
        for process in state.processes:
            if is_alive(process, home):
                continue
            # What was found running may have been about to end.
            if process.name not in begun:
                begun |= {process.name}
                state = begin(process.name, state)
            else:
                log = _log(home, process.name)
                raise ServerError(
                    f"the {process.name} ended at once ({_last_line(log)})", next_step=f"Look into {log}"
                )
        healthy, health = _health(state.url)
        if healthy:
            return
        time.sleep(0.2)
    report = "; ".join(f"{name}: {value}" for name, value in health.items()) or "no answer"
    raise ServerError(f"not healthy in time ({report})", where=state.url)


def _health(url: str) -> tuple[bool, dict[str, str]]:
    """Return whether all of Doccano's parts work, and its report about each; empty when it does not answer."""
    try:
        with requests.Session() as session:
            session.trust_env = False  # no proxy stands before loopback
            answer = session.get(f"{url}/v1/health/", headers={"Accept": "application/json"}, timeout=10)
        report = answer.json()
    except (requests.RequestException, ValueError):
        return False, {}
    if not isinstance(report, dict):
        return False, {}
    return answer.status_code == requests.codes.ok, {str(name): str(value) for name, value in report.items()}


def _living(state: State, home: Path) -> tuple[Process, ...]:
    return tuple(process for process in state.processes if is_alive(process, home))


def _choose_port(last: int, wanted: int | None) -> int:
    if _is_free(wanted or last):
        return wanted or last
    if wanted is not None:
        raise ServerError(
            f"port {wanted} of 127.0.0.1 is taken", next_step="Give another --port, or none to get a free one"
        )
    return choose_free_port()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def choose_free_port() -> int:
    """Return a port of 127.0.0.1 on which nothing listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _log(home: Path, part: str) -> Path:
    return home / f"{part}.log"


def _last_line(log: Path) -> str:
    lines = log.read_text("utf-8", "replace").strip().splitlines() if log.exists() else []
    return lines[-1][:200] if lines else "it says nothing"
