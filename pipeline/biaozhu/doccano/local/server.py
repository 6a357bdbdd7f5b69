"""A real Doccano on loopback: gunicorn and the Celery worker, in Doccano's own environment.

Everything it writes is in one home folder (`.doccano/`), except a database that DATABASE_URL names. Secrets go to the
processes through their environment, never through their arguments. DOCCANO_PUBLIC_URL is the https address of a reverse
proxy before it (docs/doccano-proxy.md).
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import socket
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

import requests

from biaozhu.data.errors import ServerError
from biaozhu.data.shipped import HOMES, find_shipped
from biaozhu.doccano import server_plugin
from biaozhu.doccano.local import state as local_state
from biaozhu.doccano.local.state import ServerProcess, ServerState, database_url, hide_password, lock_home

DOCCANO_VERSION = "1.8.4"
VENV_VARIABLE = "BIAOZHU_DOCCANO_VENV"
DEFAULT_VENV = Path(".venv-doccano")
LOCK = Path("locks/doccano.lock")
PARTS = ("webserver", "worker")
# Both make the queue in a new database, and the one that is second may end of it: then it finds the queue.
MOST_STARTS = 2
PASSED_VARIABLES = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ")  # no tokens, no proxies
PUBLIC_URL_VARIABLE = "DOCCANO_PUBLIC_URL"
PUBLIC_URL = re.compile(r"https://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """State of the local server: `health` is Doccano's own report, by part."""

    home: Path
    url: str = ""
    running: bool = False
    healthy: bool = False
    username: str = ""
    database: str = ""
    processes: tuple[ServerProcess, ...] = ()
    dead: tuple[str, ...] = ()
    health: dict[str, str] = field(default_factory=dict)
    logs: tuple[Path, ...] = ()


def start(*, home: Path, port: int | None = None, venv: Path | None = None, wait_seconds: float = 90.0) -> ServerStatus:
    """Start what does not run yet and wait until all parts work; without a port the last one is kept, or a free one taken."""
    home = home.resolve()
    venv, public_url = find_venv(venv), _read_public_url()
    with lock_home(home):
        state = local_state.read_state(home)
        if state is not None and port is not None and port != state.port and _list_living(state, home):
            advice = "Run `biaozhu doccano down` before you give it another port"
            raise ServerError(f"it runs already, on port {state.port}", next_step=advice)
        state = state or local_state.make_state(port or find_free_port())
        local_state.check_database(state, home)
        local_state.write_state(home, state)
        if not _list_living(state, home):
            state = replace(state, port=_choose_port(state.port, port))
            # Doccano keeps every export that was ever asked for.
            for archive in (home / "media").glob("*.zip"):
                archive.unlink(missing_ok=True)
        environment = _make_environment(home, state, venv) | {PUBLIC_URL_VARIABLE: public_url}
        state = _prepare_database(home, state, venv, environment)
        deadline = time.monotonic() + wait_seconds
        begun = Counter[str]()
        health: dict[str, str] = {}
        while time.monotonic() < deadline:
            living = {process.name for process in _list_living(state, home)}
            for part in (part for part in PARTS if part not in living):
                if begun[part] == MOST_STARTS:
                    log = home / f"{part}.log"
                    what = f"the {part} ended at once ({_read_last_line(log)})"
                    raise ServerError(what, next_step=f"Look into {log}")
                begun[part] += 1
                state = _start_part(part, home, state, venv, environment)
            healthy, health = _check_health(state)
            if healthy:
                # Asked again, a busy machine may answer too late.
                return replace(get_status(home=home), healthy=True, health=health)
            time.sleep(0.2)
    report = "; ".join(f"{name}: {value}" for name, value in health.items()) or "no answer"
    raise ServerError(f"not healthy in time ({report})", where=state.url)


def stop(*, home: Path) -> list[int]:
    """End every process of the local server and of its children, and return their pids; the data stay."""
    home = home.resolve()
    if not home.is_dir():
        return []
    with lock_home(home):
        ended = local_state.stop_family(home)
        state = local_state.read_state(home)
        if state is not None:
            local_state.write_state(home, replace(state, processes=()))
        return ended


def get_status(*, home: Path) -> ServerStatus:
    """Look at the local server without changing anything."""
    home = home.resolve()
    state = local_state.read_state(home)
    if state is None:
        return ServerStatus(home)
    living = _list_living(state, home)
    names = {process.name for process in living}
    healthy, health = _check_health(state) if "webserver" in names else (False, {})
    return ServerStatus(
        home=home,
        url=state.url,
        running=bool(living),
        healthy=healthy and len(names) == len(PARTS),
        username=state.username,
        database=(state.database or hide_password(database_url(home))).split(":", 1)[0],
        processes=living,
        dead=tuple(part for part in PARTS if part not in names),
        health=health,
        logs=tuple(log for part in PARTS if (log := home / f"{part}.log").exists()),
    )


def find_venv(venv: Path | None = None) -> Path:
    """Return Doccano's environment: the given one, else the working folder's, else that of the checkout."""
    built = (folder / DEFAULT_VENV for folder in (Path(), *HOMES) if _is_built(folder / DEFAULT_VENV))
    venv = (venv or Path(os.environ.get(VENV_VARIABLE) or next(built, DEFAULT_VENV))).absolute()
    if not _is_built(venv):
        advice = f"Make it: {_describe_install(venv)}; or name another in {VENV_VARIABLE}"
        raise ServerError("Doccano's own environment is not there", where=venv, next_step=advice)
    return venv


