"""A backup of a local Doccano: one file that holds its database, its uploads and its secrets, with a checksum of each.

It is a zip archive, of mode 600, since it holds passwords:

    manifest.json               what it is, and size and SHA-256 of everything else in it
    db.sqlite3, or database.dump the database: SQLite as it was at one moment, or PostgreSQL's `pg_dump -Fc`
    secrets.json                the administrator's name and password, and the server's secret key
    accounts.json               the annotators' generated passwords, where there are any
    media/...                   what was uploaded; exports are left out, Doccano keeps each that was ever asked for

Nobody has to stop: both databases are read as they were at one moment, whatever annotators do meanwhile. Tasks in
Doccano's queue are left out: a push that was under way is finished by pushing again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import tempfile
import zipfile
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from biaozhu import __version__
from biaozhu.data.errors import BackupError, WriteError
from biaozhu.doccano.accounts import accounts_path
from biaozhu.doccano.local.database import call_postgres, check_database, database_url, sqlite_path
from biaozhu.doccano.local.server import VERSION
from biaozhu.doccano.local.state import locked, read_state

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from biaozhu.doccano.local.state import State

FORMAT = "biaozhu.doccano-backup.v1"
MANIFEST = "manifest.json"
SECRETS = "secrets.json"
ACCOUNTS = "accounts.json"
DATABASES = {"sqlite": "db.sqlite3", "postgresql": "database.dump"}
PIECE = 1 << 20
# What is worth telling about a database, by table.
COUNTED = {
    "projects": "projects_project",
    "sentences": "examples_example",
    "spans": "labels_span",
    "confirmed": "examples_examplestate",
    "comments": "examples_comment",
    "users": "auth_user",
}


@dataclass(frozen=True, slots=True)
class Stored:
    """One file of a backup."""

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds.

    Attributes:
        created: when, ISO 8601 in UTC.
        biaozhu: the version that made it.
        doccano: the version of Doccano whose database it is.
        database: `sqlite` or `postgresql`.
        rows: how many projects, sentences, spans and so on the database holds. Of PostgreSQL they are counted when the
            dump is done: what people added meanwhile is counted, and not in it.
        files: every other file of the backup, by name.
    """

    created: str
    biaozhu: str
    doccano: str
    database: str
    rows: Mapping[str, int]
    files: Mapping[str, Stored]


def back_up(path: Path, *, home: Path) -> Manifest:
    """Write a backup of the local server of a home folder; it may be at work.

    Args:
        path: the file; one that is there is replaced when the new one is whole.
        home: the server's home folder.

    Raises:
        BackupError: no server was ever started there, or its database is damaged.
        ServerError: its database is a PostgreSQL that DATABASE_URL does not name, or that cannot be read.
        WriteError: the backup cannot be written; nothing of it is left behind.
    """
    home = home.resolve()
    if read_state(home) is None:
        raise BackupError("no Doccano was ever started there", where=str(home), next_step="Give its --home")
    with locked(home):
        state = read_state(home)
        if state is None or not state.prepared:
            raise BackupError(
                "this Doccano has no database yet", where=str(home), next_step="Run `biaozhu doccano up`"
            )
        check_database(state, home)
        try:
            return _write(path.resolve(), home, state)
        except OSError as error:
            raise WriteError(f"cannot be written ({error.strerror})", where=str(path)) from None
        except sqlite3.Error as error:
            if error.sqlite_errorname in ("SQLITE_FULL", "SQLITE_IOERR_WRITE"):
                raise WriteError(f"cannot be written ({error})", where=str(path)) from None
            raise BackupError(
                f"its database cannot be read ({error})",
                where=str(sqlite_path(home)),
                next_step="See its logs",
            ) from None


def _write(path: Path, home: Path, state: State) -> Manifest:
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = (state.database or "sqlite").split(":", 1)[0]
    # Beside the target, so that it can be moved there; only its owner can look into it.
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
        copy = Path(folder) / DATABASES[kind]
        rows = _copy_sqlite(home, copy) if kind == "sqlite" else _dump_postgres(home, copy)
        secrets = {
            "username": state.username,
            "password": state.password,
            "secret_key": state.secret_key,
        }
        (Path(folder) / SECRETS).write_text(json.dumps(secrets, indent=2) + "\n", encoding="utf-8")
        sources = {DATABASES[kind]: copy, SECRETS: Path(folder) / SECRETS}
        if accounts_path(home).exists():
            sources[ACCOUNTS] = accounts_path(home)
        sources |= dict(_media(home))
        archive = Path(folder) / "backup"
        files: dict[str, Stored] = {}
        with zipfile.ZipFile(archive, "x", zipfile.ZIP_DEFLATED) as output:
            for name, source in sources.items():
                files[name] = _add(output, name, source)
            manifest = Manifest(
                datetime.now(UTC).isoformat(timespec="seconds"), __version__, VERSION, kind, rows, files
            )
            text = json.dumps({"format": FORMAT, **asdict(manifest)}, ensure_ascii=False, indent=2)
            output.writestr(MANIFEST, f"{text}\n")
        archive.chmod(0o600)
        with archive.open("rb") as written:
            os.fsync(written.fileno())
        archive.replace(path)
    return manifest


def _copy_sqlite(home: Path, copy: Path) -> dict[str, int]:
    """Copy the database as it is at one moment, through SQLite itself, and look whether the copy is sound."""
    with (
        closing(sqlite3.connect(f"{sqlite_path(home).as_uri()}?mode=ro", uri=True, timeout=60)) as source,
        closing(sqlite3.connect(copy)) as target,
    ):
        source.backup(target)
        (found,) = target.execute("PRAGMA integrity_check(1)").fetchone()
        if found != "ok":
            raise BackupError(
                f"its database is damaged ({found})",
                where=str(sqlite_path(home)),
                next_step="Restore an earlier backup",
            )
        # One file, without a journal beside it.
        target.execute("PRAGMA journal_mode=DELETE")
        return {
            name: int(target.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 — names of ours
            for name, table in COUNTED.items()
        }


def _dump_postgres(home: Path, copy: Path) -> dict[str, int]:
    url = database_url(home)
    call_postgres("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={copy}", url=url)
    return {
        name: int(call_postgres("psql", "-X", "-Atc", f"SELECT count(*) FROM {table}", url=url))  # noqa: S608 — as above
        for name, table in COUNTED.items()
    }


def _media(home: Path) -> Iterator[tuple[str, Path]]:
    media = home / "media"
    for path in sorted(media.rglob("*")):
        if path.is_file() and not path.is_symlink() and not (path.parent == media and path.suffix == ".zip"):
            yield path.relative_to(home).as_posix(), path


def _add(output: zipfile.ZipFile, name: str, source: Path) -> Stored:
    # A fixed time: its own may be one that a zip archive cannot hold.
    entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    entry.external_attr = 0o600 << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    digest, size = hashlib.sha256(), 0
    with source.open("rb") as content, output.open(entry, "w", force_zip64=True) as member:
        while piece := content.read(PIECE):
            member.write(piece)
            digest.update(piece)
            size += len(piece)
    return Stored(size, digest.hexdigest())


def free_bytes(folder: Path) -> int:
    """Return the free space of the disk that a folder, which need not be there yet, is on."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free
