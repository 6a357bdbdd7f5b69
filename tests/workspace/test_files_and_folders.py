"""Every command that takes a layer takes a file or a folder, and a pattern that names ledgers too."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from biaozhu.cli import run
from biaozhu.data.errors import MissingFileError
from biaozhu.data.layers import (
    find_layers,
    name_articles,
    read_layer,
    read_layers,
    read_named_layers,
    write_layer,
)
from biaozhu.data.model import Sentence, Span
from biaozhu.reading.article import read_sentences

if TYPE_CHECKING:
    from pathlib import Path

TEXT = "去青岛买三斤茶"


@pytest.fixture
def layers(tmp_path: Path) -> Path:
    folder = tmp_path / "layers"
    for name, article in (("north", "1" * 12), ("south", "2" * 12)):
        spans = (Span(1, 3, "PLACE", "a", 0.5), Span(4, 6, "AMOUNT", "a", 0.75))
        write_layer(folder / f"{name}.jsonl", [Sentence(article, 0, len(TEXT), TEXT, spans)])
        (folder / f"{name}.ledger.jsonl").write_text("{}\n", encoding="utf-8")
    return folder


def test_files_and_folders_a_pattern_passes_over_ledgers(layers: Path) -> None:
    named = find_layers(sorted(layers.glob("*.jsonl")))
    assert named == find_layers([layers])
    assert [path.name for path in named] == ["north.jsonl", "south.jsonl"]
    with pytest.raises(MissingFileError):
        find_layers([layers / "north.ledger.jsonl"])


def test_files_and_folders_articles_have_names(layers: Path, tmp_path: Path) -> None:
    assert name_articles(read_named_layers([layers])) == {"1" * 12: "north", "2" * 12: "south"}
    write_layer(tmp_path / "both.jsonl", read_layers([layers]))
    both = name_articles(read_named_layers([tmp_path / "both.jsonl"]))
    assert both == {"1" * 12: f"both.{'1' * 12}", "2" * 12: f"both.{'2' * 12}"}


def test_files_and_folders_sentences_of_a_folder_of_layers(layers: Path) -> None:
    assert read_sentences([layers]) == read_sentences(sorted(layers.glob("*.jsonl"))) == read_layers([layers])


def test_files_and_folders_select_takes_a_folder(layers: Path, tmp_path: Path) -> None:
    # Another text than north's, of which it would be a duplicate.
    other = Sentence("2" * 12, 0, 9, "李秀英住在雅安市。", (Span(0, 3, "PERSON", "a", 0.5),))
    write_layer(layers / "south.jsonl", [other])
    outputs = [tmp_path / f"{name}.jsonl" for name in ("folder", "files")]
    given = [[str(layers)], [str(path) for path in sorted(layers.glob("*.jsonl"))]]
    for output, paths in zip(outputs, given, strict=True):
        assert run(["select", *paths, "-n", "2", "-o", str(output)]) == 0
    assert read_layer(outputs[0]) == read_layer(outputs[1])
    assert len(read_layer(outputs[0])) == 2


def test_files_and_folders_brat_is_named_by_the_article(layers: Path, tmp_path: Path) -> None:
    assert run(["export", str(layers), "-f", "brat", "-o", str(tmp_path / "brat")]) == 0
    assert {path.name for path in (tmp_path / "brat").glob("*.ann")} == {"north.ann", "south.ann"}
    assert run(["import", str(tmp_path / "brat"), "-f", "brat", "-o", str(tmp_path / "back.jsonl")]) == 0
    assert read_layer(tmp_path / "back.jsonl") == read_layers([layers])


def test_files_and_folders_doccano_jsonl_shows_chinese(layers: Path, tmp_path: Path) -> None:
    output = tmp_path / "doccano.jsonl"
    assert run(["export", *map(str, sorted(layers.glob("*.jsonl"))), "-f", "doccano", "-o", str(output)]) == 0
    assert TEXT in output.read_text(encoding="utf-8")
    assert run(["import", str(output), "-f", "doccano", "-o", str(tmp_path / "back.jsonl")]) == 0
    assert read_layer(tmp_path / "back.jsonl") == read_layers([layers])


def test_files_and_folders_evaluate_and_compare_take_a_pattern(layers: Path, tmp_path: Path) -> None:
    gold = tmp_path / "gold"
    shutil.copytree(layers, gold)
    assert run(["evaluate", "--gold", str(gold), "--layer", f"a={layers}", "--resamples", "100"]) == 0
