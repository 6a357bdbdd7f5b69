"""Cutting text under several layers: nothing lost, nothing moved."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biaozhu.data.model import Article, Block, Metadata, Sentence
from biaozhu.reporting.escaping import UNSEEN, escape_html, escape_markdown, escape_plain
from biaozhu.reporting.page.overlay import Bar, cut_article, make_anchor, name_article

RAW = "  云岭县开会。\n\n村民种了三十亩梨树,又修了两公里水渠。\n"
BLOCKS = (Block(2, 8, "title", 0), Block(10, len(RAW) - 1, "paragraph", 0))
INSIDE = [at for block in BLOCKS for at in range(block.start, block.end)]


@st.composite
def bars(draw: st.DrawFn) -> list[Bar]:
    found = []
    for _ in range(draw(st.integers(0, 8))):
        block = draw(st.sampled_from(BLOCKS))
        start = draw(st.integers(block.start, block.end - 1))
        end = draw(st.integers(start + 1, block.end))
        found.append(Bar(draw(st.integers(0, 3)), start, end, "PLACE", "correct"))
    return found


@pytest.mark.parametrize(
    ("title", "single", "shown"),
    [
        ("云岭县", False, "概况(2) · 云岭县"),
        ("云岭县", True, "云岭县"),
        ("概况", False, "概况(2)"),
        ("", True, "概况(2)"),
    ],
)
def test_overlay_names_an_article_as_its_sections_do(title: str, single: bool, shown: str) -> None:  # noqa: FBT001 — a case
    # A regression test: one page called an article by its title here and by its file there.
    assert name_article(replace(article(), name="概况(2)", metadata=Metadata(title)), single=single) == shown


def article() -> Article:
    return Article("0" * 12, "made", "0" * 64, "utf-8", RAW, BLOCKS, Metadata())


@given(bars())
def test_overlay_pieces_hold_the_text_once_and_in_order(found: list[Bar]) -> None:
    lines = cut_article(article(), found, [], name="a1")
    assert ["".join(piece.text for piece in line[1]) for line in lines] == [
        RAW[block.start : block.end] for block in BLOCKS
    ]
    for line in lines:
        for piece in line[1]:
            assert RAW[piece.start : piece.start + len(piece.text)] == piece.text


@given(bars())
def test_overlay_each_character_is_under_the_bars_that_cover_it(found: list[Bar]) -> None:
    shown = {
        at: sorted(bar.lane for bar in piece.bars)
        for line in cut_article(article(), found, [], name="a1")
        for piece in line[1]
        for at in range(piece.start, piece.start + len(piece.text))
    }
    assert shown == {at: sorted(bar.lane for bar in found if at >= bar.start and at < bar.end) for at in INSIDE}


@given(bars())
def test_overlay_each_bar_starts_once_and_ends_once(found: list[Bar]) -> None:
    pieces = [piece for line in cut_article(article(), found, [], name="a1") for piece in line[1]]
    assert sum(bar.start == piece.start for piece in pieces for bar in piece.bars) == len(found)
    assert sum(bar.end == piece.start + len(piece.text) for piece in pieces for bar in piece.bars) == len(found)


@given(bars())
def test_overlay_each_mark_stands_once_and_has_its_anchor(found: list[Bar]) -> None:
    marks = [SimpleNamespace(lane=bar.lane, start=bar.start, end=bar.end, id=f"e{at}") for at, bar in enumerate(found)]
    pieces = [piece for line in cut_article(article(), found, marks, name="a1") for piece in line[1]]
    assert sorted(mark.id for piece in pieces for mark in piece.marks) == sorted(mark.id for mark in marks)
    anchors = [piece.anchor for piece in pieces if piece.anchor]
    assert sorted(anchors) == sorted({make_anchor("a1", mark.start) for mark in marks})


def test_overlay_without_a_file_joins_neighbours_and_parts_paragraphs() -> None:
    text = "云岭县开会。"
    sentences = [Sentence("0" * 12, start, start + len(text), text) for start in (0, len(text), 2 * len(text) + 4)]
    lines = cut_article(sentences, [], [], name="a1")
    assert [line[1][0].text for line in lines] == [text * 2, text]


@given(st.text())
def test_shown_keeps_no_character_that_acts(text: str) -> None:
    for shown in (str(escape_html(text)), escape_plain(text), escape_markdown(text)):
        assert not UNSEEN.search(shown)
    assert "<" not in str(escape_html(text)).replace('<span class="ctl" title="', "").replace("</span>", "")


@given(st.text(st.characters(categories=["L", "N"])))
def test_shown_leaves_ordinary_text_as_it_is(text: str) -> None:
    if not UNSEEN.search(text):
        assert escape_html(text) == escape_plain(text) == escape_markdown(text) == text
