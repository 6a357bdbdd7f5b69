"""Traditional characters to simplified ones, one code point to one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biaozhu.reading.simplified import is_traditional, to_chinese_marks, to_simplified

GB2312 = [bytes((lead, trail)).decode("gb2312", "ignore") for lead in range(0xA1, 0xF8) for trail in range(0xA1, 0xFF)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("臺灣省臺北縣雙溪鄉", "台湾省台北县双溪乡"),
        ("衞生署長陳馮富珍", "卫生署长陈冯富珍"),
        ("三萬兩千餘戶，畝產八百餘斤", "三万两千余户，亩产八百余斤"),
        ("貳佰參拾億圓", "贰佰参拾亿圆"),
        ("後龍鎮裡的麵店", "后龙镇里的面店"),
        ("著名的乾隆瞭望臺", "著名的乾隆瞭望台"),
        ("ABC 123", "ABC 123"),
    ],
)
def test_simplified_maps(text: str, expected: str) -> None:
    assert to_simplified(text) == expected


def test_simplified_text_stays() -> None:
    simplified = "".join(GB2312).replace("後", "")
    assert to_simplified(simplified) == simplified


@given(st.text() | st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF)))
def test_simplified_keeps_the_length_and_is_done_after_once(text: str) -> None:
    simplified = to_simplified(text)
    assert len(simplified) == len(text)
    assert to_simplified(simplified) == simplified


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("三百两,又", "三百两，又"),
        ("好吗?好!", "好吗？好！"),
        ("5,000元,1,2;三", "5,000元，1,2；三"),
        ("Hello, world; 你", "Hello, world; 你"),
    ],
)
def test_simplified_marks_are_chinese_outside_numbers_and_latin_text(text: str, expected: str) -> None:
    assert to_chinese_marks(text) == expected


@given(st.text(st.sampled_from("1a ,;!?，三。")))
def test_simplified_marks_keep_the_length_and_are_done_after_once(text: str) -> None:
    marks = to_chinese_marks(text)
    assert len(marks) == len(text)
    assert to_chinese_marks(marks) == marks


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("臺山水田土石人口", True),
        ("臺山水田土石人口中心", False),
        ("臺 Taiwan 1949", True),
        ("台山", False),
        ("ABC", False),
    ],
)
def test_simplified_tells_traditional_texts_by_a_tenth_of_their_characters(text: str, *, expected: bool) -> None:
    assert is_traditional(text) == expected
