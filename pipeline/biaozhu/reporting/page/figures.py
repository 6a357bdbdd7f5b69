"""Which charts a report shows, made from evaluations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from biaozhu.reporting.page.charts import (
    About,
    Series,
    Whisker,
    chart,
    count_axis,
    intervals,
    place_axis,
    share_axis,
)
from biaozhu.scoring.breakdown import OUTSIDE, first_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from biaozhu.reporting.page.charts import Chart, Intervals
    from biaozhu.scoring.evaluation import Evaluation

    Words = Callable[..., str]

CURVE_DOTS = 12  # more points than these are a line without dots


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of the confusion matrix: characters, their share of the row (None in an empty row), 0-4 for its shade."""

    count: int
    share: float | None
    shade: int
    diagonal: bool


def f1_chart(evaluations: Sequence[Evaluation], names: Mapping[str, str], words: Words) -> Intervals:
    """Draw strict F1 with its interval, overall and by label, for each layer."""
    whiskers = []
    for label in ("", *evaluations[0].labels):
        for kind, evaluation in enumerate(evaluations):
            scores = evaluation.labels.get(label) if label else evaluation.overall
            found = scores["strict"].f1 if scores else None
            interval = found.best if found else None
            whiskers.append(
                Whisker(
                    names.get(label, label) if label else words("all"),
                    evaluation.name,
                    kind,
                    found.value if found else None,
                    interval.low if interval else None,
                    interval.high if interval else None,
                )
            )
    text = words("chart.f1.text") + words("stop").join(
        f"{line.group} {line.name} {line.value:.3f}" for line in whiskers if line.value is not None
    )
    return intervals(About("c-f1", words("chart.f1"), text), whiskers)


def threshold_chart(evaluations: Sequence[Evaluation], words: Words) -> Chart | None:
    """Draw precision over recall as the score threshold falls; None where no layer has scores."""
    series = [
        Series(
            evaluation.name,
            points := tuple(
                (point.recall, point.precision)
                for point in evaluation.curve
                if point.recall is not None and point.precision is not None
            ),
            dots=len(points) <= CURVE_DOTS,
        )
        for evaluation in evaluations
    ]
    if not any(one.points for one in series):
        return None
    lowest = min(value for one in series for _, value in one.points)
    text = words("chart.threshold.text") + words("stop").join(_best_threshold(evaluations, words))
    return chart(
        About("c-threshold", words("chart.threshold"), text),
        x=share_axis(words("recall")),
        y=share_axis(words("precision"), min(lowest, 0.95)),
        series=series,
    )


def reliability_chart(evaluations: Sequence[Evaluation], words: Words) -> Chart | None:
    """Draw the share of correct spans over their mean score, by bin; None where no layer has scores."""
    series = []
    for evaluation in evaluations:
        bins = [one for one in evaluation.calibration.bins if one.mean_score is not None]
        most = max((one.count for one in bins), default=1)
        series.append(
            Series(
                evaluation.name,
                tuple((one.mean_score or 0.0, one.precision or 0.0) for one in bins),
                sizes=tuple(round(2.5 + 5 * (one.count / most) ** 0.5, 1) for one in bins),
            )
        )
    if not any(one.points for one in series):
        return None
    text = words("chart.reliability.text") + words("stop").join(
        f"{evaluation.name} ECE {evaluation.calibration.ece:.3f}"
        for evaluation in evaluations
        if evaluation.calibration.ece is not None
    )
    return chart(
        About("c-reliability", words("chart.reliability"), text),
        x=share_axis(words("mean_score")),
        y=share_axis(words("share_correct")),
        series=series,
        diagonal=True,
    )


def length_chart(evaluations: Sequence[Evaluation], words: Words) -> Chart | None:
    """Draw strict F1 over the length of spans; None where there are no spans at all."""
    keys = list(
        dict.fromkeys(row.key for evaluation in evaluations for row in evaluation.breakdowns["length"])
    )
    keys.sort(key=first_of)
    series = [
        Series(
            evaluation.name,
            tuple(
                (float(keys.index(row.key)), row.f1)
                for row in evaluation.breakdowns["length"]
                if row.f1 is not None
            ),
        )
        for evaluation in evaluations
    ]
    if len(keys) < 2:  # noqa: PLR2004 — one class is no chart
        return None
    lowest = min((value for one in series for _, value in one.points), default=0.0)
    return chart(
        About("c-length", words("chart.length"), words("chart.length.text")),
        x=place_axis(words("length"), keys),
        y=share_axis("F1", lowest),
        series=series,
    )


