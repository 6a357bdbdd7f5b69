"""Does seeing a pre-annotation change what annotators say? Measured on their confirmed sentences.

An annotator who works independently agrees with a hidden pre-annotation, of the control slice, as often as with a shown
one. With gold there is a sharper figure: how many of the model's errors are in the annotators' work when they were shown,
and how many when they were not. The effect is known from Fort & Sagot 2010 (pre-annotation in POS tagging) and Lingren et
al. 2014 (clinical entities).
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from biaozhu.curation.status import SentenceStatus, read_status
from biaozhu.data.diff import compare_spans
from biaozhu.data.errors import GoldError, MissingFileError
from biaozhu.data.files import as_path
from biaozhu.data.layers import STATUS_SUFFIX, join_layers, read_layer
from biaozhu.data.model import Sentence, Span, with_spans
from biaozhu.data.strict_counts import count_strict_spans, divide, sum_counts

Keys = set[tuple[int, int, str]]

FORMAT = "biaozhu.bias.v1"  # The format of the file that `-o` writes

SCORE_EDGES = (0.5, 0.7, 0.8, 0.9, 0.95)
UNSCORED = "no score"
BANDS = (*(f"{low:g}–{high:g}" for low, high in pairwise((0.0, *SCORE_EDGES, 1.0))), UNSCORED)
FATES = ("kept", "moved", "relabelled", "removed", "added")
RESAMPLES, SEED = 10_000, 1
CONFIDENCE = 0.95
SENTENCES_NEEDED = 2  # in each slice, before there is a spread


@dataclass(frozen=True, slots=True)
class Rate:
    """`count` of `of`; `rate` is None where there is nothing to count."""

    count: int
    of: int
    rate: float | None


@dataclass(frozen=True, slots=True)
class ConfirmedSentence:
    """A sentence that an annotator confirmed, and what became of it."""

    annotator: str
    sentence: Sentence
    status: SentenceStatus


@dataclass(frozen=True, slots=True)
class Contrast:
    """A figure shown and withheld, their difference, and its 95 % percentile bootstrap over sentences, if there is one."""

    shown: Rate
    blind: Rate
    difference: float | None
    interval: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Bias:
    """The annotators' treatment of pre-annotations.

    `sentences` are confirmed ones, shown and blind; `accepted` the shown with a pre-annotation that were confirmed as they
    were, of all such; `fates` of the shown spans: kept, moved, relabelled, removed, and added ones beside them; `edited` shown
    spans that were not kept, of all shown, also by the pre-annotation's label and by score in bands; `agreement` the spans
    that both share, twice, of all spans of both (strict F1). With gold only: `errors_taken`, of the pre-annotation's spans
    that are not gold those in the annotators' work, and `omissions_taken`, of the gold spans it lacks those missing there too.
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


def read_work(folder: str | Path) -> tuple[ConfirmedSentence, ...]:
    """Read what one annotator confirmed, `layers/<annotator>/`, as `biaozhu project pull` left it."""
    folder = as_path(folder)
    files = sorted(folder.glob(f"*{STATUS_SUFFIX}"))
    if not files:
        advice = "Make it with `biaozhu project pull`"
        raise MissingFileError(f"no *{STATUS_SUFFIX} in this folder", where=folder, next_step=advice)
    found: list[ConfirmedSentence] = []
    confirmed: list[tuple[Path, list[Sentence]]] = []
    for file in files:
        path = file.with_name(file.name.removesuffix(STATUS_SUFFIX) + ".jsonl")
        layer = {sentence.id: sentence for sentence in (read_layer(path) if path.exists() else ())}
        confirmed.append((path, []))
        for status in (one for one in read_status(file) if one.state == "confirmed"):
            if status.sentence not in layer:
                what, where = "the layer lacks this confirmed sentence", f"{path}: {status.sentence}"
                raise GoldError(what, where=where, next_step="Pull the project again")
            found.append(ConfirmedSentence(folder.resolve().name, layer[status.sentence], status))
            confirmed[-1][1].append(layer[status.sentence])
    join_layers(confirmed)
    return tuple(found)


