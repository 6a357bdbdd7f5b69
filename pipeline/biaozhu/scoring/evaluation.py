"""The whole evaluation of a layer against the gold, and the comparison of two layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from biaozhu.data.errors import ScoringError
from biaozhu.scoring.breakdown import (
    ASPECTS,
    NO_SCORE,
    SENTENCE_LENGTHS,
    Row,
    confusion_of,
    length_class,
    length_classes,
)
from biaozhu.scoring.calibration import BINS, STEPS, calibrate, threshold_curve
from biaozhu.scoring.counting import WIDTH, count_layer
from biaozhu.scoring.error_patterns import PATTERNS
from biaozhu.scoring.match import SCHEMES
from biaozhu.scoring.paired_stream import Lacking, side_by_side
from biaozhu.scoring.resampling import GROUPS, MOST_ARTICLES
from biaozhu.scoring.scores import Tally, pair_layers, score_of
from biaozhu.scoring.significance import (
    ARTICLES_NEEDED,
    DEFAULT_SAMPLING,
    Units,
    bootstrap,
    choose_units,
    with_exact,
)
from biaozhu.scoring.significance import compare as compare_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from biaozhu.data.model import Sentence
    from biaozhu.scoring.breakdown import Aspect, Confusion
    from biaozhu.scoring.calibration import Calibration, Point
    from biaozhu.scoring.counting import Counted
    from biaozhu.scoring.error_patterns import Case, Pattern
    from biaozhu.scoring.match import Scheme
    from biaozhu.scoring.scores import Missing, Score
    from biaozhu.scoring.seen import Seen
    from biaozhu.scoring.significance import Difference, Estimate, Metric, Sampling

    Floats = NDArray[np.float64]

ALL = "ALL"
_HEADLINE = ("precision", "recall", "f1")


@dataclass(frozen=True, slots=True)
class Setting:
    """What an evaluation needs to know besides the two layers.

    Attributes:
        labels: ids in the order of reports; further ones that occur follow in alphabetical order.
        sections: unit name of the section of each sentence, by sentence id (unique over articles).
        seen: what training has seen; None where the layer is of no trained model.
        missing: what to do with gold sentences that the layer lacks, see `pair_layers`.
        sampling: of the intervals.
        examples: how many errors of each pattern to keep.
    """

    labels: tuple[str, ...] = ()
    sections: Mapping[str, str] | None = None
    seen: Seen | None = None
    missing: Missing = "error"
    sampling: Sampling = DEFAULT_SAMPLING
    examples: int = 20


DEFAULT_SETTING = Setting()


@dataclass(frozen=True, slots=True)
class Scored:
    """A score under one scheme with the intervals of its three figures."""

    score: Score
    precision: Estimate
    recall: Estimate
    f1: Estimate


@dataclass(frozen=True, slots=True)
class ErrorGroup:
    """How often a pattern occurs, and the first cases of it in the order of the gold."""

    pattern: Pattern
    count: int
    examples: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Everything that is known about one layer against the gold.

    `overall` and each label's scores hold the four schemes; a label's are those of both sides restricted to it.
    `missing` names gold sentences that the layer lacks and that were counted as found empty; of a stream the first
    10,000, `missing_more` is how many others there are. `curve_step` is what the thresholds of the curve are multiples
    of, where a stream has too many distinct scores to tell them apart.
    """

    name: str
    sentences: int
    characters: int
    missing: tuple[str, ...]
    units: Units
    sampling: Sampling
    overall: Mapping[Scheme, Scored]
    labels: Mapping[str, Mapping[Scheme, Scored]]
    breakdowns: Mapping[Aspect, tuple[Row, ...]]
    confusion: Confusion
    calibration: Calibration
    curve: tuple[Point, ...]
    errors: tuple[ErrorGroup, ...]
    counted: Counted
    missing_more: int = 0
    curve_step: float | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two layers on the same gold; `differences` are b - a, Holm-corrected over all of them together."""

    a: str
    b: str
    units: Units
    sampling: Sampling
    differences: tuple[Difference, ...]


def evaluate(
    gold: Sequence[Sentence],
    layer: Sequence[Sentence],
    *,
    name: str = "layer",
    setting: Setting = DEFAULT_SETTING,
) -> Evaluation:
    """Score a layer against the gold.

    Args:
        gold: the gold sentences.
        layer: the same sentences with the spans to be scored, in any order.
        name: of the layer, as reports show it.
        setting: what else is known, and how to sample.

    Raises:
        ScoringError, VersionError: the layers cannot be compared, see `pair_layers` and `choose_units`.
    """
    pairs = pair_layers(gold, layer, missing=setting.missing, name=name)
    units = choose_units({sentence.id: sentence.article for sentence in gold}, setting.sections)
    occurring = {span.label for pair in pairs for sentence in pair for span in sentence.spans}
    counted = count_layer(
        pairs,
        labels=(*setting.labels, *sorted(occurring - set(setting.labels))),
        units=units.of,
        sections=setting.sections,
        seen=setting.seen,
        examples=setting.examples,
    )
    given = {sentence.id for sentence in layer}
    lacking = [sentence.id for sentence in gold if sentence.id not in given]
    return _evaluated(counted, units, name, setting, lacking)


def evaluate_stream(gold: Path, layer: Path, *, name: str, setting: Setting) -> Evaluation:
    """Score a layer against the gold, both read side by side; see `side_by_side` for what the files must be.

    The units that intervals resample are articles, above 10,000 of them groups of articles (see `biaozhu.scoring.resampling`),
    which are then not listed one by one. What training has seen and sections are not told apart. Memory does not grow
    with the number of sentences, articles or spans.

    Args:
        gold: the gold layer, JSONL, plain or compressed.
        layer: the layer to be scored, likewise.
        name: of the layer, as reports show it.
        setting: how to sample; its labels are all that there may be.

    Raises:
        ScoringError: the files do not go together, or hold fewer than 10 articles.
        BiaozhuError: a file cannot be read, see `stream_layer`.
    """
    lacking = Lacking()
    pairs = side_by_side(gold, layer, labels=setting.labels, missing=setting.missing, lacking=lacking)
    counted = count_layer(pairs, labels=setting.labels, units=None, examples=setting.examples)
    found = counted.number
    if found < ARTICLES_NEEDED:
        raise ScoringError(
            f"{found} articles, fewer than {ARTICLES_NEEDED}",
            where=str(gold),
            next_step="Score so few articles without --stream",
        )
    units = Units("article", {}, found, f"{found} articles")
    if not counted.units:
        reason = f"{found} articles, more than {MOST_ARTICLES}: in {GROUPS} groups by a hash of their ids, each one unit"
        units = Units("article", {}, found, reason, GROUPS)
    return _evaluated(counted, units, name, setting, lacking.named, lacking.count - len(lacking.named))


def _evaluated(
    counted: Counted,
    units: Units,
    name: str,
    setting: Setting,
    missing: Sequence[str],
    missing_more: int = 0,
) -> Evaluation:
    estimates = bootstrap(counted.rows, _metrics(counted.labels), sampling=setting.sampling)
    total = counted.rows.sum(axis=0)
    gold_spans = int(total[0])
    unscored, unscored_correct = _unscored(counted)
    return Evaluation(
        name=name,
        sentences=counted.sentences,
        characters=int(counted.confusion.sum()),
        missing=tuple(missing),
        units=units,
        sampling=setting.sampling,
        overall=_scored(ALL, 0, total, estimates, setting.sampling),
        labels={
            label: _scored(label, number, total, estimates, setting.sampling)
            for number, label in enumerate(counted.labels, 1)
        },
        breakdowns=_breakdowns(counted),
        confusion=confusion_of(counted.confusion, counted.labels),
        calibration=calibrate(counted.scores, unscored=unscored),
        curve=threshold_curve(
            counted.scores.by_score,
            gold=gold_spans,
            unscored=unscored,
            unscored_correct=unscored_correct,
        ),
        errors=tuple(
            ErrorGroup(pattern, counted.patterns[pattern], counted.cases.get(pattern, ()))
            for pattern in sorted(PATTERNS, key=lambda pattern: -counted.patterns.get(pattern, 0))
            if counted.patterns.get(pattern)
        ),
        counted=counted,
        missing_more=missing_more,
        curve_step=1 / STEPS if counted.scores.coarse else None,
    )


def compare(a: Evaluation, b: Evaluation, *, sampling: Sampling = DEFAULT_SAMPLING) -> Comparison:
    """Compare two evaluations on the same gold: F1 under the four schemes, strict P and R, strict F1 of each label.

    Raises:
        ScoringError: they were not made from the same gold and units.
    """
    ours, theirs = ((one.counted.units, one.counted.digest, one.units.of) for one in (a, b))
    if ours != theirs:
        raise ScoringError(f"{a.name} and {b.name} were scored on different gold or units")
    labels = tuple(dict.fromkeys((*a.counted.labels, *b.counted.labels)))
    names = [
        *(f"{ALL} {scheme} f1" for scheme in SCHEMES),
        f"{ALL} strict precision",
        f"{ALL} strict recall",
        *(f"{label} strict f1" for label in labels),
    ]
    metrics = _metrics(labels)
    differences = compare_rows(
        _columns(a.counted, labels),
        _columns(b.counted, labels),
        {name: metrics[name] for name in names},
        sampling=sampling,
    )
    return Comparison(a.name, b.name, a.units, sampling, differences)


def _metrics(labels: Sequence[str]) -> dict[str, Metric]:
    return {
        f"{key} {scheme} {figure}": _metric(number * WIDTH, scheme, figure)
        for number, key in enumerate((ALL, *labels))
        for scheme in SCHEMES
        for figure in _HEADLINE
    }


def _metric(first: int, scheme: Scheme, figure: str) -> Callable[[Floats], Floats]:
    def compute(sums: Floats) -> Floats:
        gold, predicted, paired, strict, exact, same = (sums[:, first + at] for at in range(WIDTH))
        credit = {"strict": strict, "exact": exact, "partial": (exact + paired) / 2, "type": same}[scheme]
        if figure == "f1":
            credit = 2 * credit
        whole = {"precision": predicted, "recall": gold, "f1": gold + predicted}[figure]
        return np.divide(credit, whole, out=np.full_like(credit, np.nan), where=whole > 0)

    return compute


def _scored(
    key: str, number: int, total: NDArray[np.int64], estimates: Mapping[str, Estimate], sampling: Sampling
) -> dict[Scheme, Scored]:
    tally = Tally(*(int(figure) for figure in total[number * WIDTH : (number + 1) * WIDTH]))
    # What each figure is a share of; of F1 half of both sides, which are equal where it is 1.
    trials = tally.predicted, tally.gold, (tally.gold + tally.predicted) / 2
    return {
        scheme: Scored(
            score_of(tally, scheme),
            *(
                with_exact(estimates[f"{key} {scheme} {figure}"], whole, confidence=sampling.confidence)
                for figure, whole in zip(_HEADLINE, trials, strict=True)
            ),
        )
        for scheme in SCHEMES
    }


def _columns(counted: Counted, labels: Sequence[str]) -> NDArray[np.int64]:
    blocks = [counted.rows[:, :WIDTH]]
    for label in labels:
        if label in counted.labels:
            first = (1 + counted.labels.index(label)) * WIDTH
            blocks.append(counted.rows[:, first : first + WIDTH])
        else:
            blocks.append(np.zeros((len(counted.rows), WIDTH), dtype=np.int64))
    return np.hstack(blocks)


def _unscored(counted: Counted) -> tuple[int, int]:
    of_them = {key: count for key, count in counted.predicted_classes.items() if key[2] is None}
    return sum(of_them.values()), sum(count for key, count in of_them.items() if key[4])


def _breakdowns(counted: Counted) -> dict[Aspect, tuple[Row, ...]]:
    rows: dict[Aspect, tuple[Row, ...]] = {
        aspect: tuple(
            Row(key, gold, predicted, strict, sentences)
            for key, (sentences, gold, predicted, strict) in group.items()
        )
        for aspect, group in counted.groups.items()
    }
    order = length_classes(SENTENCE_LENGTHS)
    rows["sentence_length"] = tuple(sorted(rows["sentence_length"], key=lambda row: order.index(row.key)))
    rows["length"] = _span_rows(
        counted, lambda key: length_class(key[0]), lambda key: length_class(key[0]), length_classes()
    )
    known = {True: "seen", False: "unseen"}
    rows["surface"] = _span_rows(
        counted,
        lambda key: None if key[1] is None else known[key[1]],
        lambda key: None if key[1] is None else known[key[1]],
        tuple(known.values()),
    )
    bins = [f"{at / BINS:.1f}-{(at + 1) / BINS:.1f}" for at in range(BINS)]
    rows["confidence"] = _span_rows(
        counted, None, lambda key: NO_SCORE if key[2] is None else bins[key[2]], (*bins, NO_SCORE)
    )
    rows["source"] = _span_rows(
        counted, None, lambda key: key[3], tuple(sorted({key[3] for key in counted.predicted_classes}))
    )
    return {aspect: rows[aspect] for aspect in ASPECTS}


def _span_rows(
    counted: Counted,
    gold_key: Callable[..., str | None] | None,
    predicted_key: Callable[..., str | None],
    order: Sequence[str],
) -> tuple[Row, ...]:
    gold, predicted, correct = (dict.fromkeys(order, 0) for _ in range(3))
    if gold_key is not None:
        for mine, count in counted.gold_classes.items():
            if (key := gold_key(mine)) is not None:
                gold[key] += count
    for theirs, count in counted.predicted_classes.items():
        if (key := predicted_key(theirs)) is not None:
            predicted[key] += count
            correct[key] += count * theirs[4]
    return tuple(
        Row(key, None if gold_key is None else gold[key], predicted[key], correct[key])
        for key in order
        if gold[key] or predicted[key]
    )
