"""What a line says of itself: running text, a title, an end."""

from __future__ import annotations

import pytest

from biaozhu.reading.pages.patterns import (
    Edge,
    author_in_text,
    continues,
    ends,
    heading_prefix,
    is_caption,
    is_furniture,
    is_generic_entry,
    is_prose,
    labelled_values,
    names_in_byline,
    names_source_or_time,
)


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


@pytest.mark.parametrize(
    ("line", "edge", "expected"),
    [
        # Cells and sentences are text, whatever label is in front of them.
        ("来源：云溪日报。", "head", True),
        ("来源：\t云溪日报", "head", False),
        ("来源：云溪日报。作者：周文清", "head", False),
        (f"打印 {'关闭 ' * 65}", "tail", True),
        (f"打印 {'关闭 ' * 66}", "tail", False),
        # Some labels are furniture anywhere, others outside the text alone, and only before what such a label has.
        ("责编：周文清", None, True),
        ("编辑：周文清", None, False),
        ("编辑：周文清", "tail", True),
        ("编辑：周文清 责编：钱一一", None, False),
        ("责编：青禾乡茶园夜市", "tail", False),
        # A date beside a name, a bracket around the line, a name's own.
        ("编辑：周文清 2021年3月5日", "tail", True),
        ("（编辑：周文清）", "tail", True),
        ("编辑：周文清（青禾乡）", "tail", True),
        ("2021年3月5日 责编：周文清", None, True),
        ("2021年3月5日 周文清", None, False),
        # Controls, with numbers and marks beside them but no words.
        ("打印", None, True),
        ("打印 12", None, True),
        ("打印 ·", None, True),
        ("打印 青禾", None, False),
        ("12", None, False),
        ("———", None, True),
        # A disclaimer, at most of a paragraph's length.
        ("本文仅供参考", None, True),
        (f"声明：转载{'春' * 395}", None, True),
        (f"声明：转载{'春' * 396}", None, False),
        # A way through the site, a whole day, an imprint.
        ("首页 > 云溪县 > 茶园里的夜市", None, True),
        ("云溪县 > 茶园里的夜市", None, False),
        ("云溪县 > 茶园里的夜市", "head", True),
        ("云溪县 > 茶园里的夜市", "tail", False),
        ("2021年3月5日", None, True),
        ("2021年3月5日春", None, False),
        ("© 云溪", None, True),
        (f"© {'云' * 57}", None, True),
        (f"© {'云' * 58}", None, False),
        (f"© {'云' * 58}", "tail", True),
        (f"{'云' * 200}©", "tail", False),
        # A menu has five short words, and one of a site's.
        ("首页 茶园 夜市 鱼塘 冷库", "tail", True),
        ("首页 茶园 夜市 鱼塘 冷库 水渠", "tail", True),
        ("首页 茶园 夜市 鱼塘", "tail", False),
        ("春天 茶园 夜市 鱼塘 冷库", "tail", False),
        ("首页 茶园 夜市 鱼塘 青禾乡的冷库", "tail", False),
        ("首页 茶园 夜市 鱼塘 冷库", None, False),
        ("首页 茶园 夜市 鱼塘 冷库！", "tail", False),
        ("云溪县文联 主办", "head", True),
        ("云溪县文联 主办", "tail", False),
        ("栏目：茶园", "head", True),
        ("栏目：茶园", "tail", False),
    ],
)
def test_patterns_furniture_by_where_a_line_stands(line: str, edge: Edge | None, *, expected: bool) -> None:
    assert is_furniture(line, edge=edge) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("2021-03-05", True),
        ("03-05 09:12", True),
        ("2021-03-05 周文清", False),
        ("2021-03-05 云溪日报", True),
        ("2021-03-05 云溪日报 周文清", True),
        ("2021-03-05 云溪日报 青禾乡茶园", False),
        ("2021-03-05 云溪日报 星期五", True),
        (f"2021-03-05 {' '.join(['云溪日报'] * 15)}", True),
        (f"2021-03-05 {' '.join(['云溪日报'] * 17)}", False),
        ("发布2021年3月5日", False),
        ("2021年3月5日发布", False),
        ("发布 2021年3月5日", True),
        ("发布 云溪2021年3月5日", False),
        ("2021年3月5日刊 发布", False),
        ("2021-03-05发布", True),
        ("2021-03-05 发布，", False),
        (f"2021-03-05 {'发布' * 12}", True),
        (f"2021-03-05 发布{'茶园' * 11}春", False),
    ],
)
def test_patterns_dated_line_has_no_text_beside_its_date(line: str, *, expected: bool) -> None:
    assert is_furniture(line, edge="head") == expected
    assert not is_furniture(line, edge="tail") or line == "2021-03-05"


