"""Sentences of an article, with offsets into its raw file.

A sentence ends at 。！？ (either width) or at a full stop that is not a decimal, abbreviation, address or numbering,
together with the closing quotes and brackets that follow; or at the end of its line. It does not end at a
semicolon, at an ellipsis inside a line, inside brackets, inside a short quote that is a word of its clause
(“你好！春天”活动), or where what follows a closing quote goes on with the clause (a comma, a dash, 的).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from itertools import pairwise

from biaozhu.data.errors import OffsetError
from biaozhu.data.model import Article, Sentence, check_against_raw

LINE = re.compile(r"[^\n\r\v\f\x85\u2028\u2029]+")
# Invisible characters that str.isspace does not count, yet that say nothing at the edge of a sentence.
INVISIBLE = "\ufeff\u200b\u2060"

_BRACKETS = dict(zip("(（[［{｛【〔〖《〈", ")）]］}｝】〕〗》〉", strict=True))
_QUOTES = dict(zip("“‘「『﹁﹃«", "”’」』﹂﹄»", strict=True))
_OPENERS = {**_BRACKETS, **_QUOTES}
_CLOSERS = frozenset(_OPENERS.values())
_ANY_CLOSER = re.escape("".join(sorted(_CLOSERS)))  # inside [] of a pattern
_STRAIGHT = "\"'"
_ENDS = "。！？!?｡‼⁇⁈⁉"
_STOPS = ".．"
_ELLIPSES = "…⋯"
_GOES_ON = frozenset(",，、;；:：")
_GOES_ON_AFTER_QUOTE = _GOES_ON | frozenset("—―─～~的")
# Longer than this, a bracket pair is rather two slips of the pen than one aside.
_ASIDE = 300
_INDENT = 16
_PHRASE = 24
_PHRASE_FOLLOWS = "“‘「『《、"
_TOKEN = re.compile(
    r"(?:https?|ftp)://[!-~]+|www\.[!-~]+"
    rf"|[{re.escape(''.join(_OPENERS) + _STRAIGHT)}{_ANY_CLOSER}]"
    rf"|[{_ENDS}{_STOPS}]"
)
_ADDRESS_TAIL = "!\"'),.:;?]}>"
# What belongs to the sentence behind its end mark: more of them, closing quotes and brackets, and notes ([12]).
_TAIL = re.compile(rf"[{_ANY_CLOSER}{_ENDS}{_STOPS}{_ELLIPSES}]+|\[[0-9]{{1,3}}\]|\s+[{_ANY_CLOSER}]")
_WORD_BEFORE = re.compile(r"[A-Za-z]+(?:\.[A-Za-z]+)*\Z")
_DIGITS_BEFORE = re.compile(r"[0-9０-９]+\Z")
_LOOK_BACK = 24
_ABBREVIATIONS = re.compile(
    r"mrs?|ms|dr|prof|st|nos?|vs|inc|ltd|co|corp|jr|sr|figs?|vols?|pp|eds?|al|cf|approx|dept|est|jan|feb|mar|apr|jun"
    r"|jul|aug|sept?|oct|nov|dec|ave|blvd|gen|gov|sen|rep|col|capt|lt|sgt|rev|hon|ph\.d|[a-z](?:\.[a-z])*",
    re.IGNORECASE,
)


def split_text(text: str) -> list[tuple[int, int]]:
    """Cut any text into sentences, in time linear in its length.

    The code point offsets are half open, in order and disjoint; only white space lies between them, none at their edges.
    """
    found: list[tuple[int, int]] = []
    for line in LINE.finditer(text):
        cuts = [0, *_cuts(line.group()), len(line.group())]
        found += (trim(text, line.start() + start, line.start() + end) for start, end in pairwise(cuts))
    return [(start, end) for start, end in found if start < end]


def split_article(article: Article) -> tuple[Sentence, ...]:
    """Return the sentences of an article's blocks, without spans; furniture has none.

    OffsetError, a fault of the splitter, names those that are not at their place in the file.
    """
    sentences = tuple(
        Sentence(article.id, block.start + start, block.start + end, text[start:end])
        for block in article.blocks
        if block.kind != "furniture"
        for text in [article.raw[block.start : block.end]]
        for start, end in split_text(text)
    )
    check_against_raw(sentences, article.raw)
    return sentences


def section_of(article: Article, sentences: Iterable[Sentence]) -> dict[str, int]:
    """Return each sentence's section by its id, 0 before the first heading; OffsetError for one that is in no block."""
    starts = [block.start for block in article.blocks]
    sections = {}
    for sentence in sentences:
        place = bisect_right(starts, sentence.start) - 1
        if place < 0 or sentence.article != article.id or article.blocks[place].end < sentence.end:
            raise OffsetError(f"is in no block of article {article.id}", where=sentence.id)
        sections[sentence.id] = article.blocks[place].section
    return sections


def section_titles(article: Article) -> tuple[str, ...]:
    """Return the sections' titles by their number; section 0 has the article's title."""
    return (
        article.metadata.title,
        *(article.raw[block.start : block.end] for block in article.blocks if block.kind == "heading"),
    )


