"""Parts inside a line that are not its text: note marks, ruby, what is struck out or hidden; and powers, which stay."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from lxml.html import HtmlElement

HIDDEN_STYLE = re.compile(r"display\s*:\s*none", re.IGNORECASE)
_RAISED, _NOTE_MARK = "raised", "note mark"
# So many pieces of a line are looked back on for what a raised text stands behind.
_NEAR = 4
_TAGS = {
    **dict.fromkeys(("rt", "rp", "rtc"), "ruby"),
    **dict.fromkeys(("del", "s", "strike"), "struck out"),
    # The source of a formula, beside the formula.
    **dict.fromkeys(("annotation", "annotation-xml"), "hidden"),
    "sup": _RAISED,
}
_STYLES = {
    "struck out": re.compile(r"text-decoration(?:-line)?\s*:[^;]*line-through", re.IGNORECASE),
    "hidden": HIDDEN_STYLE,
    _RAISED: re.compile(r"vertical-align\s*:\s*super", re.IGNORECASE),
}
_SUPERSCRIPTS = str.maketrans("0123456789+-−–", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁻")
_EXPONENT = re.compile(r"[+−–-]?[0-9]{1,3}[+−–-]?")
_NOTE_NUMBER = re.compile(r"[0-9]{1,2}")
_NOTE = re.compile(
    r"(?:[\[［【〔(（][^\]］】〕)）]{0,24}[\]］】〕)）])+|[①-⓿❶-➓㉑-㊿*＊※†‡§¶#]+|[注註][0-9①-⑳一二三四五六七八九十]{0,2}"
    r"|[0-9]{1,3}(?:[,，、~–-][0-9]{1,3})+|(?P<letters>[a-z](?:[,，][a-z])*)"
)
_LONGEST_LINK = 12
# A power of ten, a unit, a variable, a length that becomes an area; behind other figures and words small digits mark a note.
_BASE = re.compile(r"(?<![0-9.,])10$|(?<![A-Za-z])[kcdmhμ]?m$|(?<![A-Za-z0-9])[A-Za-z]$|[A-Za-z]\)$")
_LENGTH = re.compile(r"[0-9一二三四五六七八九十百千万亿] ?[公千分厘毫]?[米里]$")
_ISOTOPE = re.compile(r"[A-Z][a-z]?(?![A-Za-z])")


def write_inner(element: HtmlElement, kind: str, before: Sequence[str], left_out: Mapping[str, list[str]]) -> str:
    """Return what a line, which has the pieces `before` so far, has of a part; what it lacks is added by its reason."""
    content = "".join(element.xpath("descendant::text()[not(ancestor::script or ancestor::style)]"))
    text, raised = " ".join(content.split()), kind == _RAISED
    shown = _write_raised(element, text, "".join(before[-_NEAR:])) if raised else None
    if shown is None and text:
        left_out[_NOTE_MARK if raised else kind].append(text)
    return shown or ""


def find_inner_kind(element: HtmlElement, tag: str, *, is_block: bool) -> str:
    """Return why a line lacks the content of an element, `_RAISED` for what may mark a note, or nothing."""
    parent = element.getparent()
    if parent is not None and parent.tag == "msup" and element.getprevious() is not None:
        return _RAISED
    style = element.get("style") or ""
    if element.get("hidden") is not None:
        style = "display:none"
    found = _TAGS.get(tag) or next((kind for kind, pattern in _STYLES.items() if pattern.search(style)), "")
    # A block may be struck out; a hidden one is weighed as a whole.
    return found if not is_block or found == "struck out" else ""


def _write_raised(element: HtmlElement, mark: str, before: str) -> str | None:
    """Return a raised text as its line has it, figures of a power in superscript characters; None: it marks a note.

    `before` is the end of the line so far. 10 m and a raised 2 would else be read as 10 m2, and 10 with a raised 4 as 104.
    """
    mark, before = "".join(mark.split()), before.rstrip()
    after = (element.tail or "").lstrip()
    behind_figure = before[-1:].isdecimal()
    if len(mark) <= _LONGEST_LINK and _is_link(element):
        return None
    if mark in ("0", "o", "O") and behind_figure:
        return "°"
    if found := _NOTE.fullmatch(mark):
        return mark if found["letters"] and re.search(r"[A-Za-z0-9)]$", before) else None
    if not _EXPONENT.fullmatch(mark):
        return mark
    power = (
        not _NOTE_NUMBER.fullmatch(mark)
        or _BASE.search(before)
        or (mark in ("2", "3") and _LENGTH.search(before))
        or (len(mark) > 1 and _ISOTOPE.match(after))
        or (behind_figure and after[:1] in tuple("=×÷"))
    )
    return mark.translate(_SUPERSCRIPTS) if power else None


def _is_link(element: HtmlElement) -> bool:
    parent = element.getparent()
    around = parent is not None and parent.tag == "a" and len(parent) == 1 and not (parent.text or "").strip()
    return element.find(".//a") is not None or (around and not (element.tail or "").strip())
