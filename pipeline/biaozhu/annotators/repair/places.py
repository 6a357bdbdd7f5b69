"""Places that a network misses, cuts or makes up: those abroad; roads, facilities and estates are none (P5)."""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import TYPE_CHECKING

from biaozhu.annotators.cover import Cover
from biaozhu.annotators.repair.divisions import repair_divisions
from biaozhu.annotators.repair.edit import DOTS, HAN, PLACE, TRANSLITERATING
from biaozhu.data.model import Span
from biaozhu.knowledge.division_names import COUNTY, PROVINCE, TOWNSHIP
from biaozhu.knowledge.gazetteer import gazetteer
from biaozhu.knowledge.world import COUNTRY, FOREIGN_CITY, FOREIGN_REGION, PLACE_KINDS

if TYPE_CHECKING:
    from biaozhu.annotators.repair.edit import Edit, Word


def repair_places(edit: Edit) -> None:
    """Correct the places of a text in place."""
    _find_abroad(edit)
    repair_divisions(edit)
    _refuse_roads(edit)
    _refuse_facilities(edit)
    _refuse_estates(edit)


# In the table of countries, and no places by the guideline (P4, P6), or as often a relation of two (中非).
_NO_COUNTRIES = frozenset(["世界", "欧盟", "欧元区", "联合国", "中非", "中立区", "阿拉伯", "罗马"])
_WITH = "对|同|与|和|及|、|在|从|到|至|向|驻|援助?|离开|进入|帮助|支持"
_GOING = "访问|出访|访|抵达|飞[往抵赴]|前往|赴|途经|运[往到抵至]|远销|销往|出口到?|位于|来自|移民|转机|落户"
_GOES_TO = re.compile(f"(?:{_GOING})(?:了|过)?$")
_TAKES = re.compile(f"(?:{_GOING}|{_WITH})(?:了|过)?$")
LONGEST_VERB_CHARS = 4
ABROAD = COUNTRY | FOREIGN_REGION | FOREIGN_CITY
_OF_STATE = re.compile("(?:总统|总理|政府|首都|首相|外长|外交部|议会|国民|军队|大使|国王|共和国|人民|籍|、|和|与|等)")
_GOES_ON = re.compile(
    "时间|标准时|夏令时|特区|帝国|汗国|王国|王朝|联邦|民主|（|大区|边疆区|[国州省府县市区郡岛湾河山湖城港海语族币裔法盾]"
)
# A name of two characters needs the dictionary, one of three a verb, a longer one nothing.
SHORT_CHARS, LONG_CHARS = 2, 4


# Countries of two islands, and capitals, that the table has by another name or not at all.
_JOINED = re.compile(
    "圣文森特和格林纳丁斯|特立尼达和多巴哥|安提瓜和巴布达|圣基茨和尼维斯|圣多美和普林西比|波斯尼亚和黑塞哥维那|瓦利斯和富图纳|内比都|姆巴巴内|危地马拉城|特克斯和凯科斯群岛"
)


def _find_abroad(edit: Edit) -> None:
    """Find countries, and cities abroad beside them or behind a verb of going; one name has one span."""
    for found in _JOINED.finditer(edit.text):
        edit.put(*found.span(), PLACE)
    kept: Cover[Word] = Cover()
    foreign = [word for word in edit.places if word.is_of(ABROAD)]
    for word in sorted(foreign, key=lambda one: (one.start - one.end, one.start)):
        name = edit.text[word.start : word.end]
        refused = name in _NO_COUNTRIES or name.endswith(("地区", "海岸"))
        if not refused and kept.is_free(word.start, word.end):
            kept.add(word.start, word.end, word)
    names = kept.values()
    for word, after in zip_longest(names, names[1:]):
        old = edit.over(word.start, word.end)
        if word.is_of(COUNTRY) and after and after.start == word.end and _is_a_pair(edit, word, after):
            edit.put(word.start, word.end, PLACE)
            edit.put(after.start, after.end, PLACE)
        elif _is_whole(edit, word) and (word.start, word.end, PLACE) not in {span.key for span in old}:
            # A span with these borders is a person's, then.
            person = edit.is_span(word.start, word.end) and _follows(edit, word, _GOES_TO)
            if person or (_is_cut(edit, word, old) if old else _is_found(edit, word)):
                edit.put(word.start, word.end, PLACE)


def _is_a_pair(edit: Edit, country: Word, city: Word) -> bool:
    """Return whether a country and what follows it share their characters with spans of other borders."""
    old = edit.over(country.start, city.end)
    inside = all(span.label == PLACE and country.start <= span.start < span.end <= city.end for span in old)
    borders = {(country.start, country.end), (city.start, city.end)}
    one_span = [(span.start, span.end) for span in old] == [(country.start, city.end)]
    short = city.end - city.start <= SHORT_CHARS and not one_span
    right = all(edit.is_span(*one) for one in borders) or city.is_of(COUNTRY) or short
    return inside and not right and _is_whole(edit, city)


def _is_found(edit: Edit, word: Word) -> bool:
    """Return whether a name that has no span is a place where it stands."""
    length = word.end - word.start
    if word.is_of(COUNTRY):
        return length >= LONG_CHARS or _is_expected(edit, word)
    near = edit.near(word.start, word.end)
    plain = any(word.start <= one.start and one.end <= word.end and one.is_plain for one in near)
    spelt = length > SHORT_CHARS or word.is_place
    alone = not HAN.match(edit.text, word.end) and word.is_place
    return spelt and (length >= LONG_CHARS or not plain or alone) and _follows(edit, word, _GOES_TO)


