"""The forms in which a shard's sentences are written: JSONL packed by gzip or zstd, Parquet, spaCy's DocBin.

The same sentences are the same bytes, on any machine with the same packages.
"""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Literal, get_args

import zstandard

from biaozhu.data.errors import MissingExtraError, extra_advice
from biaozhu.data.model import sentence_from_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Form = Literal["jsonl", "jsonl.zst", "parquet", "docbin"]
FORMS: tuple[Form, ...] = get_args(Form)
ENDINGS: dict[Form, str] = {
    "jsonl": ".jsonl.gz",
    "jsonl.zst": ".jsonl.zst",
    "parquet": ".parquet",
    "docbin": ".spacy",
}


def pack(lines: Sequence[str], form: Form) -> bytes:
    """Return a shard's file: sentence lines in the form asked for.

    Parquet has the columns of a sentence line, `spans` as a list of structs. A DocBin has a token for each code
    point, see `biaozhu.formats.docbin`.

    Raises:
        MissingExtraError: Parquet, and pyarrow is not installed.
    """
    return _PACKERS[form](lines)


def check_form(form: Form) -> None:
    """Check that what a form needs is installed, before work begins.

    Raises:
        MissingExtraError: see `pack`.
    """
    if form == "parquet":
        try:
            import pyarrow.parquet  # noqa: F401, PLC0415 — an extra that only tables need
        except ImportError:
            raise MissingExtraError(
                "Parquet needs the package pyarrow",
                next_step=extra_advice("table"),
            ) from None


def _content(lines: Sequence[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode("utf-8")


def _gzip(lines: Sequence[str]) -> bytes:
    # Without a time in its header: the same lines must be the same bytes.
    return gzip.compress(_content(lines), compresslevel=6, mtime=0)


def _zstd(lines: Sequence[str]) -> bytes:
    return zstandard.ZstdCompressor(level=3, threads=0).compress(_content(lines))


def _parquet(lines: Sequence[str]) -> bytes:
    check_form("parquet")
    import pyarrow as pa  # noqa: PLC0415 — an extra that only tables need
    from pyarrow import parquet  # noqa: PLC0415 — as above

    span = pa.struct(
        [
            ("start", pa.int32()),
            ("end", pa.int32()),
            ("label", pa.string()),
            ("text", pa.string()),
            ("source", pa.string()),
            ("score", pa.float64()),
        ]
    )
    schema = pa.schema(
        [
            ("id", pa.string()),
            ("article", pa.string()),
            ("start", pa.int64()),
            ("end", pa.int64()),
            ("text", pa.string()),
            ("spans", pa.list_(span)),
        ]
    )
    target = pa.BufferOutputStream()
    parquet.write_table(
        pa.Table.from_pylist([json.loads(line) for line in lines], schema=schema), target, compression="zstd"
    )
    return bytes(target.getvalue())


def _docbin(lines: Sequence[str]) -> bytes:
    from biaozhu.formats.docbin import write_docbin  # noqa: PLC0415 — brings spaCy

    return write_docbin([sentence_from_line(line) for line in lines]).files[""]


_PACKERS: dict[Form, Callable[[Sequence[str]], bytes]] = {
    "jsonl": _gzip,
    "jsonl.zst": _zstd,
    "parquet": _parquet,
    "docbin": _docbin,
}
