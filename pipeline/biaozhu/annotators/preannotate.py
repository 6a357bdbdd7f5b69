"""Articles to pre-annotated sentences: every annotator as a layer of its own, and all of them combined."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from biaozhu.annotators import amounts, persons, places
from biaozhu.annotators.combine import combine, combine_rows
from biaozhu.annotators.network import lac
from biaozhu.data.model import with_spans
from biaozhu.reading.sentences import split_checked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from biaozhu.annotators.network.base import Base
    from biaozhu.annotators.network.lac import LacWord, WordModel
    from biaozhu.data.ledger import Entry
    from biaozhu.data.model import Article, Sentence, Span

BASE = "base"
# Code points of articles that the network sees at once: sentences of like length are then enough to fill a batch.
TOGETHER = 1 << 16


@dataclass(frozen=True, slots=True)
class Preannotation:
    """An article's sentences with the combined spans, and each annotator's spans of them by the name of its layer."""

    article: Article
    sentences: tuple[Sentence, ...]
    found: Mapping[str, Sequence[tuple[Span, ...]]]

    @property
    def layers(self) -> dict[str, tuple[Sentence, ...]]:
        """Each annotator's own layer by name; made when asked for, a stream does without."""
        return {
            name: tuple(with_spans(one, spans) for one, spans in zip(self.sentences, rows, strict=True))
            for name, rows in self.found.items()
        }

    @property
    def entries(self) -> tuple[Entry, ...]:
        """What the combination decided; made when asked for."""
        return combine(self.sentences, self.layers)[1]


def preannotate_articles(
    articles: Iterable[Article], *, model: WordModel, base: Base | None = None
) -> Iterator[Preannotation]:
    """Annotate articles in order, as many at a time as fill the network's batches.

    What comes out for an article does not depend on the articles beside it.

    Args:
        articles: what to annotate.
        model: the network that places and persons lean on.
        base: the base model, for a layer of its own; None leaves it out.

    Raises:
        OffsetError: the sentences of an article do not rebuild its file.
    """
    waiting: list[Article] = []
    size = 0
    for article in articles:
        waiting.append(article)
        size += len(article.raw)
        if size >= TOGETHER:
            yield from preannotate_batch(waiting, model=model, base=base)
            waiting, size = [], 0
    yield from preannotate_batch(waiting, model=model, base=base)


def preannotate_batch(
    articles: Sequence[Article], *, model: WordModel, base: Base | None = None
) -> list[Preannotation]:
    """Annotate articles at once: the networks see the sentences of all of them together, the rest each by itself.

    Raises:
        OffsetError: the sentences of an article do not rebuild its file.
    """
    split = [split_checked(article) for article in articles]
    texts = [sentence.text for sentences in split for sentence in sentences]
    words = iter(model.words(texts))
    based = None if base is None else iter(base(texts))
    return [
        _preannotated(
            article,
            sentences,
            list(islice(words, len(sentences))),
            None if based is None else list(islice(based, len(sentences))),
        )
        for article, sentences in zip(articles, split, strict=True)
    ]


def annotate(
    texts: Sequence[str], *, model: WordModel, base: Base | None = None
) -> dict[str, list[tuple[Span, ...]]]:
    """Return every annotator's spans for each text of one article, by the name of the layer."""
    return _layers(texts, model.words(texts)) | ({} if base is None else {BASE: base(texts)})


def _preannotated(
    article: Article,
    sentences: tuple[Sentence, ...],
    words: Sequence[tuple[LacWord, ...]],
    based: list[tuple[Span, ...]] | None,
) -> Preannotation:
    found = _layers([sentence.text for sentence in sentences], words)
    if based is not None:
        found[BASE] = based
    combined = tuple(
        with_spans(sentence, spans) for sentence, spans in zip(sentences, combine_rows(found), strict=True)
    )
    return Preannotation(article, combined, found)


def _layers(texts: Sequence[str], words: Sequence[tuple[LacWord, ...]]) -> dict[str, list[tuple[Span, ...]]]:
    return {
        lac.SOURCE: [lac.lac_spans(*pair) for pair in zip(texts, words, strict=True)],
        places.SOURCE: places.places_in_article(texts, words),
        persons.SOURCE: persons.find_persons(texts, words),
        amounts.SOURCE: amounts.find_amounts(texts),
    }
