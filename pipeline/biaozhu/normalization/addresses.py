"""The administrative path of each place, weighed over the whole article.

First the article's root is found: the narrowest division that explains most of its names. Then the mentions are read
in order, twice: a candidate gains from the root, from the county and township the text is at, from a division written
right before it, from the counties of its list, and from the same name elsewhere in the article. A township or a village
is known only where something near supports it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import zip_longest

from biaozhu.data.model import Sentence
from biaozhu.knowledge.division_names import CITY, COUNTY, GENERIC, PROVINCE, TOWNSHIP, VILLAGE
from biaozhu.knowledge.gazetteer import CODE_DIGITS, Division, gazetteer
from biaozhu.normalization import place_kinds as kinds
from biaozhu.normalization.division_lookup import divisions_named, former_codes, towns_of_taiwan, villages_named
from biaozhu.normalization.mentions import PlaceMention, made_up_counties, mentions_of
from biaozhu.normalization.places import LEVELS, REGION, Candidate, Place

# An ancestor is the article's root when it explains this share of the names that a table knows.
ROOT_SHARE, ROOT_COUNT = 0.6, 3
# A candidate is known from the first share of the probability on, and one of several from the second.
SURE, SHOWN = 0.6, 0.02
# Provinces that are a city (Beijing, Tianjin, Shanghai): what is within one is near.
SMALL_PROVINCES = ("11", "12", "31")
# Their quarters are called after bays and hills.
HONG_KONG_MACAU = ("81", "82")
# An article says in its first sentences, the heading among them, where it is.
HEAD = 3
# An article that names places abroad more than this many times as often as plain ones of China is on one of them.
ABROAD_TIMES = 3
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


@dataclass(slots=True)
class _Context:
    """Reading context: the root of the article, the last division read inside it, and what names meant so far."""

    root: str
    at: str = ""
    senses: dict[str, str] = field(default_factory=dict)
    # Townships that the article itself puts a village into.
    stated: dict[str, set[str]] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)
    # Counties and the like that no table has, these and those abroad, and the counties that the article names besides.
    made_up: frozenset[str] = frozenset()
    holding: frozenset[str] = frozenset()
    counties: frozenset[str] = frozenset()
    # The path of the one of them that the text is at, and where the article puts what no table has.
    inside: tuple[str, ...] = ()
    placed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    # Names that the article uses of a hill or a river.
    features: frozenset[str] = frozenset()
    # Names that the article first puts into a country abroad, and whether it names any such country, or hardly a place of China.
    abroad: frozenset[str] = frozenset()
    names_abroad: bool = False
    is_abroad: bool = False


def resolve_places(sentences: Sequence[Sentence]) -> tuple[Place, ...]:
    """Return what each PLACE span of one article's sentences means, in the order of the text."""
    mentions = mentions_of(sentences)
    made_up = made_up_counties(mentions, [sentence.id for sentence in sentences[:HEAD]])
    # The first mention counts.
    first = {mention.text: mention.abroad for mention in reversed(mentions)}
    abroad = frozenset(name for name, is_there in first.items() if is_there)
    names = [mention.text for mention in mentions if mention.text not in abroad and not kinds.country_of(mention.text)]
    there = sum(
        name in abroad or kinds.is_abroad(name) or (kinds.has_namesake_abroad(name) and not divisions_named(name))
        for name in (mention.text for mention in mentions)
    )
    here = sum(bool(_plain_code(name)) for name in names)
    if made_up:
        # Its townships have namesakes in other counties, which say nothing.
        names = [name for name in names if 0 < len(_plain_code(name)) <= CODE_DIGITS[COUNTY]]
    named = {one for mention in mentions for one in divisions_named(mention.text)}
    counties = {one.code for one in named if one.level == COUNTY and not _is_low(one)}
    features = frozenset(mention.text for mention in mentions if mention.feature)
    context = _Context(
        root_of(names, here={mention.text for mention in mentions if not mention.elsewhere}),
        made_up=made_up,
        holding=made_up.union(name for name in abroad if kinds.HOLDS_TOWNSHIPS.fullmatch(name)),
        counties=frozenset(counties),
        features=features,
        abroad=abroad,
        names_abroad=any(kinds.is_abroad(mention.text) for mention in mentions),
        is_abroad=there > ABROAD_TIMES * here,
    )
    _read_mentions(mentions, context)
    # The second time, names that only later text made clear are known from the beginning.
    context.at = ""
    context.inside = ()
    if len(context.holding) == 1 and not context.root:
        (name,) = context.holding
        context.inside = (*context.placed.get(name, ()), name)
    return _read_mentions(mentions, context)


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
    weights = {one.code: math.exp(_weigh(one, name, "", (), "", _Context(""))) for one in divisions_named(name)}
    best = max(weights, key=lambda code: weights[code], default="")
    return best if best and weights[best] >= PLAIN * (sum(weights.values()) + math.exp(NONE_OF_THESE)) else ""


