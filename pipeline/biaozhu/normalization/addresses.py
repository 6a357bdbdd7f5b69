"""The administrative path of each place, weighed over the whole article.

First the article's root is found: the narrowest division that explains most of its names. Then the mentions are read
in order, twice: a candidate gains from the root, from the county and township the text is at, from a division written
right before it, from the counties of its list, and from the same name elsewhere in the article. A township or a village
is known only where something near supports it.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import zip_longest
from typing import Literal

from biaozhu.data.model import Sentence
from biaozhu.knowledge.division_names import CITY, COUNTRIES, COUNTY, PROVINCE, TOWNSHIP, VILLAGE
from biaozhu.knowledge.gazetteer import CODE_DIGITS, Division, gazetteer, villages
from biaozhu.knowledge.word_tables import read_words
from biaozhu.knowledge.world import FOREIGN_CITY, FOREIGN_REGION, world_names
from biaozhu.normalization.division_lookup import divisions_named, former_codes
from biaozhu.normalization.mentions import PlaceMention, mentions_of

Status = Literal["known", "ambiguous", "unknown", "natural"]
LEVELS = ("country", "province", "city", "county", "township", "village")
# An ancestor is the article's root when it explains this share of the names that a table knows.
ROOT_SHARE, ROOT_COUNT = 0.6, 3
# A candidate is known from the first share of the probability on, and one of several from the second.
SURE, SHOWN = 0.6, 0.02
# Provinces that are a city (Beijing, Tianjin, Shanghai): what is within one is near.
SMALL_PROVINCES = ("11", "12", "31")
# An article says in its first sentences, the heading among them, where it is.
HEAD = 3
# A name speaks for where the article is if its likeliest meaning has this share of the probability without any context.
PLAIN = 0.8
# A short name means the highest division that has it, mostly: 河南 is the province, whatever streets share its name.
PRIOR = {PROVINCE: 5.0, CITY: 4.0, COUNTY: 3.0, TOWNSHIP: 1.2, VILLAGE: 0.6}
# 昌江县 is rather 昌江黎族自治县 than 昌江区; 海城县 is what has been called so.
FULL, RESPELT, SAME_UNIT, FORMER = 1.0, 0.3, 1.5, 1.0
IN_ROOT, IN_CITY, IN_COUNTY, IN_TOWNSHIP = 2.5, 0.5, 2.0, 2.5
BESIDE, NOT_BESIDE, HOLDS_NEXT, LISTED = 5.0, -1.0, 3.0, 3.0
# Villages of one name lie in one county: the current township counts for more than an earlier mention.
SAME_NAME, SAME_VILLAGE = 3.0, 1.5
# The score of a place that no table has.
NONE_OF_THESE = 1.0
_VILLAGE_LIKE = re.compile(r".*(?:社区|嘎查|[村庄屯寨疃堡营沟坡湾坪])$")
_NATURAL = re.compile(r".+(?:[江河湖海山岛岭峰峡湾洋溪]|山脉|平原|高原|盆地|草原|沙漠|半岛|群岛|海峡|流域|三角洲)$")
# A hill or a brook like any other, unless the text is at the county that is called so: 竹山, 石河.
_COMMON = re.compile("[竹石茶松荒青绿花果药林草土沙雪火煤铁铜金银大小高前后东西南北上下老新][山河湖江海岛岭溪]")
_FAMOUS = frozenset(read_words("places", "famous_features"))
_RIVER = re.compile(".+河$")
# What holds townships, today or formerly.
_HOLDS_TOWNSHIPS = re.compile(".{2,}(?<![级城门超辖])(?:[县旗市郡]|(?<![政首官])府|(?<![九神满])州|专区)")
_BY_SUFFIX = (
    ("village", _VILLAGE_LIKE),
    ("township", re.compile(r".+(?:街道|苏木|公社|[乡镇])$")),
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

    `status` is known, ambiguous (the tables have the name, and nothing near says which of `candidates`, the likeliest first, or whether any
    of them, is meant), unknown (no table has it where the text puts it; no candidates), or natural (a river, a plain). `level` is one of LEVELS or natural, 亚洲 a country; by its unit word where it is unknown. `path` has the names from the province
    down, as the article writes its own, and `code` the statistical code of the division (of its township where a village has been divided);
    both are empty unless it is known. `under` is the path of what an unknown place is part of, empty where nothing says it: the place written
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
    # Counties and the like that no table has, and the counties that the article names besides.
    made_up: frozenset[str] = frozenset()
    counties: frozenset[str] = frozenset()
    # The path of the made-up one that the text is at, and where the article puts what no table has.
    inside: tuple[str, ...] = ()
    placed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    # Names that the article uses of a hill or a river.
    features: frozenset[str] = frozenset()


def resolve_places(sentences: Sequence[Sentence]) -> tuple[Place, ...]:
    """Return what each PLACE span of one article's sentences means, in the order of the text."""
    mentions = mentions_of(sentences)
    made_up = _made_up(mentions, [sentence.id for sentence in sentences[:HEAD]])
    names = [mention.text for mention in mentions]
    if made_up:
        # Its townships have namesakes in other counties, which say nothing.
        names = [name for name in names if 0 < len(_plain_code(name)) <= CODE_DIGITS[COUNTY]]
    named = {one for mention in mentions for one in divisions_named(mention.text)}
    counties = {one.code for one in named if one.level == COUNTY and not _is_low(one)}
    features = frozenset(mention.text for mention in mentions if mention.feature)
    context = _Context(
        root_of(names, here={mention.text for mention in mentions if not mention.elsewhere}),
        made_up=made_up,
        counties=frozenset(counties),
        features=features,
    )
    _read(mentions, context)
    # The second time, names that only later text made clear are known from the beginning.
    context.at = ""
    context.inside = tuple(made_up) if len(made_up) == 1 and not context.root else ()
    return _read(mentions, context)


