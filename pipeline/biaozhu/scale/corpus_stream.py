"""Files, folders, globs, JSONL, Parquet, gzip, zstd and standard input as one stream of sources or problems."""

from __future__ import annotations

import glob
import json
import sys
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from biaozhu.data.errors import BiaozhuError, EncodingError, LineError, MissingExtraError, MissingFileError
from biaozhu.data.files import MAX_ARTICLE_BYTES, to_unicode
from biaozhu.data.model import is_unicode
from biaozhu.data.outputs import ARTICLE_SUFFIXES
from biaozhu.data.storage.compression import advice_on, opened, reason_of
from biaozhu.reading.article import HTML_SUFFIXES, read_source
from biaozhu.scale.corpus_tables import read_rows
from biaozhu.scale.shard_folders import is_remote, place

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

STDIN = "-"
LINES, TABLE = ".jsonl", ".parquet"
COMPRESSED = frozenset({".gz", ".zst"})
# Bytes fetched at once of a remote file of which only a range is wanted.
RANGE_AHEAD = 1 << 20
SKIPPED_AT_ONCE = 1 << 20
WILD = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class Source:
    """An article of the corpus: name, place, bytes or the problem instead; `page` forces HTML."""

    name: str
    where: str
    data: bytes = b""
    page: bool = False
    problem: str = ""


def is_stream(path: Path) -> bool:
    """Return whether the path may hold many articles, or needs unpacking: all but a plain file or a folder."""
    return str(path) == STDIN or bool({LINES, TABLE, *COMPRESSED}.intersection(_suffixes(path)))


def expand_globs(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Replace each pattern (`*`, `?`, `[…]`, `**`) by what it matches; MissingFileError where that is nothing."""
    found: list[Path] = []
    for path in paths:
        if not WILD.intersection(str(path)) or (not is_remote(path) and path.exists()):
            found.append(path)
            continue
        # `glob` and not `Path.glob`: the pattern may be absolute.
        here = () if is_remote(path) else sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207 — as said
        matches = _remote_matches(path) if is_remote(path) else list(map(Path, here))
        if not matches:
            raise MissingFileError("nothing matches this pattern", where=str(path))
        found += matches
    return tuple(found)


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
            inside = sorted(filter(_is_source, path.iterdir())) if path.is_dir() else [path]
        except Exception as error:
            if not is_remote(path):
                raise
            yield _unicode(Source(path.name, str(path), problem=_unread(path, error)))
            continue
        if not inside:
            problem = str(MissingFileError("a folder without articles"))
            yield _unicode(Source(path.name, str(path), problem=problem))
        yield from inside


def read_file(path: Path, start: int = 0, end: int | None = None) -> Generator[Source, None, int]:
    """Yield the articles of a file, and return how many lines were read.

    Of JSONL and Parquet, which hold many, only those are read that begin at a byte from `start` to before `end`; lines
    are counted from `start`, rows from the beginning of the table.
    """
    return (yield from _in_unicode(_of_file(path, start, end)))


def _in_unicode(sources: Generator[Source, None, int]) -> Generator[Source, None, int]:
    while True:
        try:
            source = next(sources)
        except StopIteration as ended:
            return int(ended.value)
        yield _unicode(source)


def _unicode(source: Source) -> Source:
    # A file's name may be no UTF-8, but what a dead letter says must be.
    names = source.name + source.where
    if names.isascii() or is_unicode(names):
        return source
    return replace(source, name=to_unicode(source.name), where=to_unicode(source.where))


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


def kind_of(path: Path) -> tuple[str, str]:
    """Return what a file is and how it is compressed, as suffixes; either may be empty."""
    suffixes = _suffixes(path)
    packing = suffixes[0] if suffixes and suffixes[0] in COMPRESSED else ""
    return next((suffix for suffix in suffixes if suffix not in COMPRESSED), ""), packing


def _of_file(path: Path, start: int, end: int | None) -> Generator[Source, None, int]:
    kind, packing = kind_of(path)
    name, where = _name_of(path), str(path)
    try:
        if kind == TABLE and not packing:
            for number, row_name, text in read_rows(path, start, end):
                yield _article(row_name, text, f"{where}:{number}")
        elif kind == LINES:
            with opened(path, packing, ahead=None if end is None and not start else RANGE_AHEAD) as file:
                return (yield from _lines(file, where, start=start, end=end))
        elif packing:
            with opened(path, packing) as file:
                yield Source(name, where, _whole(file, where), kind in HTML_SUFFIXES)
        else:
            yield Source(name, where, read_source(path), kind in HTML_SUFFIXES)
    except Exception as error:  # noqa: BLE001 — it raises again what is no fault of the file
        yield _failed(path, name, error)
    return 0


def unpack_lines(path: Path, size: int) -> Iterator[bytes | Source]:
    """Yield the lines of a JSONL file by `size` bytes or more, too long ones cut, and last what ended it early."""
    lines: list[bytes] = []
    reached = 0
    problem: Source | None = None
    try:
        with opened(path, kind_of(path)[1]) as file:
            while line := file.readline(MAX_ARTICLE_BYTES + 1):
                if len(line) > MAX_ARTICLE_BYTES and not line.endswith(b"\n"):
                    _skip_line(file)
                    line += b"\n"
                lines.append(line)
                reached += len(line)
                if reached >= size:
                    yield b"".join(lines)
                    lines, reached = [], 0
    except Exception as error:  # noqa: BLE001 — as above
        problem = _failed(path, _name_of(path), error)
    if lines:
        yield b"".join(lines)
    if problem is not None:
        yield _unicode(problem)


def read_lines(lines: bytes, path: Path) -> Generator[Source, None, int]:
    """Yield the articles of a JSONL file's lines, counted from the first of these, and return how many they are."""
    return (yield from _in_unicode(_lines(BytesIO(lines), str(path))))


def _failed(path: Path, name: str, error: Exception) -> Source:
    if isinstance(error, MissingExtraError):
        raise error
    if isinstance(error, BiaozhuError):
        return Source(name, str(path), problem=str(error))
    # Each remote file system raises its own kinds.
    if not is_remote(path):
        raise error
    return Source(name, str(path), problem=_unread(path, error))


def _name_of(path: Path) -> str:
    kind, packing = kind_of(path)
    return path.name.removesuffix(path.suffix).removesuffix(kind) if packing else path.stem


def _whole(file: IO[bytes], where: str, first: bytes = b"") -> bytes:
    data = first + file.read(MAX_ARTICLE_BYTES + 1 - len(first))
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
    try:
        source = Source("stdin", STDIN, _whole(file, STDIN, first))
    except EncodingError as error:
        source = Source("stdin", STDIN, problem=str(error))
    yield source


def _lines(
    file: IO[bytes], where: str, first: bytes = b"", start: int = 0, end: int | None = None
) -> Generator[Source, None, int]:
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
        value = json.loads(line.decode("utf-8-sig"))
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
    problem = LineError(reason, where=where, next_step="Fix the line and run again")
    return Source(name, where, problem=str(problem))
