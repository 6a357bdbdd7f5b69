"""Other people's corpora, given as files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from biaozhu.cli import run
from biaozhu.data.errors import BiaozhuError, CorpusError, MissingFileError, UsageError
from recipes.corpora.corpus_store import read_corpus_manifest, read_part
from recipes.corpora.custom import add_corpus

if TYPE_CHECKING:
    from pathlib import Path

ROWS = {
    "train": [("𠮷林在青山县买米。", [[0, 2, "PER"], [3, 6, "LOC"]]), ("这句话没有名字。", [])],
    "dev": [("何帆到了曲阳公司。", [[4, 8, "ORG"], [0, 2, "PER"]])],
    "test": [("大家都在灵山。", [[4, 6, "LOC"]])],
}

ROWS_LEFT = '{"text": "甲乙丙", "entities": []}\n'


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIAOZHU_CACHE", str(tmp_path))


def files_of(folder: Path, **changed: str) -> dict[str, Path]:
    paths = {}
    for part, rows in ROWS.items():
        paths[part] = folder / f"{part}.jsonl"
        lines = [json.dumps({"text": text, "entities": spans}, ensure_ascii=False) for text, spans in rows]
        paths[part].write_text(changed.get(part, "\n".join([*lines, ""])), encoding="utf-8")
    return paths


def test_corpora_given_keeps_every_span_and_names_labels_as_ours(tmp_path: Path) -> None:
    add_corpus("made", files_of(tmp_path), licence="free")
    train = read_part(tmp_path / "corpora" / "made", "train")
    assert [[(one.text[s.start : s.end], s.label) for s in one.spans] for one in train] == [
        [("𠮷林", "PERSON"), ("青山县", "PLACE")],
        [],
    ]
    assert [span.label for span in read_part(tmp_path / "corpora" / "made", "dev")[0].spans] == ["PERSON", "ORG"]
    manifest = read_corpus_manifest(tmp_path / "corpora" / "made")
    assert manifest["licence"] == "free"
    assert manifest["parts"]["dev"]["spans"] == {"ORG": 1, "PERSON": 1}


def test_corpora_given_takes_near_duplicates_out_of_train(tmp_path: Path) -> None:
    text = "何帆到了曲阳公司，买下三台机器，又去灵山县看了看。"
    again = json.dumps({"text": text, "entities": []}, ensure_ascii=False)
    files = files_of(tmp_path, train=f"{again}\n" + again.replace("看。", "看！") + "\n" + ROWS_LEFT, dev=again)
    other = {"an article": "大家都在灵山。"}
    manifest = add_corpus("made", files, licence="free", others=other)
    assert manifest["near_duplicates"]["left_train"] == {"dev": 2, "test": 0, "an article": 0}
    assert [one.text for one in read_part(tmp_path / "corpora" / "made", "train")] == ["甲乙丙"]
    files = files_of(tmp_path, train=again, dev=again)
    with pytest.raises(CorpusError, match="nothing is left"):
        add_corpus("other", files, licence="free")
    assert not (tmp_path / "corpora" / "other").exists()


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        '{"text": "甲"}',
        '{"text": "", "entities": []}',
        '{"text": "甲\\n乙", "entities": []}',
        '{"text": "甲乙", "entities": [[0, 1]]}',
        '{"text": "甲乙", "entities": [[true, 2, "PER"]]}',
        '{"text": "甲乙", "entities": [["0", 1, "PER"]]}',
        '{"text": "甲乙", "entities": [[0, 3, "PER"]]}',
        '{"text": "甲乙", "entities": [[0, 2, "PER"], [1, 2, "LOC"]]}',
        '{"text": "甲乙", "entities": 3}',
        '{"text": "甲\\ud800", "entities": []}',
        "[" * 100_000,
        "",
    ],
)
def test_corpora_given_names_the_line_that_is_wrong(tmp_path: Path, line: str) -> None:
    files = files_of(tmp_path, dev=f"\n{line}\n")
    with pytest.raises(CorpusError) as caught:
        add_corpus("made", files, licence="free")
    assert f"{files['dev']}{':2' if line else ''}" in str(caught.value)
    assert not (tmp_path / "corpora" / "made").exists()


def test_corpora_given_refuses_what_is_no_corpus(tmp_path: Path) -> None:
    files = files_of(tmp_path)
    for name in ("modern", "../up", ""):
        with pytest.raises(UsageError):
            add_corpus(name, files, licence="free")
    with pytest.raises(MissingFileError):
        add_corpus("made", {**files, "dev": tmp_path / "none"}, licence="free")
    (tmp_path / "dev.jsonl").write_bytes(b'{"text": "\xb0\xa1"}')
    with pytest.raises(BiaozhuError, match="not UTF-8"):
        add_corpus("made", files, licence="free")


def test_corpus_add_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BIAOZHU_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    paths = files_of(tmp_path)
    options = [word for part, path in paths.items() for word in (f"--{part}", str(path))]
    assert run(["corpus", "add", "made", *options, "--licence", "free", "--json"]) == 0
    added = json.loads(capsys.readouterr().out)
    assert [row["sentences"] for row in added] == [2, 1, 1]
    assert run(["corpus", "show", "made", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == added
