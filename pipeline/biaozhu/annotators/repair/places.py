"""Places that a network cuts or makes up: roads, facilities and estates are none (P5)."""

from __future__ import annotations

import re

from biaozhu.annotators.repair.divisions import repair_divisions
from biaozhu.annotators.repair.edit import PLACE, TRANSLITERATING, Edit
from biaozhu.data.model import Span
from biaozhu.knowledge.division_names import COUNTY
from biaozhu.knowledge.gazetteer import gazetteer
from biaozhu.knowledge.word_tables import read_alternation
from biaozhu.knowledge.world import KNOWN_PLACE, NEITHER, PLACE_KINDS


def repair_places(edit: Edit) -> None:
    """Correct the places of a text in place."""
    repair_divisions(edit)
    _refuse_roads(edit)
    _refuse_facilities(edit)
    _refuse_estates(edit)


_ROAD = re.compile(
    "[东西南北中横正]?(?:[一二三四五六七八九十]|[内外]环)?(?:路(?![上线径网况面过途由经段桥灯易德透权政牌]|易斯)|大道(?!理)|大街|街(?![道上头坊舞区市])|胡同|巷(?!战)|高架|立交|步行街)"
)


_TOWN_STREET = re.compile("[东西南北]街")


def _refuse_roads(edit: Edit) -> None:
    """Leave out a place's name that a road is called by: 南京|东路, 广州|大道; not the city before 长安街 or 西街."""
    for span in edit.labelled(PLACE):
        road = span.end - span.start > 1 and _ROAD.match(edit.text, span.end)
        town = road and _TOWN_STREET.fullmatch(road[0]) and _is_division(edit, span.start, span.end)
        if road and not town and not _is_unit_ended(edit.text, span):
            edit.drop(span)


def _is_unit_ended(text: str, span: Span) -> bool:
    # 曲阳县大街小巷; 朝阳区路
    return text[span.end - 1] in "省市县区州旗镇乡村" and span.end - span.start > 2  # noqa: PLR2004


_OWN_NAMES = re.compile(read_alternation("facilities", "shops"))
_BRIDGES = re.compile(read_alternation("facilities", "crossings"))
# A hall called after a province: 湖南厅.
_HALL = re.compile("厅(?![长级局官干里堂])")
_FACILITY_ENDS = "桥塔寺庙祠宫殿楼阁坝闸"


def _refuse_facilities(edit: Edit) -> None:
    """Leave out the own name of a shop, stop, hall or bridge: 李家大院|超市, 五道口|站, 贺兰山|隧道, 赵州桥."""
    for span in edit.labelled(PLACE):
        name = edit.text[span.start : span.end]
        if len(name) < 2 or _is_unit_ended(edit.text, span):  # noqa: PLR2004 — 津站
            continue
        division = _is_division(edit, span.start, span.end)
        shop = _OWN_NAMES.match(edit.text, span.end) and not TRANSLITERATING.issuperset(name)
        bridge = _BRIDGES.match(edit.text, span.end) and name[-1] in "江河湖海山岭峡"
        word = edit.word(span.start, span.end) if name[-1] in _FACILITY_ENDS else None
        known = word and word.is_of(NEITHER) and not word.is_of(KNOWN_PLACE) and name not in gazetteer().named
        hall = _HALL.match(edit.text, span.end)
        if hall or (not division and (shop or bridge or known)) or _is_house(edit, span):
            edit.drop(span)


_BUILT = re.compile(f"(?:(?!的|一个)[\u4e00-\u9fff]){{0,2}}(?:{read_alternation('facilities', 'houses')})")


def _is_house(edit: Edit, span: Span) -> bool:
    """Return whether a name right behind a division, and not inside it, is that of a house or an estate."""
    above = edit.has(PLACE, end=span.start)
    natural = edit.text[span.end - 1] in "江河湖海山庄屯寨"
    if above is None or natural or not _BUILT.match(edit.text, span.end):
        return False
    codes = tuple(one.code for one in gazetteer().lookup(edit.text[above.start : above.end]))
    return not any(one.code.startswith(codes) for one in gazetteer().lookup(edit.text[span.start : span.end]))


def _is_division(edit: Edit, start: int, end: int) -> bool:
    named, word = gazetteer().named.get(edit.text[start:end]), edit.word(start, end)
    return bool((word and word.is_of(PLACE_KINDS)) or (named and named.level <= COUNTY))


_ESTATE = re.compile(f".*(?:{read_alternation('facilities', 'estates')})")


def _refuse_estates(edit: Edit) -> None:
    """Leave out estates behind a town, and the builder's name before them: 徐汇苑, 华源|上海城."""
    refused = -1
    for span in reversed(edit.labelled(PLACE)):
        name = edit.text[span.start : span.end]
        own = not _is_division(edit, span.start, span.end) and name not in gazetteer().named
        called = name[-1] == "城" and _is_division(edit, span.start, span.end - 1)
        estate = (called or _ESTATE.fullmatch(name)) and edit.has(PLACE, end=span.start)
        if own and (estate or (span.end == refused and not _is_unit_ended(edit.text, span))):
            edit.drop(span)
            refused = span.start
