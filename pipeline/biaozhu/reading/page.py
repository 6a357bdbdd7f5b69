"""HTML pages through trafilatura, offline: the page becomes a plain text, and offsets are true to that text.

The text has the title, a line with source and author, a line with the date, and the paragraphs, so that reading
the saved text finds the same blocks and metadata as reading the page.
"""

from __future__ import annotations

import codecs
import logging
import re
from typing import TYPE_CHECKING

import trafilatura
from lxml import etree
from trafilatura.settings import Document, use_config

from biaozhu.data.errors import EmptyArticleError, EncodingError
from biaozhu.data.model import Metadata
from biaozhu.reading.blocks import stated_in
from biaozhu.reading.encodings import decode
from biaozhu.reading.page_patterns import is_furniture

if TYPE_CHECKING:
    from configparser import ConfigParser

    from lxml.html import HtmlElement

_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_-]{2,20})", re.IGNORECASE)
_LEGACY = re.compile(
    r"gb2312|gbk|gb18030|big5(?:-hkscs)?|euc-(?:jp|kr)|shift_jis|iso-8859-\d{1,2}|windows-125\d|koi8-[ru]"
)
_HEAD_BYTES = 8192
_LABEL_LINE = 80
_SHORTEST = 60
_HIDDEN = frozenset({"script", "style", "noscript", "template", "head"})
_INLINE = frozenset(
    {"a", "b", "i", "em", "strong", "span", "font", "u", "small", "label", "time", "sub", "sup"}
)
_LARGEST = 4 * 1024 * 1024

for _name in ("trafilatura", "htmldate", "courlan", "justext"):
    # What these log about a page is no message to our user: ours is one line.
    logging.getLogger(_name).addHandler(logging.NullHandler())


def read_page(data: bytes, *, where: str) -> tuple[str, str, Metadata]:
    """Extract the article of an HTML page.

    Returns:
        The article as plain text, the page's encoding, and the metadata that the page states.

    Raises:
        EncodingError: the bytes are not what the page declares, nor UTF-8 or GB18030; or the page is too large.
        EmptyArticleError: no article text was found.
    """
    if len(data) > _LARGEST:
        raise EncodingError(
            f"an HTML page of more than {_LARGEST >> 20} MiB",
            where=where,
            next_step="Save its text and read that",
        )
    html, encoding = _decode(data, where)
    try:
        page = trafilatura.bare_extraction(
            html.lstrip("\ufeff"),
            include_comments=False,
            include_tables=True,
            with_metadata=True,
            config=_extraction(),
        )
    except (ValueError, RecursionError) as error:
        raise EmptyArticleError(f"the page cannot be parsed ({type(error).__name__})", where=where) from None
    body = (page.text or "").strip() if isinstance(page, Document) else ""
    if not isinstance(page, Document) or not body:
        raise EmptyArticleError(
            "no article text was found in the page", where=where, next_step="Save its text and read that"
        )
    metadata = _metadata(page, html)
    return _as_text(metadata, body), encoding, metadata


def _extraction() -> ConfigParser:
    # Below its minimum trafilatura falls back to text without paragraphs; 250 characters is a short text in a
    # Latin script but a whole news item in Chinese.
    config = use_config()
    config.set("DEFAULT", "MIN_EXTRACTED_SIZE", str(_SHORTEST))
    return config


def _metadata(page: Document, html: str) -> Metadata:
    """Return what the page states: its source line first, then trafilatura's findings, then meta elements.

    Trafilatura drops one-word authors, which Chinese names are, and knows no source but the site's name.
    """
    tree = trafilatura.load_html(html)
    stated, meta = Metadata(), dict[str, str]()
    if tree is not None:
        stated = stated_in(line for line in _visible_lines(tree) if is_furniture(line, edge="head"))
        for element in tree.iter("meta"):
            name, content = (element.get("name") or "").lower(), _flat(element.get("content"))
            if name and content:
                meta.setdefault(name, content)
    return Metadata(
        title=_flat(page.title),
        source=stated.source or meta.get("contentsource") or _flat(page.sitename),
        author=stated.author or _flat(page.author) or meta.get("author", ""),
        time=stated.time or _flat(page.date) or meta.get("pubdate", ""),
    )


def _visible_lines(tree: HtmlElement) -> list[str]:
    """Return the page's text, a line for each block element, in one walk."""
    parts: list[str] = []
    hidden = 0
    for event, element in etree.iterwalk(tree, events=("start", "end", "comment", "pi")):
        tag = element.tag if isinstance(element.tag, str) else ""
        if event == "start":
            hidden += tag in _HIDDEN
            parts += ["\n"] * (tag not in _INLINE) + [element.text or ""] * (not hidden)
            continue
        if event == "end":
            hidden -= tag in _HIDDEN
            parts += ["\n"] * (tag not in _INLINE)
        parts += [element.tail or ""] * (not hidden)
    lines = (_flat(line) for line in "".join(parts).split("\n"))
    return [line for line in lines if 0 < len(line) <= _LABEL_LINE]


def _as_text(metadata: Metadata, body: str) -> str:
    labelled = [
        f"{label}：{value}"
        for label, value in (("来源", metadata.source), ("作者", metadata.author))
        if value
    ]
    head = [metadata.title, "  ".join(labelled), metadata.time]
    paragraphs = [line.strip() for line in body.split("\n")]
    if paragraphs and paragraphs[0] == metadata.title:
        del paragraphs[0]
    return "".join(f"{line}\n\n" for line in [*head, *paragraphs] if line).rstrip("\n") + "\n"


def _flat(value: str | None) -> str:
    return " ".join((value or "").split())


def _decode(data: bytes, where: str) -> tuple[str, str]:
    try:
        return decode(data, where=where)
    except EncodingError:
        declared = _CHARSET.search(data[:_HEAD_BYTES])
        name = declared[1].decode("ascii").lower() if declared else ""
        if b"\0" in data or not _LEGACY.fullmatch(name):
            raise
        # As browsers do: who says GB2312 means its superset.
        name = "gb18030" if name in {"gb2312", "gbk"} else name
        try:
            return data.decode(name), codecs.lookup(name).name
        except (UnicodeDecodeError, LookupError):
            pass
        raise