def _is_built(venv: Path) -> bool:
    return (venv / "bin" / "gunicorn").exists()


def _describe_install(venv: Path) -> str:
    lock = find_shipped(LOCK)
    if lock == LOCK and Path("Makefile").exists() and venv == DEFAULT_VENV.absolute():
        return "make install-doccano"
    make = shlex.join([sys.executable, "-m", "venv", str(venv)])
    install = shlex.join([str(venv / "bin/python"), "-m", "pip", "install", "--require-hashes", "-r", str(lock)])
    return f"{make} && {install}"


def find_free_port() -> int:
    """Return a port of 127.0.0.1 on which nothing listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _find_backend(venv: Path) -> Path:
    found = sorted(venv.glob("lib/python*/site-packages/backend"))
    if not found:
        raise ServerError("there is no Doccano in this environment", where=venv, next_step="Run `make install-doccano`")
    return found[0]


def _make_environment(home: Path, state: ServerState, venv: Path) -> dict[str, str]:
    return {
        **{name: os.environ[name] for name in PASSED_VARIABLES if name in os.environ},
        local_state.HOME_VARIABLE: str(home),
        "PYTHONPATH": os.pathsep.join((str(Path(server_plugin.__file__).parent), str(_find_backend(venv)))),
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


def _read_public_url() -> str:
    """Return the address at which annotators reach the server through a proxy, or nothing."""
    url = os.environ.get(PUBLIC_URL_VARIABLE, "").rstrip("/")
    if url and not PUBLIC_URL.fullmatch(url):
        advice = "Write it as https://doccano.example.org, without a path"
        raise ServerError(f"{PUBLIC_URL_VARIABLE} is not an https address: {url[:80]!r}", next_step=advice)
    return url


def _prepare_database(home: Path, state: ServerState, venv: Path, environment: dict[str, str]) -> ServerState:
    # The address of the database has a password in it: only its checksum is kept.
    prepared = hashlib.sha256(f"{DOCCANO_VERSION} {environment['DATABASE_URL']}".encode()).hexdigest()[:12]
    if state.prepared == prepared:
        return state
    for name in ("media", "uploads"):
        (home / name).mkdir(exist_ok=True)
    admin = {"DJANGO_SUPERUSER_USERNAME": state.username, "DJANGO_SUPERUSER_PASSWORD": state.password}
    log = home / "setup.log"
    with local_state.logged(log) as options:
        result = subprocess.run(  # noqa: S603 — the program is one of Doccano's environment, there is no shell
            [venv / "bin" / "python", "-m", "biaozhu_setup"],
            env=environment | admin,
            cwd=_find_backend(venv),
            check=False,
            **options,
        )
    if result.returncode:
        raise ServerError(f"the database cannot be prepared ({_read_last_line(log)})", next_step=f"Look into {log}")
    # Only now: a mistyped address must not be kept.
    database = hide_password(environment["DATABASE_URL"])
    return local_state.write_state(home, replace(state, prepared=prepared, database=database))


def _start_part(part: str, home: Path, state: ServerState, venv: Path, environment: dict[str, str]) -> ServerState:
    backend = _find_backend(venv)
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
    log = home / f"{part}.log"
    try:
        process = local_state.spawn(part, commands[part], environment=environment, folder=backend, log=log)
    except OSError as error:
        raise ServerError(f"the {part} cannot be started ({error})") from None
    others = [other for other in state.processes if other.name != part]
    return local_state.write_state(home, replace(state, processes=(*others, process)))


def _check_health(state: ServerState) -> tuple[bool, dict[str, str]]:
    """Return whether all of Doccano's parts work, and its report about each; empty when it does not answer."""
    key = hashlib.sha256(f"health {state.secret_key}".encode()).hexdigest()
    headers = {"Accept": "application/json", "X-Biaozhu-Health": key}
    try:
        with requests.Session() as session:
            session.trust_env = False  # there is no proxy before loopback
            answer = session.get(f"{state.url}/v1/health/", headers=headers, timeout=10)
        report = answer.json()
    except (requests.RequestException, ValueError):
        return False, {}
    parts = {str(name): str(value) for name, value in report.items()} if isinstance(report, dict) else {}
    return bool(parts) and answer.status_code == requests.codes.ok, parts


def _list_living(state: ServerState, home: Path) -> tuple[ServerProcess, ...]:
    return tuple(process for process in state.processes if local_state.is_alive(process, home))


def _choose_port(last: int, wanted: int | None) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted or last))
        except OSError:
            if wanted is None:
                return find_free_port()
            advice = "Give another --port, or none to get a free one"
            raise ServerError(f"port {wanted} of 127.0.0.1 is taken", next_step=advice) from None
    return wanted or last


def _read_last_line(log: Path) -> str:
    lines = log.read_text("utf-8", "replace").strip().splitlines() if log.exists() else []
    return lines[-1][:200] if lines else "it says nothing"
