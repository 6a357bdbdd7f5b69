"""What the pull commands write and refuse, without a server: what came back is given."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

import pytest

from biaozhu.cli import run
from biaozhu.curation.status import SentenceStatus, read_status
from biaozhu.data.layers import read_layer
from biaozhu.data.model import Sentence
from biaozhu.doccano.assignment import assign_sentences, write_assignment
from biaozhu.doccano.pull import PulledProject
from biaozhu.doccano.team import AnnotatorLayer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    Pull = Callable[[str, Sequence[Sentence]], int]

SENTENCES = [Sentence("a" * 12, at, at + 2, "云岭") for at in range(0, 12, 2)]


@pytest.fixture
def pull(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pull:
    """Pull a project in which anna has worked on some sentences of its one article, and on none of the others."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("biaozhu.commands.doccano.specs.log_in", lambda _: None)

    def pull_project(project: str, worked_on: Sequence[Sentence]) -> int:
        status = tuple(SentenceStatus(one.id, "edited" if one in worked_on else "untouched") for one in SENTENCES)
        found = AnnotatorLayer("anna", {"a": tuple(worked_on)}, {"a": status}, (), consistent=True, changes=())
        monkeypatch.setattr("biaozhu.doccano.team.pull_layers", lambda *_, **__: (found,))
        plan = assign_sentences(project, SENTENCES, ["anna"], overlap=1, blind=0)
        write_assignment(tmp_path / "annotations" / "projects" / f"{project}.json", plan)
        return run(["project", "pull", "--project", project])

    return pull_project


def test_pulling_another_project_takes_no_work_away(
    pull: Pull, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "annotations" / "layers" / "anna"
    assert pull("r1", SENTENCES) == 0
    before = {path: path.read_bytes() for path in folder.iterdir()}
    for worked_on in (SENTENCES[:3], []):
        capsys.readouterr()
        assert pull("r2", worked_on) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("BZ008 annotations/layers/anna/a.jsonl: ")
        assert {path: path.read_bytes() for path in folder.iterdir()} == before
    assert run(["project", "pull", "--project", "r2", "-o", "other"]) == 0


def test_pulling_removes_a_layer_whose_work_was_withdrawn(pull: Pull, tmp_path: Path) -> None:
    path = tmp_path / "annotations" / "layers" / "anna" / "a.jsonl"
    assert pull("r1", SENTENCES[:2]) == 0
    assert list(read_layer(path)) == SENTENCES[:2]
    assert pull("r1", []) == 0
    assert not path.exists()
    assert {one.state for one in read_status(path.with_name("a.status.json"))} == {"untouched"}
    assert pull("r1", SENTENCES) == 0
    assert list(read_layer(path)) == SENTENCES


@pytest.mark.parametrize("output", ["x.jsonl", "folder"])
@pytest.mark.parametrize("old", [None, "kept"])
def test_pulling_writes_no_empty_layer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str, old: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    pulled = PulledProject(
        project=None,  # type: ignore[arg-type] — nobody asks the server
        layers={},
        confirmed=frozenset(),
        comments={},
        changes=(),
        losses=(),
        consistent=True,
        examples=(),
        others=(),
        unconfirmed=6,
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("biaozhu.commands.doccano.specs.log_in", lambda _: None)
    monkeypatch.setattr("biaozhu.doccano.pull.pull", lambda *_, **__: pulled)
    if old:
        line = {"id": SENTENCES[0].id, "article": "a" * 12, "start": 0, "end": 2, "text": "云岭", "spans": []}
        (tmp_path / "x.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert run(["pull", "--confirmed", "-o", output]) == 1
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert output in capsys.readouterr().err


@pytest.mark.parametrize("names", [["anna"], ["anna", "later"]])
def test_pulling_leads_from_one_annotator_to_gold(
    pull: Pull, names: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A regression test: nothing was said, or to wait for whoever got no sentence.
    assign = partial(assign_sentences, previous=assign_sentences("r1", SENTENCES, ["anna"], overlap=1))
    monkeypatch.setitem(
        globals(), "assign_sentences", lambda *given, **options: assign(given[0], given[1], names, **options)
    )
    assert pull("r1", SENTENCES) == 0
    assert "`biaozhu adjudicate annotations/layers/anna -o annotations/gold`" in capsys.readouterr().err
