"""The administrative path of each place, weighed over the whole article.

First the article's root is found: the narrowest division that explains most of its names. Then the mentions are read
in order, twice: a candidate gains from the root, from the county and township the text is at, from a division written
right before it, and from the same name elsewhere in the article. What no candidate explains stays unknown; villages
are renamed and merged, and a gazetteer of one year never has them all.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import zip_longest
from typing import Any, Literal, NamedTuple

from biaozhu.data.model import Sentence
from biaozhu.knowledge.division_names import CITY, COUNTRIES, COUNTY, PROVINCE, TOWNSHIP, VILLAGE
from biaozhu.knowledge.gazetteer import CODE_DIGITS, Division, gazetteer, villages
from biaozhu.knowledge.word_tables import read_words
from biaozhu.knowledge.world import FOREIGN_CITY, FOREIGN_REGION, world_names
from biaozhu.normalization.division_lookup import divisions_named, former_codes

LABEL = "PLACE"
Status = Literal["known", "ambiguous", "unknown", "natural"]
LEVELS = ("country", "province", "city", "county", "township", "village")
# An ancestor is the article's root when it explains this share of the names that a table knows.
ROOT_SHARE, ROOT_COUNT = 0.6, 3
# A candidate is known from the first share of the probability on, one of several from the second, named from the third.
SURE, POSSIBLE, SHOWN = 0.6, 0.15, 0.02
# A short name means the highest division that has it, mostly: 河南 is the province, whatever streets share its name.
PRIOR = {PROVINCE: 5.0, CITY: 4.0, COUNTY: 3.0, TOWNSHIP: 1.2, VILLAGE: 0.6}
# 昌江县 is rather 昌江黎族自治县 than 昌江区; 海城县 is what has been called so.
FULL, RESPELT, SAME_UNIT, FORMER = 1.0, 0.3, 1.5, 1.0
IN_ROOT, IN_CITY, IN_COUNTY, IN_TOWNSHIP = 2.5, 0.5, 2.0, 2.5
BESIDE, NOT_BESIDE, HOLDS_NEXT = 5.0, -1.0, 3.0
# Villages of one name lie in one county: the current township counts for more than an earlier mention.
SAME_NAME, SAME_VILLAGE = 3.0, 1.5
# The score of a place that no table has.
NONE_OF_THESE = 1.0
# How far before a name the words that speak of a hill are looked for.
REACH = 3
_VILLAGE_LIKE = re.compile(r".*(?:社区|嘎查|[村庄屯寨疃堡营沟坡湾坪])$")
_NATURAL = re.compile(r".+(?:[江河湖海山岛岭峰峡湾洋溪]|山脉|平原|高原|盆地|草原|沙漠|半岛|群岛|海峡|流域|三角洲)$")
# A hill or a brook like any other, unless the text is at the county that is called so: 竹山, 石河.
_COMMON = re.compile("[竹石茶松荒青绿花果药林草土沙雪火煤铁铜金银大小高前后东西南北上下老新][山河湖江海岛岭溪]")
_FAMOUS = frozenset(read_words("places", "famous_features"))
# The hill or the river of 黄山市 and 怒江州, not the division.
_CLIMBED = re.compile("(?:登上|登临|攀登|攀爬|(?<!刊)登|爬上?|翻越|横渡)$")
_OF_FEATURE = re.compile(
    "(?<=[山岭峰])(?:脚下|之巅|山?顶|主峰|深处|[东西南北]麓|(?:国家级?)?(?:风景(?:名胜)?区|景区))"
    "|(?<=[江河湖溪])(?:两岸|沿岸|干流|支流|流域|[上中下]游|[江河湖]?畔|湖心|水[面位质域])"
)
# What may stand between a place and one inside it: 巴基斯坦的吉尔吉特.
_INSIDE = re.compile("的?(?:首都|首府|省会|境内|[东西南北中]部)?的?")
_COUNTY_LIKE = re.compile(".{2,}(?<![级城门超辖])[县旗市]")
_BY_SUFFIX = (
    ("village", _VILLAGE_LIKE),
    ("township", re.compile(r".+(?:街道|苏木|[乡镇])$")),
    ("county", re.compile(r".+[县旗区]$")),
    ("city", re.compile(r".+(?:[市盟州]|地区)$")),
    ("province", re.compile(r".+(?:省|自治区)$")),
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A division that a name can mean, its path from the province down, and its probability."""

    code: str
    path: tuple[str, ...]
    score: float


