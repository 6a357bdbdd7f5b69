"""Reports side by side: what every report in a folder found, and how strict F1 went from one to the next."""

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
from biaozhu.reporting.escaping import escape_plain
from biaozhu.reporting.page.figures import chart_history
from biaozhu.reporting.page.number_formats import NOTHING, format_interval
from biaozhu.reporting.page.strings import make_translator
from biaozhu.reporting.report import CHECKS_FORMAT, render_template
from biaozhu.scoring.evaluation import ALL
from biaozhu.scoring.scores_document import read_scores

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from biaozhu.reporting.page.strings import Language

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
class PastReport:
    """One report: its folder's name, scores.json (None without gold) and checks.json (empty where there is none)."""

    name: str
    scores: Mapping[str, Any] | None
    checks: Mapping[str, Any]

    @property
    def date(self) -> str:
        """When the scores were made; empty without scores."""
        return str(self.scores["made"]["date"]) if self.scores else ""


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One layer of one report; `change` is against the report before on the same gold, None where there is none."""

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
    def interval(self) -> str:
        """The interval of F1 in a table's cell."""
        return format_interval(
            (self.low, self.high) if self.low is not None and self.high is not None else None
        )

    @property
    def fell(self) -> bool:
        """It is lower than in the report before on the same gold."""
        return self.change is not None and self.change < 0


def read_reports(folder: Path) -> list[PastReport]:
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
    reports: list[PastReport] = []
    problems: list[BiaozhuError] = []
    for path in found:
        try:
            scores = read_scores(path / "scores.json") if (path / "scores.json").exists() else None
            checks = _read_checks(path / "checks.json") if (path / "checks.json").exists() else {}
            name = path.relative_to(folder).as_posix() if path != folder else path.resolve().name
            report = PastReport(name, scores, checks)
            list_cells(report)
            list_history([report])
        except BiaozhuError as error:
            problems.append(error)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            problems.append(ScoresFileError("it lacks what its format promises", where=str(path)))
        else:
            reports.append(report)
    raise_collected(problems)
    return sorted(reports, key=lambda report: (not report.date, report.date, report.name))


def summarize_report(report: PastReport) -> dict[str, Any]:
    """Return what `summary --json` prints of a report."""
    scores, checks = report.scores, report.checks
    return {
        "report": report.name,
        "date": report.date or None,
        "articles": checks.get("articles", []),
        "scored": checks.get("scored", []) if scores else [],
        "round_trip_identical": checks.get("round_trip_identical"),
        "round_trip_whole": checks.get("round_trip_whole"),
        "ledger_losses": checks.get("ledger_losses"),
        "scores": [
            {
                "layer": layer["name"],
                "label": label,
                "gold": schemes["strict"]["counts"]["possible"],
                **{name: schemes["strict"][name]["value"] for name in ("precision", "recall", "f1")},
                "interval": _find_bounds(schemes["strict"]["f1"]),
            }
            for layer in (scores["layers"] if scores else ())
            for label, schemes in ((ALL, layer["overall"]), *layer["labels"].items())
        ],
    }


def list_cells(report: PastReport) -> list[tuple[Any, ...]]:
    """Return the rows that `summary` prints of a report, one for each layer and label; one of dashes without gold."""
    found = summarize_report(report)
    once = (
        (escape_plain(report.name), _describe_articles(report)),
        (_describe_round_trip(report.checks), found["ledger_losses"]),
    )
    if not found["scores"]:
        return [(*once[0], NOTHING, NOTHING, None, None, None, None, NOTHING, *once[1])]
    rows: list[tuple[Any, ...]] = []
    before = None
    for row in found["scores"]:
        first, last = (("", ""), ("", "")) if rows else once
        layer = "" if row["layer"] == before else escape_plain(row["layer"])
        before = row["layer"]
        figures = (row["gold"], row["precision"], row["recall"], row["f1"], format_interval(row["interval"]))
        rows.append((*first, layer, row["label"], *figures, *last))
    return rows


def list_history(reports: Sequence[PastReport]) -> list[HistoryRow]:
    """Return one row for each layer of each report, in their order."""
    last: dict[tuple[str, str], float] = {}
    rows = []
    overall = (
        (report, row)
        for report in reports
        for row in summarize_report(report)["scores"]
        if row["label"] == ALL
    )
    for report, row in overall:
        sha = _hash_gold(report.scores or {})
        before, value = last.get((row["layer"], sha)), row["f1"]
        low, high = row["interval"] or (None, None)
        figures = (row["gold"], row["precision"], row["recall"], value, low, high)
        change = None if before is None or value is None else value - before
        rows.append(HistoryRow(report.date, report.name, row["layer"], *figures, change, sha))
        if value is not None:
            last[row["layer"], sha] = value
    return rows


def write_history(path: Path, rows: Sequence[HistoryRow], *, language: Language = "zh") -> None:
    """Write the reports as one page with table and chart.

    Raises:
        WriteError: it cannot be written.
    """
    words = make_translator(language)
    runs = list(dict.fromkeys(row.run for row in rows))
    several = len({row.gold_sha for row in rows}) > 1
    layers: dict[str, list[float | None]] = {}
    for row in rows:
        # A line joins only scores on the same gold.
        name = f"{row.layer} · {row.gold_sha[:6]}" if several else row.layer
        layers.setdefault(name, [None] * len(runs))[runs.index(row.run)] = row.f1
    chart = chart_history(runs, layers, words)
    values = {"t": words, "language": language, "rows": rows, "chart": chart}
    write_text(path, render_template("history.html.j2", values))


def _describe_articles(report: PastReport) -> str:
    """Return the article's name, or how many were scored, of how many; a dash where no article file was given."""
    names = report.checks.get("articles", [])
    scored = report.checks.get("scored", names)
    if report.scores and len(scored) < len(names):
        return f"{len(scored)} of {len(names)}"
    return NOTHING if not names else escape_plain(names[0]) if len(names) == 1 else str(len(names))


def _describe_round_trip(checks: Mapping[str, Any]) -> str:
    if checks.get("round_trip_whole") is None:
        return NOTHING
    if not checks["round_trip_whole"]:
        return "DIFFERS"
    return "identical" if checks["round_trip_identical"] else "edited"


def _hash_gold(scores: Mapping[str, Any]) -> str:
    """Return 12 hex digits that are equal where two reports were scored on the same gold files."""
    sums = sorted(item["sha256"] for item in scores["made"]["inputs"] if item["role"] == "gold")
    return sums[0][:12] if len(sums) == 1 else hashlib.sha256("".join(sums).encode()).hexdigest()[:12]


def _find_bounds(estimate: Mapping[str, Any]) -> list[float] | None:
    """Return the interval of an estimate to show, as `Estimate.best`."""
    found: list[float] | None = estimate.get("exact") or estimate["bca"] or estimate["percentile"]
    return found


def _read_checks(path: Path) -> dict[str, Any]:
    try:
        value = parse_json(read_bytes(path))
    except ValueError as error:
        raise ReportInputError(f"not JSON ({error})", where=str(path)) from None
    if not isinstance(value, dict) or value.get("format") != CHECKS_FORMAT:
        raise ReportInputError(f"not a {CHECKS_FORMAT} document", where=str(path))
    return value
