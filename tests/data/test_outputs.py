"""Outputs never destroy inputs or strangers' files: the rule itself, beside the commands that keep it."""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path

import pytest
from doccano_layers import make_layer

from biaozhu.data.errors import OutputError
from biaozhu.data.layers import write_layer
from biaozhu.data.outputs import Kind, check_distinct, check_output, check_output_folder, identify_file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder with a layer, an article, a stranger's file, links and an empty file."""
    write_layer(tmp_path / "a.jsonl", make_layer("outputs", 2))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("甲", "utf-8")
    (tmp_path / "strange.jsonl").write_text("7\n", "utf-8")
    (tmp_path / "empty.jsonl").touch()
    (tmp_path / "link.jsonl").symlink_to("a.jsonl")
    (tmp_path / "in" / "far.jsonl").symlink_to("../a.jsonl")
    os.link(tmp_path / "a.jsonl", tmp_path / "hard.jsonl")
    return tmp_path


@pytest.mark.parametrize(
    ("output", "inputs", "articles"),
    [
        ("a.jsonl", ["a.jsonl"], []),
        ("a.jsonl", [], ["a.jsonl"]),
        ("link.jsonl", ["a.jsonl"], []),
        ("hard.jsonl", ["a.jsonl"], []),
        ("in/../a.jsonl", ["a.jsonl"], []),
        ("a.jsonl", ["."], []),
        ("new.jsonl", ["."], []),
        ("new.JSONL.gz", ["."], []),
        ("in/far.jsonl", ["."], []),
        ("in/new.txt", [], ["in"]),
        ("in", ["in"], []),
        ("strange.jsonl", [], []),
    ],
)
def test_outputs_that_are_inputs_or_strangers_are_refused(
    folder: Path, output: str, inputs: list[str], articles: list[str]
) -> None:
    with pytest.raises(OutputError):
        check_output(
            folder / output, "layer", [folder / one for one in inputs], articles=[folder / one for one in articles]
        )


@pytest.mark.parametrize(
    ("output", "inputs", "articles"),
    [
        ("a.jsonl", ["strange.jsonl"], []),
        ("empty.jsonl", ["a.jsonl"], ["in"]),
        ("new.jsonl", ["a.jsonl", "missing"], ["in"]),
        ("new.ledger.jsonl", ["."], []),
        ("new.json", ["."], []),
        ("new/new.jsonl", ["."], []),
        # Of a folder of articles a layer is none.
        ("in/new.jsonl", [], ["in"]),
    ],
)
def test_outputs_that_destroy_nothing_pass(folder: Path, output: str, inputs: list[str], articles: list[str]) -> None:
    check_output(
        folder / output, "layer", [folder / one for one in inputs], articles=[folder / one for one in articles]
    )


def test_outputs_may_be_what_is_there_already(folder: Path) -> None:
    check_output(folder / "strange.jsonl", "layer", [], content=b"7\n")
    for content in (b"8\n", b"7\n\n"):
        with pytest.raises(OutputError):
            check_output(folder / "strange.jsonl", "layer", [], content=content)


def test_outputs_name_inputs_with_a_name_before_them(folder: Path) -> None:
    with pytest.raises(OutputError):
        check_output(folder / "a.jsonl", "layer", [f"mine={folder / 'a.jsonl'}"])
    named = folder / "b=c.jsonl"
    write_layer(named, make_layer("outputs", 2))
    with pytest.raises(OutputError):
        check_output(named, "layer", [str(named)])


def test_outputs_of_one_command_are_distinct(folder: Path) -> None:
    check_distinct(folder / "x.jsonl", folder / "y.jsonl", None, None)
    with pytest.raises(OutputError):
        check_distinct(folder / "x.jsonl", None, folder / "in" / ".." / "x.jsonl")
    with pytest.raises(OutputError):
        check_distinct(folder / "a.jsonl", folder / "link.jsonl")
    for path in ("-", "/dev/stdout", "/dev/null"):
        check_distinct(Path(path), Path(path))
        with pytest.raises(OutputError):
            check_distinct(Path(path), folder / "x.jsonl", folder / "x.jsonl")


@pytest.mark.parametrize(("output", "refused"), [(".", True), ("in", True), ("other", False), ("a", False)])
def test_outputs_that_are_folders_hold_no_input(folder: Path, output: str, *, refused: bool) -> None:
    inputs = [folder / "a.jsonl", folder / "in" / "a.txt", folder / "missing" / "x"]
    try:
        check_output_folder(folder / output, inputs)
    except OutputError:
        assert refused
    else:
        assert not refused


@pytest.mark.parametrize(
    ("manifest", "kind"),
    [
        ('{"schema": 1, "files": {"a.jsonl": {"sha256": "0", "articles": []}}}', "frozen gold"),
        ('{"note": 1, "files": {"a.jsonl": {"sha256": "0", "articles": []}}}', "frozen gold"),
        ('{"schema": 1, "files": {"b.jsonl": {"sha256": "0", "articles": []}}}', "layer"),
        ('{"files": {"a.jsonl": "0"}}', "layer"),
        ('{"files": 3}', "layer"),
        ("[]", "frozen gold"),
        ("{", "frozen gold"),
    ],
)
def test_outputs_know_frozen_gold_by_its_manifest(folder: Path, manifest: str, kind: str) -> None:
    (folder / "MANIFEST.json").write_text(manifest, "utf-8")
    assert identify_file(folder / "a.jsonl") == kind


@pytest.mark.parametrize(
    ("beside", "kind", "over"),
    [
        (["a.disputes.json"], "gold", {"gold"}),
        (["a.status.json"], "annotations", {"annotations"}),
        (["a.status.json", "a.[x].run.json"], "layer", {"layer", "gold", "annotations"}),
        (["b.disputes.json", "b.status.json"], "layer", {"layer", "gold", "annotations"}),
    ],
)
def test_outputs_spare_gold_and_annotations_by_the_files_beside_them(
    folder: Path, beside: list[str], kind: str, over: set[Kind]
) -> None:
    # A regression test: `split` and `preannotate` replaced what people had decided and annotated.
    for name in beside:
        (folder / name).write_text("{}", "utf-8")
    for path in (folder / "a.jsonl", folder / "in" / "far.jsonl"):
        assert identify_file(path) == kind
        for output in ("layer", "gold", "annotations"):
            with nullcontext() if output in over else pytest.raises(OutputError):
                check_output(path, output)
