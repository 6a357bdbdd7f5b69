"""Saved pages of many kinds of Chinese sites (tests/pages): what comes out, and that no line vanishes."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biaozhu.data.errors import EmptyArticleError
from biaozhu.reading.article import article_from_bytes, read_article

if TYPE_CHECKING:
    from biaozhu.data.model import Article

PAGES = sorted((Path(__file__).parents[1] / "pages").glob("*.html"))
UNSEEN = {"head", "script", "style", "title"}
VOID = {"meta", "link", "base"}


class Text(HTMLParser):
    """The visible text of a page, piece by piece, found by another parser than ours."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self.unseen = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        del attrs
        self.unseen += tag in UNSEEN

    def handle_endtag(self, tag: str) -> None:
        self.unseen -= tag in UNSEEN

    def handle_data(self, data: str) -> None:
        if not self.unseen:
            self.pieces += [piece for piece in data.split() if piece]


def squeezed(text: str) -> str:
    return "".join(text.split())


def check_nothing_vanished(page: str, article: Article) -> None:
    text = Text()
    text.feed(page)
    named = squeezed(article.raw) + "\n" + "\n".join(squeezed(one.text) for one in article.left_out)
    assert [piece for piece in text.pieces if squeezed(piece) not in named] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_pages_give_the_article_and_name_the_rest(path: Path) -> None:
    article = read_article(path)
    page = path.read_bytes().decode(article.encoding.removeprefix("html:"))
    head, _, body = page.partition("<!-- expect\n")[2].rpartition("\n-->")[0].partition("\n\n")
    stated = {key: getattr(article.metadata, key) for key in ("title", "source", "author", "time")}
    assert "\n".join(f"{key}: {value}".rstrip() for key, value in stated.items()) == head
    shown = [article.raw[block.start : block.end] for block in article.blocks if block.kind != "furniture"]
    assert shown == [*filter(None, [stated["title"]]), *body.split("\n")]
    check_nothing_vanished(page, article)
    again = article_from_bytes(article.raw.encode(), name=article.name, where="")
    assert (again.id, again.blocks) == (article.id, article.blocks)


PROSE = "云溪县的农技员走进田间，手把手教农户育秧。今年全县早稻面积预计达到三十万亩，比去年增加一成。"


@pytest.mark.parametrize(
    ("page", "left_out"),
    [
        pytest.param(
            f'<body class="no-sidebar nav-fixed"><nav>导航</nav><div><p>{PROSE}</p><p>86户</p></div></body>',
            {"navigation": "导航"},
            id="names of the whole page say nothing",
        ),
        pytest.param(
            f'<div class="share-page"><p>{PROSE}</p><p>86户</p><div class="comments"><p>好文</p></div></div>',
            {"comments": "好文"},
            id="an element with all the text is no sharing, what is inside it may be comments",
        ),
        pytest.param(
            f'<p>86户</p><p>{PROSE}</p><div class="footer"><p>{PROSE}</p></div>',
            {"footer": PROSE},
            id="half the text is not nearly all",
        ),
        pytest.param(
            f'<div style="display: none"><p>{PROSE}</p><p>86户</p></div><nav>导航</nav>',
            {"navigation": "导航"},
            id="a page that scripts would show",
        ),
    ],
)
def test_pages_names_of_elements_are_weighed(page: str, left_out: dict[str, str]) -> None:
    article = article_from_bytes(f"<html>{page}</html>".encode(), name="x", where="x", page=True)
    assert sorted(article.raw.split()) == sorted([PROSE, "86户"])
    assert {one.reason: one.text for one in article.left_out} == left_out


def test_pages_keep_both_halves_of_an_article() -> None:
    half = f"<p>{PROSE}</p>" * 3
    page = f"<html><div>{half}<p>86户</p></div><div>{half}</div></html>"
    article = article_from_bytes(page.encode(), name="x", where="x", page=True)
    assert article.raw.split() == [*[PROSE] * 3, "86户", *[PROSE] * 3]


@pytest.mark.parametrize("tag", ["noframes", "noembed"])
def test_pages_take_no_markup_for_text(tag: str) -> None:
    # A regression test: the parser gives what is in them as text, with its tags.
    inside = f"<{tag}><body><p>{PROSE}</p></body></{tag}>"
    with pytest.raises(EmptyArticleError):
        article_from_bytes(f"<html><frameset><frame src=a>{inside}</frameset></html>".encode(), name="x", where="x")
    article = article_from_bytes(f"<html><body><p>{PROSE}</p>{inside}</body></html>".encode(), name="x", where="x")
    assert article.raw.split() == [PROSE]


@pytest.mark.parametrize("depth", [2500, 20_000])
def test_pages_nested_too_deep_are_refused(depth: int) -> None:
    page = f"<html>{'<div>甲。' * depth}"
    with pytest.raises(EmptyArticleError):
        article_from_bytes(page.encode(), name="x", where="x", page=True)


