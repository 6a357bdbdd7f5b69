"""Mentions of places with what the words around them say: a hill, an organization, an origin, a list, a place inside another."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from unicodedata import category

from biaozhu.data.model import Sentence
from biaozhu.knowledge.division_names import CITY
from biaozhu.knowledge.word_tables import read_alternation
from biaozhu.knowledge.world import world_names
from biaozhu.normalization import place_kinds as kinds
from biaozhu.normalization.division_lookup import divisions_named
from biaozhu.reading.simplified import to_simplified

LABEL = "PLACE"
# How far before a name the words around it are looked for, and how far behind it.
REACH, AFTER = 8, 16
# Names of a list on each side that are looked at.
NEIGHBOURS = 5
# The hill or the river of 黄山市 and 怒江州, not the division.
_CLIMBED = re.compile(
    "(?:登上|登临|攀登|攀爬|(?<!刊)登|爬上?|沿着?|翻越|横渡|渡过?|跨过?|濒临?|引自|汇入|流[入经过]|注入)$"
)
_OF_FEATURE = re.compile(
    f"(?<=[山岭峰])(?:{read_alternation('mentions', 'of_hill')})|(?<=[江河湖溪])(?:{read_alternation('mentions', 'of_river')})"
)
# What may stand between a place and one inside it: 巴基斯坦的吉尔吉特.
_INSIDE = re.compile("的?(?:首都|首府|省会|境内|[东西南北中]部)?的?")
_LISTED = re.compile("[、和与及]")
# A co-operative is called by words: 前进社; what else bears a place's name may be anywhere.
_COOPERATIVE = re.compile(
    "(?:[、和与及][^、和与及，。,]{2,3})*[一二两三四五六七八九十几各等]*(?:农业|生产|合作)*社(?![区会])"
)
_ORGANIZATION = re.compile(f"(?:第?[一二三四五六七八九十]+)?(?:{read_alternation('mentions', 'organisations')})")
# Where someone or something comes from or has gone to says nothing on where the next place lies, nor do neighbours.
_FROM_OR_TO = re.compile(f"(?:{read_alternation('mentions', 'from_or_to')})(?:了|今|原)?$")
_COME_FROM = re.compile(read_alternation("mentions", "come_from"))


@dataclass(frozen=True, slots=True)
class PlaceMention:
    """A place name in a sentence: the name before it, the next one, and the kinds of what the words around it describe.

    `text` is the name in simplified characters, `written` the name as it stands there.
    """

    sentence: str
    start: int
    end: int
    text: str
    written: str
    # Whether it is right behind the name before it, whether it may lie in that place, and the names of the list that it is in.
    beside: bool
    inside: bool
    list_names: tuple[str, ...]
    # Whether a hill or a river is meant, a co-operative, another organization, and where someone comes from or has gone to.
    feature: bool
    cooperative: bool
    organization: bool
    elsewhere: bool
    # Whether the text puts it into a country abroad.
    abroad: bool


def mentions_of(sentences: Sequence[Sentence]) -> list[PlaceMention]:
    """Return the mentions of places in one article's sentences, in order."""
    return [mention for sentence in sentences for mention in _of_sentence(sentence)]


def made_up_counties(mentions: Sequence[PlaceMention], head: Sequence[str]) -> frozenset[str]:
    """Return the names of counties and the like that no table of China has.

    One that is known abroad or from history (石川县 is a prefecture as well) counts in an article that names no other place
    abroad, or begins with it, or puts a place right behind it.
    """
    names = {mention.text for mention in mentions if not mention.abroad and not divisions_named(mention.text)}
    abroad = {name for name in names if kinds.has_namesake_abroad(name)}
    found: set[str] = set()
    for mention, following in zip_longest(mentions, mentions[1:]):
        name = mention.text
        if name in names and kinds.HOLDS_TOWNSHIPS.fullmatch(name):
            here = not abroad - {name} or mention.sentence in head or (following is not None and following.beside)
            if not world_names().get(name, 0) or (here and name[-1] not in "市州"):
                found.add(name)
    return frozenset(found)


def is_from_or_to(text: str, start: int) -> bool:
    """Tell whether the words before a place make it an origin or a destination."""
    return _FROM_OR_TO.search(text, max(0, start - REACH), start) is not None


def _of_sentence(sentence: Sentence) -> list[PlaceMention]:
    text, spans = to_simplified(sentence.text), [span for span in sentence.spans if span.label == LABEL]
    lists = _lists(text, [(span.start, span.end) for span in spans])
    mentions: list[PlaceMention] = []
    # What is said of a chain is said of each member: 湖南省浏阳市人.
    elsewhere = False
    for number, span in enumerate(spans):
        start, end = span.start, span.end
        reached = mentions[-1].end if mentions else 0
        if not mentions or start != reached:
            last = number
            while last + 1 < len(spans) and spans[last + 1].start == spans[last].end:
                last += 1
            chain_end = spans[last].end
            elsewhere = is_from_or_to(text, start) or _COME_FROM.match(text, chain_end, chain_end + AFTER) is not None
        # No table has marks: the selector of a variant, a stress.
        name = "".join(one for one in text[start:end] if category(one)[0] != "M") or text[start:end]
        inside = _INSIDE.fullmatch(text, reached, start) if mentions else None
        mentions.append(
            PlaceMention(
                sentence.id,
                start,
                end,
                name,
                sentence.text[start:end],
                bool(mentions) and start == reached,
                inside is not None,
                lists[number],
                text.startswith("主峰", end)
                or (kinds.is_natural(name) and _is_feature(text, start, end))
                or _is_among_hills(name, lists[number]),
                _COOPERATIVE.match(text, end, end + AFTER) is not None,
                _ORGANIZATION.match(text, end, end + AFTER) is not None,
                elsewhere,
                inside is not None and _is_put_abroad(mentions[-1], name, inside[0]),
            )
        )
    return mentions


def _is_feature(text: str, start: int, end: int) -> bool:
    return bool(_CLIMBED.search(text, max(0, start - REACH), start) or _OF_FEATURE.match(text, end))


def _is_among_hills(name: str, others: Sequence[str]) -> bool:
    # 黄山 beside 九华山, 大兴安岭 beside 柴达木盆地, after which no division is called; 鞍山 is a city all the same.
    is_hill = name in kinds.FAMOUS or all(one.level > CITY for one in divisions_named(name))
    return name[-1] in "山岭" and is_hill and any(kinds.is_natural(one) and not divisions_named(one) for one in others)


def _is_put_abroad(above: PlaceMention, name: str, between: str) -> bool:
    """Tell whether a name right behind another one is of a place abroad: not 上海 in 日本的上海居民 and 中日上海会谈."""
    holds = above.abroad or (len(above.text) > 1 and kinds.is_abroad(above.text))
    return holds and not kinds.country_of(name) and (between != "的" or kinds.is_only_abroad(name))


def _lists(text: str, ends: Sequence[tuple[int, int]]) -> list[tuple[str, ...]]:
    """Return for each name its neighbours in a list, none for one that is alone."""
    runs: list[list[int]] = []
    for number, (start, _) in enumerate(ends):
        if number and _LISTED.fullmatch(text, ends[number - 1][1], start):
            runs[-1].append(number)
        else:
            runs.append([number])
    return [
        tuple(
            text[slice(*ends[other])] for other in run[max(0, at - NEIGHBOURS) : at + NEIGHBOURS + 1] if other != number
        )
        for run in runs
        for at, number in enumerate(run)
    ]