@dataclass(frozen=True, slots=True)
class Place:
    """Meaning of a place name, whose offsets are code points into the text of its sentence.

    `status` is known, ambiguous (`candidates`, the likeliest first, says between what), unknown to every table, or natural (a river, a
    plain). `level` is one of LEVELS or natural, 亚洲 a country; by its unit word where it is unknown. `path` has the names from the province
    down, as the article writes its own, and `code` the statistical code of the division (of its township where a village has been divided);
    both are empty unless it is known. `under` is the path of what an unknown place lies in, empty where nothing says it: the place written
    right before it, else the division that the text is at, where that holds a candidate or the unit word is a village's or a township's.
    """

    sentence: str
    start: int
    end: int
    text: str
    status: Status
    level: str
    path: tuple[str, ...] = ()
    code: str = ""
    candidates: tuple[Candidate, ...] = ()
    under: tuple[str, ...] = ()


@dataclass(slots=True)
class _Context:
    """Reading context: the root of the article, the last division read inside it, and what names meant so far."""

    root: str
    at: str = ""
    senses: dict[str, str] = field(default_factory=dict)
    # Townships that the article itself puts a village into.
    stated: dict[str, set[str]] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)
    # Where the article names a county that no table has: the counties that it names besides, and the one that it is at.
    counties: frozenset[str] | None = None
    made_up: tuple[str, ...] = ()


class _Mention(NamedTuple):
    sentence: str
    start: int
    end: int
    text: str
    beside: bool
    # Whether it may lie in the place before it, and whether the words around it speak of a hill or a river.
    inside: bool
    feature: bool


def resolve_places(sentences: Sequence[Sentence]) -> tuple[Place, ...]:
    """Return what each PLACE span of one article's sentences means, in the order of the text."""
    mentions: list[_Mention] = []
    for sentence in sentences:
        reached = len(sentence.text)
        for span in sentence.spans:
            if span.label == LABEL:
                start, end, text = span.start, span.end, sentence.text
                inside = reached <= start and _INSIDE.fullmatch(text, reached, start) is not None
                feature = bool(_CLIMBED.search(text, max(0, start - REACH), start) or _OF_FEATURE.match(text, end))
                mentions.append(_Mention(sentence.id, start, end, text[start:end], start == reached, inside, feature))
                reached = end
    context = _Context(root_of(mention.text for mention in mentions), counties=_counties(mentions))
    _read(mentions, context)
    # The second time, names that only later text made clear are known from the beginning.
    context.at, context.made_up = "", ()
    return _read(mentions, context)


def _counties(mentions: Iterable[_Mention]) -> frozenset[str] | None:
    """Return the codes of the counties named, None unless there is also one that no table has."""
    found: set[str] = set()
    is_made_up = False
    for name in {mention.text for mention in mentions}:
        named = divisions_named(name)
        found |= {division.code for division in named if division.level == COUNTY}
        is_made_up |= not named and _is_made_up(name)
    return frozenset(found) if is_made_up else None


def _is_made_up(name: str) -> bool:
    return _COUNTY_LIKE.fullmatch(name) is not None and not world_names().get(name, 0)


def root_of(names: Iterable[str]) -> str:
    """Return the code of the narrowest division, county or above, that explains most of the names, or an empty string."""
    votes: Counter[str] = Counter()
    total = 0
    for name, count in Counter(names).items():
        weight = min(count, ROOT_COUNT)
        codes = {
            division.code[:digits]
            for division in divisions_named(name)
            for digits in CODE_DIGITS[PROVINCE : COUNTY + 1]
            if len(division.code) >= digits
        }
        total += weight * bool(codes)
        votes.update(dict.fromkeys(codes, weight))
    enough = [code for code, vote in votes.items() if vote >= ROOT_SHARE * total and vote >= ROOT_COUNT]
    return max(enough, key=lambda code: (len(code), votes[code], code), default="")


