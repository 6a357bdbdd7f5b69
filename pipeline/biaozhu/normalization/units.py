"""Measure words with their dimension, canonical form and factor to a base unit, all exact.

`word_tables.toml` has the table, with its sources. A unit whose size differs by region or time (垧, 加仑, 卢比) has no
factor.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from biaozhu.knowledge.measures import SUPERSCRIPTS, alternation, measure_kind
from biaozhu.knowledge.word_tables import TABLES, read_alternation

Physical = Literal["area", "length", "mass", "volume", "energy", "power", "pressure"]
Dimension = Literal["count", "money", "ratio", "age", "duration", "other"] | Physical


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit: canonical name, dimension, and how many base units (with their name) one of it is; None: not fixed."""

    name: str
    dimension: Dimension
    factor: Fraction | None = None
    base: str = ""


OLD_YUAN = "旧币"
# What 分 is of a larger unit: 三里七分, 五钱八分.
_FEN = {"里": Fraction(1, 10), "寸": Fraction(1, 10), "钱": Fraction(1, 10), "两": Fraction(1, 100)}
_FEN |= {"甲地": Fraction(1, 10), "钱银": _FEN["钱"], "银两": _FEN["两"]}
# What is a tenth of which: 三合五勺, 二分五厘.
_TENTH_OF = {"合": ("升",), "勺": ("合",), "厘": ("分", "分地", "分钱", "年息分", "月息分", "日息分")}
# What makes another unit of a word, □ for the amount: 捐银□两, □两纹银, 占地□万方, 利率降□bp, 汇率跌□基点, □寸彩电, □呎单位.
_SILVER = "(?:(?<!水)银|白金)[共约计各合]*□|□(?:纹|白|足|库平)?银(?![行杏河联耳花鱼针])"
_INTEREST = "(?:利[率差]|收益率|点差|[升降涨跌滑行浮调宽窄])[^,。;、]{0,6}□"
# A basis point of a rate is a hundredth of a per cent; of a currency's price it has no fixed worth.
_EXCHANGE = "(?:中间价|汇[率价]|人民币|[兑对](?:美|日|欧|港)元|[兑对]英镑)(?:(?![利债息贷存]|LPR|(?i:hibor)).)*□"
# Screens, photographs, cakes, wheels and cases are measured in inches.
_INCHES = "(?:屏(?!风)幕?|[荧萤]幕|电视机?|彩电|显示器|手机|平板|电脑|相?[照底相]片|相[框纸]|蛋糕|戚风|披萨|比萨|轮[毂胎]|车轮|自行车|行李箱|箱子|拉杆箱|晶圆|晶片|喇叭|低音)"
# 迟到两分半, 从4分半缩到3分钟, 从四分钟缩到3分.
_CHANGED = "[缩减降延增提变改][短少低长加速为]?[到至为成]"
_MINUTES = (
    "(?:(?:用|耗|费|历|计)时|时长|间隔|迟到|晚到|[晚误]点|延误|推迟|配速|等[候待]|停留|静置|[用等停歇焖煮蒸泡]了)[到至达从为约只才]{0,2}□(?![熟力气功])"
    f"|□{_CHANGED}了?[^,。;]{{1,4}}(?:分钟|秒)|(?:分钟|分半|秒){_CHANGED}□"
)
_BESIDE = {
    **dict.fromkeys(("基点", "个基点"), (_EXCHANGE, "汇率基点")),
    "寸": (f"{_INCHES}[^,。;]{{0,6}}□|□的?(?:黑白|彩色|液晶|高清|大)?{_INCHES}", "英寸"),
    "两": (_SILVER, "银两"),
    "钱": (_SILVER, "钱银"),
    "分": (_MINUTES, "分钟"),
    # Of Taiwan, where ten 分 are one: not 三甲医院, nor ten households.
    "甲": (
        "(?:面积|占地|[田地园]|耕种?)[^,。;、]{0,6}□|□[多余]?的?[水旱荒]?[田地园]|□[0-9.一二三四五六七八九]+分",
        "甲地",
    ),
    "方": ("(?:面积|占地|用地|建面|楼面)[^,。;、]{0,6}□", "平方米"),
    "呎": ("面积[^,。;、]{0,6}□|□的?(?:单位|户|房|开放式|豪宅|蚊型|纳米|铺)", "平方英尺"),
    "bp": (_INTEREST, "基点"),
    "bps": (_INTEREST, "基点"),
}
_RATE = re.compile("([年月日])(?:息|利率?(?![润用益]))[^,。;、]{0,4}$")
# 年半: half of the unit more; 个多月: more than the number says.
_HALF = re.compile(r"(个)半(.+)|(年|岁|天)半|(分)半钟")
_MORE = re.compile(r"个多(.+)|(分)多钟")
# A power stays one: 秒².
_PLAIN = re.compile(f"[^{SUPERSCRIPTS}]+")
_BY_KIND: dict[str | None, Dimension] = {"money": "money", "time": "duration", "ratio": "ratio", "unit": "other"}


