"""Storage of shards: a folder of this machine, or one on an object store that fsspec knows (`s3://bucket/run`).

A file is there whole or not at all: on a disk by a temporary file, fsync and rename; on an object store because an
object appears when it has been sent; on other remote file systems by a temporary file and a move.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, cast

from biaozhu.data.errors import BiaozhuError, MissingExtraError, WriteError, needing_extra
from biaozhu.data.files import hold_folder, write_bytes
from biaozhu.data.storage.compression import reason_of

# File systems where to put a file is one step; elsewhere a reader could see half of it.
WHOLE = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "az", "adl", "oss", "memory"})


def is_remote(path: Path) -> bool:
    """Return whether a path lies on a remote file system: a `UPath` behaves like a Path, but is none."""
    return not isinstance(cast("Any", path), Path)


def place(where: str) -> Path:
    """Return a path, or a `UPath` where `where` is an address; MissingExtraError if no installed package knows it."""
    if "://" not in where:
        return Path(where)
    with needing_extra("remote", "addresses need the packages universal-pathlib and fsspec", where=where):
        from upath import UPath  # noqa: PLC0415 — an extra
    try:
        found: Any = UPath(where)
        found.fs  # noqa: B018 — asking for the file system is what finds out whether there is one
    except (ImportError, ValueError) as error:
        what = f"no package for this kind of address ({error})"
        advice = "Install the fsspec package that knows it (s3fs, gcsfs, adlfs)"
        raise MissingExtraError(what, where=where, next_step=advice) from None
    return cast("Path", found)


@contextmanager
def _explained(path: Path, what: str) -> Iterator[None]:
    try:
        yield
    except BiaozhuError:
        raise
    except Exception as error:  # noqa: BLE001 — each file system raises its own kinds
        raise WriteError(f"{what} ({reason_of(error)})", where=path) from None


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that is there whole or not at all, or raise WriteError."""
    address = cast("Any", path)
    with _explained(path, "cannot be written"):
        if not is_remote(path):
            write_bytes(path, content)
        elif address.protocol in WHOLE:
            address.write_bytes(content)
        else:
            address.parent.mkdir(parents=True, exist_ok=True)
            beside = address.with_name(f".{address.name}.tmp")
            beside.write_bytes(content)
            address.fs.mv(beside.path, address.path)


def names_in(folder: Path) -> tuple[str, ...]:
    """Return the names of the files in a folder, sorted; none where there is no folder; or WriteError."""
    with _explained(folder, "cannot be listed"), suppress(FileNotFoundError, NotADirectoryError):
        return tuple(sorted(path.name for path in folder.iterdir()))
    return ()


def remove(path: Path) -> None:
    """Remove a file if it is there, or raise WriteError."""
    with _explained(path, "cannot be removed"):
        path.unlink(missing_ok=True)


def held(folder: Path) -> AbstractContextManager[None]:
    """Keep other runs of this machine out of a local folder, which is made if it is not there; raises LockedError.

    A folder on an object store is not locked: two runs of the same corpus write the same bytes there.
    """
    return nullcontext() if is_remote(folder) else hold_folder(folder, wait=False)
