"""The scores.json document: an evaluation as plain JSON, as scores.schema.json describes it; undefined is null."""

from __future__ import annotations

import datetime as dt
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import msgspec

from biaozhu import __version__
from biaozhu.data.errors import ScoresFileError
from biaozhu.data.files import parse_json, read_bytes, write_json
from biaozhu.scoring.error_patterns import Case
from biaozhu.scoring.evaluation import Comparison, Evaluation
from biaozhu.scoring.significance import ResamplingUnits

FORMAT = "biaozhu.scores.v1"
# Fields of an evaluation that are there only where they say something.
OPTIONAL = ("missing_more", "curve_step")


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file that was read: its role (gold, layer, train, article, ledger, …), name, checksum, a layer's counts."""

    role: str
    name: str
    path: str
    sha256: str
    sentences: int | None = None
    spans: int | None = None


def make_scores_document(
    evaluations: Sequence[Evaluation],
    comparisons: Sequence[Comparison] = (),
    *,
    values: Sequence[Mapping[str, Any]] = (),
    inputs: Sequence[InputFile],
    command: Sequence[str],
) -> dict[str, Any]:
    """Return the document of evaluations on the same gold, in the order of reports; `inputs` are all files read."""
    made = {
        "version": __version__,
        "command": command,
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "inputs": [asdict(item) for item in inputs],
    }
    return {
        "format": FORMAT,
        "made": made,
        "layers": [_describe_evaluation(evaluation) for evaluation in evaluations],
        "comparisons": [_describe_comparison(comparison) for comparison in comparisons],
        **({"values": values} if values else {}),
    }


def write_scores(path: str | Path, document: Mapping[str, Any]) -> None:
    """Write a document atomically."""
    write_json(Path(path), document, allow_nan=False)


def read_scores(path: str | Path) -> dict[str, Any]:
    """Read a document of the version that this program reads."""
    try:
        document = parse_json(read_bytes(Path(path)))
    except ValueError as error:
        raise ScoresFileError(f"not JSON ({error})", where=str(path)) from None
    found = document.get("format") if isinstance(document, dict) else None
    if not isinstance(document, dict) or found != FORMAT:
        what = f"the format is {found}, this version reads {FORMAT}" if found else f"not a {FORMAT} document"
        raise ScoresFileError(what, where=str(path))
    return document


def _describe_evaluation(evaluation: Evaluation) -> dict[str, Any]:
    document = {one.name: getattr(evaluation, one.name) for one in fields(evaluation) if one.name != "counts"}
    document["units"] = _describe_units(evaluation.units)
    document["errors"] = [
        {"pattern": one.pattern, "count": one.count, "examples": list(map(_describe_case, one.examples))}
        for one in evaluation.errors
    ]
    document = {key: value for key, value in document.items() if value or key not in OPTIONAL}
    plain: dict[str, Any] = msgspec.to_builtins(document)
    return plain


def _describe_comparison(comparison: Comparison) -> dict[str, Any]:
    differences = [asdict(one) for one in comparison.differences]
    for one in differences:
        # Two layers may differ by nothing, or by all there is, and neither is sure.
        del one["difference"]["exact"]
    made = {"units": _describe_units(comparison.units), "sampling": asdict(comparison.sampling)}
    return {"a": comparison.a, "b": comparison.b, **made, "differences": differences}


def _describe_units(units: ResamplingUnits) -> dict[str, Any]:
    groups = {} if units.groups is None else {"groups": units.groups}
    return {"kind": units.kind, "count": units.count, "reason": units.reason, **groups}


def _describe_case(case: Case) -> dict[str, Any]:
    plain = {key: getattr(case, key) for key in ("sentence", "shape", "start", "end", "before", "text", "after")}
    for side in ("gold", "predicted"):
        spans = plain[side] = []
        # A stream's spans have the same fields but another class.
        for span in getattr(case, side):
            fields = {key: getattr(span, key) for key in ("start", "end", "label", "source", "score")}
            spans.append({**fields, "text": case.text[span.start - case.start : span.end - case.start]})
    return plain