def _read_mentions(mentions: Sequence[PlaceMention], context: _Context) -> tuple[Place, ...]:
    places: list[Place] = []
    for mention, following in zip_longest(mentions, mentions[1:]):
        above = places[-1] if mention.inside else None
        place = _resolve_mention(mention, above, following.text if following and following.beside else "", context)
        places.append(place)
        if mention.text in context.holding and not mention.elsewhere:
            context.inside = (*place.under, place.text)
        elif place.level == "county" and place.status == "known" and not mention.elsewhere:
            context.inside = ()
        if place.status == "known" and place.code:
            context.senses.setdefault(mention.text, place.code)
            inside = place.code.startswith(context.root) and not mention.elsewhere
            # A mention of the county that the text is at leaves the township as it is.
            if inside and not context.at.startswith(place.code):
                context.at = place.code[: CODE_DIGITS[TOWNSHIP]]
    return tuple(places)


def _resolve_mention(mention: PlaceMention, above: Place | None, following: str, context: _Context) -> Place:
    name = mention.text
    key = mention.sentence, mention.start, mention.end, mention.written
    before = above.code if above and (mention.beside or kinds.level_by_suffix(name) == "county") else ""
    inside = [division.code for division in divisions_named(following)] if following else []
    country = kinds.country_of(name, (above.text if above and mention.beside else "", following))
    listed = _code_of_list(mention.list_names, context)
    found, is_shared = ([], False) if country and len(name) == 1 else _divisions(mention, before, inside, context)
    if name in GENERIC and (near := before or listed or context.senses.get(name)):
        # 新城区 is a district behind its city, among other districts, and where the text has called it one.
        found += [one for one in gazetteer().lookup(name) if one.code.startswith(near)]
    if not found:
        if country:
            return Place(*key, "known", REGION if country in kinds.REGIONS else LEVELS[0], (country,))
        in_list = any(kinds.level_by_suffix(one) == "village" for one in mention.list_names)
        is_settled = kinds.SETTLED.fullmatch(name) and (in_list or (context.at or context.root)[:2] in HONG_KONG_MACAU)
        # 渭水, after which no division is called
        is_natural = (kinds.is_natural(name) or name[-1] == "水") and not kinds.is_town_abroad(name) and not is_settled
        if is_natural or name in context.features:
            return Place(*key, "natural", "natural")
        level = "" if is_settled else kinds.level_by_suffix(name)
        return Place(*key, "unknown", level, under=_under(level, (), above, mention, context))
    scores = [_weigh(division, name, before, inside, listed, context) for division in found]
    top = max([*scores, NONE_OF_THESE])
    weights = [math.exp(score - top) for score in scores]
    total = sum(weights) + math.exp(NONE_OF_THESE - top)
    ranked = sorted(zip(weights, found, strict=True), key=lambda pair: (-pair[0], pair[1].code))
    candidates = tuple(
        Candidate(division.code, _path(division, context), round(weight / total, 4)) for weight, division in ranked[:5]
    )
    best = ranked[0][1]
    is_weak = _is_weak(best, mention, context, is_shared=is_shared)
    if candidates[0].score < SURE or (
        (is_weak or _is_low(best)) and not _is_supported(best, name, before, inside, listed, context)
    ):
        level = LEVELS[best.level]
        return Place(
            *key, "ambiguous", level, candidates=candidates, under=_under(level, candidates, above, mention, context)
        )
    candidates = tuple(one for one in candidates if one.score >= SHOWN)
    if best.level == TOWNSHIP and best.name != name and kinds.level_by_suffix(name) == "township":
        context.written.setdefault(best.code, name)
        candidates = (Candidate(best.code, _path(best, context), candidates[0].score), *candidates[1:])
    return Place(*key, "known", LEVELS[best.level], candidates[0].path, best.code, candidates)