@pytest.mark.parametrize(
    ("line", "text", "left_out"),
    [
        # Powers and units stay powers, and what is no figure stays.
        ("面积10<sup>4</sup>平方米", "面积10⁴平方米", {}),
        ("3×10<sup> 5 </sup>棵，10<sup>-6</sup>克", "3×10⁵棵，10⁻⁶克", {}),
        ("面积500m<sup>2</sup>，500米<sup>2</sup>", "面积500m²，500米²", {}),
        ("x<sup>2</sup>，Na<sup>+</sup>，用<sup>14</sup>C测", "x²，Na+，用¹⁴C测", {}),
        ("2<sup>10</sup>=1024，水温25<sup>o</sup>C", "2¹⁰=1024，水温25°C", {}),
        ("1<sup>st</sup>，CO<sub>2</sub>，H<sub>2</sub>O", "1st，CO2，H2O", {}),
        ("<math><msup><mn>10</mn><mn>4</mn></msup></math>亩", "10⁴亩", {}),
        ("10<span style='vertical-align:super'>4</span>亩", "10⁴亩", {}),
        # Marks of notes.
        ("收入2.5<sup>1</sup>万元", "收入2.5万元", {"note mark": "1"}),
        ("种了30<sup>②</sup>亩", "种了30亩", {"note mark": "②"}),
        ("乙镇<sup>[1]</sup><sup>1,2</sup>，丙镇<sup>注3</sup>", "乙镇，丙镇", {"note mark": "[1] / 1,2 / 注3"}),
        ("共10<sup><a href='#n'>4</a></sup>亩", "共10亩", {"note mark": "4"}),
        ("共10<a href='#n'><sup>4</sup></a>亩", "共10亩", {"note mark": "4"}),
        ("甲村12<span style='vertical-align: super'>3</span>亩", "甲村12亩", {"note mark": "3"}),
        ("学者<sup>a</sup>", "学者", {"note mark": "a"}),
        # Ruby, and what is struck out or hidden.
        (
            "<ruby>苍<rp>(</rp><rt>cāng</rt><rp>)</rp>溪<rt>xī</rt></ruby>县",
            "苍溪县",
            {"ruby": "( / cāng / ) / xī"},
        ),
        ("<ruby>苍<rt>cāng</ruby>溪县", "苍溪县", {"ruby": "cāng"}),
        ("原价<del>199元</del><s>188元</s>99元", "原价99元", {"struck out": "199元 / 188元"}),
        ("原价<span style='text-decoration:line-through'>199元</span>99元", "原价99元", {"struck out": "199元"}),
        ("甲<span hidden>乙</span>县<b style='display:none'>丙</b>", "甲县", {"hidden": "乙 / 丙"}),
        ("甲<span hidden>乙<script>var x;</script></span>县", "甲县", {"hidden": "乙"}),
        (
            "<math><mn>4</mn><annotation encoding='application/x-tex'>4</annotation></math>亩",
            "4亩",
            {"hidden": "4"},
        ),
    ],
)
def test_pages_write_powers_and_leave_marks_readings_and_struck_text_out(
    line: str, text: str, left_out: dict[str, str]
) -> None:
    page = f"<html><p>{PROSE}</p><p>{line}</p><table><tr><td>86户</td><td>{line}</td></tr></table></html>"
    article = article_from_bytes(page.encode(), name="x", where="x", page=True)
    assert article.raw.strip().split("\n\n") == [PROSE, text, f"86户\t{text}"]
    assert {one.reason: one.text for one in article.left_out} == {
        reason: f"{named} / {named}" for reason, named in left_out.items()
    }


def test_pages_struck_out_as_a_whole_have_no_text() -> None:
    page = f"<html><del><p>{PROSE}</p><p>{PROSE}</p></del></html>"
    with pytest.raises(EmptyArticleError):
        article_from_bytes(page.encode(), name="x", where="x", page=True)


TAGS = st.sampled_from(
    [
        "div",
        "p",
        "span",
        "b",
        "a",
        "h1",
        "h2",
        "h3",
        "ul",
        "li",
        "table",
        "tr",
        "td",
        "section",
        "nav",
        "figure",
        "pre",
        *("sup", "rt", "del"),
    ]
)
NAMES = st.sampled_from(
    [
        "",
        ' class="content"',
        ' class="comment-list"',
        ' class="nav"',
        ' id="share"',
        ' style="display: none"',
        " hidden",
    ]
)
TEXTS = st.sampled_from(
    [
        "云溪县的农技员走进田间，手把手教农户育秧。",
        "全县早稻面积预计达到三十万亩，比去年增加一成，农户们都说今年的年景不会差。",
        *(
            "来源：云溪日报",
            "2021-03-05 09:30",
            "责任编辑：钱一一",
            "首页",
            "86户",
            "\n",
            "  ",
            "（记者 周文清）",
            "相关阅读",
        ),
        *(
            "云溪春耕正忙",
            "审核：村委会对86户逐户走访",
            "免责声明：本站转载的文章不代表本站观点。",
            "1",
            "&lt;b&gt;",
        ),
    ]
)
NODES = st.recursive(
    TEXTS,
    lambda inner: st.tuples(TAGS, NAMES, st.lists(inner, max_size=5)).map(
        lambda node: f"<{node[0]}{node[1]}>{''.join(node[2])}</{node[0]}>"
    ),
    max_leaves=30,
)


@given(st.lists(NODES, min_size=1, max_size=6).map("".join), st.sampled_from(["", "云溪春耕正忙_云溪网"]))
def test_pages_of_any_shape_lose_no_line(body: str, title: str) -> None:
    page = f"<html><head><meta charset=utf-8><title>{title}</title></head><body>{body}</body></html>"
    try:
        article = article_from_bytes(page.encode(), name="x", where="x", page=True)
    except EmptyArticleError:
        return
    check_nothing_vanished(page, article)
    again = article_from_bytes(article.raw.encode(), name="x", where="x")
    assert (again.id, again.raw, again.blocks) == (article.id, article.raw, article.blocks)
