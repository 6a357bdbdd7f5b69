"""Axes and places of charts."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biaozhu.reporting.page.charts import (
    Series,
    chart_f1,
    chart_lengths,
    lay_out_chart,
    make_count_axis,
    make_place_axis,
    make_share_axis,
)
from biaozhu.reporting.page.strings import make_translator
from biaozhu.scoring.significance import Estimate


@given(st.floats(0, 1))
def test_charts_share_axis_covers_its_values(low: float) -> None:
    axis = make_share_axis("F1", low)
    assert low >= axis.low
    assert axis.high == 1
    assert axis.high - axis.low >= 0.1 - 1e-9
    assert 2 <= len(axis.ticks) <= 7
    assert all(value >= axis.low - 1e-9 and axis.high + 1e-9 >= value for value, _ in axis.ticks)


@given(st.floats(0.1, 1e7))
def test_charts_count_axis_covers_its_values(high: float) -> None:
    axis = make_count_axis("sentences", high)
    assert axis.high >= high - 1e-6
    assert 2 <= len(axis.ticks) <= 8


def test_charts_place_points_where_the_axes_say() -> None:
    series = [Series("s", ((0.0, 0.0), (1.0, 1.0)))]
    drawn = lay_out_chart(
        "history", series, (make_share_axis("x"), make_share_axis("y")), make_translator("en"), "said"
    )
    assert drawn
    left, top, wide, high = drawn["frame"]
    assert [dot[:2] for dot in drawn["series"][0]["dots"]] == [(left, top + high), (left + wide, top)]
    assert drawn["series"][0]["path"] == f"M{float(left)} {float(top + high)}L{float(left + wide)} {float(top)}"


def test_charts_write_few_of_many_places() -> None:
    assert len(make_place_axis("run", [str(at) for at in range(100)]).ticks) <= 9


@pytest.mark.parametrize("value", [None, 0.5])
def test_charts_intervals_keep_undefined_undefined(value: float | None) -> None:
    estimates = (Estimate(value), Estimate(0.9, (0.8, 1.0)))
    layers = [
        SimpleNamespace(name="a", labels={}, scores_of=lambda _, f1=f1: {"strict": SimpleNamespace(f1=f1)})
        for f1 in estimates
    ]
    found = chart_f1(layers, {"ALL": "all"}, make_translator("en"))  # type: ignore[arg-type]
    assert (found["lines"][0][3] is None) == (value is None)
    assert found["lines"][0][4] is None
    *_, at, low, high = found["lines"][1]
    assert low < at < high


@pytest.mark.parametrize(("gold", "places"), [(0, 2), (3, 3)])
def test_charts_of_lengths_have_no_point_where_there_is_no_gold(gold: int, places: int) -> None:
    # A regression test: one surplus span of a length drew a fall to 0 over the whole axis.
    rows = [
        SimpleNamespace(key=key, f1=f1, gold=count)
        for key, f1, count in (("1", 0.0, gold), ("2", 0.9, 5), ("3", 1.0, 5))
    ]
    layer = SimpleNamespace(name="a", breakdowns={"length": rows})
    chart = chart_lengths([layer], make_translator("en"))
    assert chart is not None
    assert len(chart["series"][0]["dots"]) == places
