"""Held-out predictions: each sentence by a model that saw nothing of its section, or of its article."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from sklearn.model_selection import LeaveOneGroupOut

from pipeline.annotators.trained import annotate_with
from pipeline.errors import TrainingError
from pipeline.model import with_spans
from pipeline.reading.sentences import section_of
from pipeline.training.train import fit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from confection import Config

    from pipeline.ledger import Entry
    from pipeline.model import Article, Sentence

By = Literal["section", "article"]


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Sentences with held-out predictions, in the order of the gold, and what could not be aligned in training.

    `folds` are the names of the groups, each with the number of its sentences.
    """

    sentences: tuple[Sentence, ...]
    entries: tuple[Entry, ...]
    folds: tuple[tuple[str, int], ...]


def group_sentences(
    articles: Sequence[Article], gold: Sequence[Sentence], *, at_least: int = 5, by: By | None = None
) -> dict[str, str]:
    """Return the group of each sentence by its id: its article, or its section where there is one article.

    A section of fewer than `at_least` sentences joins the one after it (the last one the one before): a headline
    belongs to what follows it, and a fold of a sentence or two tells nothing.

    Args:
        articles: every article that the gold speaks of.
        gold: the sentences.
        at_least: the size of a group.
        by: section or article, however many articles there are.

    Raises:
        TrainingError: the gold has sentences of another article.
    """
    known = {article.id: article for article in articles}
    strangers = sorted({sentence.article for sentence in gold} - set(known))
    if strangers:
        raise TrainingError(
            f"the gold has sentences of {', '.join(strangers)}, which is no article given",
            next_step="Give every article of the gold with --article",
        )
    used = {sentence.article for sentence in gold}
    if by == "article" or (by is None and len(used) > 1):
        return {sentence.id: known[sentence.article].name for sentence in gold}
    groups: dict[str, str] = {}
    for article in (known[identifier] for identifier in sorted(used)):
        sections = section_of(article, [sentence for sentence in gold if sentence.article == article.id])
        groups |= {key: f"{article.name} {group}" for key, group in _merged(sections, at_least).items()}
    return groups


def crossvalidate(
    config: Config,
    gold: Sequence[Sentence],
    groups: Mapping[str, str],
    *,
    source: str,
    on_fold: Callable[[int, int], None] | None = None,
) -> HeldOut:
    """Leave one group out at a time, train on the others, and predict it.

    Args:
        config: a training config; its own corpus is not read.
        gold: the sentences with their gold spans.
        groups: the group of each sentence by its id.
        source: what the predicted spans name as their source.
        on_fold: called before each fold with its number from 0 and how many there are.

    Raises:
        TrainingError: there are fewer than two groups.
        BiaozhuError: see `fit`.
    """
    names = [groups[sentence.id] for sentence in gold]
    folds = Counter(names)
    if len(folds) < 2:  # noqa: PLR2004 — one left out, one to learn from
        raise TrainingError(
            "there is one group only, nothing is left to learn from",
            next_step="Give another article, or gold of more sections",
        )
    predicted: dict[str, Sentence] = {}
    entries: dict[Entry, None] = {}
    for number, (learned, left_out) in enumerate(LeaveOneGroupOut().split(gold, groups=names)):
        if on_fold:
            on_fold(number, len(folds))
        fitted = fit(config, [gold[index] for index in learned], name=source)
        # Each span stands in all folds but one: it is lost once.
        entries |= dict.fromkeys(fitted.entries)
        chosen = [gold[index] for index in left_out]
        found = annotate_with(fitted.nlp, [sentence.text for sentence in chosen], source=source)
        predicted |= {
            sentence.id: with_spans(sentence, spans) for sentence, spans in zip(chosen, found, strict=True)
        }
    return HeldOut(
        tuple(predicted[sentence.id] for sentence in gold), tuple(entries), tuple(sorted(folds.items()))
    )


def _merged(sections: Mapping[str, int], at_least: int) -> dict[str, int]:
    sizes = Counter(sections.values())
    target: dict[int, int] = {}
    waiting: list[int] = []
    waiting_size = 0
    last: int | None = None
    for section in sorted(sizes):
        waiting.append(section)
        waiting_size += sizes[section]
        if waiting_size >= at_least:
            target |= dict.fromkeys(waiting, section)
            waiting, waiting_size, last = [], 0, section
    target |= dict.fromkeys(waiting, last if last is not None else waiting[-1] if waiting else 0)
    return {key: target[section] for key, section in sections.items()}
