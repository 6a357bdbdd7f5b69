"""Charts as small inline SVG: positions in user units, which a template draws.

No plotting library makes them: a chart is 2 kB this way, takes its colours from the page (light and dark), and its text
stays text. Series differ by dash and by the shape of their dots, not by colour alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Any

from biaozhu.reporting.content import CurveFigures
from biaozhu.reporting.page.strings import Words, format_difference
from biaozhu.scoring.breakdown import OUTSIDE, sort_classes
from biaozhu.scoring.evaluation import ALL, Evaluation, list_occurring

WIDTH, HEIGHT = 460, 300
LEFT, RIGHT, TOP, BOTTOM = 46, 14, 12, 40
ROW = 20
KINDS = 6  # ways of the style sheet to draw a series
NAME_WIDTH = 96
VALUE_WIDTH = RIGHT + 46  # behind the lines of F1
MOST_DOTS = 12  # a line of more points has no dots


@dataclass(frozen=True, slots=True)
class Axis:
    """A straight axis from `low` to `high`, named; `ticks` are values and how they are written."""

    name: str
    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]


@dataclass(frozen=True, slots=True)
class Series:
    """Points joined by a line, with a band (x, low, high) behind it or none."""

    name: str
    points: tuple[tuple[float, float], ...]
    band: tuple[tuple[float, float, float], ...] = ()
    dots: bool = True
    sizes: tuple[float, ...] = ()


def make_share_axis(name: str, low: float = 0.0) -> Axis:
    """Return an axis for shares from below `low` to 1, with about five ticks."""
    low = min(max(0.0, floor(low * 20) / 20), 0.9)  # a narrower axis would blow noise up
    step = next(step for step in (0.02, 0.05, 0.1, 0.2) if (1 - low) / step <= 6 or step == 0.2)  # noqa: PLR2004 — at most six ticks
    first, last = ceil(low / step - 1e-9), floor(1 / step + 1e-9)
    ticks = ((round(at * step, 10), f"{at * step:.2f}") for at in range(first, last + 1))
    return Axis(name, low, 1.0, tuple(ticks))


def make_count_axis(name: str, high: float) -> Axis:
    """Return an axis for counts from 0, ending at a round figure."""
    size = 10 ** floor(log10(max(high, 1)))
    step = next(s for s in (size / 5, size / 2, size, size * 2) if high / s <= 5.5 or s == size * 2)  # noqa: PLR2004 — at most six ticks
    step = max(1.0, step)
    count = max(1, ceil(high / step - 1e-9))
    return Axis(name, 0.0, step * count, tuple((at * step, f"{at * step:.0f}") for at in range(count + 1)))


def make_place_axis(name: str, labels: Sequence[str]) -> Axis:
    """Return an axis with a place for each label, at 0, 1, 2, …; of many labels only some are written."""
    every = max(1, ceil(len(labels) / 9))
    ticks = tuple((float(at), label) for at, label in enumerate(labels) if at % every == 0)
    return Axis(name, -0.5, len(labels) - 0.5, ticks)


def lay_out_chart(
    key: str, series: Sequence[Series], axes: tuple[Axis, Axis], words: Words, said: str = ""
) -> dict[str, Any] | None:
    """Lay out, in user units, a chart whose words have this key; None where no series has a point.

    The first series is under the others; `said` is what it shows in words, for readers who do not see it.
    """
    if not any(one.points for one in series):
        return None
    x, y = axes
    corners = [(_x(x.low, x), _y(x.low, y)), (_x(x.high, x), _y(x.high, y))]
    return {
        "caption": _caption(key, words, said or words(f"chart.{key}.text")),
        "width": WIDTH,
        "height": HEIGHT,
        "frame": (LEFT, TOP, WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM),
        "x": x,
        "y": y,
        "x_ticks": [(_x(value, x), shown) for value, shown in x.ticks],
        "y_ticks": [(_y(value, y), shown) for value, shown in y.ticks],
        "series": [_place_series(one, at % KINDS, x, y) for at, one in enumerate(series)],
        "guide": _draw_path(corners) if key == "reliability" else "",  # where both axes are equal
    }


def _place_series(series: Series, kind: int, x: Axis, y: Axis) -> dict[str, Any]:
    """Return its paths ("" where there is none), dots (x, y, radius) and the number of its style."""
    placed = [(_x(at, x), _y(value, y)) for at, value in series.points]
    sizes = series.sizes or (3.5,) * len(placed)
    edge = [(at, high) for at, _, high in series.band] + [(at, low) for at, low, _ in reversed(series.band)]
    return {
        "name": series.name,
        "kind": kind,
        "path": _draw_path(placed) if len(placed) > 1 else "",
        "band": _draw_path([(_x(at, x), _y(value, y)) for at, value in edge]) + "Z" if len(series.band) > 1 else "",
        "dots": [(*at, size) for at, size in zip(placed, sizes, strict=True)] if series.dots else (),
    }


def _draw_path(points: Iterable[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{left} {top}" for left, top in points)


def _x(value: float, axis: Axis, left: int = LEFT, right: int = RIGHT) -> float:
    return round(left + _find_share(value, axis) * (WIDTH - left - right), 1)


def _y(value: float, axis: Axis) -> float:
    return round(HEIGHT - BOTTOM - _find_share(value, axis) * (HEIGHT - TOP - BOTTOM), 1)


def _find_share(value: float, axis: Axis) -> float:
    return min(max((value - axis.low) / (axis.high - axis.low), 0.0), 1.0)


def chart_f1(evaluations: Sequence[Evaluation], names: Mapping[str, str], words: Words) -> dict[str, Any]:
    """Chart strict F1 with its interval, overall and by label, for each layer.

    `lines` are (y, number of the layer, F1, x of F1, of low, of high), `groups` (y, name, whether ruled above).
    """
    labels = (ALL, *list_occurring(evaluations))
    scores = {label: [one.scores_of(label)["strict"].f1 for one in evaluations] for label in labels}
    known = [bound for of_label in scores.values() for one in of_label for bound in (one.value, *(one.best or ()))]
    axis = make_share_axis("", min((bound for bound in known if bound is not None), default=0.0))
    groups: list[tuple[float, str, bool]] = []
    lines, said, y = [], [], float(TOP)
    for label, of_label in scores.items():
        y += 6 if groups else 0
        groups.append((y, names[label], bool(groups)))
        for kind, f1 in enumerate(of_label):
            bounds = (f1.value, *(f1.best or (None, None)))
            places = (None if bound is None else _x(bound, axis, NAME_WIDTH, VALUE_WIDTH) for bound in bounds)
            lines.append((y + ROW / 2, kind, f1.value, *places))
            y += ROW
            if f1.value is not None:
                said.append(f"{names[label]} {evaluations[kind].name} {f1.value:.3f}")
    return {
        "caption": _caption("f1", words, words("chart.f1.text") + words("stop").join(said)),
        "width": WIDTH,
        "height": int(y) + 26,
        "ticks": [(_x(value, axis, NAME_WIDTH, VALUE_WIDTH), shown) for value, shown in axis.ticks],
        "lines": lines,
        "groups": groups,
    }


def _caption(key: str, words: Words, said: str) -> dict[str, str]:
    return {"id": f"c-{key}", "title": words(f"chart.{key}"), "text": said}


def _find_lowest(series: Iterable[Series]) -> float:
    return min((value for one in series for _, value in one.points), default=0.0)


def chart_thresholds(evaluations: Sequence[Evaluation], words: Words) -> dict[str, Any] | None:
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
    precision = make_share_axis(words("precision"), min(_find_lowest(series), 0.95))
    return lay_out_chart("threshold", series, (make_share_axis(words("recall")), precision), words, said)


def chart_reliability(evaluations: Sequence[Evaluation], words: Words) -> dict[str, Any] | None:
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
    return lay_out_chart("reliability", series, axes, words, said)


def chart_lengths(evaluations: Sequence[Evaluation], words: Words) -> dict[str, Any] | None:
    """Chart strict F1 over the length of spans; None where there are fewer than two classes of lengths."""
    rows = {one.name: one.breakdowns["length"] for one in evaluations}
    keys = sort_classes("length", {row.key for of_layer in rows.values() for row in of_layer})
    if len(keys) < 2:  # noqa: PLR2004 — one class is no chart
        return None
    # Of a class without gold F1 is 0 whatever the layer does.
    points = (
        [(float(keys.index(one.key)), one.f1) for one in some if one.f1 is not None and one.gold]
        for some in rows.values()
    )
    series = [Series(name, tuple(some)) for name, some in zip(rows, points, strict=True)]
    axes = make_place_axis(words("length"), keys), make_share_axis("F1", _find_lowest(series))
    return lay_out_chart("length", series, axes, words)


def chart_learning(curve: CurveFigures, words: Words) -> dict[str, Any] | None:
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
    return lay_out_chart("learning", series, (x, make_share_axis("F1", low)), words, said)


def describe_gain(curve: CurveFigures, words: Words) -> str:
    """Say how much another 100 sentences change F1, with the interval, or why that is not known."""
    if curve.worth is None:
        failure = curve.failure
        return words("learning.failure", why=words(f"learning.failure.{failure}")) if failure else ""
    said = words("learning.worth", worth=format_difference(curve.worth))
    if curve.worth_low is None or curve.worth_high is None:
        return said + words("learning.no_interval")
    low, high = format_difference(curve.worth_low), format_difference(curve.worth_high)
    sure = words("learning.sure" if curve.distinguishable else "learning.nothing")
    return said + words("learning.interval", low=low, high=high) + sure


def chart_history(runs: list[str], layers: Mapping[str, list[float | None]], words: Words) -> dict[str, Any] | None:
    """Chart the strict F1 of each layer over the runs; None where no layer has one."""
    points = ([(float(at), value) for at, value in enumerate(one) if value is not None] for one in layers.values())
    series = [Series(name, tuple(some)) for name, some in zip(layers, points, strict=True)]
    axes = make_place_axis(words("run"), runs), make_share_axis("F1", _find_lowest(series))
    return lay_out_chart("history", series, axes, words, words("chart.history.text", count=len(runs)))


def make_confusion_cells(evaluation: Evaluation, labels: Collection[str]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return the confusion matrix by gold label, in cells: characters, share of the row (or None), shade 0-4.

    Other labels than these, which have no spans, are left out.
    """
    rows, shown = [], {*labels, OUTSIDE}
    for label, counts in zip(evaluation.confusion.labels, evaluation.confusion.matrix, strict=True):
        whole = sum(counts)
        if label not in shown:
            continue
        cells = []
        for other, count in zip(evaluation.confusion.labels, counts, strict=True):
            if other not in shown:
                continue
            share = count / whole if whole else None
            quiet = not share or (label == OUTSIDE and other == OUTSIDE)
            shade = 0 if quiet else 1 + sum((share or 0) >= bound for bound in (0.02, 0.1, 0.5))
            cells.append({"count": count, "share": share, "shade": shade, "diagonal": label == other})
        rows.append((label, cells))
    return rows
