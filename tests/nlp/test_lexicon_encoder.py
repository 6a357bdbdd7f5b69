from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st

from biaozhu.data.errors import MissingFileError, ModelDataError
from biaozhu.knowledge.lexicon import WIDTH, lexicon_columns
from biaozhu.nlp.lexicon_encoder import (
    ALONE,
    BEGINS,
    BORDERS_SCALE,
    ENDS,
    INSIDE,
    LEXICON_SCALE,
    PARTS,
    lexicon_encoder,
    word_encoder,
)
from biaozhu.nlp.tokenizer import make_char_tokenizer

if TYPE_CHECKING:
    from pathlib import Path

NLP = spacy.blank("zh")
CHARACTERS = make_char_tokenizer()(NLP)
TEXTS = st.lists(
    st.one_of(
        st.sampled_from(["去年", "山东省", "人民", " ", "\u3000", "𠮷", "１２", "a b"]), st.text(max_size=3)
    ),
    max_size=6,
).map("".join)


@given(text=TEXTS)
@settings(max_examples=60, deadline=None)
def test_knowledge_encoders_give_a_row_a_code_point(segmenter: Path, text: str) -> None:
    doc = CHARACTERS(text)
    for model in (lexicon_encoder(1), word_encoder(str(segmenter), 2)):
        (rows,) = model.predict([doc])
        assert rows.shape == (len(text), model.get_dim("nO"))
        assert rows.dtype == np.float32


def test_lexicon_encoder_sets_neighbours_beside() -> None:
    text = "他到了山东省"
    (rows,) = lexicon_encoder(1).predict([CHARACTERS(text)])
    (columns,) = lexicon_columns([text])
    np.testing.assert_allclose(rows[:, WIDTH : 2 * WIDTH], columns * LEXICON_SCALE, rtol=1e-6)
    np.testing.assert_allclose(rows[1:, :WIDTH], columns[:-1] * LEXICON_SCALE, rtol=1e-6)


@given(text=TEXTS)
@settings(max_examples=60, deadline=None)
def test_word_encoder_covers_all_but_white_space_with_whole_words(segmenter: Path, text: str) -> None:
    (rows,) = word_encoder(str(segmenter), 0).predict([CHARACTERS(text)])
    marks = [int(row.argmax()) if row.any() else -1 for row in rows]
    assert np.isin(rows, [0, np.float32(BORDERS_SCALE)]).all()
    assert rows.shape[1] == PARTS
    for place, mark in enumerate(marks):
        before = marks[place - 1] if place else -1
        assert (mark in {INSIDE, ENDS}) == (before in {BEGINS, INSIDE})
        assert (mark < 0) <= (text[place].isspace() or not text[place].isprintable())


def test_word_encoder_finds_words(segmenter: Path) -> None:
    (rows,) = word_encoder(str(segmenter), 0).predict([CHARACTERS("我们 。")])
    assert [int(row.argmax()) if row.any() else None for row in rows] == [BEGINS, ENDS, None, ALONE]


def test_word_encoder_names_what_is_missing_or_damaged(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"lacks features\.msgpack"):
        word_encoder(str(tmp_path), 0)
    for name in ("features.msgpack", "weights.npz"):
        (tmp_path / name).write_bytes(b"no model")
    with pytest.raises(ModelDataError, match="cannot be loaded"):
        word_encoder(str(tmp_path), 0)
