"""The commands `corpus` and `base`, run in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from base_models import write_model

from biaozhu.cli import run
from biaozhu.data.layers import read_layer

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_corpus_says_what_is_wrong_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BIAOZHU_CACHE", str(tmp_path / "cache"))
    assert run(["corpus", "show", "made"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("BZ023 ")
    assert error.count("\n") == 1
    assert not (tmp_path / "cache").exists()


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
