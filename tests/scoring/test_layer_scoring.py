from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from biaozhu.cli import run
from biaozhu.data.errors import UsageError
from biaozhu.data.layers import read_layer, write_layer
from biaozhu.data.model import Sentence, Span
from biaozhu.scoring.layer_scoring import InputReader, ScoringRequest, score_streams
from biaozhu.scoring.significance import Sampling


def sentence(article: str, start: int, *spans: Span) -> Sentence:
    return Sentence(article * 12, start, start + 4, "青岛成都", spans)


PLACES = (Span(0, 2, "PLACE"), Span(2, 4, "PLACE"))


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for article in "ab":
        write_layer(tmp_path / f"gold/{article}.jsonl", [sentence(article, 0, *PLACES)])
    for article, spans in (("a", PLACES), ("b", PLACES[:1]), ("c", PLACES)):
        write_layer(tmp_path / f"layer/{article}.jsonl", [sentence(article, 0, *spans)])
    (tmp_path / "layer/a.ledger.jsonl").write_text("no layer")
    write_layer(tmp_path / "gold.jsonl", [one for x in "ab" for one in read_layer(tmp_path / f"gold/{x}.jsonl")])
    write_layer(tmp_path / "l.jsonl", [one for x in "ab" for one in read_layer(tmp_path / f"layer/{x}.jsonl")])
    return tmp_path


def scores(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return json.loads(capsys.readouterr().out)["layers"]


@pytest.mark.usefixtures("folders")
def test_scoring_folders_score_as_one_file_does(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", "--gold", "gold", "--layer", "x=layer", "--resamples", "100", "--json"]) == 0
    by_folder = scores(capsys)
    assert run(["evaluate", "--gold", "gold.jsonl", "--layer", "x=l.jsonl", "--resamples", "100", "--json"]) == 0
    assert by_folder == scores(capsys)


@pytest.mark.usefixtures("folders")
def test_scoring_folders_say_what_takes_no_part(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", "--gold", "gold", "--layer", "layer", "--resamples", "100"]) == 0
    assert "layer: 1 sentences that the gold lacks take no part" in capsys.readouterr().err
    assert run(["compare", "layer", "y=gold", "--gold", "gold", "--resamples", "100"]) == 0
    assert re.search(r"all labels +strict +F1 ", capsys.readouterr().out)
    assert run(["evaluate", "--gold", "gold", "--layer", "layer", "--strict", "--resamples", "100"]) == 2
    assert run(["compare", "layer", "y=gold", "--gold", "gold", "--strict", "--resamples", "100"]) == 2


@pytest.mark.usefixtures("folders")
def test_scoring_compare_scores_what_gold_and_both_layers_have(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--resamples", "100", "--json"]
    assert run(["compare", "layer", "part=gold/a.jsonl", "--gold", "gold", *options]) == 1
    said = capsys.readouterr()
    document = json.loads(said.out)
    assert [one["sentences"] for one in document["layers"]] == [1, 1]
    assert document["skipped"] == [sentence("b", 0).id]
    assert "part lacks it" in said.err


def test_scoring_folders_with_a_sentence_twice_are_refused(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folders / "layer/again.jsonl").write_bytes((folders / "layer/a.jsonl").read_bytes())
    assert run(["evaluate", "--gold", "gold", "--layer", "layer"]) == 2
    assert capsys.readouterr().err.startswith("BZ017 ")


def test_scoring_folders_without_a_layer_are_refused(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folders / "empty").mkdir()
    assert run(["evaluate", "--gold", "empty", "--layer", "layer"]) == 2
    assert capsys.readouterr().err.startswith("BZ003 ")


@pytest.mark.usefixtures("folders")
@pytest.mark.parametrize(
    "option",
    [
        {"articles": (Path("gold.jsonl"),)},
        {"train": (Path("gold.jsonl"),)},
        {"held_out": True},
        {"values": Path("gold.jsonl")},
        {"places": Path("gold.jsonl")},
    ],
    ids=lambda option: next(iter(option)),
)
def test_scoring_streams_take_no_other_files(option: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        score_streams(ScoringRequest((Path("gold.jsonl"),), ("l.jsonl",), **option))


@pytest.mark.usefixtures("folders")
def test_scoring_inputs_are_called_as_the_layer_or_by_their_files() -> None:
    write_layer(Path("ten.jsonl"), [sentence(article, 0, *PLACES) for article in "0123456789"])
    scored = score_streams(ScoringRequest((Path("ten.jsonl"),), ("x=ten.jsonl",), sampling=Sampling(resamples=100)))
    called = [(one["role"], one["name"], one["path"]) for one in scored.document["made"]["inputs"]]
    assert called == [("gold", "ten", "ten.jsonl"), ("layer", "x", "ten.jsonl")]
    Path("a.txt").write_text("成都下雨了。\n", "utf-8")
    reader = InputReader()
    assert [article.name for article in reader.read_articles([Path("a.txt")])] == ["a"]
    assert [(one.role, one.name, one.path) for one in reader.inputs] == [("article", "a", "a.txt")]