def _made_up(mentions: Sequence[PlaceMention], head: Sequence[str]) -> frozenset[str]:
    """Return the names of counties and the like that no table of China has.

    One that is known abroad or from history (石川县 is a prefecture as well) counts in an article that names no other place
    abroad, or begins with it, or puts a place right behind it.
    """
    names = {mention.text for mention in mentions if not divisions_named(mention.text)}
    abroad = {name for name in names if world_names().get(name, 0) & (FOREIGN_REGION | FOREIGN_CITY)}
    found: set[str] = set()
    for mention, following in zip_longest(mentions, mentions[1:]):
        name = mention.text
        if name in names and _HOLDS_TOWNSHIPS.fullmatch(name):
            here = not abroad - {name} or mention.sentence in head or (following is not None and following.beside)
            if not world_names().get(name, 0) or (here and name[-1] not in "市州"):
                found.add(name)
    return frozenset(found)


def root_of(names: Iterable[str], *, here: Container[str] | None = None) -> str:
    """Return the code of the narrowest division, county or above, that explains most of the names, or an empty string.

    Namesakes of several townships meet in some county by chance: one name at least (of `here`, where that is given) must
    mean the division, or what is in it, by itself.
    """
    votes: Counter[str] = Counter()
    total = 0
    names = Counter(names)
    for name, count in names.items():
        weight = min(count, ROOT_COUNT)
        codes = {
            division.code[:digits]
            for division in divisions_named(name)
            for digits in CODE_DIGITS[PROVINCE : COUNTY + 1]
            if len(division.code) >= digits
        }
        total += weight * bool(codes)
        votes.update(dict.fromkeys(codes, weight))
    plain = [_plain_code(name) for name in names if here is None or name in here]
    enough = [
        code
        for code, vote in votes.items()
        if vote >= ROOT_SHARE * total and vote >= ROOT_COUNT and any(one.startswith(code) for one in plain)
    ]
    return max(enough, key=lambda code: (len(code), votes[code], code), default="")


