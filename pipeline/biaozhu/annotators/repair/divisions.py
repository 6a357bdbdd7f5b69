"""Divisions of China that a network misses or cuts: full names, divisions and groups behind others, provinces in one character."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from biaozhu.annotators.repair.edit import PERSON, PLACE, Edit, Word
from biaozhu.data.model import Span
from biaozhu.knowledge.division_names import CITY, COUNTY, GENERIC, PROVINCE, TOWNSHIP, short_form
from biaozhu.knowledge.gazetteer import gazetteer
from biaozhu.knowledge.names import make_finder
from biaozhu.knowledge.word_tables import SURNAMES, read_alternation, read_words
from biaozhu.knowledge.world import FORMER_DIVISION

LONG_NAME_CHARS = 3
ANY_UNIT = re.compile(
    rf"(?:[东西南北中]部|[东西南北]侧)(?:村庄?|[乡镇县]|地区)|[省市县区乡镇村](?:[里内外]|内外|境内)|(?:{read_alternation('divisions', 'before_any_unit')})(?:省|城?市|县|区|城镇|乡镇?|镇|村庄?|庄|屯|寨|社区|街道|地区|地|岛|山|河|海|湖|城|里|州|旗|国|境)(?:[里内外上下中]|内外)?$"
)
NO_NAMES = GENERIC.union(read_words("places", "no_names"))


def repair_divisions(edit: Edit) -> None:
    """Correct the divisions of a text in place."""
    _complete_names(edit)
    _find_below(edit)
    _join_provinces(edit)
    _cut_heads(edit)
    _find_settlements(edit)


# A unit word that is as often the beginning of the next word (市委, 县长, 区域).
_NEXT_WORD = re.compile(
    "(?:市|县|区|省|州|旗|镇|乡)(?=[委长])|区(?=[域间别分划])|市(?=[区域])|县(?=[域城])|州(?=长)|市(?=[场值面民])|旗(?=[下舰帜])"
)


def _complete_names(edit: Edit) -> None:
    """Give a division's full name one span where the network has part of it or nothing: 塔城|地区, 莫力达瓦旗 (P2)."""
    text = edit.text
    found = [
        (word.start, word.end)
        for word in edit.places
        if word.is_division(PROVINCE, TOWNSHIP, full=True)
        or (word.is_of(FORMER_DIVISION) and not edit.over(word.start, word.end))
    ]
    short = set(_find_short_autonomous()(text))
    for start, end in sorted({*found, *short}, key=lambda one: one[0] - one[1]):
        name = text[start:end]
        if len(name) < LONG_NAME_CHARS or is_generic(name) or _ZONE.search(name) or _NEXT_WORD.match(text, end - 1):
            continue
        old = edit.over(start, end)
        held = any(span.label == PERSON or not start <= span.start < span.end <= end for span in old)
        if held or edit.is_span(start, end):
            continue
        crossed = any(
            one.is_plain or one.is_division(PROVINCE, TOWNSHIP, full=True) for one in edit.crossing(start, end)
        )
        units = len(old) > 1 and all(text[span.end - 1] in "省市县区州旗镇乡" for span in old)
        if crossed or units:
            continue
        part = old and (old[0].start == start or old[-1].end == end)
        if part or (not old and ((start, end) in short or _stands_apart(edit, start, end))):
            edit.put(start, end, PLACE)


# Zones are facilities (P5); the ends of words that go together make no name of three characters.
_ZONE = re.compile("(?:开发|实验|试验|园|示范|管理|合作|产业|经济)区$|^.城[镇市区]$")
_BEFORE_NAME = re.compile("(?:^|[，。、；：:！？“”（(\\s的在到从赴至往由和与及]|前往|位于|来自|抵达|走进|来到)$")


def _stands_apart(edit: Edit, start: int, end: int) -> bool:
    # 滨海|城市, 大中小|城镇: the ends of words that go together.
    joined = any(one.end == end and start < one.start < end - 1 and one.is_plain for one in edit.near(start, end))
    # 小城镇 is a town's name, too.
    if joined or ANY_UNIT.fullmatch(edit.text, start, end):
        return False
    return end - start > LONG_NAME_CHARS or bool(
        _BEFORE_NAME.search(edit.text, max(0, start - 2), start) or edit.has(PLACE, end=start)
    )


