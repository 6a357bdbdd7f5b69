"""Text to spans, for texts of any length, and what the spans mean: values of amounts, paths of places."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from threading import Lock
from typing import TYPE_CHECKING, Any

from biaozhu.annotators.network.models import load_model
from biaozhu.annotators.preannotate import annotate_combined
from biaozhu.annotators.trained import load_trained
from biaozhu.data.model import Article, Metadata, Sentence
from biaozhu.formats.documents import cut_spans
from biaozhu.normalization.table import article_meaning
from biaozhu.reading.blocks import find_blocks
from biaozhu.reading.sentences import split_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from biaozhu.annotators.words import NameModel
    from biaozhu.data.model import Span
    from biaozhu.normalization.addresses import Place
    from biaozhu.normalization.table import Row

    Predict = Callable[[Sequence[str]], list[tuple[Span, ...]]]

Meanings = tuple[dict[str, Any] | None, ...]
# Keys of a table's row and of a place that the span itself has already.
OWN = frozenset({"article", "sentence", "start", "end", "text", "candidates"})


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

    def answer(
        self, texts: Sequence[str], *, is_large: bool = False, is_explained: bool = False
    ) -> list[Any]:
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
