"""The title of an HTML page: the line that the page's head names, without the name of the site."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from biaozhu.reading.pages.patterns import SITE, is_furniture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from biaozhu.reading.pages.lines import PageLine

_SHORTEST, _LONGEST = 2, 90
_BEHIND = 3
_SEPARATOR = re.compile(r"\s*[_|｜]+\s*|\s+[-–—·>»]+\s+|(?<![-–—])[-–](?![-–—])|(?<!—)—(?!—)")
_CHANNEL = re.compile(r"[^\d\s，。：“”]{2,6}")


def find_title(
    lines: Sequence[PageLine], named: Sequence[str], *, before: int, start: int
) -> tuple[str, int | None]:
    """Return the title and the place of its line, None where no line has it.

    `named` are the titles that the page's head states, best first; `before` is the place of the first running text, and
    `start` that of the article's first line, behind which a heading that nothing names heads a section.
    """
    pieces = {piece for name in named for piece in _pieces(name)}
    best: tuple[int, int, int] | None = None
    for place, line in enumerate(lines[: before + 1]):
        if line.reason or not _SHORTEST <= len(line.text) <= _LONGEST or is_furniture(line.text, edge="head"):
            continue
        squeezed = _squeeze(line.text)
        is_named = squeezed in pieces and not SITE.match(line.text)
        heading = {"h1": 2, "h2": 1}.get(line.element.tag, 0) if place <= start + _BEHIND else 0
        if is_named or heading:
            best = max(best or (0, 0, 0), (len(squeezed) if is_named else 0, heading, place))
    if best is not None:
        return lines[best[2]].text, best[2]
    return (_without_site(named[0]) if named else ""), None


def _pieces(name: str) -> set[str]:
    """Return all runs of whole parts of a title: 甲_乙_丙网 gives 甲, 甲_乙, 乙 and so on."""
    between = re.compile(rf"{_SEPARATOR.pattern}|\s+")
    edges = [0, *(edge for match in between.finditer(name) for edge in match.span()), len(name)]
    starts, ends = edges[::2], edges[1::2]
    return {_squeeze(name[start:end]) for number, start in enumerate(starts) for end in ends[number:]}


def _without_site(name: str) -> str:
    separators = list(_SEPARATOR.finditer(name))
    if not separators:
        return name
    last = separators[-1]
    tail = name[last.end() :]
    if re.search(r"[_|｜\s]", last.group()) or SITE.match(tail) or _CHANNEL.fullmatch(tail):
        return _without_site(name[: last.start()])
    return name


def _squeeze(text: str) -> str:
    return "".join(text.split())
