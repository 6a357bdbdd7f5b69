"""Layers in folders and as streams."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from biaozhu.data.errors import (
    BiaozhuError,
    DuplicateError,
    FrozenError,
    LabelError,
    LineError,
    MissingFileError,
    ScoringError,
)
from biaozhu.data.layers import (
    count_layers,
    find_layers,
    layer_stem,
    name_articles,
    read_layer,
    read_layers,
    write_layer,
)
from biaozhu.data.model import Sentence, Span, sentence_to_line
from biaozhu.data.storage.layer_stream import stream_layer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

A, B = "0123456789ab", "ba9876543210"
FIRST = Sentence(A, 0, 3, "易县的", (Span(0, 2, "PLACE", "lac", 0.5), Span(2, 3, "AMOUNT")))
SECOND = Sentence(A, 3, 5, "沛县", (Span(0, 2, "PLACE"),))
OTHER = Sentence(B, 0, 1, "风")


def put(path: Path, *lines: str) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return path


def lines(*sentences: Sentence) -> list[str]:
    return [sentence_to_line(sentence) for sentence in sentences]


def changed(sentence: Sentence = FIRST, /, **values: object) -> str:
    return json.dumps({**json.loads(sentence_to_line(sentence)), **values})


def test_layers_of_a_folder_are_found_by_name(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a.jsonl", "a.ledger.jsonl", "a.failed.jsonl", "failed.jsonl", "x.txt"):
        (tmp_path / name).touch()
    (tmp_path / "empty").mkdir()
    assert find_layers([tmp_path, tmp_path / "x.txt"]) == tuple(
        tmp_path / name for name in ("a.jsonl", "b.jsonl", "x.txt")
    )
    with pytest.raises(MissingFileError):
        find_layers([tmp_path, tmp_path / "empty"])


@pytest.mark.parametrize("given", [["empty"], ["a.ledger.jsonl"], ["a.ledger.jsonl", "empty"]])
def test_layers_none_among_what_is_given_is_one_problem(tmp_path: Path, given: list[str]) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.ledger.jsonl").touch()
    with pytest.raises(MissingFileError) as caught:
        find_layers(tmp_path / name for name in given)
    assert caught.value.where == str(tmp_path / given[-1])
    assert find_layers([]) == ()


def test_layers_stream_gives_what_reading_gives(tmp_path: Path) -> None:
    path = put(tmp_path / "x.jsonl", *lines(FIRST, SECOND), "", *lines(OTHER))
    streamed = [
        (
            one.id,
            one.start,
            one.end,
            one.text,
            [(s.start, s.end, s.label, s.source, s.score) for s in one.spans],
        )
        for one in stream_layer(path, labels={"PLACE", "AMOUNT"})
    ]
    assert streamed == [
        (
            one.id,
            one.start,
            one.end,
            one.text,
            [(s.start, s.end, s.label, s.source, s.score) for s in one.spans],
        )
        for one in read_layer(path, labels={"PLACE", "AMOUNT"})
    ]


BOTH: list[tuple[list[str], type[BiaozhuError], int]] = [
    ([changed(id="x")], BiaozhuError, 1),
    ([*lines(OTHER), changed(start=1)], BiaozhuError, 2),
    ([changed(end=4)], BiaozhuError, 1),
    ([changed(OTHER, text="", end=0, id=f"{B}:0-0")], BiaozhuError, 1),
    ([changed(OTHER, start=-1, end=0, id=f"{B}:-1-0")], BiaozhuError, 1),
    ([changed(article="x", id="x:0-3")], BiaozhuError, 1),
    *(
        ([changed(spans=[{**json.loads(changed())["spans"][0], **change}])], BiaozhuError, 1)
        for change in (
            {"start": -3},
            {"start": 2},
            {"start": 3, "end": 2, "text": ""},
            {"start": 2, "end": 2, "text": ""},
            {"end": 4},
            {"text": "沛县"},
            {"label": ""},
            {"score": 1.1},
            {"score": -0.1},
            {"score": True},
        )
    ),
    ([changed(spans=json.loads(changed())["spans"][:1] * 2)], BiaozhuError, 1),
    (["[]"], LineError, 1),
]


@pytest.mark.parametrize(("content", "error", "number"), BOTH)
@pytest.mark.parametrize("read", [read_layer, lambda path: list(stream_layer(path, labels=None))])
def test_layers_bad_line_is_refused_on_both_ways(
    tmp_path: Path,
    content: list[str],
    error: type[BiaozhuError],
    number: int,
    read: Callable[[Path], object],
) -> None:
    path = put(tmp_path / "x.jsonl", *content)
    with pytest.raises(error) as caught:
        read(path)
    assert caught.value.where == f"{path}:{number}"


def test_layers_labels_are_checked_on_both_ways(tmp_path: Path) -> None:
    path = put(tmp_path / "x.jsonl", *lines(FIRST))
    for read in (read_layer, lambda path, labels: list(stream_layer(path, labels=labels))):
        with pytest.raises(LabelError):
            read(path, labels={"PLACE"})


def test_layers_sentence_comes_once(tmp_path: Path) -> None:
    path = put(tmp_path / "x.jsonl", *lines(FIRST, OTHER, FIRST))
    with pytest.raises(DuplicateError) as caught:
        read_layer(path)
    assert caught.value.where == f"{path}:3"


def test_layers_of_one_sentence_are_both_named(tmp_path: Path) -> None:
    for name, layer in (("a", (FIRST, OTHER)), ("b", (SECOND,)), ("c", (SECOND, OTHER))):
        write_layer(tmp_path / f"{name}.jsonl", layer)
    assert read_layers([tmp_path / "b.jsonl", tmp_path / "a.jsonl"]) == (SECOND, FIRST, OTHER)
    with pytest.raises(DuplicateError) as caught:
        read_layers([tmp_path])
    assert caught.value.where == str(tmp_path / "c.jsonl")
    assert str(tmp_path / "b.jsonl") in caught.value.what


def test_layers_that_nothing_could_read_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(DuplicateError):
        write_layer(tmp_path / "x.jsonl", [FIRST, OTHER, FIRST])
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("order", [(SECOND, FIRST), (FIRST, FIRST), (FIRST, OTHER, SECOND)])
def test_layers_stream_is_in_order(tmp_path: Path, order: tuple[Sentence, ...]) -> None:
    path = put(tmp_path / "x.jsonl", *lines(*order))
    with pytest.raises(ScoringError) as caught:
        list(stream_layer(path, labels=None))
    assert caught.value.where == f"{path}:{len(order)}"


def test_layers_stream_without_a_sentence_or_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = put(tmp_path / "x.jsonl", "", " ")
    with pytest.raises(LineError):
        list(stream_layer(path, labels=None))
    path.write_bytes(b"\xff\n")
    with pytest.raises(LineError) as caught:
        list(stream_layer(path, labels=None))
    assert caught.value.where == f"{path}:1"


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("orchard", "orchard"),
        ("x.failed", "x.failed_"),
        ("x.ledger", "x.ledger_"),
        ("failed", "failed_"),
        ("ledger", "ledger"),
        ("unfailed", "unfailed"),
        ("x.failed_", "x.failed_"),
    ],
)
def test_layers_of_an_article_of_any_name_are_found_again(tmp_path: Path, name: str, stem: str) -> None:
    assert layer_stem(name) == stem
    write_layer(tmp_path / f"{stem}.jsonl", [FIRST])
    assert find_layers([tmp_path]) == (tmp_path / f"{stem}.jsonl",)


def test_layers_of_a_folder_go_on_without_an_empty_one(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    full, empty = put(tmp_path / "full.jsonl", *lines(FIRST)), tmp_path / "empty.jsonl"
    empty.touch()
    assert find_layers([tmp_path]) == find_layers([tmp_path]) == (full,)
    assert caplog.text.count(str(empty)) == 1
    # One that is named is what was asked for.
    with pytest.raises(LineError):
        read_layers([empty])
    (tmp_path / "MANIFEST.json").write_text('{"schema": 1, "files": {}}', "utf-8")
    with pytest.raises(FrozenError):
        find_layers([tmp_path])


@pytest.mark.parametrize(
    ("layers", "names"),
    [
        ([("x", [FIRST, SECOND]), ("y", [OTHER])], {A: "x", B: "y"}),
        ([("x", [OTHER, FIRST, SECOND])], {A: f"x.{A}", B: f"x.{B}"}),
        ([("x", [FIRST]), ("y", [SECOND, OTHER])], {A: "x", B: "y"}),
        ([("x", [FIRST]), ("x", [OTHER])], {A: f"x.{A}", B: f"x.{B}"}),
        ([("x", [])], {}),
    ],
)
def test_layers_name_articles_that_share_a_file_by_their_ids_too(
    layers: list[tuple[str, list[Sentence]]], names: dict[str, str]
) -> None:
    assert name_articles(layers) == names


def test_layers_are_counted_by_name_in_folders_that_are_there(tmp_path: Path) -> None:
    for name in ("a/x.jsonl", "a/y.jsonl", "b/x.jsonl", "b/x.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert count_layers([tmp_path / "a", tmp_path / "none", tmp_path / "b"]) == {"x": 2, "y": 1}
