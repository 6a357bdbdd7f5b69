"""Persons of one article end where most of its sentences have them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biaozhu.annotators.labelled import align_names, find_labelled
from biaozhu.annotators.words import LacWord
from biaozhu.data.model import Span


def person(start: int, end: int) -> Span:
    return Span(start, end, "PERSON", "network", 0.9)


@pytest.mark.parametrize(
    ("last", "span", "wanted"),
    [
        ("冯异勒住马", person(0, 3), "冯异"),
        ("冯勒", person(0, 1), "冯"),
        ("到了冯异", person(2, 4), "冯异"),
        ("冯异勒住马", Span(0, 3, "PLACE", "network", 0.9), "冯异勒"),
    ],
)
def test_labelled_names_end_where_most_sentences_have_them(last: str, span: Span, wanted: str) -> None:
    texts = ["冯异说。", "冯异走。", last]
    rows = align_names(texts, [(person(0, 2),), (person(0, 2),), (span,)])
    (found,) = rows[2]
    assert last[found.start : found.end] == wanted


@pytest.mark.parametrize("longer", ["王晓明", "马克思", "玛丽亚"])
def test_labelled_names_of_others_that_begin_alike_stay(longer: str) -> None:
    short = longer[:-1]
    texts = [f"{short}说。", f"{short}走。", f"{longer}在青岛市。"]
    rows = [(person(0, 2),), (person(0, 2),), (person(0, 3),)]
    assert align_names(texts, rows) == rows


@pytest.mark.parametrize(
    ("name", "persons", "places", "wanted"),
    [
        ("阿蒙森", 2, 1, "PERSON"),
        ("阿蒙森", 1, 1, "PLACE"),
        ("格桑", 1, 1, "PERSON"),
        ("格桑", 1, 2, "PLACE"),
        # The city is as well known.
        ("华盛顿", 3, 1, "PLACE"),
        ("黄河", 3, 1, "PLACE"),
    ],
)
def test_labelled_place_that_the_article_has_as_a_person(name: str, persons: int, places: int, wanted: str) -> None:
    texts = [f"{name}来了。"] * (persons + places)
    spans = [Span(0, len(name), label, "network", 0.9) for label in ["PERSON"] * persons + ["PLACE"] * places]
    assert {row[0].label for row in align_names(texts, [(span,) for span in spans])[persons:]} == {wanted}


def test_labelled_names_get_the_character_that_most_sentences_have() -> None:
    texts = ["侯可若说。", "侯可若走。", "知县侯可若丁忧"]
    rows = align_names(texts, [(person(0, 3),), (person(0, 3),), (person(2, 4),)])
    assert rows[2] == (person(2, 5),)


def test_labelled_names_that_stand_as_often_stay() -> None:
    texts = ["冯异说。", "冯异勒说。"]
    rows = [(person(0, 2),), (person(0, 3),)]
    assert align_names(texts, rows) == rows


@given(st.lists(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 2)), max_size=5), max_size=6))
def test_labelled_aligned_names_stay_disjoint_and_in_the_text(shapes: list[list[tuple[int, int]]]) -> None:
    texts, rows = [], []
    for shape in shapes:
        reached, spans = 0, []
        for length, gap in shape:
            spans.append(person(reached + gap, reached + gap + length))
            reached += gap + length
        texts.append("冯异" * (reached // 2 + 1))
        rows.append(tuple(spans))
    for text, before, after in zip(texts, rows, align_names(texts, rows), strict=True):
        assert len(before) == len(after)
        reached = 0
        for one in after:
            assert reached <= one.start < one.end <= len(text)
            reached = one.end


@pytest.mark.parametrize(
    ("text", "name", "score", "wanted"),
    [
        ("送来【四箧】书。", "AMOUNT", 0.95, True),
        ("【千百年】来如此。", "AMOUNT", 0.95, False),
        ("【千百年】来如此。", "AMOUNT", 0.5, True),
        ("计量单位为【万元】。", "AMOUNT", 0.97, False),
        ("【某】人", "PERSON", 0.9, False),
        ("在【人民路】口", "PLACE", 0.9, False),
        ("以【粤】府办〔2023〕5号文批准", "PLACE", 0.9, False),
        ("【福建】发布5号文", "PLACE", 0.9, True),
    ],
)
def test_labelled_spans_that_the_guideline_or_the_grammar_refuses_are_left_out(
    text: str, name: str, score: float, *, wanted: bool
) -> None:
    start, end = text.index("【"), text.index("】") - 1
    plain = text.replace("【", "").replace("】", "")
    words = [LacWord(start, end, name, score)]
    (found,) = find_labelled([plain], [words])
    assert ((start, end, name) in {span.key for span in found}) is wanted


@pytest.mark.parametrize(
    ("text", "names", "wanted"),
    [
        ("投资肆拾几亿元。", [(3, 7, "AMOUNT", 0.9)], [(2, 7, "AMOUNT")]),
        ("投资肆拾几亿元。", [(3, 7, "AMOUNT", 0.5)], [(3, 7, "AMOUNT")]),
        ("共三百亩零五分。", [(1, 4, "AMOUNT", 0.9), (5, 7, "AMOUNT", 0.9)], [(1, 7, "AMOUNT")]),
        ("米价四吊八百文。", [(2, 4, "AMOUNT", 0.4), (4, 7, "AMOUNT", 0.9)], [(2, 7, "AMOUNT")]),
        ("卖两块五一斤。", [(1, 4, "AMOUNT", 0.9), (4, 6, "AMOUNT", 0.9)], [(1, 4, "AMOUNT")]),
        ("机票￥1,299起。", [(2, 9, "AMOUNT", 0.9)], [(2, 8, "AMOUNT")]),
        ("新房总价200万起。", [(4, 9, "AMOUNT", 0.96)], []),
        ("袋\t￥1.2\t24.00元", [(2, 12, "AMOUNT", 0.97)], [(2, 6, "AMOUNT"), (7, 13, "AMOUNT")]),
        ("袋 | ￥1.2 | 24元 |", [(4, 15, "AMOUNT", 0.97)], [(4, 8, "AMOUNT"), (11, 14, "AMOUNT")]),
        ("利率4.1%→3.85%", [(2, 12, "AMOUNT", 0.97)], [(2, 6, "AMOUNT"), (7, 12, "AMOUNT")]),
        ("工资3000→4500元", [(2, 12, "AMOUNT", 0.97)], [(2, 12, "AMOUNT")]),
        ("何小帆\t林大有", [(0, 7, "PERSON", 0.9)], [(0, 3, "PERSON"), (4, 7, "PERSON")]),
        ("到青岛\u2028北京去", [(1, 6, "PLACE", 0.9)], [(1, 3, "PLACE"), (4, 6, "PLACE")]),
        ("投资肆拾几亿元。", [(0, 3, "PERSON", 0.9), (3, 7, "AMOUNT", 0.9)], [(0, 3, "PERSON"), (3, 7, "AMOUNT")]),
    ],
)
def test_labelled_amounts_get_what_the_grammar_counts_to_them(
    text: str, names: list[tuple[int, int, str, float]], wanted: list[tuple[int, int, str]]
) -> None:
    (found,) = find_labelled([text], [[LacWord(*name) for name in names]])
    assert [span.key for span in found] == wanted


@given(st.text("一二百千万亿亩分元斤两块.5年初头的第\n", max_size=14), st.data())
def test_labelled_amounts_stay_disjoint_whatever_the_grammar_reads(text: str, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(text)), unique=True, max_size=8).map(sorted))
    labels, scores = st.sampled_from(("AMOUNT", "PERSON", "PLACE")), st.sampled_from((0.4, 0.95))
    pairs = zip(cuts[::2], cuts[1::2], strict=False)
    words = [LacWord(start, end, data.draw(labels), data.draw(scores)) for start, end in pairs]
    (found,) = find_labelled([text], [words])
    reached = 0
    for one in found:
        assert reached <= one.start < one.end <= len(text)
        assert "\n" not in text[one.start : one.end]
        reached = one.end
