"""Measure words with their dimension, canonical form and factor to a base unit, all exact.

Sources: legal units GB 3100-93; market units by the State Council's order of 1959 (1 斤 = 0.5 kg, 1 尺 = 1/3 m,
1 亩 = 2000/3 m²); the international yard and pound; currency codes ISO 4217. A unit whose size differs by region or
time (垧, 加仑, 卢比) has no factor.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from biaozhu.knowledge.measures import kind_of

Dimension = Literal[
    "count",
    "money",
    "area",
    "length",
    "mass",
    "volume",
    "ratio",
    "age",
    "duration",
    "energy",
    "power",
    "other",
]


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit: canonical name, dimension, and how many base units (with their name) one of it is; None: not fixed."""

    name: str
    dimension: Dimension
    factor: Fraction | None = None
    base: str = ""


# By dimension and base unit: name and factor; names of one unit joined by =, the first is the canonical one.
_TABLES: tuple[tuple[Dimension, str, str], ...] = (
    ("length", "m", "公里=千米=km 1000 里=华里 500 米=公尺=m 1 分米=dm 1/10 厘米=公分=cm 1/100 毫米=公厘=mm 1/1000"),
    ("length", "m", "微米=μm 1/1000000 纳米=nm 1/1000000000 丈 10/3 尺 1/3 寸 1/30 海里 1852 光年 9460730472580800"),
    ("length", "m", "英里=哩=英哩 1609.344 英尺=呎=英呎 0.3048 英寸=吋=英吋 0.0254"),
    ("area", "m²", "亩=市亩 2000/3 公顷=hm² 10000 顷 200000/3 平方公里=平方千米=km² 1000000 平方米=平米=平方公尺=m² 1"),
    ("area", "m²", "平方厘米=cm² 1/10000 平方毫米=mm² 1/1000000 英亩 4046.8564224 平方英尺=平方呎=平方英呎 0.09290304"),
    ("area", "m²", "平方英里=平方英哩 2589988.110336"),
    ("volume", "m³", "立方米=立方=方=标准立方米=立方公尺=m³ 1 立方分米 1/1000 升=公升=L 1/1000 毫升=mL=立方厘米=cm³=cc 1/1000000"),
    ("volume", "m³", "立方公里 1000000000"),
    # How much they held differs by time, 石 and 斗 to each other do not.
    ("volume", "斗", "石 10 斗 1"),
    ("mass", "kg", "吨=公吨=t 1000 公斤=千克=kg 1 斤=市斤 1/2 两 1/20 钱 1/200 克=g 1/1000 毫克=mg 1/1000000"),
    ("mass", "kg", "微克=μg 1/1000000000 担 50 磅 0.45359237 盎司 0.028349523125 克拉 0.0002"),
    ("energy", "J", "千瓦时=度电=kWh 3600000 瓦时=Wh 3600 兆瓦时=MWh 3600000000 吉瓦时=GWh 3600000000000 焦耳=J 1 千焦=kJ 1000"),
    ("energy", "J", "卡=卡路里=cal 4.184 千卡=大卡=kcal 4184 兆焦=兆焦耳 1000000"),
    ("power", "W", "千瓦=kW 1000 瓦=W 1 兆瓦=MW 1000000 吉瓦=GW 1000000000 马力 735.49875"),
    ("duration", "s", "秒=秒钟=s 1 毫秒=ms 1/1000 微秒 1/1000000 分钟=min 60 刻钟 900 小时=个小时=个钟头=h 3600 天=昼夜=日=d 86400"),
    ("duration", "s", "周=星期=个星期=个礼拜 604800 个时辰 7200"),
    ("duration", "月", "个月=月 1 年=周年=个年头 12 个季度 3 个世纪=世纪 1200"),
    ("age", "岁", "岁=周岁 1"),
    ("ratio", "1", "% 1/100 ‰ 1/1000 ‱ 1/10000 成 1/10 折 1/10 倍 1"),
    ("ratio", "百分点", "百分点=个百分点 1 千分点=个千分点 1/10 基点=个基点 1/100"),
    ("money", "CNY", "元=块=块钱=元钱=圆=人民币=rmb=cny=¥ 1 角=毛=毛钱=角钱 1/10 分钱 1/100"),
    ("money", "USD", "美元=美金=$=us$=usd 1 美分 1/100"),
    ("money", "GBP", "英镑=镑=£=gbp 1 便士 1/100"),
    ("money", "EUR", "欧元=€=eur 1 欧分 1/100"),
)  # fmt: skip
_CURRENCIES = (
    "HKD 港元=港币=hk$=hkd JPY 日元=日圆=日币=jpy KRW 韩元=韩圆=韩币=krw=₩ AUD 澳元=澳币=澳大利亚元=a$=au$=aud CAD 加元=加拿大元=c$=ca$=cad "
    "RUB 卢布=₽ CHF 瑞士法郎=瑞郎=chf THB 泰铢=铢=฿ SGD 新加坡元=新元=新币=s$=sg$=sgd TWD 新台币=台币=nt$=twd MOP 澳门元=澳门币=mop "
    "MYR 林吉特=令吉 VND 越南盾 IDR 印尼盾 ZAR 兰特 DKK 丹麦克朗 SEK 瑞典克朗 NOK 挪威克朗 HUF 福林 PLN 兹罗提 RON 列伊 BGN 列弗 "
    "UAH 格里夫纳 KZT 坚戈 MNT 图格里克 TJS 索莫尼 BRL 雷亚尔 NGN 奈拉 ILS 新谢克尔=谢克尔 AED 迪拉姆 INR 印度卢比 PHP 菲律宾比索=菲律宾披索 "
    "MXN 墨西哥比索 NZD 新西兰元 XBT 比特币"
)
# 年半: half of the unit more; 个多月: more than the number says.
_HALF = re.compile(r"(个)半(月|小时|星期|世纪)|(年|岁|天)半|(分)半钟")
_MORE = re.compile(r"个多(月|小时|星期|世纪|时辰)|(分)多钟")


