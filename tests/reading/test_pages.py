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


@pytest.mark.parametrize("depth", [2500, 20_000])
def test_pages_nested_too_deep_are_refused(depth: int) -> None:
    page = f"<html>{'<div>甲。' * depth}"
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
