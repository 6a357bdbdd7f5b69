"""Persons that a network misses, cuts or makes up: names with dots, of minorities, with numbers; forms of address; names that read as amounts."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from functools import cache, lru_cache

from biaozhu.annotators.repair.edit import DOTS, HAN, PERSON, PLACE, TRANSLITERATING, Edit
from biaozhu.data.model import Span
from biaozhu.knowledge.names import make_finder
from biaozhu.knowledge.word_tables import COMPOUND_SURNAMES, SURNAMES, read_alternation, read_words

TIBETAN, MONGOLIAN, TURKIC, YI = (
    frozenset(read_words("given_names", people)) for people in ("tibetan", "mongolian", "turkic", "yi")
)
TURKIC_ENDINGS = read_words("given_names", "turkic_endings")
_SURNAME = f"(?:{'|'.join(sorted(COMPOUND_SURNAMES))}|[{''.join(sorted(name for name in SURNAMES if len(name) == 1))}])"
_ROLE = re.compile(f"(?:{read_alternation('persons', 'roles')})$")
LONGEST_ROLE_CHARS = 4
_SPEECH_AFTER = re.compile(read_alternation("persons", "speech"))


def repair_persons(edit: Edit) -> None:
    """Correct the persons of a text in place."""
    _join_dotted(edit)
    _find_minority_names(edit)
    _refuse_addresses(edit)
    _find_numbered(edit)


_PIECE = "[\u3400-\u9fff]"
# From the first of them only: each later start would look through the rest again.
_DOTTED = re.compile(f"(?<!{_PIECE}){_PIECE}+(?: ?[{DOTS}] ?{_PIECE}+)+")
_DOT = re.compile(f" ?[{DOTS}] ?")
LONGEST_PIECE_CHARS = 8
# 马·克 is as often a list.
SHORTEST_DOTTED_CHARS = 4
# A stop in the place of a dot (马克.吐温) parts names only where both sides transliterate.
_STOPS = ".．"
_BEFORE_NAMES = frozenset("的和与及在对由给被把是为向叫跟同")
# No new span before these.
_NAMESAKE = re.compile(read_alternation("persons", "namesakes"))
# Characters that a transliterated name hardly ever ends in before another word.
_NEVER_LAST = frozenset("家说的等和在是养拍有对与曾也将及为把被从向到去开了")


def _join_dotted(edit: Edit) -> None:
    """Give a name with dots one span, from where its first part begins to where its last one ends (R3)."""
    text = edit.text
    for run in _DOTTED.finditer(text):
        dots = [dot.span() for dot in _DOT.finditer(text, *run.span())]
        first, last = dots[0][0], dots[-1][1]
        around = edit.over(first, last)
        holder = next((span for span in around if span.start < first and last < span.end), None)
        if (holder and holder.label == PLACE) or _NAMESAKE.search(text, last, last + LONGEST_PIECE_CHARS + 2):
            continue
        start, end = _first_part(text, run.start(), first), _last_part(edit, last, run.end())
        if holder and holder.label == PERSON:
            _straighten(edit, holder, (start, end), (first, last))
            continue
        parts = _DOT.split(text[start:end])
        spelt = all(
            part in TURKIC or (0 < len(part) <= LONGEST_PIECE_CHARS and TRANSLITERATING.issuperset(part))
            for part in parts
        )
        before, behind = edit.has(PERSON, end=first), edit.has(PERSON, start=last)
        stopped = any(text[a:b].strip() in _STOPS for a, b in dots)
        if (before and behind) or ((before or behind) and (spelt or not stopped)):
            left, right = before.start if before else start, behind.end if behind else end
            if left < first and last < right:
                edit.put(left, right, PERSON)
        elif spelt and sum(map(len, parts)) >= SHORTEST_DOTTED_CHARS and _is_bounded(edit, start):
            edit.put(start, end, PERSON)


def _is_bounded(edit: Edit, start: int) -> bool:
    text = edit.text
    if text[start - 1 : start] in {"-", "－"}:
        return False
    apart = not start or not HAN.match(text, start - 1) or text[start - 1] in _BEFORE_NAMES
    return apart or _role_end(text, start) or any(word.end == start for word in edit.near(start, start))


def _straighten(edit: Edit, span: Span, spelt: tuple[int, int], dots: tuple[int, int]) -> None:
    """Move the borders of a span that holds the dots to where a role or a table says that the name begins and ends."""
    text, (start, end), (first, last), (dot, last_dot) = edit.text, (span.start, span.end), spelt, dots
    left = start
    crossed = any(word.start < first < word.end for word in edit.near(first, first))
    if first < start and not crossed and (_role_end(text, first) or text[first:dot] in TURKIC or not first):
        left = first
    right = max(end, last) if text[last_dot:last] in TURKIC else end
    if right < len(text) and text[right - 1] in _NEVER_LAST and text[right - 2] not in DOTS:
        right -= 1
    if (left, right) != (start, end):
        edit.put(left, right, PERSON)


def _role_end(text: str, end: int) -> bool:
    return bool(_ROLE.search(text, max(0, end - LONGEST_ROLE_CHARS), end))


def _first_part(text: str, begin: int, dot: int) -> int:
    """Return where the first part of a dotted name begins: after a role, or where characters stop to transliterate."""
    start = next((end for end in range(max(begin, dot - LONGEST_PIECE_CHARS), dot) if text[end:dot] in TURKIC), dot)
    while start > max(begin, dot - LONGEST_PIECE_CHARS) and text[start - 1] in TRANSLITERATING:
        start -= 1
        if start > begin and _role_end(text, start):
            return start
    # 约翰; 约 before other names does not belong to them.
    return start - (text[begin:start].endswith("约") and text[start : start + 1] in "翰瑟")


def _last_part(edit: Edit, dot: int, end: int) -> int:
    text = edit.text
    stop = max(
        (stop for stop in range(dot, min(end, dot + LONGEST_PIECE_CHARS) + 1) if text[dot:stop] in TURKIC),
        default=dot,
    )
    while stop < min(end, dot + LONGEST_PIECE_CHARS) and text[stop] in TRANSLITERATING:
        stop += 1
    crossing = [
        word.start for word in edit.near(stop, stop) if word.is_plain and dot + 1 < word.start < stop < word.end
    ]
    # 金斯 in 霍普金斯 is not a word after a name.
    return min((one for one in crossing if not TRANSLITERATING.issuperset(text[one : stop + 1])), default=stop)


PAIR_CHARS = 2
# What makes a place's name of a person's, right behind it, or goes on with it.
_NO_PERSON_AFTER = re.compile(f"[县旗镇乡盟州山河湖路街桥寺岛区市省{DOTS}]|自治|民族|草原|机场|大街")


def _find_minority_names(edit: Edit) -> None:
    """Find Tibetan names of two parts, Mongolian and Turkic ones of three characters or more, that no table of places has."""
    text = edit.text
    for start, end in _minority_names(text):
        if _NO_PERSON_AFTER.match(text, end) or (start and text[start - 1] in DOTS):
            continue
        old = edit.over(start, end)
        held = any(span.label == PERSON and span.start <= start and end <= span.end for span in old)
        if held or any(span.start < start and span.end < end for span in old):
            continue
        vouched = _role_end(text, start) or bool(_SPEECH_AFTER.match(text, end))
        if vouched or not (_name_goes_on(text, start, end) or _is_crossed(edit, start, end)):
            edit.put(start, end, PERSON)


def _is_crossed(edit: Edit, start: int, end: int) -> bool:
    # Words of two characters stand across the borders of such names by chance.
    return any(
        word.start < start < word.end
        or (word.start < end < word.end and word.is_plain and word.end - word.start > PAIR_CHARS)
        for word in edit.near(start, end)
    )


def _name_goes_on(text: str, start: int, end: int) -> bool:
    # 阿不都拉 within a longer name that no list has, 其其格 in 哈日其其格.
    return not TRANSLITERATING.isdisjoint((text[start - 1 : start], text[end : end + 1]))


_find_parts = cache(make_finder)


def _minority_names(text: str) -> Iterator[tuple[int, int]]:
    for names, least in ((TIBETAN, 4), (MONGOLIAN, 3), (TURKIC, 3), (YI, 4)):
        found = _find_parts(names)(text)
        longest = dict(sorted(found))
        reached = 0
        for start, end in sorted(found, key=lambda one: (one[0], -one[1])):
            if start < reached:
                continue
            stop = end
            for _ in range(2):  # no name has more than three parts
                stop = longest.get(stop, stop)
            if names is TURKIC:
                stop += next((len(tail) for tail in TURKIC_ENDINGS if text.startswith(tail, stop)), 0)
            if stop - start >= least:
                yield start, stop
                reached = stop


_FULL_TITLE = f"[总副老]?(?:{read_alternation('persons', 'addresses')})"
_TITLE = f"{_FULL_TITLE}|[总副老]?(?:{read_alternation('persons', 'short_addresses')})"
_ADDRESSED = re.compile(
    f"(?:[大小老]{{0,2}}{_SURNAME})[大小老二三四五六七八九]?(?:{_TITLE}){{1,2}}|老{_SURNAME}头|[小老][\u4e00-\u9fff]|阿[强明华珍芳英霞丽红兰梅娟福财旺贵宝龙虎牛毛伟军]"
)
# Two characters that are a whole name, or a Japanese surname (R3).
_WHOLE_NAMES = frozenset(read_words("given_names", "whole"))
_TITLED = re.compile(f"({_SURNAME}[\u4e00-\u9fff]{{2}})(?:{_FULL_TITLE})")


def _refuse_addresses(edit: Edit) -> None:
    """Leave out a surname with a form of address and nicknames, and cut titles off full names (R1, R4)."""
    for span in edit.labelled(PERSON):
        name = edit.text[span.start : span.end]
        if name in _WHOLE_NAMES:
            continue
        if _ADDRESSED.fullmatch(name):
            # 张工同志 is called 张工.
            if len(name) > PAIR_CHARS or not edit.text.startswith(("同志", "先生", "女士"), span.end):
                edit.drop(span)
        elif titled := _TITLED.fullmatch(name):
            edit.cut(span, span.start, span.start + titled.end(1))


# Persons whose names read as amounts: 王七斤, 刘八两. Goods, and words that go before an amount: 白鱼七斤, 有米八斤, 共三两.
_NO_SURNAMES = frozenset(
    "鱼米麦糜粟花水金银车马牛羊来和于从有时计共余约各达连满广全都后前安平高长宽单双重能要过干包支钱肉粮酒油豆茶药鹿查公经家石"
)
_NUMBERED_SURNAME = "".join(sorted(name for name in SURNAMES if len(name) == 1 and name not in _NO_SURNAMES))
_BEHIND_ROLE = "(?:(?<=[叫叔伯员户人者民工生师匠兵汉长记爷婶嫂哥姐姨])|(?<=老板)|(?<=支书)|(?<=同学))"
_BEHIND_OTHERS = "(?:^|(?<=[，。、；：:！？“”（(\\s])|(?<=[和与跟给把被让请对向]))"
_SAYS = "(?:说|道[：:，]|家(?![用具电禽族庭])|是|住|叫|也[是在说有]|正在|笑|站|坐|走|带|告诉|表示|介绍|今年|当[上过了]|的[儿女父母妻丈爱孙爹娘家房地果牛羊鱼]|有[一了]|来了|去了)"
# A role before the name or a verb of persons behind it vouches for it: 来三斤。 has neither.
_NUMBERED = re.compile(
    f"{_BEHIND_ROLE}[{_NUMBERED_SURNAME}][一二三四五六七八九十][斤两](?![多半重左以])"
    f"|{_BEHIND_ROLE}[{_NUMBERED_SURNAME}][一二三四五六七八九十百千万][元里年丈尺石斗升](?={_SAYS})"
    f"|{_BEHIND_OTHERS}(?![付费成])[{_NUMBERED_SURNAME}钱](?:[百千]万|万千)(?={_SAYS}|捐|开[了办]|回[家来])"
    f"|^[{_NUMBERED_SURNAME}钱][一二三四五六七八九十百千万]{{1,2}}(?=。?$)"
    f"|{_BEHIND_OTHERS}[{_NUMBERED_SURNAME}][一二三四五六七八九十][斤两](?={_SAYS})"
)
_LISTED = re.compile(r"[，、；]?[^，。、；]{0,4}[一二三四五六七八九十百0-9]+[斤两个只条元]")


_STREETS = re.compile("(?:路|街|大道|巷|环)[东西南北中]?$")


def find_numbered_names(text: str) -> Iterator[tuple[int, int]]:
    """Yield where a surname, a numeral and 斤 or 两 are a person's name: beside a role, a verb of speech, another name."""
    for found in _NUMBERED.finditer(text):
        if not _LISTED.match(text, found.end()):
            yield found.span()


def is_in_name(text: str, start: int, end: int) -> bool:
    """Return whether what reads as an amount is part of such a name, or of a street's (人民路三段)."""
    if text[end - 1] == "段" and _STREETS.search(text, max(0, start - 3), start):
        return True
    names = _names_in(text)
    before = bisect_left(names, (start,)) - 1
    return before >= 0 and end <= names[before][1]


# Once a text, not once an amount of it.
@lru_cache(maxsize=16)
def _names_in(text: str) -> tuple[tuple[int, int], ...]:
    return tuple(find_numbered_names(text))


def _find_numbered(edit: Edit) -> None:
    """Find names that hold a number (王七斤)."""
    for start, end in find_numbered_names(edit.text):
        edit.put(start, end, PERSON)
