"""The forms of a shard: packed JSONL, Parquet, spaCy's DocBin; the same sentences give the same bytes."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any, Literal, get_args

import zstandard

from biaozhu.data.errors import MissingExtraError, extra_advice
from biaozhu.data.model import sentence_from_line

if TYPE_CHECKING:
    from collections.abc import Sequence

Form = Literal["jsonl", "jsonl.zst", "parquet", "docbin"]
FORMS: tuple[Form, ...] = get_args(Form)
ENDINGS: dict[Form, str] = {
    "jsonl": ".jsonl.gz", "jsonl.zst": ".jsonl.zst", "parquet": ".parquet", "docbin": ".spacy",
}  # fmt: skip


def pack(lines: Sequence[str], form: Form) -> bytes:
    """Return a shard's file: sentence lines in the form asked for.

    Parquet has the columns of a sentence line, `spans` as a list of structs. A DocBin has a token for each code
    point, see `biaozhu.formats.docbin`.
    """
    if form == "docbin":
        from biaozhu.formats.docbin import write_docbin  # noqa: PLC0415 — brings spaCy

        return write_docbin([sentence_from_line(line) for line in lines]).files[""]
    if form == "parquet":
        return _pack_parquet(lines)
    content = "".join(f"{line}\n" for line in lines).encode("utf-8")
    if form == "jsonl.zst":
        return zstandard.ZstdCompressor(level=3, threads=0).compress(content)
    # Without a time in its header: the same lines must be the same bytes.
    return gzip.compress(content, compresslevel=6, mtime=0)


def check_form(form: Form) -> None:
    """Raise MissingExtraError, before work begins, where what a form needs is not installed."""
    if form == "parquet":
        try:
            import pyarrow.parquet  # noqa: F401, PLC0415 — an extra that only tables need
        except ImportError:
            raise MissingExtraError(
                "Parquet needs the package pyarrow", next_step=extra_advice("table")
            ) from None


def _pack_parquet(lines: Sequence[str]) -> bytes:
    check_form("parquet")
    import pyarrow as pa  # noqa: PLC0415 — an extra that only tables need
    from pyarrow import parquet  # noqa: PLC0415 — as above

    def fields(columns: str) -> list[tuple[str, Any]]:
        return [(name, pa.type_for_alias(kind)) for name, kind in map(str.split, columns.split(","))]

    span = fields("start int32, end int32, label string, text string, source string, score float64")
    columns = fields("id string, article string, start int64, end int64, text string")
    schema = pa.schema([*columns, ("spans", pa.list_(pa.struct(span)))])
    table = pa.Table.from_pylist([json.loads(line) for line in lines], schema=schema)
    target = pa.BufferOutputStream()
    parquet.write_table(table, target, compression="zstd")
    return bytes(target.getvalue())
