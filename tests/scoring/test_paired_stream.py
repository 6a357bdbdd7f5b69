from __future__ import annotations

import gzip
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import jsonschema
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from scoring_layers import read_schema

from biaozhu.cli import run
from biaozhu.data.errors import BiaozhuError, ScoringError
from biaozhu.data.layers import write_layer
from biaozhu.data.model import Sentence, Span, sentence_to_line
from biaozhu.data.storage.layer_stream import stream_layer
from biaozhu.scoring.evaluation import (
    EvaluationOptions,
    LackingSentences,
    evaluate_layer,
    evaluate_stream,
    pair_streams,
)
from biaozhu.scoring.significance import Sampling

if TYPE_CHECKING:
    from pathlib import Path

LABELS = ("PLACE", "PERSON", "AMOUNT")
SETTING = EvaluationOptions(labels=LABELS, sampling=Sampling(resamples=200, seed=1))
TEXT = "甲镇的王某收了三十斤茶叶，乙村的李某收了四十斤。"


def _spans(cuts: list[int], kinds: list[int], score: float | None) -> tuple[Span, ...]:
    edges = sorted(set(cuts))
    return tuple(
        Span(start, end, LABELS[kind % 3], "x", score)
        for start, end, kind in zip(edges[::2], edges[1::2], kinds, strict=False)
    )


def _layer(spans: list[tuple[Span, ...]]) -> list[Sentence]:
    """Return two sentences an article, so that six articles have twelve."""
    length = len(TEXT)
    return [
        Sentence(f"{number // 2:012x}", number % 2 * length, (number % 2 + 1) * length, TEXT, one)
        for number, one in enumerate(spans)
    ]


spans = st.builds(
    _spans,
    st.lists(st.integers(0, len(TEXT)), max_size=8),
    st.lists(st.integers(0, 2), min_size=4, max_size=4),
    st.sampled_from([None, 0.0, 0.5, 1.0]),
)


@settings(max_examples=25)
@given(st.lists(st.tuples(spans, spans), min_size=20, max_size=26))
def test_stream_scores_what_memory_scores(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple[tuple[Span, ...], tuple[Span, ...]]]
) -> None:
    folder = tmp_path_factory.mktemp("layers")
    gold, layer = _layer([pair[0] for pair in drawn]), _layer([pair[1] for pair in drawn])
    write_layer(folder / "gold.jsonl", gold)
    write_layer(folder / "layer.jsonl", layer)
    streamed = evaluate_stream(folder / "gold.jsonl", folder / "layer.jsonl", name="a", options=SETTING)
    whole = evaluate_layer(gold, layer, name="a", options=SETTING)
    for part in ("sentences", "characters", "overall", "labels", "confusion", "calibration", "curve"):
        assert getattr(streamed, part) == getattr(whole, part)
    assert streamed.breakdowns == whole.breakdowns
    assert [(one.pattern, one.count) for one in streamed.errors] == [(one.pattern, one.count) for one in whole.errors]


