"""Places of texts in their article: at borders first, none inside another, and found wherever the order of the texts allows."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biaozhu.data.errors import BiaozhuError
from biaozhu.formats.convert import TextPlace, place_texts
from biaozhu.reading.sentences import split_text

if TYPE_CHECKING:
    from random import Random

RAW = "中国人民很好。\n中国\n再来一句。"


def _place(raw: str, *texts: str) -> list[tuple[int, bool]]:
    places = place_texts(dict(enumerate(texts, 1)), raw)
    return [(places[number].start, places[number].sure) for number in range(1, len(texts) + 1)]


@pytest.mark.parametrize(
    ("raw", "texts", "expected"),
    [
        # Regression tests: the first stood inside the first sentence, and of the second the last was not found.
        (RAW, ("中国", "再来一句。"), [(8, True), (11, True)]),
        (RAW, ("再来一句。", "中国", "中国人民很好。"), [(11, True), (8, True), (0, True)]),
        (RAW, ("中国", "中国"), [(8, True), (0, True)]),
        (RAW, ("很好。\n中国",), [(4, True)]),
        ("好。\n去。\n好。", ("去。", "好。"), [(3, True), (6, False)]),
        ("好。\n去。\n好。", ("好。", "去。", "好。"), [(0, True), (3, True), (6, True)]),
        ("好。\n去。\n好。", ("好。", "好。"), [(0, True), (6, True)]),
        ("看哈哈哈", ("哈哈",), [(1, False)]),
        # A paragraph has one place, and one of its sentences another.
        ("对。是。\n不。\n是。", ("是。", "对。是。"), [(8, True), (0, True)]),
        (f"　　{RAW}", ("　　中国人民很好。\n", "中国"), [(0, True), (10, True)]),
    ],
)
def test_placing_takes_borders_and_what_has_no_choice_first(
    raw: str, texts: tuple[str, ...], expected: list[tuple[int, bool]]
) -> None:
    assert _place(raw, *texts) == expected


@pytest.mark.parametrize("texts", [("别的",), ("中国",) * 3, ("中国人民很好。", "人民"), ("中国人民", "人民很好")])
def test_placing_refuses_what_has_no_place_of_its_own(texts: tuple[str, ...]) -> None:
    with pytest.raises(BiaozhuError) as problem:
        _place(RAW, *texts)
    assert problem.value.code == "BZ016"


def test_placing_leaves_what_is_held() -> None:
    assert place_texts({4: "中国"}, RAW, held=[(8, 10)]) == {4: TextPlace(0, sure=True)}


@given(
    st.lists(st.text("甲乙。", min_size=1, max_size=4), min_size=1, max_size=8).map("\n".join),
    st.randoms(use_true_random=False),
)
def test_placing_gives_sentences_in_any_order_disjoint_places(raw: str, chance: Random) -> None:
    sentences = [raw[start:end] for start, end in split_text(raw)]
    assert all(place.sure for place in place_texts(dict(enumerate(sentences)), raw).values())
    texts = chance.sample(sentences, chance.randint(0, len(sentences)))
    places = place_texts(dict(enumerate(texts)), raw)
    stretches = [(places[number].start, places[number].start + len(text)) for number, text in enumerate(texts)]
    assert [raw[start:end] for start, end in stretches] == texts
    assert {*stretches} <= {*split_text(raw)}
    assert all(end <= start for (_, end), (start, _) in pairwise(sorted(stretches)))
