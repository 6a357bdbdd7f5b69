"""HTML pages, offline: the page becomes a plain text, and offsets are true to that text.

The text has the title, a line with source and author, a line with the date, and the paragraphs, so that reading
the saved text finds the same blocks and metadata as reading the page.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from contextlib import suppress

from lxml import etree, html

from biaozhu.data.errors import EmptyArticleError, EncodingError
from biaozhu.data.model import LeftOut, Metadata
from biaozhu.reading.blocks import first_of, stated_in
from biaozhu.reading.encodings import decode_source
from biaozhu.reading.pages.body import Body, find_body, find_misnamed
from biaozhu.reading.pages.lines import find_lines, flatten
from biaozhu.reading.pages.patterns import DATE, is_furniture

_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_-]{2,20})", re.IGNORECASE)
_LEGACY = re.compile(
    r"gb2312|gbk|gb18030|big5(?:-hkscs)?|euc-(?:jp|kr)|shift_jis|iso-8859-\d{1,2}|windows-125\d|koi8-[ru]"
)
_HEAD_BYTES = 8192
_LARGEST = 4 * 1024 * 1024
_TITLES = ("articletitle", "og:title", "twitter:title")
_SOURCES = ("contentsource", "source", "og:site_name", "application-name")
_AUTHORS = ("author", "article:author", "og:article:author")
_TIMES = (
    *("pubdate", "publishdate", "article:published_time", "og:release_date", "datepublished"),
    "weibo: article:create_at",
)


def read_page(data: bytes, *, where: str) -> tuple[str, str, Metadata, tuple[LeftOut, ...]]:
    """Return an HTML page's article as text, its encoding, the metadata that it states, and its visible text outside.

    A page that is too large, or whose bytes are not what it declares, nor UTF-8 or GB18030, raises EncodingError; EmptyArticleError says
    that no article text was found.
    """
    if len(data) > _LARGEST:
        what = f"an HTML page of more than {_LARGEST >> 20} MiB"
        raise EncodingError(what, where=where, next_step="Save its text and read that")
    text, encoding = _decode_page(data, where)
    try:
        # Without huge_tree the parser stops at some depth and drops what follows.
        parser = html.HTMLParser(encoding="utf-8", huge_tree=True, remove_comments=True, remove_pis=True)
        tree = html.document_fromstring(text.lstrip("\ufeff").encode("utf-8"), parser=parser)
    except (etree.LxmlError, ValueError) as error:
        raise EmptyArticleError(f"the page cannot be parsed ({type(error).__name__})", where=where) from None
    if any(entry.type_name == "ERR_RESOURCE_LIMIT" for entry in parser.error_log):
        raise EmptyArticleError("the page is nested too deep to be parsed whole", where=where)
    stated = _stated_in_head(tree)
    trusted: list[html.HtmlElement] = []
    lines, inner = find_lines(tree)
    while (misnamed := find_misnamed(lines)) is not None:
        trusted.append(misnamed)
        lines, inner = find_lines(tree, trusted=trusted)
    titles = [flatten(element.text_content()) for element in tree.iter("title")][:1]
    named = [name for name in (*(stated.get(key, "") for key in _TITLES), *titles) if name]
    body = find_body(lines, named) if lines else None
    if body is None or not body.lines:
        raise EmptyArticleError(
            "no article text was found in the page", where=where, next_step="Save its text and read that"
        )
    metadata = _page_metadata(body, stated)
    return _as_text(metadata, body), encoding, metadata, (*body.left_out, *inner)


def _stated_in_head(tree: html.HtmlElement) -> dict[str, str]:
    """Return what the page's meta elements state, by their name in lower case; the first of each counts."""
    stated: dict[str, str] = {}
    for element in tree.iter("meta"):
        name = element.get("name") or element.get("property") or element.get("itemprop") or ""
        if content := flatten(element.get("content")):
            stated.setdefault(name.lower(), content)
    return stated


def _page_metadata(body: Body, stated: Mapping[str, str]) -> Metadata:
    """Return what the lines around the text state, then what the page's head does."""
    shown = stated_in(body.around)
    date = DATE.search(first_of(stated, _TIMES))
    author = first_of(stated, _AUTHORS)
    return Metadata(
        title=body.title,
        source=shown.source or first_of(stated, _SOURCES),
        # A number or an address is an account, no name.
        author=shown.author or (author if not author.isdecimal() and "@" not in author else ""),
        time=shown.time or (date.group() if date else ""),
    )


def _as_text(metadata: Metadata, body: Body) -> str:
    labelled = (f"来源：{metadata.source}", f"作者：{metadata.author}")
    # What reading the saved text would not take for furniture would be annotated.
    labels = [line for line in labelled if line[3:] and is_furniture(line, edge="head")]
    head = [metadata.title, "  ".join(labels), metadata.time]
    return "".join(f"{line}\n\n" for line in (*head, *body.lines) if line).rstrip("\n") + "\n"


def _decode_page(data: bytes, where: str) -> tuple[str, str]:
    try:
        return decode_source(data, where=where)
    except EncodingError:
        declared = _CHARSET.search(data[:_HEAD_BYTES])
        name = declared[1].decode("ascii").lower() if declared else ""
        if b"\0" in data or not _LEGACY.fullmatch(name):
            raise
        # As browsers do: who says GB2312 means its superset.
        name = "gb18030" if name in {"gb2312", "gbk"} else name
        with suppress(UnicodeDecodeError, LookupError):
            return data.decode(name), codecs.lookup(name).name
        raise
