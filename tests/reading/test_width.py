"""Half width, one code point to one."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biaozhu.reading.simplified import to_half_width


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("２０％，Ａｂ～！", "20%,Ab~!"),
        ("“甲”‘乙’\u3000丙", "\"甲\"'乙' 丙"),
        ("。、《》…—·￥", "。、《》…—·￥"),
        ("𠮷１", "𠮷1"),
    ],
)
def test_width_maps(text: str, expected: str) -> None:
    assert to_half_width(text) == expected


@given(st.text() | st.text(st.characters(min_codepoint=0xFF00, max_codepoint=0xFFEF)))
def test_width_keeps_the_length_and_is_done_after_once(text: str) -> None:
    half = to_half_width(text)
    assert len(half) == len(text)
    assert to_half_width(half) == half


def test_width_agrees_with_unicode_for_the_ascii_forms() -> None:
    forms = "".join(map(chr, range(0xFF01, 0xFF5F)))
    assert to_half_width(forms) == unicodedata.normalize("NFKC", forms)
