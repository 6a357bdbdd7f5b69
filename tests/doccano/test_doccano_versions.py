"""Versions of the files that work with Doccano leaves, as tests/test_versions.py has them of the others."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING

import pytest
from versioned_files import OTHERS, File, check_refused

from biaozhu.data.errors import BiaozhuError
from biaozhu.data.model import Sentence
from biaozhu.doccano.assignment import assign_sentences, read_assignment, write_assignment
from biaozhu.doccano.local.backup import FORMAT as BACKUP
from biaozhu.doccano.local.backup import read_backup_manifest as read_backup
from biaozhu.doccano.local.state import ACCOUNTS_FILE, STATE_FILE, make_state, read_state, write_state
from biaozhu.doccano.team import find_password

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LAYER = [Sentence("a" * 12, 0, 5, "白水县下雨")]


def plan(folder: Path) -> File:
    write_assignment(folder / "plan.json", assign_sentences("project", LAYER, ["anna"]))
    return File(folder / "plan.json", read_assignment, "schema", "biaozhu project create")


def state(folder: Path) -> File:
    write_state(folder, make_state(4711))
    return File(folder / STATE_FILE, lambda path: read_state(path.parent), "schema", "the version that wrote it")


def accounts(folder: Path) -> File:
    content = {"schema": 2, "local": {}, "elsewhere": {"https://doccano.example": {"anna": "geheim"}}}
    (folder / ACCOUNTS_FILE).write_text(json.dumps(content))
    return File(
        folder / ACCOUNTS_FILE,
        lambda path: find_password(path.parent, "https://doccano.example", "anna"),
        "schema",
        "the version that wrote it",
    )


@pytest.mark.parametrize("make", [plan, state, accounts])
@pytest.mark.parametrize("other", OTHERS)
def test_doccano_versions_of_another_program_are_refused_with_what_to_run(
    tmp_path: Path, make: Callable[[Path], File], other: object
) -> None:
    check_refused(make(tmp_path), other)


def test_doccano_versions_of_a_backup_are_in_its_manifest(tmp_path: Path) -> None:
    for number, form in enumerate((BACKUP.replace("v1", "v0"), BACKUP.replace("v1", "v2"))):
        path = tmp_path / f"{number}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("manifest.json", json.dumps({"format": form, "files": {}}))
        with pytest.raises(BiaozhuError, match="with the version of biaozhu that made it"):
            read_backup(path)
