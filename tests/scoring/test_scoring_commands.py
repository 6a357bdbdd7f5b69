"""`biaozhu evaluate` and `biaozhu compare` on real files: tables, JSON, exit status, errors in one line."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pytest
from scoring_layers import marked, read_schema

from biaozhu.cli import run
from biaozhu.data.files import sha256_of
from biaozhu.data.layers import write_layer
from biaozhu.data.model import Sentence, Span, with_spans
from biaozhu.data.shipped import find_own
from biaozhu.reading.article import read_article
from biaozhu.reading.sentences import split_article
from biaozhu.scoring.layer_scoring import name_layers

if TYPE_CHECKING:
    from collections.abc import Sequence

GOLD = [
    marked("[清河镇|PLACE]的[王小明|PERSON]种桃"),
    marked("[桃源村|PLACE]种了[三亩|AMOUNT]桃", start=20),
    marked("没有名字", start=40),
]
GOOD = [GOLD[0], marked("[桃源村|PLACE]种了三亩桃", start=20), GOLD[2]]
POOR = [marked("[清河|PLACE]镇的王小明种桃"), marked("[桃源村|PERSON]种了三亩桃", start=20), GOLD[2]]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for name, layer in (("gold", GOLD), ("good", GOOD), ("poor", POOR), ("short", GOOD[:2])):
        write_layer(tmp_path / f"{name}.jsonl", layer)
    return tmp_path


def evaluate(folder: Path, layers: Sequence[str], *options: str) -> int:
    words = [word for layer in layers for word in ("--layer", str(folder / layer))]
    return run(["evaluate", "--gold", str(folder / "gold.jsonl"), "--resamples", "200", *words, *options])


def test_evaluate_prints_a_table_and_says_what_it_resamples(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate(files, ["good.jsonl"]) == 0
    shown = capsys.readouterr()
    for word in ("good", "strict", "exact", "partial", "type", "PLACE", "PERSON", "AMOUNT", "0.8571"):
        assert word in shown.out
    assert "resample 3 sentences: 1 article, fewer than 10, and no sections are known" in shown.err
    assert "--article" in shown.err


def test_evaluate_writes_and_prints_the_same_document(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = files / "out" / "scores.json"
    assert evaluate(files, ["good.jsonl", "poor.jsonl"], "--json", "-o", str(output)) == 0
    document = json.loads(capsys.readouterr().out)
    assert json.loads(output.read_text(encoding="utf-8")) == document
    jsonschema.validate(document, read_schema())
    assert [layer["name"] for layer in document["layers"]] == ["good", "poor"]
    assert [(one["a"], one["b"]) for one in document["comparisons"]] == [("good", "poor")]
    for item in document["made"]["inputs"]:
        assert item["sha256"] == sha256_of(Path(item["path"]))
    assert [(item["role"], item["spans"]) for item in document["made"]["inputs"]] == [
        ("gold", 4),
        ("layer", 3),
        ("layer", 2),
    ]


def test_evaluate_command_in_the_document_is_the_command_line(
    files: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["evaluate", "--gold", str(files / "gold.jsonl"), "--layer", str(files / "short.jsonl"), "--json"]
    words += ["--train", str(files / "good.jsonl"), "--missing", "empty", "--resamples", "200"]
    monkeypatch.setattr(sys, "argv", ["/somewhere/bin/biaozhu", *words])
    assert run() == 0
    document = json.loads(capsys.readouterr().out)
    assert document["made"]["command"] == ["biaozhu", *words]
    assert {row["key"] for row in document["layers"][0]["breakdowns"]["surface"]} == {"seen", "unseen"}


@pytest.mark.parametrize(
    ("layer", "bound", "status"),
    [("good.jsonl", "0.85", 0), ("good.jsonl", "0.86", 1), ("poor.jsonl", "0.1", 1), ("gold.jsonl", "1", 0)],
)
def test_evaluate_fails_under_a_bound(
    files: Path, layer: str, bound: str, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(files, [layer], "--fail-under", bound) == status
    assert ("too low: strict F1" in capsys.readouterr().err) is (status == 1)


def test_evaluate_takes_an_undefined_score_for_too_low(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_layer(tmp_path / "gold.jsonl", [marked("没有名字")])
    assert evaluate(tmp_path, ["gold.jsonl"], "--fail-under", "0") == 1
    assert "undefined" in capsys.readouterr().err


def test_evaluate_refuses_or_counts_lacking_sentences(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate(files, ["short.jsonl"], "--strict") == 2
    assert capsys.readouterr().err.startswith("BZ050 ")
    assert evaluate(files, ["gold.jsonl"], "--strict") == 0
    capsys.readouterr()
    assert evaluate(files, ["short.jsonl", "gold.jsonl"], "--json") == 1
    said = capsys.readouterr()
    document = json.loads(said.out)
    jsonschema.validate(document, read_schema())
    assert [layer["sentences"] for layer in document["layers"]] == [2, 2]
    (skipped,) = document["skipped"]
    assert f"not scored: {skipped}" in said.err
    assert "1 of 3 gold sentences" in said.err
    assert evaluate(files, ["short.jsonl"], "--missing", "empty") == 0
    assert "short lacks 1 of 3 gold sentences" in capsys.readouterr().err


def test_evaluate_leaves_out_what_the_gold_lacks_unless_strict(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_layer(files / "part.jsonl", GOLD[1:])
    for more in ([], ["--missing", "skip"], ["--missing", "empty"]):
        status = 0 if "empty" in more else 1
        command = ["--gold", str(files / "part.jsonl"), "--layer", str(files / "short.jsonl"), "--json", *more]
        assert run(["evaluate", "--resamples", "100", *command]) == status
        said = capsys.readouterr()
        (layer,) = json.loads(said.out)["layers"]
        assert layer["sentences"] == 2 - status
        assert "short: 1 sentences that the gold lacks take no part" in said.err
    command = ["--gold", str(files / "part.jsonl"), "--layer", str(files / "gold.jsonl"), "--strict"]
    assert run(["evaluate", *command]) == 2
    assert capsys.readouterr().err.startswith("BZ050 ")


@pytest.mark.parametrize(
    "options",
    [["--strict", "--missing", "empty"], ["--strict", "--missing", "skip"], ["--stream", "--missing", "skip"]],
)
def test_evaluate_refuses_options_that_contradict_each_other(
    files: Path, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(files, ["good.jsonl"], *options) == 2
    assert capsys.readouterr().err.startswith("BZ002 ")
    layers = [str(files / name) for name in ("good.jsonl", "poor.jsonl")]
    assert run(["compare", *layers, "--gold", str(files / "gold.jsonl"), *options]) == 2
    assert capsys.readouterr().err.startswith("BZ002 ")


def test_evaluate_reports_all_bad_files_at_once(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (files / "bad.jsonl").write_text("{}\n", encoding="utf-8")
    output = files / "scores.json"
    assert evaluate(files, ["nowhere.jsonl", "bad.jsonl"], "-o", str(output)) == 2
    shown = capsys.readouterr()
    assert "BZ003" in shown.err
    assert "BZ013" in shown.err
    assert shown.out == ""
    assert not output.exists()


@pytest.mark.parametrize("options", [["--fail-under", "2"], ["--missing", "maybe"], ["--resamples", "1"]])
def test_evaluate_refuses_senseless_options(files: Path, options: list[str]) -> None:
    assert evaluate(files, ["good.jsonl"], *options) == 2


def article_of(folder: Path, name: str, sections: int) -> tuple[Path, tuple[Sentence, ...]]:
    path = folder / name
    body = "".join(
        f"\n  第{at}节:{name}\n\n  今年种桃很多。明年种得更多,收入会更好。\n" for at in range(1, sections + 1)
    )
    path.write_text(f"桃园的故事\n\n{body}", encoding="utf-8")
    return path, split_article(read_article(path))


def test_evaluate_resamples_sections_of_the_given_articles(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, sentences = article_of(tmp_path, "story.txt", 10)
    write_layer(tmp_path / "gold.jsonl", sentences)
    assert evaluate(tmp_path, ["gold.jsonl"], "--article", str(path), "--json") == 0
    document = json.loads(capsys.readouterr().out)
    model = document["layers"][0]
    assert model["units"]["kind"] == "section"
    assert model["units"]["count"] == len(model["breakdowns"]["section"]) >= 10
    assert any("story §1 第1节" in row["key"] for row in model["breakdowns"]["section"])
    assert document["made"]["inputs"][0]["sha256"][:12] == sentences[0].article


@pytest.mark.parametrize(
    "command",
    [
        "evaluate --layer good.jsonl --gold gold",
        "compare good.jsonl poor.jsonl --gold gold",
        "report --layer good.jsonl --gold gold -o report",
        "gold freeze gold",
        "gold check gold",
    ],
)
def test_scoring_and_gold_name_the_labels_that_the_label_set_lacks(
    files: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    # A regression test: a label that was taken out of the label set went through them without a word.
    monkeypatch.chdir(files)
    write_layer(Path("gold/gold.jsonl"), GOLD)
    assert run(["gold", "freeze", "gold"]) == run(command.split()) == 0
    assert "label set" not in capsys.readouterr().err
    labels = Path("configs/labels.toml")
    labels.parent.mkdir()
    labels.write_text(find_own(labels).read_text("utf-8").replace('"PERSON"', '"CROP"'), "utf-8")
    assert run(command.split()) == 0
    (said,) = (line for line in capsys.readouterr().err.splitlines() if str(labels) in line)
    assert said.endswith(": PERSON")


@pytest.mark.parametrize("command", ["evaluate", "compare"])
def test_evaluate_leaves_out_labels_without_spans_and_names_them(
    files: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    # A regression test: the package's labels filled the tables of a gold with other ones with dashes.
    for name, layer in (("gold", GOLD), ("good", GOOD), ("poor", POOR)):
        spans = [[span for span in one.spans if span.label != "AMOUNT"] for one in layer]
        write_layer(files / f"{name}.jsonl", [with_spans(*one) for one in zip(layer, spans, strict=True)])
    layers = [str(files / f"{name}.jsonl") for name in ("good", "poor")]
    given = layers if command == "compare" else ["--layer", layers[0], "--layer", layers[1]]
    assert run([command, *given, "--gold", str(files / "gold.jsonl"), "--resamples", "200"]) == 0
    shown = capsys.readouterr()
    assert "AMOUNT" not in shown.out
    assert "PERSON" in shown.out
    assert "neither the gold nor a layer has a span of AMOUNT" in shown.err


def test_evaluate_held_out_tells_seen_from_unseen_by_section(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, sentences = article_of(tmp_path, "story.txt", 6)
    # 桃 stands in every section, the heading in its own only.
    gold = [
        with_spans(
            one,
            [
                Span(one.text.index(name), one.text.index(name) + len(name), "PLACE")
                for name in ("种桃", "第1节")
                if name in one.text
            ],
        )
        for one in sentences
    ]
    write_layer(tmp_path / "gold.jsonl", gold)
    words = ["--article", str(path), "--held-out", "--json"]
    assert evaluate(tmp_path, ["gold.jsonl"], *words) == 0
    document = json.loads(capsys.readouterr().out)
    rows = {row["key"]: row["gold"] for row in document["layers"][0]["breakdowns"]["surface"]}
    assert rows == {"seen": 6, "unseen": 1}
    # A regression test: without --json nothing of it was shown.
    assert evaluate(tmp_path, ["gold.jsonl"], *words[:-1]) == 0
    shown = capsys.readouterr()
    assert re.search(r"gold +seen +6 .*gold +unseen +1 ", shown.out, re.DOTALL)
    assert "unseen names in unseen sentences: 1" in shown.err
    # A regression test: it was said of the pre-annotation, which had not learned from the gold.
    write_layer(
        tmp_path / "pre.jsonl",
        [with_spans(one, [replace(span, source="network") for span in one.spans]) for one in gold],
    )
    assert evaluate(tmp_path, ["pre.jsonl"], *words[:-1]) == 0
    assert "training had seen" not in capsys.readouterr().err
    assert evaluate(tmp_path, ["gold.jsonl"], "--held-out") == 2
    assert capsys.readouterr().err.startswith("BZ002 ")


def test_evaluate_refuses_articles_that_are_not_those_of_the_gold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, sentences = article_of(tmp_path, "story.txt", 6)
    other, _ = article_of(tmp_path, "other.txt", 6)
    write_layer(tmp_path / "gold.jsonl", sentences)
    assert evaluate(tmp_path, ["gold.jsonl"], "--article", str(other)) == 2
    assert [line.split()[0] for line in capsys.readouterr().err.splitlines()] == ["BZ050", "BZ050", "BZ001"]


def test_compare_prints_differences_and_the_document(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "compare",
        str(files / "good.jsonl"),
        f"other={files / 'poor.jsonl'}",
        "--gold",
        str(files / "gold.jsonl"),
    ]
    assert run(words) == 0
    shown = capsys.readouterr().out
    assert "other - good" in shown
    assert re.search(r"all labels\W+strict\W+F1", shown)
    assert run([*words, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    headline = document["comparisons"][0]["differences"][0]
    assert (headline["metric"], headline["b"], headline["exact"]) == ("ALL strict f1", 0, True)
    # Two of three sentences differ: four ways of swapping them, and two of these as far apart as what was seen.
    assert headline["p"] == 0.5


def test_name_layers_keeps_names_apart(tmp_path: Path) -> None:
    named = name_layers(["x/a.jsonl", "y/a.jsonl", "b.jsonl", "mine=b.jsonl", "mine=c.jsonl"])
    assert list(named) == ["x/a", "y/a", "b", "mine"]
    assert named["mine"] == [Path("b.jsonl"), Path("c.jsonl")]
    strange = tmp_path / "a=b.jsonl"
    strange.touch()
    assert name_layers([str(strange)]) == {"a=b": [strange]}


@pytest.mark.parametrize(
    ("layers", "names"),
    [
        (["r1/layers/a.jsonl", "r2/layers/a.jsonl", "o/a.jsonl"], ["r1/layers/a", "r2/layers/a", "o/a"]),
        (["model-1.0", "model-1.1"], ["model-1.0", "model-1.1"]),
        (["o/a", "o/a.jsonl"], ["o/a", "a.jsonl"]),
        (["a=b.jsonl", "o/a.jsonl"], ["a", "o/a"]),
        (["o/a.jsonl", "o/../o/a.jsonl"], ["a"]),
    ],
)
def test_name_layers_lengthens_names_until_each_is_unique(
    layers: list[str], names: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "o").mkdir()
    assert list(name_layers(layers)) == names


def test_evaluate_scores_layers_of_one_file_name_apart(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    layers = [f"{folder}/layers/pre.jsonl" for folder in ("r1", "r2")]
    for path, layer in zip(layers, (GOOD, POOR), strict=True):
        write_layer(files / path, layer)
    assert evaluate(files, layers, "--json") == 0
    found = json.loads(capsys.readouterr().out)["layers"]
    assert [one["name"] for one in found] == ["r1/layers/pre", "r2/layers/pre"]


def test_evaluate_refuses_a_layer_that_is_given_twice(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate(files, ["good.jsonl", "good.jsonl"]) == 2
    assert capsys.readouterr().err.startswith("BZ017 ")


def test_compare_refuses_one_name_for_both_layers(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    layers = [f"a={files / name}" for name in ("good.jsonl", "poor.jsonl")]
    assert run(["compare", *layers, "--gold", str(files / "gold.jsonl")]) == 2
    assert capsys.readouterr().err.startswith("BZ002 ")