@cache
def _find_short_autonomous() -> Callable[[str], list[tuple[int, int]]]:
    """Find 凉山州, 莫力达瓦旗: autonomous divisions without their nations."""
    names = set(read_words("divisions", "short_banners"))
    for name, named in gazetteer().named.items():
        autonomous = named.full and named.level in (CITY, COUNTY) and name[-3:-1] == "自治"
        if autonomous and (short := short_form(name, named.level)):
            names.add(short + name[-1])
    return make_finder(names)


_GROUP = re.compile(
    "([\u4e00-\u9fff]{1,2}[湾沟坝坪坡岭山塘冲坳洞桥井庄寨屯家河溪岩林田垭口梁头堡院坎槽村屋上下里坑垅垄岗滩嘴咀坞园]组)(?![织长员成建])"
)


def _find_below(edit: Edit) -> None:
    """Find what the tables have right behind a division and inside it, and a named group behind a village (P2)."""
    for word in edit.places:
        above = edit.has(PLACE, end=word.start) if word.is_division(CITY, TOWNSHIP) else None
        if above and not edit.over(word.start, word.end) and _is_inside(edit, above, word):
            edit.put(word.start, word.end, PLACE)
    places = edit.labelled(PLACE)
    for above in places:
        # 大湾组、新屋组
        start = above.end + edit.text.startswith(("组、", "组和"), above.end - 1)
        group = _GROUP.match(edit.text, start) if edit.text[above.end - 1] in "村区组" else None
        if group and edit.over(start, group.end(1)) in ([], [edit.has(PLACE, end=group.end(1) - 1)]):
            edit.put(start, group.end(1), PLACE)
            places += edit.over(start, group.end(1))


_AFTER_SHORT = re.compile("[村农牧渔居市]民|等|的|有|[，。、；：！？]|$|[一-鿿]{1,4}[县区镇乡村]")


def _is_inside(edit: Edit, above: Span, word: Word) -> bool:
    """Return whether a division's name right behind another is one inside it, and no part of another word."""
    text = edit.text
    crossing = any(
        word.start <= one.start < word.end < one.end and not one.is_division(CITY, TOWNSHIP, full=False)
        for one in edit.near(word.start, word.end)
    )
    if crossing or word.is_plain or _NEXT_WORD.match(text, word.end - 1):
        return False
    # A hill, and 白云|机场, are not districts here.
    natural, short = text[word.end - 1] in "湖江河山城海岛", not _AFTER_SHORT.match(text, word.end)
    if (natural or short) and not word.is_division(CITY, TOWNSHIP, full=True):
        return False
    codes = {one.code for one in gazetteer().lookup(text[above.start : above.end])}
    return any(
        one.code.startswith(tuple(codes - {one.code})) and (one.level <= COUNTY or text[word.end - 1] in "乡镇道")
        for one in gazetteer().lookup(text[word.start : word.end])
    )


_ONE = "京津沪渝冀晋辽浙皖闽赣鲁豫鄂湘粤桂琼滇黔陕陇藏疆苏川蒙港澳台"
_PROVINCES = "京津沪渝冀晋辽吉黑浙皖闽赣鲁豫鄂湘粤桂琼滇黔陕甘宁青藏苏川贵云"
_RUN = re.compile(f"(?<![{_PROVINCES}])(?:[{_PROVINCES}]{{3}}(?=苏区)|[{_PROVINCES}]{{3,4}}(?![{_PROVINCES}]))")
_BORDERLAND = re.compile("边[区界境]|交界|根据地|地区|诸省|等|[，。、；！？]|$|一带|革命|苏区|红军|游击|军区")
# Of four characters most are a list of provinces; these are regions.
_REGIONS = frozenset(("晋冀鲁豫", "湘鄂川黔", "苏鲁豫皖", "云贵川渝"))
# Regions whose names no run of provinces is, and such as stand before 苏 or 边区.
_OLD_REGIONS = re.compile(
    "(?:晋察冀|湘鄂西|豫皖苏|豫皖苏鲁|冀热辽|冀热察|苏浙皖|苏鲁皖|闽浙赣|湘鄂赣|鄂豫陕|鄂豫皖|晋绥察)(?=边[区界境]|根据地|苏区|交界|革命)"
)
_SHORT = f"{_ONE}甘宁青吉黑云贵杭甬深穗蓉汉"
_TWO = re.compile(
    f"(?:(?<![\u4e00-\u9fff])(?P<first>[{_SHORT}])(?P<second>[{_SHORT}])(?=[两二][省地市])"
    f"|(?P<one>[{_SHORT}])[、和与](?P<other>[{_SHORT}])(?=(?:[两二三]|等)[省地市]))"
)


