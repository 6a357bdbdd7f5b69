"""An article that breaks a rule of ours: it is reported as our fault, by its name, and the others go on, on every path."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING

import pytest
import requests
import spacy
from service import WITH_TOKEN, running
from training_material import small_project

from biaozhu.annotators import labelled
from biaozhu.annotators.network.models import load_model
from biaozhu.annotators.trained import TrainedModel, annotate_sentences
from biaozhu.cli import run
from biaozhu.data.errors import ModelDataError, bug_from
from biaozhu.data.layers import read_layer
from biaozhu.data.model import Sentence, Span
from biaozhu.serving.predictor import rule_predictor
from biaozhu.training.train import train

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

# Three ways to break a rule; `repair_names` is made to do it on the articles that hold these words.
OVERLAPPING, BEYOND, RAISING = "重叠", "越界", "出错"
GOOD = "农民王小明在青岛市种了3亩草莓。"
# This one once gave names that overlap, of itself.
REPORTED = "记者明涛明徐娜报道。"
loaded = cache(load_model)


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make our code wrong, where it can be seen from outside."""
    right = labelled.repair_names

    def wrong(text: str, spans: Iterable[Span]) -> tuple[Span, ...]:
        if RAISING in text:
            raise ZeroDivisionError("a slip")
        if OVERLAPPING in text:
            return Span(0, 2, "PLACE"), Span(1, 3, "PLACE")
        return (Span(0, len(text) + 1, "PLACE"),) if BEYOND in text else right(text, spans)

    monkeypatch.setattr(labelled, "repair_names", wrong)


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    folder = tmp_path / "articles"
    folder.mkdir()
    for name, text in (
        ("a-good", GOOD),
        ("b-overlap", OVERLAPPING + GOOD),
        ("c-beyond", BEYOND + GOOD),
        ("d-raise", RAISING + GOOD),
        ("e-good", f"“{GOOD}”他说。"),
    ):
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    return folder


BAD = ("b-overlap", "c-beyond", "d-raise")


def reported(errors: str) -> dict[str, str]:
    """Return the code of each article that a command says it failed on."""
    lines = [line.split(maxsplit=3) for line in errors.splitlines() if line.startswith("failed: ")]
    return {name.rstrip(":"): code for _, code, name, *_ in lines}


@pytest.mark.usefixtures("faulty")
def test_failures_of_few_articles_leave_the_others_alone(
    articles: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "pre"
    assert (
        run(
            [
                "preannotate",
                str(articles),
                "--model",
                "fast",
                "-o",
                str(out),
                "--layers",
                str(tmp_path / "layers"),
            ]
        )
        == 1
    )
    assert reported(capsys.readouterr().err) == dict.fromkeys(BAD, "BZ007")
    assert sorted(path.stem for path in out.iterdir()) == ["a-good", "e-good"]
    assert [span.label for span in read_layer(out / "a-good.jsonl")[0].spans] == ["PERSON", "PLACE", "AMOUNT"]
    assert sorted(path.stem for path in (tmp_path / "layers" / "network").iterdir()) == ["a-good", "e-good"]


@pytest.mark.usefixtures("faulty")
@pytest.mark.parametrize("shards", [False, True])
def test_failures_in_a_stream_go_to_its_dead_letters(
    articles: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], *, shards: bool
) -> None:
    corpus = tmp_path / "corpus.jsonl"
    rows = [{"name": path.stem, "text": path.read_text()} for path in sorted(articles.iterdir())]
    corpus.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    place = ["--shards", str(tmp_path / "out")] if shards else ["-o", str(tmp_path / "out.jsonl")]
    assert run(["preannotate", str(corpus), "--model", "fast", *place]) == 1
    assert "lost in all: 3 articles" in capsys.readouterr().err
    failed = tmp_path / "out" / "failed.jsonl" if shards else tmp_path / "out.failed.jsonl"
    letters = [json.loads(line) for line in failed.read_text().splitlines()]
    assert tuple(letter["name"] for letter in letters) == BAD
    assert all(letter["reason"].startswith(f"BZ007 {letter['name']}: ") for letter in letters)
    if not shards:
        assert len({one.article for one in read_layer(tmp_path / "out.jsonl")}) == 2


def test_failures_of_a_trained_model_leave_the_others_alone(
    articles: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config, _ = small_project(tmp_path)
    folder = train(config, tmp_path / "tiny").folder
    right = TrainedModel.__call__

    def wrong(model: TrainedModel, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        if any(RAISING in text for text in texts):
            raise ZeroDivisionError("a slip")
        return [
            (Span(0, 2, "PLACE"), Span(1, 3, "PLACE")) if OVERLAPPING in text else spans
            for text, spans in zip(texts, right(model, texts), strict=True)
        ]

    monkeypatch.setattr(TrainedModel, "__call__", wrong)
    assert (
        run(
            [
                "preannotate",
                str(articles / "d-raise.txt"),
                "--model",
                "fast",
                "-o",
                str(tmp_path / "d-raise.jsonl"),
            ]
        )
        == 0
    )
    (articles / "d-raise.txt").unlink()
    capsys.readouterr()
    output = tmp_path / "predicted.jsonl"
    sources = [str(articles), str(tmp_path / "d-raise.jsonl")]
    assert run(["predict", str(folder), *sources, "-o", str(output)]) == 1
    assert reported(capsys.readouterr().err) == {"b-overlap": "BZ007", "d-raise": "BZ007"}
    assert len({one.article for one in read_layer(output)}) == 3


def test_failures_that_are_no_articles_fault_stop_predict() -> None:
    def missing(texts: Sequence[str]) -> list[tuple[Span, ...]]:
        raise ModelDataError(f"{len(texts)} texts and no model")

    missing.nlp = spacy.blank("zh")  # type: ignore[attr-defined]
    sentences = [Sentence(name * 12, 0, 1, "一") for name in "ab"]
    with pytest.raises(ModelDataError):
        annotate_sentences(missing, sentences)  # type: ignore[arg-type]


@pytest.mark.usefixtures("faulty")
def test_failures_in_the_service_are_answered_and_survived() -> None:
    with running(rule_predictor(loaded("fast"))) as url:
        for text in (RAISING + GOOD, OVERLAPPING + GOOD, BEYOND + GOOD):
            answer = requests.post(url, json={"text": text}, headers=WITH_TOKEN, timeout=60)
            assert answer.status_code == 500
            assert answer.json()["error"].startswith("BZ007 /predict: ")
        answer = requests.post(url, json={"text": GOOD}, headers=WITH_TOKEN, timeout=60)
        assert answer.status_code == 200
        assert [one["label"] for one in answer.json()["entities"]] == ["PERSON", "PLACE", "AMOUNT"]


@pytest.mark.parametrize("model", ["accurate", "fast"])
def test_failures_of_before_are_none_any_more(tmp_path: Path, model: str) -> None:
    (tmp_path / "reported.txt").write_text(REPORTED, encoding="utf-8")
    output = tmp_path / "out.jsonl"
    assert run(["preannotate", str(tmp_path / "reported.txt"), "--model", model, "-o", str(output)]) == 0
    (sentence,) = read_layer(output)
    assert sentence.text == REPORTED


def test_failures_say_what_was_raised_and_where() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        raise ZeroDivisionError("a slip\nof two lines")
    bug = bug_from(caught.value, where="berries")
    assert bug.code == "BZ007"
    assert bug.where == "berries"
    assert bug.what.startswith("ZeroDivisionError (test_failures.py:")
    assert bug.what.endswith("a slip of two lines")
