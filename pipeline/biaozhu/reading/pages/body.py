"""The article's lines in an HTML page: the element that holds most of the text, without links and controls.

Nothing is dropped in silence: what is left out is named with a reason.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, dropwhile, groupby

from lxml.html import HtmlElement

from biaozhu.data.model import LeftOut
from biaozhu.reading.hard_wraps import join_wrapped
from biaozhu.reading.pages.lines import PageLine
from biaozhu.reading.pages.patterns import ATTACHED, CLOSING, SITE, Edge, is_furniture, is_prose

# Of the weight of a page's text, what its article has at least.
_SHARE = 0.6
_PROSE_WEIGHT = 3
_LINKED = 0.6
_CLUTTER = 0.3
_FAR_MORE = 8
# What may name another article's source and date.
_OTHERS = frozenset({"hidden", "comments", "related links"})
_NEAR = 12
_POST = re.compile(r"postmessage_\d+|read_tpc")
_SHORTEST, _LONGEST = 2, 90
_BEHIND = 3
_SEPARATOR = re.compile(r"\s*[_|｜]+\s*|\s+[-–—·>»]+\s+|(?<![-–—])[-–](?![-–—])|(?<!—)—(?!—)")
_CHANNEL = re.compile(r"[^\d\s，。：“”]{2,6}")
# Elements that are a part of a text and never the whole of it.
_PARTS = frozenset({"table", "tbody", "thead", "tr", "ul", "ol", "li", "dl", "p", "blockquote"})


@dataclass(frozen=True, slots=True)
class Body:
    """A page's article: its title as the page shows it or names it, its lines, and the lines of its frame.

    `around` are the furniture lines above and below the text, which name source, author and time.
    """

    title: str
    lines: tuple[str, ...]
    around: tuple[str, ...]
    left_out: tuple[LeftOut, ...]


def find_misnamed(lines: Sequence[PageLine]) -> HtmlElement | None:
    """Return the element that something is evidence against though it holds nearly all running text: names mislead."""
    prose: dict[HtmlElement | None, int] = defaultdict(int)
    for line in lines:
        prose[line.junk] += len(line.text) if _is_prose(line) else 0
    rest = prose.pop(None, 0)
    heaviest = max(prose, key=lambda junk: prose[junk], default=None)
    return heaviest if heaviest is not None and prose[heaviest] > _FAR_MORE * rest else None


def find_body(lines: Sequence[PageLine], named: Sequence[str]) -> Body:
    """Find the article among the lines of a page; `named`: what the page's head calls itself, best first."""
    inside, is_post = _inside(lines)
    reasons = [line.reason or ("" if place in inside else "outside the article") for place, line in enumerate(lines)]
    prose = [place for place in inside if not reasons[place] and _is_prose(lines[place])]
    first, last = (prose[0], prose[-1]) if prose else (inside.start, inside.stop - 1)
    title, at = _find_title(lines, named, before=first, start=inside.start)
    if at is not None:
        # Taken in: what stands between a title and the article's element, such as a summary or a caption.
        if not is_post and inside.start - at <= _NEAR:
            for place in range(at + 1, inside.start):
                line = lines[place]
                if not line.reason and not _is_linked(line) and not is_furniture(line.text, edge="head"):
                    reasons[place] = ""
        for place in range(inside.start, at):
            reasons[place] = reasons[place] or "above the title"
    around: list[str] = []
    below, begin = range(last + 1, min(len(lines), inside.stop + _NEAR)), first if at is None else at
    # A page's top may show today's date: what stands below the title comes first.
    for place in (*range(begin, first), *range(max(0, begin - _NEAR), begin), *below):
        line = lines[place]
        edge: Edge = "head" if place < first else "tail"
        if line.reason not in _OTHERS and is_furniture(line.text, edge=edge):
            around.append(line.text)
            if place < first and not reasons[place]:
                reasons[place] = "source line"
    _leave_links(lines, reasons, inside, first, last)
    _close_page(lines, reasons, range(last + 1, inside.stop))
    if at is not None and lines[at].text == title:
        reasons[at] = "title"
    kept = (line for line, reason in zip(lines, reasons, strict=True) if not reason)
    left_out = tuple(
        LeftOut(" / ".join(lines[place].text for place in run), reason)
        for reason, run in groupby(range(len(lines)), key=reasons.__getitem__)
        if reason not in {"", "title"}
    )
    # An element's own lines may be cut at a width by <br>.
    runs = groupby(kept, key=lambda line: line.element)
    texts = (join_wrapped("\n".join(line.text for line in run)).split("\n") for _, run in runs)
    return Body(title, tuple(chain.from_iterable(texts)), tuple(around), left_out)


