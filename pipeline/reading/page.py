"""HTML pages through trafilatura, offline: the page becomes a plain text, and offsets are true to that text.

The text has the title, a line with source and author, a line with the date, and the paragraphs, so that reading
the saved text finds the same blocks and metadata as reading the page.
"""

from __future__ import annotations

import codecs
import logging
import re

import trafilatura
from trafilatura.settings import Document

from pipeline.errors import EmptyArticleError, EncodingError
from pipeline.model import Metadata
from pipeline.reading.decoding import decode

_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_-]{2,20})", re.IGNORECASE)
_HEAD_BYTES = 8192
_LARGEST = 8 * 1024 * 1024

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
            html.lstrip("\ufeff"), include_comments=False, include_tables=True, with_metadata=True
        )
    except (ValueError, RecursionError) as error:
        raise EmptyArticleError(f"the page cannot be parsed ({type(error).__name__})", where=where) from None
    body = (page.text or "").strip() if isinstance(page, Document) else ""
    if not isinstance(page, Document) or not body:
        raise EmptyArticleError(
            "no article text was found in the page", where=where, next_step="Save its text and read that"
        )
    metadata = Metadata(
        title=_flat(page.title), source=_flat(page.sitename), author=_flat(page.author), time=_flat(page.date)
    )
    return _as_text(metadata, body), encoding, metadata


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
    declared = _CHARSET.search(data[:_HEAD_BYTES])
    name = declared[1].decode("ascii").lower() if declared else ""
    if name and not data.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        # As browsers do: who says GB2312 means its superset.
        name = "gb18030" if name in {"gb2312", "gbk", "gb18030", "x-gbk"} else name
        try:
            if name not in {"utf-8", "utf8", "utf-16", "utf-7"} and b"\0" not in data:
                return data.decode(name), codecs.lookup(name).name
        except (UnicodeDecodeError, LookupError):
            pass
    return decode(data, where=where)
