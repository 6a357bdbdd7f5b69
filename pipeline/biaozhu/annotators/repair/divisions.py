"""Divisions of China that a network misses or cuts: full names, provinces in one character."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from biaozhu.annotators.place_units import ANY_UNIT, is_generic
from biaozhu.annotators.repair.edit import PERSON, PLACE
from biaozhu.knowledge.division_names import CITY, COUNTY, PROVINCE, TOWNSHIP, short_form
from biaozhu.knowledge.gazetteer import gazetteer
from biaozhu.knowledge.names import make_finder
from biaozhu.knowledge.world import FORMER_DIVISION

if TYPE_CHECKING:
    from biaozhu.annotators.repair.edit import Edit

LONG_NAME_CHARS = 3


def repair_divisions(edit: Edit) -> None:
    """Correct the divisions of a text in place."""
    _complete_names(edit)
    _find_provinces(edit)
    _join_provinces(edit)


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


# Names that banners go by, of some characters of their own (see `division_lookup`).
_SHORT_BANNERS = (
    "科右前旗 科右中旗 科左中旗 科左后旗 察右前旗 察右中旗 察右后旗 鄂前旗 东乌旗 西乌旗 阿左旗 阿右旗 新左旗 新右旗 土左旗 土右旗 "
    "乌前旗 乌中旗 乌后旗 巴林左旗 巴林右旗 达茂旗 莫旗 鄂伦春旗 鄂温克旗 喀左县 前郭县 杜蒙县 阜蒙县 黔东南州 黔西南州 黔南州"
)


@cache
def _find_short_autonomous() -> Callable[[str], list[tuple[int, int]]]:
    """Find 凉山州, 莫力达瓦旗: autonomous divisions without their nations."""
    names = set(_SHORT_BANNERS.split())
    for name, named in gazetteer().named.items():
        autonomous = named.full and named.level in (CITY, COUNTY) and name[-3:-1] == "自治"
        if autonomous and (short := short_form(name, named.level)):
            names.add(short + name[-1])
    return make_finder(names)


_ONE = "京津沪渝冀晋辽浙皖闽赣鲁豫鄂湘粤桂琼滇黔陕陇藏疆苏川蒙港澳台"
_SIDES = re.compile(
    f"(?:(?<![\u4e00-\u9fff])|(?<=[的是在为由与和对给家名位多各])|(?<=[该一]家))(?P<place>[{_ONE}])(?=企(?!业|图|鹅|及|盼|划|事)|籍(?!贯)|军(?!训|工|区|人)|媒(?!体|介)|股(?!份|东)|府(?!邸)|警(?!察))"
)


def _find_provinces(edit: Edit) -> None:
    """Find a province of one character before 企 or 籍 (P3)."""
    for found in _SIDES.finditer(edit.text):
        start = found.start("place")
        # 藏医 and the like say nothing here.
        if not any(one.start == start and one.is_plain and one.end > start + 2 for one in edit.near(start, start)):
            edit.add(start, start + 1, PLACE)


_PROVINCES = "京津沪渝冀晋辽吉黑浙皖闽赣鲁豫鄂湘粤桂琼滇黔陕甘宁青藏苏川贵云"
_RUN = re.compile(f"(?<![{_PROVINCES}])(?:[{_PROVINCES}]{{3}}(?=苏区)|[{_PROVINCES}]{{3,4}}(?![{_PROVINCES}]))")
_BORDERLAND = re.compile("边[区界境]|交界|根据地|地区|诸省|等|[，。、；！？]|$|一带|革命|苏区|红军|游击|军区")
# Of four characters most are a list of provinces; these are regions.
_REGIONS = frozenset(("晋冀鲁豫", "湘鄂川黔", "苏鲁豫皖", "云贵川渝"))


def _join_provinces(edit: Edit) -> None:
    """Give three provinces or more that make one region a single span: 湘鄂赣 (P3)."""
    for run in _RUN.finditer(edit.text):
        start, end = run.span()
        old = edit.over(start, end)
        if len(set(run.group())) < end - start or (end - start > 3 and run.group() not in _REGIONS):  # noqa: PLR2004
            continue
        inside = all(span.label == PLACE and start <= span.start and span.end <= end for span in old)
        crossed = any(one.is_plain for one in edit.crossing(start, end))
        if inside and not edit.is_span(start, end) and not crossed and _BORDERLAND.match(edit.text, end):
            edit.put(start, end, PLACE)
