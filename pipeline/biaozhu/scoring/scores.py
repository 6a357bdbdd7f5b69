"""Counts and scores: from aligned spans to COR INC PAR MIS SPU, precision, recall and F1.

What has no denominator is None, never 0: precision without predictions, recall without gold. F1 is
2 COR / (POS + ACT), so it is None only where there is neither gold nor prediction, and 0 where one side is empty.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from biaozhu.data.errors import BiaozhuError, ScoringError, VersionError, raise_collected
from biaozhu.data.model import check_sentence
from biaozhu.scoring.match import Scheme, align

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from biaozhu.data.model import Sentence, Span

Missing = Literal["error", "empty"]


@dataclass(frozen=True, slots=True)
class Tally:
    """The six figures that all four schemes follow from.

    `gold` and `predicted` are numbers of spans, `paired` of pairs, and `strict`, `exact` (boundaries) and `type`
    (label) of pairs that agree in that respect.
    """

    gold: int = 0
    predicted: int = 0
    paired: int = 0
    strict: int = 0
    exact: int = 0
    type: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(*(mine + theirs for mine, theirs in zip(as_row(self), as_row(other), strict=True)))


@dataclass(frozen=True, slots=True)
class Counts:
    """SemEval-2013 counts: correct, incorrect, partial, missing, spurious."""

    cor: int
    inc: int
    par: int
    mis: int
    spu: int

    @property
    def possible(self) -> int:
        """Spans in the gold (POS)."""
        return self.cor + self.inc + self.par + self.mis

    @property
    def actual(self) -> int:
        """Spans predicted (ACT)."""
        return self.cor + self.inc + self.par + self.spu


@dataclass(frozen=True, slots=True)
class Score:
    """Counts with what follows from them; None where it is undefined."""

    counts: Counts
    precision: float | None
    recall: float | None
    f1: float | None


def as_row(tally: Tally) -> tuple[int, int, int, int, int, int]:
    """Return gold, predicted, paired, strict, exact, type."""
    return tally.gold, tally.predicted, tally.paired, tally.strict, tally.exact, tally.type


def tally_spans(gold: Iterable[Span], predicted: Iterable[Span]) -> Tally:
    """Align the spans of one sentence and tally them; any lists, see `align`."""
    found = align(gold, predicted)
    strict = exact = same = 0
    for pair in found.pairs:
        strict += pair.identical
        exact += pair.same_boundaries
        same += pair.same_label
    paired = len(found.pairs)
    return Tally(paired + len(found.missed), paired + len(found.invented), paired, strict, exact, same)


def counts_of(tally: Tally, scheme: Scheme) -> Counts:
    """Return the five counts under a scheme; PAR occurs under `partial` only."""
    if scheme == "partial":
        correct, partial, incorrect = tally.exact, tally.paired - tally.exact, 0
    else:
        correct = {"strict": tally.strict, "exact": tally.exact, "type": tally.type}[scheme]
        partial, incorrect = 0, tally.paired - correct
    return Counts(correct, incorrect, partial, tally.gold - tally.paired, tally.predicted - tally.paired)


def score_of(tally: Tally, scheme: Scheme) -> Score:
    """Return counts, precision, recall and F1 under a scheme; a partial match earns half."""
    counts = counts_of(tally, scheme)
    credit = counts.cor + counts.par / 2
    return Score(
        counts,
        ratio(credit, counts.actual),
        ratio(credit, counts.possible),
        ratio(2 * credit, counts.actual + counts.possible),
    )


def ratio(part: float, whole: float) -> float | None:
    """Return part / whole, or None where whole is 0."""
    return part / whole if whole else None


def pair_layers(
    gold: Sequence[Sentence],
    layer: Sequence[Sentence],
    *,
    missing: Missing = "error",
    name: str = "the layer",
) -> tuple[tuple[Sentence, Sentence], ...]:
    """Pair the sentences of two layers by id, in the order of the gold.

    A sentence that the gold does not have cannot be scored and is always an error. A sentence that the layer
    lacks is an error too, unless `missing` is "empty": then it counts as a sentence without predictions, so
    that all its gold spans are missed; it never drops out of the score. `name` is what messages call the layer.

    Raises:
        ScoringError: the gold is empty, a sentence stands twice in a layer, or the sets of sentences differ.
        VersionError: they are about other articles, or the same id has different texts.
        OffsetError, OverlapError: spans of one side are out of range, unsorted, twice there or overlap.
    """
    if not gold:
        raise ScoringError("the gold has no sentences", next_step="Give a gold file with sentence lines")
    wanted = _by_id(gold, "the gold")
    given = _by_id(layer, name)
    ours, theirs = ({sentence.article for sentence in one} for one in (gold, layer))
    if theirs and ours.isdisjoint(theirs):
        # One line instead of one for each sentence; what changed in the file is not known here.
        raise VersionError(
            f"{name} is of {', '.join(sorted(theirs))}, the gold of {', '.join(sorted(ours))}: of other articles, or"
            " of other versions of them"
        )
    problems = _differences(wanted, given, missing=missing, name=name)
    for sentence in (*gold, *layer):
        try:
            check_sentence(sentence)
        except BiaozhuError as error:
            problems.append(error)
    raise_collected(problems)
    return tuple(
        (sentence, given[identifier] if identifier in given else _emptied(sentence))
        for identifier, sentence in wanted.items()
    )


def _differences(
    wanted: Mapping[str, Sentence], given: Mapping[str, Sentence], *, missing: Missing, name: str
) -> list[BiaozhuError]:
    """One problem for each way in which the sets of sentences differ, not one for each sentence."""
    strange = [one for one in given if one not in wanted]
    changed = [one for one in given if one in wanted and wanted[one].text != given[one].text]
    lacking = [one for one in wanted if one not in given] if missing == "error" else []
    problems: list[BiaozhuError] = []
    if strange:
        problems.append(
            ScoringError(f"{name} has this sentence{_others(strange)}, the gold has not", where=strange[0])
        )
    if changed:
        problems.append(
            VersionError(
                f"the text of this sentence{_others(changed)} in {name} is not that of the gold",
                where=changed[0],
            )
        )
    if lacking:
        problems.append(
            ScoringError(
                f"{name} lacks this sentence{_others(lacking)}",
                where=lacking[0],
                next_step="Annotate what is lacking too, or count it as found empty with --missing empty",
            )
        )
    return problems


def _others(found: Sequence[str]) -> str:
    more = len(found) - 1
    return f" and {more} {'other' if more == 1 else 'others'}" if more else ""


def _by_id(layer: Sequence[Sentence], name: str) -> dict[str, Sentence]:
    found = {sentence.id: sentence for sentence in layer}
    if len(found) < len(layer):
        raise ScoringError(
            f"{len(layer) - len(found)} sentences stand more than once in {name}",
            next_step="Remove the repeated lines",
        )
    return found


def _emptied(sentence: Sentence) -> Sentence:
    return replace(sentence, spans=())