@lru_cache(maxsize=1 << 12)
def _plain_code(name: str) -> str:
    """Return the code of what a name means in any context, empty for one that could be several divisions."""
    weights = {one.code: math.exp(_score(one, name, "", (), "", _Context(""))) for one in divisions_named(name)}
    best = max(weights, key=lambda code: weights[code], default="")
    return best if best and weights[best] >= PLAIN * (sum(weights.values()) + math.exp(NONE_OF_THESE)) else ""


def _read(mentions: Sequence[PlaceMention], context: _Context) -> tuple[Place, ...]:
    places: list[Place] = []
    for mention, following in zip_longest(mentions, mentions[1:]):
        above = places[-1] if mention.inside else None
        place = _place(mention, above, following.text if following and following.beside else "", context)
        places.append(place)
        if place.text in context.made_up and not mention.elsewhere:
            context.inside = (*place.under, place.text)
        elif place.level == "county" and place.status == "known" and not mention.elsewhere:
            context.inside = ()
        if place.status == "known" and place.code:
            context.senses.setdefault(place.text, place.code)
            inside = place.code.startswith(context.root) and not mention.elsewhere
            # A mention of the county that the text is at leaves the township as it is.
            if inside and not context.at.startswith(place.code):
                context.at = place.code[: CODE_DIGITS[TOWNSHIP]]
    return tuple(places)


def _place(mention: PlaceMention, above: Place | None, following: str, context: _Context) -> Place:
    name = mention.text
    key = mention.sentence, mention.start, mention.end, name
    before = above.code if above and mention.beside else ""
    bare = not _level_by_suffix(name)
    found = [*divisions_named(name), *_villages(name, before or context.at or context.root, context.root)]
    found += _stated(name, before, found, context)
    if bare and (mention.cooperative or any(one[:-1] == name for one in context.made_up)):
        found = []
    here = [one for one in found if not _is_low(one) or _may_be_here(one, before, context)]
    all_of_name, found = len(found), here
    natural = _NATURAL.fullmatch(name) and not _VILLAGE_LIKE.fullmatch(name)
    if natural:
        # Streets and townships are called after rivers and mountains; the text means them where it says so.
        found = [d for d in found if d.name == name or d.level <= COUNTY] if not mention.feature else []
        if name in context.features:
            found = [division for division in found if division.level <= CITY]
    inside = [division.code for division in divisions_named(following)] if following else []
    if name in _FAMOUS or _COMMON.fullmatch(name):
        found = [division for division in found if _is_meant(division, name, before, inside, context)]
    if not found:
        if name in COUNTRIES:
            return Place(*key, "known", "country", (name,))
        if natural:
            return Place(*key, "natural", "natural")
        level = _level_by_suffix(name)
        return Place(*key, "unknown", level, under=_under(level, (), above, mention, context))
    listed = _code_of_list(mention.list_names)
    scores = [_score(division, name, before, inside, listed, context) for division in found]
    top = max([*scores, NONE_OF_THESE])
    weights = [math.exp(score - top) for score in scores]
    total = sum(weights) + math.exp(NONE_OF_THESE - top)
    ranked = sorted(zip(weights, found, strict=True), key=lambda pair: (-pair[0], pair[1].code))
    candidates = tuple(
        Candidate(division.code, _path(division, context), round(weight / total, 4)) for weight, division in ranked[:5]
    )
    best = ranked[0][1]
    # 衡山 is the county's name sooner than a township's; a brook's is any.
    is_shared = len(found) < all_of_name and not name.endswith("山")
    is_weak = bare and best.level == COUNTY and (is_shared or mention.organization or _RIVER.fullmatch(name))
    if candidates[0].score < SURE or (
        (is_weak or _is_low(best)) and not _is_supported(best, name, before, inside, listed, context)
    ):
        level = LEVELS[best.level]
        return Place(
            *key, "ambiguous", level, candidates=candidates, under=_under(level, candidates, above, mention, context)
        )
    candidates = tuple(one for one in candidates if one.score >= SHOWN)
    if best.level == TOWNSHIP and best.name != name and _level_by_suffix(name) == "township":
        context.written.setdefault(best.code, name)
        candidates = (Candidate(best.code, _path(best, context), candidates[0].score), *candidates[1:])
    return Place(*key, "known", LEVELS[best.level], candidates[0].path, best.code, candidates)