def _join_provinces(edit: Edit) -> None:
    """Give three provinces or more that make one region a single span: 湘鄂赣 (P3)."""
    for region in _OLD_REGIONS.finditer(edit.text):
        edit.put(*region.span(), PLACE)
    for pair in _TWO.finditer(edit.text):
        names = ("first", "second") if pair["first"] else ("one", "other")
        for name in names:
            old = edit.over(*pair.span(name))
            if not old or (old[0].start, old[0].end) == pair.span():  # 云贵|两省
                edit.put(*pair.span(name), PLACE)
    for run in _RUN.finditer(edit.text):
        start, end = run.span()
        old = edit.over(start, end)
        if len(set(run.group())) < end - start or (end - start > 3 and run.group() not in _REGIONS):  # noqa: PLR2004
            continue
        inside = all(span.label == PLACE and start <= span.start and span.end <= end for span in old)
        crossed = any(one.is_plain for one in edit.crossing(start, end))
        if inside and not edit.is_span(start, end) and not crossed and _BORDERLAND.match(edit.text, end):
            edit.put(start, end, PLACE)


_HEAD = re.compile("长(?!安|城|江|沙|春|治|乐|兴|丰|垣|葛|宁|阳|岛|清|寿|白|期|年|远|大|途|短|度|廊|假|势|效|三角)")


def _cut_heads(edit: Edit) -> None:
    """Leave 市长, 县长 and other heads whole, as 市委 is: 基隆|市长 (P4)."""
    for span in edit.labelled(PLACE):
        name = edit.text[span.start : span.end]
        # 爱知县|长久手市
        if edit.has(PLACE, start=span.end):
            continue
        head = len(name) > 2 and name[-1] in "省市县区州镇乡" and _HEAD.match(edit.text, span.end)  # noqa: PLR2004
        if head:
            edit.cut(span, span.start, span.end - 1)


_SETTLEMENT = re.compile(
    "(?:^|(?<=[，。、；：“（(从到在至去往回的是和与、]))(?P<name>[\u4e00-\u9fff]家(?:河子|河|坪|湾|沟|庄|集|坝|寨|店子|堡子?|屯|岭|塘|洼|畈|冲|坳|垭|桥|渡|咀|嘴|圩|岗|窑|营子?|窝棚|川|湖|台子))"
    "(?=[，。、；！？到至的]|$|在|有|位于|赶集|要走|出发)"
)


def _find_settlements(edit: Edit) -> None:
    """Find 王家河子, 陈家坪: a family's settlement, where it stands as a place would."""
    for found in _SETTLEMENT.finditer(edit.text):
        if found["name"][0] in SURNAMES:
            edit.add(*found.span("name"), PLACE)


def is_generic(name: str) -> bool:
    """Return whether the words name no certain place: 该乡, 各村, 县城, 竹编之乡."""
    # One character is a unit word or an abbreviation that needs its context.
    known = len(name) < 2 or name in NO_NAMES or "之乡" in name  # noqa: PLR2004 — as said above
    return known or (bool(ANY_UNIT.fullmatch(name)) and not is_certain(name))


def is_certain(name: str) -> bool:
    """Return whether the name is a division's with its unit word, or the short form of a county or more."""
    named = gazetteer().named.get(name)
    return named is not None and (named.full or named.level <= COUNTY)
