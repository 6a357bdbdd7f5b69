"""The grammar of division names: unit words by level, short forms, and names that are not names.

Source: the Organic Law's unit words.
"""

from __future__ import annotations

import re

from biaozhu.knowledge.word_tables import read_words

PROVINCE, CITY, COUNTY, TOWNSHIP, VILLAGE = 1, 2, 3, 4, 5

# Rows that keep the hierarchy complete but name nothing.
PLACEHOLDERS = frozenset(("市辖区", "县", "省直辖县级行政区划", "自治区直辖县级行政区划"))
ABBREVIATIONS = {
    entry.lstrip("0123456789"): re.sub("[^0-9]", "", entry) for entry in read_words("divisions", "abbreviations")
}
GENERIC = frozenset(read_words("divisions", "generic"))
MINORITIES = read_words("divisions", "minorities")

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
