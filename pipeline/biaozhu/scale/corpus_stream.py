"""Sources of a corpus: files, folders, globs, JSONL, Parquet, gzip, zstd, standard input, as one stream.

Only one source is in memory at a time. What cannot be read becomes a source with a problem instead of an error, so
that the rest of the corpus goes on.
"""

from __future__ import annotations

import glob
import json
import re
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from biaozhu.data.errors import (
    BiaozhuError,
    EncodingError,
    LineError,
    MissingExtraError,
    MissingFileError,
    extra_advice,
)
from biaozhu.data.files import MAX_ARTICLE_BYTES
from biaozhu.data.storage.compression import advice_on, opened, reason_of
from biaozhu.reading.article import ARTICLE_SUFFIXES, HTML_SUFFIXES, read_source
from biaozhu.scale.shard_folders import is_remote, place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

STDIN = "-"
LINES, TABLE = ".jsonl", ".parquet"
COMPRESSED = frozenset({".gz", ".zst"})
ROWS_AT_ONCE, BATCH_BYTES = 64, 16 << 20
# A row group of a Parquet file that is larger in memory, and so many times larger than in the file, is refused.
MAX_UNPACKED_BYTES, MAX_PACKING_RATIO = 64 << 20, 100
# As pyarrow writes the type of a column of strings.
STRINGS = re.compile(r"(?:dictionary<values=)?(?:large_)?string\b")
WILD = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class Source:
    """An article as it is in the corpus: its name, its place, its bytes, or the problem instead of them.

    `page` says that it is HTML whatever its bytes look like.
    """

    name: str
    where: str
    data: bytes = b""
    page: bool = False
    problem: str = ""


def is_stream(path: Path) -> bool:
    """Return whether the path may hold many articles, or needs unpacking: all but a plain file or a folder."""
    return str(path) == STDIN or bool({LINES, TABLE, *COMPRESSED}.intersection(_suffixes(path)))


