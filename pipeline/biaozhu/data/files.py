"""Reading bytes and writing whole files: a file is there complete or not at all."""

from __future__ import annotations

import errno
import fcntl
import glob
import hashlib
import json
import logging
import os
import re
import secrets
import shutil
import stat
import sys
import tempfile
import threading
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import msgspec
import platformdirs

from biaozhu.data.errors import LockedError, MissingFileError, WriteError, printable
from biaozhu.data.translation import translate

if TYPE_CHECKING:
    import sqlite3

Value = TypeVar("Value")
_log = logging.getLogger(__name__)

MAX_ARTICLE_BYTES = 32 * 1024 * 1024
"""Bytes of the largest file that is taken for an article, and of the longest line of a layer."""

ENDLESS = 256 * 1024 * 1024
"""Bytes after which a device or a pipe is treated as one that never ends."""


TEMPORARY = ".biaozhu-tmp"
"""What the name of a file that is being written ends with."""
LONE_SURROGATE = re.compile("[\ud800-\udfff]")
"""What no UTF-8 file can carry; Python has it in the name of a file that is not UTF-8."""
DESCRIPTOR = re.compile(r"/(?:dev|proc/self)/(?:fd/(\d{1,4})|(stdin|stdout|stderr))")
NAMED_DESCRIPTORS = ("stdin", "stdout", "stderr")
PATIENCE_SECONDS = 2.0
# Of a file's name in that of its temporary file.
MAX_PREFIX_BYTES = 200

ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+:/", re.IGNORECASE)
"""What an address (`s3://bucket/x`) is once it has been taken for a path."""
ONLY_HERE = "Addresses are read by `preannotate` and `select`, and written by `preannotate --shards`; else name a file of this machine"


def as_path(path: str | Path) -> Path:
    """Return a path that may be given as text; an address stays what it is."""
    return Path(path) if isinstance(path, str) else path


def as_paths(paths: str | Path | Iterable[str | Path]) -> tuple[Path, ...]:
    """Return paths that may be given as text, or a single one, which as text is not its characters."""
    return tuple(map(as_path, (paths,) if isinstance(paths, str | Path) else paths))


def read_bytes(path: str | Path) -> bytes:
    """Read a file whole; raises MissingFileError for a folder, a device without end, and what cannot be read."""
    path = as_path(path)
    with report_unreadable(path), path.open("rb") as file:
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return file.read()
        # A pipe is fine; of a device nobody knows where it ends.
        if len(data := file.read(ENDLESS)) == ENDLESS:
            raise MissingFileError("this is not a regular file, and it does not end", where=path)
        return data


@contextmanager
def report_unreadable(path: Path) -> Iterator[None]:
    """Raise MissingFileError for what the system says of a file that is opened and read inside."""
    try:
        yield
    except FileNotFoundError:
        here = isinstance(cast("Any", path), Path)  # else it is an address
        advice = ONLY_HERE if here and ADDRESS.match(str(path)) else ""
        raise MissingFileError("no such file", where=path, next_step=advice) from None
    except IsADirectoryError:
        raise MissingFileError("this is a folder, a file is needed", where=path) from None
    except OSError as error:
        raise MissingFileError(f"cannot be read ({error.strerror})", where=path) from None


def check_target(path: Path) -> None:
    """Raise WriteError, before long work, where a file cannot be put: later it would leave other outputs alone."""
    with report_unwritable(path):
        if path.is_dir():
            raise WriteError("this is a folder, a file is to be written", where=path)
        nearest = next(one for one in path.absolute().parents if one.exists() or one == one.parent)
        if not nearest.is_dir():
            raise WriteError(f"{nearest.name} is not a folder", where=path)
        if not os.access(nearest, os.W_OK):
            code = errno.EROFS if os.statvfs(nearest).f_flag & os.ST_RDONLY else errno.EACCES
            raise OSError(code, os.strerror(code))
        # Below a folder that is not there no name is too long yet.
        for name in path.absolute().relative_to(nearest).parts:
            with suppress(FileNotFoundError):
                (nearest / name).lstat()


@contextmanager
def report_unwritable(path: Path) -> Iterator[None]:
    """Raise WriteError for what the system says of a file or folder that is written inside."""
    try:
        yield
    except OSError as error:
        raise WriteError(f"cannot be written ({error.strerror})", where=path) from None


