"""The whole evaluation of a layer against the gold, and the comparison of two evaluations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np

from biaozhu.data.errors import ScoringError
from biaozhu.data.model import IN_SAMPLE_MARK, Sentence
from biaozhu.data.storage.layer_stream import SORT_ADVICE, stream_layer
from biaozhu.scoring import breakdown, significance
from biaozhu.scoring.breakdown import Aspect, Calibration, ClassScore, Confusion, SeenNames, ThresholdPoint
from biaozhu.scoring.counting import GROUPS, MOST_ARTICLES, WIDTH, LayerCounts
from biaozhu.scoring.error_patterns import PATTERNS, Case, Pattern
from biaozhu.scoring.scores import SCHEMES, Counts, Missing, Scheme, Tally, count_scheme, pair_layers
from biaozhu.scoring.significance import DEFAULT_SAMPLING, Difference, Estimate, ResamplingUnits, Sampling

# Of the sentences that a layer lacks so many are named, and all are counted.
MOST_NAMED = 10_000
ALL = "ALL"
_FIGURES = ("precision", "recall", "f1")


@dataclass(frozen=True, slots=True)
class EvaluationOptions:
    """Options of an evaluation; labels are in the order of reports, others that occur follow alphabetically.

    `sections` is the unique name of each sentence's section by its id, `seen` None where the layer is no trained model's.
    """

    labels: tuple[str, ...] = ()
    sections: Mapping[str, str] | None = None
    seen: SeenNames | None = None
    missing: Missing = "error"
    sampling: Sampling = DEFAULT_SAMPLING


DEFAULT_OPTIONS = EvaluationOptions()


@dataclass(slots=True)
class LackingSentences:
    """Sentences that a layer lacks: how many there are, and the ids of the first `MOST_NAMED`."""

    count: int = 0
    named: list[str] = field(default_factory=list)

    def add(self, identifier: str) -> None:
        """Count one more."""
        self.count += 1
        if self.count <= MOST_NAMED:
            self.named.append(identifier)


@dataclass(frozen=True, slots=True)
class ScoreEstimates:
    """The counts under one scheme, and its three figures with their intervals."""

    counts: Counts
    precision: Estimate
    recall: Estimate
    f1: Estimate


@dataclass(frozen=True, slots=True)
class ErrorGroup:
    """Count of an error pattern, and its first cases in the order of the gold."""

    pattern: Pattern
    count: int
    examples: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All that is known about one layer against the gold.

    A label's scores are those of both sides restricted to it. `missing` names gold sentences that the layer lacks and that
    were counted as found empty; of a stream the first 10,000, `missing_more` counts the others. `curve_step` is set where a
    stream has too many distinct scores: the thresholds of the curve are multiples of it.
    """

    name: str
    sentences: int
    characters: int
    missing: tuple[str, ...]
    units: ResamplingUnits
    sampling: Sampling
    overall: Mapping[Scheme, ScoreEstimates]
    labels: Mapping[str, Mapping[Scheme, ScoreEstimates]]
    breakdowns: Mapping[Aspect, tuple[ClassScore, ...]]
    confusion: Confusion
    calibration: Calibration
    curve: tuple[ThresholdPoint, ...]
    errors: tuple[ErrorGroup, ...]
    counts: LayerCounts
    missing_more: int = 0
    curve_step: float | None = None

    def scores_of(self, label: str) -> Mapping[Scheme, ScoreEstimates]:
        """Return the scores of a label, or of `ALL`."""
        return self.overall if label == ALL else self.labels[label]

    @property
    def in_sample(self) -> int:
        """Count of spans in sentences that the layer's model was trained on, as `predict` marks them."""
        return sum(row.predicted for row in self.breakdowns["source"] if row.key.endswith(IN_SAMPLE_MARK))


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two layers on the same gold; `differences` are b - a, Holm-corrected over all of them together."""

    a: str
    b: str
    units: ResamplingUnits
    sampling: Sampling
    differences: tuple[Difference, ...]


def list_occurring(evaluations: Sequence[Evaluation]) -> tuple[str, ...]:
    """Return the labels of which the gold or a layer has a span, in the order of reports."""
    scores = [(label, by["strict"].counts) for one in evaluations for label, by in one.labels.items()]
    found = {label for label, counts in scores if counts.possible or counts.actual}
    return tuple(dict.fromkeys(label for label, _ in scores if label in found))


def evaluate_layer(
    gold: Sequence[Sentence],
    layer: Sequence[Sentence],
    *,
    name: str = "layer",
    options: EvaluationOptions = DEFAULT_OPTIONS,
) -> Evaluation:
    """Score a layer, whose sentences may be in any order, against the gold; reports call it by its name."""
    pairs = pair_layers(gold, layer, missing=options.missing, name=name)
    units = significance.choose_units(gold, options.sections)
    occurring = {span.label for pair in pairs for sentence in pair for span in sentence.spans}
    counts = LayerCounts(
        pairs,
        labels=(*options.labels, *sorted(occurring - set(options.labels))),
        units=units.of,
        sections=options.sections,
        seen=options.seen,
    )
    known = {sentence.id for sentence in layer}
    lacking = [sentence.id for sentence in gold if sentence.id not in known]
    return _evaluate_counts(counts, units, name, options.sampling, LackingSentences(len(lacking), lacking))


def evaluate_stream(gold: str | Path, layer: str | Path, *, name: str, options: EvaluationOptions) -> Evaluation:
    """Score a layer against the gold, both read side by side as `pair_streams` does, in flat memory.

    The units that intervals resample are articles, above 10,000 of them groups of articles (see
    `biaozhu.scoring.counting`), not listed one by one. Seen names and sections are not used, and no labels but those of
    the options may occur; fewer than 10 articles, or other sentences or another order, raise ScoringError.
    """
    lacking = LackingSentences()
    pairs = pair_streams(gold, layer, labels=options.labels, missing=options.missing, lacking=lacking)
    counts = LayerCounts(pairs, labels=options.labels, units=None)
    found = counts.number
    if found < significance.ARTICLES_NEEDED:
        what = f"{found} articles, fewer than {significance.ARTICLES_NEEDED}"
        raise ScoringError(
            what, where=str(gold), next_step="Score so few articles without --stream, in Python by `evaluate_layer`"
        )
    reason = f"{found} articles"
    if not counts.units:
        reason = (
            f"{found} articles, more than {MOST_ARTICLES}: in {GROUPS} groups by a hash of their ids, each one unit"
        )
    units = ResamplingUnits("article", {}, found, reason, None if counts.units else GROUPS)
    return _evaluate_counts(counts, units, name, options.sampling, lacking)


def pair_streams(
    gold: str | Path, layer: str | Path, *, labels: Collection[str], missing: Missing, lacking: LackingSentences
) -> Iterator[tuple[Sentence, Sentence]]:
    """Pair the sentences of two files in the same order, or ScoringError; `lacking` receives what the layer lacks."""
    theirs = stream_layer(layer, labels=labels)
    other = next(theirs, None)
    for sentence in stream_layer(gold, labels=labels):
        if other is not None and other.id == sentence.id:
            if other.text != sentence.text:
                raise ScoringError(f"{sentence.id} has another text in {layer}", where=str(gold))
            yield sentence, other
            other = next(theirs, None)
            continue
        if missing == "error":
            what = f"{sentence.id} is not at the same place in {layer}"
            advice = "Bring both into the same order; if it lacks sentences, set `missing` to `empty`"
            raise ScoringError(what, where=str(gold), next_step=advice)
        lacking.add(sentence.id)
        yield sentence, Sentence(sentence.article, sentence.start, sentence.end, sentence.text)
    if other is not None:
        what = f"{other.id} is not in the gold, or not in its order"
        raise ScoringError(what, where=str(layer), next_step=SORT_ADVICE)


def compare_evaluations(a: Evaluation, b: Evaluation, *, sampling: Sampling = DEFAULT_SAMPLING) -> Comparison:
    """Compare evaluations of the same gold and units: F1 by scheme, strict P and R, strict F1 by label."""
    first, second = ((one.counts.units, one.counts.digest, one.units.of) for one in (a, b))
    if first != second:
        raise ScoringError(f"{a.name} and {b.name} were scored on different gold or units")
    labels = tuple(dict.fromkeys((*a.counts.labels, *b.counts.labels)))
    names = [f"{ALL} {scheme} f1" for scheme in SCHEMES] + [f"{ALL} strict precision", f"{ALL} strict recall"]
    names += [f"{label} strict f1" for label in labels]
    every = _make_metrics(sorted(labels))
    metrics = {name: every[name] for name in names}
    ours, theirs = (_arrange_columns(one.counts, sorted(labels)) for one in (a, b))
    differences = significance.compare_rows(ours, theirs, metrics, sampling=sampling)
    return Comparison(a.name, b.name, a.units, sampling, differences)


def _evaluate_counts(
    counts: LayerCounts, units: ResamplingUnits, name: str, sampling: Sampling, lacking: LackingSentences
) -> Evaluation:
    # Draws go by the order of the rows, which goes by that of the columns: reports order labels as they like.
    columns = sorted(counts.labels)
    rows = _arrange_columns(counts, columns)
    estimates = significance.estimate_metrics(rows, _make_metrics(columns), sampling=sampling)
    total = counts.rows.sum(axis=0)
    # Of copies of a sentence one has trials, each sentence by its own number of copies.
    copies = Counter(units.of.values() if units.kind == "sentence" else ())
    once = counts.rows / np.array([[copies[one]] for one in counts.units]) if copies else counts.rows
    figures = (sums.reshape(-1, WIDTH).tolist() for sums in (total, once.sum(axis=0)))
    overall, *by_label = (
        _estimate_scores(key, Tally(*tally), estimates, sizes, sampling)
        for key, tally, sizes in zip((ALL, *counts.labels), *figures, strict=True)
    )
    _, _, *unscored = counts.groups["confidence"].get(breakdown.NO_SCORE, (0, 0, 0, 0))
    return Evaluation(
        name=name,
        sentences=counts.sentences,
        characters=sum(map(sum, counts.confusion)),
        missing=tuple(lacking.named),
        units=units,
        sampling=sampling,
        overall=overall,
        labels=dict(zip(counts.labels, by_label, strict=True)),
        breakdowns={aspect: breakdown.score_classes(aspect, classes) for aspect, classes in counts.groups.items()},
        confusion=Confusion((*counts.labels, breakdown.OUTSIDE), tuple(map(tuple, counts.confusion))),
        calibration=breakdown.measure_calibration(counts.scores, unscored=unscored[0]),
        curve=breakdown.trace_thresholds(counts.scores.by_score, gold=int(total[0]), unscored=unscored),
        errors=tuple(
            ErrorGroup(pattern, counts.patterns[pattern], tuple(counts.cases[pattern]))
            for pattern in sorted(PATTERNS, key=lambda one: -counts.patterns[one])
            if counts.patterns[pattern]
        ),
        counts=counts,
        missing_more=lacking.count - len(lacking.named),
        curve_step=1 / breakdown.STEPS if counts.scores.coarse else None,
    )


def _make_metrics(labels: Sequence[str]) -> dict[str, significance.Metric]:
    return {
        f"{key} {scheme} {figure}": _make_metric(number * WIDTH, scheme, figure)
        for (number, key), scheme, figure in product(enumerate((ALL, *labels)), SCHEMES, _FIGURES)
    }


def _make_metric(first: int, scheme: Scheme, figure: str) -> significance.Metric:
    def compute(sums: significance.Floats) -> significance.Floats:
        gold, predicted, paired, strict, exact, same = (sums[:, first + at] for at in range(WIDTH))
        credit = {"strict": strict, "exact": exact, "partial": (exact + paired) / 2, "type": same}[scheme]
        if figure == "f1":
            credit = 2 * credit
        whole = {"precision": predicted, "recall": gold, "f1": gold + predicted}[figure]
        return np.divide(credit, whole, out=np.full_like(credit, np.nan), where=whole > 0)

    return compute


def _estimate_scores(
    key: str, tally: Tally, estimates: Mapping[str, Estimate], sizes: Sequence[float], sampling: Sampling
) -> dict[Scheme, ScoreEstimates]:
    # What each figure is a share of; of F1 half of both sides, which are equal where it is 1.
    gold, predicted, *_ = sizes
    trials = (predicted, gold, (gold + predicted) / 2)
    found: dict[Scheme, ScoreEstimates] = {}
    for scheme in SCHEMES:
        rough = (estimates[f"{key} {scheme} {figure}"] for figure in _FIGURES)
        exact = map(partial(significance.add_exact_interval, confidence=sampling.confidence), rough, trials)
        found[scheme] = ScoreEstimates(count_scheme(tally, scheme), *exact)
    return found


def _arrange_columns(counts: LayerCounts, labels: Sequence[str]) -> significance.Integers:
    """Return the rows with a block of columns for each of these labels, zeros for one that the layer lacks."""
    blocks = counts.rows.reshape(len(counts.rows), -1, WIDTH)
    arranged = np.zeros((len(blocks), 1 + len(labels), WIDTH), dtype=np.int64)
    arranged[:, [0, *(1 + labels.index(label) for label in counts.labels)]] = blocks
    return arranged.reshape(len(blocks), -1)