def _divisions(
    mention: PlaceMention, before: str, inside: Sequence[str], context: _Context
) -> tuple[list[Division], bool]:
    """Return the divisions that a name can mean where it stands, and whether it is also that of others."""
    name, at = mention.text, "" if kinds.is_well_known(mention.text) else context.at or context.root
    found = [*divisions_named(name), *villages_named(name, before or at, context.root)]
    found += _stated(name, before, found, context)
    near = before or context.at or context.root
    found += towns_of_taiwan(name, near)
    if not kinds.level_by_suffix(name) and (mention.cooperative or any(one[:-1] == name for one in context.made_up)):
        found = []
    if kinds.has_namesake_abroad(name) and all(_is_low(one) for one in found):
        found = [division for division in found if _is_meant(division, name, before, inside, context)]
    all_of_name = len(found)
    # Behind a city it is that city's district, whichever of the namesakes came first.
    bound = COUNTY if before and any(d.level == COUNTY and d.code.startswith(before) for d in found) else TOWNSHIP
    found = [d for d in found if not (_is_low(d) or d.level == bound) or _may_be_here(d, before, context)]
    if kinds.is_natural(name):
        # Streets and townships are called after rivers and mountains; the text means them where it says so, or is in the county.
        found = [d for d in found if d.name == name or d.level <= COUNTY or _is_town_of(d, mention, near)]
    if name in context.features:
        found = [division for division in found if division.level <= CITY and not mention.feature]
    # Districts and towns that are called like a city, too: 西安, 南京.
    is_city = any(one.level == CITY and one.name[:-1] == name for one in found)
    if is_city or kinds.country_of(name) or name in kinds.FAMOUS or kinds.COMMON.fullmatch(name):
        found = [division for division in found if _is_meant(division, name, before, inside, context)]
    if mention.abroad or name in context.abroad:
        found = [division for division in found if _is_here(division, mention, before, inside, context)]
    return found, len(found) < all_of_name


def _is_weak(division: Division, mention: PlaceMention, context: _Context, *, is_shared: bool) -> bool:
    """Tell whether a name means the division only where something near supports it."""
    name = mention.text
    # 福山 in an article on Japan, and 冈山县 in any: no division of today is called so.
    respelt = not division.name.startswith(name)
    if (context.names_abroad or respelt) and division.name != name and kinds.has_namesake_abroad(name):
        return division.level >= COUNTY
    # 广南 in an article on Vietnam.
    if context.is_abroad and division.level >= COUNTY and not kinds.level_by_suffix(name):
        return True
    # 衡山 is the county's name sooner than a township's; a brook's is any.
    is_shared = is_shared and not name.endswith("山")
    is_bare = division.level == COUNTY and not kinds.level_by_suffix(name)
    return is_bare and bool(is_shared or mention.organization or kinds.RIVER.fullmatch(name))


def _is_low(division: Division) -> bool:
    # Townships of Taiwan are at the level of counties.
    return division.level >= TOWNSHIP or division.name[-1] in "乡镇"


def _is_only(division: Division, name: str, context: _Context) -> bool:
    """Tell whether a township is the only one of its name, and in a county that the article names."""
    is_only = division.level == TOWNSHIP and len(divisions_named(name)) == 1
    return is_only and division.code[: CODE_DIGITS[COUNTY]] in context.counties


