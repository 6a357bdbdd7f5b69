"""Text to spans, for texts of any length, and what the spans mean: values of amounts, paths of places.

The predictors of a service work in processes, each of which is ended when it works on a request for longer than it may.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from biaozhu.annotators.network.models import load_model
from biaozhu.annotators.preannotate import annotate_combined
from biaozhu.annotators.trained import load_trained
from biaozhu.data.errors import BiaozhuError, ServiceError, bug_from
from biaozhu.data.model import Article, Metadata, Sentence
from biaozhu.data.processes import end_with_parent
from biaozhu.formats.documents import cut_spans
from biaozhu.normalization.table import article_meaning
from biaozhu.reading.blocks import find_blocks
from biaozhu.reading.sentences import split_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from multiprocessing.connection import Connection
    from pathlib import Path

    from biaozhu.annotators.words import NameModel
    from biaozhu.data.model import Span
    from biaozhu.normalization.addresses import Place
    from biaozhu.normalization.table import Row

    Predict = Callable[[Sequence[str]], list[tuple[Span, ...]]]

Meanings = tuple[dict[str, Any] | None, ...]
OWN = frozenset({"article", "sentence", "start", "end", "text", "candidates"})  # of a row, which the span has
LOADING_SECONDS, AGAIN_SECONDS = 120.0, 1.0
PATH = "/predict"
FIRST_TEXT = "先读一遍。"


@dataclass(frozen=True, slots=True)
class Explained:
    """The spans of a text, and what each means; None where nothing can be said, as of a person."""

    spans: tuple[Span, ...]
    meanings: Meanings


@dataclass(frozen=True, slots=True)
class Predictor:
    """A predictor: its name, and the function from texts to the spans of each (code points, sorted, disjoint).

    Several threads may call it at once. `close` ends what is worked on; where processes work, `workers` is their function.
    """

    name: str
    predict: Predict = field(repr=False)
    close: Callable[[], None] = field(default=lambda: None, repr=False)
    workers: Callable[..., list[Any]] | None = field(default=None, repr=False)

    def answer(self, texts: Sequence[str], *, is_large: bool = False, is_explained: bool = False) -> list[Any]:
        """Return the spans of each text, as `Explained` if wanted; a large request must not take every worker."""
        if self.workers:
            return self.workers(texts, is_large=is_large, is_explained=is_explained)
        return predict_texts(self.predict, texts, is_explained=is_explained)


def load_rule_predictor(weights: str, threads: int) -> Predictor:
    """Load a network, and return the predictor of the pre-annotators over it."""
    return rule_predictor(load_model(weights, threads=threads))


def rule_predictor(model: NameModel) -> Predictor:
    """Return the pre-annotators, combined. Each text is an article of its own, whatever is sent beside it."""

    def predict_one(text: str) -> tuple[Span, ...]:
        cuts = split_text(text)
        found = annotate_combined([text[start:end] for start, end in cuts], model=model)
        return tuple(_moved(span, start) for (start, _), row in zip(cuts, found, strict=True) for span in row)

    return Predictor("preannotate", lambda texts: [predict_one(text) for text in texts])


def trained_predictor(folder: Path) -> Predictor:
    """Return the trained model of a folder; MissingFileError and ModelDataError as `load_trained`."""
    model = load_trained(folder)
    lock = threading.Lock()  # spaCy does not say that one pipeline may run in two threads at once

    def predict(texts: Sequence[str]) -> list[tuple[Span, ...]]:
        cuts = [(number, *edges) for number, text in enumerate(texts) for edges in split_text(text)]
        with lock:
            found = model([texts[number][start:end] for number, start, end in cuts])
        spans: list[list[Span]] = [[] for _ in texts]
        for (number, start, _), inside in zip(cuts, found, strict=True):
            spans[number] += [_moved(span, start) for span in inside]
        return [tuple(one) for one in spans]

    return Predictor(model.name, predict)


def predict_texts(predict: Predict, texts: Sequence[str], *, is_explained: bool) -> list[Any]:
    """Return the spans of each text, as `Explained` if wanted."""
    found = predict(texts)
    return list(map(_explain, texts, found)) if is_explained else found


def _explain(text: str, spans: tuple[Span, ...]) -> Explained:
    """Return the spans of a text, taken for an article of its own, with what each means."""
    digest = sha256(text.encode("utf-8")).hexdigest()
    blocks, metadata = find_blocks(text) if text.strip() else ((), Metadata())
    article = Article(digest[:12], "", digest, "utf-8", text, blocks, metadata)
    cuts = split_text(text)
    inside, _ = cut_spans(spans, cuts)
    sentences = [
        Sentence(article.id, start, end, text[start:end], tuple(found))
        for (start, end), found in zip(cuts, inside, strict=True)
    ]
    begins = {sentence.id: sentence.start for sentence in sentences}
    meaning = article_meaning(article, sentences)
    listed: Iterable[Row | Place] = (*meaning.rows, *meaning.places)
    found = {
        begins[one.sentence] + one.start: {key: value for key, value in asdict(one).items() if key not in OWN}
        for one in listed
    }
    return Explained(spans, tuple(found.get(span.start) for span in spans))


def _moved(span: Span, by: int) -> Span:
    return replace(span, start=span.start + by, end=span.end + by)


@dataclass(slots=True)
class _Worker:
    process: Any
    connection: Connection
    is_reserved: bool


def process_predictor(make: Callable[[], Predictor], *, size: int, seconds: float) -> Predictor:
    """Return a predictor that works in processes, see `WorkerProcesses`."""
    workers = WorkerProcesses(make, size=size, seconds=seconds)
    return Predictor(workers.name, workers.predict, workers.close, workers.predict)


class WorkerProcesses:
    """Processes with a predictor each; `predict` may be called from several threads at once."""

    def __init__(self, make: Callable[[], Predictor], *, size: int, seconds: float) -> None:
        """Start `size` processes and wait until each has loaded the predictor of `make`; raises what that raises.

        `make` is pickled. One of several processes takes no large requests; `seconds` are what one request may take.
        """
        self._make = make
        self._seconds = seconds
        self._idle: list[_Worker] = []
        self._changed = threading.Condition()
        self._all: set[Any] = set()
        self._is_closed = False
        self.name = ""
        started = [self._start(is_reserved=number == 0 and size > 1) for number in range(size)]
        try:
            for worker in started:
                self.name = self._answer(worker, LOADING_SECONDS)
                self._put(worker)
        except BaseException:
            self.close()
            raise

    def predict(self, texts: Sequence[str], *, is_large: bool = False, is_explained: bool = False) -> list[Any]:
        """Return the spans of each text, as `Explained` if wanted, or raise what the predictor does.

        TimeoutError: no process is free, or one has worked on it for as long as it may, and has been ended.
        ServiceError: the process has ended unasked.
        """
        worker = self._take(is_large=is_large)
        is_sound = False
        try:
            worker.connection.send((is_explained, list(texts)))
            found: list[Any] = self._answer(worker, self._seconds)
            is_sound = True
        except BiaozhuError as error:
            is_sound = error.where == PATH
            raise
        except TimeoutError:
            raise
        except OSError:
            raise _ended() from None
        finally:
            if is_sound:
                self._put(worker)
            else:
                self._replace(worker)
        return found

    def _take(self, *, is_large: bool) -> _Worker:
        until = time.monotonic() + self._seconds
        with self._changed:
            while not self._is_closed:
                fitting = [one for one in self._idle if not (is_large and one.is_reserved)]
                # The reserved one only where there is no other.
                worker = min(fitting, key=lambda one: one.is_reserved, default=None)
                if worker is not None:
                    self._idle.remove(worker)
                    if worker.process.is_alive():
                        return worker
                    self._replace(worker)
                elif not self._changed.wait(until - time.monotonic()):
                    break
        raise TimeoutError

    def _put(self, worker: _Worker) -> None:
        with self._changed:
            self._idle.append(worker)
            self._changed.notify_all()

    def close(self) -> None:
        """End all processes, whatever they work on."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        for process in tuple(self._all):
            process.kill()

    def _answer(self, worker: _Worker, seconds: float) -> Any:
        try:
            is_there = worker.connection.poll(seconds)
            answer: tuple[bool, Any] = worker.connection.recv() if is_there else (False, None)
        except (EOFError, OSError):
            raise _ended() from None
        if not is_there:
            raise TimeoutError
        is_error, value = answer
        if is_error:
            kind, what, where, next_step = value
            raise kind(what, where=where, next_step=next_step)
        return value

    def _start(self, *, is_reserved: bool) -> _Worker:
        # Spawned, not forked: ONNX Runtime's threads do not survive a fork.
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs, self._make, os.getpid()), daemon=True)
        process.start()
        theirs.close()
        self._all.add(process)
        if self._is_closed:
            process.kill()
        return _Worker(process, ours, is_reserved)

    def _replace(self, worker: _Worker) -> None:
        """End a process, and let another take its place as soon as it has loaded."""
        self._end(worker)
        if not self._is_closed:
            threading.Thread(target=self._admit, args=(worker.is_reserved,), daemon=True).start()

    def _admit(self, is_reserved: bool) -> None:  # noqa: FBT001 — a thread's argument
        while not self._is_closed:
            worker = self._start(is_reserved=is_reserved)
            try:
                self._answer(worker, LOADING_SECONDS)
            except (BiaozhuError, TimeoutError):
                self._end(worker)
                time.sleep(AGAIN_SECONDS)
            else:
                self._put(worker)
                return

    def _end(self, worker: _Worker) -> None:
        worker.process.kill()
        worker.process.join()
        worker.connection.close()
        self._all.discard(worker.process)


def _ended() -> ServiceError:
    return ServiceError("a worker process ended unasked, perhaps for want of memory")


def _work(connection: Connection, make: Callable[[], Predictor], parent: int) -> None:
    # Only the parent ends it, after what was begun.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    end_with_parent(parent)
    try:
        predictor = make()
        predictor.predict([FIRST_TEXT])  # what is loaded at the first text is loaded before the first request
    except Exception as error:  # noqa: BLE001 — whatever it is, the parent says it
        said = error if isinstance(error, BiaozhuError) else bug_from(error, where="")
        connection.send((True, _stated(said)))
        return
    connection.send((False, predictor.name))
    while True:
        try:
            is_explained, texts = connection.recv()
        except EOFError:
            return
        try:
            connection.send((False, predict_texts(predictor.predict, texts, is_explained=is_explained)))
        except Exception as error:  # noqa: BLE001 — whatever a text brings about, the process lives on
            connection.send((True, _stated(bug_from(error, where=PATH), where=PATH)))


def _stated(error: BiaozhuError, where: str = "") -> tuple[type[BiaozhuError], str, str, str]:
    return type(error), error.what, where or error.where, error.next_step