def unit_of(measure: str, *, before: str = "", after: str = "") -> Unit:
    """Return the unit of a measure word; an unknown one counts (26 家: unit 家).

    大 in front of it (六大类) is left out. The sentence before the amount tells 度 of heat from 度 of electricity, the
    sentence after it 块 of money from 块 of land.
    """
    word = unicodedata.normalize("NFKC", measure.strip())
    if word not in _UNITS and kind_of(word[1:]) is not None:
        word = word.removeprefix("大")
    known = _by_context(word, before, after) or _UNITS.get(word) or _UNITS.get(word.casefold())
    if known is not None:
        return known
    dimensions: dict[str | None, Dimension] = {
        "money": "money",
        "time": "duration",
        "ratio": "ratio",
        "unit": "other",
    }
    return Unit(word, dimensions.get(kind_of(measure.strip()), "count"))


def _by_context(word: str, before: str, after: str) -> Unit | None:
    part = re.fullmatch(r"1/([1-9][0-9]*)", word)
    unit: Unit | None = None
    if part:
        unit = Unit(word, "ratio", Fraction(1, int(part[1])), "1")
    elif word in ("元", "圆"):
        unit = next((_UNITS[name] for name in _FOREIGN if before.rstrip().endswith(name)), None)
    elif word == "分" and after.startswith("钱"):
        unit = _UNITS["分钱"]
    elif word == "块" and _COUNTED_AFTER.match(after):
        unit = Unit(word, "count")
    elif word == "度" and "电" in before[-6:] + after[:2]:
        unit = _UNITS["千瓦时"]
    elif word in ("度", "°", "°C", "摄氏度"):
        heat = word in ("°C", "摄氏度") or re.search("温|热|烧|零[下上]|摄氏", before[-8:])
        unit = Unit("℃" if heat else "度", "other")
    return unit


def part_of(larger: Unit | None) -> Unit | None:
    """Return what 分 or 升 means after a larger unit: of money after 元, of land after 亩, of an hour, of grain after 斗."""
    if larger is not None and larger.base == "斗":
        return Unit("升", "volume", Fraction(1, 10), "斗")
    if larger is not None and larger.base == "CNY":
        return _UNITS["分钱"]
    if larger is not None and larger.name in ("亩", "公顷"):
        return Unit("分", "area", Fraction(200, 3), "m²")
    return _UNITS["分钟"] if larger is not None and larger.dimension == "duration" else None


def split_measure(measure: str) -> tuple[str, Fraction, bool]:
    """Return the plain measure word, what it adds to the number (个半小时: a half), and whether it says "more"."""
    half, more = _HALF.fullmatch(measure), _MORE.fullmatch(measure)
    if half:
        plain = f"个{half[2]}" if half[1] else half[3] or "分钟"
        return plain, Fraction(1, 2), False
    if more:
        return f"个{more[1]}" if more[1] else "分钟", Fraction(0), True
    return measure, Fraction(0), False


def _units() -> dict[str, Unit]:
    rows: list[tuple[Dimension, str, str, Fraction]] = []
    for dimension, base, table in _TABLES:
        words = table.split()
        rows += [
            (dimension, base, names, Fraction(factor))
            for names, factor in zip(words[::2], words[1::2], strict=True)
        ]
    codes = _CURRENCIES.split()
    rows += [("money", code, names, Fraction(1)) for code, names in zip(codes[::2], codes[1::2], strict=True)]
    return {
        spelling: Unit(names.split("=")[0], dimension, factor, base)
        for dimension, base, names, factor in rows
        for name in names.split("=")
        for spelling in (name, unicodedata.normalize("NFKC", name).casefold())
    }


_UNITS = _units()
# 港币20万元: the currency stands before the figure. 人民币 needs no mention.
_FOREIGN = tuple(
    name
    for name, unit in _UNITS.items()
    if unit.dimension == "money" and unit.base != "CNY" and not name.isascii()
)
# After 块 as money comes no thing that could be counted in pieces.
_COUNTED_AFTER = re.compile(
    r"(?:地|田|土|石|砖|木|板|牌|碑|布|糖|肉|表|手表|屏|蛋糕|香皂|肥皂|电池|豆腐|饼|试验|耕|荒|菜|金牌|银牌|铜牌|奖牌)"
)
