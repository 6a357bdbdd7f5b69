"""Held-out predictions: each sentence by a model that saw nothing of its article, section or stretch."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

from confection import Config
from sklearn.model_selection import LeaveOneGroupOut

from biaozhu.annotators.trained import annotate_with
from biaozhu.data.errors import TrainingError, UsageError
from biaozhu.data.files import read_bytes, write_json
from biaozhu.data.layers import read_layers
from biaozhu.data.ledger import Entry
from biaozhu.data.model import CONFIG_MARK, MARK_DIGITS, Sentence, Span, with_spans
from biaozhu.data.strict_counts import StrictCounts
from biaozhu.nlp.encoders import remembering
from biaozhu.training.card import score_strictly
from biaozhu.training.gold import GoldCorpus
from biaozhu.training.train import corpus_of, fit, read_config


def crossvalidate(
    config: Config,
    gold: Sequence[Sentence],
    groups: Mapping[str, str],
    *,
    source: str,
    keep: Path | None = None,
    on_fold: Callable[[int, int, int], None] = lambda *_: None,
) -> tuple[tuple[Sentence, ...], tuple[Entry, ...]]:
    """Leave one group out at a time, train on the others, and predict it.

    The config's own corpus is not read; `groups` has the group of each sentence by its id; `source` is what the predicted spans name
    as theirs; in the folder `keep` each fold is written, and what is there of the same config, gold and groups is not trained again; `on_fold` is
    called before each fold, in the order of the groups, with its number from 0, how many there are, and how many of the first were there. Returned are the sentences with held-out predictions, in the order of the gold, and what could not be aligned in training.
    """
    folds = len(count_groups(gold, groups))
    before = len(list(keep.glob("*.json"))) if keep else 0
    predicted: dict[str, Sentence] = {}
    entries: dict[Entry, None] = {}
    names = [groups[sentence.id] for sentence in gold]
    # Each sentence is learned from in all folds but one: the networks read it once.
    with remembering():
        for number, (learned, left_out) in enumerate(LeaveOneGroupOut().split(gold, groups=names)):
            kept = keep / f"{number}.json" if keep else None
            on_fold(number, folds, before)
            chosen = [gold[index] for index in left_out]
            if kept and kept.is_file():
                known = json.loads(read_bytes(kept))
                lost = [Entry(**one) for one in known["entries"]]
                found = [tuple(Span(**one) for one in spans) for spans in known["spans"]]
            else:
                fitted = fit(config, [gold[index] for index in learned], name=source)
                lost = list(fitted.entries)
                found = annotate_with(fitted.nlp, [sentence.text for sentence in chosen], source=source)
                if kept:
                    spans = [[asdict(one) for one in spans] for spans in found]
                    write_json(kept, {"spans": spans, "entries": [asdict(one) for one in lost]}, indent=None)
            # Each span is in all folds but one: count its loss once.
            entries |= dict.fromkeys(lost)
            predicted |= {one.id: with_spans(one, spans) for one, spans in zip(chosen, found, strict=True)}
    return tuple(predicted[sentence.id] for sentence in gold), tuple(entries)


def mark_config(name: str, config: Config) -> str:
    """Return `NAME@` and eight hex digits of what a config trains with, whatever data and seed it takes."""
    used = {key: {**block} for key, block in config.items() if key != "corpora"}
    for section, key in (("paths", "train"), ("training", "seed")):
        used.get(section, {}).pop(key, None)
    return f"{name}@{sha256(json.dumps(used, sort_keys=True).encode()).hexdigest()[:MARK_DIGITS]}"


def score_held_out(config_path: Path, overrides: Mapping[str, Any], layers: Sequence[Path]) -> dict[str, StrictCounts]:
    """Score layers of a cross-validation on a config's gold; UsageError where they lack some of it, or are of another config."""
    predicted = {sentence.id: sentence for sentence in read_layers(layers)}
    config = read_config(config_path, overrides)
    mine, where = mark_config(config_path.stem, config), "--held-out"
    sources = {span.source for sentence in predicted.values() for span in sentence.spans}
    other = [one for one in sources if CONFIG_MARK.search(one) and one[-MARK_DIGITS:] != mine[-MARK_DIGITS:]]
    if other:
        advice = "Give `crossval` the same config and the same --set"
        raise UsageError(f"it was predicted by {min(other)}, and this config is {mine}", where=where, next_step=advice)
    corpus = corpus_of(config, config_path)
    if not isinstance(corpus, GoldCorpus):
        raise UsageError("a stream has no held-out layer", where=where)
    gold = corpus.sentences()
    if missing := [sentence.id for sentence in gold if sentence.id not in predicted]:
        raise UsageError(f"{len(missing)} gold sentences have no prediction, {missing[0]} first", where=where)
    return score_strictly(gold, [predicted[sentence.id] for sentence in gold])


def count_groups(gold: Sequence[Sentence], groups: Mapping[str, str]) -> Counter[str]:
    """Return how many sentences each group has; fewer than two groups raise TrainingError."""
    counts = Counter(groups[sentence.id] for sentence in gold)
    if len(counts) < 2:  # noqa: PLR2004 — one left out, one to learn from
        advice = "Give more gold: of another article or section, or ten sentences of this one"
        raise TrainingError("there is one group only, nothing is left to learn from", next_step=advice)
    return counts
