"""Pair the spans of two layers one to one, for all four schemes of SemEval-2013 at once.

The schemes (Segura-Bedmar et al. 2013, after the categories of MUC-5) are strict (boundaries and label), exact
(boundaries), partial (any overlap, half credit unless the boundaries are equal) and type (any overlap, same label).
The alignment is the best there is, in this order: most identical spans, most equal boundaries, most characters of
overlap, most equal labels, most pairs. All counts follow from these five figures, so they depend neither on the order
of the spans nor on the choice between equally good alignments. Offsets are half open: touching spans do not overlap.

`type` can differ from nervaluate's, which aligns anew for each scheme, greedily from left to right, and under `type` by
label first: there a prediction over two gold spans is correct where either has its label, here where the one has it that
the prediction overlaps most.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from operator import attrgetter
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from biaozhu.data.model import Span

Scheme = Literal["strict", "exact", "partial", "type"]
SCHEMES: tuple[Scheme, ...] = get_args(Scheme)

_KEY = attrgetter("start", "end", "label")


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

    @property
    def identical(self) -> bool:
        """Boundaries and label are the same: correct under the strict scheme."""
        return self.same_boundaries and self.same_label


@dataclass(frozen=True, slots=True)
class Alignment:
    """Every span of both sides exactly once: in a pair, missed (gold only) or invented (predicted only)."""

    pairs: tuple[SpanPair, ...]
    missed: tuple[Span, ...]
    invented: tuple[Span, ...]


def align_spans(gold: Iterable[Span], predicted: Iterable[Span]) -> Alignment:
    """Pair the spans of one sentence one to one; either side may hold overlapping or equal spans, in any order."""
    pairs, gold, predicted = _pair_identical(sorted(gold, key=_KEY), predicted)
    missed, invented = [], []
    for mine, theirs in group_overlapping(gold, predicted):
        chosen = _assign(mine, theirs) if mine and theirs else []
        pairs += [SpanPair(mine[row], theirs[column]) for row, column in chosen]
        rows, columns = {row for row, _ in chosen}, {column for _, column in chosen}
        missed += [span for row, span in enumerate(mine) if row not in rows]
        invented += [span for column, span in enumerate(theirs) if column not in columns]
    return Alignment(tuple(pairs), tuple(missed), tuple(invented))


def group_overlapping(
    gold: Sequence[Span], predicted: Sequence[Span]
) -> Iterator[tuple[list[Span], list[Span]]]:
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


def _pair_identical(
    gold: Sequence[Span], predicted: Iterable[Span]
) -> tuple[list[SpanPair], list[Span], list[Span]]:
    """Return the identical pairs, which cost no other aim anything, and what each side has left, sorted."""
    waiting: dict[tuple[int, int, str], list[Span]] = {}
    for span in predicted:
        waiting.setdefault(_KEY(span), []).append(span)
    pairs, rest = [], []
    for span in gold:
        if partners := waiting.get(_KEY(span)):
            pairs.append(SpanPair(span, partners.pop()))
        else:
            rest.append(span)
    return pairs, rest, sorted((span for spans in waiting.values() for span in spans), key=_KEY)


def _assign(gold: Sequence[Span], predicted: Sequence[Span]) -> list[tuple[int, int]]:
    """Return the positions of the pairs of the best assignment."""
    size = min(len(gold), len(predicted)) + 1
    weights = [[_weigh_pair(mine, theirs, size) for theirs in predicted] for mine in gold]
    chosen: Iterable[tuple[int, int]]
    if size == 2:  # noqa: PLR2004 — one span on one side: its best partner is the best assignment
        cells = product(range(len(gold)), range(len(predicted)))
        chosen = [max(cells, key=lambda cell: weights[cell[0]][cell[1]])]
    else:
        # Loading SciPy takes longer than scoring most articles, and few sentences get here.
        from scipy.optimize import linear_sum_assignment  # noqa: PLC0415 — see above

        chosen = zip(*linear_sum_assignment(weights, maximize=True), strict=True)
    return [(int(row), int(column)) for row, column in chosen if weights[row][column]]


def _weigh_pair(gold: Span, predicted: Span, size: int) -> int:
    """Return a figure whose sum ranks alignments by equal boundaries, overlap, equal labels and pairs, in turn.

    There are fewer than `size` pairs, so no sum carries into the aim before. Equal boundaries and overlap need no such
    distance: for an interval I and any A and B, |I∩A| + |I∩B| <= |I| + |A∩B|, so that to pair two equal intervals never
    costs overlap, and both aims are reached at once.
    """
    overlap = min(gold.end, predicted.end) - max(gold.start, predicted.start)
    if overlap < 1:
        return 0
    exact = gold.start == predicted.start and gold.end == predicted.end
    return ((exact + overlap) * size + (gold.label == predicted.label)) * size + 1