def _is_cut(edit: Edit, word: Word, old: list[Span]) -> bool:
    """Return whether the spans are parts of one country's name."""
    inside = all(span.label == PLACE and word.start <= span.start and span.end <= word.end for span in old)
    rest, first = edit.text[old[0].end : word.end], edit.word(old[0].start, old[0].end)
    parts = len(old) > 1 or (rest and TRANSLITERATING.issuperset(rest)) or not (first and first.is_of(COUNTRY))
    return word.is_of(COUNTRY) and inside and bool(parts)


def _follows(edit: Edit, word: Word, verb: re.Pattern[str]) -> bool:
    return bool(verb.search(edit.text, max(0, word.start - LONGEST_VERB_CHARS), word.start))


def _is_whole(edit: Edit, word: Word) -> bool:
    """Return whether nothing around says that the name is a part of another."""
    text = edit.text
    before, after = text[word.start - 1 : word.start], text[word.end : word.end + 1]
    if any(one and one in f"{DOTS}-" for one in (before, after)) or _GOES_ON.match(text, word.end):
        return False
    beside = edit.near(word.start, word.end)
    behind_name = any(one.end == word.start and one.is_of(ABROAD) for one in beside)
    if before in TRANSLITERATING and not behind_name and not _follows(edit, word, _TAKES):
        return False
    if after in TRANSLITERATING and not any(one.start == word.end and one.end - one.start > 1 for one in beside):
        return False
    return not any(
        (one.start, one.end) != (word.start - 1, word.start + 1)
        for one in edit.crossing(word.start, word.end)
        if one.is_plain or one.is_of(ABROAD) or one.is_division(PROVINCE, TOWNSHIP)
    )


def _is_expected(edit: Edit, word: Word) -> bool:
    """Return whether what stands around takes a country's name."""
    text = edit.text
    if _follows(edit, word, _TAKES) or _OF_STATE.match(text, word.end):
        return True
    listed = text[word.start - 1 : word.start] == "、" or text[word.end : word.end + 1] == "、"
    return listed and bool(edit.has(PLACE, end=word.start - 1) or edit.has(PLACE, start=word.end + 1))


_ROAD = re.compile(
    "[东西南北中]?(?:[一二三四五六七八九十]|[内外]环)?(?:路(?![上线径网况面过途由经段桥灯易德透权政牌]|易斯)|大道(?!理)|大街|街(?![道上头坊舞区市])|胡同|巷(?!战)|高架|立交|步行街)"
)


def _refuse_roads(edit: Edit) -> None:
    """Leave out a place's name that a road is called by: 南京|东路, 广州|大道; not the city before 长安街."""
    for span in edit.labelled(PLACE):
        road = span.end - span.start > 1 and _ROAD.match(edit.text, span.end)
        if road and not _is_unit_ended(edit.text, span):
            edit.drop(span)


def _is_unit_ended(text: str, span: Span) -> bool:
    # 曲阳县大街小巷; 朝阳区路
    return text[span.end - 1] in "省市县区州旗镇乡村" and span.end - span.start > 2  # noqa: PLR2004


_OWN_NAMES = re.compile(
    "(?:超市|饭店|酒店|宾馆|面馆|餐厅|饭庄|酒楼|商店|药店|旅馆|客栈|理发店|便利店|小卖部|火锅|农家乐|民宿|幼儿园|网吧|驾校|影城|商城|商厦|家具城|建材城|站(?![在起长立点着位台岗稳住到出上])|地铁站|公交站|换乘站)"
)
_BRIDGES = re.compile("(?:特?大桥|隧道|水库|水电站|电站|国家公园|国家森林公园|湿地公园|大坝|船闸|索道)")


def _refuse_facilities(edit: Edit) -> None:
    """Leave out the own name of a shop, stop or bridge: 李家大院|超市, 五道口|站, 贺兰山|隧道."""
    for span in edit.labelled(PLACE):
        name = edit.text[span.start : span.end]
        if len(name) < 2 or _is_unit_ended(edit.text, span):  # noqa: PLR2004 — 津站
            continue
        division = _is_division(edit, span.start, span.end)
        shop = _OWN_NAMES.match(edit.text, span.end) and not TRANSLITERATING.issuperset(name)
        bridge = _BRIDGES.match(edit.text, span.end) and name[-1] in "江河湖海山岭峡"
        if (not division and (shop or bridge)) or _is_built(edit, span):
            edit.drop(span)


_BUILT = re.compile(
    "(?:(?!的|一个)[\u4e00-\u9fff]){0,2}(?:花园|小区|家园|公寓|大厦|广场|湿地|教堂|商城|雅苑|花苑|新苑|名苑|嘉园|佳园|丽都|华庭|豪庭|华府|名都|公馆|别墅)"
)


def _is_built(edit: Edit, span: Span) -> bool:
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


_ESTATE = re.compile(
    ".*(?:[^林花]苑|花园|[景雅佳嘉豪名馨锦家]园|花苑|嘉园|公寓|华府|雅居|名都|府邸|别墅|公馆|新城国际|豪庭|小区|佳园|名苑|雅苑|御景|华庭|名邸|山庄|丽都)"
)


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
