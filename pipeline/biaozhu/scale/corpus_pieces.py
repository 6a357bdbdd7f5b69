"""Pieces of a corpus that are read apart from each other, and together give the articles of `read_sources` in order."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from itertools import groupby, pairwise
from pathlib import Path

from biaozhu.data.errors import WorkerError
from biaozhu.data.files import to_unicode
from biaozhu.scale import corpus_stream
from biaozhu.scale.batch import batches, chunks
from biaozhu.scale.corpus_stream import TABLE, Source, kind_of_file

Chunk = bytes | tuple[Source, ...]
FILES_AT_ONCE = 256  # of one article each that are read together, at most


@dataclass(frozen=True, slots=True)
class CorpusPiece:
    """Some files of an article each, or the records in a range of bytes of a JSONL or Parquet file, or problems.

    A piece that `is_chunked` (packed, or a table) has no known size before it is unpacked, so it comes in chunks.
    """

    files: tuple[Path | Source, ...]
    holds_records: bool = False
    is_chunked: bool = False
    start: int = 0
    end: int | None = None

    def where(self, number: int | None) -> str:
        """Return the place of an article: the file of this number, or the record; None is the file of the records."""
        one = self.files[0 if self.holds_records else number or 0]
        path = one.where if isinstance(one, Source) else to_unicode(str(one))
        return f"{path}:{number}" if self.holds_records and number is not None else path


def pieces_of(paths: Iterable[Path], size: int) -> Iterator[CorpusPiece]:
    """Yield the pieces of a corpus in order, of about `size` bytes; a file missing here is a problem, later an error."""
    found = (
        next(corpus_stream.read_sources([one])) if isinstance(one, Path) and not os.access(one, os.F_OK) else one
        for one in corpus_stream.files_of(paths)
    )
    for holds_records, files in groupby(found, key=_holds_records):
        if holds_records:
            for file in files:
                yield from _ranges(file, size)
            continue
        yield from map(CorpusPiece, chunks(files, size, lambda file: max(_size_of(file), size // FILES_AT_ONCE)))


def require_files(piece: CorpusPiece) -> None:
    """Raise WorkerError where a file of a piece, which the driver saw, is not there."""
    for one in piece.files:
        # A remote address is the same everywhere.
        if isinstance(one, Path) and not os.access(one, os.F_OK):
            advice = "Put the corpus where all nodes find it by the same path, or on an object store"
            raise WorkerError("a node of the cluster does not see this file", where=one, next_step=advice)


def unpack_piece(piece: CorpusPiece, size: int) -> Iterator[Chunk]:
    """Yield a chunked piece's lines, or its rows as sources, in chunks of `size` bytes or more."""
    (path,) = piece.files
    if isinstance(path, Source):
        return
    if kind_of_file(path)[0] == TABLE:
        yield from batches(corpus_stream.read_file(path, piece.start, piece.end), size)
        return
    for some in chunks(corpus_stream.unpack_lines(path), size, lambda one: 0 if isinstance(one, Source) else len(one)):
        if lines := [one for one in some if isinstance(one, bytes)]:
            yield b"".join(lines)
        if isinstance(some[-1], Source):
            yield (some[-1],)


def read_piece(piece: CorpusPiece, chunk: Chunk | None = None) -> Generator[Source, None, int]:
    """Yield the articles of a piece or of its chunk, and return how many lines it has; they are counted from its begin."""
    lines = 0
    for one in piece.files:
        if isinstance(one, Source):
            yield one
        elif isinstance(chunk, bytes):
            lines = yield from corpus_stream.read_lines(BytesIO(chunk), str(one))
        elif chunk is not None:
            yield from chunk
        else:
            lines = yield from corpus_stream.read_file(one, piece.start, piece.end)
    return lines


def move_line(source: Source, lines: int) -> Source:
    """Return a source of JSONL that was counted from the wrong line, so many too low, with its line in the file."""
    path, colon, line = source.where.rpartition(":")
    if not lines or not colon or not line.isdecimal():
        return source
    where = f"{path}:{int(line) + lines}"
    return replace(source, where=where, problem=source.problem.replace(source.where, where, 1))


def _holds_records(one: Path | Source) -> bool:
    if isinstance(one, Source):
        return False
    kind, packing = kind_of_file(one)
    return kind == corpus_stream.LINES or (kind == TABLE and not packing)


def _ranges(file: Path | Source, size: int) -> Iterator[CorpusPiece]:
    kind, packing = ("", "") if isinstance(file, Source) else kind_of_file(file)
    starts: list[int | None] = [0] if packing else [*range(0, max(1, _size_of(file)), size)]
    for start, end in pairwise([*starts, None]):
        chunked = bool(packing) or kind == TABLE
        yield CorpusPiece((file,), holds_records=True, is_chunked=chunked, start=start or 0, end=end)


def _size_of(file: Path | Source) -> int:
    try:
        return 0 if isinstance(file, Source) else file.stat().st_size
    except Exception:  # noqa: BLE001 — each file system raises its own kinds; who reads the file says which
        return 0
