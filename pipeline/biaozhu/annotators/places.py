"""The layer `places`: one span per named place, from LAC's words, the gazetteer, and the article as a whole.

A name that is certain in one sentence is found everywhere in the article, and so are the names of villages that belong
to a township which the article names.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from biaozhu.annotators.cover import Cover
from biaozhu.annotators.place_units import (
    FACILITIES,
    NATURAL,
    TAIL,
    PlaceUnit,
    cut_units,
    find_leading_units,
    is_certain,
    is_generic,
    is_generic_here,
)
from biaozhu.annotators.registry import Annotator
from biaozhu.data.model import Span
from biaozhu.knowledge.countries import COUNTRIES
from biaozhu.knowledge.division_names import CITY, COUNTY, TOWNSHIP, VILLAGE, short_form
from biaozhu.knowledge.gazetteer import gazetteer, villages
from biaozhu.knowledge.names import find_longest, find_table_names, make_finder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from biaozhu.annotators.words import LacWord

LABEL, SOURCE = "PLACE", "places"
PLACE_TAGS, ORGANISATION_TAGS = ("LOC", "ns"), ("ORG", "nt")
# A name scored as high may be looked for in the rest of the article.
CERTAIN_SCORE = 0.7
DOUBTFUL_SCORE = 0.5
HOPELESS_SCORE = 0.35
SURE_VILLAGE_SCORE = 0.6
SEEN_SCORE = 0.85
COMPLETED_SCORE = 0.6
LONGEST_BARE_CHARS = 6
# Long enough to be nothing else where they fill whole words; countries even where they do not.
LONG_NAME_CHARS = 3
_PARTICLES = "如在到从由对为与和及赴驻向把将让被据经是"
_DIRECTIONS = ("东南", "西南", "东北", "西北")
_TAGS = frozenset((*PLACE_TAGS, *ORGANISATION_TAGS, "nz", "nw"))
_NOT_INSIDE = ("PER", "TIME", "m", "w", *PLACE_TAGS, *ORGANISATION_TAGS)
_UNIT_WORD = re.compile(r"(?:省|市|县|区|乡|镇|村|街道|社区|庄|屯)")
_BREAK = re.compile(
    r"[\s、，。；：,;:!?！？“”\"'‘’（）()《》<>+/·…—-]+|等(?=[地市县村镇乡省区国]|\d|$)|(?<=.[村县镇乡市省])[和与及](?=.)"
)
_HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]")


def _from_words(text: str, words: Sequence[LacWord], seen: frozenset[str]) -> list[Span]:
    spans: list[Span] = []
    for index, word in enumerate(words):
        tag = word.tag
        if tag not in _TAGS:
            continue
        if tag in PLACE_TAGS:
            begin, end = _completed_left(text, words, index), _completed(text, words, index)
            score = word.score if begin == word.start else max(word.score, COMPLETED_SCORE)
            for start, stop in _stretches(text, begin, end):
                spans += _units_of_place(text, start, stop, score, seen)
        else:
            for start, stop in _stretches(text, word.start, word.end):
                units = find_leading_units(text, start, stop, seen=seen)
                spans += [_span(unit, word.score) for unit in units]
                if not units and stop - start <= LONGEST_BARE_CHARS and _whole_village(text, start, stop):
                    spans.append(Span(start, stop, LABEL, SOURCE, round(max(word.score, 0.6), 4)))
    return spans


def find_places(texts: Sequence[str], words: Sequence[Sequence[LacWord]]) -> list[tuple[Span, ...]]:
    """Return the places of each sentence of one article.

    Args:
        texts: the article's sentences, in order.
        words: LAC's words of each.
    """
    # The tables' full names do not depend on what the article has seen: both readings share them.
    full = [_full_names(text, row) for text, row in zip(texts, words, strict=True)]
    rows = list(zip(texts, words, full, strict=True))
    first = [_disjoint([*_from_words(text, row, frozenset()), *names]) for text, row, names in rows]
    names = _certain_names(texts, first)
    # 来宾 is a city here and guests there: each is judged where it stands.
    seen = frozenset(name for name in names if not is_generic(name))
    second = (
        [_disjoint([*_from_words(text, row, seen), *found]) for text, row, found in rows] if seen else first
    )
    known = seen | _children(texts, seen)
    # A village's name without its 村, where it is long enough to be nothing else.
    known |= {name[:-1] for name in known if name.endswith("村") and len(name) > LONG_NAME_CHARS}
    find = make_finder(known) if known else None
    people = [
        Cover(
            (word.start, word.end, word) for word in row if word.tag == "PER" and word.score >= CERTAIN_SCORE
        )
        for row in words
    ]
    shorts = _short_names(known)
    result = []
    for text, spans, row, persons in zip(texts, second, words, people, strict=True):
        found = _everywhere(spans, row, find_longest(find, text)) if find else list(spans)
        found += _beside(text, found, shorts)
        kept = [
            span
            for span in found
            if not _weak(text, span, seen)
            # The very name of a place of this article is no person, whatever LAC says; a part of a person's name is
            # no place.
            and all(
                (person.start, person.end) == (span.start, span.end)
                for person in persons.find(span.start, span.end)
            )
        ]
        result.append(_disjoint(kept))
    return result


def _completed_left(text: str, words: Sequence[LacWord], index: int) -> int:
    # 东西 坡底村: LAC takes the first part of a village's name for a direction, and then doubts the rest.
    word = words[index]
    before = words[index - 1] if index else None
    doubted = word.score < DOUBTFUL_SCORE and word.end - word.start > 1 and text[word.end - 1] in "村庄屯寨"
    if (
        before
        and doubted
        and before.tag == "f"
        and set(text[before.start : before.end]) <= set("东西南北前后上下中")
    ):
        return before.start
    return word.start


def _completed(text: str, words: Sequence[LacWord], index: int) -> int:
    word = words[index]
    if index + 1 < len(words):
        following = words[index + 1]
        unit = text[following.start : following.end]
        confident = word.score >= DOUBTFUL_SCORE
        has_own = _UNIT_WORD.search(text, max(word.start, word.end - 1), word.end)
        if following.start == word.end and _UNIT_WORD.fullmatch(unit) and not has_own:
            joined = text[word.start : following.end]
            # 龙岩 市 and X 村 are cut names; 中国 村 or 福建 县 are two words.
            if joined in gazetteer().named or (
                confident
                and unit in ("村", "乡", "镇", "庄", "屯")
                and text[word.start : word.end] not in gazetteer().named
            ):
                return following.end
    return word.end


def _stretches(text: str, start: int, end: int) -> Iterable[tuple[int, int]]:
    position = start
    for gap in _BREAK.finditer(text, start, end):
        if position < gap.start():
            yield position, gap.start()
        position = gap.end()
        if gap.group().startswith("等"):
            return
    if position < end:
        yield position, end


def _units_of_place(text: str, start: int, end: int, score: float, seen: frozenset[str]) -> list[Span]:
    start = _without_particle(text, start, end)
    name = text[start:end]
    if not _HAN.search(name) or _no_place_here(text, start, end, score, seen):
        return []
    if name in seen:
        score = max(score, SEEN_SCORE)
    if not is_certain(name) and name not in COUNTRIES and name.endswith(FACILITIES):
        return [_span(unit, score) for unit in find_leading_units(text, start, end, seen=seen)]
    tail = TAIL.search(text, start, end)
    if tail and name not in gazetteer().named and name not in villages() and tail.start() - start != 1:
        end = tail.start()
    if start == end or is_generic_here(text, start, end, score):
        return []
    spans = []
    for unit in cut_units(text, start, end):
        piece = text[unit.start : unit.end]
        if is_generic_here(text, unit.start, unit.end, score) or (not unit.known and len(piece) < 2):  # noqa: PLR2004
            continue
        if unit.known or piece in seen or unit.level == NATURAL or score >= HOPELESS_SCORE:
            spans.append(_span(unit, score))
    return spans


def _without_particle(text: str, start: int, end: int) -> int:
    # LAC takes 如 or 在 into some names: what is left must be a name that a table knows.
    name, rest = text[start:end], text[start + 1 : end]
    begins = text[start] in _PARTICLES and name not in gazetteer().named and name not in villages()
    return start + (begins and (is_certain(rest) or rest in villages()))


def _no_place_here(text: str, start: int, end: int, score: float, seen: frozenset[str]) -> bool:
    name = text[start:end]
    # 城区东北 is a direction; 在强大村级组织中 names no village as long as nothing else says so.
    direction = name in _DIRECTIONS and text[max(0, start - 1) : start] in tuple("城省市县区乡镇村")
    collective = (
        name.endswith("村") and score < SURE_VILLAGE_SCORE and text.startswith(("集体", "级", "民"), end)
    )
    return direction or (collective and name not in seen)


def _span(unit: PlaceUnit, score: float) -> Span:
    if unit.known:
        score = max(score, 0.9 if unit.level <= COUNTY or score >= DOUBTFUL_SCORE else 0.6)
    return Span(unit.start, unit.end, LABEL, SOURCE, round(score, 4))


def _whole_village(text: str, start: int, end: int) -> bool:
    name = text[start:end]
    return (
        name.endswith(("村", "庄", "镇", "乡", "县"))
        and not is_generic(name)
        and (name in villages() or name in gazetteer().named)
    )


def _full_names(text: str, words: Sequence[LacWord]) -> list[Span]:
    # Full names of divisions that LAC reads as other words: certain where they fill whole words.
    spans: list[Span] = []
    long_names = _long_names()
    found = [(start, end) for start, end in find_table_names(text) if text[start:end] in long_names]
    found += _countries_in()(text)
    if not found:
        return spans
    tags = {word.start: word.tag for word in words}
    ends = {word.end for word in words}
    for start, end in found:
        if text[start:end] in COUNTRIES:
            spans.append(Span(start, end, LABEL, SOURCE, 0.8))
        elif end in ends and tags.get(start, "w") not in _NOT_INSIDE:
            spans.append(Span(start, end, LABEL, SOURCE, 0.75))
    return spans


@cache
def _long_names() -> frozenset[str]:
    names = (name for name, named in gazetteer().named.items() if named.full and len(name) >= LONG_NAME_CHARS)
    return frozenset(name for name in names if not is_generic(name))


@cache
def _countries_in() -> Callable[[str], list[tuple[int, int]]]:
    return make_finder(name for name in COUNTRIES if len(name) >= LONG_NAME_CHARS)


def _certain_names(texts: Sequence[str], rows: Iterable[tuple[Span, ...]]) -> set[str]:
    best: dict[str, float] = {}
    counts: Counter[str] = Counter()
    for text, spans in zip(texts, rows, strict=True):
        for span in spans:
            name = text[span.start : span.end]
            best[name] = max(best.get(name, 0.0), span.score or 0.0)
            counts[name] += 1
    return {
        name
        for name, score in best.items()
        if len(name) > 1 and (score >= CERTAIN_SCORE or counts[name] > 2)  # noqa: PLR2004 — thrice the same name is no slip
    }


def _children(texts: Sequence[str], seen: frozenset[str]) -> set[str]:
    """Return names of the article that its own counties and townships have as townships and villages."""
    table = gazetteer()
    # A 乡 that has become a 镇 since, or the other way round, is found by its short form.
    renamed = {short_form(name, TOWNSHIP) or "" for name in seen if name not in table.named}
    divisions = [d for name in seen for d in table.lookup(name)]
    divisions += [d for name in renamed for d in table.lookup(name) if d.level == TOWNSHIP]
    parents = {d.code for d in divisions if d.level in (CITY, COUNTY)}
    counties = [d for d in divisions if d.level == COUNTY and d.name in seen]
    townships = [d for d in divisions if d.level == TOWNSHIP]
    inside = [d for d in townships if any(d.code.startswith(code) for code in parents)]
    text = "\n".join(texts)
    standing = {text[start:end] for start, end in find_table_names(text)}
    found = {
        township.name
        for county in counties
        for township in table.within(county.code, TOWNSHIP)
        if len(township.name) > 2 and township.name in standing and township.name in table.named  # noqa: PLR2004
    }
    for township in inside or (townships if len(townships) == 1 else []):
        for village, short in _villages_of(township.code):
            if len(village) > 2 and village in standing and not is_generic(village):  # noqa: PLR2004 — 东村 is everywhere
                found.add(village)
            if short and len(short) > 2 and short in text:  # noqa: PLR2004
                found.add(short)
    return found


@lru_cache(maxsize=1 << 10)
def _villages_of(township: str) -> tuple[tuple[str, str | None], ...]:
    # Articles beside each other are often about the same places.
    return tuple((village, short_form(village, VILLAGE)) for village in villages().within(township))


def _short_names(names: Iterable[str]) -> frozenset[str]:
    table = gazetteer().named
    shorts = set()
    for name in names:
        level = table[name].level if name in table and table[name].full else 0
        if not level and name.endswith(("村", "镇", "乡")):
            level = VILLAGE if name.endswith("村") else TOWNSHIP
        short = short_form(name, level) if level else None
        if short:
            shorts.add(short)
    return frozenset(shorts)


def _everywhere(
    spans: Sequence[Span], words: Sequence[LacWord], names: Sequence[tuple[int, int]]
) -> list[Span]:
    if not names:
        return list(spans)
    result = dict.fromkeys(spans)
    cover = Cover((span.start, span.end, span) for span in spans)
    starts, ends = {word.start for word in words}, {word.end for word in words}
    for start, end in names:
        overlapping = cover.find(start, end)
        if any(span.start <= start and end <= span.end for span in overlapping):
            continue
        # Short names also stand inside other words, and must fill whole words.
        if end - start < 3 and not (start in starts and end in ends):  # noqa: PLR2004
            continue
        if all(start <= span.start and span.end <= end for span in overlapping):
            score = 0.85
        elif all(
            span.end - span.start < end - start and (span.score or 0) < CERTAIN_SCORE for span in overlapping
        ):
            score = 0.7
        else:
            continue
        for span in overlapping:
            cover.remove(span.start, span.end)
            del result[span]
        added = Span(start, end, LABEL, SOURCE, score)
        cover.add(start, end, added)
        result[added] = None
    return list(result)


def _beside(text: str, spans: Sequence[Span], shorts: frozenset[str]) -> list[Span]:
    """Return short names (a township without its 镇) that stand right after a place: headings write them so."""
    found: list[Span] = []
    if not shorts:
        return found
    taken = {position for span in spans for position in range(span.start, span.end)}
    for span in spans:
        for length in (4, 3, 2):
            stop = span.end + length
            if text[span.end : stop] in shorts and not taken.intersection(range(span.end, stop)):
                found.append(Span(span.end, stop, LABEL, SOURCE, 0.75))
                break
    return found


def _weak(text: str, span: Span, seen: frozenset[str]) -> bool:
    name = text[span.start : span.end]
    if name in seen or (span.score or 0.0) >= DOUBTFUL_SCORE:
        return False
    unit = cut_units(text, span.start, span.end)
    return not any(piece.known or piece.level == NATURAL for piece in unit)


def _disjoint(spans: Iterable[Span]) -> tuple[Span, ...]:
    kept: list[Span] = []
    taken: Cover[None] = Cover()
    spans = tuple(spans)
    if len(spans) < 2:  # noqa: PLR2004 — nothing that could overlap
        return spans
    for span in sorted(set(spans), key=lambda s: (-(s.end - s.start), -(s.score or 0.0), s.start)):
        if taken.is_free(span.start, span.end):
            taken.add(span.start, span.end, None)
            kept.append(span)
    return tuple(sorted(kept))


PLACES = Annotator(SOURCE, find_places, proposes={LABEL: 10}, reads_words=True, built_in=True)
