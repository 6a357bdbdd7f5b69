"""Runs side by side: what every report in a folder found, and how strict F1 went from run to run."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from biaozhu.data.errors import (
    BiaozhuError,
    MissingFileError,
    ReportInputError,
    ScoresFileError,
    raise_collected,
)
from biaozhu.data.files import parse_json, read_bytes, write_text
from biaozhu.reporting.escaping import shown_plain
from biaozhu.reporting.page.figures import history_chart
from biaozhu.reporting.page.strings import translator
from biaozhu.reporting.report import CHECKS_FORMAT, render
from biaozhu.scoring.scores_document import read_scores
from biaozhu.scoring.significance import Interval

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from biaozhu.reporting.page.strings import Language

NOTHING = "–"
COLUMNS = (
    "report",
    "articles",
    "layer",
    "label",
    "gold",
    "P",
    "R",
    "strict F1",
    "95 %",
    "round trip",
    "losses",
)


@dataclass(frozen=True, slots=True)
class Run:
    """One report: its folder's name, scores.json (None without gold) and checks.json (empty where it lacks)."""

    name: str
    scores: Mapping[str, Any] | None
    checks: Mapping[str, Any]

    @property
    def date(self) -> str:
        """When the scores were made; empty without scores."""
        return str(self.scores["made"]["date"]) if self.scores else ""

    @property
    def articles(self) -> str:
        """The article's name, or how many were scored, of how many; a dash where no article file was given."""
        names = self.checks.get("articles", [])
        scored = self.checks.get("scored", names)
        if self.scores and len(scored) < len(names):
            return f"{len(scored)} of {len(names)}"
        return NOTHING if not names else shown_plain(names[0]) if len(names) == 1 else str(len(names))

    def as_json(self) -> dict[str, Any]:
        """Return what `summary --json` prints of the run."""
        return {
            "report": self.name,
            "date": self.date or None,
            "articles": self.checks.get("articles", []),
            "scored": self.checks.get("scored", []) if self.scores else [],
            "round_trip_identical": self.checks.get("round_trip_identical"),
            "round_trip_whole": self.checks.get("round_trip_whole"),
            "ledger_losses": self.checks.get("ledger_losses"),
            "scores": [
                {
                    "layer": layer["name"],
                    "label": label,
                    "gold": strict["counts"]["possible"],
                    **{name: strict[name]["value"] for name in ("precision", "recall", "f1")},
                    "interval": best_bounds(strict["f1"]),
                }
                for layer in (self.scores["layers"] if self.scores else ())
                for label, strict in _strict(layer)
            ],
        }


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One layer of one run; `change` is against the run before on the same gold, None where there is none."""

    date: str
    run: str
    layer: str
    gold: int
    precision: float | None
    recall: float | None
    f1: float | None
    low: float | None
    high: float | None
    change: float | None
    gold_sha: str

    @property
    def interval(self) -> Interval:
        """The interval of F1."""
        return Interval(self.low, self.high)

    @property
    def shown(self) -> str:
        """The interval of F1 in a table's cell."""
        return bounds([self.low, self.high] if self.low is not None and self.high is not None else None)

    @property
    def fell(self) -> bool:
        """It is lower than the run before on the same gold."""
        return self.change is not None and self.change < 0


def read_runs(folder: Path) -> tuple[Run, ...]:
    """Read the reports in a folder, at any depth, by date; those without scores come last.

    Raises:
        MissingFileError: there is no report in it.
        ScoresFileError, ReportInputError: a file is not what its name says; all are reported together.
    """
    found = sorted({path.parent for name in ("scores.json", "checks.json") for path in folder.rglob(name)})
    if not found:
        raise MissingFileError(
            "no report in this folder", where=str(folder), next_step="Make one with `biaozhu report`"
        )
    runs: list[Run] = []
    problems: list[BiaozhuError] = []
    for path in found:
        try:
            scores = read_scores(path / "scores.json") if (path / "scores.json").exists() else None
            checks = _read_checks(path / "checks.json") if (path / "checks.json").exists() else {}
        except BiaozhuError as error:
            problems.append(error)
            continue
        name = path.relative_to(folder).as_posix() if path != folder else path.resolve().name
        run = Run(name, scores, checks)
        try:
            summary_cells(run)
            history_rows([run])
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            problems.append(ScoresFileError("it lacks what its format promises", where=str(path)))
            continue
        runs.append(run)
    raise_collected(problems)
    return tuple(sorted(runs, key=lambda run: (not run.date, run.date, run.name)))


