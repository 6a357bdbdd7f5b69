"""Words that name no certain place (guideline P6), and names that surely do."""

from __future__ import annotations

import re

from biaozhu.knowledge.division_names import COUNTY, GENERIC
from biaozhu.knowledge.gazetteer import gazetteer
from biaozhu.knowledge.word_tables import read_words

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


def is_generic(name: str) -> bool:
    """Return whether the words name no certain place: 该乡, 各村, 县城, 竹编之乡."""
    # One character is a unit word or an abbreviation that needs its context.
    known = len(name) < 2 or name in NO_NAMES or "之乡" in name  # noqa: PLR2004 — as said above
    return known or (bool(ANY_UNIT.fullmatch(name)) and not is_certain(name))


def is_certain(name: str) -> bool:
    """Return whether the name is a division's with its unit word, or the short form of a county or more."""
    named = gazetteer().named.get(name)
    return named is not None and (named.full or named.level <= COUNTY)