def _is_low(division: Division) -> bool:
    # Townships of Taiwan are at the level of counties.
    return division.level >= TOWNSHIP or division.name[-1] in "乡镇"


def _may_be_here(division: Division, before: str, context: _Context) -> bool:
    """Tell whether a township or a village is in the place right before it, or else not in a county that the article does not name."""
    if before:
        return division.code.startswith(before)
    return not context.made_up or division.code[: CODE_DIGITS[COUNTY]] in context.counties


def _is_supported(
    division: Division, name: str, before: str, inside: Sequence[str], listed: str, context: _Context
) -> bool:
    """Tell whether anything near a name supports that it means the division."""
    code = division.code
    if _is_told(code, before, inside):
        return True
    if code in (context.senses.get(name), context.senses.get(division.name)) or (listed and code.startswith(listed)):
        return True
    # A township's short name is a word like any other, which the province alone does not make a township.
    is_word = _is_low(division) and not _level_by_suffix(name) and code[:2] not in SMALL_PROVINCES
    digits = CODE_DIGITS[CITY] if is_word else CODE_DIGITS[PROVINCE]
    return any(len(near) >= digits and code[:digits] == near[:digits] for near in (context.at, context.root))


def _code_of_list(names: Sequence[str]) -> str:
    """Return the code of the province or city that holds the counties among the names of a list, an empty string without one."""
    codes = [code for name in names if len(code := _plain_code(name)) == CODE_DIGITS[COUNTY]]
    held = ({code[:digits] for code in codes} for digits in (CODE_DIGITS[CITY], CODE_DIGITS[PROVINCE]))
    return next((min(one) for one in held if len(one) == 1), "")


def _is_meant(division: Division, name: str, before: str, inside: Sequence[str], context: _Context) -> bool:
    """Tell whether a name that is mostly a hill's or a lake's can mean the division: 上海 alone, 竹山 where the text is near."""
    code, at = division.code, context.at or context.root
    near = at.startswith(code) if name in _FAMOUS else bool(at) and code.startswith(at[: CODE_DIGITS[CITY]])
    return division.level <= CITY or near or _is_told(code, before, inside)


def _is_told(code: str, before: str, inside: Sequence[str]) -> bool:
    return bool(before and code.startswith(before)) or any(other.startswith(code) for other in inside)


def _under(
    level: str, candidates: Sequence[Candidate], above: Place | None, mention: PlaceMention, context: _Context
) -> tuple[str, ...]:
    """Return the path of the place around an unknown one, as `Place.under` has it."""
    if above and above.level in LEVELS and (not level or LEVELS.index(level) > LEVELS.index(above.level)):
        return context.placed.setdefault(mention.text, above.path or (*above.under, above.text))
    if mention.text in context.placed:
        return context.placed[mention.text]
    at = context.at or context.root
    if candidates:
        steps = [at[:digits] for digits in CODE_DIGITS[TOWNSHIP:0:-1] if len(at) >= digits]
        holding = (step for step in steps if any(one.code.startswith(step) for one in candidates))
        return _path_of_code(next(holding, ""), context)
    # No table has all villages and townships, but the gazetteer has the rest.
    if level not in ("village", "township"):
        return ()
    return context.inside or _path_of_code(at[: CODE_DIGITS[LEVELS.index(level) - 1]], context)


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


def _score(division: Division, name: str, before: str, inside: Sequence[str], listed: str, context: _Context) -> float:
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
    score += LISTED * bool(listed and division.level == COUNTY and code.startswith(listed))
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
