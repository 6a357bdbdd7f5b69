"""Held-out predictions: each sentence by a model that saw nothing of its article, section or stretch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from confection import Config
from sklearn.model_selection import LeaveOneGroupOut

from biaozhu.annotators.trained import annotate_with
from biaozhu.data.errors import TrainingError
from biaozhu.data.ledger import Entry
from biaozhu.data.model import Sentence, with_spans
from biaozhu.nlp.encoders import remembering
from biaozhu.training.train import fit


def crossvalidate(
    config: Config,
    gold: Sequence[Sentence],
    groups: Mapping[str, str],
    *,
    source: str,
    on_fold: Callable[[int, int], None] = lambda *_: None,
) -> tuple[tuple[Sentence, ...], tuple[Entry, ...]]:
    """Leave one group out at a time, train on the others, and predict it.

    The config's own corpus is not read; `groups` has the group of each sentence by its id; `source` is what the predicted spans name
    as theirs; `on_fold` is called before each fold, in the order of the groups, with its number from 0 and how many there are. Returned are the sentences with held-out
    predictions, in the order of the gold, and what could not be aligned in training.
    """
    folds = len(count_groups(gold, groups))
    predicted: dict[str, Sentence] = {}
    entries: dict[Entry, None] = {}
    names = [groups[sentence.id] for sentence in gold]
    # Each sentence is learned from in all folds but one: the networks read it once.
    with remembering():
        for number, (learned, left_out) in enumerate(LeaveOneGroupOut().split(gold, groups=names)):
            on_fold(number, folds)
            fitted = fit(config, [gold[index] for index in learned], name=source)
            # Each span is in all folds but one: count its loss once.
            entries |= dict.fromkeys(fitted.entries)
            chosen = [gold[index] for index in left_out]
            found = annotate_with(fitted.nlp, [sentence.text for sentence in chosen], source=source)
            predicted |= {one.id: with_spans(one, spans) for one, spans in zip(chosen, found, strict=True)}
    return tuple(predicted[sentence.id] for sentence in gold), tuple(entries)


def count_groups(gold: Sequence[Sentence], groups: Mapping[str, str]) -> Counter[str]:
    """Return how many sentences each group has; fewer than two groups raise TrainingError."""
    counts = Counter(groups[sentence.id] for sentence in gold)
    if len(counts) < 2:  # noqa: PLR2004 — one left out, one to learn from
        advice = "Give more gold: of another article or section, or ten sentences of this one"
        raise TrainingError("there is one group only, nothing is left to learn from", next_step=advice)
    return counts
