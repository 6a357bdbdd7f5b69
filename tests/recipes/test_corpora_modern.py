from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest

from biaozhu.cli import run
from biaozhu.data.errors import CorpusError
from recipes.corpora.corpus_store import PARTS, corpora_folder, read_part
from recipes.corpora.modern import checksum_sentence, fetch_modern

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENTS = {"a": "山城新闻。\n周青去了大成市,买了3斤米。", "b": "没有名字的一句。", "c": "何小帆在云州。"}


def row(path: str, start: int, end: int, spans: list[list[object]]) -> dict[str, object]:
    text = DOCUMENTS[path][start:end]
    return {
        "file": "texts/news", "path": path, "start": start, "end": end, "sha256": checksum_sentence(text), "kind": "news",
        "by": "r1", "spans": spans,
    }  # fmt: skip


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    monkeypatch.setenv("BIAOZHU_CACHE", str(tmp_path / "cache"))
    offsets, texts = tmp_path / "offsets", tmp_path / "shared"
    offsets.mkdir()
    (texts / "texts").mkdir(parents=True)
    lines = [json.dumps({"path": path, "text": text}, ensure_ascii=False) for path, text in DOCUMENTS.items()]
    (texts / "texts/news.jsonl.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    rows = [
        row("a", 6, 20, [[0, 2, "PERSON"], [4, 7, "PLACE"], [10, 12, "AMOUNT"]]),
        row("b", 0, 8, []),
        row("c", 0, 7, [[0, 3, "PERSON"], [4, 6, "PLACE"]]),
    ]
    for part, one in zip(PARTS, rows, strict=True):
        (offsets / f"{part}.jsonl").write_text(json.dumps(one) + "\n", encoding="utf-8")
    return offsets, texts


def test_modern_puts_sentences_and_spans_together(folders: tuple[Path, Path]) -> None:
    manifest, lost = fetch_modern(*folders)
    assert lost == ()
    assert manifest["parts"]["train"]["spans"] == {"AMOUNT": 1, "PERSON": 1, "PLACE": 1}
    (sentence,) = read_part(corpora_folder() / "modern", "train")
    assert [sentence.text[span.start : span.end] for span in sentence.spans] == ["周青", "大成市", "3斤"]


def test_modern_repeats_passages_of_its_own_in_train_alone(folders: tuple[Path, Path]) -> None:
    offsets, texts = folders
    (offsets / "own").mkdir()
    (offsets / "own/written.jsonl").write_text(json.dumps({"path": "w", "text": DOCUMENTS["c"]}), encoding="utf-8")
    for part in ("train", "dev"):
        written = row("c", 0, 7, []) | {"file": "own/written", "path": "w"}
        with (offsets / f"{part}.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(written) + "\n")
    manifest, lost = fetch_modern(offsets, texts, own_copies=3)
    assert (lost, manifest["own_copies"]) == ((), 3)
    assert [manifest["parts"][part]["sentences"] for part in ("train", "dev")] == [4, 2]


def test_modern_names_sentences_whose_text_is_another_one(folders: tuple[Path, Path]) -> None:
    offsets, texts = folders
    damaged = row("c", 0, 7, []) | {"sha256": "0" * 16}
    with (offsets / "test.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(damaged) + "\n")
    manifest, lost = fetch_modern(offsets, texts)
    assert manifest["lost"] == len(lost) == 1
    assert lost[0].sentence.endswith("test.jsonl:2")


def test_modern_takes_texts_that_lie_beside_the_offsets(folders: tuple[Path, Path]) -> None:
    offsets, texts = folders
    (offsets / "own").mkdir()
    (offsets / "own/written.jsonl").write_text(json.dumps({"path": "a", "text": DOCUMENTS["a"]}), encoding="utf-8")
    with (offsets / "train.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(row("a", 0, 5, []) | {"file": "own/written"}) + "\n")
    manifest, lost = fetch_modern(offsets, texts)
    assert lost == ()
    assert manifest["parts"]["train"]["sentences"] == 2


def test_modern_without_texts_is_refused(folders: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(CorpusError):
        fetch_modern(folders[0], tmp_path / "nothing")
    assert run(["corpus", "fetch", "modern"]) == 2
    assert run(["corpus", "fetch", "nosuch", "--from", str(tmp_path)]) == 2


def test_corpus_fetch_and_show(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    offsets, texts = folders
    (offsets.parent / "annotations").mkdir()
    offsets.rename(offsets.parent / "annotations/modern")
    monkeypatch.chdir(offsets.parent)
    assert run(["corpus", "fetch", "modern", "--from", str(texts), "--json"]) == 0
    fetched = json.loads(capsys.readouterr().out)
    assert [(row["part"], row["sentences"]) for row in fetched] == [("train", 1), ("dev", 1), ("test", 1)]
    assert run(["corpus", "show", "modern", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == fetched