def unit_of(measure: str, *, before: str = "", after: str = "") -> Unit:
    """Return the unit of a measure word; an unknown one counts (26 家: unit 家).

    大 in front of it (六大类) is left out. The sentence before the amount tells 度 of heat from 度 of electricity, the
    sentence after it 块 of money from 块 of land.
    """
    word = _PLAIN.sub(lambda part: unicodedata.normalize("NFKC", part[0]), measure.strip())
    if word not in _UNITS and measure_kind(word[1:]) is not None:
        word = word.removeprefix("大")
    known = _by_context(word, before, after) or _UNITS.get(word) or _UNITS.get(word.casefold())
    return known or Unit(word, _BY_KIND.get(measure_kind(measure.strip()), "count"))


def _by_context(word: str, before: str, after: str) -> Unit | None:
    unit: Unit | None = None
    if part := re.fullmatch(r"1/([1-9][0-9]*)", word):
        unit = Unit(word, "ratio", Fraction(1, int(part[1])), "1")
    elif word == "块" and _COUNTED_AFTER.match(after):
        unit = Unit(word, "count")
    elif (beside := _BESIDE.get(word.lower())) and re.search(beside[0], f"{before}□{after}"):
        unit = _UNITS[beside[1]]
    elif word in ("元", "圆", "块", "元钱", "块钱"):
        behind = _CURRENCY_BEHIND.match(after)
        names = (name for name in _CURRENCIES if before.rstrip().endswith(name))
        unit = next((_UNITS[name] for name in names), _UNITS[behind[1]] if behind else None)
    elif word == "分" and after.startswith("钱"):
        unit = _UNITS["分钱"]
    elif word == "分" and _LAND_AFTER.match(after):
        unit = _UNITS["分地"]
    elif word in ("分", "厘") and (rate := _RATE.search(before)):
        unit = _UNITS[f"{rate[1]}息{word}"]
    elif word == "度" and "电" in before[-6:] + after[:2]:
        unit = _UNITS["千瓦时"]
    elif word in ("度", "°", "°C", "摄氏度"):
        heat = word in ("°C", "摄氏度") or re.search("温|热|烧|零[下上]|摄氏", before[-8:])
        unit = Unit("℃" if heat else "度", "other")
    return unit


def part_of(larger: Unit, measure: str = "分") -> Unit | None:
    """Return what 分, 角 or 升 means after a larger unit: of money after 元, of land after 亩, of an hour, of grain after 斗."""
    if larger.base == "斗":
        return Unit("升", "volume", Fraction(1, 10), "斗")
    if larger.factor and larger.name in _FEN:
        return Unit("分", larger.dimension, larger.factor * _FEN[larger.name], larger.base)
    if larger.dimension == "money":
        own = _UNITS["分钱" if measure == "分" else measure]
        if larger.base == "CNY" and larger.name != OLD_YUAN:
            return own
        # Of a currency it has the currency's worth.
        return Unit(measure, "money", larger.factor and own.factor and larger.factor * own.factor, larger.base)
    if larger.name in ("亩", "公顷"):
        return _UNITS["分地"]
    return _UNITS["分钟"] if larger.dimension == "duration" else None


def tenth_of(larger: Unit | None, measure: str) -> Unit | None:
    """Return what 合, 勺 or 厘 means after the unit that has ten of it, None after others."""
    if larger is None or larger.factor is None or larger.name not in _TENTH_OF.get(measure, ()):
        return None
    return Unit(measure, larger.dimension, larger.factor / 10, larger.base)


def split_measure(measure: str) -> tuple[str, Fraction, bool]:
    """Return the plain measure word, what it adds to the number (个半小时: a half), and whether it says "more"."""
    if half := _HALF.fullmatch(measure):
        return f"个{half[2]}" if half[1] else half[3] or "分钟", Fraction(1, 2), False
    if more := _MORE.fullmatch(measure):
        return f"个{more[1]}" if more[1] else "分钟", Fraction(0), True
    return measure, Fraction(0), False


def _units() -> dict[str, Unit]:
    units: dict[str, Unit] = {}
    for kind, table in TABLES["units"].items():
        dimension, base = kind.split()
        entries = table.split()
        for names, factor in zip(entries[::2], entries[1::2], strict=True):
            unit = Unit(names.split("=")[0], dimension, Fraction(factor), base)
            for name in names.split("="):
                units |= {name: unit, unicodedata.normalize("NFKC", name).casefold(): unit}
    return units


_UNITS = _units()
# 港币20万元, 20万元(旧币): the currency stands beside the figure. 人民币 needs no mention.
_MONEY = {name: unit for name, unit in _UNITS.items() if unit.dimension == "money" and not name.isascii()}
_CURRENCIES = tuple(name for name, unit in _MONEY.items() if unit.base != "CNY" or unit.name == OLD_YUAN)
CURRENCY_FIRST = re.compile(alternation(name for name in _MONEY if len(name) > 1))
_CURRENCY_BEHIND = re.compile(
    rf" ?[(（]?(?:指|系|当时的?)?({alternation(name for name in _CURRENCIES if len(name) > 1)})"
)
_LAND_AFTER = re.compile("[水旱薄菜荒耕]?[地田](?![方点])|自留地|宅基地|承包地")
_COUNTED_AFTER = re.compile(read_alternation("amount_about", "pieces"))
