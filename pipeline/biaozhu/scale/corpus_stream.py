"""Files, folders, globs, JSONL, Parquet, gzip, zstd and standard input as one stream of sources or problems."""

from __future__ import annotations

import glob
import json
import re
import sys
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from biaozhu.data import errors
from biaozhu.data.errors import BiaozhuError, EncodingError, LineError, MissingFileError, needing_extra
from biaozhu.data.files import MAX_ARTICLE_BYTES, once_each, to_unicode
from biaozhu.data.model import is_unicode
from biaozhu.data.outputs import ARTICLE_SUFFIXES, COMPRESSED
from biaozhu.data.storage.compression import advice_on, opened, reason_of
from biaozhu.reading.article import HTML_SUFFIXES, STDIN, read_source
from biaozhu.scale.shard_folders import is_remote, place

LINES, TABLE = ".jsonl", ".parquet"
# Bytes fetched at once of a remote file of which only a range is wanted, or of a table, whose parts lie apart.
REMOTE_AHEAD = SKIPPED_AT_ONCE = 1 << 20
SOURCE_KINDS = frozenset({*ARTICLE_SUFFIXES, LINES, TABLE})
WILD = frozenset("*?[")
ROWS_AT_ONCE, BATCH_BYTES = 64, 16 << 20
# A row group of a Parquet file that is larger in memory, and so many times larger than in the file, is refused.
MAX_UNPACKED_BYTES, MAX_PACKING_RATIO = 64 << 20, 100
# As pyarrow writes the type of a column of strings.
STRINGS = re.compile(r"(?:dictionary<values=)?(?:large_)?string\b")


@dataclass(frozen=True, slots=True)
class Source:
    """An article of the corpus: name, place, bytes or the problem instead; `page` forces HTML."""

    name: str
    where: str
    data: bytes = b""
    page: bool = False
    problem: str = ""

    def __post_init__(self) -> None:
        # A file's name may be no UTF-8, but what a dead letter says must be.
        for field in ("name", "where"):
            object.__setattr__(self, field, to_unicode(getattr(self, field)))


def is_stream(path: Path) -> bool:
    """Return whether the path may hold many articles, or needs unpacking: all but a plain file or a folder."""
    kind, packing = kind_of_file(path)
    return str(path) == STDIN or bool(packing) or kind in {LINES, TABLE}