@pytest.mark.parametrize(
    ("byline", "expected"),
    [
        ("本报记者 周文清、通讯员 钱一一", "周文清、钱一一"),
        ("周文清 发自云溪", "周文清"),
        ("周文清 青禾报道", "周文清"),
        ("记者", "记者"),
    ],
)
def test_patterns_byline_is_names_alone_where_it_has_any(byline: str, expected: str) -> None:
    assert names_in_byline(byline) == expected


@pytest.mark.parametrize(
    ("line", "author"),
    [
        ("本报记者 周文清", "周文清"),
        ("（记者 周文清 ）春天来了。", "周文清"),
        ("周文清", ""),
        (f"{'春' * 193}（记者 周文清）", ""),
        (f"{'春' * 192}（记者 周文清）", "周文清"),
    ],
)
def test_patterns_author_is_named_near_the_begin_of_a_line(line: str, author: str) -> None:
    assert author_in_text(line) == author


@pytest.mark.parametrize(
    ("line", "generic", "named"),
    [
        ("时间：2021年3月5日", True, True),
        ("作者：周文清", True, True),
        ("主持：周文清", False, False),
        ("编辑：周文清", True, False),
        ("来源：云溪 时间：春天", False, True),
        ("打印：春 2021-03-05", False, True),
        ("Tags：春", False, False),
    ],
)
def test_patterns_entry_begins_with_a_label_that_notices_have(line: str, *, generic: bool, named: bool) -> None:
    assert is_generic_entry(line) == generic
    assert names_source_or_time(line) == named


def test_patterns_caption_is_short() -> None:
    assert is_caption(f"图为{'春' * 118}")
    assert not is_caption(f"图为{'春' * 119}")


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("来源：云溪日报 作者：周文清 2021-03-05", [("来源", "云溪日报"), ("作者", "周文清")]),
        ("时间： 3月5日 09:12", [("时间", "3月5日 09:12")]),
        ("时间：春天 2021-03-05", [("时间", "2021-03-05")]),
        ("时间：春天", [("时间", "")]),
        ("作 者：周文清 | 茶园", [("作者", "周文清")]),
        ("声明：本站转载，来源：云溪日报", []),
    ],
)
def test_patterns_label_has_a_value_to_its_end(line: str, values: list[tuple[str, str]]) -> None:
    assert labelled_values(line) == values


@pytest.mark.parametrize(
    ("line", "prefix"),
    [
        ("一、茶园开张", "一、"),
        ("【茶园开张】", "【茶园开张】"),
        ("青禾乡：茶园开张", "青禾乡"),
        ("茶园开张", None),
    ],
)
def test_patterns_heading_has_what_makes_it_one_in_front(line: str, prefix: str | None) -> None:
    assert heading_prefix(line) == prefix


@pytest.mark.parametrize(
    ("line", "expected"), [("但茶园开张了", True), ("周文清说：“春天", True), ("茶园开张了，但雨停了", False)]
)
def test_patterns_line_goes_on_by_its_first_word_or_by_speech(line: str, *, expected: bool) -> None:
    assert continues(line) == expected
