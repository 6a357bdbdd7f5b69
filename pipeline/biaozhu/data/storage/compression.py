"""Files that may be compressed by gzip or zstd, read as they are needed; one that breaks off is incomplete."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import IO, Any, cast

import zstandard

from biaozhu.data.errors import MissingFileError
from biaozhu.data.files import report_unreadable
from biaozhu.data.outputs import COMPRESSED

# Bytes of a compressed file read at once: what comes of them is in memory at once too.
CHUNK = 1 << 14
# zstd packs 128 KiB of the same byte into four: from so much come 64 MiB at most, whatever the file says.
SLICE = 1 << 11


@contextmanager
def opened(path: Path, packing: str, *, ahead: int | None = None) -> Iterator[IO[bytes]]:
    """Open a file's content, packed as `.gz` or `.zst` or plain, with a `readline` that keeps its limit.

    `ahead` bytes are fetched of a remote file at once; its file system's own number may be much. What cannot be read to its
    end raises MissingFileError, which may show while it is read.
    """
    with report_unreadable(path):
        try:
            with _bytes_of(path, ahead) as packed:
                if packing not in COMPRESSED:
                    yield packed
                    return
                raw: Any = gzip.GzipFile(fileobj=packed, mode="rb") if packing == ".gz" else _Unpacked(packed)
                with BufferedReader(raw, CHUNK) as file:
                    yield file
        except (FileNotFoundError, IsADirectoryError):
            raise
        except (OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
            what = f"cannot be read to its end ({error})"
            raise MissingFileError(what, where=path, next_step=advice_on(path)) from None


def _bytes_of(path: Path, ahead: int | None) -> IO[bytes]:
    if isinstance(cast("Any", path), Path):
        return path.open("rb")
    try:
        remote = cast("Any", path).open("rb", **({"block_size": ahead} if ahead else {}))
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001 — each remote file system raises its own kinds
        raise OSError(reason_of(error)) from None
    # A remote file's own `readline` knows no limit.
    return BufferedReader(_Remote(remote))


def advice_on(path: Path) -> str:
    """Return what to do where a file cannot be read: of a remote one its path may be as right as it can be."""
    here = isinstance(cast("Any", path), Path)
    return "" if here else "Check the address, the rights and the connection, then run again"


def reason_of(error: BaseException) -> str:
    """Return what a remote file system says of an error: its own words, not those of a fault in its error handling."""
    found: BaseException | None = error
    while found is not None and type(found).__module__ == "builtins" and not isinstance(found, OSError):
        found = found.__cause__ or found.__context__
    chosen = found or error
    return str(chosen).strip() or type(chosen).__name__


class _Remote(RawIOBase):
    """A remote file, whose own kinds of errors become OSError."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            given = self._file.read(len(buffer))
        except OSError:
            raise
        except Exception as error:  # noqa: BLE001 — each remote file system raises its own kinds
            raise OSError(reason_of(error)) from None
        buffer[: len(given)] = given
        return len(given)

    def seekable(self) -> bool:
        return True

    def seek(self, place: int, whence: int = 0) -> int:
        return self._file.seek(place, whence)

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


class _Unpacked(RawIOBase):
    """The content of a zstd file; EOFError inside a frame, which the package's own reader takes for the end."""

    def __init__(self, packed: IO[bytes]) -> None:
        self._packed = packed
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._begun = False
        # A view: what is left of much that came from little is not copied for each part that is taken.
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            packed = (self._frame.unused_data if self._frame.eof else b"") or self._packed.read(SLICE)
            if not packed:
                if self._begun and not self._frame.eof:
                    raise EOFError("the file ends inside a frame")
                return 0
            if self._frame.eof:
                self._frame = zstandard.ZstdDecompressor().decompressobj()
            self._begun = True
            self._ready = memoryview(self._frame.decompress(packed))
        given = self._ready[: len(buffer)]
        self._ready = self._ready[len(given) :]
        buffer[: len(given)] = given
        return len(given)