def expand_globs(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Replace each pattern (`*`, `?`, `[…]`, `**` for any depth) by what it matches, by name.

    Raises:
        MissingFileError: a pattern matches nothing.
    """
    found: list[Path] = []
    for path in paths:
        if not WILD.intersection(str(path)) or (not is_remote(path) and path.exists()):
            found.append(path)
            continue
        matches = _remote_matches(path) if is_remote(path) else _matches(path)
        if not matches:
            raise MissingFileError("nothing matches this pattern", where=str(path))
        found += matches
    return tuple(found)


def _matches(pattern: Path) -> list[Path]:
    # `glob` and not `Path.glob`: the pattern may be absolute.
    return [Path(name) for name in sorted(glob.glob(str(pattern), recursive=True))]  # noqa: PTH207 — as said


def _remote_matches(pattern: Any) -> list[Path]:
    try:
        return [place(f"{pattern.protocol}://{name}") for name in sorted(pattern.fs.glob(pattern.path))]
    except Exception as error:  # noqa: BLE001 — each file system raises its own kinds
        raise MissingFileError(
            f"cannot be listed ({reason_of(error)})", where=str(pattern), next_step=advice_on(pattern)
        ) from None


def read_sources(paths: Iterable[Path]) -> Iterator[Source]:
    """Yield the articles of files, folders (not what lies deeper) and `-`, in order and by name.

    A JSONL line is `{"name": "…", "text": "…"}`, a Parquet table has the columns `name` and `text`. Standard input
    is JSONL if it begins with `{`, else one article. Other files are an article each, compressed or not.

    Raises:
        MissingExtraError: a Parquet file, and pyarrow is not installed.
    """
    for source in _sources_of(paths):
        names = source.name + source.where
        # A file's name may be no UTF-8, but what a dead letter says must be.
        yield source if names.isascii() or _is_unicode(names) else _escaped(source)


def _is_unicode(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _escaped(source: Source) -> Source:
    name, where = (
        text.encode("utf-8", "backslashreplace").decode("utf-8") for text in (source.name, source.where)
    )
    return replace(source, name=name, where=where)


def _sources_of(paths: Iterable[Path]) -> Iterator[Source]:
    for path in paths:
        if str(path) == STDIN:
            yield from _standard_input()
            continue
        try:
            inside = sorted(_inside(path)) if path.is_dir() else [path]
        except Exception as error:
            if not is_remote(path):
                raise
            yield Source(path.name, str(path), problem=_unread(path, error))
            continue
        if not inside:
            yield Source(path.name, str(path), problem=str(MissingFileError("a folder without articles")))
        for file in inside:
            yield from _of_file(file)


def _inside(folder: Path) -> Iterator[Path]:
    return (one for one in folder.iterdir() if _is_source(one))


def _unread(path: Path, error: Exception) -> str:
    what = f"cannot be read ({reason_of(error)})"
    return str(MissingFileError(what, where=str(path), next_step=advice_on(path)))


def _is_source(path: Path) -> bool:
    kinds = {*ARTICLE_SUFFIXES, LINES, TABLE}
    suffixes = _suffixes(path)
    return bool(suffixes) and next((one for one in suffixes if one not in COMPRESSED), "") in kinds


def _suffixes(path: Path) -> list[str]:
    """Return the last suffix, and the one before it if the last is a compression's."""
    suffixes = [suffix.lower() for suffix in path.suffixes[-2:][::-1]]
    return suffixes if suffixes and suffixes[0] in COMPRESSED else suffixes[:1]


def _of_file(path: Path) -> Iterator[Source]:
    suffixes = _suffixes(path)
    packing = suffixes[0] if suffixes and suffixes[0] in COMPRESSED else ""
    kind = next((suffix for suffix in suffixes if suffix not in COMPRESSED), "")
    name = path.name.removesuffix(path.suffix).removesuffix(kind) if packing else path.stem
    where = str(path)
    try:
        if kind == TABLE and not packing:
            yield from _rows(path)
        elif kind == LINES:
            with opened(path, packing) as file:
                yield from _lines(file, where)
        elif packing:
            with opened(path, packing) as file:
                yield Source(name, where, _whole(file, where), kind in HTML_SUFFIXES)
        else:
            yield Source(name, where, read_source(path), kind in HTML_SUFFIXES)
    except MissingExtraError:
        raise
    except BiaozhuError as error:
        yield Source(name, where, problem=str(error))
    except Exception as error:
        # Each remote file system raises its own kinds.
        if not is_remote(path):
            raise
        yield Source(name, where, problem=_unread(path, error))


def _whole(file: IO[bytes], where: str) -> bytes:
    data = file.read(MAX_ARTICLE_BYTES + 1)
    if len(data) > MAX_ARTICLE_BYTES:
        raise EncodingError(
            f"more than {MAX_ARTICLE_BYTES >> 20} MiB, which is too large for an article", where=where
        )
    return data


def _standard_input() -> Iterator[Source]:
    file = sys.stdin.buffer
    first = file.readline(MAX_ARTICLE_BYTES + 1)
    if first.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        yield from _lines(file, STDIN, first)
        return
    data = first + file.read(MAX_ARTICLE_BYTES + 1 - len(first))
    too_large = f"more than {MAX_ARTICLE_BYTES >> 20} MiB, which is too large for an article"
    yield (
        Source("stdin", STDIN, problem=str(EncodingError(too_large, where=STDIN)))
        if len(data) > MAX_ARTICLE_BYTES
        else Source("stdin", STDIN, data)
    )


def _lines(file: IO[bytes], where: str, first: bytes = b"") -> Iterator[Source]:
    number = 0
    line = first or file.readline(MAX_ARTICLE_BYTES + 1)
    while line:
        number += 1
        place = f"{where}:{number}"
        if len(line) > MAX_ARTICLE_BYTES:
            while line and not line.endswith(b"\n"):
                line = file.readline(MAX_ARTICLE_BYTES)
            yield _refused(place, f"a line of more than {MAX_ARTICLE_BYTES >> 20} MiB")
        elif line.strip():
            yield _line(line, place)
        line = file.readline(MAX_ARTICLE_BYTES + 1)


def _line(line: bytes, where: str) -> Source:
    try:
        value = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        return _refused(where, f"not JSON in UTF-8 ({error})")
    if not isinstance(value, dict):
        return _refused(where, "no JSON object")
    return _article(value.get("name"), value.get("text"), where)


def _rows(path: Path) -> Iterator[Source]:
    try:
        import pyarrow as pa  # noqa: PLC0415 — an extra that only tables need
        from pyarrow import parquet  # noqa: PLC0415 — as above
    except ImportError:
        raise MissingExtraError(
            "Parquet needs the package pyarrow",
            where=str(path),
            next_step=extra_advice("table"),
        ) from None
    number, columns = 0, ["name", "text"]
    try:
        with path.open("rb") as file, parquet.ParquetFile(file) as table:
            kinds = {field.name: str(field.type) for field in table.schema_arrow}
            if not all(STRINGS.match(kinds.get(name, "")) for name in columns):
                raise LineError("the table needs the columns name and text, of strings", where=str(path))
            # As dictionaries: a value that many rows have is in memory once. By pages, not by whole row groups.
            with parquet.ParquetFile(
                file,
                metadata=table.metadata,
                read_dictionary=columns,
                pre_buffer=False,
                buffer_size=BATCH_BYTES,
            ) as rows:
                for group in range(rows.num_row_groups):
                    size = _rows_at_once(rows.metadata.row_group(group), columns, f"{path}:{number + 1}")
                    for batch in rows.iter_batches(size, row_groups=[group], columns=columns):
                        for name, text in zip(*(_strings(batch[one]) for one in columns), strict=True):
                            number += 1
                            yield _article(name, text, f"{path}:{number}")
    except FileNotFoundError:
        raise MissingFileError("no such file", where=str(path)) from None
    except (OSError, pa.ArrowException) as error:
        raise MissingFileError(f"cannot be read to its end as Parquet ({error})", where=str(path)) from None


def _rows_at_once(group: Any, columns: list[str], where: str) -> int:
    """Return how many rows of a row group to read at once.

    Raises:
        LineError: it unpacks to very much more than what stands in the file.
    """
    every = [group.column(number) for number in range(group.num_columns)]
    chosen = [one for one in every if one.path_in_schema in columns]
    unpacked = max(group.num_rows, *(one.total_uncompressed_size for one in chosen))
    if unpacked > max(
        MAX_UNPACKED_BYTES, MAX_PACKING_RATIO * sum(one.total_compressed_size for one in chosen)
    ):
        raise LineError(f"rows that unpack to {unpacked:,} bytes or more", where=where)
    return int(max(1, min(ROWS_AT_ONCE, BATCH_BYTES * group.num_rows // max(1, unpacked))))


def _strings(column: Any) -> Iterator[str | None]:
    """Yield the strings of a column that was read as a dictionary; what is no UTF-8 comes with lone surrogates."""
    words = column.dictionary.cast("large_binary" if "large" in str(column.type) else "binary")
    for index in column.indices.to_pylist():
        value = None if index is None else words[index].as_buffer()
        if value is not None and value.size > MAX_ARTICLE_BYTES:
            yield None
        else:
            yield None if value is None else bytes(value).decode("utf-8", "surrogateescape")


def _article(name: object, text: object, where: str) -> Source:
    if not isinstance(name, str) or not name or not isinstance(text, str):
        reason = f"name and text must be strings, the name not empty, the text of at most {MAX_ARTICLE_BYTES >> 20} MiB"
        return _refused(where, reason)
    for kind, value in (("name", name), ("text", text)):
        if not _is_unicode(value):
            return _refused(where, f"the {kind} holds bytes or a lone surrogate that are not UTF-8", name)
    return Source(name, where, text.encode("utf-8"))


def _refused(where: str, reason: str, name: str = "") -> Source:
    problem = LineError(reason, where=where, next_step="Fix the line and run again")
    return Source(name, where, problem=str(problem))