def trim(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the stretch without the white space and invisible characters at its edges."""
    while start < end and (text[start].isspace() or text[start] in INVISIBLE):
        start += 1
    while start < end and (text[end - 1].isspace() or text[end - 1] in INVISIBLE):
        end -= 1
    return start, end


def _cuts(line: str) -> list[int]:
    """Return the offsets inside a line at which a sentence ends."""
    marks = _marks(line)
    asides, straight_closers = _pair_marks(line, marks)
    cuts: list[int] = []
    skip_to = sentence_start = 0
    for place in marks:
        if place < skip_to:
            continue
        if place in asides:
            end = asides[place]
            # A whole sentence in brackets: 。) ends it. Any other aside hides the end marks inside it.
            whole = (
                line[end - 2] in _ENDS
                and line[place] not in "《〈“‘「『"
                and place - sentence_start <= _INDENT
                and not line[sentence_start:place].strip()
            )
            skip_to = end
            if not whole:
                continue
        elif line[place] in _ENDS or (line[place] in _STOPS and _is_full_stop(line, place)):
            skip_to = _absorb(line, place, straight_closers)
        else:
            continue
        if skip_to < len(line) and not _clause_goes_on(line, place, skip_to):
            cuts.append(skip_to)
            sentence_start = skip_to
    return cuts


def _marks(line: str) -> list[int]:
    """Return the places of all quotes, brackets and end marks outside addresses."""
    marks: list[int] = []
    place = 0
    while token := _TOKEN.search(line, place):
        place = token.end()
        if len(token.group()) == 1:
            marks.append(token.start())
        else:
            place = token.start() + len(token.group().rstrip(_ADDRESS_TAIL))
    return marks


def _pair_marks(line: str, marks: list[int]) -> tuple[dict[int, int], set[int]]:
    """Return the asides (place of the opener -> offset after the closer) and the straight quotes that close."""
    asides: dict[int, int] = {}
    straight_closers: set[int] = set()
    open_straight = dict.fromkeys(_STRAIGHT, -1)
    waiting: dict[str, list[int]] = {closer: [] for closer in _CLOSERS}
    for place in marks:
        mark = line[place]
        if mark in open_straight:
            around = line[max(0, place - 1) : place] + line[place + 1 : place + 2]
            if mark == "'" and len(around) == 2 and around.isascii() and around.isalnum():  # noqa: PLR2004 — as in isn't
                continue
            if (opener := open_straight[mark]) < 0:
                open_straight[mark] = place
                continue
            open_straight[mark] = -1
            straight_closers.add(place)
            if _is_phrase(line, opener, place):
                asides[opener] = place + 1
        elif mark in _OPENERS:
            waiting[_OPENERS[mark]].append(place)
        elif mark in _CLOSERS and waiting[mark]:
            opener = waiting[mark].pop()
            named = line[place + 1 : place + 2] == "的"
            hides = line[opener] in _BRACKETS or named
            if (hides and place - opener < _ASIDE) or _is_phrase(line, opener, place):
                asides[opener] = place + 1
    return asides, straight_closers


def _is_phrase(line: str, opener: int, closer: int) -> bool:
    """Tell whether a quote is a word of its clause, as a slogan is, and no speech: its end marks end nothing."""
    before, after = line[opener - 1 : opener].isalnum(), line[closer + 1 : closer + 2]
    inside = line[opener + 1 : closer].rstrip("”’」』")
    if closer - opener > _PHRASE:
        return False
    if inside[-1:] in _ENDS:
        return before and after.isalnum() and "。" not in inside
    if after and (after.isalnum() or after in _PHRASE_FOLLOWS):
        return True
    return before and (after in _GOES_ON or after in _ENDS)


def _absorb(line: str, place: int, straight_closers: set[int]) -> int:
    """Return the offset after an end mark and all end marks, closing quotes and brackets that follow it."""
    end = place + 1
    while (tail := _TAIL.match(line, end)) or end in straight_closers:
        end = tail.end() if tail else end + 1
    return end


def _clause_goes_on(line: str, place: int, cut: int) -> bool:
    following = line[cut]
    if line[cut - 1] in _CLOSERS or line[cut - 1] in _STRAIGHT:
        return following in _GOES_ON_AFTER_QUOTE
    # Yahoo! or a?b in Latin letters: an end mark of half width wants a space after it.
    if line[place] in "!?" and cut == place + 1 and following.isascii() and following.isalnum():
        return line[place - 1 : place].isascii()
    return following in _GOES_ON


def _is_full_stop(line: str, place: int) -> bool:
    before, after = line[place - 1 : place], line[place + 1 : place + 2]
    if not before or before in _STOPS or (after and after in _STOPS):
        return False  # an ellipsis in dots, or a dot that begins a name
    if after.isdigit() or (after.isascii() and after.isalpha()) or (after and after in "_/-@\\"):
        return False  # a decimal, a file, a domain
    head = line[max(0, place - _LOOK_BACK) : place]
    if digits := _DIGITS_BEFORE.search(head):
        return not _is_numbering(line, place - len(digits.group()), place)
    if word := _WORD_BEFORE.search(head):
        return _ABBREVIATIONS.fullmatch(word.group()) is None
    # Between ideographs it may be the dot of a foreign name: a line that has 。 needs no other full stop.
    return not after.isalpha() or "。" not in line


def _is_numbering(line: str, start: int, place: int) -> bool:
    """Tell whether a number and its dot count the items of a list: 1.加强 2. 落实."""
    if place - start >= 3:  # noqa: PLR2004 — lists are not that long, but years and amounts are
        return False
    ahead = line[:start][-2:].strip()
    return not ahead or not ahead[-1].isalnum()
