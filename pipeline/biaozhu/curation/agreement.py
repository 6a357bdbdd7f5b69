"""Agreement of annotators: pairwise span F1, and Krippendorff's alpha over characters.

F1 between two annotators is the chance-uncorrected standard for spans (Hripcsak & Rothschild 2005). Alpha
(Krippendorff 2013, through the library `krippendorff`) takes each character as a unit and its label, or none,
as a nominal value; it is corrected for chance and takes more than two annotators and gaps.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import krippendorff
import numpy as np

from biaozhu.curation.adjudication import Layer, find_disagreements, keep_common, pair_sentences
from biaozhu.data.errors import GoldError
from biaozhu.data.model import Sentence
from biaozhu.scoring.scores import Tally, count_scheme, tally_spans

Couple = tuple[Layer, Layer]
Values = np.ndarray[tuple[int, int], np.dtype[np.float64]]

FORMAT = "biaozhu.agreement.v1"  # The format of the file that `-o` writes
TWO = 2


@dataclass(frozen=True, slots=True)
class PairAgreement:
    """Span F1 of two annotators by label, None where neither marked anything, and how often they disagree how."""

    first: str
    second: str
    sentences: int
    spans: tuple[int, int]
    strict: dict[str, float | None]
    partial: dict[str, float | None]
    disagreements: dict[str, int]


@dataclass(frozen=True, slots=True)
class GroupAgreement:
    """The pairs' mean strict F1 on some sentences, each counted once a pair; None in files of an earlier version."""

    comparisons: int | None
    strict: float | None


@dataclass(frozen=True, slots=True)
class Agreement:
    """All pairs, their mean strict F1, and alpha over characters; a month is when the later of two annotators confirmed."""

    annotators: tuple[str, ...]
    pairs: tuple[PairAgreement, ...]
    mean_strict: float | None
    mean_partial: float | None
    alpha: float | None
    alpha_by_label: dict[str, float | None]
    by_article: dict[str, GroupAgreement]
    by_month: dict[str, GroupAgreement] = field(default_factory=dict)


def measure_agreement(
    layers: Mapping[str, Layer], *, common: bool = False, times: Mapping[str, Mapping[str, str]] | None = None
) -> Agreement:
    """Measure the agreement of two or more annotators, by name; GoldError where their sentences do not fit.

    With `common` each pair is compared on the sentences that both have, a pair without any is left out, and alpha takes the
    others for missing. `times` is annotator -> sentence id -> when it was confirmed (ISO 8601).
    """
    if len(layers) < TWO:
        raise GoldError("agreement needs two layers or more", next_step="Name a second layer")
    couples: dict[tuple[str, str], Couple] = {
        (one, other): keep_common(layers[one], layers[other]) if common else (layers[one], layers[other])
        for one, other in combinations(layers, TWO)
    }
    couples = {names: couple for names, couple in couples.items() if couple[0] or not common}
    if not couples:
        raise GoldError("no two annotators have a sentence in common", next_step="Name other layers")
    labels = sorted({span.label for layer in layers.values() for sentence in layer for span in sentence.spans})
    pairs = tuple(_compare_pair(names, couple, labels) for names, couple in couples.items())
    values = _code_characters(layers, labels)

    def find_month(names: tuple[str, str], sentence: Sentence) -> str:
        known = [(times or {}).get(name, {}).get(sentence.id, "") for name in names]
        return max(known)[: len("2026-01")] if all(known) else ""

    return Agreement(
        annotators=tuple(layers),
        pairs=pairs,
        mean_strict=_mean(pair.strict["micro"] for pair in pairs),
        mean_partial=_mean(pair.partial["micro"] for pair in pairs),
        alpha=_compute_alpha(values),
        alpha_by_label={
            label: _compute_alpha(np.where(np.isnan(values), np.nan, values == code))
            for code, label in enumerate(labels, 1)
        },
        by_article=_compare_groups(couples, lambda _names, sentence: sentence.article),
        by_month=_compare_groups(couples, find_month),
    )


def _compare_pair(names: tuple[str, str], couple: Couple, labels: Sequence[str]) -> PairAgreement:
    tallies = {label: Tally() for label in ("micro", *labels)}
    paired = list(pair_sentences(*couple))
    for one, other in paired:
        tallies["micro"] += tally_spans(one.spans, other.spans)
        for label in {span.label for span in (*one.spans, *other.spans)}:
            mine, theirs = ([span for span in side.spans if span.label == label] for side in (one, other))
            tallies[label] += tally_spans(mine, theirs)
    return PairAgreement(
        *names,
        sentences=len(paired),
        spans=(tallies["micro"].gold, tallies["micro"].predicted),
        strict={label: count_scheme(tally, "strict").f1 for label, tally in tallies.items()},
        partial={label: count_scheme(tally, "partial").f1 for label, tally in tallies.items()},
        disagreements=dict(Counter(item.kind for item in find_disagreements(*couple))),
    )


def _code_characters(layers: Mapping[str, Layer], labels: Sequence[str]) -> Values:
    """Return annotators x characters: 0 for no label, else its place in `labels` counted from 1, NaN where missing."""
    lengths = {sentence.id: len(sentence.text) for layer in layers.values() for sentence in layer}
    ends = np.cumsum([0, *lengths.values()])
    starts = dict(zip(lengths, ends.tolist(), strict=False))
    values = np.full((len(layers), int(ends[-1])), np.nan)
    for row, layer in zip(values, layers.values(), strict=True):
        for sentence in layer:
            characters = row[starts[sentence.id] :][: lengths[sentence.id]]
            characters[:] = 0
            for span in sentence.spans:
                characters[span.start : span.end] = 1 + labels.index(span.label)
    return values


def _compute_alpha(values: Values) -> float | None:
    # Characters that fewer than two annotators have say nothing about agreement.
    values = values[:, (~np.isnan(values)).sum(axis=0) >= TWO]
    if len(np.unique(values[~np.isnan(values)])) < TWO:
        return None  # nobody used a second value: chance agreement is total and alpha undefined
    return float(krippendorff.alpha(reliability_data=values, level_of_measurement="nominal"))


def _compare_groups(
    couples: Mapping[tuple[str, str], Couple], find_group: Callable[[tuple[str, str], Sentence], str]
) -> dict[str, GroupAgreement]:
    """Return the agreement by group of sentences; a sentence of no group (an empty name) is left out."""
    tallies: dict[str, dict[tuple[str, str], Tally]] = defaultdict(lambda: defaultdict(Tally))
    comparisons: Counter[str] = Counter()
    for names, couple in couples.items():
        for one, other in pair_sentences(*couple):
            if group := find_group(names, one):
                comparisons[group] += 1
                tallies[group][names] += tally_spans(one.spans, other.spans)
    return {
        group: GroupAgreement(comparisons[group], _mean(count_scheme(one, "strict").f1 for one in found.values()))
        for group, found in sorted(tallies.items())
    }


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
