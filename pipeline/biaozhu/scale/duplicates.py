"""Articles that a corpus holds twice, found before annotating with a database that spills to disk."""

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
# Of a checksum: what makes an article's id, and what is kept.
ID_BYTES, DIGEST_BYTES = 6, 16


def without_duplicates(sources: Iterable[Source]) -> Iterator[Source]:
    """Replace by a problem each source that is the same article as one before it, or has its article id.

    An id is 48 bits of a checksum: among a billion articles some 1,800 share theirs with another text, and their
    sentences would share ids.
    """
    with scratch_database(cache=CACHE) as database:
        seen = Seen(database)
        for source in map(read_text, sources):
            first = None if source.problem else seen.find_first(digest_of(source), source.where)
            yield source if first is None else as_duplicate(source, str(first[0]), same=first[1])


class Seen:
    """The checksums of what was read, and where each article id was met first, in a database that begins empty."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        database.execute("CREATE TABLE seen (id INTEGER PRIMARY KEY, digest BLOB, place)")

    def find_first(self, digest: bytes, place: str | int) -> tuple[str | int, bool] | None:
        """Return where an article's id was met first, and whether with the same text; None if that is here."""
        key = int.from_bytes(digest[:ID_BYTES], "big")
        added = self._database.execute("INSERT OR IGNORE INTO seen VALUES (?, ?, ?)", (key, digest, place))
        if added.rowcount == 1:
            return None
        query = "SELECT digest, place FROM seen WHERE id = ?"
        known, first = self._database.execute(query, (key,)).fetchone()
        return first, known == digest


def digest_of(source: Source) -> bytes:
    """Return the checksum that decides whether two sources are the same article: half a SHA-256."""
    return hashlib.sha256(source.data).digest()[:DIGEST_BYTES]


def as_duplicate(source: Source, first: str, *, same: bool) -> Source:
    """Return a source as a problem: its article, or another one with its id, stands at `first`."""
    what = "the same text as" if same else "another text with the article id of"
    problem = DuplicateError(f"{what} {first}", where=source.where, next_step="It is annotated there")
    return Source(source.name, source.where, problem=str(problem))


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


def read_text(source: Source) -> Source:
    """Return a source with the text that its article has where that is not its bytes: of a page, of wrapped lines."""
    if source.problem or not (source.page or is_rewritten(source.data)):
        return source
    article = read_or_explain(source)
    if isinstance(article, str):
        return Source(source.name, source.where, problem=article)
    return Source(source.name, source.where, article.raw.encode("utf-8"))
