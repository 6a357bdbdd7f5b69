"""Texts whose lines were cut at a width are joined, and no other text is touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biaozhu.reading.article import article_from_bytes, read_article
from biaozhu.reading.hard_wraps import join_wrapped
from biaozhu.reading.sentences import split_article

if TYPE_CHECKING:
    from pathlib import Path

PARAGRAPH = (
    "云溪县石桥乡去年种了2300亩油茶，86户农户入股，人均增收1.8万元，比前年多出两成。乡农技站站长周文清说，"
    "今年打算再修12公里机耕路，添置3台烘干机，让农户在家门口就能卖茶籽。"
)
TITLE = "云溪油茶正飘香"


def wrapped(text: str, width: int, end: str = "\n") -> str:
    return end.join(text[at : at + width] for at in range(0, len(text), width))


@pytest.mark.parametrize("width", [17, 18, 24, 30, 34, 38, 40])
@pytest.mark.parametrize("end", ["\n", "\r\n", " \n"])
@pytest.mark.parametrize("head", ["", f"{TITLE}\n", f"{TITLE}\n\n", "来源：云溪日报\n"])
def test_hard_wraps_are_joined(width: int, end: str, head: str) -> None:
    assert join_wrapped(f"{head}{wrapped(PARAGRAPH, width, end)}\n") == f"{head}{PARAGRAPH}\n"


@pytest.mark.parametrize(
    "line",
    [
        "农户在石桥乡采摘油茶，周文清 摄",
        "首页 > 云溪县 > 油茶，茶籽和茶油",
        "农户在石桥乡采摘油茶，茶籽也多。",
        "农户在石桥乡采摘油茶，茶籽也多）",
    ],
)
def test_hard_wraps_below_a_line_that_is_whole_are_not_joined_to_it(line: str) -> None:
    rest = f"{line}\n全乡今年有三个合作社的茶籽卖到了外县"
    assert join_wrapped(f"{wrapped(PARAGRAPH, 19)}\n{rest}。\n") == f"{PARAGRAPH}\n{rest}。\n"


@pytest.mark.parametrize("title", ["云溪油茶正飘香，农户乐开怀", "云溪油茶正飘香农户笑开怀人人乐"])
def test_hard_wraps_are_joined_to_no_title_and_no_heading(title: str) -> None:
    heading = "抓早动快"
    text = "\n".join((title, wrapped(PARAGRAPH, 19), heading, wrapped(PARAGRAPH, 19)))
    assert join_wrapped(text) == f"{title}\n{PARAGRAPH}\n{heading}\n{PARAGRAPH}"


@pytest.mark.parametrize(
    ("line", "end"),
    [("今年春天，全县干部群众一起上山种树造林", "\n"), ("今年春天，全县干部群众一起上山种树造林好", "")],
)
def test_hard_wraps_alone_is_one_of_twenty_characters(line: str, end: str) -> None:
    assert join_wrapped(f"{line}\n，人人高兴。") == f"{line}{end}，人人高兴。"


def test_hard_wraps_with_indented_paragraphs_are_joined() -> None:
    lines = [
        f"\u3000\u3000{wrapped(PARAGRAPH, 30)}",
        f"\u3000\u3000{wrapped(PARAGRAPH[::-1][1:] + '。', 30)}",
    ]
    joined = join_wrapped("\n".join(lines))
    assert joined.split("\n") == [f"\u3000\u3000{PARAGRAPH}", f"\u3000\u3000{PARAGRAPH[::-1][1:]}。"]


def test_hard_wraps_of_a_line_that_begins_like_a_turn_are_joined() -> None:
    text = PARAGRAPH.replace("周文清说，", "周文清介绍：")
    assert join_wrapped(wrapped(text, text.index("周文清") // 2)) == text


def test_hard_wraps_of_latin_words_leave_a_space() -> None:
    text = "云溪县有86家油茶企业，今年引进了Green\nValley公司的3台设备，投资86万元。全部用于石\n桥乡的加工厂。"
    assert join_wrapped(text) == text.replace("Green\n", "Green ").replace("石\n", "石")


@pytest.mark.parametrize(
    "text",
    [
        f"{TITLE}\n{PARAGRAPH}\n{PARAGRAPH}\n",
        f"云溪油茶，飘香四方，农户增收\n{PARAGRAPH}\n{PARAGRAPH}",
        f"{PARAGRAPH}\n农户在石桥乡采摘油茶。周文清 摄\n{PARAGRAPH}",
        "青禾乡，86户，1200亩，油茶\n石桥乡，120户，2300亩，油茶\n云山乡，64户，900亩，茶叶",
        "一、时间，地点，对象都已公布\n二、报名，审核，公示，发放\n三、补贴，共86户。全部到位",
        "春种一粒粟，秋收万颗子，\n四海无闲田，农夫犹饿死。",
        f"各位代表：\n{PARAGRAPH}\n　　{PARAGRAPH}\n石桥乡人民政府\n2021年3月5日",
        "乡镇\t户数，人\t面积\n青禾乡\t86户，300人\t1200亩\n",
        "青禾乡\t共有86户。300人，1200亩油茶地\n石桥乡\t120户。",
        # Without an end mark only what is below may be its end.
        *(
            f"{wrapped(PARAGRAPH[:-1], 19)}\n{below}"
            for below in ("1、再修机耕路。", "（责编：周文清）", "\n云溪县石桥乡。")
        ),
        # One short line that does not end, and two among three that do.
        "今年春天，全县干部群众一起上山\n，种树造林。",
        "今年，石桥乡的茶园丰收了，人人都高兴。\n" * 3
        + "今年，青禾乡的茶园也好，家家都在\n，忙着采摘，云山乡的也来，一起上\n，山去。",
        # A regression test: turns of chats and comments became one line.
        *(
            f"茶客:周末去云溪县看茶园，谁一起走，一人三十\n周文清：算我一个，转你30块？\n青禾-小吴(乡政府):收到30元{end}"
            for end in ("", "。")
        ),
        "@采茶人:这茶我泡了8遍，还有味，值了\n用户20931:石桥乡的茶园，去年去过，路好走多了\n今晚早睡 回复 采茶人:+1，100%同意",
        "石桥乡的茶园真美，一口气走了八里山路，下次还来，推荐大家。❤️86 💬3456\n片刻之后又下雨了",
        "石桥乡的茶园真美，一口气走了八里山路，下次还来，推荐大家。阅读量 1.2万\n片刻之后又下雨了",
        "石桥乡的茶园真美，一口气走了八里山路。下次还来，带上大家\n回复@采茶人：你几点出发的",
        "第5分钟的弹幕\n[09:12] 茶园真大，怕有三百亩\n[09:13] 周文清，讲得真好，再来一段\n3楼 同意，明年还来",
    ],
)
def test_hard_wraps_are_not_seen_where_there_are_none(text: str) -> None:
    assert join_wrapped(text) == text


def test_hard_wraps_article_is_the_joined_text(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text(f"{TITLE}\n\n{wrapped(PARAGRAPH, 19)}\n", encoding="gb18030")
    article = read_article(path)
    assert article.encoding == "joined:gb18030"
    assert [one.text for one in split_article(article)] == [
        TITLE,
        *(f"{part}。" for part in PARAGRAPH.split("。") if part),
    ]
    again = article_from_bytes(article.raw.encode(), name="x", where="x")
    assert (again.id, again.raw, again.blocks, again.encoding) == (
        article.id,
        article.raw,
        article.blocks,
        "utf-8",
    )


def test_hard_wraps_of_a_page_are_joined() -> None:
    page = f"<html><title>{TITLE}</title><h1>{TITLE}</h1><p>{wrapped(PARAGRAPH, 19, '<br>')}</p><p>云溪</p></html>"
    article = article_from_bytes(page.encode(), name="x", where="x", page=True)
    assert article.raw.split() == [TITLE, PARAGRAPH, "云溪"]


@given(
    st.lists(st.text(st.sampled_from("云溪县86，。、：万元1a”（ \u3000"), max_size=30), max_size=8),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_hard_wraps_joined_once_are_joined_for_good_and_lose_nothing(lines: list[str], end: str) -> None:
    text = end.join(lines)
    joined = join_wrapped(text)
    assert join_wrapped(joined) == joined
    assert "".join(joined.split()) == "".join(text.split())
