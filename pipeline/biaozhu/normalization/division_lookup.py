"""The divisions that a name can mean: its own, short forms (恩施州, 喀左县), names of a former kind or time (开县)."""

from __future__ import annotations

import lzma
import re
from functools import cache, lru_cache
from importlib.resources import files

from biaozhu.data.errors import ModelDataError
from biaozhu.knowledge.division_names import (
    ABBREVIATIONS,
    CITY,
    COUNTY,
    GENERIC,
    PROVINCE,
    TOWNSHIP,
    VILLAGE,
    short_form,
)
from biaozhu.knowledge.gazetteer import CODE_DIGITS, Division, gazetteer, villages
from biaozhu.normalization.place_kinds import VILLAGE_LIKE

FORMER = "former_divisions.txt.xz"
# Names longer than this are shortened to some of their characters: 喀喇沁左翼蒙古族自治县 to 喀左县.
LONG_NAME = 6
_SHORTENED = re.compile("[\u4e00-\u9fff]{1,3}[州县旗]")


@cache
def divisions_named(name: str) -> tuple[Division, ...]:
    """Return the divisions down to townships that a name can mean, today or else formerly."""
    found = _divisions_today(name) + [division for code in former_codes(name) for division in _of_code(code)]
    return tuple(dict.fromkeys(found or _abbreviated(name)))


def former_codes(name: str) -> tuple[str, ...]:
    """Return the codes of what a division that no longer bears the name is today."""
    # 均县 does not name 均县镇, but what is 丹江口市 today.
    if any(one.name == name or one.level <= COUNTY for one in gazetteer().lookup(name)):
        return ()
    return _former().get(name) or _former().get(f"{name}市", ())


@lru_cache(maxsize=1 << 12)
def villages_named(name: str, scope: str, root: str) -> list[Division]:
    """Return the villages that a name can mean near the division with the code `scope`, in its county or else in the root."""
    if len(scope) < CODE_DIGITS[CITY] or not (VILLAGE_LIKE.fullmatch(name) or not divisions_named(name)):
        return []
    table = villages()
    spellings = [name] if name.endswith(("村", "社区")) else [name, f"{name}村", f"{name}社区"]
    county = scope[: CODE_DIGITS[COUNTY]]
    # A large village is divided into 一街村, 二街村 and so on, and its own name stays in use.
    township = scope if len(scope) == CODE_DIGITS[TOWNSHIP] else ""
    stem = re.escape(name.removesuffix("村"))
    part = re.compile(f"{stem}(?:[一二三四五六七八九十东西南北前后上下中]+(?:街|区|组)?)村")
    parts = [village for village in table.within(township) if part.fullmatch(village)] if township else []
    divided = [Division(township, name, VILLAGE)] if len(parts) > 1 else []
    for within in dict.fromkeys((county, root or county)):
        found = [village for spelling in spellings for village in table.lookup(spelling, within=within)]
        if found:
            return divided + found
    return divided


def towns_of_taiwan(name: str, near: str) -> list[Division]:
    """Return the townships of the county of Taiwan at hand that a short name can mean: at the level of counties, they have none in the table."""
    county = near[: CODE_DIGITS[CITY]]
    if not near.startswith("71") or len(county) < CODE_DIGITS[CITY]:
        return []
    return [one for unit in "乡镇" for one in gazetteer().lookup(name + unit) if one.code.startswith(county)]


def _divisions_today(name: str) -> list[Division]:
    table = gazetteer()
    if name in GENERIC:
        return []
    if name in ABBREVIATIONS:
        return list(_of_code(ABBREVIATIONS[name]))
    found = [*table.lookup(name), *table.lookup(f"{name}新区")]
    if all(one.level > CITY for one in found):
        # 花莲 is sooner the county of Taiwan than its 花莲市.
        found += [one for one in table.lookup(f"{name}县") if one.level == CITY]
    if name in _FEW:
        found += _abbreviated(name)
    elif not table.lookup(name):
        # A 乡 has become a 镇 since, a 县 a 市 or 区, or the other way round.
        for level in (TOWNSHIP, COUNTY):
            short = short_form(name, level)
            found += [one for one in (table.lookup(short) if short else ()) if one.level == level]
        if len(name) > 2:  # noqa: PLR2004 — 恩施州; of 通县 too little is left
            begins, ends = name[:-1], f"自治{name[-1]}"
            found += [one for one in _long_named() if one.name.startswith(begins) and one.name.endswith(ends)]
    return found


# Short names of prefectures that are districts' and townships' names too, and some that are written without 县.
_FEW = frozenset(("巴州", "博州", "克州"))
_WITHOUT_UNIT = {"喀左": "县", "前郭": "县", "杜蒙": "县", "阜蒙": "县", "达茂": "旗"}


def _of_code(code: str) -> tuple[Division, ...]:
    return gazetteer().within(code, CODE_DIGITS.index(len(code)))


def _abbreviated(name: str) -> list[Division]:
    """Return the divisions whose long names hold the characters of a short one in order: 喀左县."""
    name += _WITHOUT_UNIT.get(name, "")
    if not _SHORTENED.fullmatch(name):
        return []
    pattern = re.compile(".*".join(name[:-1]) + f".*{name[-1]}")
    return [division for division in _long_named() if pattern.fullmatch(division.name)]


@cache
def _long_named() -> tuple[Division, ...]:
    table = gazetteer()
    return tuple(
        division
        for first in "123456789"
        for province in table.within(first, PROVINCE)
        for level in (CITY, COUNTY)
        for division in table.within(province.code, level)
        if len(division.name) >= LONG_NAME or division.name.endswith("旗")
    )


@cache
def _former() -> dict[str, tuple[str, ...]]:
    try:
        packed = files("biaozhu.knowledge").joinpath(FORMER).read_bytes()
        lines = lzma.decompress(packed).decode("utf-8").splitlines()
    except (OSError, lzma.LZMAError, ValueError):
        raise ModelDataError("the table of former divisions is missing or damaged", where=FORMER) from None
    return {name: tuple(codes.split()) for name, codes in (line.split("\t") for line in lines)}