def measure_bias(work: Sequence[ConfirmedSentence], *, gold: Sequence[Sentence] = ()) -> Bias:
    """Measure how annotators treat pre-annotations on sentences that they confirmed; gold may cover some or none."""
    if not work:
        raise GoldError("no confirmed sentence", next_step="Pull again when annotators have confirmed some")
    slices = [[item for item in work if item.status.blind == blind] for blind in (False, True)]
    fates: Counter[str] = Counter(dict.fromkeys(FATES, 0))
    by_label: defaultdict[str, list[bool]] = defaultdict(list)
    by_score: dict[str, list[bool]] = {band: [] for band in BANDS}
    unchanged: defaultdict[str, list[bool]] = defaultdict(list)
    for item in slices[0]:
        before = with_spans(item.sentence, item.status.shown)
        changes = compare_spans(before, item.sentence)
        changed = {one.before: one.kind for one in changes if one.before and one.kind != "provenance"}
        fates.update(changed.get(span, "kept") for span in before.spans)
        fates["added"] += sum(one.kind == "added" for one in changes)
        for span in before.spans:
            by_label[span.label].append(span in changed)
            band = UNSCORED if span.score is None else BANDS[bisect_right(SCORE_EDGES, span.score)]
            by_score[band].append(span in changed)
        if before.spans:
            unchanged[item.annotator].append(_find_keys(item.sentence.spans) == _find_keys(before.spans))
    truth = _index_gold(gold, work)
    return Bias(
        sentences={"shown": len(slices[0]), "blind": len(slices[1])},
        accepted=_rate([*chain.from_iterable(unchanged.values())]),
        accepted_by_annotator={name: _rate(found) for name, found in sorted(unchanged.items())},
        fates=dict(fates),
        edited=_rate([*chain.from_iterable(by_label.values())]),
        edited_by_label={label: _rate(found) for label, found in sorted(by_label.items())},
        edited_by_score={band: _rate(found) for band, found in by_score.items()},
        agreement=_contrast(slices, _count_agreeing),
        errors_taken=_contrast(slices, lambda item: _count_errors(item, truth)) if truth else None,
        omissions_taken=_contrast(slices, lambda item: _count_omissions(item, truth)) if truth else None,
    )


def _count_agreeing(item: ConfirmedSentence) -> tuple[int, int]:
    counts = sum_counts(count_strict_spans(_find_keys(item.status.proposed), _find_keys(item.sentence.spans)).values())
    return 2 * counts.correct, counts.gold + counts.predicted


def _count_errors(item: ConfirmedSentence, truth: Mapping[str, Keys]) -> tuple[int, int]:
    proposed = _find_keys(item.status.proposed)
    wrong = proposed - truth.get(item.sentence.id, proposed)
    return len(wrong & _find_keys(item.sentence.spans)), len(wrong)


def _count_omissions(item: ConfirmedSentence, truth: Mapping[str, Keys]) -> tuple[int, int]:
    omitted = truth.get(item.sentence.id, set()) - _find_keys(item.status.proposed)
    return len(omitted - _find_keys(item.sentence.spans)), len(omitted)


def _contrast(
    slices: Sequence[Sequence[ConfirmedSentence]], count: Callable[[ConfirmedSentence], tuple[int, int]]
) -> Contrast:
    """Compare a figure, `count` of `of` in each sentence, between the two slices."""
    sides = [np.array([count(item) for item in side]).reshape(-1, 2) for side in slices]
    shown, blind = (_share(int(side[:, 0].sum()), int(side[:, 1].sum())) for side in sides)
    if shown.rate is None or blind.rate is None:
        return Contrast(shown, blind, None, None)
    interval = None
    if min(len(side) for side in sides) >= SENTENCES_NEEDED:
        draws = [_draw_rates(side, np.random.default_rng((SEED, at))) for at, side in enumerate(sides)]
        tail = 100 * (1 - CONFIDENCE) / 2
        low, high = np.nanpercentile(draws[0] - draws[1], [tail, 100 - tail])
        # Where all sentences are alike there is a point, which would claim certainty.
        interval = (float(low), float(high)) if low < high else None
    return Contrast(shown, blind, shown.rate - blind.rate, interval)


def _draw_rates(side: NDArray[np.int64], chance: np.random.Generator) -> NDArray[np.float64]:
    """Return the rate in each resample of the sentences, NaN where a resample has nothing to count."""
    # Sentences with the same counts are interchangeable: weights are drawn for the distinct ones.
    rows, sizes = np.unique(side, axis=0, return_counts=True)
    sums = chance.multinomial(len(side), sizes / len(side), size=RESAMPLES) @ rows
    return np.where(sums[:, 1] == 0, np.nan, sums[:, 0] / np.maximum(sums[:, 1], 1))


def _index_gold(gold: Sequence[Sentence], work: Iterable[ConfirmedSentence]) -> dict[str, Keys]:
    texts = {item.sentence.id: item.sentence.text for item in work}
    for sentence in gold:
        if texts.get(sentence.id, sentence.text) != sentence.text:
            raise GoldError("the gold has another text", where=sentence.id, next_step="Name the right gold")
    return {sentence.id: _find_keys(sentence.spans) for sentence in gold if sentence.id in texts}


def _find_keys(spans: Iterable[Span]) -> Keys:
    return {span.key for span in spans}


def _rate(outcomes: Sequence[bool]) -> Rate:
    return _share(sum(outcomes), len(outcomes))


def _share(count: int, of: int) -> Rate:
    return Rate(count, of, divide(count, of))