def learning_chart(curve: Mapping[str, Any], words: Words) -> Chart | None:
    """Draw F1 over the number of annotated sentences with its band, and the extrapolation.

    Args:
        curve: `points` of {sentences, mean, low, high}, and optionally `fit` of {sentences, f1}.
        words: the translator.
    """
    known = [point for point in curve.get("points", ()) if point["mean"] is not None]
    points = sorted(known, key=lambda point: point["sentences"])
    if not points:
        return None
    fit = [(float(point["sentences"]), float(point["f1"])) for point in curve.get("fit", ())]
    banded = [point for point in points if point["low"] is not None and point["high"] is not None]
    measured = Series(
        words("measured"),
        tuple((float(point["sentences"]), float(point["mean"])) for point in points),
        tuple((float(point["sentences"]), float(point["low"]), float(point["high"])) for point in banded),
    )
    series = [measured, *([Series(words("extrapolated"), tuple(fit), dots=False)] if fit else [])]
    lows = (float(point["low"]) for point in banded)
    lowest = min([*lows, *(float(point["mean"]) for point in points), *(value for _, value in fit)])
    text = words("chart.learning.text", count=len(points), first=points[0]["mean"], last=points[-1]["mean"])
    most = max([float(points[-1]["sentences"]), *(at for at, _ in fit)])
    return chart(
        About("c-learning", words("chart.learning"), text),
        x=count_axis(words("sentences"), most),
        y=share_axis("F1", lowest),
        series=series,
    )


def learning_worth(curve: Mapping[str, Any], words: Words) -> str:
    """Say what another 100 sentences are worth, with its interval, or why that cannot be told.

    Args:
        curve: `worth`, and optionally `worth_low`, `worth_high`, `distinguishable` and `failure`.
        words: the translator.
    """
    if curve.get("worth") is None:
        failure = curve.get("failure")
        return words("learning.failure", why=words(f"learning.failure.{failure}")) if failure else ""
    said = words("learning.worth", worth=_signed(curve["worth"]))
    low, high = curve.get("worth_low"), curve.get("worth_high")
    if low is None or high is None:
        return said + words("learning.no_interval")
    said += words("learning.interval", low=_signed(low), high=_signed(high))
    return said + words("learning.sure" if curve.get("distinguishable") else "learning.nothing")


def history_chart(
    runs: Sequence[str], layers: Mapping[str, Sequence[float | None]], words: Words
) -> Chart | None:
    """Draw the strict F1 of each layer over the runs; None where there is nothing to draw."""
    values = [value for found in layers.values() for value in found if value is not None]
    if not values:
        return None
    series = [
        Series(name, tuple((float(at), value) for at, value in enumerate(found) if value is not None))
        for name, found in layers.items()
    ]
    return chart(
        About("c-history", words("chart.history"), words("chart.history.text", count=len(runs))),
        x=place_axis(words("run"), runs),
        y=share_axis("F1", min(values)),
        series=series,
    )


def confusion_cells(evaluation: Evaluation) -> tuple[tuple[str, tuple[Cell, ...]], ...]:
    """Return the rows of the confusion matrix: the gold's label, and a cell for each predicted label."""
    rows = []
    for label, counts in zip(evaluation.confusion.labels, evaluation.confusion.matrix, strict=True):
        whole = sum(counts)
        cells = []
        for other, count in zip(evaluation.confusion.labels, counts, strict=True):
            share = count / whole if whole else None
            quiet = not share or (label == OUTSIDE and other == OUTSIDE)
            shade = 0 if quiet else 1 + sum((share or 0) >= bound for bound in (0.02, 0.1, 0.5))
            cells.append(Cell(count, share, shade, label == other))
        rows.append((label, tuple(cells)))
    return tuple(rows)


def _best_threshold(evaluations: Sequence[Evaluation], words: Words) -> list[str]:
    found = []
    for evaluation in evaluations:
        defined = [point for point in evaluation.curve if point.f1 is not None]
        if defined:
            best = max(defined, key=lambda point: point.f1 or 0.0)
            found.append(
                words("chart.threshold.best", name=evaluation.name, threshold=best.threshold, f1=best.f1)
            )
    return found


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−")
