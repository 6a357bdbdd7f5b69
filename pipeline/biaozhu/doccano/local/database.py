"""Where a local Doccano keeps its annotations: SQLite in the home folder, or the PostgreSQL that DATABASE_URL names."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

from biaozhu.data.errors import ServerError

if TYPE_CHECKING:
    from biaozhu.doccano.local.state import State


def database_url(home: Path) -> str:
    """Return the address that Doccano is given: the PostgreSQL of DATABASE_URL, else SQLite in the home folder."""
    given = os.environ.get("DATABASE_URL", "")
    return given if given.startswith(("postgres:", "postgresql:")) else f"sqlite:///{sqlite_path(home)}"


def address(url: str) -> str:
    """Return a database's address without user, password and options.

    Raises:
        ServerError: it is no address.
    """
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return "sqlite"
    try:
        return f"postgresql://{parts.hostname or ''}:{parts.port or 5432}{parts.path}"
    except ValueError:
        raise ServerError(
            "DATABASE_URL is no address", next_step="Write it as postgresql://user:password@host:5432/name"
        ) from None


def check_database(state: State, home: Path) -> None:
    """See to it that this start takes the database that the home folder began with.

    Raises:
        ServerError: it would take another, and the annotations would seem to be gone.
    """
    now = address(database_url(home))
    if state.database and state.database != now:
        raise ServerError(
            f"its annotations are in {state.database}, and this start would take {now}",
            where=str(home),
            next_step=f"Set DATABASE_URL to {state.database} again, or give another --home"
            if state.database != "sqlite"
            else "Unset DATABASE_URL, or give another --home",
        )


def sqlite_path(home: Path) -> Path:
    """Return the path of a home folder's own database."""
    return home / "db.sqlite3"


def call_postgres(program: str, *arguments: str, url: str) -> str:
    """Run one of PostgreSQL's own programs on a database and return what it prints.

    The password goes to it through its environment: process arguments are readable by every user of the machine.

    Args:
        program: `psql`, `pg_dump` or `pg_restore`; from the PATH, else the newest that Debian keeps off it.
        arguments: its arguments, without the database.
        url: the database.

    Raises:
        ServerError: the program is not there, or fails.
    """
    found = shutil.which(program)
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda one: float(one.parent.name))
    path = (
        Path(found)
        if found
        else next((f / program for f in reversed(folders) if (f / program).exists()), None)
    )
    if path is None:
        raise ServerError(
            f"no {program} on this machine", next_step="Install PostgreSQL's client programs, then run again"
        )
    parts = urlsplit(url)
    given = {
        "PGHOST": parts.hostname or "",
        "PGPORT": str(parts.port or 5432),
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGDATABASE": unquote(parts.path.lstrip("/")),
        # What Doccano itself asks for where the address says nothing.
        "PGSSLMODE": parse_qs(parts.query).get("sslmode", ["require"])[0],
    }
    result = subprocess.run(  # noqa: S603 — PostgreSQL's own programs, no shell is in between
        [str(path), *arguments],
        env={"PATH": os.environ.get("PATH", ""), **{name: value for name, value in given.items() if value}},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if result.returncode:
        said = " ".join(result.stderr.split())[:300] or "it says nothing"
        raise ServerError(
            f"{program} fails ({said})", next_step="See to the database that DATABASE_URL names"
        )
    return result.stdout.strip()
