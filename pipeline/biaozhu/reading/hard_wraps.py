"""Lines that were cut at a width: joined again, since the cut goes through names and amounts."""

from __future__ import annotations

import re
import unicodedata
from itertools import chain, pairwise, zip_longest

from biaozhu.reading.pages.patterns import is_caption, is_furniture

_FULL_STOP = re.compile(r"[。！？!?]")
_PAUSE = re.compile(r"[，。、；！？,;!?]")
# A line that ends in one of these may be whole: its sentence, its aside or what it announces ends there.
# So it may in a sign of feeling, and in how often a post was read: 👍1.2万 💬3456, 阅读 1280.
_WHOLE = re.compile(
    r"[。！？!?….．:：;；”’\"'」』)）】》>]$|(?:[\u2600-\u27bf\U0001f000-\U0001faff]\ufe0f?|(?:阅读|浏览|点[赞击]|评论|转发|收藏)[量数]?)"
    r"(?:[:：]? ?[\d.]+[万wWkK]?\+?)?$"
)
_NEW = re.compile(
    r"回[复覆] ?@|[\s\u3000•·●■◆▲★※*#|-]|[\[(（【]?\d{4}[-/.]\d{1,2}[-/.]\d|\d{1,2}[、.．)）](?!\d)|[一二三四五六七八九十]{1,3}[、.．]|[（(][一二三四五六七八九十\d]{1,3}[)）]|第[一二三四五六七八九十\d]{1,3}[条章节]"
)
# A turn of a chat: 周文清:…, @周文清 …, [9:30] …, 3楼 …
_TURN = re.compile(
    r"@\S|[^，。、；！？,;!?“”\"\t]{1,24}(?<!说)(?<!道)[:：](?!\d\d(?!\d))|[\[(（【]?\d{1,2}[:：]\d{2}(?!\d)|[#＃]?\d{1,4}(?:[楼樓]|[LF#＃](?![A-Za-z]))"
)
_GOES_ON = re.compile(r"[，。、；：！？”’）》,;:!?)]")
_SHORTEST = 12
_SURE = 20
_SHARE, _FIRST_SHARE = 0.5, 0.75
_MOST = 0.6
_TURNS, _TURN_SHARE = 2, 0.5


def join_wrapped(text: str) -> str:
    """Return the text with its hard-wrapped lines joined; the same text where no lines look cut at a width."""
    while (joined := _join_once(text)) != text:
        text = joined
    return text


def _join_once(text: str) -> str:
    pieces = re.split(r"(\r\n|\n|\r)", text)
    lines, ends = pieces[::2], pieces[1::2]
    # Of a chat each turn is a line.
    turns = list(map(_TURN.match, filter(None, map(str.strip, lines))))
    is_chat = sum(map(bool, turns)) >= max(_TURNS, _TURN_SHARE * len(turns))
    begin = [_begins_paragraph(line) or (is_chat and _TURN.match(line) is not None) for line in lines]
    width = _find_width(lines, begin)
    if not width:
        return text
    start = 0
    for stop, line in enumerate(lines):
        if stop < len(ends) and not begin[stop + 1] and _is_joined(lines, stop, width):
            continue
        # Only what comes to an end is a paragraph.
        for place in range(start, stop if _WHOLE.search(line.rstrip()) else start):
            lines[place] = lines[place].rstrip()
            around = lines[place][-1] + lines[place + 1][0]
            ends[place] = " " * (around.isascii() and around.isalpha())
        start = stop + 1
    return "".join(chain.from_iterable(zip_longest(lines, ends, fillvalue="")))


def _find_width(lines: list[str], begin: list[bool]) -> int:
    """Return the width at which a text's lines are cut, 0 if they are not: nearly all that could end do not."""
    pairs = zip(pairwise(lines), begin[1:], strict=True)
    full = [(line, after) for (line, after), begins in pairs if _is_running(line) and not begins]
    cut = [(line, after) for line, after in full if _may_go_on(line)]
    strong = [line for line, after in cut if _FULL_STOP.search(line) or _GOES_ON.match(after)]
    alone = len(full) == 1 and len(full[0][0]) >= _SURE
    if not strong or len(cut) < _MOST * len(full) or not (len(cut) > 1 or alone):
        return 0
    return max(_width(line) for line, _ in cut)


def _is_joined(lines: list[str], place: int, width: int) -> bool:
    line, after = lines[place], lines[place + 1]
    if not _may_go_on(line):
        return False
    if _FULL_STOP.search(line) or _GOES_ON.match(after) or line.rstrip()[-1] in "，、,":
        return True
    # A title may be as long as half a line.
    is_first = not any(map(str.strip, lines[:place]))
    return _width(line) >= width * (_FIRST_SHARE if is_first else _SHARE) and (_is_running(line) or not is_first)


def _is_running(line: str) -> bool:
    text = line.strip()
    return len(text) >= _SHORTEST and _PAUSE.search(text[:-1]) is not None and "\t" not in text


def _may_go_on(line: str) -> bool:
    text = line.strip()
    return bool(text) and not (_WHOLE.search(text) or is_caption(text) or is_furniture(text, edge="head"))


def _begins_paragraph(line: str) -> bool:
    return not line or _NEW.match(line) is not None or is_furniture(line.strip(), edge="tail")


def _width(line: str) -> int:
    return sum(1 + (unicodedata.east_asian_width(one) in "FWA") for one in line.strip())
