"""Text to spans, for texts of any length: the pre-annotators, or a trained model, behind one function."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from threading import Lock
from typing import TYPE_CHECKING

from biaozhu.annotators.combine import combine
from biaozhu.annotators.preannotate import annotate
from biaozhu.annotators.trained import load_trained
from biaozhu.data.model import Sentence, with_spans
from biaozhu.reading.sentences import split_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from biaozhu.annotators.network.lac import WordModel
    from biaozhu.data.model import Span

# Texts of requests are no articles: this id is in no answer.
NO_ARTICLE = "0" * 12


@dataclass(frozen=True, slots=True)
class Predictor:
    """What answers: its name, and the function from texts to the spans of each (code points, sorted, disjoint).

    The function may be called from several threads at once.
    """

    name: str
    predict: Callable[[Sequence[str]], list[tuple[Span, ...]]] = field(repr=False)


def rule_predictor(model: WordModel) -> Predictor:
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


def _of_article(text: str, model: WordModel) -> tuple[Span, ...]:
    sentences = [Sentence(NO_ARTICLE, start, end, text[start:end]) for start, end in split_text(text)]
    layers = {
        name: tuple(with_spans(sentence, spans) for sentence, spans in zip(sentences, found, strict=True))
        for name, found in annotate([sentence.text for sentence in sentences], model=model).items()
    }
    combined, _ = combine(sentences, layers)
    return tuple(_moved(span, sentence.start) for sentence in combined for span in sentence.spans)


def _moved(span: Span, by: int) -> Span:
    return replace(span, start=span.start + by, end=span.end + by)
