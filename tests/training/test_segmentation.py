from __future__ import annotations

import contextlib
import io
from pathlib import Path

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from training_material import worded_sentences

from biaozhu.cli import run
from biaozhu.data.errors import TrainingError, WriteError
from biaozhu.data.layers import write_layer
from biaozhu.data.model import Sentence, Span
from biaozhu.training.gold import make_examples
from biaozhu.training.segmentation import train_segmenter, words_of

ROOT = Path(__file__).parents[2]


@given(st.text(st.sampled_from("我们 \u3000a。"), min_size=1, max_size=20), st.integers(0, 19), st.integers(1, 5))
def test_segmentation_words_are_the_text_without_white_space(text: str, start: int, size: int) -> None:
    spans = (Span(start, min(len(text), start + size), "WORD"),) if start < len(text) else ()
    words = words_of(Sentence("a" * 12, 0, len(text), text, spans))
    assert "".join(words) == "".join(text.split())
    assert all(words)


def test_segmentation_model_serves_the_pkuseg_config(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_layer(tmp_path / "words.jsonl", worded_sentences(60))
    write_layer(tmp_path / "dev.jsonl", worded_sentences(70)[60:])
    folder = tmp_path / "pkuseg"
    arguments = [
        "--words",
        str(tmp_path / "words.jsonl"),
        "--dev",
        str(tmp_path / "dev.jsonl"),
        "-o",
        str(folder),
    ]
    assert run(["segmenter", *arguments, "--json"]) == 0
    assert '"precision": 1.0' in capsys.readouterr().out
    assert {path.name for path in folder.iterdir()} == {"features.msgpack", "weights.npz"}
    text = "我们在学校学习。"
    gold = tmp_path / "gold.jsonl"
    # The second span begins inside a word: it is lost to this tokenizer, and said so.
    made = Sentence("b" * 12, 0, len(text), text, (Span(0, 2, "PERSON"), Span(4, 7, "PLACE")))
    write_layer(gold, [made])
    config = str(ROOT / "configs" / "pkuseg.cfg")
    settings = ["--set", f"paths.segmenter={folder}", "--set", "training.max_steps=2"]
    assert run(["train", config, "--gold", str(gold), *settings, "-o", str(tmp_path / "model")]) == 1
    assert "lost in all: 1 × align: not on token borders" in capsys.readouterr().err
    nlp = spacy.load(tmp_path / "model")
    assert [token.text for token in nlp(text)] == ["我们", "在", "学校", "学习", "。"]
    assert len(make_examples(nlp, [made])[1]) == 1


def test_segmentation_refuses_what_it_cannot_use(tmp_path: Path) -> None:
    bare = [Sentence("a" * 12, 0, 2, "我们")]
    with pytest.raises(TrainingError, match="BZ022"):
        train_segmenter(bare, bare, tmp_path / "pkuseg")
    (tmp_path / "letters").mkdir()
    with pytest.raises(WriteError, match="BZ004"), contextlib.redirect_stdout(io.StringIO()):
        train_segmenter(worded_sentences(2), worded_sentences(2), tmp_path / "letters")
    assert [path.name for path in tmp_path.iterdir()] == ["letters"]
