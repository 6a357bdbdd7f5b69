"""Reports side by side: what every report in a folder found, and how strict F1 went from one to the next."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from biaozhu.data.errors import BiaozhuError, MissingFileError, ReportInputError, ScoresFileError, raise_collected
from biaozhu.data.files import as_path, parse_json_as, read_bytes, write_text
from biaozhu.reporting.escaping import escape_plain
from biaozhu.reporting.page.charts import chart_history
from biaozhu.reporting.page.strings import NOTHING, Language, format_interval, make_translator
from biaozhu.reporting.report import CHECKS_FORMAT, render_template
from biaozhu.scoring.evaluation import ALL, ScoreEstimates
from biaozhu.scoring.scores_document import InputFile, read_scores

FIGURES = ("gold", "P", "R", "strict F1", "95 %")
COLUMNS, SCORES = ("report", "articles", "round trip", "losses"), ("report", "layer", "label", *FIGURES)


class _Made(msgspec.Struct, frozen=True):
    date: str
    inputs: tuple[InputFile, ...]


class _Schemes(msgspec.Struct, frozen=True):
    strict: ScoreEstimates


class _PastLayer(msgspec.Struct, frozen=True):
    name: str
    overall: _Schemes
    labels: dict[str, _Schemes]


class PastScores(msgspec.Struct, frozen=True):
    """Part of a scores.json that a history shows."""

    made: _Made
    layers: tuple[_PastLayer, ...]


class PastChecks(msgspec.Struct, frozen=True):
    """Part of a checks.json that a history shows; a report of an earlier version may lack some of it."""

    articles: tuple[str, ...] = ()
    scored: tuple[str, ...] | None = None
    round_trip_identical: bool | None = None
    round_trip_whole: bool | None = None
    ledger_losses: int | None = None
    format: str = ""


@dataclass(frozen=True, slots=True)
class PastReport:
    """One report: its folder's name, its scores (None without gold) and checks."""

    name: str
    scores: PastScores | None
    checks: PastChecks

    @property
    def date(self) -> str:
        """Date of the scores; empty without scores."""
        return self.scores.made.date if self.scores else ""


def read_reports(folder: str | Path) -> list[PastReport]:
    """Read the reports in a folder, at any depth, by date; those without scores come last."""
    found = sorted({path.parent for name in ("scores.json", "checks.json") for path in as_path(folder).rglob(name)})
    if not found:
        raise MissingFileError("no report in this folder", where=folder, next_step="Make one with `biaozhu report`")
    reports: list[PastReport] = []
    problems: list[BiaozhuError] = []
    for path in found:
        name = path.relative_to(folder).as_posix() if path != folder else path.resolve().name
        scores, checks = path / "scores.json", path / "checks.json"
        try:
            past = _read_scores(scores) if scores.exists() else None
            reports.append(PastReport(name, past, _read_checks(checks) if checks.exists() else PastChecks()))
        except BiaozhuError as error:
            problems.append(error)
    raise_collected(problems)
    return sorted(reports, key=lambda report: (not report.date, report.date, report.name))


def summarize_report(report: PastReport) -> dict[str, Any]:
    """Return what `summary --json` prints of a report."""
    checks = msgspec.structs.asdict(report.checks)
    del checks["format"]
    checks["scored"] = (report.checks.scored or ()) if report.scores else ()
    return {"report": report.name, "date": report.date or None, **checks, "scores": _list_scores(report)}


def list_cells(report: PastReport) -> tuple[Any, ...]:
    """Return the row of a report's checks, of `COLUMNS`."""
    checks = report.checks
    return escape_plain(report.name), _describe_articles(report), _describe_round_trip(checks), checks.ledger_losses


def list_score_cells(report: PastReport) -> list[tuple[Any, ...]]:
    """Return the rows of a report's scores, of `SCORES`, one for each layer and label; a name stands once."""
    rows: list[tuple[Any, ...]] = []
    for layer, label, *figures, interval in (one.values() for one in _list_scores(report)):
        if label != ALL and not figures[0] and figures[1] is None:
            continue  # neither the gold nor the layer has a span of it
        name = "" if rows else escape_plain(report.name)
        rows.append((name, escape_plain(layer) if label == ALL else "", label, *figures, format_interval(interval)))
    return rows


