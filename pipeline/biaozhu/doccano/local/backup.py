"""A backup of a local Doccano: a zip archive of mode 600, since it has passwords in it.

    manifest.json               what it is, and size and SHA-256 of everything else in it
    db.sqlite3, or database.dump the database: SQLite as it was at one moment, or PostgreSQL's `pg_dump -Fc`
    secrets.json                the administrator's name and password, and the server's secret key
    accounts.json               the annotators' generated passwords, where there are any
    media/...                   what was uploaded, without exports: Doccano keeps every one that was ever asked for

Nobody has to stop working. Tasks in Doccano's queue are not saved: another push finishes one that was under way.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import zipfile
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING

from biaozhu import __version__
from biaozhu.data.errors import BackupError, WriteError
from biaozhu.data.files import temporary_folder
from biaozhu.doccano.accounts import accounts_path
from biaozhu.doccano.local.server import DOCCANO_VERSION
from biaozhu.doccano.local.state import (
    call_postgres,
    check_database,
    database_url,
    lock_home,
    read_state,
    sqlite_path,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from biaozhu.doccano.local.state import ServerState

FORMAT = "biaozhu.doccano-backup.v1"
MANIFEST = "manifest.json"
SECRETS = "secrets.json"
ACCOUNTS = "accounts.json"
DATABASES = {"sqlite": "db.sqlite3", "postgresql": "database.dump"}
CHUNK_BYTES = 1 << 20
COUNTED_TABLES = {
    "projects": "projects_project",
    "sentences": "examples_example",
    "spans": "labels_span",
    "confirmed": "examples_examplestate",
    "comments": "examples_comment",
    "users": "auth_user",
}


@dataclass(frozen=True, slots=True)
class BackupFile:
    """One file of a backup."""

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class BackupManifest:
    """Manifest of a backup: when it was made (ISO 8601 in UTC), by which versions, and its files by name.

    `database` is `sqlite` or `postgresql`; `rows` counts projects, sentences, spans and so on, in PostgreSQL after the dump.
    """

    created: str
    biaozhu: str
    doccano: str
    database: str
    rows: Mapping[str, int]
    files: Mapping[str, BackupFile]


def back_up(path: Path, *, home: Path) -> BackupManifest:
    """Write a backup of the local server of a home folder, which may be running."""
    home = home.resolve()
    if read_state(home) is None:
        raise BackupError("no Doccano was ever started there", where=str(home), next_step="Give its --home")
    with lock_home(home):
        state = read_state(home)
        if state is None or not state.prepared:
            advice = "Run `biaozhu doccano up`"
            raise BackupError("this Doccano has no database yet", where=str(home), next_step=advice)
        check_database(state, home)
        try:
            return _write_archive(path.resolve(), home, state)
        except OSError as error:
            raise WriteError(f"cannot be written ({error.strerror})", where=str(path)) from None
        except sqlite3.Error as error:
            if error.sqlite_errorname in ("SQLITE_FULL", "SQLITE_IOERR_WRITE"):
                raise WriteError(f"cannot be written ({error})", where=str(path)) from None
            what = f"its database cannot be read ({error})"
            raise BackupError(what, where=str(sqlite_path(home)), next_step="See its logs") from None


def _write_archive(path: Path, home: Path, state: ServerState) -> BackupManifest:
    kind = (state.database or "sqlite").split(":", 1)[0]
    # Beside the target, so that it can be moved there; only its owner can look into it.
    with temporary_folder(path) as folder:
        copy, secrets, archive = (folder / name for name in (DATABASES[kind], SECRETS, "backup"))
        rows = _copy_sqlite(home, copy) if kind == "sqlite" else _dump_postgres(home, copy)
        content = {key: getattr(state, key) for key in ("username", "password", "secret_key")}
        secrets.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        sources = {DATABASES[kind]: copy, SECRETS: secrets}
        if accounts_path(home).exists():
            sources[ACCOUNTS] = accounts_path(home)
        media = home / "media"
        for file in sorted(media.rglob("*")):
            is_export = file.parent == media and file.suffix == ".zip"
            if file.is_file() and not file.is_symlink() and not is_export:
                sources[file.relative_to(home).as_posix()] = file
        with zipfile.ZipFile(archive, "x", zipfile.ZIP_DEFLATED) as output:
            files = {name: _add_file(output, name, source) for name, source in sources.items()}
            created = datetime.now(UTC).isoformat(timespec="seconds")
            manifest = BackupManifest(created, __version__, DOCCANO_VERSION, kind, rows, files)
            text = json.dumps({"format": FORMAT, **asdict(manifest)}, ensure_ascii=False, indent=2)
            output.writestr(MANIFEST, f"{text}\n")
        archive.chmod(0o600)
        with archive.open("rb") as written:
            os.fsync(written.fileno())
        archive.replace(path)
    return manifest


def _copy_sqlite(home: Path, copy: Path) -> dict[str, int]:
    """Copy the database as it is at one moment, through SQLite itself, and check the copy."""
    uri = f"{sqlite_path(home).as_uri()}?mode=ro"
    opened = sqlite3.connect(uri, uri=True, timeout=60)
    with closing(opened) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
        (found,) = target.execute("PRAGMA integrity_check(1)").fetchone()
        if found != "ok":
            what, advice = f"its database is damaged ({found})", "Restore an earlier backup"
            raise BackupError(what, where=str(sqlite_path(home)), next_step=advice)
        # One file, without a journal beside it.
        target.execute("PRAGMA journal_mode=DELETE")
        return {
            name: int(target.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 — names of ours
            for name, table in COUNTED_TABLES.items()
        }


def _dump_postgres(home: Path, copy: Path) -> dict[str, int]:
    url = database_url(home)
    call_postgres("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={copy}", url=url)
    return {
        name: int(call_postgres("psql", "-X", "-Atc", f"SELECT count(*) FROM {table}", url=url))  # noqa: S608 — as above
        for name, table in COUNTED_TABLES.items()
    }


def _add_file(output: zipfile.ZipFile, name: str, source: Path) -> BackupFile:
    # A fixed time: the file's own may be one that a zip archive cannot hold.
    entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    entry.external_attr = 0o600 << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    with source.open("rb") as content, output.open(entry, "w", force_zip64=True) as member:
        return copy_content(content, member)


def copy_content(source: IO[bytes], target: IO[bytes], *, most: int | None = None) -> BackupFile:
    """Copy at most so many bytes; return how many they were, and their checksum."""
    digest, size = hashlib.sha256(), 0
    while chunk := source.read(CHUNK_BYTES if most is None else max(0, min(CHUNK_BYTES, most - size))):
        target.write(chunk)
        digest.update(chunk)
        size += len(chunk)
    return BackupFile(size, digest.hexdigest())
