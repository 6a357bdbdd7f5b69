"""A backup of a local Doccano, a zip archive of mode 600 since it has passwords in it, and how it is restored.

    manifest.json               what it is, and size and SHA-256 of everything else in it
    db.sqlite3, or database.dump the database: SQLite as it was at one moment, or PostgreSQL's `pg_dump -Fc`
    secrets.json                the administrator's name and password, and the server's secret key
    accounts.json               the annotators' generated passwords, where there are any
    media/...                   what was uploaded, without exports: Doccano keeps every one that was ever asked for

Nobody has to stop working. Tasks in Doccano's queue are not saved: another push finishes one that was under way.

A backup is restored whole or not at all. Nothing in an archive is trusted: first every name must be one that a backup has,
every size and checksum the manifest's.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import os
import shutil
import sqlite3
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path, PurePosixPath
from typing import IO, Any

from biaozhu import __version__
from biaozhu.data.errors import BackupError, ServerError, WriteError
from biaozhu.data.files import parse_json, read_bytes, temporary_folder
from biaozhu.doccano.local import state as local_state
from biaozhu.doccano.local.server import DOCCANO_VERSION, find_free_port
from biaozhu.doccano.local.state import ACCOUNTS_FILE, ServerState, database_url, hide_password, lock_home

FORMAT = "biaozhu.doccano-backup.v1"
MANIFEST = "manifest.json"
SECRETS = "secrets.json"
DATABASES = {"sqlite": local_state.SQLITE_FILE, "postgresql": "database.dump"}
CHUNK_BYTES = 1 << 20
COUNTED_TABLES = {
    "projects": "projects_project",
    "sentences": "examples_example",
    "spans": "labels_span",
    "confirmed": "examples_examplestate",
    "comments": "examples_comment",
    "users": "auth_user",
}
COUNTS = {name: f"SELECT count(*) FROM {table}" for name, table in COUNTED_TABLES.items()}  # noqa: S608 — names of ours
MAX_MANIFEST_BYTES = 64 << 20  # A backup with a hundred thousand uploads stays below
# What reading a member of a damaged archive raises; RuntimeError where it says that it is encrypted.
DAMAGE_ERRORS = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError)
COUNT_TABLES = (
    "SELECT count(*) FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"
)


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
    if local_state.read_state(home) is None:
        raise BackupError("no Doccano was ever started there", where=home, next_step="Give its --home")
    with lock_home(home):
        state = local_state.read_state(home)
        if state is None or not state.prepared:
            raise BackupError("this Doccano has no database yet", where=home, next_step="Run `biaozhu doccano up`")
        local_state.check_database(state, home)
        try:
            return _write_archive(path.resolve(), home, state)
        except OSError as error:
            raise WriteError(f"cannot be written ({error.strerror})", where=path) from None
        except sqlite3.Error as error:
            if error.sqlite_errorname in ("SQLITE_FULL", "SQLITE_IOERR_WRITE"):
                raise WriteError(f"cannot be written ({error})", where=path) from None
            what = f"its database cannot be read ({error})"
            raise BackupError(what, where=home / local_state.SQLITE_FILE, next_step="See its logs") from None


def _write_archive(path: Path, home: Path, state: ServerState) -> BackupManifest:
    kind = (state.database or "sqlite").split(":", 1)[0]
    # Beside the target, so that it can be moved there; only its owner can look into it.
    with temporary_folder(path) as folder:
        copy, secrets, archive = (folder / name for name in (DATABASES[kind], SECRETS, "backup"))
        rows = _copy_sqlite(home, copy) if kind == "sqlite" else _dump_postgres(home, copy)
        content = {key: getattr(state, key) for key in ("username", "password", "secret_key")}
        secrets.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        sources = {DATABASES[kind]: copy, SECRETS: secrets}
        if (home / ACCOUNTS_FILE).exists():
            sources[ACCOUNTS_FILE] = home / ACCOUNTS_FILE
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
    uri = f"{(home / local_state.SQLITE_FILE).as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=60)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
        (found,) = target.execute("PRAGMA integrity_check(1)").fetchone()
        if found != "ok":
            what, advice = f"its database is damaged ({found})", "Restore an earlier backup"
            raise BackupError(what, where=home / local_state.SQLITE_FILE, next_step=advice)
        # One file, without a journal beside it.
        target.execute("PRAGMA journal_mode=DELETE")
        return {name: int(target.execute(ask).fetchone()[0]) for name, ask in COUNTS.items()}


def _dump_postgres(home: Path, copy: Path) -> dict[str, int]:
    url = database_url(home)
    local_state.call_postgres("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={copy}", url=url)
    return {name: int(local_state.call_postgres("psql", "-X", "-Atc", ask, url=url)) for name, ask in COUNTS.items()}


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


def read_backup_manifest(path: Path) -> BackupManifest:
    """Read what a backup says that it holds, and check that it holds exactly that under names that lead nowhere else."""
    if path.exists() and not path.is_file():
        raise BackupError("this is not a file", where=path)
    try:
        with zipfile.ZipFile(path) as archive:
            manifest = _parse_manifest(archive, path)
            _check_members(archive, manifest, path)
    except FileNotFoundError:
        raise BackupError("no such file", where=path) from None
    except OSError as error:
        raise BackupError(f"cannot be read ({error.strerror})", where=path) from None
    except (*DAMAGE_ERRORS, ValueError, KeyError, TypeError, AttributeError, OverflowError):
        raise BackupError("not a backup, or a damaged one", where=path) from None
    return manifest


def restore_backup(
    path: Path, *, home: Path, port: int | None = None, replace: bool = False
) -> tuple[BackupManifest, Path | None]:
    """Restore a backup into a home folder; return what it holds, and where a folder is that `replace` has moved aside."""
    manifest = read_backup_manifest(path)
    home = home.absolute()
    _check_target(home, manifest, replace=replace)
    existing = next(folder for folder in (home, *home.parents) if folder.exists())
    needed = sum(stored.bytes for stored in manifest.files.values())
    if needed >= shutil.disk_usage(existing).free:
        raise WriteError(f"the disk has no room for {needed:,} bytes", where=home)
    try:
        with temporary_folder(home) as folder:
            fresh = folder / "home"
            _unpack_backup(path, manifest, fresh)
            _make_state(fresh, home, port)
            with _lock_target(home):
                # Somebody may have started a server there since.
                _check_target(home, manifest, replace=replace)
                if manifest.database == "postgresql":
                    dump = fresh / DATABASES["postgresql"]
                    _fill_postgres(dump, home)
                    dump.unlink()
                return manifest, _move_to_target(fresh, home)
    except OSError as error:
        raise WriteError(f"cannot be restored ({error.strerror})", where=home) from None


def _parse_manifest(archive: zipfile.ZipFile, path: Path) -> BackupManifest:
    with archive.open(MANIFEST) as file:
        data: Any = parse_json(file.read(MAX_MANIFEST_BYTES))
    if data.pop("format") != FORMAT:
        what = f"this backup is not of the form {FORMAT}"
        advice = "Restore it with the version of biaozhu that made it"
        raise BackupError(what, where=path, next_step=advice)
    files = {str(n): BackupFile(int(f["bytes"]), str(f["sha256"])) for n, f in data.pop("files").items()}
    manifest = BackupManifest(**data, files=files)
    theirs, ours = ([int(one) for one in each.split(".")] for each in (manifest.doccano, DOCCANO_VERSION))
    if theirs > ours:
        what = f"its database is of Doccano {manifest.doccano}, here is {DOCCANO_VERSION}"
        advice = "Install the newer version of biaozhu that made it"
        raise BackupError(what, where=path, next_step=advice)
    return manifest


def _check_members(archive: zipfile.ZipFile, manifest: BackupManifest, path: Path) -> None:
    database = DATABASES[manifest.database]
    for name in manifest.files:
        parts = PurePosixPath(name).parts
        is_upload = parts[:1] == ("media",) and parts[1:] and ".." not in parts and "\\" not in name
        if name not in (database, SECRETS, ACCOUNTS_FILE) and not (is_upload and "/".join(parts) == name):
            raise BackupError(f"a file in it has the name {name!r}", where=path)
    sizes = {name: stored.bytes for name, stored in manifest.files.items()}
    sizes[MANIFEST] = archive.getinfo(MANIFEST).file_size
    members = sorted((member.filename, member.file_size) for member in archive.infolist())
    if members != sorted(sizes.items()) or not {database, SECRETS} <= sizes.keys():
        raise BackupError("it does not hold what its manifest says", where=path)


def _check_target(home: Path, manifest: BackupManifest, *, replace: bool) -> None:
    url, is_sqlite = database_url(home), manifest.database == "sqlite"
    if is_sqlite != url.startswith("sqlite"):
        advice = "Unset DATABASE_URL" if is_sqlite else "Let DATABASE_URL name an empty PostgreSQL database"
        raise ServerError(f"the backup is of {manifest.database}", where=hide_password(url), next_step=advice)
    if not home.exists():
        return
    where = str(home)
    if not home.is_dir():
        raise ServerError("this is not a folder", where=where, next_step="Give --home another name")
    if local_state.find_family(home.resolve()):
        raise ServerError("a Doccano runs there", where=where, next_step="Run `biaozhu doccano down` first")
    if not replace and not _is_empty(home):
        advice = "Give another --home, or --replace, which moves aside what is there"
        raise ServerError("the folder is not empty", where=where, next_step=advice)


def _is_empty(home: Path) -> bool:
    return {one.name for one in home.iterdir()} <= {"lock"}


def _unpack_backup(path: Path, manifest: BackupManifest, fresh: Path) -> None:
    for folder in (fresh, fresh / "media", fresh / "uploads"):
        folder.mkdir(mode=0o700)
    try:
        with zipfile.ZipFile(path) as archive:
            for name, stored in manifest.files.items():
                target = fresh.joinpath(*PurePosixPath(name).parts)
                target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with archive.open(name) as member, os.fdopen(handle, "wb") as file:
                    found = copy_content(member, file, most=stored.bytes)
                    file.flush()
                    os.fsync(file.fileno())
                if found != stored:
                    raise BackupError(f"{name} in it is damaged", where=path)
    except DAMAGE_ERRORS:
        raise BackupError("it is damaged", where=path) from None


def _make_state(fresh: Path, home: Path, port: int | None) -> None:
    try:
        secrets: Any = parse_json(read_bytes(fresh / SECRETS))
        # Not `prepared`: the next start brings the tables up to its version, and ensures the administrator.
        name, password, key = (str(secrets[one]) for one in ("username", "password", "secret_key"))
        state = ServerState(port or find_free_port(), name, password, key, database=hide_password(database_url(home)))
    except (ValueError, KeyError, TypeError):
        raise BackupError(f"its {SECRETS} was not made by biaozhu", where=SECRETS) from None
    (fresh / SECRETS).unlink()
    local_state.write_state(fresh, state)


def _fill_postgres(dump: Path, home: Path) -> None:
    url = database_url(home)
    if local_state.call_postgres("psql", "-X", "-Atc", COUNT_TABLES, url=url) != "0":
        advice = "Let DATABASE_URL name an empty one: nothing is overwritten there"
        raise ServerError("the database has tables already", where=hide_password(url), next_step=advice)
    options = ("--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges", "--dbname=")
    local_state.call_postgres("pg_restore", *options, str(dump), url=url)


@contextmanager
def _lock_target(home: Path) -> Iterator[None]:
    """Lock the folder; if it was made for the lock, it is removed again when nothing comes there."""
    is_new = not home.exists()
    with lock_home(home):
        try:
            yield
        except BaseException:
            if is_new:
                (home / "lock").unlink(missing_ok=True)
                with suppress(OSError):
                    home.rmdir()
            raise


def _move_to_target(fresh: Path, home: Path) -> Path | None:
    """Move the fresh folder to its place; return where the one that was there is now."""
    aside = None
    if home.exists() and _is_empty(home):
        # The lock is ours: whoever waits for it asks for the one of the new folder next. An empty folder is replaced.
        (home / "lock").unlink(missing_ok=True)
    elif home.exists():
        names = (home.with_name(f"{home.name}.replaced-{number}") for number in count(1))
        aside = next(name for name in names if not name.exists())
        home.rename(aside)
    fresh.rename(home)
    return aside
