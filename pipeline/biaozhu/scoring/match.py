"""Pair the spans of two layers one to one, and count what the pairs are worth.

One alignment serves all four schemes of SemEval-2013 task 9 (Segura-Bedmar et al. 2013, after MUC-5's scoring
categories): strict (boundaries and label), exact (boundaries), partial (any overlap, half credit unless the
boundaries are equal) and type (any overlap with the same label). The alignment is the best there is, in this
order: most identical spans, most equal boundaries, most characters of overlap, most equal labels, most pairs. All
counts follow from these five figures, so they depend on no order and on no choice between equally good alignments.
Offsets are half open: spans that only touch do not overlap.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from biaozhu.data.model import Span

Scheme = Literal["strict", "exact", "partial", "type"]
SCHEMES: tuple[Scheme, ...] = ("strict", "exact", "partial", "type")

_KEY = attrgetter("start", "end", "label")


@dataclass(frozen=True, slots=True)
class Pair:
    """A gold span and the predicted span it is compared with; they overlap by at least one character."""

    gold: Span
    predicted: Span

    @property
    def same_boundaries(self) -> bool:
        """Both start and end at the same characters."""
        return self.gold.start == self.predicted.start and self.gold.end == self.predicted.end

    @property
    def same_label(self) -> bool:
        """Both carry the same label."""
        return self.gold.label == self.predicted.label

    @property
    def identical(self) -> bool:
        """Boundaries and label are the same: correct under the strict scheme."""
        return self.same_boundaries and self.same_label


@dataclass(frozen=True, slots=True)
class Alignment:
    """Every span of both sides exactly once: in a pair, missed (gold alone) or invented (prediction alone)."""

    pairs: tuple[Pair, ...]
    missed: tuple[Span, ...]
    invented: tuple[Span, ...]


def align(gold: Iterable[Span], predicted: Iterable[Span]) -> Alignment:
    """Pair the spans of one sentence one to one.

    Any lists will do: spans of one side may overlap or stand there twice (each is then counted as often as it
    stands there), and their order does not matter.

    Args:
        gold: spans, offsets into the sentence.
        predicted: spans, offsets into the same sentence.
    """
    gold, predicted = sorted(gold, key=_KEY), sorted(predicted, key=_KEY)
    if [_KEY(span) for span in gold] == [_KEY(span) for span in predicted]:
        return Alignment(tuple(map(Pair, gold, predicted)), (), ())
    if not gold or not predicted:
        return Alignment((), tuple(gold), tuple(predicted))
    if len(gold) == 1 and len(predicted) == 1:
        # Most errors are of this kind.
        if _overlap(gold[0], predicted[0]) > 0:
            return Alignment((Pair(gold[0], predicted[0]),), (), ())
        return Alignment((), tuple(gold), tuple(predicted))
    identical, gold, predicted = _take_identical(gold, predicted)
    pairs, missed, invented = identical, [], []
    for mine, theirs in clusters(gold, predicted):
        chosen = _assign(mine, theirs) if mine and theirs else []
        pairs += [Pair(mine[row], theirs[column]) for row, column in chosen]
        rows, columns = {row for row, _ in chosen}, {column for _, column in chosen}
        missed += [span for row, span in enumerate(mine) if row not in rows]
        invented += [span for column, span in enumerate(theirs) if column not in columns]
    pairs.sort(key=lambda pair: (_KEY(pair.gold), _KEY(pair.predicted)))
    return Alignment(tuple(pairs), tuple(missed), tuple(invented))


def clusters(gold: Sequence[Span], predicted: Sequence[Span]) -> Iterator[tuple[list[Span], list[Span]]]:
    """Yield the groups of spans that hang together by overlap, from left to right.

    Args:
        gold: spans sorted by start.
        predicted: spans sorted by start.

    Yields:
        The gold and the predicted spans of a group, each sorted; one of the two may be empty.
    """
    mine: list[Span] = []
    theirs: list[Span] = []
    reached = left = right = 0
    while left < len(gold) or right < len(predicted):
        takes_gold = right >= len(predicted) or (
            left < len(gold) and predicted[right].start >= gold[left].start
        )
        span = gold[left] if takes_gold else predicted[right]
        if span.start >= reached and (mine or theirs):
            yield mine, theirs
            mine, theirs = [], []
        if takes_gold:
            mine.append(span)
            left += 1
        else:
            theirs.append(span)
            right += 1
        reached = max(reached, span.end)
    if mine or theirs:
        yield mine, theirs


def _take_identical(gold: list[Span], predicted: list[Span]) -> tuple[list[Pair], list[Span], list[Span]]:
    # Most identical spans comes first in the order of aims, and spans with one key are interchangeable, so
    # taking them out beforehand loses nothing.
    waiting: dict[tuple[int, int, str], list[Span]] = {}
    for span in reversed(predicted):
        waiting.setdefault(_KEY(span), []).append(span)
    pairs, rest = [], []
    for span in gold:
        if partners := waiting.get(_KEY(span)):
            pairs.append(Pair(span, partners.pop()))
        else:
            rest.append(span)
    left_over = [span for spans in waiting.values() for span in spans]
    return pairs, rest, sorted(left_over, key=_KEY)


def _assign(gold: list[Span], predicted: list[Span]) -> list[tuple[int, int]]:
    size = min(len(gold), len(predicted)) + 1
    reach = max(span.end for span in (*gold, *predicted)) * size + 1
    worth = [[_worth(mine, theirs, size, reach) for theirs in predicted] for mine in gold]
    if size == 2:  # noqa: PLR2004 — one span on one side: its best partner is the best assignment
        best = max(
            ((row, column) for row in range(len(gold)) for column in range(len(predicted))),
            key=lambda at: worth[at[0]][at[1]],
        )
        return [best] if worth[best[0]][best[1]] else []
    # Loading SciPy takes longer than scoring most articles, and few sentences get here.
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415 — see above

    rows, columns = linear_sum_assignment(worth, maximize=True)
    return [(int(row), int(column)) for row, column in zip(rows, columns, strict=True) if worth[row][column]]


def _worth(gold: Span, predicted: Span, size: int, reach: int) -> int:
    """One figure whose sum orders alignments by equal boundaries, overlap, equal labels and pairs, in turn."""
    overlap = _overlap(gold, predicted)
    if overlap < 1:
        return 0
    exact = gold.start == predicted.start and gold.end == predicted.end
    return ((exact * reach + overlap) * size + (gold.label == predicted.label)) * size + 1


def _overlap(gold: Span, predicted: Span) -> int:
    return min(gold.end, predicted.end) - max(gold.start, predicted.start)
