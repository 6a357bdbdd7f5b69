"""Pieces of words: the likeliest cut, and the piece of each character."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from biaozhu.annotators.transformer.pieces import (
    BEGIN,
    END,
    LAST_PLACE,
    UNKNOWN,
    make_pieces,
    pack_pieces,
    unpack_pieces,
)

WORDS = [
    "<s>",
    "<pad>",
    "</s>",
    "<unk>",
    "▁",
    "北",
    "京",
    "北京",
    "北京大学",
    "大",
    "学",
    "▁a",
    "b",
    "b" * 20,
    "1",
    "2",
]
SCORES = [0.0, 0.0, 0.0, 0.0, -2.0, -5.0, -5.0, -6.0, -9.0, -4.0, -4.0, -3.0, -3.0, -1.0, -3.0, -3.0]
FORMS = {"Ａ": "a", "½": "1/2", "\u200b": "", "\u3000": " "}
PIECES = make_pieces(WORDS, SCORES, FORMS)


@pytest.mark.parametrize(
    ("text", "words", "owners", "places"),
    [
        ("北京", ["▁", "北京"], [2, 2], [0, 1]),
        ("北京大学", ["▁", "北京大学"], [2, 2, 2, 2], [0, 1, 2, 3]),
        ("京北", ["▁", "京", "北"], [2, 3], [0, 0]),
        ("Ａ北", ["▁a", "北"], [1, 2], [1, 0]),
        ("山b", ["▁", None, "b"], [2, 3], [0, 0]),
        # One character read as several, as none, and a blank behind a blank.
        ("½", ["▁", "1", None, "2"], [2], [0]),
        ("大\u200b学", ["▁", "大", "学"], [2, 2, 3], [0, 0, 0]),
        ("\u200b", ["▁"], [1], [0]),
        (" \u3000大", ["▁", "大"], [1, 1, 2], [0, 0, 0]),
    ],
)
def test_pieces_cut_as_is_likeliest(text: str, words: list[str | None], owners: list[int], places: list[int]) -> None:
    rows = [UNKNOWN if word is None else WORDS.index(word) for word in words]
    assert PIECES.cut(text) == ([BEGIN, *rows, END], owners, places)


@given(st.text(st.one_of(st.sampled_from("北京大学ab12Ａ½ \u3000\u200b"), st.characters()), min_size=1, max_size=60))
@example("\ud800")
def test_pieces_give_every_character_its_own(text: str) -> None:
    rows, owners, places = PIECES.cut(text)
    assert len(owners) == len(places) == len(text)
    assert rows[0] == BEGIN
    assert rows[-1] == END
    assert all(first <= second for first, second in pairwise(owners))
    assert all(0 < owner < len(rows) - 1 for owner in owners)
    assert all(0 <= place <= LAST_PLACE for place in places)


def test_pieces_come_back_from_their_arrays() -> None:
    assert unpack_pieces(pack_pieces(WORDS, SCORES, FORMS)) == PIECES
