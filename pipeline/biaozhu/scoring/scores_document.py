"""The scores.json document: one evaluation run as plain JSON values, as scores.schema.json describes them.

Reports, histories and checks in CI read this file; what is undefined is null in it.
"""

from __future__ import annotations

import datetime as dt
import json
import platform
from dataclasses import asdict, dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any

from biaozhu import __version__
from biaozhu.data.errors import ScoresFileError
from biaozhu.data.files import parse_json, read_bytes, write_text
from biaozhu.scoring.match import SCHEMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from biaozhu.data.model import Span
    from biaozhu.scoring.breakdown import Row
    from biaozhu.scoring.error_patterns import Case
    from biaozhu.scoring.evaluation import Comparison, Evaluation, Scored
    from biaozhu.scoring.scores import Counts
    from biaozhu.scoring.significance import Difference, Estimate, Interval, Units

FORMAT = "biaozhu.scores.v1"


@dataclass(frozen=True, slots=True)
class Input:
    """A file that a run has read: what it was used for, its name in the run, and its checksum.

    `role` is gold, layer, train, article, ledger, round_trip, agreement, curve or bias; `sentences` and `spans` are None for a file that is no layer.
    """

    role: str
    name: str
    path: str
    sha256: str
    sentences: int | None = None
    spans: int | None = None


def scores_document(
    evaluations: Sequence[Evaluation],
    comparisons: Sequence[Comparison] = (),
    *,
    inputs: Sequence[Input],
    command: Sequence[str],
    date: dt.datetime | None = None,
) -> dict[str, Any]:
    """Return the document of a run.

    Args:
        evaluations: of the layers, in the order of reports, all on the same gold.
        comparisons: between them.
        inputs: every file that was read.
        command: the words of the command line.
        date: when the run was made; None is now, in UTC.
    """
    date = date or dt.datetime.now(dt.UTC)
    return {
        "format": FORMAT,
        "made": {
            "version": __version__,
            "command": list(command),
            "date": date.isoformat(timespec="seconds"),
            "python": platform.python_version(),
            "inputs": [asdict(item) for item in inputs],
        },
        "layers": [_evaluation(evaluation) for evaluation in evaluations],
        "comparisons": [_comparison(comparison) for comparison in comparisons],
    }


def write_scores(path: Path, document: Mapping[str, Any]) -> None:
    """Write a document atomically.

    Raises:
        WriteError: it cannot be written.
    """
    write_text(path, json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def read_scores(path: Path) -> dict[str, Any]:
    """Read a document.

    Raises:
        MissingFileError: there is no such file.
        ScoresFileError: it is no scores.json of a version that this program knows.
    """
    try:
        document = parse_json(read_bytes(path))
    except ValueError as error:
        raise ScoresFileError(f"not JSON ({error})", where=str(path)) from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        found = document.get("format") if isinstance(document, dict) else None
        what = (
            f"format {found}, this version reads {FORMAT}" if found else f"no document of the format {FORMAT}"
        )
        raise ScoresFileError(what, where=str(path))
    return document


def schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of the document."""
    text = (resources.files("biaozhu.scoring") / "scores.schema.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def _evaluation(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "name": evaluation.name,
        "sentences": evaluation.sentences,
        "characters": evaluation.characters,
        "missing": list(evaluation.missing),
        **({"missing_more": evaluation.missing_more} if evaluation.missing_more else {}),
        "units": _units(evaluation.units),
        "sampling": asdict(evaluation.sampling),
        "overall": _schemes(evaluation.overall),
        "labels": {label: _schemes(scored) for label, scored in evaluation.labels.items()},
        "breakdowns": {aspect: [_row(row) for row in rows] for aspect, rows in evaluation.breakdowns.items()},
        "confusion": {
            "labels": list(evaluation.confusion.labels),
            "matrix": [list(row) for row in evaluation.confusion.matrix],
        },
        "calibration": {
            "ece": evaluation.calibration.ece,
            "scored": evaluation.calibration.scored,
            "unscored": evaluation.calibration.unscored,
            "bins": [{**asdict(one), "precision": one.precision} for one in evaluation.calibration.bins],
        },
        "curve": [asdict(point) for point in evaluation.curve],
        **({} if evaluation.curve_step is None else {"curve_step": evaluation.curve_step}),
        "errors": [
            {
                "pattern": group.pattern,
                "count": group.count,
                "examples": [_case(case) for case in group.examples],
            }
            for group in evaluation.errors
        ],
    }


def _comparison(comparison: Comparison) -> dict[str, Any]:
    return {
        "a": comparison.a,
        "b": comparison.b,
        "units": _units(comparison.units),
        "sampling": asdict(comparison.sampling),
        "differences": [_difference(difference) for difference in comparison.differences],
    }


def _units(units: Units) -> dict[str, Any]:
    groups = {} if units.groups is None else {"groups": units.groups}
    return {"kind": units.kind, "count": units.count, "reason": units.reason, **groups}


def _schemes(scored: Mapping[Any, Scored]) -> dict[str, Any]:
    return {
        scheme: {
            "counts": _counts(scored[scheme].score.counts),
            "precision": _estimate(scored[scheme].precision),
            "recall": _estimate(scored[scheme].recall),
            "f1": _estimate(scored[scheme].f1),
        }
        for scheme in SCHEMES
    }


def _counts(counts: Counts) -> dict[str, int]:
    return {**asdict(counts), "possible": counts.possible, "actual": counts.actual}


def _estimate(estimate: Estimate) -> dict[str, Any]:
    return {
        "value": estimate.value,
        "percentile": _interval(estimate.percentile),
        "bca": _interval(estimate.bca),
        "exact": _interval(estimate.exact),
        "undefined": estimate.undefined,
    }


def _change(estimate: Estimate) -> dict[str, Any]:
    # Two layers may differ by nothing, or by all there is, without either being sure.
    return {key: value for key, value in _estimate(estimate).items() if key != "exact"}


def _interval(interval: Interval) -> list[float] | None:
    if interval.low is None or interval.high is None:
        return None
    return [interval.low, interval.high]


def _difference(difference: Difference) -> dict[str, Any]:
    return {
        "metric": difference.metric,
        "a": difference.a,
        "b": difference.b,
        "difference": _change(difference.difference),
        "p": difference.p,
        "p_holm": difference.p_holm,
        "exact": difference.exact,
    }


def _row(row: Row) -> dict[str, Any]:
    return {**asdict(row), "precision": row.precision, "recall": row.recall, "f1": row.f1}


def _case(case: Case) -> dict[str, Any]:
    return {
        "sentence": case.sentence,
        "shape": case.shape,
        "start": case.start,
        "end": case.end,
        "gold": _spans(case.gold, case),
        "predicted": _spans(case.predicted, case),
        "before": case.before,
        "text": case.text,
        "after": case.after,
    }


def _spans(spans: Iterable[Span], case: Case) -> list[dict[str, Any]]:
    return [
        {
            "start": span.start,
            "end": span.end,
            "label": span.label,
            "source": span.source,
            "score": span.score,
            "text": case.text[span.start - case.start : span.end - case.start],
        }
        for span in spans
    ]
