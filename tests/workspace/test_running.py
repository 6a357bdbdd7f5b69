from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING

import pytest
from own_articles import write_own_articles

from biaozhu.cli import run
from biaozhu.curation.status import write_status
from biaozhu.data.diff import Change, describe_round_trip
from biaozhu.data.files import hold_folder
from biaozhu.doccano.assignment import Assignment, write_assignment
from biaozhu.reading.article import find_articles, read_readable
from biaozhu.reporting.page.strings import make_translator

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("dingxi", "meitan", "qingci")
# The smallest network: what is tested is which steps run.
RUN = ("run", "mine", "--model", "fast")
WORDS = """import re

from biaozhu.annotators.registry import annotator
from biaozhu.data.model import Span


@annotator("words", proposes={"PLACE": 50})
def find_words(texts):
    return [[Span(*one.span(), "PLACE") for one in re.finditer("青瓷", text)] for text in texts]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_own_articles(tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_running_own_articles_gives_layers_table_and_report_and_says_what_comes_next(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*RUN]) == 0
    said = capsys.readouterr().err
    assert {path.stem for path in (folder / "annotations/pre").glob("*.jsonl")} >= set(NAMES)
    assert (folder / "reports/mine/index.html").is_file()
    assert (folder / "reports/mine/amounts.csv").is_file()
    assert (folder / "reports/mine/names.csv").is_file()
    # A regression test: the report said that there was no ledger.
    assert make_translator("zh")("ledger.none") not in (folder / "reports/mine/index.html").read_text("utf-8")
    assert "3 articles have no gold" in said
    assert "biaozhu project create annotations/pre --project mine --annotators anna,ben --overlap 2 --blind 1`" in said


def test_running_twice_at_once_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with hold_folder(folder / "mine", wait=False):
        assert run([*RUN]) == 2
    assert "BZ035" in capsys.readouterr().err
    assert [path.name for path in folder.iterdir()] == ["mine"]


def test_running_again_redoes_only_what_changed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*RUN]) == 0
    files = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    capsys.readouterr()
    assert run([*RUN]) == 0
    assert capsys.readouterr().err.count("unchanged") == 3
    assert {path: path.stat().st_mtime_ns for path in files} == files
    with (folder / "mine/qingci.txt").open("a", encoding="utf-8") as file:
        file.write("松阳县也有3家。\n")
    assert run([*RUN]) == 0
    assert "pre-annotation of 1 of 3 articles" in capsys.readouterr().err
    layer = folder / "annotations/pre/dingxi.jsonl"
    assert layer.stat().st_mtime_ns == files[layer]


def test_running_redoes_a_layer_that_somebody_changed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*RUN]) == 0
    layer = folder / "annotations/pre/dingxi.jsonl"
    whole = layer.read_bytes()
    layer.write_bytes(whole.split(b"\n")[0] + b"\n")
    capsys.readouterr()
    assert run([*RUN]) == 0
    said = capsys.readouterr().err
    assert "pre-annotation of 1 of 3 articles" in said
    assert layer.read_bytes() == whole
    assert "cp annotations/kept/1/dingxi.jsonl annotations/gold/dingxi.jsonl`" in said


def test_running_takes_own_annotators_and_loses_no_span_of_theirs(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "words.py").write_text(WORDS, "utf-8")
    own = ["--annotator", "words.py"]
    assert run(["preannotate", "mine", "-o", "annotations/pre", "--model", "fast", *own]) == 0
    layer = folder / "annotations/pre/qingci.jsonl"
    assert '"source": "words"' in layer.read_text("utf-8")
    files = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    capsys.readouterr()
    assert run([*RUN]) == 2
    said = capsys.readouterr().err
    assert said.startswith("BZ008 annotations/pre: ")
    assert "words" in said
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == files
    assert run([*RUN, *own]) == 0
    assert '"source": "words"' in layer.read_text("utf-8")
    assert run([*RUN, *own]) == 0
    assert "pre-annotation: unchanged" in capsys.readouterr().err
    (folder / "words.py").write_text(WORDS.replace("青瓷", "浙江"), "utf-8")
    assert run([*RUN, *own]) == 0
    assert "pre-annotation of 3 of 3 articles" in capsys.readouterr().err
    assert run([*RUN, "--force"]) == 0
    assert '"source": "words"' not in layer.read_text("utf-8")


def test_running_with_an_annotator_that_is_none_does_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*RUN, "--annotator", "nobody"]) == 2
    assert capsys.readouterr().err.startswith("BZ025 ")
    assert not (folder / "annotations").exists()


def test_running_says_the_command_of_the_next_run_with_its_annotators(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "words.py").write_text(WORDS, "utf-8")
    articles, _ = read_readable(find_articles([folder / "mine"]))
    given = {f"{article.id}:0-1": None for article in articles.values()}
    plan = Assignment("mine", 2, 0, {"anna": given, "ben": given})
    write_assignment(folder / "annotations/projects/mine.json", plan)
    assert run([*RUN, "--annotator", "words.py"]) == 0
    assert "`biaozhu run mine --model fast --annotator words.py`" in capsys.readouterr().err


def test_running_removes_the_layers_of_an_article_that_is_gone_and_no_others(folder: Path) -> None:
    assert run([*RUN]) == 0
    stranger = folder / "annotations/pre/stranger.jsonl"
    shutil.copy(folder / "annotations/pre/dingxi.jsonl", stranger)
    (folder / "mine/meitan.html").unlink()
    assert run([*RUN]) == 0
    assert not list((folder / "annotations/pre").rglob("meitan*"))
    assert stranger.is_file()


@pytest.mark.parametrize("source", ["", "layers/network/"])
@pytest.mark.parametrize("options", [(), ("--force",)])
def test_running_keeps_what_a_person_wrote_into_a_layer(
    folder: Path, source: str, options: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*RUN]) == 0
    layer = folder / f"annotations/pre/{source}dingxi.jsonl"
    made = layer.read_bytes()
    for number in (1, 2):
        changed = made.replace(b'"PLACE"', b'"PERSON"', number)
        assert changed != made
        for _ in range(2):
            layer.write_bytes(changed)
            capsys.readouterr()
            assert run([*RUN, *options]) == 0
            assert layer.read_bytes() == made
            kept = f"annotations/kept/{number}/{source}dingxi.jsonl"
            assert kept in capsys.readouterr().err
            assert (folder / kept).read_bytes() == changed
    assert len([path for path in (folder / "annotations/kept").rglob("*") if path.is_file()]) == 2


@pytest.mark.parametrize("edit", [(",doubt,context\n", ",doubt,context,notes\n"), ("青瓷", "青花瓷"), ("\n", "\r\n")])
def test_running_keeps_tables_that_somebody_changed(folder: Path, edit: tuple[str, str]) -> None:
    # A regression test: notes in a column of one's own were gone after the next run, without a word.
    assert run([*RUN]) == 0
    table = folder / "reports/mine/amounts.csv"
    made = table.read_bytes()
    changed = made.decode().replace(*edit).encode()
    assert changed != made
    table.write_bytes(changed)
    assert run([*RUN]) == 0
    assert table.read_bytes() == made
    assert [path.read_bytes() for path in (folder / "annotations/kept").rglob("*.csv")] == [changed]


def test_running_keeps_no_copies_of_what_comes_out_the_same(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["preannotate", "mine", "-o", "annotations/pre", "--model", "fast"]) == 0
    capsys.readouterr()
    assert run([*RUN]) == 0
    assert "kept" not in capsys.readouterr().err
    assert not (folder / "annotations/kept").exists()


@pytest.mark.parametrize("is_gone", [True, False], ids=["gone", "empty"])
def test_running_leaves_the_changed_layer_of_an_article_that_is_gone(
    folder: Path, capsys: pytest.CaptureFixture[str], *, is_gone: bool
) -> None:
    assert run([*RUN]) == 0
    layer, article = folder / "annotations/pre/qingci.jsonl", folder / "mine/qingci.txt"
    changed = layer.read_bytes().replace(b'"PLACE"', b'"PERSON"')
    layer.write_bytes(changed)
    if is_gone:
        article.rename(folder / "mine/celadon.txt")
    else:
        article.write_bytes(b"")
    capsys.readouterr()
    assert run([*RUN]) == (0 if is_gone else 1)
    assert layer.read_bytes() == changed
    assert "annotations/pre/qingci.jsonl stays" in capsys.readouterr().err


@pytest.mark.parametrize("is_same", [True, False], ids=["same", "other"])
def test_running_leaves_the_layer_of_another_folder(
    folder: Path, capsys: pytest.CaptureFixture[str], *, is_same: bool
) -> None:
    write_own_articles(folder / "theirs")
    if not is_same:
        (folder / "theirs/qingci.txt").write_text("李明去年在松阳县卖了三百斤茶叶。\n", "utf-8")
    assert run([*RUN]) == 0
    layer = folder / "annotations/pre/qingci.jsonl"
    before = layer.read_bytes()
    assert run(["run", "theirs", *RUN[2:]]) == 0
    theirs = layer.read_bytes()
    assert is_same or (folder / "annotations/kept/1/qingci.jsonl").read_bytes() == before
    # A regression test: nobody had corrected it, and its copy was called gold.
    assert "cp annotations/kept" not in capsys.readouterr().err
    (folder / "mine/qingci.txt").unlink()
    assert run([*RUN]) == 0
    assert layer.read_bytes() == theirs


def test_running_neither_removes_nor_redoes_layers_that_others_put_beside(folder: Path) -> None:
    assert run([*RUN]) == 0
    other = folder / "annotations/pre/layers/other/qingci.jsonl"
    other.parent.mkdir()
    shutil.copy(folder / "annotations/pre/qingci.jsonl", other)
    for options in ((), ("--force",)):
        assert run([*RUN, *options]) == 0
        assert other.is_file()
    (folder / "mine/qingci.txt").unlink()
    assert run([*RUN]) == 0
    assert {path.parent.name for path in (folder / "annotations/pre").rglob("qingci*")} == {"other"}


def test_running_with_gold_trains_scores_and_keeps_the_scores_of_each_run(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*RUN]) == 0
    (folder / "annotations/gold").mkdir()
    for names in (NAMES[:2], NAMES):
        for name in names:
            shutil.copy(folder / f"annotations/pre/{name}.jsonl", folder / "annotations/gold")
        capsys.readouterr()
        assert run([*RUN]) == 0
    said = capsys.readouterr().err
    assert "every article has gold" in said
    # One line says how much there is to do, and each fold says that it begins.
    assert re.search(r"^3 models on \d+ sentences", said, re.MULTILINE)
    assert [line.split()[2] for line in said.splitlines() if line.startswith("held out: ")] == sorted(NAMES)
    assert (folder / "models/ner/meta.json").is_file()
    assert run(["history", "reports", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["layer"] for row in rows] == ["pre", "ner", "pre", "ner"]
    assert rows[0]["gold"] < rows[2]["gold"]
    assert run(["summary", "reports", "--json"]) == 0
    assert [one["report"] for one in json.loads(capsys.readouterr().out)] == ["mine"]


def test_running_without_training_scores_the_pre_annotation_alone(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*RUN]) == 0
    (folder / "annotations/gold").mkdir()
    for name in NAMES[:2]:
        shutil.copy(folder / f"annotations/pre/{name}.jsonl", folder / "annotations/gold")
    capsys.readouterr()
    assert run([*RUN, "--no-train"]) == 0
    said = capsys.readouterr().err
    assert "held out: " not in said
    assert not (folder / "models").exists()
    assert run(["history", "reports", "--json"]) == 0
    assert [row["layer"] for row in json.loads(capsys.readouterr().out)] == ["pre"]


def test_running_writes_the_report_again_when_the_gold_is_described(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*RUN]) == 0
    (folder / "annotations/gold").mkdir()
    line = (folder / "annotations/pre/dingxi.jsonl").read_text("utf-8").split("\n")[0]
    (folder / "annotations/gold/dingxi.jsonl").write_text(f"{line}\n", "utf-8")
    assert run([*RUN]) == 0
    about = '[[annotator]]\nname = "network"\nkind = "person"\nwhen = "1999-01"\n'
    (folder / "annotations/gold/about.toml").write_text(about, "utf-8")
    capsys.readouterr()
    assert run([*RUN]) == 0
    assert "page of the report: unchanged" not in capsys.readouterr().err
    assert "1999-01" in (folder / "reports/mine/index.html").read_text("utf-8")
    assert run([*RUN]) == 0
    assert "page of the report: unchanged" in capsys.readouterr().err
    assert run([*RUN, "--lang", "en"]) == 0
    assert "page of the report: unchanged" not in capsys.readouterr().err
    assert '<html lang="en">' in (folder / "reports/mine/index.html").read_text("utf-8")


def test_running_after_a_round_of_the_same_name_shows_its_round_trip(folder: Path) -> None:
    # A regression test: right after `project pull` the report said that the way to Doccano and back was not checked.
    layers, checks = folder / "annotations/layers", folder / "reports/mine/checks.json"
    layers.mkdir(parents=True)
    trip = describe_round_trip([], [], sentences=1, consistent=True)
    for name in ("mine", "other"):
        (layers / f"{name}.round-trip.json").write_text(json.dumps(trip), "utf-8")
    assert run([*RUN]) == 0
    # Nobody has annotated these articles: the round was about others.
    assert json.loads(checks.read_text("utf-8"))["round_trip_whole"] is None
    (layers / "anna").mkdir()
    shutil.copy(folder / "annotations/pre/dingxi.jsonl", layers / "anna")
    assert run([*RUN]) == 0
    assert json.loads(checks.read_text("utf-8"))["round_trip_identical"] is True
    trip = describe_round_trip([Change("x", "missing sentence")], [], sentences=0, consistent=True)
    (layers / "mine.round-trip.json").write_text(json.dumps(trip), "utf-8")
    assert run([*RUN]) == 1
    assert json.loads(checks.read_text("utf-8"))["round_trip_whole"] is False


def test_running_shows_the_round_trip_of_a_project_of_another_name(folder: Path) -> None:
    layers, checks = folder / "annotations/layers", folder / "reports/mine/checks.json"
    assert run([*RUN]) == 0
    (layers / "anna").mkdir(parents=True)
    shutil.copy(folder / "annotations/pre/dingxi.jsonl", layers / "anna")
    trip = describe_round_trip([], [], sentences=1, consistent=True)
    (layers / "second round.round-trip.json").write_text(json.dumps(trip), "utf-8")
    assert run([*RUN]) == 0
    assert json.loads(checks.read_text("utf-8"))["round_trip_whole"] is None
    write_status(layers / "anna/dingxi.status.json", "second round", "anna", [])
    assert run([*RUN]) == 0
    assert json.loads(checks.read_text("utf-8"))["round_trip_whole"] is True


def test_running_leaves_out_what_cannot_be_read_and_names_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "mine/broken.txt").write_bytes(b"\x00\x01\x02\xff")
    for _ in range(2):
        assert run([*RUN]) == 1
        assert "BZ010 mine/broken.txt" in capsys.readouterr().err


def test_running_with_too_little_gold_says_so_and_scores_the_pre_annotation(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*RUN]) == 0
    gold = folder / "annotations/gold/dingxi.jsonl"
    gold.parent.mkdir()
    gold.write_bytes((folder / "annotations/pre/dingxi.jsonl").read_bytes())
    assert run([*RUN]) == 0
    assert "no model" in capsys.readouterr().err
    assert json.loads((folder / "reports/mine/scores.json").read_text())["layers"][0]["name"] == "pre"


def test_running_takes_an_article_that_is_called_as_failures_are(folder: Path) -> None:
    (folder / "mine/qingci.txt").rename(folder / "mine/x.failed.txt")
    assert run([*RUN]) == 0
    assert (folder / "annotations/pre/x.failed_.jsonl").is_file()
    assert (folder / "reports/mine/index.html").is_file()


def test_running_without_articles_is_bad_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["run", "nothing"]) == 2
    assert capsys.readouterr().err.startswith("BZ003 ")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["../evil", "/evil", "..", ".", "a/b", "a/"])
def test_running_refuses_a_name_that_leaves_the_reports(
    folder: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*RUN, "--name", name]) == 2
    assert capsys.readouterr().err.startswith("BZ002 ")
    assert [path.name for path in folder.iterdir()] == ["mine"]
