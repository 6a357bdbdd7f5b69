"""Parts, leaks and the cache folder of a corpus."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from biaozhu.data.errors import CorpusError
from biaozhu.data.model import Span, check_against_raw
from recipes.corpora.corpus_store import (
    corpora_folder,
    find_leaks,
    make_part,
    normalised,
    read_corpus_manifest,
    read_part,
    store_corpus,
)

if TYPE_CHECKING:
    from pathlib import Path

COPIED = "甲村的农民今年一共种下了{0}亩苹果树，收成比去年好{1}"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a corpus in an empty cache folder, with what stands in train too: a copy of a test sentence, and one of an article."""
    monkeypatch.setenv("BIAOZHU_CACHE", str(tmp_path))
    article = "何小帆昨天从云州出发，走了两天才到了大成市。"
    train = [(COPIED.format("60", "。"), [Span(0, 2, "PLACE")]), ("周青去了。", [Span(0, 2, "PERSON")]), (article, [])]
    others = {"dev": [("林大有来了。", [Span(0, 3, "PERSON")])], "test": [(COPIED.format("６０", "．"), [])]}
    parts = {name: make_part(rows) for name, rows in {"train": train, **others}.items()}
    store_corpus(parts, {"name": "made"}, {"article": f"标题\n{article}\n"})
    return corpora_folder() / "made"


def test_store_corpus_takes_leaks_out_of_train(folder: Path) -> None:
    manifest = read_corpus_manifest(folder)
    assert manifest["near_duplicates"]["left_train"] == {"dev": 0, "test": 1, "article": 1}
    assert {name: part["sentences"] for name, part in manifest["parts"].items()} == {"train": 1, "dev": 1, "test": 1}
    train = read_part(folder, "train")
    check_against_raw(train, (folder / "train.txt").read_text(encoding="utf-8"))
    assert [one.text for one in train] == ["周青去了。"]


def test_read_part_refuses_a_changed_file(folder: Path) -> None:
    layer = folder / "dev.jsonl"
    layer.write_text(layer.read_text(encoding="utf-8").replace("PERSON", "PLACE"), encoding="utf-8")
    with pytest.raises(CorpusError, match="not what its manifest says"):
        read_part(folder, "dev")
    with pytest.raises(CorpusError, match="no part"):
        read_part(folder, "extra")


def test_read_manifest_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="no such corpus here"):
        read_corpus_manifest(tmp_path)
    (tmp_path / "corpus.json").write_text(json.dumps([1]))
    with pytest.raises(CorpusError, match="damaged"):
        read_corpus_manifest(tmp_path)


def test_leaks_finds_a_copy_with_other_marks_and_width() -> None:
    text = "今年全县共新建温室大棚２０００个，农民人均增收１０００元。"
    copy = "今年,全县共新建温室大棚2000个 农民人均增收1000元!"
    assert find_leaks(["别的一句话,说的是天气和道路都很好的事情。", text], {"test": [copy]}) == {1: "test"}


def test_leaks_finds_one_changed_word_in_a_long_text() -> None:
    text = "今年全县共新建温室大棚两千个，农民人均增收一千元，比去年同期有了较大的增长，群众都很满意。"
    assert find_leaks([text], {"test": [text.replace("满意", "高兴")]})


def test_leaks_leaves_short_and_different_texts() -> None:
    assert (
        find_leaks(
            ["新华社电", "甲乙丙丁戊己庚辛壬癸子丑寅卯"],
            {"test": ["新华社电", "天地玄黄宇宙洪荒日月盈昃辰宿"]},
        )
        == {}
    )


def test_normalised_keeps_letters_and_digits() -> None:
    assert normalised("“Ａ１，b”。 甲") == "a1b甲"
