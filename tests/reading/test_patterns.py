"""What a line says of itself: running text, a title, an end."""

from __future__ import annotations

import pytest

from biaozhu.reading.pages.patterns import ends, is_prose


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("风。", True),
        ("风" * 80, False),
        ("风" * 81, True),
        (f"{'风' * 14}…", True),
        (f"{'风' * 13}…", False),
        ("风" * 15, False),
        *((f"{'风' * 14}{mark}", False) for mark in "!?！？"),
        (f"风！{'风' * 13}…", True),
    ],
)
def test_patterns_prose_has_a_full_stop_or_is_long(line: str, *, expected: bool) -> None:
    assert is_prose(line) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [("风。”）", True), ("风！ ", True), ("风", False), ("风。雨", False), (f"。{'”' * 12}", False)],
)
def test_patterns_line_ends_with_a_mark_before_quotes_and_brackets(line: str, *, expected: bool) -> None:
    assert ends(line) == expected
