"""Restore a backup of a local Doccano into a home folder of its own: checked first, then whole or not at all.

Nothing in an archive is trusted: every name in it is one that a backup has, every size and checksum is that of its
manifest, and nothing is written before all names are known to be so.
"""

from __future__ import annotations

import hashlib
import lzma
import os
import tempfile
import zipfile
import zlib
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from biaozhu.data.errors import BackupError, ServerError, WriteError
from biaozhu.data.files import parse_json, read_bytes
from biaozhu.doccano.local.backup import (
    ACCOUNTS,
    DATABASES,
    FORMAT,
    MANIFEST,
    PIECE,
    SECRETS,
    Manifest,
    Stored,
    free_bytes,
)
from biaozhu.doccano.local.database import address, call_postgres, database_url
from biaozhu.doccano.local.processes import family
from biaozhu.doccano.local.server import VERSION, choose_free_port
from biaozhu.doccano.local.state import State, locked, write_state

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LARGEST_MANIFEST = 64 << 20
"""Bytes; a backup with a hundred thousand uploads stays below."""
# What reading a member of a damaged archive raises; RuntimeError where it says that it is encrypted.
DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError)
# What a home folder may hold and still count as empty.
LEFTOVERS = {"lock"}
FOREIGN_TABLES = "SELECT count(*) FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"


