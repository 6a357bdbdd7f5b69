"""Rows of Parquet tables, a bounded batch at a time."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from biaozhu.data.errors import LineError, MissingExtraError, MissingFileError, extra_advice
from biaozhu.data.files import MAX_ARTICLE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

# Bytes fetched at once of a remote file, whose file system's own number may be much: its parts lie apart.
REMOTE_AHEAD = 1 << 20
ROWS_AT_ONCE, BATCH_BYTES = 64, 16 << 20
# A row group of a Parquet file that is larger in memory, and so many times larger than in the file, is refused.
MAX_UNPACKED_BYTES, MAX_PACKING_RATIO = 64 << 20, 100
# As pyarrow writes the type of a column of strings.
STRINGS = re.compile(r"(?:dictionary<values=)?(?:large_)?string\b")


def read_rows(path: Path, start: int, end: int | None) -> Iterator[tuple[int, str | None, str | None]]:
    """Yield number, name and text of rows in row groups that begin from byte `start` to before `end`; or LineError."""
    try:
        import pyarrow as pa  # noqa: PLC0415 — an extra that only tables need
        from pyarrow import parquet  # noqa: PLC0415 — as above
    except ImportError:
        raise MissingExtraError(
            "Parquet needs the package pyarrow", where=str(path), next_step=extra_advice("table")
        ) from None
    number, place, columns = 0, 0, ["name", "text"]
    try:
        options = {} if isinstance(cast("Any", path), Path) else {"block_size": REMOTE_AHEAD}
        with cast("Any", path).open("rb", **options) as file, parquet.ParquetFile(file) as table:
            kinds = [(field.name, str(field.type)) for field in table.schema_arrow if field.name in columns]
            if sorted(name for name, _ in kinds) != columns or not all(
                STRINGS.match(kind) for _, kind in kinds
            ):
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
                    stated = rows.metadata.row_group(group)
                    # Never before that of the group before, whatever the file states: the order of rows is kept.
                    place = max(place, _place_of(stated))
                    if place < start or (end is not None and place >= end):
                        number += stated.num_rows
                        continue
                    size = _rows_at_once(stated, columns, f"{path}:{number + 1}")
                    for batch in rows.iter_batches(size, row_groups=[group], columns=columns):
                        for name, text in zip(*(_strings(batch[one]) for one in columns), strict=True):
                            number += 1
                            yield number, name, text
    except FileNotFoundError:
        raise MissingFileError("no such file", where=str(path)) from None
    except (OSError, pa.ArrowException) as error:
        raise MissingFileError(f"cannot be read to its end as Parquet ({error})", where=str(path)) from None


def _place_of(group: Any) -> int:
    column = group.column(0)
    return int(min(column.data_page_offset, column.dictionary_page_offset or column.data_page_offset))


def _rows_at_once(group: Any, columns: list[str], where: str) -> int:
    """Return how many rows of a row group to read at once; LineError refuses what unpacks to very much more."""
    every = [group.column(number) for number in range(group.num_columns)]
    chosen = [one for one in every if one.path_in_schema in columns]
    unpacked = max(group.num_rows, *(one.total_uncompressed_size for one in chosen))
    if unpacked > max(
        MAX_UNPACKED_BYTES, MAX_PACKING_RATIO * sum(one.total_compressed_size for one in chosen)
    ):
        raise LineError(f"rows that unpack to {unpacked:,} bytes or more", where=where)
    return int(max(1, min(ROWS_AT_ONCE, BATCH_BYTES * group.num_rows // max(1, unpacked))))


def _strings(column: Any) -> Iterator[str | None]:
    """Yield the strings of a column that was read as a dictionary; what is not UTF-8 comes with lone surrogates."""
    words = column.dictionary.cast("large_binary" if "large" in str(column.type) else "binary")
    for index in column.indices.to_pylist():
        value = None if index is None else words[index].as_buffer()
        if value is not None and value.size > MAX_ARTICLE_BYTES:
            yield None
        else:
            yield None if value is None else bytes(value).decode("utf-8", "surrogateescape")
