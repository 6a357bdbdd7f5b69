"""Cut a stretch of text into named places, one per administrative unit.

A dynamic programme weighs gazetteer entries, unit words and unknown rests. Levels go down from left to right (no
township follows a village), which keeps names that hold a unit word (杏花村镇, 赵镇村) in one piece.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from biaozhu.knowledge.division_names import CITY, COUNTRIES, COUNTY, GENERIC, TOWNSHIP, VILLAGE
from biaozhu.knowledge.gazetteer import gazetteer, villages
from biaozhu.knowledge.word_tables import read_words

NATURAL = 6
LONGEST_PIECE_CHARS = 30
# Unit words that may follow an unknown stem. Provinces are a closed list; 市 and 县 nearly so.
SUFFIXES = (
    (re.compile(r".{1,7}(?:自治州|自治县|自治旗|林区|特区)$"), COUNTY, 2.6),
    (re.compile(r".{1,7}市$"), CITY, 2.8),
    (re.compile(r".{1,5}(?:县|旗)$"), COUNTY, 2.8),
    (re.compile(r".{2,5}区$"), COUNTY, 3.0),
    (re.compile(r".{2,6}(?:民族乡|街道|苏木|[乡镇])$"), TOWNSHIP, 2.6),
    (re.compile(r".{1,6}(?:社区|嘎查|[村庄屯寨])$"), VILLAGE, 2.6),
    (
        re.compile(r".{1,6}(?:[江河湖海湾岛山岭峰溪泉]|山脉|平原|高原|盆地|草原|沙漠|半岛|群岛|海峡)$"),
        NATURAL,
        2.0,
    ),
)
# An unknown rest costs the more the longer it is.
REST_COST, REST_COST_EACH = 2.0, 0.6
UNIT_ENDS = "省市县区州盟旗乡镇村道"
INNER_UNIT = re.compile(r".[县镇乡].{2,}[省市县区乡镇村道]$")
# Words in front of a unit word that make it any such unit (guideline P6).
_ANY = (
    "[全本该各我某此这那每两几多诸外邻]|我们|咱们|你们|他们|有的|一些|所有|贫困|示范|专业|薄弱|空心|文明|沿[岸线河江海路边]|相?邻|自然|行政|中心|重点|"
    "试点|先进|旅游|移民|新农|城中|[山渔农富穷强小大新老古]|扶持|帮扶|包|百强|自治|特大|直辖|革命|解放|经济|优秀|生产|生态|民族|特色|花园|美丽|小康|标杆|样板|明星|边远|偏远|山区|牧区|当地|本地|整|"
    "[一两几数]个|其他|其它|部分|多数|有关|基层|全国|世界|地球|[一二三四五六七八九十百千]|和|与|及|被|和谐|振兴|乡|镇|县|市|城|集体"
)
ANY_UNIT = re.compile(
    rf"(?:[东西南北中]部|[东西南北]侧)(?:村庄?|[乡镇县]|地区)|[省市县区乡镇村](?:[里内外]|内外|境内)|(?:{_ANY})(?:省|城?市|县|区|城镇|乡镇?|镇|村庄?|庄|屯|寨|社区|街道|地区|地|岛|山|河|海|湖|城|里|州|旗|国|境)(?:[里内外上下中]|内外)?$"
)
NO_NAMES = GENERIC.union(read_words("places", "no_names"))
# Counties, too, but even beside their province they say where in it (四川南部).
_NEVER_NAMES = frozenset(("南部", "平原", "沿河", "山城"))


class PlaceUnit(NamedTuple):
    """A piece of a stretch: offsets into it, and its level (0: unknown rest)."""

    start: int
    end: int
    level: int


def is_generic(name: str) -> bool:
    """Return whether the words name no certain place: 该乡, 各村, 县城, 竹编之乡."""
    # One character is a unit word or an abbreviation that needs its context.
    known = len(name) < 2 or name in NO_NAMES or "之乡" in name  # noqa: PLR2004 — as said above
    return known or (bool(ANY_UNIT.fullmatch(name)) and not is_certain(name))


def is_certain(name: str) -> bool:
    """Return whether the name is a division's with its unit word, or the short form of a county or more."""
    named = gazetteer().named.get(name)
    return named is not None and (named.full or named.level <= COUNTY)


@lru_cache(maxsize=1 << 14)
def cut_units(text: str) -> tuple[PlaceUnit, ...]:
    """Cut a stretch into units with the least cost; rests that no rule knows are units of level 0."""
    length = len(text)
    level, price = _priced(text)
    # No piece costs less than 1: two of them are not cheaper.
    if price < 2:  # noqa: PLR2004 — as said above
        return (PlaceUnit(0, length, level),)
    best: list[tuple[float, tuple[PlaceUnit, ...]]] = [(float("inf"), ())] * (length + 1)
    best[0] = (0.0, ())
    for left in range(length):
        cost, units = best[left]
        lowest = max((one.level for one in units if one.level != NATURAL), default=0)
        for right in range(left + 1, min(length, left + LONGEST_PIECE_CHARS) + 1):
            level, price = _priced(text[left:right])
            unit = PlaceUnit(left, right, level)
            if 0 < level <= lowest:
                price += 2.5
            # A rest after a rest is one rest.
            if units and not unit.level and not units[-1].level:
                price += 1.0
            # A short name beside an unknown rest is mostly a part of it (西亚 in 安达卢西亚).
            if units and not (unit.level and units[-1].level):
                named = units[-1] if units[-1].level else unit
                price += 2.0 * (bool(named.level) and text[named.end - 1] not in UNIT_ENDS)
            if cost + price < best[right][0]:
                best[right] = (cost + price, (*units, unit))
    return best[length][1]


@lru_cache(maxsize=1 << 16)
def _priced(name: str) -> tuple[int, float]:
    named = gazetteer().named.get(name)
    county = named is not None and not named.full and named.level <= COUNTY and name not in _NEVER_NAMES
    if len(name) > 1 and (county or name not in NO_NAMES):
        if named and (named.full or named.level <= COUNTY):
            return named.level, 1.0 if named.full else 1.4
        if named and named.level == TOWNSHIP:
            return TOWNSHIP, 2.0
        if name in COUNTRIES:
            return NATURAL, 1.0
        for pattern, level, price in SUFFIXES:
            if pattern.fullmatch(name):
                if level == VILLAGE and name in villages():
                    return level, 1.3
                # X村 says little; a unit word well inside says that these are two names.
                doubt = (len(name) < 3) + 3.0 * bool(INNER_UNIT.search(name))  # noqa: PLR2004
                return level, price + doubt
    lone = 2.0 * (len(name) < 2)  # noqa: PLR2004
    return 0, REST_COST + REST_COST_EACH * len(name) + lone
