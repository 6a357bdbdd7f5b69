"""Does seeing a pre-annotation change what annotators say? Measured on their confirmed sentences.

On its own a high rate of unchanged acceptance says nothing: the model may be right, or the annotator may be asleep.
The control slice, whose pre-annotations are withheld, tells the two apart: who marks by themselves agrees with the
hidden pre-annotation as often as with a shown one. With gold there is a sharper figure: how many of the model's
errors stand in the annotators' work when they were shown, and how many when they were not. The effect is known
from Fort & Sagot 2010 (pre-annotation in POS tagging) and Lingren et al. 2014 (clinical entities).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from biaozhu.curation.status import SUFFIX, SentenceStatus, read_status
from biaozhu.data.diff import compare_spans
from biaozhu.data.errors import GoldError, MissingFileError
from biaozhu.data.layers import read_layer
from biaozhu.data.model import with_spans

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from biaozhu.data.model import Sentence, Span

FORMAT = "biaozhu.bias.v1"
"""What `-o` says that its file is."""

SCORE_EDGES = (0.5, 0.7, 0.8, 0.9, 0.95)
UNSCORED = "no score"
RESAMPLES = 10_000
CONFIDENCE = 0.95
NEEDED = 2
"""Sentences that a slice needs before a spread can be told."""


@dataclass(frozen=True, slots=True)
class Rate:
    """`count` of `of`; `rate` is None where there is nothing to count."""

    count: int
    of: int
    rate: float | None


@dataclass(frozen=True, slots=True)
class Work:
    """A sentence that an annotator confirmed: as it is now, and what became of it."""

    annotator: str
    sentence: Sentence
    status: SentenceStatus


@dataclass(frozen=True, slots=True)
class Contrast:
    """A figure with the pre-annotation shown, withheld, and shown minus withheld with its 95 % interval.

    The interval is a percentile bootstrap over sentences within each slice; None where a slice has fewer than two.
    """

    shown: Rate
    blind: Rate
    difference: float | None
    interval: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Bias:
    """How annotators treat pre-annotations.

    Attributes:
        sentences: confirmed sentences, shown and blind.
        accepted: shown sentences with a pre-annotation that were confirmed as they were, of all such.
        accepted_by_annotator: the same for each annotator.
        fates: of the shown spans: kept, moved, relabelled, removed; and added ones beside them.
        edited: shown spans that were not kept, of all shown.
        edited_by_label: the same by the pre-annotation's label.
        edited_by_score: the same by the model's score, in bands.
        agreement: spans that the pre-annotation and the annotator share, twice, of all spans of both (strict F1).
        errors_taken: of the pre-annotation's spans that are not gold, those in the annotators' work; with gold only.
        omissions_taken: of the gold spans that the pre-annotation lacks, those missing there too; with gold only.
    """

    sentences: dict[str, int]
    accepted: Rate
    accepted_by_annotator: dict[str, Rate]
    fates: dict[str, int]
    edited: Rate
    edited_by_label: dict[str, Rate]
    edited_by_score: dict[str, Rate]
    agreement: Contrast
    errors_taken: Contrast | None
    omissions_taken: Contrast | None


def read_work(folder: Path) -> tuple[Work, ...]:
    """Read what one annotator confirmed, `layers/<annotator>/`.

    Raises:
        MissingFileError: there is no status file: the layer did not come from `biaozhu project pull`.
        LineError, OffsetError, …: a file is not valid.
        GoldError: a layer lacks a sentence that its status file calls confirmed.
    """
    files = sorted(folder.glob(f"*{SUFFIX}"))
    if not files:
        raise MissingFileError(
            f"no *{SUFFIX} in this folder", where=str(folder), next_step="Make it with `biaozhu project pull`"
        )
    found: list[Work] = []
    for file in files:
        path = file.with_name(file.name.removesuffix(SUFFIX) + ".jsonl")
        layer = {sentence.id: sentence for sentence in (read_layer(path) if path.exists() else ())}
        for status in read_status(file):
            if status.state != "confirmed":
                continue
            if status.sentence not in layer:
                raise GoldError(
                    "the layer lacks this confirmed sentence",
                    where=f"{path}: {status.sentence}",
                    next_step="Pull the project again",
                )
            found.append(Work(folder.resolve().name, layer[status.sentence], status))
    return tuple(found)


def measure_bias(work: Sequence[Work], *, gold: Sequence[Sentence] = (), seed: int = 1) -> Bias:
    """Measure how annotators treat pre-annotations.

    Args:
        work: confirmed sentences of all annotators.
        gold: gold of some or all of these sentences; none leaves the two figures out that need it.
        seed: of the bootstrap.

    Raises:
        GoldError: nothing is confirmed; or a gold sentence has another text.
    """
    if not work:
        raise GoldError("no confirmed sentence", next_step="Pull again when annotators have confirmed some")
    shown = [item for item in work if not item.status.blind]
    blind = [item for item in work if item.status.blind]
    fates: Counter[str] = Counter({"kept": 0, "moved": 0, "relabelled": 0, "removed": 0, "added": 0})
    by_label: defaultdict[str, list[bool]] = defaultdict(list)
    by_score: dict[str, list[bool]] = {band: [] for band in _bands()}
    unchanged: defaultdict[str, list[bool]] = defaultdict(list)
    for item in shown:
        found = _fates(item)
        fates.update(found.values())
        fates["added"] += _added(item)
        for span, fate in found.items():
            by_label[span.label].append(fate != "kept")
            by_score[_band(span.score)].append(fate != "kept")
        if item.status.shown:
            unchanged[item.annotator].append(_keys(item.sentence.spans) == _keys(item.status.shown))
    edits = [edited for found in by_label.values() for edited in found]
    truth = _truth(gold, work)
    contrast = _contrasts(shown, blind, seed)
    return Bias(
        sentences={"shown": len(shown), "blind": len(blind)},
        accepted=_rate([same for found in unchanged.values() for same in found]),
        accepted_by_annotator={name: _rate(found) for name, found in sorted(unchanged.items())},
        fates=dict(fates),
        edited=_rate(edits),
        edited_by_label={label: _rate(found) for label, found in sorted(by_label.items())},
        edited_by_score={band: _rate(found) for band, found in by_score.items()},
        agreement=contrast(_agreeing),
        errors_taken=contrast(lambda item: _errors(item, truth)) if truth else None,
        omissions_taken=contrast(lambda item: _omissions(item, truth)) if truth else None,
    )


def _fates(item: Work) -> dict[Span, str]:
    before = with_spans(item.sentence, item.status.shown)
    changed = {
        change.before: change.kind
        for change in compare_spans(before, item.sentence)
        if change.before is not None and change.kind != "provenance"
    }
    return {span: changed.get(span, "kept") for span in before.spans}


def _added(item: Work) -> int:
    before = with_spans(item.sentence, item.status.shown)
    return sum(change.kind == "added" for change in compare_spans(before, item.sentence))


def _agreeing(item: Work) -> tuple[int, int]:
    mine, theirs = _keys(item.sentence.spans), _keys(item.status.proposed)
    return 2 * len(mine & theirs), len(mine) + len(theirs)


def _errors(item: Work, truth: Mapping[str, set[tuple[int, int, str]]]) -> tuple[int, int]:
    if item.sentence.id not in truth:
        return 0, 0
    wrong = _keys(item.status.proposed) - truth[item.sentence.id]
    return len(wrong & _keys(item.sentence.spans)), len(wrong)


def _omissions(item: Work, truth: Mapping[str, set[tuple[int, int, str]]]) -> tuple[int, int]:
    if item.sentence.id not in truth:
        return 0, 0
    omitted = truth[item.sentence.id] - _keys(item.status.proposed)
    return len(omitted - _keys(item.sentence.spans)), len(omitted)


def _contrasts(
    shown: Sequence[Work], blind: Sequence[Work], seed: int
) -> Callable[[Callable[[Work], tuple[int, int]]], Contrast]:
    def contrast(count: Callable[[Work], tuple[int, int]]) -> Contrast:
        sides = [np.array([count(item) for item in side]).reshape(-1, 2) for side in (shown, blind)]
        rates = [_share(int(side[:, 0].sum()), int(side[:, 1].sum())) for side in sides]
        first, second = (rate.rate for rate in rates)
        if first is None or second is None:
            return Contrast(rates[0], rates[1], None, None)
        if min(len(side) for side in sides) < NEEDED:
            return Contrast(rates[0], rates[1], first - second, None)
        draws = [_resampled(side, np.random.default_rng((seed, number))) for number, side in enumerate(sides)]
        differences = draws[0] - draws[1]
        tail = 100 * (1 - CONFIDENCE) / 2
        low, high = np.nanpercentile(differences, [tail, 100 - tail])
        return Contrast(rates[0], rates[1], first - second, (float(low), float(high)))

    return contrast


def _resampled(
    side: np.ndarray[tuple[int, int], np.dtype[np.int64]], chance: np.random.Generator
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the rate in each resample of the sentences, NaN where a resample has nothing to count."""
    # Sentences with the same counts are interchangeable: weights are drawn for the distinct ones.
    rows, sizes = np.unique(side, axis=0, return_counts=True)
    weights = chance.multinomial(len(side), sizes / len(side), size=RESAMPLES)
    sums = weights @ rows
    return np.where(sums[:, 1] == 0, np.nan, sums[:, 0] / np.maximum(sums[:, 1], 1))


def _truth(gold: Sequence[Sentence], work: Iterable[Work]) -> dict[str, set[tuple[int, int, str]]]:
    texts = {item.sentence.id: item.sentence.text for item in work}
    for sentence in gold:
        if texts.get(sentence.id, sentence.text) != sentence.text:
            raise GoldError("the gold holds another text", where=sentence.id, next_step="Name the right gold")
    return {sentence.id: _keys(sentence.spans) for sentence in gold if sentence.id in texts}


def _keys(spans: Iterable[Span]) -> set[tuple[int, int, str]]:
    return {span.key for span in spans}


def _bands() -> list[str]:
    edges = (0.0, *SCORE_EDGES, 1.0)
    return [*(f"{low:g}–{high:g}" for low, high in pairwise(edges)), UNSCORED]


def _band(score: float | None) -> str:
    return UNSCORED if score is None else _bands()[sum(score >= edge for edge in SCORE_EDGES)]


def _rate(outcomes: Sequence[bool]) -> Rate:
    return _share(sum(outcomes), len(outcomes))


def _share(count: int, of: int) -> Rate:
    return Rate(count, of, count / of if of else None)
