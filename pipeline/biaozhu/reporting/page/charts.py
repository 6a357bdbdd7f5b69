"""Charts as small inline SVG: positions in user units, which a template draws.

No plotting library makes them: a chart is 2 kB this way, takes its colours from the page (light and dark), and its text
stays text. Series differ by dash and by the shape of their dots, not by colour alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, log10
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, HEIGHT = 460, 300
LEFT, RIGHT, TOP, BOTTOM = 46, 14, 12, 40
ROW = 20
KINDS = 6  # ways of the style sheet to draw a series
NAME_WIDTH = 96


@dataclass(frozen=True, slots=True)
class Caption:
    """A figure's id in the page, its title, and in words what it shows, for readers who do not see it."""

    id: str
    title: str
    text: str


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


@dataclass(frozen=True, slots=True)
class PlacedSeries:
    """A series in user units: paths ("" where there is none), dots (x, y, radius) and the number of its style."""

    name: str
    kind: int
    path: str
    band: str
    dots: tuple[tuple[float, float, float], ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart in user units."""

    caption: Caption
    width: int
    height: int
    frame: tuple[float, float, float, float]
    x: Axis
    y: Axis
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    series: tuple[PlacedSeries, ...]
    guide: str = ""


@dataclass(frozen=True, slots=True)
class Whisker:
    """One line of an interval chart; None where a value is undefined."""

    group: str
    name: str
    kind: int
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class IntervalChart:
    """Values with their confidence intervals, one under the other, by group.

    `lines` are (y, whisker, x of value, x of low, x of high); `groups` are (y, name, whether a rule stands above).
    """

    caption: Caption
    width: int
    height: int
    ticks: tuple[tuple[float, str], ...]
    lines: tuple[tuple[float, Whisker, float | None, float | None, float | None], ...]
    groups: tuple[tuple[float, str, bool], ...]


def make_share_axis(name: str, low: float = 0.0, high: float = 1.0) -> Axis:
    """Return an axis for shares between 0 and 1, with about five ticks."""
    low = max(0.0, floor(low * 20) / 20)
    high = min(1.0, ceil(high * 20) / 20)
    if high - low < 0.1:  # noqa: PLR2004 — a narrower axis would blow noise up
        low, high = max(0.0, high - 0.1), max(high, 0.1)
    step = next(step for step in (0.02, 0.05, 0.1, 0.2) if (high - low) / step <= 6 or step == 0.2)  # noqa: PLR2004 — at most six ticks
    first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
    ticks = ((round(at * step, 10), f"{at * step:.2f}") for at in range(first, last + 1))
    return Axis(name, low, high, tuple(ticks))


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
    caption: Caption, *, x: Axis, y: Axis, series: Sequence[Series], diagonal: bool = False
) -> Chart:
    """Lay out series, the first under the others; `diagonal` draws the line on which both axes are equal."""
    guide = f"M{_x(x.low, x)} {_y(x.low, y)}L{_x(x.high, x)} {_y(x.high, y)}" if diagonal else ""
    frame = (LEFT, TOP, WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM)
    x_ticks = tuple((_x(value, x), shown) for value, shown in x.ticks)
    y_ticks = tuple((_y(value, y), shown) for value, shown in y.ticks)
    placed = tuple(_place_series(one, position % KINDS, x, y) for position, one in enumerate(series))
    return Chart(caption, WIDTH, HEIGHT, frame, x, y, x_ticks, y_ticks, placed, guide)


def lay_out_intervals(caption: Caption, whiskers: Sequence[Whisker]) -> IntervalChart:
    """Lay out an interval chart; whiskers of one group follow each other."""
    known = [value for line in whiskers for value in (line.value, line.low, line.high) if value is not None]
    axis = make_share_axis("", min(known, default=0.0), 1.0)
    lines, groups = [], []
    y, group = float(TOP), None
    for line in whiskers:
        if line.group != group:
            y += 6 if group is not None else 0
            groups.append((y, line.group, group is not None))
            group = line.group
        middle = y + ROW / 2
        value, low, high = (_along(one, axis) for one in (line.value, line.low, line.high))
        lines.append((middle, line, value, low, high))
        y += ROW
    ticks = tuple((_along(value, axis) or 0.0, text) for value, text in axis.ticks)
    return IntervalChart(caption, WIDTH, int(y) + 26, ticks, tuple(lines), tuple(groups))


def _along(value: float | None, axis: Axis) -> float | None:
    if value is None:
        return None
    return round(NAME_WIDTH + _find_share(value, axis) * (WIDTH - NAME_WIDTH - RIGHT - 46), 1)


def _place_series(series: Series, kind: int, x: Axis, y: Axis) -> PlacedSeries:
    placed = [(_x(at, x), _y(value, y)) for at, value in series.points]
    sizes = series.sizes or (3.5,) * len(placed)
    path = "M" + "L".join(f"{left} {top}" for left, top in placed) if len(placed) > 1 else ""
    band = ""
    if len(series.band) > 1:
        upper = [f"{_x(at, x)} {_y(high, y)}" for at, _, high in series.band]
        lower = [f"{_x(at, x)} {_y(low, y)}" for at, low, _ in reversed(series.band)]
        band = "M" + "L".join([*upper, *lower]) + "Z"
    dots = tuple((*at, size) for at, size in zip(placed, sizes, strict=True)) if series.dots else ()
    return PlacedSeries(series.name, kind, path, band, dots)


def _x(value: float, axis: Axis) -> float:
    return round(LEFT + _find_share(value, axis) * (WIDTH - LEFT - RIGHT), 1)


def _y(value: float, axis: Axis) -> float:
    return round(HEIGHT - BOTTOM - _find_share(value, axis) * (HEIGHT - TOP - BOTTOM), 1)


def _find_share(value: float, axis: Axis) -> float:
    return min(max((value - axis.low) / (axis.high - axis.low), 0.0), 1.0)
