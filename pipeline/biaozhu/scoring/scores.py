"""Counts and scores: from aligned spans to COR INC PAR MIS SPU, precision, recall and F1.

What has no denominator is None, never 0: precision without predictions, recall without gold. F1 is
2 COR / (POS + ACT), so it is None only where there is neither gold nor prediction, and 0 where one side is empty.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from biaozhu.data.errors import BiaozhuError, ScoringError, VersionError, raise_collected
from biaozhu.data.model import Sentence, Span, check_sentence
from biaozhu.data.strict_counts import divide
from biaozhu.scoring.match import Scheme, align_spans

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


Missing = Literal["error", "empty"]


@dataclass(frozen=True, slots=True)
class Tally:
    """The six figures of all schemes: spans of both sides, pairs, and pairs alike in all, in boundaries, in label."""

    gold: int = 0
    predicted: int = 0
    paired: int = 0
    strict: int = 0
    exact: int = 0
    type: int = 0

    @property
    def row(self) -> tuple[int, int, int, int, int, int]:
        """The six figures in their order."""
        return self.gold, self.predicted, self.paired, self.strict, self.exact, self.type

    def __add__(self, other: Tally) -> Tally:
        return Tally(*(mine + theirs for mine, theirs in zip(self.row, other.row, strict=True)))


@dataclass(frozen=True, slots=True)
class Counts:
    """SemEval-2013 counts: correct, incorrect, partial (earns half), missing, spurious; spans in the gold, predicted."""

    cor: int
    inc: int
    par: int
    mis: int
    spu: int
    possible: int
    actual: int

    @property
    def precision(self) -> float | None:
        """(COR + PAR / 2) / ACT."""
        return divide(self.cor + self.par / 2, self.actual)

    @property
    def recall(self) -> float | None:
        """(COR + PAR / 2) / POS."""
        return divide(self.cor + self.par / 2, self.possible)

    @property
    def f1(self) -> float | None:
        """(2 COR + PAR) / (POS + ACT)."""
        return divide(2 * self.cor + self.par, self.possible + self.actual)


def tally_spans(gold: Iterable[Span], predicted: Iterable[Span]) -> Tally:
    """Align the spans of one sentence and tally them; any lists, see `align_spans`."""
    found = align_spans(gold, predicted)
    strict = sum(pair.identical for pair in found.pairs)
    exact = sum(pair.same_boundaries for pair in found.pairs)
    same = sum(pair.same_label for pair in found.pairs)
    paired = len(found.pairs)
    return Tally(paired + len(found.missed), paired + len(found.invented), paired, strict, exact, same)


def count_scheme(tally: Tally, scheme: Scheme) -> Counts:
    """Return the counts under a scheme; PAR occurs under `partial` only, and INC under the others."""
    correct = {"strict": tally.strict, "type": tally.type}.get(scheme, tally.exact)
    other = tally.paired - correct
    partial = other if scheme == "partial" else 0
    missing, spurious = tally.gold - tally.paired, tally.predicted - tally.paired
    return Counts(correct, other - partial, partial, missing, spurious, tally.gold, tally.predicted)


def pair_layers(
    gold: Sequence[Sentence],
    layer: Sequence[Sentence],
    *,
    missing: Missing = "error",
    name: str = "the layer",
) -> tuple[tuple[Sentence, Sentence], ...]:
    """Pair the sentences of two layers by id, in the order of the gold.

    A sentence that the gold lacks cannot be scored and is always an error. A sentence that the layer lacks is an
    error too, unless `missing` is "empty": then it counts as a sentence without predictions, so that all its gold
    spans are missed; it never drops out of the score. `name` is what messages call the layer.
    """
    if not gold:
        raise ScoringError("the gold has no sentences", next_step="Give a gold file with sentence lines")
    wanted, found = _index_by_id(gold, "the gold"), _index_by_id(layer, name)
    ours, theirs = ({sentence.article for sentence in side} for side in (gold, layer))
    if theirs and ours.isdisjoint(theirs):
        # One line instead of one for each sentence; what changed in the file is not known here.
        raise VersionError(
            f"{name} is about {', '.join(sorted(theirs))}, the gold about {', '.join(sorted(ours))}: other articles,"
            " or other versions of them"
        )
    strange = [one for one in found if one not in wanted]
    changed = [one for one in found if one in wanted and wanted[one].text != found[one].text]
    lacking = [one for one in wanted if one not in found] if missing == "error" else []
    advised = "Annotate it too, or count such sentences as found empty with --missing empty"
    problems: list[BiaozhuError] = []
    for ids, kind, what, advice in (
        (strange, ScoringError, f"{name} has a sentence that the gold lacks", ""),
        (changed, VersionError, f"the text of a sentence in {name} is not that of the gold", ""),
        (lacking, ScoringError, f"{name} lacks a sentence of the gold", advised),
    ):
        if ids:
            more = f" ({len(ids) - 1} more like it)" if len(ids) > 1 else ""
            problems.append(kind(f"{what}{more}", where=ids[0], next_step=advice))
    for sentence in (*gold, *layer):
        try:
            check_sentence(sentence)
        except BiaozhuError as error:
            problems.append(error)
    raise_collected(problems)
    pairs = ((sentence, found.get(one)) for one, sentence in wanted.items())
    return tuple((sentence, other or replace(sentence, spans=())) for sentence, other in pairs)


def _index_by_id(layer: Sequence[Sentence], name: str) -> dict[str, Sentence]:
    found = {sentence.id: sentence for sentence in layer}
    if len(found) < len(layer):
        what = f"{name} holds {len(layer) - len(found)} sentences more than once"
        raise ScoringError(what, next_step="Remove the repeated lines")
    return found
