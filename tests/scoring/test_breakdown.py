"""Calibration and threshold curve: written answers, and each point of the curve scored anew."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scoring_layers import random_pair

from biaozhu.data.model import with_spans
from biaozhu.scoring.breakdown import STEPS, ScoreTally, measure_calibration, trace_thresholds
from biaozhu.scoring.evaluation import EvaluationOptions, evaluate_layer
from biaozhu.scoring.significance import Sampling

if TYPE_CHECKING:
    from collections.abc import Iterable

SCORED = st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=60)


def tallied(scores: Iterable[float], correct: Iterable[bool], most: float = math.inf) -> ScoreTally:
    found = ScoreTally(most)
    for score, right in zip(scores, correct, strict=True):
        found.add(score, right)
    return found


@pytest.mark.parametrize(("score", "number"), [(0, 0), (0.1, 1), (0.0999, 0), (0.95, 9), (1, 9)])
def test_confidence_bins_are_half_open_but_the_last(score: float, number: int) -> None:
    assert ScoreTally().add(score, correct=True) == number


def test_confidence_gives_the_written_calibration_error() -> None:
    found = measure_calibration(tallied([0.95, 0.95, 0.55, 0.55], [True, False, True, True]), unscored=3)
    # Bins 0.5 and 0.9 hold two spans each: |0.55 - 1| and |0.95 - 0.5|, half the weight each.
    assert found.ece == pytest.approx(0.45)
    assert (found.scored, found.unscored) == (4, 3)
    assert [(one.count, one.correct, one.precision) for one in found.bins if one.count] == [
        (2, 2, 1),
        (2, 1, 0.5),
    ]
    assert found.bins[0].mean_score is None
    assert [(one.low, one.high) for one in found.bins] == [(at / 10, (at + 1) / 10) for at in range(10)]


def test_confidence_of_nothing_is_undefined() -> None:
    found = measure_calibration(ScoreTally(), unscored=2)
    assert (found.ece, found.bins[3].precision) == (None, None)
    assert trace_thresholds({}, gold=3) == ()


def test_confidence_curve_gives_the_written_points() -> None:
    points = trace_thresholds(tallied([0.5, 0.9, 0.5], [True, True, False]).by_score, gold=4, unscored=(1, 1))
    assert [(one.threshold, one.kept) for one in points] == [(0.9, 2), (0.5, 4)]
    assert [one.precision for one in points] == [1, 0.75]
    assert [one.recall for one in points] == [0.5, 0.75]


def test_confidence_curve_is_what_scoring_the_kept_spans_gives() -> None:
    setting = EvaluationOptions(sampling=Sampling(resamples=100))
    gold, layer = random_pair(random.Random(31), 40)  # noqa: S311 — test data
    curve = evaluate_layer(gold, layer, options=setting).curve
    assert len(curve) > 10
    for point in curve[::5]:
        kept = tuple(
            with_spans(
                sentence,
                [span for span in sentence.spans if span.score is None or span.score >= point.threshold],
            )
            for sentence in layer
        )
        anew = evaluate_layer(gold, kept, options=setting).overall["strict"].counts
        assert (point.precision, point.recall, point.f1) == pytest.approx((anew.precision, anew.recall, anew.f1))
        assert point.kept == anew.actual


def test_confidence_curve_is_thinned_but_keeps_both_ends() -> None:
    scores = [at / 1000 for at in range(1000)]
    points = trace_thresholds(tallied(scores, [True] * 1000).by_score, gold=1000)
    assert (len(points), points[0].kept, points[-1].kept) == (200, 1, 1000)


@given(SCORED)
def test_confidence_of_few_distinct_scores_is_the_same_in_a_stream(scored: list[tuple[float, bool]]) -> None:
    whole, streamed = (
        tallied(*zip(*scored, strict=True), most) if scored else ScoreTally(most) for most in (math.inf, 60)
    )
    assert (streamed.by_score, streamed.bins, streamed.coarse) == (whole.by_score, whole.bins, False)


@given(SCORED, st.integers(0, 5))
def test_confidence_of_too_many_distinct_scores_still_counts_exactly(
    scored: list[tuple[float, bool]], most: int
) -> None:
    scores, correct = zip(*scored, strict=True) if scored else ((), ())
    whole, coarse = tallied(scores, correct), tallied(scores, correct, most)
    assert measure_calibration(coarse) == measure_calibration(whole)
    assert coarse.coarse == (len(set(scores)) > most)
    for point in trace_thresholds(coarse.by_score, gold=len(scored)):
        kept = [right for score, right in scored if score >= point.threshold]
        assert (point.kept, point.precision) == (len(kept), sum(kept) / len(kept))
        assert not coarse.coarse or (point.threshold * STEPS).is_integer()
