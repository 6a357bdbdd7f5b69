"""Articles to pre-annotated sentences: every annotator as a layer of its own, and all of them combined."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.annotators import amounts, lac, persons, places
from pipeline.annotators.combine import combine
from pipeline.model import with_spans
from pipeline.reading.sentences import split_checked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pipeline.annotators.lac import Lac
    from pipeline.annotators.lac_pair import LacPair
    from pipeline.ledger import Entry
    from pipeline.model import Article, Sentence, Span


@dataclass(frozen=True, slots=True)
class Preannotation:
    """An article's sentences with the combined spans, each annotator's own layer by name, and what was decided."""

    article: Article
    sentences: tuple[Sentence, ...]
    layers: Mapping[str, tuple[Sentence, ...]]
    entries: tuple[Entry, ...]


def preannotate_articles(articles: Iterable[Article], *, model: Lac | LacPair) -> Iterator[Preannotation]:
    """Annotate articles one after the other.

    Each is annotated by itself, so what comes out for it does not depend on the articles beside it.

    Raises:
        OffsetError: the sentences of an article do not rebuild its file.
    """
    for article in articles:
        sentences = split_checked(article)
        layers = {
            name: tuple(with_spans(sentence, spans) for sentence, spans in zip(sentences, found, strict=True))
            for name, found in annotate([sentence.text for sentence in sentences], model=model).items()
        }
        combined, entries = combine(sentences, layers)
        yield Preannotation(article, combined, layers, entries)


def annotate(texts: Sequence[str], *, model: Lac | LacPair) -> dict[str, list[tuple[Span, ...]]]:
    """Return every annotator's spans for each text, by the name of the layer."""
    words = model.words(texts)
    return {
        lac.SOURCE: [lac.lac_spans(*pair) for pair in zip(texts, words, strict=True)],
        places.SOURCE: places.places_in_article(texts, words),
        persons.SOURCE: persons.find_persons(texts, words),
        amounts.SOURCE: amounts.find_amounts(texts),
    }
