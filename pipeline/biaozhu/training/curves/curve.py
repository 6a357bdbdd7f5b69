"""The learning curve: train on growing shares of the gold and score each model on what it has not seen.

The gold is cut into folds by section or by article. Of what a fold leaves to learn from, each seed draws an order, and
each size takes the first sentences of it, so that a larger share holds the smaller ones. Seeds choose sentences
only: the config's own seed stays, and the whole of the rest, which is the same for all seeds, is trained on once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from confection import Config
from sklearn.model_selection import GroupKFold

from biaozhu import __version__
from biaozhu.annotators.trained import annotate_with
from biaozhu.data.errors import TrainingError
from biaozhu.data.files import sha256_of, write_json
from biaozhu.data.ledger import Entry
from biaozhu.data.model import Sentence
from biaozhu.data.shipped import name_shipped
from biaozhu.data.strict_counts import count_strict_spans, sum_counts
from biaozhu.nlp.encoders import remembering
from biaozhu.scoring.significance import ResamplingUnits, Sampling
from biaozhu.training.crossval import count_groups
from biaozhu.training.curves.extrapolation import DEFAULT_SAMPLING, FAILURES, exchange, extrapolate
from biaozhu.training.train import fit

FORMAT = "biaozhu.curve.v1"
MORE_SENTENCES = 100
# Points of the extrapolated line, from the smallest size to what is asked about.
LINE_POINTS = 40
# The smallest share; the sizes between it and the whole grow by one factor.
SMALLEST_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class CurvePlan:
    """Plan of a learning curve: sizes, seeds, the most folds of the gold, and the sampling of bands.

    `other` is another layer, such as a language model's, to train on in place of the gold, too. Of an article of the gold
    only the gold's sentences are taken from it.
    """

    sizes: int = 6
    seeds: int = 5
    folds: int = 5
    sampling: Sampling = DEFAULT_SAMPLING
    other: tuple[Sentence, ...] = ()


def measure_curve(
    config: Config,
    gold: Sequence[Sentence],
    groups: Mapping[str, str],
    units: ResamplingUnits,
    *,
    plan: CurvePlan,
    on_training: Callable[[int, int], None] = lambda *_: None,
) -> tuple[dict[str, Any], tuple[Entry, ...]]:
    """Train on growing shares of the gold, score strictly on what was held out, and extrapolate.

    The config's own corpus is not read. `groups` says what is held out together, by sentence id (see `group_sentences`), `units` what is
    drawn together for bands and intervals (see `choose_units`); `on_training` is called before each training with its number from 0 and
    how many there are. Returned are the curve as plain JSON values, null where it is not known, and what could not be aligned in training.
    """
    names = [groups[sentence.id] for sentence in gold]
    cutter = GroupKFold(min(plan.folds, len(count_groups(gold, groups))))
    articles = {sentence.article for sentence in gold}
    usable = [one for one in plan.other if one.id in groups or one.article not in articles]
    pools = [gold, usable] if plan.other else [gold]
    splits = []
    for _, left_out in cutter.split(gold, groups=names):
        held_out = [gold[at] for at in left_out]
        ids = {one.id for one in held_out}
        splits.append(([[one for one in pool if one.id not in ids] for pool in pools], held_out))
    rows = {name: at for at, name in enumerate(dict.fromkeys(units.of[one.id] for one in gold))}
    counts = np.zeros((len(pools), plan.sizes, plan.seeds, len(rows), 3), np.int64)
    taken: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    entries: dict[Entry, None] = {}
    shares, whole = np.geomspace(SMALLEST_SHARE, 1.0, plan.sizes).tolist(), plan.sizes - 1
    trainings = [
        (fold, source, size, seed)
        for fold in range(len(splits))
        for source in range(len(pools))
        for size in range(plan.sizes)
        for seed in range(plan.seeds if size < whole else 1)
    ]
    with remembering():
        for done, (fold, source, size, seed) in enumerate(trainings):
            on_training(done, len(trainings))
            learned, held_out = splits[fold]
            chosen = draw_sentences(learned[source], shares[size], seed=seed, fold=fold)
            taken[source, size].append(len(chosen))
            fitted = fit(config, chosen)
            entries |= dict.fromkeys(fitted.entries)
            found = annotate_with(fitted.nlp, [sentence.text for sentence in held_out], source="curve")
            seeds = slice(seed, seed + 1) if size < whole else slice(None)
            for sentence, spans in zip(held_out, found, strict=True):
                strict = count_strict_spans((one.key for one in sentence.spans), (one.key for one in spans))
                row = rows[units.of[sentence.id]]
                counts[source, size, seeds, row] += astuple(sum_counts(strict.values()))
    curves = [
        ([round(float(np.mean(taken[source, size]))) for size in range(plan.sizes)], counts[source])
        for source in range(len(pools))
    ]
    result = extrapolate(*curves[0], annotated=len(gold), more=MORE_SENTENCES, sampling=plan.sampling)
    worth = exchange(*curves, sampling=plan.sampling) if plan.other else None
    law, gain = result.law, result.gain
    ends = result.points[0].sentences, len(gold) + MORE_SENTENCES
    line = sorted({round(at) for at in np.linspace(*ends, LINE_POINTS)})
    document = {
        "format": FORMAT,
        "points": [asdict(point) for point in result.points],
        "model": "F1 = a - b n^-c",
        "parameters": law._asdict() if law else None,
        "fit": [{"sentences": at, "f1": law.at(at)} for at in line] if law else [],
        "failure": result.failure or None,
        "failure_text": FAILURES.get(result.failure),
        "annotated": len(gold),
        "more": MORE_SENTENCES,
        "worth": gain.gain if gain else None,
        "worth_low": gain.low if gain else None,
        "worth_high": gain.high if gain else None,
        "distinguishable": gain.distinguishable if gain else None,
        "exchange": {**asdict(worth), "rate": worth.rate} if worth else None,
        "held_out": [len(held_out) for _, held_out in splits],
        "units": {"kind": units.kind, "count": units.count, "reason": units.reason},
        "sampling": asdict(plan.sampling),
        "seeds": list(range(plan.seeds)),
        "trainings": len(trainings),
    }
    return document, tuple(entries)


def write_curve(
    path: Path, curve: Mapping[str, Any], *, files: Sequence[Path], command: Sequence[str]
) -> dict[str, Any]:
    """Write a curve atomically as `biaozhu report --curve` takes it, and return what was written.

    `files` are config, gold and articles, named with their checksums, `command` has the words of the command line. There is no date: the
    same gold, config and plan give the same document.
    """
    inputs = [{"path": str(name_shipped(path)), "sha256": sha256_of(path)} for path in files]
    document = {**curve, "made": {"version": __version__, "command": list(command), "inputs": inputs}}
    write_json(path, document, allow_nan=False)
    return document


def draw_sentences(pool: Sequence[Sentence], share: float, *, seed: int, fold: int) -> list[Sentence]:
    """Return the first sentences of the order that a seed draws, in the order of the pool.

    The same seed draws the same order for every share. Sentences are added until one of them has a span: without
    any there is nothing to learn.
    """
    order = np.random.default_rng([seed, fold]).permutation(len(pool)).tolist()
    first = next((at for at, number in enumerate(order) if pool[number].spans), None)
    if first is None:
        advice = "Give gold of more sections or articles"
        raise TrainingError("what one fold leaves to learn from has no spans", next_step=advice)
    size = max(round(share * len(pool)), first + 1, 1)
    return [pool[number] for number in sorted(order[:size])]
