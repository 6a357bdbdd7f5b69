"""Spans of two layers, paired one to one, and the counts COR INC PAR MIS SPU, precision, recall and F1 of SemEval-2013.

docs/explanations/scoring.md says what the schemes are (Segura-Bedmar et al. 2013, after the categories of MUC-5), and which alignment
serves all of them. All counts follow from the figures by which it is the best, so they depend neither on the order of the spans nor on
the choice between equally good alignments. Offsets are half open: touching spans do not overlap.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from biaozhu.data.errors import BiaozhuError, ScoringError, VersionError, raise_collected
from biaozhu.data.model import BY_KEY, Sentence, Span, check_sentence
from biaozhu.data.strict_counts import divide

Scheme = Literal["strict", "exact", "partial", "type"]
SCHEMES: tuple[Scheme, ...] = get_args(Scheme)


@dataclass(frozen=True, slots=True)
class SpanPair:
    """A gold span and the predicted span it is compared with; they overlap by at least one character."""

    gold: Span
    predicted: Span

    @property
    def same_boundaries(self) -> bool:
        """Both start and end at the same characters."""
        return self.gold.start == self.predicted.start and self.gold.end == self.predicted.end

    @property
    def same_label(self) -> bool:
        """Both have the same label."""
        return self.gold.label == self.predicted.label


def align_spans(gold: Iterable[Span], predicted: Iterable[Span]) -> tuple[SpanPair, ...]:
    """Pair the spans of one sentence one to one, in time linear in their number; those of each side are disjoint, in any order.

    From left to right, the overlapping pairs that share a span then stand side by side: the best choice among those up to
    a pair either leaves it out, or takes it and ends before the first that shares a span with it.
    """
    gold, predicted = sorted(gold, key=BY_KEY), sorted(predicted, key=BY_KEY)
    size = min(len(gold), len(predicted)) + 1
    pairs: list[SpanPair] = []
    best, ends = [0], list[int]()
    first_of_row, first_of_column = dict[int, int](), dict[int, int]()
    row = column = 0
    while row < len(gold) and column < len(predicted):
        pair = SpanPair(gold[row], predicted[column])
        if weight := _weigh_pair(pair, size):
            at = len(pairs)
            ends.append(min(first_of_row.setdefault(row, at), first_of_column.setdefault(column, at)))
            best.append(max(best[at], best[ends[at]] + weight))
            pairs.append(pair)
        if gold[row].end < predicted[column].end:
            row += 1
        else:
            column += 1
    chosen, at = list[SpanPair](), len(pairs)
    while at:
        taken = best[at] > best[at - 1]
        chosen += [pairs[at - 1]] if taken else []
        at = ends[at - 1] if taken else at - 1
    return tuple(reversed(chosen))


def group_overlapping(gold: Iterable[Span], predicted: Iterable[Span]) -> Iterator[tuple[list[Span], list[Span]]]:
    """Yield groups of spans connected by overlap, from left to right; both sides are sorted by start."""
    group: tuple[list[Span], list[Span]] = ([], [])
    reached = 0
    marked = [*((span, 0) for span in gold), *((span, 1) for span in predicted)]
    for span, side in sorted(marked, key=lambda one: one[0].start):
        if span.start >= reached and any(group):
            yield group
            group = ([], [])
        group[side].append(span)
        reached = max(reached, span.end)
    if any(group):
        yield group


def _weigh_pair(pair: SpanPair, size: int) -> int:
    """Return a figure whose sum ranks alignments by overlap, equal labels and pairs, in turn.

    There are fewer than `size` pairs, so no sum carries into the aim before. Spans with equal boundaries overlap no others: to
    pair them costs no aim anything.
    """
    overlap = min(pair.gold.end, pair.predicted.end) - max(pair.gold.start, pair.predicted.start)
    return (overlap * size + pair.same_label) * size + 1 if overlap > 0 else 0


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


def tally_spans(gold: Sequence[Span], predicted: Sequence[Span]) -> Tally:
    """Align the spans of one sentence, disjoint on each side, and tally them."""
    pairs = align_spans(gold, predicted)
    strict = sum(pair.same_boundaries and pair.same_label for pair in pairs)
    exact = sum(pair.same_boundaries for pair in pairs)
    return Tally(len(gold), len(predicted), len(pairs), strict, exact, sum(pair.same_label for pair in pairs))


def count_scheme(tally: Tally, scheme: Scheme) -> Counts:
    """Return the counts under a scheme; PAR occurs under `partial` only, and INC under the others."""
    correct = {"strict": tally.strict, "exact": tally.exact, "partial": tally.exact, "type": tally.type}[scheme]
    other = tally.paired - correct
    partial = other if scheme == "partial" else 0
    missing, spurious = tally.gold - tally.paired, tally.predicted - tally.paired
    return Counts(correct, other - partial, partial, missing, spurious, tally.gold, tally.predicted)


def pair_layers(
    gold: Sequence[Sentence], layer: Sequence[Sentence], *, missing: Missing = "error", name: str = "the layer"
) -> tuple[tuple[Sentence, Sentence], ...]:
    """Pair the sentences of two layers by id, in the order of the gold; `name` is what messages call the layer.

    A sentence that the gold lacks is always an error. One that the layer lacks is an error too, unless `missing` is
    "empty": then it counts as a sentence without predictions, so that all its gold spans are missed.
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
    advised = "Annotate it too, or set `missing` to `empty` to count such sentences as found empty"
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
