"""Articles to pre-annotated sentences: every annotator as a layer of its own, and all of them combined."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, islice

from biaozhu.annotators.amounts import AMOUNTS
from biaozhu.annotators.combine import combine_rows, list_losses
from biaozhu.annotators.labelled import NETWORK
from biaozhu.annotators.registry import Annotator, Rows
from biaozhu.annotators.repeated import REPEATED
from biaozhu.annotators.words import NameModel
from biaozhu.data.errors import BiaozhuError, MissingFileError, ModelDataError, bug_from
from biaozhu.data.ledger import Entry
from biaozhu.data.model import Article, Sentence, with_spans
from biaozhu.reading.sentences import split_article

DEFAULT_ANNOTATORS: tuple[Annotator, ...] = (NETWORK, REPEATED, AMOUNTS)
"""The annotators that run where no others are named, in the order of their layers."""
# Code points of articles that the network sees at once: sentences of like length are then enough to fill a batch.
BATCH_CHARS = 1 << 16


def default_annotators(*, without: Collection[str]) -> tuple[Annotator, ...]:
    """Return the default annotators, none of which proposes these labels: what the label set lacks, no later command would take."""
    kept = ({label: at for label, at in one.proposes.items() if label not in without} for one in DEFAULT_ANNOTATORS)
    return tuple(replace(one, proposes=labels) for one, labels in zip(DEFAULT_ANNOTATORS, kept, strict=True))


@dataclass(frozen=True, slots=True)
class Preannotation:
    """An article's sentences with the combined spans, and each annotator's spans of them by the name of its layer."""

    article: Article
    sentences: tuple[Sentence, ...]
    found: Mapping[str, Rows]
    annotators: tuple[Annotator, ...]

    @property
    def layers(self) -> dict[str, tuple[Sentence, ...]]:
        """Each annotator's own layer by name; made when asked for, a stream does not need them."""
        return {
            name: tuple(with_spans(one, spans) for one, spans in zip(self.sentences, rows, strict=True))
            for name, rows in self.found.items()
        }

    @property
    def entries(self) -> list[Entry]:
        """The decisions of the combination, computed on access."""
        return list_losses(self.sentences, self.found, self.annotators)


def preannotate_articles(
    articles: Iterable[Article],
    *,
    model: NameModel,
    annotators: Sequence[Annotator] | None = None,
    on_failure: Callable[[Article, BiaozhuError], None] | None = None,
) -> Iterator[Preannotation]:
    """Annotate articles in order, as many at a time as fill the network's batches; see `preannotate_batch`.

    `annotators` are all that run: `(*DEFAULT_ANNOTATORS, mine)` adds one to biaozhu's own.
    """
    waiting: list[Article] = []
    size = 0
    for article in articles:
        waiting.append(article)
        size += len(article.raw)
        if size >= BATCH_CHARS:
            yield from preannotate_batch(waiting, model=model, annotators=annotators, on_failure=on_failure)
            waiting, size = [], 0
    yield from preannotate_batch(waiting, model=model, annotators=annotators, on_failure=on_failure)


def preannotate_batch(
    articles: Sequence[Article],
    *,
    model: NameModel,
    annotators: Sequence[Annotator] | None = None,
    on_failure: Callable[[Article, BiaozhuError], None] | None = None,
) -> list[Preannotation]:
    """Annotate articles at once, few enough for their words to fit into memory; each result is independent of the others.

    `on_failure` takes an article that cannot be annotated, and why, and the others go on; without it BugError says that biaozhu fails,
    AnnotatorError that another annotator does. A file of data that is missing or damaged always raises.
    """
    try:
        return _preannotate(articles, model, annotators or DEFAULT_ANNOTATORS)
    except (ModelDataError, MissingFileError):
        raise  # no article's fault, and the same for all of them
    except Exception as error:
        if len(articles) == 1:
            failure = bug_from(error, where=articles[0].name)
            if on_failure is None:
                raise failure from error
            on_failure(articles[0], failure)
            return []
    alone = partial(preannotate_batch, model=model, annotators=annotators, on_failure=on_failure)
    return [one for article in articles for one in alone([article])]


def annotate_by_layer(texts: Sequence[str], *, model: NameModel) -> dict[str, Rows]:
    """Return the spans of each of biaozhu's annotators for each text of one article, by the name of the layer."""
    words = model.words(texts)
    return {one.name: one.annotate(texts, words) for one in DEFAULT_ANNOTATORS}


def annotate_combined(texts: Sequence[str], *, model: NameModel) -> Rows:
    """Return the spans that biaozhu's annotators together give for each text of one article, sorted."""
    return combine_rows(annotate_by_layer(texts, model=model), DEFAULT_ANNOTATORS)


def _preannotate(articles: Sequence[Article], model: NameModel, annotators: Sequence[Annotator]) -> list[Preannotation]:
    split = [split_article(article) for article in articles]
    texts = [[sentence.text for sentence in sentences] for sentences in split]
    every = list(chain(*texts))
    # The networks see the sentences of all articles together, what goes by the article the rest.
    words = model.words(every)
    rows = {one.name: iter(one.annotate(every, words)) for one in annotators if one.by_sentence}
    rest = iter(words)
    done = []
    for article, sentences, some in zip(articles, split, texts, strict=True):
        own = list(islice(rest, len(some)))
        found = {
            one.name: list(islice(rows[one.name], len(some))) if one.by_sentence else one.annotate(some, own)
            for one in annotators
        }
        combined = combine_rows(found, annotators)
        spanned = tuple(with_spans(one, spans) for one, spans in zip(sentences, combined, strict=True))
        done.append(Preannotation(article, spanned, found, tuple(annotators)))
    return done
