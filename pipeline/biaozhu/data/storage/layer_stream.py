"""A layer read as a stream, article by article: only the line at hand is in memory, and articles' ids on the disk."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Annotated, cast

import msgspec

from biaozhu.data.errors import BiaozhuError, LabelError, LineError, ScoringError
from biaozhu.data.files import MAX_ARTICLE_BYTES, as_path, scratch_database
from biaozhu.data.model import MARKS, Sentence, check_sentence, sentence_from_line
from biaozhu.data.storage.compression import opened
from biaozhu.data.storage.manifest import check_unchanged

# KiB of the database of articles that stay in memory; the rest is on disk, some 10 bytes a number.
CACHE = 1024
SORT_ADVICE = "Sort the file as `preannotate` writes it, or score without --stream"


class _Span(msgspec.Struct, forbid_unknown_fields=True):
    start: int
    end: int
    label: Annotated[str, msgspec.Meta(min_length=1)]
    text: str
    source: str
    score: Annotated[float, msgspec.Meta(ge=0, le=1)] | None


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    # It has what scoring asks of a Sentence, and is made many times faster than one.
    id: str
    article: str
    start: int
    end: int
    text: str
    spans: list[_Span]


_DECODER = msgspec.json.Decoder(_Line)


def stream_layer(path: str | Path, *, labels: Collection[str] | None, may_be_empty: bool = False) -> Iterator[Sentence]:
    """Yield the sentences of a layer, plain or compressed, checked as `read_layer` checks them, one at a time.

    The first line that is wrong raises; a sentence that does not follow the one before it in its article, or an article that
    comes twice, raises ScoringError.
    """
    path, article, reached = as_path(path), "", 0
    check_unchanged(path)
    # Only line feeds end a line of bytes.
    with once() as is_new, opened(path, path.suffix) as file:
        for number, raw in enumerate(iter(partial(file.readline, MAX_ARTICLE_BYTES + 1), b""), 1):
            where = f"{path}:{number}"
            if len(raw) > MAX_ARTICLE_BYTES:
                raise LineError(f"a line of more than {MAX_ARTICLE_BYTES >> 20} MiB", where=where)
            if not raw.strip():
                continue
            line = _parsed(raw, where)
            for span in line.spans:
                if labels is not None and span.label not in labels:
                    raise LabelError(f"unknown label {span.label!r}", where=where)
            if line.article != article:
                article, reached = line.article, 0
                if not is_new(int(article, 16)):
                    what = f"article {article} comes in two places"
                    raise ScoringError(what, where=where, next_step=SORT_ADVICE)
            if line.start < reached:
                what = f"{line.id} comes after a later sentence, or twice"
                raise ScoringError(what, where=where, next_step=SORT_ADVICE)
            reached = line.end
            yield line
    if not (article or may_be_empty):
        raise LineError("empty: there is no sentence line", where=path, next_step="Make it again")


@contextmanager
def once() -> Iterator[Callable[[int], bool]]:
    """Give a function that takes a number below 2^63 and says whether it comes for the first time."""
    with scratch_database(cache=CACHE) as seen:
        seen.execute("CREATE TABLE seen (number INTEGER PRIMARY KEY)")
        yield lambda number: seen.execute("INSERT OR IGNORE INTO seen VALUES (?)", (number,)).rowcount == 1


def _parsed(raw: bytes, where: str) -> Sentence:
    with suppress(msgspec.MsgspecError, ValueError, BiaozhuError):
        line = _DECODER.decode(raw)
        check_sentence(cast("Sentence", line))
        if (
            raw.count(b'"') == MARKS * (1 + len(line.spans))
            and line.id == f"{line.article}:{line.start}-{line.end}"
            and all(line.text[span.start : span.end] == span.text for span in line.spans)
        ):
            return cast("Sentence", line)
    # The reader of every other layer says what is wrong.
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise LineError("not UTF-8", where=where, next_step="Save the file as UTF-8") from None
    return sentence_from_line(text, where=where)
