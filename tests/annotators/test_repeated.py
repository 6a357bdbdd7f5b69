"""Persons that an article names once in full."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from biaozhu.annotators.repeated import MIN_SCORES, find_repeated
from biaozhu.annotators.words import LacWord

FULL = "韦德·西姆斯到了。"


def word(start: int, end: int, score: float = 0.9) -> LacWord:
    return LacWord(start, end, "PERSON", score)


def found(*texts: str, score: float = 0.9) -> list[list[str]]:
    rows = find_repeated([FULL, *texts], [(word(0, 6, score),), *[()] * len(texts)])
    return [[text[one.start : one.end] for one in row] for text, row in zip((FULL, *texts), rows, strict=True)]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("西姆斯和西姆斯的朋友。", ["西姆斯", "西姆斯"]),
        ("韦德·西姆斯说。", ["韦德·西姆斯"]),
        ("韦德说。", []),
        ("西姆斯路很长，西姆斯奖也是。", []),
        ("", []),
    ],
)
def test_repeated_finds_a_person_of_another_sentence(text: str, wanted: list[str]) -> None:
    assert found(text)[1] == wanted


def test_repeated_believes_only_what_the_network_is_sure_of() -> None:
    assert found("西姆斯说。", score=MIN_SCORES[3] - 0.01) == [[], []]


@pytest.mark.parametrize(
    ("texts", "wanted"),
    [
        (["冯异到了。", "冯异走了。", "他见冯异。"], ["冯异"]),
        # Once is not enough for a short name, which stands in other words.
        (["冯异到了。", "他见冯异。"], []),
        (["冯异到了。", "冯异走了。", "《冯异传》"], []),
        (["冯异到了。", "冯异走了。", "冯异路"], []),
        (["冯异到了。", "冯异走了。", "冯异集团"], []),
    ],
)
def test_repeated_finds_a_short_name_that_stands_twice(texts: list[str], wanted: list[str]) -> None:
    words = [(word(0, 2),) if text.startswith("冯异") and "路" not in text else () for text in texts]
    last = find_repeated(texts, words)[-1]
    assert [texts[-1][one.start : one.end] for one in last] == wanted


@pytest.mark.parametrize(("name", "text"), [("高强", "高强度训练"), ("张力", "表面张力"), ("李强", "李强调安全")])
def test_repeated_leaves_short_names_in_words_alone(name: str, text: str) -> None:
    rows = find_repeated([f"{name}来了", f"{name}走了", text], [(word(0, 2),), (word(0, 2),), ()])
    assert rows[-1] == []


@example(["说西姆斯"])
@given(st.lists(st.text("西姆斯韦德·说𠮷\r\n", max_size=12), max_size=4))
def test_repeated_gives_disjoint_spans_of_the_text(texts: list[str]) -> None:
    rows = find_repeated([FULL, *texts], [(word(0, 6),), *[()] * len(texts)])
    for text, row in zip(texts, rows[1:], strict=True):
        reached = 0
        for one in row:
            assert reached <= one.start < one.end <= len(text)
            assert text[one.start : one.end] in ("韦德·西姆斯", "西姆斯")
            reached = one.end
