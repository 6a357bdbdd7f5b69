"""Batches of sources to sentence lines, each article once; what gives no sentences is a `Failure` with its reason."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import sqlite3
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TypeVar

from biaozhu.annotators.network.models import load_model
from biaozhu.annotators.preannotate import BATCH_CHARS, default_annotators, preannotate_batch
from biaozhu.annotators.words import NameModel
from biaozhu.data.errors import BiaozhuError, DuplicateError, WorkerError, bug_from
from biaozhu.data.files import scratch_database
from biaozhu.data.model import Article, sentence_to_line
from biaozhu.data.processes import end_with_parent
from biaozhu.reading.article import article_from_bytes, is_rewritten
from biaozhu.scale.corpus_stream import Source

CACHE = 16_384  # KiB of the database that stay in memory
ID_BYTES, DIGEST_BYTES = 6, 16  # of a checksum: what makes an article's id, and what is kept
Task = TypeVar("Task")
Result = TypeVar("Result")
BATCH_BYTES = 1 << 18  # of source text in a batch whose lines go straight to a file or to standard output


def without_duplicates(sources: Iterable[Source]) -> Iterator[Source]:
    """Replace by a problem each source that is the same article as one before it, or has its article id.

    An id is 48 bits of a checksum: among a billion articles some 1,800 share theirs with another text.
    """
    with scratch_database(cache=CACHE) as database:
        seen = Seen(database)
        for source in map(take_text, sources):
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
        if self._database.execute("INSERT OR IGNORE INTO seen VALUES (?, ?, ?)", (key, digest, place)).rowcount == 1:
            return None
        known, first = self._database.execute("SELECT digest, place FROM seen WHERE id = ?", (key,)).fetchone()
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


def take_text(source: Source) -> Source:
    """Return a source with the text that its article has where that is not its bytes: of a page, of wrapped lines."""
    if source.problem or not (source.page or is_rewritten(source.data)):
        return source
    article = read_or_explain(source)
    if isinstance(article, str):
        return Source(source.name, source.where, problem=article)
    return Source(source.name, source.where, article.raw.encode("utf-8"))


@dataclass(frozen=True, slots=True)
class Failure:
    """An article that gave no sentences: its name, its place and the reason, one line with its code."""

    name: str
    where: str
    reason: str


@dataclass(frozen=True, slots=True)
class AnnotatedBatch:
    """The sentence lines of a batch (without line feeds), what failed, and counts of what went well."""

    lines: tuple[str, ...]
    failed: tuple[Failure, ...]
    articles: int
    characters: int
    spans: int


def annotate_sources(sources: Sequence[Source], *, model: NameModel, without: Collection[str] = ()) -> AnnotatedBatch:
    """Read, split and annotate a batch of sources, of which no two are the same article, without these labels."""
    read = [(source, read_or_explain(source)) for source in sources]
    failed = [Failure(source.name, source.where, found) for source, found in read if isinstance(found, str)]
    articles = [found for _, found in read if isinstance(found, Article)]
    places = {id(found): source for source, found in read}

    def fail(article: Article, error: BiaozhuError) -> None:
        source = places[id(article)]
        failed.append(Failure(source.name, source.where, str(error)))

    lines: list[str] = []
    spans = characters = count = 0
    annotators = default_annotators(without=without)
    for some in chunks(articles, BATCH_CHARS, lambda one: len(one.raw)):
        for one in preannotate_batch(some, model=model, annotators=annotators, on_failure=fail):
            lines += [sentence_to_line(sentence) for sentence in one.sentences]
            spans += sum(len(sentence.spans) for sentence in one.sentences)
            characters += len(one.article.raw)
            count += 1
    return AnnotatedBatch(tuple(lines), tuple(failed), count, characters, spans)


def batches(sources: Iterable[Source], size: int = BATCH_BYTES) -> Iterator[tuple[Source, ...]]:
    """Group a stream of sources, in order, until each group has so many bytes; the groups depend on nothing else."""
    return chunks(sources, size, lambda source: len(source.data))


def annotate_stream(
    sources: Iterable[Source], *, weights: str, without: Collection[str] = (), jobs: int = 1, threads: int | None = None
) -> Iterator[AnnotatedBatch]:
    """Annotate a stream batch by batch, in order, with few batches in memory; each article once; see `run_in_order`."""
    groups = batches(without_duplicates(sources))
    work = partial(annotate_sources, without=without)
    return run_in_order(work, groups, weights=weights, jobs=jobs, threads=threads)


def run_in_order(
    work: Callable[..., Result], tasks: Iterable[Task], *, weights: str, jobs: int, threads: int | None
) -> Iterator[Result]:
    """Yield `work(task, model=…)` for each task in order, in this process or in several.

    `work` is at the top level of a module. Tasks are taken one at a time, at most `jobs` + 1 ahead of what has been
    yielded. Several processes take one thread each of the network unless told otherwise; one that ends unasked (out of
    memory, killed) raises WorkerError.
    """
    # Loaded here even for workers: missing weights are one clear error, and the built graph is shared.
    model = load_model(weights, threads=threads)
    if jobs == 1:
        for task in tasks:
            yield work(task, model=model)
        return
    del model
    # Spawned, not forked: ONNX Runtime's threads do not survive a fork.
    spawned = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(jobs, spawned, initializer=end_with_parent, initargs=(os.getpid(),))
    waiting: deque[Future[Result]] = deque()
    try:
        for task in tasks:
            waiting.append(pool.submit(_call, work, task, weights, threads or 1))
            if len(waiting) > jobs:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool:
        raise WorkerError("a worker process ended unasked, perhaps for want of memory") from None
    finally:
        pool.shutdown(cancel_futures=True)


@lru_cache(maxsize=1)
def _load_in_worker(weights: str, threads: int) -> NameModel:
    return load_model(weights, threads=threads)


def _call(work: Callable[..., Result], task: object, weights: str, threads: int) -> Result:
    return work(task, model=_load_in_worker(weights, threads))


def chunks(items: Iterable[Task], size: int, weight: Callable[[Task], int]) -> Iterator[tuple[Task, ...]]:
    """Group items, in order, until each group has so much weight."""
    chunk: list[Task] = []
    reached = 0
    for item in items:
        chunk.append(item)
        reached += weight(item)
        # An item costs something even when it is empty: a million bad lines must not become one chunk.
        if reached + len(chunk) >= size:
            yield tuple(chunk)
            chunk, reached = [], 0
    if chunk:
        yield tuple(chunk)
