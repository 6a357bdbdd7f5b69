"""Text to spans, for texts of any length: the pre-annotators, or a trained model, behind one function."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING

from biaozhu.annotators.network.models import load_model
from biaozhu.annotators.preannotate import annotate_combined
from biaozhu.annotators.trained import load_trained
from biaozhu.reading.sentences import split_text
from biaozhu.serving.workers import WorkerProcesses

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from biaozhu.annotators.words import NameModel
    from biaozhu.data.model import Span
    from biaozhu.serving.meaning import Explained


@dataclass(frozen=True, slots=True)
class Predictor:
    """A predictor: its name, and the function from texts to the spans of each (code points, sorted, disjoint).

    The function may be called from several threads at once; `predict_large` is the same for large requests, which must
    not take every worker, `explain` does `predict_explained`, and `close` ends what is worked on.
    """

    name: str
    predict: Callable[[Sequence[str]], list[tuple[Span, ...]]] = field(repr=False)
    close: Callable[[], None] = field(default=lambda: None, repr=False)
    predict_large: Callable[[Sequence[str]], list[tuple[Span, ...]]] | None = field(default=None, repr=False)
    explain: Callable[[Sequence[str]], list[Explained]] | None = field(default=None, repr=False)


def process_predictor(make: Callable[[], Predictor], *, size: int, seconds: float) -> Predictor:
    """Return a predictor that works in processes, see `WorkerProcesses`."""
    workers = WorkerProcesses(make, size=size, seconds=seconds)
    return Predictor(
        workers.name,
        workers.predict,
        workers.close,
        partial(workers.predict, is_large=True),
        workers.explain,
    )


def load_rule_predictor(weights: str, threads: int) -> Predictor:
    """Load a network, and return the predictor of the pre-annotators over it."""
    return rule_predictor(load_model(weights, threads=threads))


def rule_predictor(model: NameModel) -> Predictor:
    """Return the pre-annotators, combined. Each text is an article of its own, whatever is sent beside it."""

    def predict(texts: Sequence[str]) -> list[tuple[Span, ...]]:
        return [_of_article(text, model) for text in texts]

    return Predictor("preannotate", predict)


def trained_predictor(folder: Path) -> Predictor:
    """Return the trained model of a folder.

    Raises:
        MissingFileError: there is no model.
        ModelDataError: it does not load.
    """
    model = load_trained(folder)
    lock = Lock()  # spaCy does not say that one pipeline may run in two threads at once

    def predict(texts: Sequence[str]) -> list[tuple[Span, ...]]:
        cuts = [(number, *edges) for number, text in enumerate(texts) for edges in split_text(text)]
        with lock:
            found = model([texts[number][start:end] for number, start, end in cuts])
        spans: list[list[Span]] = [[] for _ in texts]
        for (number, start, _), inside in zip(cuts, found, strict=True):
            spans[number] += [_moved(span, start) for span in inside]
        return [tuple(one) for one in spans]

    return Predictor(model.name, predict)


def _of_article(text: str, model: NameModel) -> tuple[Span, ...]:
    cuts = split_text(text)
    found = annotate_combined([text[start:end] for start, end in cuts], model=model)
    return tuple(_moved(span, start) for (start, _), row in zip(cuts, found, strict=True) for span in row)


def _moved(span: Span, by: int) -> Span:
    return replace(span, start=span.start + by, end=span.end + by)