@contextmanager
def hold_folder(folder: Path, *, wait: bool = True) -> Iterator[None]:
    """Make other commands that hold this folder, which is made, wait, or without `wait` end with LockedError; raises WriteError.

    What a command reads, changes and writes again would else lose what another wrote between.
    """
    with report_unwritable(folder):
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
    try:
        # Some file systems have no locks.
        with suppress(OSError):
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if not wait:
                    raise LockedError("another command is running here", where=folder) from None
                with tell_waiting(folder):
                    fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def tell_waiting(folder: Path) -> Iterator[None]:
    """Say, once and only where it takes a while, that what is done inside waits for another command in a folder."""
    said = printable(translate(f"{folder}: another command is running here, waiting for it to end"))
    timer = threading.Timer(PATIENCE_SECONDS, _log.warning, [said])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def is_file_name(name: str) -> bool:
    """Tell whether a name alone is that of a file in a folder, and leads to no other folder."""
    return name not in ("", "..") and "\0" not in name and Path(name).name == name


def to_unicode(text: str) -> str:
    """Return text that UTF-8 can carry: a lone surrogate, as of a file's name that is not UTF-8, as its escape."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def descriptor_of(path: Path) -> int | None:
    """Return the open file that an output's path like -, /dev/stdout or /dev/fd/3 means, or None for any other path."""
    if str(path) == "-":
        return 1
    match = DESCRIPTOR.fullmatch(str(path))
    return None if match is None else int(match[1] or NAMED_DESCRIPTORS.index(match[2]))


def write_bytes(path: str | Path, content: bytes, *, mode: int | None = None) -> None:
    """Write a file atomically (temporary file, fsync, rename); on WriteError the old file is untouched.

    Without `mode` it keeps that of the file that it replaces; a new one has what the umask leaves.
    """
    write_stream(path, (content,), mode=mode)


def write_stream(path: str | Path, parts: Iterable[bytes], *, mode: int | None = None) -> None:
    """Write a file atomically from parts that need not be in memory together; see `write_bytes`."""
    path = as_path(path)
    number, temporary = descriptor_of(path), ""
    try:
        if number is not None or (path.exists() and not path.is_file()):
            # A device or a pipe must not be replaced by a file, nor must the file to which a shell sends what we print.
            sys.stdout.flush()
            with path.open("wb") if number is None else os.fdopen(os.dup(number), "wb") as file:
                file.writelines(parts)
            return
        if ADDRESS.match(str(path)) and not Path(path.parts[0]).exists():
            raise WriteError("this is an address, no path", where=path, next_step=ONLY_HERE)
        target = Path(os.path.realpath(path))  # a link stays a link: what it points at is replaced
        if target.is_symlink():
            raise WriteError("the link leads back to itself", where=path)
        if mode is None and target.exists():
            mode = target.stat().st_mode & 0o777
        # Nobody may read of it before it has its mode.
        handle, temporary = _open_temporary(target.parent, _make_room(target), 0o666 if mode is None else 0o600)
        with os.fdopen(handle, "wb") as file:
            file.writelines(parts)
            file.flush()
            os.fsync(file.fileno())
            if mode is not None:
                os.fchmod(handle, mode)
            os.replace(temporary, target)  # noqa: PTH105 — the name is a plain string
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise WriteError(f"cannot be written ({error.strerror})", where=path) from None
    finally:
        if temporary:
            Path(temporary).unlink(missing_ok=True)


def _make_room(target: Path) -> str:
    """Make the folder of a file, without temporary files that nobody holds any more; return what the names of new ones begin with."""
    target.parent.mkdir(parents=True, exist_ok=True)
    # A name may be as long as the file system allows, and that of the temporary file is longer.
    prefix = f".{os.fsencode(target.name)[:MAX_PREFIX_BYTES].decode('utf-8', 'ignore')}."
    for path in target.parent.glob(f"{glob.escape(prefix)}*{TEMPORARY}"):
        with suppress(OSError):
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if stat.S_ISDIR(os.fstat(handle).st_mode):
                    shutil.rmtree(path)
                else:
                    path.unlink()
            finally:
                os.close(handle)
    return prefix


@contextmanager
def temporary_folder(target: Path) -> Iterator[Path]:
    """Give a new folder beside what will be written, which goes at the end, and after a kill at the next run."""
    with tempfile.TemporaryDirectory(TEMPORARY, _make_room(target), target.parent, ignore_cleanup_errors=True) as name:
        handle = os.open(name, os.O_RDONLY)
        try:
            with suppress(OSError):
                fcntl.flock(handle, fcntl.LOCK_EX)
            yield Path(name)
        finally:
            os.close(handle)


