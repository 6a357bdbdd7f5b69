"""Meaning of the spans of a text sent to the service: values of amounts, paths of places."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from biaozhu.data.model import Article, Metadata, Sentence
from biaozhu.normalization.table import article_meaning
from biaozhu.reading.blocks import find_blocks
from biaozhu.reading.sentences import split_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from biaozhu.data.model import Span
    from biaozhu.normalization.addresses import Place
    from biaozhu.normalization.table import Row

Meanings = tuple[dict[str, Any] | None, ...]
# Keys of a table's row and of a place that the span itself has already.
OWN = frozenset({"article", "sentence", "start", "end", "text", "candidates"})


@dataclass(frozen=True, slots=True)
class Explained:
    """The spans of a text, and what each means; None where nothing can be said, as of a person."""

    spans: tuple[Span, ...]
    meanings: Meanings


def predict_explained(
    predict: Callable[[Sequence[str]], list[tuple[Span, ...]]], texts: Sequence[str]
) -> list[Explained]:
    """Return the spans of each text with what each means; each text is an article of its own."""
    return [_explain(text, spans) for text, spans in zip(texts, predict(texts), strict=True)]


def _explain(text: str, spans: tuple[Span, ...]) -> Explained:
    digest = sha256(text.encode("utf-8")).hexdigest()
    blocks, metadata = find_blocks(text) if text.strip() else ((), Metadata())
    article = Article(digest[:12], "", digest, "utf-8", text, blocks, metadata)
    cuts = split_text(text)
    inside: list[list[Span]] = [[] for _ in cuts]
    starts = [start for start, _ in cuts]
    for span in spans:
        inside[bisect_right(starts, span.start) - 1].append(span)
    sentences = [
        Sentence(
            article.id,
            start,
            end,
            text[start:end],
            tuple(replace(span, start=span.start - start, end=span.end - start) for span in found),
        )
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