@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".zst", zstandard.compress)])
def test_stream_reads_compressed_layers(tmp_path: Path, suffix: str, pack: object) -> None:
    gold = _layer([(Span(0, 2, "PLACE"),)] * 24)
    write_layer(tmp_path / "gold.jsonl", gold)
    packed = tmp_path / f"gold.jsonl{suffix}"
    packed.write_bytes(pack((tmp_path / "gold.jsonl").read_bytes()))  # type: ignore[operator]
    found = evaluate_stream(packed, tmp_path / "gold.jsonl", name="a", options=SETTING)
    assert found.overall["strict"].f1.value == 1.0
    whole = packed.read_bytes()
    packed.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BiaozhuError, match="BZ003"):
        evaluate_stream(packed, tmp_path / "gold.jsonl", name="a", options=SETTING)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda lines: lines[:-1], "BZ050"),
        (lambda lines: [*lines, lines[0]], "BZ050"),
        (lambda lines: [lines[1], lines[0], *lines[2:]], "BZ050"),
        (lambda lines: [*lines[:21], lines[20], *lines[22:]], "BZ050"),
        (lambda lines: [*lines[:3], lines[2], *lines[3:]], "BZ050"),
        (lambda lines: [*lines[2:], *lines[:2]], "BZ050"),
        (lambda lines: [*lines[:5], lines[5].replace('"end": 2', '"end": 99'), *lines[6:]], "BZ012"),
        (lambda lines: [*lines[:5], lines[5].replace("PLACE", "RIVER"), *lines[6:]], "BZ015"),
        (lambda lines: [*lines[:5], "{", *lines[6:]], "BZ013"),
        (lambda lines: [*lines[:5], lines[5].replace("王某", "张某"), *lines[6:]], "BZ050"),
        (lambda _: [], "BZ013"),
    ],
)
def test_stream_refuses_what_does_not_go_together(tmp_path: Path, change: object, code: str) -> None:
    lines = [sentence_to_line(one) for one in _layer([(Span(0, 2, "PLACE"),)] * 24)]
    (tmp_path / "gold.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    changed = change(lines)  # type: ignore[operator]
    (tmp_path / "layer.jsonl").write_text("".join(f"{line}\n" for line in changed), encoding="utf-8")
    with pytest.raises(BiaozhuError, match=code):
        evaluate_stream(tmp_path / "gold.jsonl", tmp_path / "layer.jsonl", name="a", options=SETTING)


def test_stream_counts_what_a_layer_lacks_as_missed(tmp_path: Path) -> None:
    gold = _layer([(Span(0, 2, "PLACE"),)] * 24)
    write_layer(tmp_path / "gold.jsonl", gold)
    write_layer(tmp_path / "layer.jsonl", [one for at, one in enumerate(gold) if at % 4])
    lenient = replace(SETTING, missing="empty")
    found = evaluate_stream(tmp_path / "gold.jsonl", tmp_path / "layer.jsonl", name="a", options=lenient)
    assert found.missing == tuple(one.id for one in gold[::4])
    assert found.overall["strict"].counts.mis == 6
    lacking = LackingSentences()
    with pytest.raises(ScoringError, match="BZ050"):
        list(
            pair_streams(
                tmp_path / "layer.jsonl",
                tmp_path / "gold.jsonl",
                labels=LABELS,
                missing="empty",
                lacking=lacking,
            )
        )


def test_stream_counts_all_that_is_lacking_and_names_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("biaozhu.scoring.evaluation.MOST_NAMED", 4)
    gold = _layer([(Span(0, 2, "PLACE"),)] * 24)
    write_layer(tmp_path / "gold.jsonl", gold)
    write_layer(tmp_path / "layer.jsonl", [one for at, one in enumerate(gold) if at % 4])
    files = ("--gold", str(tmp_path / "gold.jsonl"), "--layer", str(tmp_path / "layer.jsonl"))
    assert run(["evaluate", "--stream", *files, "--missing", "empty", "--resamples", "100", "--json"]) == 0
    out, err = capsys.readouterr()
    document = json.loads(out)
    jsonschema.validate(document, read_schema())
    assert document["layers"][0]["missing"] == [one.id for one in gold[:16:4]]
    assert document["layers"][0]["missing_more"] == 2
    assert "lacks 6 of 24 gold sentences, counted as found empty; the first 4" in err


def test_stream_is_read_as_it_is_needed(tmp_path: Path) -> None:
    lines = [sentence_to_line(one) for one in _layer([()] * 4)]
    path = tmp_path / "layer.jsonl"
    path.write_text("".join(f"{line}\n" for line in [*lines, "{"]), encoding="utf-8")
    reading = stream_layer(path, labels=LABELS)
    assert [next(reading).start for _ in range(4)] == [0, len(TEXT)] * 2
    with pytest.raises(BiaozhuError, match=r"BZ013 .*:5:"):
        next(reading)


def test_stream_command_gives_the_document_of_the_other_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_layer(tmp_path / "gold.jsonl", _layer([(Span(0, 2, "PLACE"), Span(3, 5, "PERSON"))] * 24))
    write_layer(tmp_path / "layer.jsonl", _layer([(Span(0, 2, "PLACE"), Span(3, 4, "PERSON"))] * 24))
    command = ["evaluate", "--gold", str(tmp_path / "gold.jsonl"), "--layer", str(tmp_path / "layer.jsonl")]
    command += ["--resamples", "200", "--json"]
    documents = []
    for more in ([], ["--stream"]):
        assert run([*command, *more]) == 0
        documents.append(json.loads(capsys.readouterr().out))
    plain, streamed = (document["layers"] for document in documents)
    assert plain == streamed
    # A regression test: where there was no label set, a stream was refused.
    monkeypatch.chdir(tmp_path)
    assert run([*command, "--stream"]) == 0
    assert json.loads(capsys.readouterr().out)["layers"] == plain
    # A regression test: in memory they were in alphabetical order there.
    assert run(command) == 0
    (alone,) = json.loads(capsys.readouterr().out)["layers"]
    assert alone["confusion"]["labels"] == ["PLACE", "PERSON", "O"]
    assert run([*command, "--stream", "--train", str(tmp_path / "gold.jsonl")]) == 2
    assert "BZ002" in capsys.readouterr().err