def place_tree(places: Iterable[Place]) -> dict[str, Any]:
    """Return the places as a tree: name, count of mentions at or below it, and children in order of their codes.

    An unknown place hangs under the one around it, or is at the level of the provinces; `unknown` marks it.
    """
    ways = []
    for place in places:
        unknown = place.status in ("ambiguous", "unknown")
        ways.append(((*place.under, place.text) if unknown else place.path or (place.text,), unknown))
    return _branch("", ways)


def _branch(name: str, ways: Sequence[tuple[tuple[str, ...], bool]]) -> dict[str, Any]:
    children: dict[str, list[tuple[tuple[str, ...], bool]]] = {}
    for steps, unknown in ways:
        if steps:
            children.setdefault(steps[0], []).append((steps[1:], unknown))
    below = [_branch(step, some) for step, some in children.items()]
    return {"name": name, "count": len(ways), "unknown": ways[:1] == [((), True)], "children": below}


def _read(mentions: Sequence[_Mention], context: _Context) -> tuple[Place, ...]:
    places: list[Place] = []
    for mention, following in zip_longest(mentions, mentions[1:]):
        above = places[-1] if mention.inside else None
        place = _place(mention, above, following.text if following and following.beside else "", context)
        places.append(place)
        if place.status == "unknown" and _is_made_up(place.text):
            context.made_up = (*place.under, place.text)
        elif place.level == "county" and place.status == "known":
            context.made_up = ()
        if place.status == "known" and place.code:
            context.senses.setdefault(place.text, place.code)
            inside = place.code.startswith(context.root)
            # A mention of the county that the text is at leaves the township as it is.
            if inside and not context.at.startswith(place.code):
                context.at = place.code[: CODE_DIGITS[TOWNSHIP]]
    return tuple(places)


def _place(mention: _Mention, above: Place | None, following: str, context: _Context) -> Place:
    key, name = mention[:4], mention.text
    before = above.code if above and mention.beside else ""
    found = [*divisions_named(name), *_villages(name, before or context.at or context.root, context.root)]
    found += _stated(name, before, found, context)
    if context.counties is not None and not before:
        # Its townships have namesakes in other counties.
        found = [d for d in found if d.level <= COUNTY or d.code[: CODE_DIGITS[COUNTY]] in context.counties]
    natural = _NATURAL.fullmatch(name) and not _VILLAGE_LIKE.fullmatch(name)
    if natural:
        # Streets and townships are called after rivers and mountains; the text means them where it says so.
        found = [d for d in found if d.name == name or d.level <= COUNTY] if not mention.feature else []
    inside = [division.code for division in divisions_named(following)] if following else []
    if name in _FAMOUS or _COMMON.fullmatch(name):
        found = [division for division in found if _is_meant(division, name, before, inside, context)]
    if not found:
        if name in COUNTRIES:
            return Place(*key, "known", "country", (name,))
        if natural:
            return Place(*key, "natural", "natural")
        level = _level_by_suffix(name)
        return Place(*key, "unknown", level, under=_under(level, (), above, context))
    scores = [_score(division, name, before, inside, context) for division in found]
    top = max([*scores, NONE_OF_THESE])
    weights = [math.exp(score - top) for score in scores]
    total = sum(weights) + math.exp(NONE_OF_THESE - top)
    ranked = sorted(zip(weights, found, strict=True), key=lambda pair: (-pair[0], pair[1].code))
    candidates = tuple(
        Candidate(division.code, _path(division, context), round(weight / total, 4))
        for weight, division in ranked[:5]
        if weight / total >= SHOWN
    )
    best = ranked[0][1]
    if not candidates or candidates[0].score < SURE:
        status: Status = "ambiguous" if candidates and candidates[0].score >= POSSIBLE else "unknown"
        level = LEVELS[best.level] if status == "ambiguous" else _level_by_suffix(name)
        held = candidates if status == "ambiguous" else ()
        return Place(*key, status, level, candidates=candidates, under=_under(level, held, above, context))
    if best.level == TOWNSHIP and best.name != name and _level_by_suffix(name) == "township":
        context.written.setdefault(best.code, name)
        candidates = (Candidate(best.code, _path(best, context), candidates[0].score), *candidates[1:])
    return Place(*key, "known", LEVELS[best.level], candidates[0].path, best.code, candidates)