def list_history(reports: Sequence[PastReport]) -> list[dict[str, Any]]:
    """Return one row for each layer of each report, in their order, as `history --json` prints it.

    `change` is against the report before on the same gold, None where there is none.
    """
    before: dict[tuple[str, str], float] = {}
    rows = []
    for report in reports:
        sha = _hash_gold(report.scores) if report.scores else ""
        for one in _list_scores(report):
            if one["label"] != ALL:
                continue
            key, f1, (low, high) = (one["layer"], sha), one["f1"], one["interval"] or (None, None)
            change = None if f1 is None or key not in before else f1 - before[key]
            figures = {name: one[name] for name in ("layer", "gold", "precision", "recall", "f1")}
            last = {"low": low, "high": high, "change": change, "gold_sha": sha}
            rows.append({"date": report.date, "run": report.name, **figures, **last})
            if f1 is not None:
                before[key] = f1
    return rows


def write_history(path: str | Path, rows: Sequence[dict[str, Any]], *, language: Language = "zh") -> None:
    """Write the reports as one page with table and chart."""
    words = make_translator(language)
    runs = list(dict.fromkeys(row["run"] for row in rows))
    several = len({row["gold_sha"] for row in rows}) > 1
    layers: dict[str, list[float | None]] = {}
    for row in rows:
        # A line joins only scores on the same gold.
        name = f"{row['layer']} · {row['gold_sha'][:6]}" if several else row["layer"]
        layers.setdefault(name, [None] * len(runs))[runs.index(row["run"])] = row["f1"]
    values = {"t": words, "language": language, "rows": rows, "chart": chart_history(runs, layers, words)}
    write_text(path, render_template("history.html.j2", values))


def _list_scores(report: PastReport) -> list[dict[str, Any]]:
    return [
        {
            "layer": layer.name,
            "label": label,
            "gold": one.strict.counts.possible,
            "precision": one.strict.precision.value,
            "recall": one.strict.recall.value,
            "f1": one.strict.f1.value,
            "interval": one.strict.f1.best,
        }
        for layer in (report.scores.layers if report.scores else ())
        for label, one in {ALL: layer.overall, **layer.labels}.items()
    ]


def _describe_articles(report: PastReport) -> str:
    """Return the article's name, or how many were scored, of how many; a dash where no article file was given."""
    names, scored = report.checks.articles, report.checks.scored
    if report.scores and scored is not None and len(scored) < len(names):
        return f"{len(scored)}/{len(names)}"
    return NOTHING if not names else escape_plain(names[0]) if len(names) == 1 else str(len(names))


def _describe_round_trip(checks: PastChecks) -> str:
    if checks.round_trip_whole is None:
        return NOTHING
    return "DIFFERS" if not checks.round_trip_whole else "identical" if checks.round_trip_identical else "edited"


def _hash_gold(scores: PastScores) -> str:
    """Return 12 hex digits that are equal where two reports were scored on the same gold files."""
    sums = sorted(item.sha256 for item in scores.made.inputs if item.role == "gold")
    return sums[0][:12] if len(sums) == 1 else hashlib.sha256("".join(sums).encode()).hexdigest()[:12]


def _read_scores(path: Path) -> PastScores:
    try:
        return msgspec.convert(read_scores(path), PastScores)
    except msgspec.ValidationError as error:
        raise ScoresFileError(f"it lacks what its format promises: {error}", where=path) from None


def _read_checks(path: Path) -> PastChecks:
    try:
        checks, why = parse_json_as(read_bytes(path), PastChecks), ""
    except ValueError as error:
        checks, why = PastChecks(), f" ({error})"
    if checks.format != CHECKS_FORMAT:
        raise ReportInputError(f"not a {CHECKS_FORMAT} document{why}", where=path)
    return checks
