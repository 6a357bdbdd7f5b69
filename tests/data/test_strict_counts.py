"""Strict counts of written spans, and that they are those of the alignment that scoring makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from scoring_layers import LABELS, disjoint

from biaozhu.data.strict_counts import StrictCounts, count_strict_spans, sum_counts
from biaozhu.scoring.scores import tally_spans

if TYPE_CHECKING:
    from biaozhu.data.model import Span


def test_strict_counts_need_boundaries_and_label() -> None:
    gold = [(0, 2, "PLACE"), (3, 5, "PERSON"), (6, 8, "AMOUNT")]
    found = [(0, 2, "PLACE"), (3, 5, "PLACE"), (6, 7, "AMOUNT")]
    assert count_strict_spans(gold, found) == {
        "AMOUNT": StrictCounts(1, 1, 0),
        "PERSON": StrictCounts(1, 0, 0),
        "PLACE": StrictCounts(1, 2, 1),
    }
    assert count_strict_spans([], []) == {}


def test_strict_counts_keep_sentences_apart() -> None:
    assert count_strict_spans([(0, 0, 2, "PLACE")], [(1, 0, 2, "PLACE")]) == {"PLACE": StrictCounts(1, 1, 0)}


@pytest.mark.parametrize(
    ("counts", "figures"),
    [
        (StrictCounts(), (None, None, None)),
        (StrictCounts(3, 0, 0), (None, 0, 0)),
        (StrictCounts(0, 3, 0), (0, None, 0)),
        (StrictCounts(4, 2, 1), (1 / 2, 1 / 4, 1 / 3)),
    ],
)
def test_strict_counts_figures_are_none_without_a_denominator(
    counts: StrictCounts, figures: tuple[float | None, ...]
) -> None:
    assert (counts.precision, counts.recall, counts.f1) == figures


@given(disjoint(), disjoint())
def test_strict_counts_are_those_of_the_alignment(gold: tuple[Span, ...], found: tuple[Span, ...]) -> None:
    counts = count_strict_spans((span.key for span in gold), (span.key for span in found))
    for label in LABELS:
        tally = tally_spans(*([span for span in side if span.label == label] for side in (gold, found)))
        assert counts.get(label, StrictCounts()) == StrictCounts(tally.gold, tally.predicted, tally.strict)
    whole = tally_spans(gold, found)
    assert sum_counts(counts.values()) == StrictCounts(whole.gold, whole.predicted, whole.strict)
