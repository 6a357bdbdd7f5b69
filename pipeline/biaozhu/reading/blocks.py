"""The lines of a raw text as blocks: furniture, title, headings, captions, paragraphs; and the metadata.

The cues are those of Chinese news pages in general. Position comes first: the head is what stands before the
first running text, the tail what stands after the last. In the head, lines of labels, dates or menus and nothing more are
furniture, the title is the last plain line above the source line, and what stands above it is furniture too.
A text without any such line has no furniture. In doubt a line is a paragraph, since only furniture is not annotated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import median

from biaozhu.data.model import Block, BlockKind, Metadata
from biaozhu.reading.pages import patterns
from biaozhu.reading.sentences import LINE, split_text, trim

_TITLE_LENGTH = 60
_KICKER_LENGTH = 7
_HEAD_LINES = 8
# A title, its kicker and its subtitles; a date below more than these is an entry of the text.
_HEAD_TITLES = 4
_HEADING_LENGTH = 40
_SHORT_CAPTION = 45
_INDENTED_CAPTION = 60
_LIST_LENGTH = 3
_LEAD = 3
_CREDITED = 2
_LONG_ARTICLE = 8
_LONG_PARAGRAPH = 120


@dataclass(frozen=True, slots=True)
class Line:
    """A line that says something: its stretch of the raw text without the white space around it."""

    start: int
    end: int
    indent: str
    text: str


def find_blocks(raw: str) -> tuple[tuple[Block, ...], Metadata]:
    """Return the blocks of a text in order, and what its furniture says about it."""
    lines = _lines(raw)
    kinds = _kinds(lines)
    rows = zip(lines, kinds, _sections(lines, kinds), strict=True)
    blocks = tuple(Block(line.start, line.end, kind, section) for line, kind, section in rows)
    return blocks, _text_metadata(lines, kinds)


def _lines(raw: str) -> list[Line]:
    lines = []
    for match in LINE.finditer(raw):
        start, end = trim(raw, match.start(), match.end())
        if start < end:
            lines.append(Line(start, end, raw[match.start() : start].lstrip("\ufeff"), raw[start:end]))
    return lines


def _kinds(lines: Sequence[Line]) -> list[BlockKind]:
    prose = [
        place
        for place, line in enumerate(lines)
        if patterns.is_prose(line.text) and not patterns.is_furniture(line.text, edge="head")
    ]
    # A list or a table has no running text: what names its source or date may still stand above it.
    dated = [
        place
        for place, line in enumerate(lines[:_HEAD_LINES])
        if patterns.is_furniture(line.text, edge="head")
        and patterns.names_source_or_time(line.text)
        and sum(not patterns.is_furniture(one.text, edge="head") for one in lines[:place]) <= _HEAD_TITLES
    ]
    first, last = (prose[0], prose[-1]) if prose else (dated[-1] + 1 if dated else 0, len(lines))
    kinds: list[BlockKind] = ["paragraph"] * len(lines)
    for place, line in enumerate(lines):
        edge: patterns.Edge | None = "head" if place < first else "tail" if place > last else None
        if patterns.is_furniture(line.text, edge=edge):
            kinds[place] = "furniture"
    _keep_entries(lines, kinds, first)
    furniture = (place for place in range(last + 1, len(lines)) if kinds[place] == "furniture")
    closing = next((place for place in furniture if patterns.CLOSING.match(lines[place].text)), len(lines))
    for place in range(closing, len(lines)):
        if not patterns.ATTACHED.match(lines[place].text):
            kinds[place] = "furniture"
    title = _mark_title(lines, kinds, first)
    _mark_headings_and_captions(lines, kinds, title)
    _mark_prose_captions(lines, kinds)
    return kinds


def _keep_entries(lines: Sequence[Line], kinds: list[BlockKind], first: int) -> None:
    """Keep what has a label of furniture but is an entry of a notice (时间：… 对象：…), of credits (撰稿：… 摄影：…), or a turn of an interview."""
    entries = [place for place, line in enumerate(lines) if patterns.ENTRY.match(line.text)]
    generic = {place for place in entries if patterns.is_generic_entry(lines[place].text)}
    begins = Counter(lines[place].text[:2] for place in entries if place >= first)
    for run in _runs(entries):
        # Above the text more of the entries must be none of a page.
        kept = sum(kinds[place] == "paragraph" for place in run)
        notice = kept > max(_CREDITED, len(run) - kept) if run[0] < first else kept > 1
        for place in run:
            if place in generic and (notice or (place >= first and begins[lines[place].text[:2]] > 1)):
                kinds[place] = "paragraph"


def _mark_title(lines: Sequence[Line], kinds: list[BlockKind], first: int) -> int:
    """Mark the title and what stands above it; return the place of the last title line, -1 if there is none."""
    furniture = [place for place in range(first) if kinds[place] == "furniture"]
    candidates = [
        place
        for place in range(first)
        if kinds[place] != "furniture"
        and 2 <= len(text := lines[place].text) <= _TITLE_LENGTH  # noqa: PLR2004 — a title has two characters or more
        and text[-1] not in ":：;；,，、"
        and not patterns.SITE.match(text)
        and not patterns.is_credit(text)
        and (furniture or not patterns.ends(text))
    ]
    if not candidates:
        return -1
    named = [place for place in furniture if patterns.names_source_or_time(lines[place].text)]
    above = [place for place in candidates if named and place < named[0]]
    below_menu = [place for place in candidates if furniture and place > furniture[-1]]
    plain = [place for place in above if not lines[place].text.startswith(("—", "-", "―"))]
    title = plain[-1] if plain else candidates[0] if named else (below_menu or candidates)[0]
    kinds[title] = "title"
    first_title = title
    while first_title - 1 in candidates and len(lines[first_title - 1].text) >= _KICKER_LENGTH:
        first_title -= 1
        kinds[first_title] = "title"
    for place in range(first_title) if furniture else ():
        text = lines[place].text
        if len(text) < _KICKER_LENGTH or patterns.SITE.match(text):
            kinds[place] = "furniture"
    last_title = title
    for place in range(title + 1, first):
        # A subtitle: below the title, and above the source line or led by a dash.
        if place in above or (place in candidates and lines[place].text.startswith(("—", "―"))):
            kinds[place] = "title"
            last_title = place
    return last_title


def _mark_headings_and_captions(lines: Sequence[Line], kinds: list[BlockKind], title: int) -> None:
    short = [
        place
        for place, line in enumerate(lines)
        if kinds[place] == "paragraph"
        and place > title
        and len(line.text) <= _HEADING_LENGTH
        and not patterns.is_prose(line.text)
        and not patterns.ends(line.text)
        and not patterns.is_credit(line.text)
        and line.text[-1] not in ":：;；,，、"
    ]
    prefixes = {place: prefix for place in short if (prefix := patterns.heading_prefix(lines[place].text))}
    repeated = Counter(prefixes.values())
    # 记者：… 记者：… is an interview, no headings; so is a number that comes twice.
    strong = {
        place
        for place, prefix in prefixes.items()
        if repeated[prefix] == 1 and not patterns.is_caption(lines[place].text)
    }
    for run in _runs(short):
        followed = run[-1] + 1 < len(lines) and patterns.is_prose(lines[run[-1] + 1].text)
        # 时间：… 地点：… one below the other is a notice.
        notice = sum(patterns.ENTRY.match(lines[place].text) is not None for place in run) > 1
        if not followed or notice or len(run) >= _LIST_LENGTH:
            continue
        for place in run:
            alone = len(strong) < 2 and place == run[-1]  # noqa: PLR2004 — two make a pattern
            heads = place in strong or (alone and not patterns.is_caption(lines[place].text))
            kinds[place] = "heading" if heads else "caption"
    for place, line in enumerate(lines):
        credited = kinds[place] == "paragraph" and patterns.is_caption(line.text)
        if credited and len(split_text(line.text)) <= _CREDITED:
            kinds[place] = "caption"


def _runs(places: list[int]) -> list[list[int]]:
    runs = groupby(enumerate(places), key=lambda numbered: numbered[1] - numbered[0])
    return [[place for _, place in run] for _, run in runs]


def _mark_prose_captions(lines: Sequence[Line], kinds: list[BlockKind]) -> None:
    """Mark captions that are a whole sentence: set off by their indent, or far shorter than the paragraphs around."""
    body = [place for place, kind in enumerate(kinds) if kind == "paragraph"]
    if len(body) < _LONG_ARTICLE:
        return
    (usual, count), *_ = Counter(lines[place].indent for place in body).most_common(1)
    uniform = count * 5 >= len(body) * 4
    typical = median(len(lines[place].text) for place in body)
    for place in body[1:-1]:
        text = lines[place].text
        inside = kinds[place - 1] == kinds[place + 1] == "paragraph"
        if not inside or len(text) > _INDENTED_CAPTION or patterns.continues(text) or len(split_text(text)) > 1:
            continue
        set_off = uniform and lines[place].indent != usual
        stub = len(text) <= _SHORT_CAPTION and typical >= _LONG_PARAGRAPH and len(text) * 3 <= typical
        if set_off or stub:
            kinds[place] = "caption"


def _sections(lines: Sequence[Line], kinds: Sequence[BlockKind]) -> list[int]:
    sections: list[int] = []
    current, heading = 0, ""
    for place, kind in enumerate(kinds):
        if kind == "heading":
            current += 1
            heading = lines[place].text
        ahead = lines[place + 1].text if kinds[place + 1 : place + 2] == ["heading"] else ""
        # A picture above a heading that begins with the same words belongs to what the heading announces.
        text = lines[place].text
        early = kind == "caption" and ahead[:2] == text[:2] != heading[:2]
        sections.append(current + 1 if early else current)
    return sections


def _text_metadata(lines: Sequence[Line], kinds: Sequence[BlockKind]) -> Metadata:
    pairs = list(zip(lines, kinds, strict=True))
    stated = stated_in(line.text for line, kind in pairs if kind == "furniture")
    title = next((line.text for line, kind in pairs if kind == "title"), "")
    lead = [line.text for line, kind in pairs if kind == "paragraph"][:_LEAD]
    author = stated.author or next(filter(None, map(patterns.author_in_text, lead)), "")
    return Metadata(title, stated.source, patterns.names_in_byline(author), stated.time)


def stated_in(furniture: Iterable[str]) -> Metadata:
    """Return the source, author and time that furniture lines state; the first of each counts."""
    found: dict[str, str] = {}
    dates: list[str] = []
    for line in furniture:
        for label, value in patterns.labelled_values(line):
            if value:
                found.setdefault(label, value)
        if len(line) <= _TITLE_LENGTH and (date := patterns.DATE.search(line)):
            dates.append(date.group())
    return Metadata(
        source=first_of(found, patterns.SOURCE_LABELS),
        author=first_of(found, patterns.AUTHOR_LABELS),
        time=first_of(found, patterns.TIME_LABELS) or next(iter(dates), ""),
    )


def first_of(found: Mapping[str, str], names: Sequence[str]) -> str:
    """Return the value of the first name that has one, or nothing."""
    return next((found[name] for name in names if name in found), "")