def expand_globs(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Replace each pattern (`*`, `?`, `[…]`, `**`) by what it matches; MissingFileError where that is nothing."""
    found: list[Path] = []
    for path in paths:
        if not WILD.intersection(str(path)) or (not is_remote(path) and path.exists()):
            found.append(path)
            continue
        # `glob` and not `Path.glob`: the pattern may be absolute.
        here = () if is_remote(path) else sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207 — as said
        matches = _match_remote(path) if is_remote(path) else [Path(one) for one in here]
        if not matches:
            raise MissingFileError("nothing matches this pattern", where=path)
        found += matches
    return tuple(found)


def _match_remote(pattern: Any) -> list[Path]:
    try:
        return [place(f"{pattern.protocol}://{name}") for name in sorted(pattern.fs.glob(pattern.path))]
    except Exception as error:  # noqa: BLE001 — each file system raises its own kinds
        what = f"cannot be listed ({reason_of(error)})"
        raise MissingFileError(what, where=pattern, next_step=advice_on(pattern)) from None


def read_sources(paths: Iterable[Path]) -> Iterator[Source]:
    """Yield the articles of files, folders (not what lies deeper) and `-`, in order and by name.

    A JSONL line is `{"name": "…", "text": "…"}`, a Parquet table has the columns `name` and `text`. Standard input
    is JSONL if it begins with `{`, else one article. Other files are an article each, compressed or not.
    """
    for one in files_of(paths):
        if isinstance(one, Source):
            yield one
        elif str(one) == STDIN:
            yield from _standard_input()
        else:
            yield from read_file(one)


def files_of(paths: Iterable[Path]) -> Iterator[Path | Source]:
    """Yield the files that paths stand for, in order; a folder without any is a source with a problem."""
    for path in paths:
        if str(path) == STDIN:
            yield path
            continue
        try:
            inside = [path]
            if path.is_dir():
                inside = sorted(one for one in path.iterdir() if kind_of_file(one)[0] in SOURCE_KINDS)
        except Exception as error:
            if not is_remote(path):
                raise
            yield Source(path.name, str(path), problem=_unread(path, error))
            continue
        if not inside:
            yield Source(path.name, str(path), problem=str(MissingFileError("a folder without articles")))
        yield from inside


def read_file(path: Path, start: int = 0, end: int | None = None) -> Generator[Source, None, int]:
    """Yield the articles of a file, and return how many lines were read.

    Of JSONL and Parquet, which hold many, only those are read that begin at a byte from `start` to before `end`; lines
    are counted from `start`, rows from the beginning of the table.
    """
    kind, packing = kind_of_file(path)
    name, where = _name_of(path), str(path)
    try:
        if kind == TABLE and not packing:
            for number, row_name, text in read_table_rows(path, start, end):
                yield _article(row_name, text, f"{where}:{number}")
        elif kind == LINES:
            with opened(path, packing, ahead=None if end is None and not start else REMOTE_AHEAD) as file:
                return (yield from read_lines(file, where, start=start, end=end))
        elif packing:
            with opened(path, packing) as file:
                yield Source(name, where, _whole(file, where), kind in HTML_SUFFIXES)
        else:
            yield Source(name, where, read_source(path), kind in HTML_SUFFIXES)
    except Exception as error:  # noqa: BLE001 — it raises again what is no fault of the file
        yield _failed(path, name, error)
    return 0


def _unread(path: Path, error: Exception) -> str:
    return str(MissingFileError(f"cannot be read ({reason_of(error)})", where=path, next_step=advice_on(path)))


def kind_of_file(path: Path) -> tuple[str, str]:
    """Return what a file is and how it is compressed, as suffixes; either may be empty."""
    *_, before, last = ("", "", *map(str.lower, path.suffixes))
    return ("" if before in COMPRESSED else before, last) if last in COMPRESSED else (last, "")


def unpack_lines(path: Path) -> Iterator[bytes | Source]:
    """Yield the lines of a JSONL file, too long ones cut, and last what ended it early."""
    try:
        with opened(path, kind_of_file(path)[1]) as file:
            while line := file.readline(MAX_ARTICLE_BYTES + 1):
                if len(line) > MAX_ARTICLE_BYTES and not line.endswith(b"\n"):
                    _skip_line(file)
                    line += b"\n"
                yield line
    except Exception as error:  # noqa: BLE001 — as above
        yield _failed(path, _name_of(path), error)


def _failed(path: Path, name: str, error: Exception) -> Source:
    if isinstance(error, errors.MissingExtraError):
        raise error
    if isinstance(error, BiaozhuError):
        return Source(name, str(path), problem=str(error))
    # Each remote file system raises its own kinds.
    if not is_remote(path):
        raise error
    return Source(name, str(path), problem=_unread(path, error))


def _name_of(path: Path) -> str:
    kind, packing = kind_of_file(path)
    return path.name.removesuffix(path.suffix).removesuffix(kind) if packing else path.stem


def _whole(file: IO[bytes], where: str, first: bytes = b"") -> bytes:
    data = first + file.read(MAX_ARTICLE_BYTES + 1 - len(first))
    if len(data) > MAX_ARTICLE_BYTES:
        raise EncodingError(f"more than {MAX_ARTICLE_BYTES >> 20} MiB, which is too large for an article", where=where)
    return data


def _standard_input() -> Iterator[Source]:
    file = sys.stdin.buffer
    first = file.readline(MAX_ARTICLE_BYTES + 1)
    if first.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        yield from read_lines(file, STDIN, first)
        return
    try:
        yield Source("stdin", STDIN, _whole(file, STDIN, first))
    except EncodingError as error:
        yield Source("stdin", STDIN, problem=str(error))


def read_lines(
    file: IO[bytes], where: str, first: bytes = b"", start: int = 0, end: int | None = None
) -> Generator[Source, None, int]:
    """Yield the articles of JSONL, its lines counted from the first of these, and return how many there are.

    Read are the lines that begin at a byte from `start` to before `end`, `first` before what is in the file.
    """
    number, at = 0, start
    if start:
        # From the byte before, which tells whether a line begins at `start`.
        file.seek(start - 1)
        at += _skip_line(file) - 1
    line = first or file.readline(MAX_ARTICLE_BYTES + 1)
    while line and (end is None or at < end):
        number += 1
        at += len(line)
        place = f"{where}:{number}"
        if len(line) > MAX_ARTICLE_BYTES:
            at += 0 if line.endswith(b"\n") else _skip_line(file)
            yield _refused(place, f"a line of more than {MAX_ARTICLE_BYTES >> 20} MiB")
        elif line.strip():
            yield _line(line, place)
        line = file.readline(MAX_ARTICLE_BYTES + 1)
    return number


def _skip_line(file: IO[bytes]) -> int:
    skipped = 0
    # In small pieces: the beginning of the line is in memory, too.
    while part := file.readline(SKIPPED_AT_ONCE):
        skipped += len(part)
        if part.endswith(b"\n"):
            break
    return skipped


def _line(line: bytes, where: str) -> Source:
    try:
        value = json.loads(line.decode("utf-8-sig"), object_pairs_hook=once_each)
    except (ValueError, RecursionError) as error:
        return _refused(where, f"not JSON in UTF-8 ({error})")
    if not isinstance(value, dict):
        return _refused(where, "no JSON object")
    return _article(value.get("name"), value.get("text"), where)


def _article(name: object, text: object, where: str) -> Source:
    if not isinstance(name, str) or not name or not isinstance(text, str):
        reason = f"name and text must be strings, the name not empty, the text of at most {MAX_ARTICLE_BYTES >> 20} MiB"
        return _refused(where, reason)
    for kind, value in (("name", name), ("text", text)):
        if not is_unicode(value):
            return _refused(where, f"the {kind} holds bytes or a lone surrogate that are not UTF-8", name)
    return Source(name, where, text.encode("utf-8"))


def _refused(where: str, reason: str, name: str = "") -> Source:
    return Source(name, where, problem=str(LineError(reason, where=where, next_step="Fix the line and run again")))


def read_table_rows(path: Path, start: int, end: int | None) -> Iterator[tuple[int, str | None, str | None]]:
    """Yield number, name and text of rows in row groups that begin from byte `start` to before `end`; or LineError."""
    with needing_extra("table", "Parquet needs the package pyarrow", where=path):
        import pyarrow as pa  # noqa: PLC0415 — an extra that only tables need
        from pyarrow import parquet  # noqa: PLC0415 — as above
    number, place, columns = 0, 0, ["name", "text"]
    try:
        options = {} if isinstance(cast("Any", path), Path) else {"block_size": REMOTE_AHEAD}
        with cast("Any", path).open("rb", **options) as file, parquet.ParquetFile(file) as table:
            kinds = sorted((one.name, str(one.type)) for one in table.schema_arrow if one.name in columns)
            if [name for name, kind in kinds if STRINGS.match(kind)] != columns or len(kinds) > len(columns):
                raise LineError("the table needs the columns name and text, of strings", where=path)
            # As dictionaries: a value that many rows have is in memory once. By pages, not by whole row groups.
            ahead = {"pre_buffer": False, "buffer_size": BATCH_BYTES, "metadata": table.metadata}
            with parquet.ParquetFile(file, read_dictionary=columns, **ahead) as rows:
                for group in range(rows.num_row_groups):
                    stated = rows.metadata.row_group(group)
                    column = stated.column(0)
                    first = column.data_page_offset
                    # Never before that of the group before, whatever the file states: the order of rows is kept.
                    place = max(place, int(min(first, column.dictionary_page_offset or first)))
                    if place < start or (end is not None and place >= end):
                        number += stated.num_rows
                        continue
                    size = _rows_at_once(stated, columns, f"{path}:{number + 1}")
                    for batch in rows.iter_batches(size, row_groups=[group], columns=columns):
                        for name, text in zip(*(_strings(batch[one]) for one in columns), strict=True):
                            number += 1
                            yield number, name, text
    except FileNotFoundError:
        raise MissingFileError("no such file", where=path) from None
    except (OSError, pa.ArrowException) as error:
        raise MissingFileError(f"cannot be read to its end as Parquet ({error})", where=path) from None


def _rows_at_once(group: Any, columns: list[str], where: str) -> int:
    """Return how many rows of a row group to read at once; LineError refuses what unpacks to very much more."""
    every = [group.column(number) for number in range(group.num_columns)]
    chosen = [one for one in every if one.path_in_schema in columns]
    unpacked = max(group.num_rows, *(one.total_uncompressed_size for one in chosen))
    packed = sum(one.total_compressed_size for one in chosen)
    if unpacked > max(MAX_UNPACKED_BYTES, MAX_PACKING_RATIO * packed):
        raise LineError(f"rows that unpack to {unpacked:,} bytes or more", where=where)
    return int(max(1, min(ROWS_AT_ONCE, BATCH_BYTES * group.num_rows // max(1, unpacked))))


def _strings(column: Any) -> Iterator[str | None]:
    """Yield the strings of a column that was read as a dictionary; what is not UTF-8 comes with lone surrogates."""
    words = column.dictionary.cast("large_binary" if "large" in str(column.type) else "binary")
    for index in column.indices.to_pylist():
        value = None if index is None else words[index].as_buffer()
        too_large = value is not None and value.size > MAX_ARTICLE_BYTES
        yield None if value is None or too_large else bytes(value).decode("utf-8", "surrogateescape")
