"""The grammar of division names: unit words by level, short forms, and names that are not names.

Sources: the Organic Law's unit words, the State Ethnic Affairs Commission's list of nationalities.
"""

from __future__ import annotations

import re

PROVINCE, CITY, COUNTY, TOWNSHIP, VILLAGE = 1, 2, 3, 4, 5

# Rows that keep the hierarchy complete but name nothing.
PLACEHOLDERS = frozenset(("市辖区", "县", "省直辖县级行政区划", "自治区直辖县级行政区划"))
# One-character names of the provinces (GB/T 2260's order), with the codes of the gazetteer.
_ABBREVIATIONS = (
    "11京 12津 13冀 14晋 15蒙 21辽 22吉 23黑 31沪 31申 32苏 33浙 34皖 35闽 36赣 37鲁 41豫 42鄂 43湘 44粤 45桂 46琼 50渝 "
    "51川 51蜀 52贵 52黔 53云 53滇 54藏 61陕 61秦 62甘 62陇 63青 64宁 65新 71台 81港 82澳"
)
ABBREVIATIONS = {entry[2:]: entry[:2] for entry in _ABBREVIATIONS.split()}
# Names of real divisions that as words of a text mostly mean any such area.
_GENERIC = (
    "城区 郊区 矿区 新区 市区 东区 西区 南区 北区 中区 中西区 新城区 老城区 城中区 市中区 开发区 "
    "新市区 城关区 城郊乡 城关镇 城关乡 城镇 城乡 家乡 老家乡 新镇 古镇 老镇 中心镇 大镇 小镇 集镇 "
    "园区 景区 社区 街道 乡镇"
)
GENERIC = frozenset(_GENERIC.split())
# The 55 minorities as division names write them (State Ethnic Affairs Commission's list), 族 often left out.
_MINORITIES = (
    "壮 回 满 维吾尔 苗 彝 土家 藏 蒙古 布依 侗 瑶 白 哈尼 朝鲜 黎 哈萨克 傣 畲 傈僳 东乡 仡佬 拉祜 佤 "
    "水 纳西 羌 土 仫佬 锡伯 柯尔克孜 景颇 达斡尔 撒拉 布朗 毛南 塔吉克 普米 阿昌 怒 鄂温克 京 基诺 "
    "德昂 保安 俄罗斯 裕固 乌孜别克 门巴 鄂伦春 独龙 赫哲 高山 珞巴 塔塔尔 各"
)
MINORITIES = tuple(_MINORITIES.split())

_NATION = "(?:" + "|".join(sorted(MINORITIES, key=len, reverse=True)) + ")"
# A one-character nation needs its 族 (回族, 白族): 白 or 水 alone may belong to the name.
_NATIONS = f"(?:{_NATION}族|(?:" + "|".join(sorted((n for n in MINORITIES if len(n) > 1), key=len)) + "))"
_AUTONOMOUS = re.compile(f"(.{{2,}}?){_NATIONS}*自治[区州县旗]")
_NATION_TOWNSHIP = re.compile(f"(.{{2,}}?){_NATIONS}+(?:民族)?乡")
_UNITS = {
    PROVINCE: re.compile(r"(.{2,}?)(?:特别行政区|[省市])"),
    CITY: re.compile(r"(.{2,}?)(?:[市盟]|地区)"),
    COUNTY: re.compile(r"(.{2,}?)(?:[县市旗区]|林区|特区)"),
    TOWNSHIP: re.compile(r"(.{2,}?)(?:街道办事处|街道|苏木|[乡镇])"),
    VILLAGE: re.compile(r"(.{2,}?)(?:社区|嘎查|村)"),
}
_FULL = {
    PROVINCE: re.compile(r".*(?:[省市]|自治区|特别行政区)"),
    CITY: re.compile(r".*(?:[市盟]|地区|自治州)"),
    COUNTY: re.compile(r".*(?:[县市旗]|(?<!发)(?<!园)(?<!业)(?<!物流)(?<!试验)区)"),
    TOWNSHIP: re.compile(r".*(?:街道|苏木|[乡镇])"),
    VILLAGE: re.compile(r".*(?:社区|嘎查|村)"),
}


def short_form(name: str, level: int) -> str | None:
    """Return the name without its unit word, if two characters or more are left: 龙岩市 gives 龙岩, 泾县 None."""
    if name in PLACEHOLDERS:
        return None
    found = _AUTONOMOUS.fullmatch(name) or (_NATION_TOWNSHIP.fullmatch(name) if level == TOWNSHIP else None)
    found = found or _UNITS[level].fullmatch(name)
    if not found or found.group(1).endswith(("族", "经济", "开发", "技术")):
        return None
    return found.group(1)


def has_unit_word(name: str, level: int) -> bool:
    """Return whether the name ends in a unit word of its level, and is not a zone's or a farm's name."""
    return name not in PLACEHOLDERS and len(name) > 1 and bool(_FULL[level].fullmatch(name))
