"""The status file gives back what was written, and takes nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from biaozhu.curation.status import (
    Drawn,
    Note,
    SentenceStatus,
    check_annotators,
    check_project,
    read_annotators,
    read_status,
    status_path,
    write_status,
)
from biaozhu.data.errors import DuplicateError, LineError, OutputError, UsageError
from biaozhu.data.layers import find_layers, write_layer
from biaozhu.data.model import Sentence, Span

STATUSES = (
    SentenceStatus("a" * 12 + ":0-9", "untouched", shown=(Span(0, 3, "PLACE", "lac", 0.5),)),
    SentenceStatus("a" * 12 + ":9-12", "edited", withheld=()),
    SentenceStatus(
        "a" * 12 + ":12-20",
        "confirmed",
        withheld=(Span(1, 2, "AMOUNT"),),
        confirmed_by="𠮷",
        confirmed_at="2026-01-02T03:04:05Z",
        drawn=(Drawn(0, 2, "PERSON", "𠮷", "2026-01-02T03:04:05Z", "2026-01-02T03:04:06Z"),),
        comments=(Note("𠮷", "2026-01-02T03:04:05Z", "“\u2028”"),),
    ),
)


def test_status_is_read_as_it_was_written(tmp_path: Path) -> None:
    layer = tmp_path / "x.y.jsonl"
    layer.write_text("", encoding="utf-8")
    path = status_path(layer)
    write_status(path, "p", "𠮷", STATUSES)
    assert read_status(path) == STATUSES
    assert [status.blind for status in STATUSES] == [False, True, True]
    assert STATUSES[0].proposed == STATUSES[0].shown
    assert find_layers([tmp_path]) == (layer,)


@pytest.mark.parametrize(
    ("old", "new"),
    [('"schema": 1', '"schema": 2'), ("untouched", "asleep"), ('"shown"', '"seen"'), ("]}", "")],
)
def test_status_refuses_another_file(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "x.status.json"
    write_status(path, "p", "a", STATUSES)
    content = path.read_text("utf-8")
    assert old in content
    path.write_text(content.replace(old, new), encoding="utf-8")
    with pytest.raises(LineError):
        read_status(path)


@pytest.mark.parametrize(
    ("owner", "has_work", "is_refused"),
    [
        ("p", True, False),
        ("p", False, False),
        ("q", True, True),
        ("q", False, True),
        ("", True, False),
        ("", False, True),
        (None, True, False),
        (None, False, True),
    ],
)
def test_status_tells_whose_a_layer_is(tmp_path: Path, owner: str | None, *, has_work: bool, is_refused: bool) -> None:
    layer = tmp_path / "x.jsonl"
    check_project(layer, "p", has_work=has_work)
    write_layer(layer, [Sentence("a" * 12, 0, 1, "水")])
    if owner:
        write_status(status_path(layer), owner, "anna", STATUSES)
    elif owner is not None:
        status_path(layer).write_text("damaged", encoding="utf-8")
    if is_refused:
        with pytest.raises(OutputError):
            check_project(layer, "p", has_work=has_work)
    else:
        check_project(layer, "p", has_work=has_work)


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["r/a", "r/b"], ["a", "b"]),
        # A regression test: of folders with the same name all but the last were left out without a word.
        (["r/a", "s/a", "r/b"], ["r/a", "s/a", "r/b"]),
        (["r/a/x.jsonl", "r/a/y.jsonl"], ["x", "y"]),
        (["r/a/x.jsonl", "s/a/x.jsonl"], ["r/a", "s/a"]),
        (["r/a/x.jsonl", "r/a/x.jsonl"], None),
    ],
)
def test_status_names_annotators_so_that_they_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, paths: list[str], names: list[str] | None
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("r/a", "r/b", "s/a"):
        for start, name in enumerate("xy"):
            file = tmp_path / folder / f"{name}.jsonl"
            file.parent.mkdir(parents=True, exist_ok=True)
            write_layer(file, [Sentence("a" * 12, start, start + 1, "水")])
    given = [Path(path) for path in paths]
    if names is None:
        with pytest.raises(DuplicateError):
            read_annotators(given)
    else:
        assert [name for name, _ in read_annotators(given)] == names


def test_status_refuses_an_annotator_with_a_sentence_in_two_files(tmp_path: Path) -> None:
    # A regression test: a copy beside the layer counted twice in `agree`, and made gold that could not be frozen.
    for name in ("anna/a", "anna/a.old", "ben/a"):
        write_layer(tmp_path / f"{name}.jsonl", [Sentence("a" * 12, 0, 1, "水")])
    with pytest.raises(DuplicateError):
        read_annotators([tmp_path / "anna", tmp_path / "ben"])
    assert len(read_annotators([tmp_path / "anna" / "a.jsonl", tmp_path / "ben"])) == 2


@pytest.mark.parametrize("name", ["text", "note", "start", "spans", "by"])
def test_status_refuses_an_annotator_who_is_called_as_a_key_of_decisions(name: str) -> None:
    check_annotators(["anna", f"{name}2", f"r/{name}"])
    with pytest.raises(UsageError):
        check_annotators(["anna", name])