def _is_prose(line: PageLine) -> bool:
    return is_prose(line.text) and not _is_linked(line) and not is_furniture(line.text, edge="head")


def _is_linked(line: PageLine) -> bool:
    return line.linked > _LINKED * len("".join(line.text.split()))


def _weight(line: PageLine) -> int:
    if _is_linked(line) or is_furniture(line.text, edge="tail"):
        return 0
    return (len(line.text) - line.linked) * (_PROSE_WEIGHT if is_prose(line.text) else 1)


def _inside(lines: Sequence[PageLine]) -> tuple[range, bool]:
    """Return the places of the lines of the innermost element that holds most of the text, and whether it is a post."""
    root = lines[0].element.getroottree().getroot()
    measures = _measure(root, lines)
    chosen = element = root
    # A thread of a forum: its first post is the article, the others answer it.
    post = next((one for one in root.iter("td", "div") if _POST.fullmatch(one.get("id") or "")), None)
    if post is not None and measures[post].stop:
        return range(measures[post].start, measures[post].stop), True
    while len(element):
        element = max(element, key=lambda child: measures[child].weight)
        if measures[element].weight < _SHARE * max(1, measures[root].weight):
            break
        if element.tag not in _PARTS and measures[element].stop - measures[element].start > 1:
            chosen = element
    while (parent := chosen.getparent()) is not None:
        more = measures[parent].size - measures[chosen].size
        if measures[parent].clutter - measures[chosen].clutter > _CLUTTER * more:
            break
        chosen = parent
    return range(measures[chosen].start, measures[chosen].stop), False


@dataclass(slots=True)
class _Measure:
    """Statistics of an element: weight of its text, characters, those of links and furniture, places of its lines."""

    weight: int = 0
    size: int = 0
    clutter: int = 0
    start: int = sys.maxsize
    stop: int = 0

    def add(self, other: _Measure) -> None:
        self.weight += other.weight
        self.size += other.size
        self.clutter += other.clutter
        self.start = min(self.start, other.start)
        self.stop = max(self.stop, other.stop)


def _measure(root: HtmlElement, lines: Sequence[PageLine]) -> Mapping[HtmlElement, _Measure]:
    measures: dict[HtmlElement, _Measure] = defaultdict(_Measure)
    for place, line in enumerate(lines):
        weight, size = 0 if line.reason else _weight(line), len(line.text)
        measures[line.element].add(_Measure(weight, size, 0 if weight else size, place, place + 1))
    # Children come after their parents, so that backwards each is whole before it is added.
    for element in reversed(list(root.iter())):
        if (parent := element.getparent()) is not None:
            measures[parent].add(measures[element])
    return measures


def _close_page(lines: Sequence[PageLine], reasons: list[str], below: range) -> None:
    """Leave out what stands below the line that ends an article, such as its editor's."""
    texts = ((place, lines[place].text) for place in below)
    for place, text in dropwhile(lambda one: not (is_furniture(one[1], edge="tail") and CLOSING.match(one[1])), texts):
        if not ATTACHED.match(text):
            reasons[place] = reasons[place] or "below the article"


def _leave_links(lines: Sequence[PageLine], reasons: list[str], inside: range, first: int, last: int) -> None:
    """Leave out lists of links, and single ones that stand above or below the text."""
    for linked, run in groupby(inside, key=lambda place: _is_linked(lines[place])):
        places = list(run)
        if not linked or (len(places) == 1 and first <= places[0] <= last):
            continue
        for place in places:
            if not ATTACHED.match(lines[place].text):
                reasons[place] = reasons[place] or "links"


def _find_title(lines: Sequence[PageLine], named: Sequence[str], *, before: int, start: int) -> tuple[str, int | None]:
    """Return the title and the place of its line, None where no line has it.

    `named` are the titles that the page's head states, best first; `before` is the place of the first running text, and
    `start` that of the article's first line, behind which a heading that nothing names heads a section.
    """
    pieces = {piece for name in named for piece in _pieces(name)}
    found: list[tuple[int, int, int]] = []
    for place, line in enumerate(lines[: before + 1]):
        if line.reason or not _SHORTEST <= len(line.text) <= _LONGEST or is_furniture(line.text, edge="head"):
            continue
        squeezed = _squeeze(line.text)
        is_named = squeezed in pieces and not SITE.match(line.text)
        heading = {"h1": 2, "h2": 1}.get(line.element.tag, 0) if place <= start + _BEHIND else 0
        if is_named or heading:
            found.append((len(squeezed) if is_named else 0, heading, place))
    if found:
        _, _, best = max(found)
        return lines[best].text, best
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
