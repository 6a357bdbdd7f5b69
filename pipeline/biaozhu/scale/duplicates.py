"""Articles that a corpus holds twice: distinguished in the stream, before any is annotated.

What was seen is in a temporary SQLite database, which spills from memory to disk, so memory stays flat.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from biaozhu.data.errors import BiaozhuError, DuplicateError, bug_from
from biaozhu.data.files import scratch_database
from biaozhu.reading.article import article_from_bytes, is_rewritten
from biaozhu.scale.corpus_stream import Source

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator

    from biaozhu.data.model import Article

# KiB of the database that stay in memory.
CACHE = 16_384


def without_duplicates(sources: Iterable[Source]) -> Iterator[Source]:
    """Replace by a problem each source that is the same article as one before it, or has its article id.

    A page becomes the text that is read from it here, since that is what makes its id.

    An id is 48 bits of a checksum: among a billion articles some 1,800 share theirs with another text, and their
    sentences would share ids.
    """
    with scratch_database(cache=CACHE) as seen:
        seen.execute("CREATE TABLE seen (id INTEGER PRIMARY KEY, digest BLOB, place TEXT)")
        for source in sources:
            text = _read(source)
            yield text if text.problem else _judged(text, seen)


def read_or_explain(source: Source) -> Article | str:
    """Return a source's article, or the line that says why it is none, whatever reading it raises."""
    if source.problem:
        return source.problem
    try:
        return article_from_bytes(source.data, name=source.name, where=source.where, page=source.page)
    except BiaozhuError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 — whatever one article brings about, the others go on
        return str(bug_from(error, where=source.where))


def is_readable(source: Source) -> bool:
    """Return whether a source is an article."""
    return not isinstance(read_or_explain(source), str)


def _read(source: Source) -> Source:
    if source.problem or not (source.page or is_rewritten(source.data)):
        return source
    article = read_or_explain(source)
    if isinstance(article, str):
        return Source(source.name, source.where, problem=article)
    return Source(source.name, source.where, article.raw.encode("utf-8"))


def _judged(source: Source, seen: sqlite3.Connection) -> Source:
    digest = hashlib.sha256(source.data).digest()
    key = int.from_bytes(digest[:6], "big")
    added = seen.execute("INSERT OR IGNORE INTO seen VALUES (?, ?, ?)", (key, digest, source.where))
    if added.rowcount == 1:
        return source
    known, place = seen.execute("SELECT digest, place FROM seen WHERE id = ?", (key,)).fetchone()
    what = "the same text as" if known == digest else "another text with the article id of"
    problem = DuplicateError(f"{what} {place}", where=source.where, next_step="It is annotated there")
    return Source(source.name, source.where, problem=str(problem))
