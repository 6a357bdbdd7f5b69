"""The charts that a report shows, made from evaluations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from biaozhu.reporting.page.charts import (
    Caption,
    Series,
    Whisker,
    lay_out_chart,
    lay_out_intervals,
    make_count_axis,
    make_place_axis,
    make_share_axis,
)
from biaozhu.reporting.page.strings import format_difference
from biaozhu.scoring.breakdown import OUTSIDE, sort_classes
from biaozhu.scoring.evaluation import ALL

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from biaozhu.reporting.content import CurveFigures
    from biaozhu.reporting.page.charts import Axis, Chart, IntervalChart
    from biaozhu.reporting.page.strings import Words
    from biaozhu.scoring.evaluation import Evaluation


MOST_DOTS = 12  # a line of more points has no dots


def chart_f1(evaluations: Sequence[Evaluation], names: Mapping[str, str], words: Words) -> IntervalChart:
    """Chart strict F1 with its interval, overall and by label, for each layer."""
    whiskers = []
    for label in (ALL, *evaluations[0].labels):
        for kind, one in enumerate(evaluations):
            f1 = (one.overall if label == ALL else one.labels[label])["strict"].f1
            whiskers.append(Whisker(names[label], one.name, kind, f1.value, *(f1.best or (None, None))))
    known = (f"{line.group} {line.name} {line.value:.3f}" for line in whiskers if line.value is not None)
    text = words("chart.f1.text") + words("stop").join(known)
    return lay_out_intervals(Caption("c-f1", words("chart.f1"), text), whiskers)


def _chart_lines(
    key: str, series: Sequence[Series], axes: tuple[Axis, Axis], words: Words, said: str = ""
) -> Chart | None:
    """Lay out the lines of a chart whose words have this key; None where no line has a point."""
    if not any(one.points for one in series):
        return None
    caption = Caption(f"c-{key}", words(f"chart.{key}"), said or words(f"chart.{key}.text"))
    return lay_out_chart(caption, x=axes[0], y=axes[1], series=series, diagonal=key == "reliability")


def _find_lowest(series: Iterable[Series]) -> float:
    return min((value for one in series for _, value in one.points), default=0.0)


def chart_thresholds(evaluations: Sequence[Evaluation], words: Words) -> Chart | None:
    """Chart precision over recall as the score threshold falls; None where no layer has scores."""
    series, best = [], []
    for one in evaluations:
        figures = [(point.recall, point.precision) for point in one.curve]
        points = tuple((r, p) for r, p in figures if r is not None and p is not None)
        series.append(Series(one.name, points, dots=len(points) <= MOST_DOTS))
        top = max(one.curve, key=lambda point: point.f1 or -1.0, default=None)
        if top and top.f1 is not None:
            best.append(words("chart.threshold.best", name=one.name, threshold=top.threshold, f1=top.f1))
    said = words("chart.threshold.text") + words("stop").join(best)
    axes = (
        make_share_axis(words("recall")),
        make_share_axis(words("precision"), min(_find_lowest(series), 0.95)),
    )
    return _chart_lines("threshold", series, axes, words, said)


def chart_reliability(evaluations: Sequence[Evaluation], words: Words) -> Chart | None:
    """Chart the share of correct spans over their mean score, by bin; None where no layer has scores."""
    series = []
    for one in evaluations:
        bins = [bin_ for bin_ in one.calibration.bins if bin_.mean_score is not None]
        most = max((bin_.count for bin_ in bins), default=1)
        points = tuple((bin_.mean_score or 0.0, bin_.precision or 0.0) for bin_ in bins)
        sizes = tuple(round(2.5 + 5 * (bin_.count / most) ** 0.5, 1) for bin_ in bins)
        series.append(Series(one.name, points, sizes=sizes))
    errors = {one.name: one.calibration.ece for one in evaluations}
    known = (f"{name} ECE {error:.3f}" for name, error in errors.items() if error is not None)
    said = words("chart.reliability.text") + words("stop").join(known)
    axes = make_share_axis(words("mean_score")), make_share_axis(words("share_correct"))
    return _chart_lines("reliability", series, axes, words, said)


def chart_lengths(evaluations: Sequence[Evaluation], words: Words) -> Chart | None:
    """Chart strict F1 over the length of spans; None where there are fewer than two classes of lengths."""
    rows = {one.name: one.breakdowns["length"] for one in evaluations}
    keys = sort_classes("length", {row.key for of_layer in rows.values() for row in of_layer})
    if len(keys) < 2:  # noqa: PLR2004 — one class is no chart
        return None
    series = [
        Series(name, tuple((float(keys.index(row.key)), row.f1) for row in of_layer if row.f1 is not None))
        for name, of_layer in rows.items()
    ]
    axes = make_place_axis(words("length"), keys), make_share_axis("F1", _find_lowest(series))
    return _chart_lines("length", series, axes, words)


def chart_learning(curve: CurveFigures, words: Words) -> Chart | None:
    """Chart F1 over the number of annotated sentences with its band, and the extrapolation."""
    points = sorted((one for one in curve.points if one.mean is not None), key=lambda one: one.sentences)
    if not points:
        return None
    means = tuple((one.sentences, one.mean or 0.0) for one in points)
    bands = ((one.sentences, one.low, one.high) for one in points)
    band = tuple((at, low, high) for at, low, high in bands if low is not None and high is not None)
    fit = tuple((one.sentences, one.f1) for one in curve.fit)
    series = [Series(words("measured"), means, band)]
    series += [Series(words("extrapolated"), fit, dots=False)] if fit else []
    said = words("chart.learning.text", count=len(points), first=means[0][1], last=means[-1][1])
    low = min(*(low for _, low, _ in band), *(value for _, value in (*means, *fit)), 1.0)
    x = make_count_axis(words("sentences"), max(at for at, _ in (means[-1], *fit)))
    return _chart_lines("learning", series, (x, make_share_axis("F1", low)), words, said)


def describe_gain(curve: CurveFigures, words: Words) -> str:
    """Say how much another 100 sentences change F1, with the interval, or why that is not known."""
    if curve.worth is None:
        failure = curve.failure
        return words("learning.failure", why=words(f"learning.failure.{failure}")) if failure else ""
    said = words("learning.worth", worth=format_difference(curve.worth))
    if curve.worth_low is None or curve.worth_high is None:
        return said + words("learning.no_interval")
    low, high = format_difference(curve.worth_low), format_difference(curve.worth_high)
    return (
        said
        + words("learning.interval", low=low, high=high)
        + words("learning.sure" if curve.distinguishable else "learning.nothing")
    )


def chart_history(
    runs: Sequence[str], layers: Mapping[str, Sequence[float | None]], words: Words
) -> Chart | None:
    """Chart the strict F1 of each layer over the runs; None where no layer has one."""
    series = [
        Series(name, tuple((float(at), value) for at, value in enumerate(found) if value is not None))
        for name, found in layers.items()
    ]
    said = words("chart.history.text", count=len(runs))
    axes = make_place_axis(words("run"), runs), make_share_axis("F1", _find_lowest(series))
    return _chart_lines("history", series, axes, words, said)


def make_confusion_cells(evaluation: Evaluation) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return the rows of the confusion matrix: the gold's label, and a cell for each predicted label.

    A cell has its count of characters, their share of the row (None in an empty row), and 0-4 for its shade.
    """
    rows = []
    for label, counts in zip(evaluation.confusion.labels, evaluation.confusion.matrix, strict=True):
        whole = sum(counts)
        cells = []
        for other, count in zip(evaluation.confusion.labels, counts, strict=True):
            share = count / whole if whole else None
            quiet = not share or (label == OUTSIDE and other == OUTSIDE)
            shade = 0 if quiet else 1 + sum((share or 0) >= bound for bound in (0.02, 0.1, 0.5))
            cells.append({"count": count, "share": share, "shade": shade, "diagonal": label == other})
        rows.append((label, cells))
    return rows
