"""Every kind of file says its version, and one of another is refused with the command that makes it anew."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from versioned_files import OTHERS, File, check_refused

from biaozhu.annotators.network.base import graph_checksum
from biaozhu.annotators.network.model_folder import META_KEY, SCHEMA, check_model
from biaozhu.curation.agreement import FORMAT as AGREEMENT
from biaozhu.curation.bias import FORMAT as BIAS
from biaozhu.curation.frozen import MANIFEST, freeze_gold, read_manifest
from biaozhu.curation.status import read_status, write_status
from biaozhu.data.diff import FORMAT as ROUND_TRIP
from biaozhu.data.errors import BiaozhuError
from biaozhu.data.layers import read_layer, write_layer
from biaozhu.data.ledger import Entry, read_ledger, write_ledger
from biaozhu.data.model import Sentence, Span
from biaozhu.reporting import content, history
from biaozhu.reporting.report import CHECKS_FORMAT
from biaozhu.scoring.scores_document import FORMAT as SCORES
from biaozhu.scoring.scores_document import read_scores
from biaozhu.training.curves.curve import FORMAT as CURVE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LAYER = [Sentence("a" * 12, 0, 5, "白水县下雨", (Span(0, 3, "PLACE", "rule"),))]


def frozen(folder: Path) -> File:
    write_layer(folder / "gold.jsonl", LAYER)
    freeze_gold(folder)
    return File(folder / MANIFEST, lambda path: read_manifest(path.parent), "schema", "biaozhu gold freeze")


def status(folder: Path) -> File:
    write_status(folder / "a.status.json", "project", "anna", ())
    return File(folder / "a.status.json", read_status, "schema", "biaozhu project pull")


def model(folder: Path) -> File:
    import spacy  # noqa: PLC0415 — only one case needs it

    spacy.blank("zh", meta={META_KEY: {"schema": SCHEMA}}).to_disk(folder / "model")
    return File(folder / "model" / "meta.json", lambda path: check_model(path.parent), META_KEY, "biaozhu train")


def base(folder: Path) -> File:
    (folder / "config.json").write_text(json.dumps({"format": 1, "files": {"a": "0"}, "tags": ["O"]}))
    return File(folder / "config.json", lambda path: graph_checksum(path.parent), "format", "biaozhu base build")


def scores(folder: Path) -> File:
    (folder / "scores.json").write_text(json.dumps({"format": SCORES}))
    return File(folder / "scores.json", read_scores, "format", "biaozhu evaluate")


def checks(folder: Path) -> File:
    (folder / "checks.json").write_text(json.dumps({"format": CHECKS_FORMAT}))
    return File(folder / "checks.json", history._read_checks, "format", "again with the command")  # noqa: SLF001 — no public way reads it alone


def result(form: str, figures: dict[str, Any]) -> Callable[[Path], File]:
    def make(folder: Path) -> File:
        (folder / "result.json").write_text(json.dumps({"format": form, **figures}))
        return File(
            folder / "result.json",
            lambda path: content._read_object(path, form),  # noqa: SLF001 — the way of `report`
            "format",
            "again with the command",
        )

    return make


KINDS = {
    "gold manifest": frozen,
    "status": status,
    "model": model,
    "base model": base,
    "scores": scores,
    "checks": checks,
    "round trip": result(ROUND_TRIP, {"identical": True}),
    "agreement": result(AGREEMENT, {}),
    "bias": result(BIAS, {}),
    "curve": result(CURVE, {}),
}


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("other", OTHERS)
def test_versions_of_another_program_are_refused_with_what_to_run(tmp_path: Path, kind: str, other: object) -> None:
    file = KINDS[kind](tmp_path)
    check_refused(file, {"schema": other} if kind == "model" else other)


def test_versions_of_lines_are_their_keys(tmp_path: Path) -> None:
    write_layer(tmp_path / "a.jsonl", LAYER)
    line = json.loads((tmp_path / "a.jsonl").read_text("utf-8"))
    (tmp_path / "a.jsonl").write_text(json.dumps({**line, "certainty": 1}) + "\n")
    with pytest.raises(BiaozhuError, match="certainty"):
        read_layer(tmp_path / "a.jsonl")
    write_ledger(tmp_path / "b", [Entry("pull", "loss", "why", "s", 0, 1, "", "")])
    entry = json.loads((tmp_path / "b").read_text("utf-8"))
    (tmp_path / "b").write_text(json.dumps({**entry, "moved": 1}) + "\n")
    with pytest.raises(BiaozhuError, match="again with the command that made it"):
        read_ledger(tmp_path / "b")
