"""A batch of sources to sentence lines, the same whatever batch an article is in; a bad article is a `Failure`."""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from biaozhu.annotators.network.models import load_model
from biaozhu.annotators.preannotate import BATCH_CHARS, preannotate_batch
from biaozhu.data.errors import BiaozhuError, WorkerError
from biaozhu.data.model import Article, sentence_to_line
from biaozhu.data.processes import end_with_parent
from biaozhu.scale.duplicates import read_or_explain, without_duplicates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from biaozhu.annotators.words import NameModel
    from biaozhu.scale.corpus_stream import Source

Task = TypeVar("Task")
Result = TypeVar("Result")
# Bytes of source text in a batch whose lines go straight to a file or to standard output.
BATCH_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class Failure:
    """An article that gave no sentences: its name, its place and the reason, one line with its code."""

    name: str
    where: str
    reason: str


@dataclass(frozen=True, slots=True)
class Batch:
    """The sentence lines of a batch (without line feeds), what failed, and counts of what went well."""

    lines: tuple[str, ...]
    failed: tuple[Failure, ...]
    articles: int
    characters: int
    spans: int


def annotate_sources(sources: Sequence[Source], *, model: NameModel) -> Batch:
    """Read, split and annotate a batch of sources, of which no two are the same article."""
    failed: list[Failure] = []
    articles: list[tuple[Source, Article]] = []
    for source in sources:
        article = read_or_explain(source)
        if isinstance(article, str):
            failed.append(Failure(source.name, source.where, article))
        else:
            articles.append((source, article))
    places = {id(article): source for source, article in articles}

    def fail(article: Article, error: BiaozhuError) -> None:
        source = places[id(article)]
        failed.append(Failure(source.name, source.where, str(error)))

    lines: list[str] = []
    spans = characters = count = 0
    for some in _chunks([article for _, article in articles], BATCH_CHARS, lambda one: len(one.raw)):
        for one in preannotate_batch(some, model=model, on_failure=fail):
            lines += [sentence_to_line(sentence) for sentence in one.sentences]
            spans += sum(len(sentence.spans) for sentence in one.sentences)
            characters += len(one.article.raw)
            count += 1
    return Batch(tuple(lines), tuple(failed), count, characters, spans)


def batches(sources: Iterable[Source], size: int = BATCH_BYTES) -> Iterator[tuple[Source, ...]]:
    """Group a stream of sources, in order, until each group has so many bytes; the groups depend on nothing else."""
    return _chunks(sources, size, lambda source: len(source.data))


def annotate_stream(
    sources: Iterable[Source], *, weights: str, jobs: int = 1, threads: int | None = None
) -> Iterator[Batch]:
    """Annotate a stream batch by batch, in order, with few batches in memory; each article once; see `run_in_order`."""
    return run_in_order(
        annotate_sources, batches(without_duplicates(sources)), weights=weights, jobs=jobs, threads=threads
    )


def run_in_order(
    work: Callable[..., Result],
    tasks: Iterable[Task],
    *,
    weights: str,
    jobs: int = 1,
    threads: int | None = None,
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
    pool = ProcessPoolExecutor(
        jobs,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_begin,
        initargs=(weights, threads or 1, os.getpid()),
    )
    waiting: deque[object] = deque()
    try:
        for task in tasks:
            waiting.append(pool.submit(_call, work, task))
            if len(waiting) > jobs:
                yield waiting.popleft().result()  # type: ignore[attr-defined]
        while waiting:
            yield waiting.popleft().result()  # type: ignore[attr-defined]
    except BrokenProcessPool:
        raise WorkerError("a worker process ended unasked, perhaps for want of memory") from None
    finally:
        pool.shutdown(cancel_futures=True)


_loaded: dict[str, NameModel] = {}


def _begin(weights: str, threads: int, parent: int) -> None:
    end_with_parent(parent)
    _loaded["model"] = load_model(weights, threads=threads)


def _call(work: Callable[..., Result], task: object) -> Result:
    return work(task, model=_loaded["model"])


def _chunks(items: Iterable[Task], size: int, weight: Callable[[Task], int]) -> Iterator[tuple[Task, ...]]:
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
