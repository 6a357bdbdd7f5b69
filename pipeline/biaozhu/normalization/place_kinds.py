"""The kind of a place name by itself: its level by its unit word, a hill or a river, a country, a town abroad."""

from __future__ import annotations

import re

from biaozhu.knowledge.division_names import COUNTY
from biaozhu.knowledge.gazetteer import gazetteer
from biaozhu.knowledge.word_tables import read_words
from biaozhu.knowledge.world import COUNTRY, FOREIGN_CITY, FOREIGN_REGION, KNOWN_PLACE, TOWN, world_names

VILLAGE_LIKE = re.compile(r".*(?:社区|嘎查|(?<!海)沟|[村庄屯寨疃堡营坡湾坪])$")
_NATURAL = re.compile(
    r".+(?:[江河湖海山岛岭峰峡湾洋溪]|山脉|平原|高原|盆地|草原|沙漠|半岛|群岛|海峡|流域|三角洲|山区|瀑布|海[沟槽]|峡谷|冰川|[江河湖]口区)$"
)
# Towns and quarters are as often called so.
SETTLED = re.compile(".+[海岭溪湾洋水]$")
# A hill or a brook like any other, unless the text is at the county that is called so: 竹山, 石河.
COMMON = re.compile("[竹石茶松荒青绿花果药林草土沙雪火煤铁铜金银大小高前后东西南北上下老新][山河湖江海岛岭溪]")
FAMOUS = frozenset(read_words("places", "famous_features"))
RIVER = re.compile(".+河$")
# What holds townships, today or formerly.
HOLDS_TOWNSHIPS = re.compile(".{2,}(?<![级城门超辖])(?:[县旗市郡]|(?<![政首官])府|(?<![九神满])州|专区)")
_BY_SUFFIX = (
    ("village", VILLAGE_LIKE),
    ("township", re.compile(r".+(?:街道|苏木|公社|[乡镇])$")),
    ("county", re.compile(r".+[县旗区]$")),
    ("city", re.compile(r".+(?:[市盟州]|地区)$")),
    ("province", re.compile(r".+(?:省|自治区)$")),
)
# Continents and parts of them.
REGIONS = frozenset(read_words("places", "regions"))
_COUNTRIES = REGIONS.union(read_words("places", "countries"), read_words("places", "more_countries"))
# Parts of China that are larger than a province, or no division.
_PARTS_OF_CHINA = frozenset(["东北", "西北", "西南", "华北", "华东", "华南", "华中", "京津冀", "长三角", "珠三角"])
_HOME = frozenset(read_words("places", "home"))
_SHORT = {one[0]: one[1:] for one in read_words("places", "short_countries")}
_IN_PAIRS = {one[0]: one[1:] for one in read_words("places", "short_countries_in_pairs")}


def level_by_suffix(name: str) -> str:
    """Return the level that a name's unit word says, empty without one."""
    level = next((level for level, pattern in _BY_SUFFIX if pattern.fullmatch(name)), "")
    # 汉堡 is no village.
    return "" if level and name[-1] not in "村乡镇" and has_namesake_abroad(name) else level


def is_natural(name: str) -> bool:
    """Tell whether a name is a river's, a mountain's or a bay's (杭州湾) by its end, or a region's without a government."""
    if name in _PARTS_OF_CHINA:
        return True
    city = gazetteer().named.get(name[:-1])
    is_bay = name[-1] == "湾" and city is not None and city.level <= COUNTY
    return bool(_NATURAL.fullmatch(name)) and (is_bay or not VILLAGE_LIKE.fullmatch(name))


def is_well_known(name: str) -> bool:
    """Tell whether a name without a unit word is a place's that is known far beyond its county: 关中."""
    return bool(world_names().get(name, 0) & KNOWN_PLACE) and not level_by_suffix(name)


def is_town_abroad(name: str) -> bool:
    """Tell whether a name that ends like a mountain's or an island's is a town's: 釜山, 福岛."""
    if name[-1] == "岛":
        return any(is_only_abroad(name + unit) for unit in "市县")
    return name[-1] == "山" and is_only_abroad(name)


def country_of(name: str, neighbours: tuple[str, str] = ("", "")) -> str:
    """Return the country or the large region that a name means, in full (美: 美国), empty for another name.

    `neighbours` are the names right before and behind it: 蒙 is 蒙古国 beside 中 or 俄.
    """
    if name in _COUNTRIES or world_names().get(name, 0) & COUNTRY:
        return name
    in_pair = any(one in _SHORT for one in neighbours)
    return _SHORT.get(name, "") or (_IN_PAIRS.get(name, "") if in_pair else "")


def is_abroad(name: str) -> bool:
    """Tell whether a name is that of a country or a region without China."""
    country = country_of(name)
    return bool(country) and country not in _HOME


def has_namesake_abroad(name: str) -> bool:
    """Tell whether a town or a part of a country abroad has this name."""
    return bool(world_names().get(name, 0) & (FOREIGN_REGION | FOREIGN_CITY))


def is_only_abroad(name: str) -> bool:
    """Tell whether the tables have a name abroad and no town of it in China: 福山市, but not 上海."""
    return has_namesake_abroad(name) and not world_names()[name] & TOWN