def _is_meant(division: Division, name: str, before: str, inside: Sequence[str], context: _Context) -> bool:
    """Tell whether a name that is mostly a hill's or a lake's can mean the division: 上海 alone, 竹山 where the text is near."""
    code, at = division.code, context.at or context.root
    near = at.startswith(code) if name in _FAMOUS else bool(at) and code.startswith(at[: CODE_DIGITS[CITY]])
    named = (before and code.startswith(before)) or any(other.startswith(code) for other in inside)
    return division.level <= CITY or near or bool(named)


def _under(level: str, candidates: Sequence[Candidate], above: Place | None, context: _Context) -> tuple[str, ...]:
    """Return the path of the place around an unknown one, as `Place.under` has it."""
    if above and above.level in LEVELS and (not level or LEVELS.index(level) > LEVELS.index(above.level)):
        return above.path or (*above.under, above.text)
    at = context.at or context.root
    if candidates:
        steps = [at[:digits] for digits in CODE_DIGITS[TOWNSHIP:0:-1] if len(at) >= digits]
        holding = (step for step in steps if any(one.code.startswith(step) for one in candidates))
        return _path_of_code(next(holding, ""), context)
    # No table has all villages and townships, but the gazetteer has the rest.
    if level not in ("village", "township"):
        return ()
    if context.made_up:
        return context.made_up
    return _path_of_code(at[: CODE_DIGITS[LEVELS.index(level) - 1]], context)


@lru_cache(maxsize=1 << 12)
def _villages(name: str, scope: str, root: str) -> list[Division]:
    if len(scope) < CODE_DIGITS[CITY] or not (_VILLAGE_LIKE.fullmatch(name) or not divisions_named(name)):
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


def _stated(name: str, before: str, found: Sequence[Division], context: _Context) -> list[Division]:
    """Return the village in the townships that the article puts it into, where no table has it there."""
    townships = context.stated.setdefault(name, set())
    if len(before) == CODE_DIGITS[TOWNSHIP] and _VILLAGE_LIKE.fullmatch(name):
        townships.add(before)
    missing = [code for code in sorted(townships) if not any(d.code.startswith(code) for d in found)]
    return [Division(code, name, VILLAGE) for code in missing]


def _score(division: Division, name: str, before: str, inside: Sequence[str], context: _Context) -> float:
    code, at = division.code, context.at
    score = PRIOR[division.level] + FULL * (division.name == name)
    same_unit = len(name) > 1 and name[-1] == division.name[-1]
    score += SAME_UNIT if same_unit else FORMER * (code in former_codes(name))
    score -= RESPELT * (not division.name.startswith(name))
    score += IN_ROOT * bool(context.root and (code.startswith(context.root) or context.root.startswith(code)))
    for level, gain in ((CITY, IN_CITY), (COUNTY, IN_COUNTY), (TOWNSHIP, IN_TOWNSHIP)):
        digits = CODE_DIGITS[level]
        score += gain * (len(at) >= digits and code[:digits] == at[:digits])
    if before:
        holds = code.startswith(before) and division.level > CODE_DIGITS.index(len(before))
        score += BESIDE if holds else NOT_BESIDE
    score += HOLDS_NEXT * any(other.startswith(code) and other != code for other in inside)
    same = SAME_VILLAGE if division.level == VILLAGE else SAME_NAME
    return score + same * (context.senses.get(name) == code)


def _path(division: Division, context: _Context) -> tuple[str, ...]:
    if division.level == VILLAGE:
        return (*_path_of_code(division.code[: CODE_DIGITS[TOWNSHIP]], context), division.name)
    # 东莞市 has no districts: its row of a district bears the city's own name.
    return tuple(dict.fromkeys(context.written.get(step.code, step.name) for step in gazetteer().path(division)))


def _path_of_code(code: str, context: _Context) -> tuple[str, ...]:
    if not code:
        return ()
    found = gazetteer().within(code, CODE_DIGITS.index(len(code)))
    return _path(found[0], context) if found else ()


def _level_by_suffix(name: str) -> str:
    level = next((level for level, pattern in _BY_SUFFIX if pattern.fullmatch(name)), "")
    # 汉堡 is no village.
    abroad = level and name[-1] not in "村乡镇" and world_names().get(name, 0) & (FOREIGN_REGION | FOREIGN_CITY)
    return "" if abroad else level
