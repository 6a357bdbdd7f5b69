"""Text to spans, for texts of any length, and what the spans mean: values of amounts, paths of places.

The predictors of a service work in processes, each of which is ended when it works on a request for longer than it may.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from hashlib import sha256
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from biaozhu.annotators.network.models import load_model
from biaozhu.annotators.preannotate import annotate_combined
from biaozhu.annotators.trained import load_trained
from biaozhu.annotators.words import NameModel
from biaozhu.data.errors import BiaozhuError, ServiceError, bug_from
from biaozhu.data.model import Article, Metadata, Sentence, Span
from biaozhu.data.processes import end_with_parent
from biaozhu.formats.documents import cut_spans
from biaozhu.normalization.places import Place
from biaozhu.normalization.table import Row, article_meaning
from biaozhu.reading.blocks import find_blocks
from biaozhu.reading.sentences import split_text

Meanings = tuple[dict[str, Any] | None, ...]
"""What each span of a text means; None where nothing can be said, as of a person."""
Found = tuple[Sequence[Span], Meanings | None]
# Of a row, what the span has.
OWN = frozenset({"article", "sentence", "start", "end", "text", "context", "candidates"})
LOADING_SECONDS, AGAIN_SECONDS = 120.0, 1.0
PATH = "/predict"
FIRST_TEXT = "先读一遍。"


@dataclass(eq=False)
class Predictor:
    """A predictor: its name, and the function from texts to the spans of each (code points, sorted, disjoint).

    Several threads may call it at once.
    """

    name: str
    predict: Callable[[Sequence[str]], list[tuple[Span, ...]]] = field(repr=False)

    def answer(self, texts: Sequence[str], *, is_large: bool = False, is_explained: bool = False) -> list[Found]:  # noqa: ARG002 — all are equal here
        """Return the spans of each text with their meanings, if wanted; a large request must not take every worker."""
        found = zip(texts, self.predict(texts), strict=True)
        return [(spans, explain_spans(text, spans) if is_explained else None) for text, spans in found]

    @property
    def is_ready(self) -> bool:
        """True where there is something that can answer."""
        return True

    def close(self) -> None:
        """End what is worked on."""


def load_rule_predictor(weights: str, threads: int) -> Predictor:
    """Load a network, and return the predictor of the pre-annotators over it."""
    return rule_predictor(load_model(weights, threads=threads))


def rule_predictor(model: NameModel) -> Predictor:
    """Return the pre-annotators, combined. Each text is an article of its own, whatever is sent beside it."""

    def predict_one(text: str) -> tuple[Span, ...]:
        cuts = split_text(text)
        return _joined(cuts, annotate_combined([text[start:end] for start, end in cuts], model=model))

    return Predictor("preannotate", lambda texts: list(map(predict_one, texts)))


def trained_predictor(folder: str | Path) -> Predictor:
    """Return the trained model of a folder; MissingFileError and ModelDataError as `load_trained`."""
    model = load_trained(folder)
    lock = threading.Lock()  # spaCy does not say that one pipeline may run in two threads at once

    def predict(texts: Sequence[str]) -> list[tuple[Span, ...]]:
        cuts = [split_text(text) for text in texts]
        with lock:
            found = iter(model([text[start:end] for text, row in zip(texts, cuts, strict=True) for start, end in row]))
        return [_joined(row, islice(found, len(row))) for row in cuts]

    return Predictor(model.name, predict)


def _joined(cuts: Sequence[tuple[int, int]], found: Iterable[Iterable[Span]]) -> tuple[Span, ...]:
    """Return the spans that were found in each part of a text as spans of the text."""
    every = ((span, start) for (start, _), row in zip(cuts, found, strict=True) for span in row)
    return tuple(replace(span, start=span.start + start, end=span.end + start) for span, start in every)


def explain_spans(text: str, spans: Sequence[Span]) -> Meanings:
    """Return what each span of a text, taken for an article of its own, means."""
    digest = sha256(text.encode("utf-8")).hexdigest()
    blocks, metadata = find_blocks(text) if text.strip() else ((), Metadata())
    article = Article(digest[:12], "", digest, "utf-8", text, blocks, metadata)
    cuts = split_text(text)
    inside, _ = cut_spans(spans, cuts)
    rows = zip(cuts, inside, strict=True)
    sentences = [Sentence(article.id, start, end, text[start:end], tuple(found)) for (start, end), found in rows]
    begins = {sentence.id: sentence.start for sentence in sentences}
    meaning = article_meaning(article, sentences)
    listed: Iterable[Row | Place] = (*meaning.rows, *meaning.places)
    found = {
        begins[row.sentence] + row.start: {
            one.name: getattr(row, one.name) for one in fields(row) if one.name not in OWN
        }
        for row in listed
    }
    return tuple(found.get(span.start) for span in spans)


@dataclass(slots=True)
class _PredictorProcess:
    process: Any
    connection: Connection
    is_reserved: bool


class WorkerProcesses(Predictor):
    """Processes with a predictor each; `answer` may be called from several threads at once."""

    def __init__(self, make: Callable[[], Predictor], *, size: int, seconds: float) -> None:
        """Start `size` processes and wait until each has loaded the predictor of `make`; raises what that raises.

        `make` is pickled. One of several processes takes no large requests; `seconds` are what one request may take.
        """
        self._make = make
        self._seconds = seconds
        self._idle: list[_PredictorProcess] = []
        self._changed = threading.Condition()
        self._all: set[Any] = set()
        self._loaded: set[Any] = set()
        self._is_closed = False
        self.name = ""
        try:
            for worker in [self._start(is_reserved=number == 0 and size > 1) for number in range(size)]:
                self.name = self._ask(worker, LOADING_SECONDS)
                self._put(worker)
        except BaseException:
            self.close()
            raise

    def answer(self, texts: Sequence[str], *, is_large: bool = False, is_explained: bool = False) -> list[Found]:
        """Return what the predictor of a process answers, or raise what it does.

        TimeoutError: no process is free, or one has worked on it for as long as it may, and has been ended.
        ServiceError: the process has ended unasked.
        """
        worker = self._take(is_large=is_large)
        is_sound = False
        try:
            found: list[Found] = self._ask(worker, self._seconds, (list(texts), is_explained))
            is_sound = True
        except BiaozhuError as error:
            is_sound = error.where == PATH
            raise
        finally:
            (self._put if is_sound else self._replace)(worker)
        return found

    def _take(self, *, is_large: bool) -> _PredictorProcess:
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

    def _put(self, worker: _PredictorProcess) -> None:
        with self._changed:
            self._loaded.add(worker.process)
            self._idle.append(worker)
            self._changed.notify_all()

    @property
    def is_ready(self) -> bool:
        """True where a process has loaded the predictor and has not ended."""
        with self._changed:
            return any(process.is_alive() for process in self._loaded)

    def close(self) -> None:
        """End all processes, whatever they work on."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        for process in tuple(self._all):
            process.kill()

    def _ask(self, worker: _PredictorProcess, seconds: float, request: object = None) -> Any:
        """Send a request, if any, and return what comes back in that time; at first that is the predictor's name."""
        try:
            if request is not None:
                worker.connection.send(request)
            answer = worker.connection.recv() if worker.connection.poll(seconds) else TimeoutError()
        except (EOFError, OSError):
            raise ServiceError("a worker process ended unasked, perhaps for want of memory") from None
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _start(self, *, is_reserved: bool) -> _PredictorProcess:
        # Spawned, not forked: ONNX Runtime's threads do not survive a fork.
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs, self._make, os.getpid()), daemon=True)
        process.start()
        theirs.close()
        self._all.add(process)
        if self._is_closed:
            process.kill()
        return _PredictorProcess(process, ours, is_reserved)

    def _replace(self, worker: _PredictorProcess) -> None:
        """End a process, and let another take its place as soon as it has loaded."""
        self._end(worker)
        if not self._is_closed:
            threading.Thread(target=self._admit, args=(worker.is_reserved,), daemon=True).start()

    def _admit(self, is_reserved: bool) -> None:  # noqa: FBT001 — a thread's argument
        while not self._is_closed:
            worker = self._start(is_reserved=is_reserved)
            try:
                self._ask(worker, LOADING_SECONDS)
            except (BiaozhuError, TimeoutError):
                self._end(worker)
                time.sleep(AGAIN_SECONDS)
            else:
                self._put(worker)
                return

    def _end(self, worker: _PredictorProcess) -> None:
        worker.process.kill()
        worker.process.join()
        worker.connection.close()
        with self._changed:
            self._all.discard(worker.process)
            self._loaded.discard(worker.process)


def _work(connection: Connection, make: Callable[[], Predictor], parent: int) -> None:
    # Only the parent ends it, after what was begun.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    end_with_parent(parent)
    try:
        predictor = make()
        predictor.predict([FIRST_TEXT])  # what is loaded at the first text is loaded before the first request
    except Exception as error:  # noqa: BLE001 — whatever it is, the parent says it
        connection.send(error if isinstance(error, BiaozhuError) else bug_from(error, where=""))
        return
    connection.send(predictor.name)
    while True:
        try:
            texts, is_explained = connection.recv()
        except EOFError:
            return
        try:
            connection.send(predictor.answer(texts, is_explained=is_explained))
        except Exception as error:  # noqa: BLE001 — whatever a text brings about, the process lives on
            said = bug_from(error, where=PATH)
            said.where = PATH
            connection.send(said)
