"""The alignment is the best there is: compared with trying every one."""

from __future__ import annotations

from collections import Counter
from itertools import permutations
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scoring_layers import disjoint

from biaozhu.data.model import Span
from biaozhu.scoring.scores import SpanPair, align_spans, group_overlapping

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def overlap(pair: SpanPair) -> int:
    return min(pair.gold.end, pair.predicted.end) - max(pair.gold.start, pair.predicted.start)


def rank(pairs: Iterable[SpanPair]) -> tuple[int, ...]:
    pairs = tuple(pairs)
    return (
        sum(pair.same_boundaries and pair.same_label for pair in pairs),
        sum(pair.same_boundaries for pair in pairs),
        sum(overlap(pair) for pair in pairs),
        sum(pair.same_label for pair in pairs),
        len(pairs),
    )


def best_of_all(gold: Sequence[Span], predicted: Sequence[Span]) -> tuple[int, ...]:
    if len(gold) > len(predicted):
        return best_of_all(predicted, gold)
    return max(
        rank(
            pair
            for pair in (SpanPair(mine, theirs) for mine, theirs in zip(gold, chosen, strict=True))
            if overlap(pair) > 0
        )
        for chosen in permutations(predicted, len(gold))
    )


@given(disjoint(), disjoint())
def test_match_is_as_good_as_the_best_of_all_alignments(gold: tuple[Span, ...], predicted: tuple[Span, ...]) -> None:
    assert rank(align_spans(gold, predicted)) == best_of_all(gold, predicted)


@pytest.mark.parametrize("number", [1, 2, 50_000])
def test_match_of_interlocking_spans_takes_time_in_proportion(number: int) -> None:
    # A regression test: a table of all with all took half a minute for two thousand spans.
    gold, predicted = ([Span(at, at + 4, "A") for at in range(first, 4 * number, 4)] for first in (0, 2))
    pairs = align_spans(gold, predicted)
    assert (len(pairs), sum(map(overlap, pairs))) == (number, 2 * number)


@pytest.mark.parametrize(
    ("gold", "predicted", "figures"),
    [
        # More overlap rather than an equal label.
        ([Span(0, 5, "A")], [Span(0, 3, "B"), Span(3, 5, "A")], (0, 0, 3, 0, 1)),
        # The equal label where both overlap as much.
        ([Span(0, 5, "A")], [Span(0, 2, "B"), Span(3, 5, "A")], (0, 0, 2, 1, 1)),
        # An equal label rather than two pairs with as much overlap, and these where there is none.
        ([Span(0, 1, "B"), Span(2, 5, "A")], [Span(0, 4, "A"), Span(4, 5, "B")], (0, 0, 2, 1, 1)),
        ([Span(0, 1, "A"), Span(2, 5, "A")], [Span(0, 4, "B"), Span(4, 5, "B")], (0, 0, 2, 0, 2)),
        # Equal boundaries and an equal label, which cost nothing.
        ([Span(0, 2, "A"), Span(2, 4, "A")], [Span(0, 2, "A"), Span(2, 3, "B"), Span(3, 4, "A")], (1, 1, 3, 2, 2)),
    ],
)
def test_match_ranks_alignments_by_each_aim_in_turn(
    gold: list[Span], predicted: list[Span], figures: tuple[int, ...]
) -> None:
    assert best_of_all(gold, predicted) == figures
    assert rank(align_spans(gold, predicted)) == figures


@given(disjoint(), disjoint())
def test_match_pairs_no_span_twice(gold: tuple[Span, ...], predicted: tuple[Span, ...]) -> None:
    found = align_spans(gold, predicted)
    assert Counter(pair.gold for pair in found) <= Counter(gold)
    assert Counter(pair.predicted for pair in found) <= Counter(predicted)
    assert all(overlap(pair) > 0 for pair in found)


@given(disjoint(), disjoint(), st.randoms())
def test_match_depends_on_no_order(gold: tuple[Span, ...], predicted: tuple[Span, ...], rng: object) -> None:
    before = align_spans(gold, predicted)
    mixed = sorted(gold, key=lambda _: rng.random()), sorted(predicted, key=lambda _: rng.random())  # type: ignore[attr-defined]
    assert align_spans(*mixed) == before


@given(disjoint(), disjoint())
def test_match_is_worth_the_same_the_other_way_round(gold: tuple[Span, ...], predicted: tuple[Span, ...]) -> None:
    assert rank(align_spans(gold, predicted)) == rank(align_spans(predicted, gold))


def test_match_takes_touching_spans_for_disjoint() -> None:
    assert align_spans([Span(0, 2, "PLACE")], [Span(2, 4, "PLACE")]) == ()


def test_match_prefers_overlap_to_label_where_nervaluate_prefers_the_label() -> None:
    gold = [Span(0, 3, "PLACE"), Span(3, 8, "PERSON")]
    assert align_spans(gold, [Span(2, 6, "PLACE")]) == (SpanPair(gold[1], Span(2, 6, "PLACE")),)


def test_match_prefers_overlap_to_label_and_label_among_equals() -> None:
    gold = [Span(0, 5, "PLACE")]
    longer, shorter = Span(0, 3, "PERSON"), Span(3, 5, "PLACE")
    assert align_spans(gold, [longer, shorter]) == (SpanPair(gold[0], longer),)
    equal = Span(0, 2, "PERSON")
    assert align_spans(gold, [equal, shorter]) == (SpanPair(gold[0], shorter),)


def test_match_gives_up_a_greater_overlap_for_more_in_sum() -> None:
    # Taking the greatest first pairs 2-8 with 4-11 (4 characters) and leaves 8-11 and 0-4 nothing.
    gold = [Span(2, 8, "A"), Span(8, 11, "A")]
    predicted = [Span(0, 4, "A"), Span(4, 11, "A")]
    assert [overlap(pair) for pair in align_spans(gold, predicted)] == [2, 3]


@pytest.mark.parametrize(("gold", "predicted"), [([], []), ([Span(0, 1, "A")], []), ([], [Span(0, 1, "A")])])
def test_match_of_nothing(gold: list[Span], predicted: list[Span]) -> None:
    assert align_spans(gold, predicted) == ()


def test_match_groups_what_hangs_together() -> None:
    gold = [Span(0, 3, "A"), Span(3, 5, "A"), Span(8, 9, "A")]
    predicted = [Span(2, 4, "A"), Span(5, 8, "A")]
    assert list(group_overlapping(gold, predicted)) == [
        (gold[:2], predicted[:1]),
        ([], predicted[1:]),
        (gold[2:], []),
    ]
