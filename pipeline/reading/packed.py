"""Files that may be compressed by gzip or zstd, read as they are needed; one that breaks off is no whole one."""

from __future__ import annotations

import gzip
import zlib
from contextlib import contextmanager
from io import BufferedIOBase, BufferedReader, RawIOBase
from typing import IO, TYPE_CHECKING, Any, cast

import zstandard

from pipeline.errors import MissingFileError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Bytes of a compressed file read at once: what comes of them is in memory at once too.
CHUNK = 1 << 14
# zstd packs 128 KiB of the same byte into four: from so much come 64 MiB at most, whatever the file says.
SLICE = 1 << 11


@contextmanager
def opened(path: Path, packing: str) -> Iterator[IO[bytes]]:
    """Open a file's content for reading, with a `readline` that keeps its limit.

    Args:
        path: of this machine or remote.
        packing: `.gz` or `.zst`; anything else takes the bytes as they are.

    Raises:
        MissingFileError: it is not there or cannot be read to its end, which may show while it is read.
    """
    # A remote file is none of the kinds that `open` promises.
    packed: Any
    try:
        with path.open("rb") as packed:
            if packing == ".gz":
                with BufferedReader(cast("RawIOBase", gzip.open(packed)), CHUNK) as file:
                    yield file
            elif packing == ".zst":
                with BufferedReader(_Unpacked(packed), CHUNK) as file:
                    yield file
            elif isinstance(packed, BufferedIOBase):
                yield cast("IO[bytes]", packed)
            else:
                # A remote file's own `readline` knows no limit.
                yield BufferedReader(cast("RawIOBase", packed))
    except FileNotFoundError:
        raise MissingFileError("no such file", where=str(path)) from None
    except IsADirectoryError:
        raise MissingFileError("this is a folder, a file is needed", where=str(path)) from None
    except (OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
        raise MissingFileError(f"cannot be read to its end ({error})", where=str(path)) from None


class _Unpacked(RawIOBase):
    """The content of a zstd file; the package's own reader takes a file that breaks off for a whole one.

    Raises:
        EOFError: the file ends inside a frame.
    """

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
