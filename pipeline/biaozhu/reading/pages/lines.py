"""The visible text of an HTML page as lines, each with its element, its links and what is evidence against it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby

from lxml import etree, html

from biaozhu.data.model import LeftOut
from biaozhu.reading.pages.inline import HIDDEN_STYLE, find_inner_kind, write_inner

# The text of the last two is markup: what a browser without frames or plug-ins would show.
UNSEEN = frozenset({"head", "script", "style", "title", "noframes", "noembed"})
_BLOCKS = frozenset(
    "address article aside audio blockquote body br button center dd details dialog dir div dl dt fieldset figcaption "  # noqa: SIM905 — a list of 50 would fill the screen
    "figure footer form h1 h2 h3 h4 h5 h6 header hr html iframe legend li main menu nav noscript object ol optgroup "
    "option p pre section select summary table tbody td template textarea tfoot th thead tr ul video".split()
)
# What a theme writes on these is about the page as a whole.
_WHOLE = frozenset({"html", "body", "main", "article"})
_HEADINGS = frozenset({"h1", "h2", "h3"})
_TAGS = {
    "nav": "navigation",
    "aside": "sidebar",
    "footer": "footer",
    **dict.fromkeys(("button", "select", "textarea"), "control"),
    # What a browser shows only where it cannot show something else.
    **dict.fromkeys(("noscript", "template", "iframe", "object", "audio", "video"), "hidden"),
}
_NAMES = {
    word: reason
    for reason, words in {
        "navigation": "nav navi navbar navigation menu breadcrumb breadcrumbs crumb crumbs topbar pagination pager paging pages pagelist prevnext",
        "footer": "footer foot copyright",
        "sidebar": "sidebar aside",
        "comments": "comment comments commentlist reply replies pinglun",
        "related links": "related relate recommend recommended recommends tuijian xiangguan xgnews xgwz hotnews ranking",
        "sharing": "share sharing bdsharebuttonbox bshare jiathis qrcode ewm erweima",
        "control": "edit digg toolbar login search fontsize ad ads advert advertisement guanggao popup modal banner",
    }.items()
    for word in words.split()
}
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
# A line feed in a source file that breaks a Chinese text is not a space.
_WIDE = r"[\u2e80-\u9fff\uff00-\uff60“”]"
_SOURCE_BREAK = re.compile(rf"(?<={_WIDE})[ \t]*[\r\n]\s*(?={_WIDE})")


@dataclass(frozen=True, slots=True)
class PageLine:
    """A line as a reader sees it: a paragraph, a list item, a row of a table (a tab between its cells).

    `junk` is the outermost element that is not an article by its tag, name or style, `reason` what it is then.
    """

    text: str
    element: html.HtmlElement
    linked: int
    junk: html.HtmlElement | None = None
    reason: str = ""
    cell: html.HtmlElement | None = None


def find_lines(
    tree: html.HtmlElement, *, trusted: Collection[html.HtmlElement] = ()
) -> tuple[list[PageLine], tuple[LeftOut, ...]]:
    """Return every line of a page's visible text, in order, and what was left out inside them, by its reason.

    Nothing is evidence against elements that are trusted.
    """
    inner: dict[str, list[str]] = defaultdict(list)
    lines = [line for _, row in groupby(_walk(tree, trusted, inner), key=_table_row) for line in _join_row(list(row))]
    return lines, tuple(LeftOut(" / ".join(texts), reason) for reason, texts in inner.items())


def _walk(
    tree: html.HtmlElement, trusted: Collection[html.HtmlElement], inner: Mapping[str, list[str]]
) -> Iterator[PageLine]:
    owners, cells = [tree], [None]
    junk: list[tuple[html.HtmlElement | None, str]] = [(None, "")]
    parts: list[str] = []
    inside = tree, ""  # of a part of a line, why the line lacks it
    unseen = links = linked = 0
    for event, element in etree.iterwalk(tree, events=("start", "end")):
        tag = element.tag if isinstance(element.tag, str) else ""
        if tag in _BLOCKS:
            for piece in "".join(parts).split("\n"):
                if line := flatten(piece):
                    yield PageLine(line, owners[-1], linked, *junk[-1], cells[-1])
            parts, linked = [], 0
        if event == "start":
            unseen += tag in UNSEEN
            links += tag == "a"
            if tag in _BLOCKS:
                owners.append(element)
                cells.append(element if tag in {"td", "th"} else cells[-1])
                found = "" if junk[-1][1] or element in trusted else _find_reason(element, tag)
                junk.append((element, found) if found else junk[-1])
            inside = inside if inside[1] else (element, find_inner_kind(element, tag, is_block=tag in _BLOCKS))
            text = element.text
        else:
            unseen -= tag in UNSEEN
            links -= tag == "a"
            if tag in _BLOCKS:
                del owners[-1], cells[-1], junk[-1]
            text = element.tail or ""
            if inside[1] and element is inside[0]:
                text = write_inner(*inside, parts, inner) + text
                inside = tree, ""
        if text and not unseen and not inside[1]:
            shown = text if owners[-1].tag == "pre" else _SOURCE_BREAK.sub("", text).replace("\n", " ")
            parts.append(shown)
            linked += len("".join(shown.split())) if links else 0


def _find_reason(element: html.HtmlElement, tag: str) -> str:
    """Return why the content of an element is not an article, or nothing."""
    if tag in _TAGS:
        return _TAGS[tag]
    if element.get("hidden") is not None or HIDDEN_STYLE.search(element.get("style") or ""):
        return "hidden"
    if tag in _WHOLE:
        return ""
    words = _WORD.findall(f"{element.get('class') or ''} {element.get('id') or ''}")
    return next((_NAMES[word.lower()] for word in words if word.lower() in _NAMES), "")


def _table_row(line: PageLine) -> tuple[html.HtmlElement | None, html.HtmlElement | None]:
    return (line.cell.getparent() if line.cell is not None else None), line.junk


def _join_row(lines: list[PageLine]) -> Iterable[PageLine]:
    """Join the cells of a table's row; where a cell has lines of its own, the table is layout."""
    cells = [line.cell for line in lines]
    headed = any(line.element.tag in _HEADINGS for line in lines)
    if cells[0] is None or len(lines) == 1 or len(set(cells)) < len(cells) or headed:
        return lines
    text, linked = "\t".join(line.text for line in lines), sum(line.linked for line in lines)
    return [replace(lines[0], text=text, element=cells[0].getparent(), linked=linked)]


def flatten(value: str | None) -> str:
    """Return a text on one line, with single spaces."""
    return " ".join((value or "").split())