def _is_town_of(division: Division, mention: PlaceMention, near: str) -> bool:
    """Tell whether a name like a bay's or a hill's is a township's in the county at hand: 晋江安海, or one among others there."""
    county = near[: CODE_DIGITS[COUNTY]]
    if len(county) < CODE_DIGITS[COUNTY] or not division.code.startswith(county):
        return False
    others = (one for name in mention.list_names if not kinds.is_natural(name) for one in divisions_named(name))
    return bool(kinds.SETTLED.fullmatch(mention.text)) or any(
        one.level == TOWNSHIP and one.code.startswith(county) for one in others
    )


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
    if _is_only(division, name, context):
        return True
    # A township's short name is a word like any other, which the province alone does not make a township.
    is_word = _is_low(division) and not kinds.level_by_suffix(name) and code[:2] not in SMALL_PROVINCES
    digits = CODE_DIGITS[CITY] if is_word else CODE_DIGITS[PROVINCE]
    return any(len(near) >= digits and code[:digits] == near[:digits] for near in (context.at, context.root))


def _code_of_list(names: Sequence[str], context: _Context) -> str:
    """Return the code of the province or city that holds the counties among the names of a list, an empty string without one."""
    codes = [_plain_code(name) or context.senses.get(name, "") for name in names]
    codes = [code for code in codes if len(code) == CODE_DIGITS[COUNTY]]
    held = ({code[:digits] for code in codes} for digits in (CODE_DIGITS[CITY], CODE_DIGITS[PROVINCE]))
    return next((min(one) for one in held if len(one) == 1), "")


def _is_meant(division: Division, name: str, before: str, inside: Sequence[str], context: _Context) -> bool:
    """Tell whether a name that is mostly a hill's, a lake's or a town's abroad can mean the division: 上海 alone, 竹山 where the text is near."""
    code, at = division.code, context.at or context.root
    near = at.startswith(code) if name in kinds.FAMOUS else bool(at) and code.startswith(at[: CODE_DIGITS[CITY]])
    return division.level <= CITY or near or _is_told(code, before, inside)


def _is_here(division: Division, mention: PlaceMention, before: str, inside: Sequence[str], context: _Context) -> bool:
    """Tell whether a name that is put abroad means the division: 苏州 in 新加坡苏州工业园区, if the article is on 苏州 or had it before."""
    code = division.code
    if division.level <= CITY:
        related = code.startswith(context.root) or context.root.startswith(code)
        return mention.text not in context.abroad or bool(context.root and related)
    near = (context.at or context.root)[: CODE_DIGITS[CITY]]
    return not mention.abroad and ((bool(near) and code.startswith(near)) or _is_told(code, before, inside))


def _is_told(code: str, before: str, inside: Sequence[str]) -> bool:
    return bool(before and code.startswith(before)) or any(other.startswith(code) for other in inside)


def _under(
    level: str, candidates: Sequence[Candidate], above: Place | None, mention: PlaceMention, context: _Context
) -> tuple[str, ...]:
    """Return the path of the place around an unknown one, as `Place.under` has it."""
    # A town abroad has no level, and a country of one character lies beside another one: 中巴.
    rank = LEVELS.index(above.level) if above and above.level in LEVELS else 0
    is_part = len(mention.text) > 1 and (not level or LEVELS.index(level) > rank)
    if above and (above.level in (REGION, *LEVELS) or above.under) and is_part:
        path = above.path or (*above.under, above.text)
        context.placed.setdefault(mention.text, path)
        return path
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


def _stated(name: str, before: str, found: Sequence[Division], context: _Context) -> list[Division]:
    """Return the village in the townships that the article puts it into, where no table has it there."""
    townships = context.stated.setdefault(name, set())
    if len(before) == CODE_DIGITS[TOWNSHIP] and kinds.VILLAGE_LIKE.fullmatch(name):
        townships.add(before)
    missing = [code for code in sorted(townships) if not any(d.code.startswith(code) for d in found)]
    return [Division(code, name, VILLAGE) for code in missing]


def _weigh(division: Division, name: str, before: str, inside: Sequence[str], listed: str, context: _Context) -> float:
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
    score += IN_COUNTY * _is_only(division, name, context)
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
    return _path(gazetteer().within(code, CODE_DIGITS.index(len(code)))[0], context) if code else ()
