"""Database of a local Doccano: SQLite in the home folder, or the PostgreSQL that DATABASE_URL names."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

from biaozhu.data.errors import ServerError

if TYPE_CHECKING:
    from biaozhu.doccano.local.state import ServerState


def database_url(home: Path) -> str:
    """Return the address that Doccano is given: the PostgreSQL of DATABASE_URL, else SQLite in the home folder."""
    given = os.environ.get("DATABASE_URL", "")
    return given if given.startswith(("postgres:", "postgresql:")) else f"sqlite:///{sqlite_path(home)}"


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
        is_sqlite = state.database == "sqlite"
        change = "Unset DATABASE_URL" if is_sqlite else f"Set DATABASE_URL to {state.database} again"
        what = f"its annotations are in {state.database}, and DATABASE_URL now leads to {now}"
        raise ServerError(what, where=str(home), next_step=f"{change}, or give another --home")


def sqlite_path(home: Path) -> Path:
    """Return the path of a home folder's own database."""
    return home / "db.sqlite3"


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