def _round_trip(checks: Mapping[str, Any]) -> str:
    if checks.get("round_trip_whole") is None:
        return NOTHING
    if not checks["round_trip_whole"]:
        return "DIFFERS"
    return "identical" if checks["round_trip_identical"] else "edited"


def summary_cells(run: Run) -> list[tuple[Any, ...]]:
    """Return the rows that `summary` prints of a run, one for each layer and label; labels with a dash lack gold."""
    same = _round_trip(run.checks)
    lost = run.checks.get("ledger_losses")
    found = run.as_json()["scores"]
    if not found:
        return [
            (
                shown_plain(run.name),
                run.articles,
                NOTHING,
                NOTHING,
                None,
                None,
                None,
                None,
                NOTHING,
                same,
                lost,
            )
        ]
    rows: list[tuple[Any, ...]] = []
    for at, row in enumerate(found):
        name, articles, trip, losses = (
            (shown_plain(run.name), run.articles, same, lost) if at == 0 else ("", "", "", "")
        )
        layer = row["layer"] if at == 0 or found[at - 1]["layer"] != row["layer"] else ""
        figures = (row["gold"], row["precision"], row["recall"], row["f1"], bounds(row["interval"]))
        rows.append((name, articles, shown_plain(layer), row["label"], *figures, trip, losses))
    return rows


def history_rows(runs: Sequence[Run]) -> tuple[HistoryRow, ...]:
    """Return one row for each layer of each run, by date."""
    last: dict[tuple[str, str], float] = {}
    rows = []
    for run in runs:
        for layer in run.scores["layers"] if run.scores else ():
            strict = layer["overall"]["strict"]
            value = strict["f1"]["value"]
            low, high = best_bounds(strict["f1"]) or (None, None)
            sha = gold_checksum(run.scores or {})
            before = last.get((layer["name"], sha))
            rows.append(
                HistoryRow(
                    date=run.date,
                    run=run.name,
                    layer=layer["name"],
                    gold=strict["counts"]["possible"],
                    precision=strict["precision"]["value"],
                    recall=strict["recall"]["value"],
                    f1=value,
                    low=low,
                    high=high,
                    change=None if before is None or value is None else value - before,
                    gold_sha=sha,
                )
            )
            if value is not None:
                last[layer["name"], sha] = value
    return tuple(rows)


def write_history(path: Path, rows: Sequence[HistoryRow], *, language: Language = "zh") -> None:
    """Write the runs as one page with table and chart.

    Raises:
        WriteError: it cannot be written.
    """
    words = translator(language)
    runs = list(dict.fromkeys(row.run for row in rows))
    several = len({row.gold_sha for row in rows}) > 1
    layers: dict[str, list[float | None]] = {}
    for row in rows:
        # A line joins only what was scored on the same gold.
        name = f"{row.layer} · {row.gold_sha[:6]}" if several else row.layer
        layers.setdefault(name, [None] * len(runs))[runs.index(row.run)] = row.f1
    values: dict[str, Any] = {
        "t": words,
        "language": language,
        "rows": rows,
        "chart": history_chart(runs, layers, words),
        "label_numbers": {},
    }
    write_text(path, render("history.html.j2", values))


def gold_checksum(scores: Mapping[str, Any]) -> str:
    """Return 12 hex digits that tell whether two runs were scored on the same gold files."""
    sums = sorted(item["sha256"] for item in scores["made"]["inputs"] if item["role"] == "gold")
    return sums[0][:12] if len(sums) == 1 else hashlib.sha256("".join(sums).encode()).hexdigest()[:12]


def best_bounds(estimate: Mapping[str, Any]) -> list[float] | None:
    """Return the interval of an estimate to show, as `Estimate.best`."""
    found: list[float] | None = estimate.get("exact") or estimate["bca"] or estimate["percentile"]
    return found


def bounds(interval: Sequence[float] | None) -> str:
    """Return an interval as a table's cell."""
    return NOTHING if interval is None else f"{interval[0]:.3f}–{interval[1]:.3f}"


def _strict(layer: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    return [
        ("ALL", layer["overall"]["strict"]),
        *((label, schemes["strict"]) for label, schemes in layer["labels"].items()),
    ]


def _read_checks(path: Path) -> dict[str, Any]:
    try:
        value = parse_json(read_bytes(path))
    except ValueError as error:
        raise ReportInputError(f"not JSON ({error})", where=str(path)) from None
    if not isinstance(value, dict) or value.get("format") != CHECKS_FORMAT:
        raise ReportInputError(f"no document of the format {CHECKS_FORMAT}", where=str(path))
    return value