def read_manifest(path: Path) -> Manifest:
    """Read what a backup says that it holds, and check that it holds exactly that.

    Raises:
        BackupError: it is no backup, is damaged, is one of another version, or a name in it would lead elsewhere.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            manifest = _manifest(archive, path)
            _check_members(archive, manifest, path)
    except FileNotFoundError:
        raise BackupError("no such file", where=str(path)) from None
    except OSError as error:
        raise BackupError(f"cannot be read ({error.strerror})", where=str(path)) from None
    except (*DAMAGED, ValueError, KeyError, TypeError, AttributeError, OverflowError):
        raise BackupError("not a backup, or a damaged one", where=str(path)) from None
    return manifest


def restore(
    path: Path, *, home: Path, port: int | None = None, replace: bool = False
) -> tuple[Manifest, Path | None]:
    """Restore a backup; `start` brings the server up there.

    The folder's lock is held while it is replaced: whoever starts, stops or saves a server there waits, and finds it
    whole.

    Args:
        path: the backup.
        home: the folder that it goes to; made if it is not there.
        port: the port on 127.0.0.1 that the server shall have; None takes a free one.
        replace: a folder that holds something already is moved aside first; nothing of it is deleted.

    Returns:
        What the backup holds, and where the folder that was there before is now.

    Raises:
        BackupError: see `read_manifest`; or a file of it is damaged.
        ServerError: the folder holds something and `replace` is off, or a server runs there; another command is at
            work there and does not end; the backup is of PostgreSQL and DATABASE_URL names none, or one that is not empty; or the other way round.
        WriteError: the folder cannot be written.
    """
    manifest = read_manifest(path)
    home = home.absolute()
    _check_place(home, manifest, replace=replace)
    needed = sum(stored.bytes for stored in manifest.files.values())
    if needed >= free_bytes(home):
        raise WriteError(f"the disk has no room for {needed:,} bytes", where=str(home))
    try:
        home.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{home.name}.", dir=home.parent) as folder:
            fresh = Path(folder) / "home"
            _unpack(path, manifest, fresh)
            _make_state(fresh, home, manifest, port)
            with _held(home):
                # Somebody may have started a server there since.
                _check_place(home, manifest, replace=replace)
                if manifest.database == "postgresql":
                    dump = fresh / DATABASES["postgresql"]
                    _fill_postgres(dump, home)
                    dump.unlink()
                return manifest, _put(fresh, home)
    except OSError as error:
        raise WriteError(f"cannot be restored ({error.strerror})", where=str(home)) from None


def _manifest(archive: zipfile.ZipFile, path: Path) -> Manifest:
    with archive.open(MANIFEST) as file:
        data: Any = parse_json(file.read(LARGEST_MANIFEST))
    if data.pop("format") != FORMAT:
        raise BackupError(
            f"a backup that is not of the form {FORMAT}",
            where=str(path),
            next_step="Restore it with the version of biaozhu that made it",
        )
    files = {
        str(name): Stored(int(file["bytes"]), str(file["sha256"])) for name, file in data.pop("files").items()
    }
    manifest = Manifest(**data, files=files)
    if _version(manifest.doccano) > _version(VERSION):
        raise BackupError(
            f"its database is of Doccano {manifest.doccano}, here is {VERSION}",
            where=str(path),
            next_step="Install the newer version of biaozhu that made it",
        )
    return manifest


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


def _check_members(archive: zipfile.ZipFile, manifest: Manifest, path: Path) -> None:
    members = archive.infolist()
    names = [member.filename for member in members]
    database = DATABASES[manifest.database]
    for name in manifest.files:
        parts = PurePosixPath(name).parts
        uploaded = parts[:1] == ("media",) and len(parts) >= 2 and ".." not in parts and "\\" not in name  # noqa: PLR2004 — a folder and a file
        if name not in (database, SECRETS, ACCOUNTS) and not (uploaded and "/".join(parts) == name):
            raise BackupError(f"a file in it has the name {name!r}", where=str(path))
    whole = sorted(names) == sorted([MANIFEST, *manifest.files]) and {database, SECRETS} <= set(names)
    if not whole or any(
        m.file_size != manifest.files[m.filename].bytes for m in members if m.filename != MANIFEST
    ):
        raise BackupError("it does not hold what its manifest says", where=str(path))


def _check_place(home: Path, manifest: Manifest, *, replace: bool) -> None:
    given = database_url(home)
    if (manifest.database == "sqlite") != given.startswith("sqlite"):
        raise ServerError(
            f"the backup is of {manifest.database}",
            where=address(given),
            next_step="Unset DATABASE_URL"
            if manifest.database == "sqlite"
            else "Let DATABASE_URL name an empty PostgreSQL database",
        )
    if not home.exists():
        return
    if not home.is_dir():
        raise ServerError("this is no folder", where=str(home), next_step="Give --home another name")
    if family(home.resolve()):
        raise ServerError(
            "a Doccano runs there", where=str(home), next_step="Run `biaozhu doccano down` first"
        )
    if {one.name for one in home.iterdir()} - LEFTOVERS and not replace:
        raise ServerError(
            "the folder is not empty",
            where=str(home),
            next_step="Give another --home, or --replace: what is there is then moved aside",
        )


def _unpack(path: Path, manifest: Manifest, fresh: Path) -> None:
    fresh.mkdir(mode=0o700)
    for name in ("media", "uploads"):
        (fresh / name).mkdir(mode=0o700)
    try:
        with zipfile.ZipFile(path) as archive:
            for name, stored in manifest.files.items():
                target = fresh.joinpath(*PurePosixPath(name).parts)
                target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                _unpack_one(archive, name, stored, target)
    except DAMAGED:
        raise BackupError("it is damaged", where=str(path)) from None


def _unpack_one(archive: zipfile.ZipFile, name: str, stored: Stored, target: Path) -> None:
    digest, left = hashlib.sha256(), stored.bytes
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with archive.open(name) as member, os.fdopen(handle, "wb") as file:
        while left >= 1 and (piece := member.read(min(PIECE, left))):
            file.write(piece)
            digest.update(piece)
            left -= len(piece)
        file.flush()
        os.fsync(file.fileno())
    if left or digest.hexdigest() != stored.sha256:
        raise BackupError(f"{name} in it is damaged", where=str(archive.filename))


def _make_state(fresh: Path, home: Path, manifest: Manifest, port: int | None) -> None:
    try:
        secrets: Mapping[str, str] = parse_json(read_bytes(fresh / SECRETS))
        # Not `prepared`: the next start brings the tables up to its version, and sees to the administrator.
        state = State(
            port=port or choose_free_port(),
            username=str(secrets["username"]),
            password=str(secrets["password"]),
            secret_key=str(secrets["secret_key"]),
            database="sqlite" if manifest.database == "sqlite" else address(database_url(home)),
        )
    except (ValueError, KeyError, TypeError):
        raise BackupError(f"its {SECRETS} is not one of ours", where=SECRETS) from None
    (fresh / SECRETS).unlink()
    write_state(fresh, state)


def _fill_postgres(dump: Path, home: Path) -> None:
    url = database_url(home)
    if call_postgres("psql", "-X", "-Atc", FOREIGN_TABLES, url=url) != "0":
        raise ServerError(
            "the database has tables already",
            where=address(url),
            next_step="Let DATABASE_URL name an empty one: nothing is overwritten there",
        )
    options = ("--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges", "--dbname=")
    call_postgres("pg_restore", *options, str(dump), url=url)


@contextmanager
def _held(home: Path) -> Iterator[None]:
    """Hold the folder's lock; one that was made for it is gone again when nothing was put there."""
    made = not home.exists()
    with locked(home):
        try:
            yield
        except BaseException:
            if made:
                (home / "lock").unlink(missing_ok=True)
                with suppress(OSError):
                    home.rmdir()
            raise


def _put(fresh: Path, home: Path) -> Path | None:
    """Move the fresh folder to its place; return where the one that was there is now."""
    aside = None
    if home.exists():
        if {one.name for one in home.iterdir()} <= LEFTOVERS:
            # Ours: who waits for it asks for the one of the new folder next. Being empty, the folder is replaced at once.
            (home / "lock").unlink(missing_ok=True)
        else:
            numbers = range(1, 10_000)
            aside = next(
                p for n in numbers if not (p := home.with_name(f"{home.name}.replaced-{n}")).exists()
            )
            home.rename(aside)
    fresh.rename(home)
    return aside