def _open_temporary(folder: Path, prefix: str, mode: int) -> tuple[int, str]:
    while True:
        # Not `mkstemp`, whose files have no mode of the umask.
        name = str(folder / f"{prefix}{secrets.token_hex(8)}{TEMPORARY}")
        handle = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
        # On a file system without locks nobody removes abandoned files either.
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        # Another writer may have taken it for abandoned before it was locked.
        if os.fstat(handle).st_nlink:
            return handle, name
        os.close(handle)


def write_text(path: str | Path, content: str, *, mode: int | None = None) -> None:
    """Write text as UTF-8 with its line ends as they are, lone surrogates as U+FFFD; see `write_bytes`."""
    write_bytes(path, LONE_SURROGATE.sub("\ufffd", content).encode("utf-8"), mode=mode)


def write_json(
    path: str | Path, value: Any, *, indent: int | None = 2, allow_nan: bool = True, mode: int | None = None
) -> None:
    """Write a value as JSON in one document; see `write_bytes`."""
    write_text(path, f"{json.dumps(value, ensure_ascii=False, indent=indent, allow_nan=allow_nan)}\n", mode=mode)


def write_lines(path: str | Path, lines: Iterable[str]) -> None:
    """Write lines, each ended by a line feed; see `write_bytes`."""
    write_text(path, "".join(f"{line}\n" for line in lines))


def parse_json(data: bytes | str) -> Any:
    """Parse JSON from outside; raises ValueError, also where it is nested too deep, or holds a lone surrogate or a key twice."""
    text = _decode_utf8(data)
    try:
        value = json.loads(text, object_pairs_hook=once_each)
    except RecursionError:
        raise ValueError("nested too deep") from None
    except ValueError as error:
        if "set_int_max_str_digits" not in str(error):
            raise
        raise ValueError("a number of too many digits") from None
    # Only an escape can make one.
    if "\\u" in text and LONE_SURROGATE.search(json.dumps(value, ensure_ascii=False)):
        raise ValueError("a lone surrogate in it")
    return value


def once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object, as an `object_pairs_hook`; raises ValueError where it has a key twice."""
    if len(found := dict(pairs)) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def parse_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file, with a byte order mark or without; raises ValueError, and MissingFileError as `read_bytes` does."""
    return tomllib.loads(_decode_utf8(read_bytes(path)))


def parse_json_as(data: bytes | str, kind: type[Value]) -> Value:
    """Return the value of a JSON document of a type, such as a dataclass, without unknown keys; raises ValueError."""
    content = _decode_utf8(data)
    try:
        value = msgspec.json.decode(content, type=kind)
        parse_json(content)  # of a key that stands twice msgspec takes the last
    except RecursionError:
        raise ValueError("nested too deep") from None
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from None
    return value


def _decode_utf8(data: bytes | str) -> str:
    try:
        return data.decode("utf-8-sig") if isinstance(data, bytes) else data
    except UnicodeDecodeError:
        raise ValueError("it is not saved as UTF-8") from None  # and not in the codec's words


def cache_folder() -> Path:
    """Return where what can be made again is kept: BIAOZHU_CACHE, else the user's cache folder."""
    return Path(os.environ.get("BIAOZHU_CACHE") or platformdirs.user_cache_dir("biaozhu"))


@contextmanager
def scratch_database(*, cache: int) -> Iterator[sqlite3.Connection]:
    """Give an empty SQLite database that spills to disk beyond `cache` KiB; WriteError if the disk is full."""
    import sqlite3  # noqa: PLC0415 — few commands need it, all import this module

    # An empty name is a private database in a temporary file, which goes with the connection.
    with closing(sqlite3.connect("", isolation_level=None)) as database:
        try:
            database.execute(f"PRAGMA cache_size = -{cache}")
            database.execute("PRAGMA journal_mode = OFF")
            database.execute("PRAGMA synchronous = OFF")
            yield database
        except sqlite3.OperationalError as error:
            what, where = f"the temporary database cannot be written ({error})", os.environ.get("TMPDIR", "")
            advice = "Make room there, or let TMPDIR name another folder"
            raise WriteError(what, where=where, next_step=advice) from None


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file of any size, in hex; raises MissingFileError."""
    with report_unreadable(path), path.open("rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise MissingFileError("this is not a regular file", where=path)
        return hashlib.file_digest(file, "sha256").hexdigest()
