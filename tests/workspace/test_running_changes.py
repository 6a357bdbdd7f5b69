"""Runs after articles were edited, copied or taken away: what was annotated is never dropped without a word."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from own_articles import write_own_articles
from typer import Exit

from biaozhu.cli import run
from biaozhu.commands.articles.preannotating import preannotate
from biaozhu.commands.workspace import running
from biaozhu.commands.workspace.steps import StepRecord, read_steps
from biaozhu.data.labels import DEFAULT
from biaozhu.data.layers import read_layers
from biaozhu.data.shipped import find_own

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("dingxi", "meitan", "qingci")
# The smallest network: what is tested is which steps run.
RUN = ("run", "mine", "--model", "fast", "--no-train")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_own_articles(tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_running_gold_of_another_version_takes_no_part(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*RUN]) == 0
    (folder / "annotations/gold").mkdir()
    shutil.copy(folder / "annotations/pre/qingci.jsonl", folder / "annotations/gold")
    with (folder / "mine/qingci.txt").open("a", encoding="utf-8") as file:
        file.write("松阳县也有3家。\n")
    for _ in range(2):
        capsys.readouterr()
        assert run([*RUN, "--json"]) == 1
        document = json.loads(capsys.readouterr().out)
        assert document["status"] == 1
        assert document["changed"] == ["mine/qingci.txt"]
        assert document["gold_dropped"] == ["annotations/gold/qingci.jsonl"]
        assert run([*RUN]) == 1
        said = capsys.readouterr().err
        assert "another version of qingci" in said
        assert "3 articles have no gold" in said
    # As the run advises; the gold then still takes no part.
    (folder / "mine/qingci.txt").rename(folder / "mine/qingci-2.txt")
    assert run([*RUN, "--json"]) == 0
    captured = capsys.readouterr()
    assert "takes no part (1): annotations/gold/qingci.jsonl" in captured.err
    document = json.loads(captured.out)
    assert (document["status"], document["articles"], len(document["without_gold"])) == (0, 3, 3)
    assert [one.split()[1] for one in document["next"]] == ["doccano", "project"]


@pytest.mark.parametrize(("is_here", "status"), [(True, 1), (False, 0)])
def test_running_names_gold_of_which_a_part_or_all_is_about_other_texts(
    folder: Path, capsys: pytest.CaptureFixture[str], *, is_here: bool, status: int
) -> None:
    assert run([*RUN]) == 0
    (folder / "annotations/gold").mkdir()
    names = NAMES if is_here else NAMES[2:]
    lines = [(folder / f"annotations/pre/{name}.jsonl").read_text("utf-8") for name in names]
    (folder / "annotations/gold/all.jsonl").write_text("".join(lines), "utf-8")
    (folder / "mine/qingci.txt").unlink()
    capsys.readouterr()
    assert run([*RUN]) == status
    assert "annotations/gold/all.jsonl" in capsys.readouterr().err


@pytest.mark.usefixtures("folder")
def test_running_goes_on_where_pre_annotation_was_stopped(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "AT_ONCE", 1)
    asked: list[str] = []

    def stop_at_second(files: list[str], **options: Any) -> None:
        asked.extend(files)
        if len(asked) == 2:
            raise KeyboardInterrupt
        preannotate(files, **options)

    monkeypatch.setattr(running, "preannotate", stop_at_second)
    assert run([*RUN]) == 130
    assert run([*RUN]) == 0
    assert "pre-annotation of 2 of 3 articles" in capsys.readouterr().err
    assert len(asked) == 4


def test_running_an_annotated_article_that_was_changed_says_so_in_its_status(folder: Path) -> None:
    assert run([*RUN]) == 0
    shutil.copytree(folder / "annotations/pre", folder / "annotations/layers/anna")
    with (folder / "mine/qingci.txt").open("a", encoding="utf-8") as file:
        file.write("松阳县也有3家。\n")
    assert run([*RUN]) == 1


@pytest.mark.parametrize("worked", ["pre", "gold", "layers/anna"])
def test_running_goes_on_with_that_of_two_copies_which_has_been_worked_on(
    folder: Path, capsys: pytest.CaptureFixture[str], worked: str
) -> None:
    assert run([*RUN]) == 0
    layer = folder / "annotations/pre/qingci.jsonl"
    # What was another article at first, and has a pre-annotation, too.
    (folder / "mine/qingci-b.txt").write_text("李明去年在松阳县卖了三百斤茶叶。\n", "utf-8")
    if worked != "pre":
        assert run([*RUN]) == 0
        (folder / "annotations" / worked).mkdir(parents=True)
        shutil.copy(layer, folder / "annotations" / worked)
    shutil.copy(folder / "mine/qingci.txt", folder / "mine/qingci-b.txt")
    for _ in range(2):
        capsys.readouterr()
        assert run([*RUN]) == 0
        said = capsys.readouterr().err
        assert "left out: BZ017 mine/qingci-b.txt: " in said
        assert layer.is_file()
    assert "pre-annotation: unchanged" in said


def test_running_leaves_out_labels_that_the_label_set_lacks(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # A regression test: they were written, and every command after it refused them; a changed label set changed nothing.
    assert run([*RUN]) == 0
    head, *labels = find_own(DEFAULT).read_text("utf-8").split("[[label]]")
    kept = (one for one in labels if 'id = "PLACE"' in one)
    (folder / "configs").mkdir()
    (folder / "configs/labels.toml").write_text("[[label]]".join((head, *kept)), "utf-8")
    assert run([*RUN]) == 0
    assert "network does not propose AMOUNT" in capsys.readouterr().err
    assert run(["export", "annotations/pre", "-f", "conll", "-o", "out.conll"]) == 0
    assert {span.label for one in read_layers([folder / "annotations/pre"]) for span in one.spans} == {"PLACE"}


def test_running_names_a_step_that_lost_something_also_where_it_is_current(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # A regression test: the next run ended with 1, and said only that nothing had changed.
    def lose() -> None:
        raise Exit(1)

    for _ in range(2):
        record = StepRecord(tmp_path / "done.json", read_steps(tmp_path / "done.json"))
        record.run_step("table", "the tables", lose, "inputs", [])
        assert record.failed == ["table"]
    assert "the tables: unchanged" in capsys.readouterr().err
    record.say_failed("biaozhu run mine")
    assert "`biaozhu run mine --force`" in capsys.readouterr().err
