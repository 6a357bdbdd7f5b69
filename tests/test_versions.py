"""Every kind of file says its version, and one of another is refused with the command that makes it anew."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from biaozhu.annotators.network.base import read_config
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
from biaozhu.doccano.accounts import accounts_path, find_password
from biaozhu.doccano.assignment import make_plan, read_plan, write_plan
from biaozhu.doccano.local.backup import FORMAT as BACKUP
from biaozhu.doccano.local.restore import read_manifest as read_backup
from biaozhu.doccano.local.state import new_state, read_state, state_path, write_state
from biaozhu.reporting import evidence, history
from biaozhu.reporting.report import CHECKS_FORMAT
from biaozhu.scoring.scores_document import FORMAT as SCORES
from biaozhu.scoring.scores_document import read_scores
from biaozhu.training.curve import FORMAT as CURVE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LAYER = [Sentence("a" * 12, 0, 5, "白水县下雨", (Span(0, 3, "PLACE", "rule"),))]


@dataclass(frozen=True)
class File:
    """A file of this version: how it is read, where its version stands, and what brings one of another to this."""

    path: Path
    read: Callable[[Path], object]
    key: str
    command: str


def frozen(folder: Path) -> File:
    write_layer(folder / "gold.jsonl", LAYER)
    freeze_gold(folder)
    return File(folder / MANIFEST, lambda path: read_manifest(path.parent), "schema", "biaozhu gold freeze")


def status(folder: Path) -> File:
    write_status(folder / "a.status.json", "project", "anna", ())
    return File(folder / "a.status.json", read_status, "schema", "biaozhu project pull")


def plan(folder: Path) -> File:
    write_plan(folder / "plan.json", make_plan("project", LAYER, ["anna"]))
    return File(folder / "plan.json", read_plan, "schema", "biaozhu project create")


def state(folder: Path) -> File:
    write_state(folder, new_state(4711))
    return File(
        state_path(folder), lambda path: read_state(path.parent), "schema", "the version that wrote it"
    )


def accounts(folder: Path) -> File:
    content = {"schema": 2, "local": {}, "elsewhere": {"https://doccano.example": {"anna": "geheim"}}}
    accounts_path(folder).write_text(json.dumps(content))
    return File(
        accounts_path(folder),
        lambda path: find_password(path.parent, "https://doccano.example", "anna"),
        "schema",
        "the version that wrote it",
    )


def model(folder: Path) -> File:
    import spacy  # noqa: PLC0415 — only one case needs it

    spacy.blank("zh", meta={META_KEY: {"schema": SCHEMA}}).to_disk(folder / "model")
    return File(
        folder / "model" / "meta.json", lambda path: check_model(path.parent), META_KEY, "biaozhu train"
    )


def base(folder: Path) -> File:
    (folder / "config.json").write_text(json.dumps({"format": 1, "files": {"a": "0"}, "tags": ["O"]}))
    return File(folder / "config.json", read_config, "format", "biaozhu base build")


def scores(folder: Path) -> File:
    (folder / "scores.json").write_text(json.dumps({"format": SCORES}))
    return File(folder / "scores.json", read_scores, "format", "biaozhu evaluate")


def checks(folder: Path) -> File:
    (folder / "checks.json").write_text(json.dumps({"format": CHECKS_FORMAT}))
    return File(folder / "checks.json", history._read_checks, "format", "again with the command")  # noqa: SLF001 — no public way reads it alone


def result(form: str, content: dict[str, Any]) -> Callable[[Path], File]:
    def make(folder: Path) -> File:
        (folder / "result.json").write_text(json.dumps({"format": form, **content}))
        return File(
            folder / "result.json",
            lambda path: evidence._read_object(path, form),  # noqa: SLF001 — the way of `report`
            "format",
            "again with the command",
        )

    return make


KINDS = {
    "gold manifest": frozen,
    "status": status,
    "plan": plan,
    "state": state,
    "accounts": accounts,
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
@pytest.mark.parametrize("other", ["next", 0, 99, None])
def test_versions_of_another_program_are_refused_with_what_to_run(
    tmp_path: Path, kind: str, other: object
) -> None:
    file = KINDS[kind](tmp_path)
    file.read(file.path)
    data = json.loads(file.path.read_text("utf-8"))
    data[file.key] = {"schema": other} if kind == "model" else other
    file.path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(BiaozhuError) as caught:
        file.read(file.path)
    line = str(caught.value)
    assert "\n" not in line
    assert file.command in line
    assert str(file.path) in line


def test_versions_of_a_backup_are_in_its_manifest(tmp_path: Path) -> None:
    import zipfile  # noqa: PLC0415 — only here

    for number, form in enumerate((BACKUP.replace("v1", "v0"), BACKUP.replace("v1", "v2"))):
        path = tmp_path / f"{number}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("manifest.json", json.dumps({"format": form, "files": {}}))
        with pytest.raises(BiaozhuError, match="with the version of biaozhu that made it"):
            read_backup(path)


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
