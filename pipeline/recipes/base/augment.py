"""Variants of training sentences, so that a model of one newspaper's month also reads other domains.

Drawn anew each epoch: width and shape of marks, other places in the place of places (also in chains from county to
village), other persons in the place of persons, and headlines without their end mark. Names come from the gazetteer,
the table of surnames and the train part itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

import numpy as np

from biaozhu.data.model import Sentence
from biaozhu.knowledge import world
from biaozhu.knowledge.division_names import COUNTY, GENERIC, TOWNSHIP
from biaozhu.knowledge.gazetteer import Division, gazetteer
from biaozhu.knowledge.lexicon import code_points, read_jieba
from biaozhu.knowledge.word_tables import SURNAMES, surname_length
from recipes.base.data import Example, tagged_spans

T = TypeVar("T")

_LONGEST_NAME = 4
ABROAD = world.COUNTRY | world.FOREIGN_REGION | world.FOREIGN_CITY
# Nouns, verbs, adjectives and adverbs that are not too rare, by jieba's tags and counts.
WORD_KINDS, MIN_COUNT, PAIR = "nvad", 5, 2
_END_MARKS = frozenset(map(ord, "。！？.!?"))
# One code point to one: what other papers, web pages and typists write instead.
_HALF = dict(zip("，：；（）！？％．　", ",:;()!?%. ", strict=True))
_HALF |= {chr(code): chr(code - 0xFEE0) for code in range(0xFF10, 0xFF5B) if chr(code).isalnum()}
_QUOTES = (dict(zip("“”‘’", "\"\"''", strict=True)), dict(zip("“”‘’", "「」『』", strict=True)))
_DASHES = ({"—": "-"}, {"—": "~"}, {"—": "－"}, {"—": "～"})
_DOTS = ({"·": "•"}, {"·": "．"}, {"·": "・"})
_ENDS = "村 庄 屯 营 寨 店 集 堡 铺 沟 湾 坪 庄村 营村 屯村 家村 家庄 家庄村 家沟 家营村 社区"
_VILLAGE_ENDS = _ENDS.split()
_ALL = sorted(SURNAMES)
_SINGLE = [one for one in _ALL if len(one) == 1]


@dataclass(frozen=True, slots=True)
class Rates:
    """Rates of each change: of a sentence (marks, headline) or of a name (place, chain, person).

    `empty` is the share of the sentences without a name that an epoch sees; `table` that of new names which come from
    the tables of foreign places, foreign names, persons of history and well-known names, and not from the gazetteer
    and the train part; `word` that of new Chinese persons whose name is a word or a place (高兴, 黄河).
    """

    empty: float = 1.0
    marks: float = 0.3
    headline: float = 0.05
    place: float = 0.12
    chain: float = 0.4
    person: float = 0.15
    table: float = 0.0
    word: float = 0.0


@dataclass(frozen=True, slots=True)
class Names:
    """Sources of drawn names beside the tables: divisions; surnames, given and foreign names as often as in train."""

    counties: tuple[Division, ...]
    townships: tuple[Division, ...]
    surnames: tuple[str, ...]
    given: tuple[str, ...]
    foreign: tuple[str, ...]


def collect_names(sentences: Iterable[Sentence]) -> Names:
    """Collect names: divisions from the gazetteer, surnames and given names as often as the sentences have them."""
    table = gazetteer()
    divisions = [table.division(row) for row in range(len(table))]
    known = [
        one for one in divisions if one.name in table.named and table.named[one.name].full and one.name not in GENERIC
    ]
    spans = [(one.text, span) for one in sentences for span in one.spans]
    persons = [text[span.start : span.end] for text, span in spans if span.label == "PERSON"]
    sized = [(name, surname_length(name)) for name in persons if len(name) <= _LONGEST_NAME]
    # Given names have one or two characters.
    chinese = [(name[:size], name[size:]) for name, size in sized if size and len(name) - size in (1, 2)]
    return Names(
        tuple(one for one in known if one.level == COUNTY),
        tuple(one for one in known if one.level == TOWNSHIP),
        tuple(surname for surname, _ in chinese),
        tuple(given for _, given in chinese),
        tuple(filter(_is_foreign, persons)),
    )


@cache
def words_like_names() -> tuple[str, ...]:
    """Return the words of two characters in jieba's dictionary that begin with a surname and are no person's name."""
    rows = (line.split() for line in read_jieba().decode("utf-8").splitlines())
    return tuple(
        word
        for word, count, kind in rows
        if len(word) == PAIR
        and surname_length(word) == 1
        and kind[0] in WORD_KINDS
        and not kind.startswith("nr")
        and int(count) >= MIN_COUNT
    )


@cache
def _names_of(kinds: int) -> tuple[str, ...]:
    """Return the names of these kinds in the tables, known persons without those that have a dot."""
    names = (name for name, bits in world.world_names().items() if bits & kinds)
    return tuple(name for name in names if kinds != world.KNOWN_PERSON or "·" not in name)


def drawn(
    examples: Sequence[Example], tags: Sequence[str], names: Names, rates: Rates, rng: np.random.Generator
) -> list[Example]:
    """Return what an epoch sees: variants of all examples with a name, and of a share of those without."""
    return [augmented(one, tags, names, rates, rng) for one in examples if one.tags.any() or rng.random() < rates.empty]


def augmented(one: Example, tags: Sequence[str], names: Names, rates: Rates, rng: np.random.Generator) -> Example:
    """Return a variant of an example."""
    edits: list[tuple[int, int, Example]] = []
    for start, end, label in tagged_spans(one.tags, tags):
        if label == "PLACE" and rng.random() < rates.place:
            edits.append((start, end, _tagged(_places(names, rates, rng), "PLACE", tags)))
        elif label == "PERSON" and names.given and rng.random() < rates.person:
            new = _another_person(one.text[start:end], names, rates, rng)
            if new:
                edits.append((start, end, _tagged([new], "PERSON", tags)))
    changed = _edited(one, edits) if edits else one
    if rng.random() < rates.headline and len(changed.points) > 1 and int(changed.points[-1]) in _END_MARKS:
        changed = changed.part(0, -1)
    if rng.random() < rates.marks:
        changed = Example(_other_marks(changed.points, rng), changed.tags)
    return changed


def _tagged(parts: list[str], label: str, tags: Sequence[str]) -> Example:
    first, inner = tags.index(f"{label}-B"), tags.index(f"{label}-I")
    return Example(
        np.array([ord(character) for part in parts for character in part]),
        np.array([first if at == 0 else inner for part in parts for at in range(len(part))]),
    )


def _edited(one: Example, edits: list[tuple[int, int, Example]]) -> Example:
    pieces: list[Example] = []
    reached = 0
    for start, end, new in edits:
        pieces += [one.part(reached, start), new]
        reached = end
    pieces.append(one.part(reached, None))
    return Example(np.concatenate([piece.points for piece in pieces]), np.concatenate([piece.tags for piece in pieces]))


def _places(names: Names, rates: Rates, rng: np.random.Generator) -> list[str]:
    """Return one place, or a chain of units that follow each other in a text."""
    if rng.random() < rates.table:
        return [_pick(_either(_names_of(ABROAD), _names_of(world.KNOWN_PLACE), rng), rng)]
    township = _pick(names.townships, rng)
    if rng.random() >= rates.chain:
        kinds = (_shown_name(_pick(names.counties, rng), rng), _shown_name(township, rng), _village(names, rng))
        return [kinds[int(rng.integers(3))]]
    above = gazetteer().parent(township)
    units = [] if above is None or above.name in GENERIC else [_shown_name(above, rng)]
    chain = [*units, township.name, _village(names, rng)]
    first = int(rng.integers(len(chain) - 1))
    return chain[first : first + 2 + int(rng.integers(2))]


def _shown_name(division: Division, rng: np.random.Generator) -> str:
    named = gazetteer().named
    for size in range(2, len(division.name)):
        short = division.name[:size]
        if short in named and not named[short].full and rng.random() < 0.3:  # noqa: PLR2004 — three in ten without unit word
            return short
    return division.name


def _village(names: Names, rng: np.random.Generator) -> str:
    end = str(rng.choice(_VILLAGE_ENDS))
    if end.startswith("家"):
        return str(rng.choice(_SINGLE)) + end
    stem = _pick(names.townships, rng).name
    return stem[: 2 if len(stem) > 2 else 1] + end  # noqa: PLR2004 — most stems have two characters


def _another_person(text: str, names: Names, rates: Rates, rng: np.random.Generator) -> str:
    """Return a name to stand in the place of this one, empty for none."""
    if _is_foreign(text) and names.foreign:
        by_table = rng.random() < rates.table
        # As many parts as the name has that it replaces.
        parts = [_pick(_names_of(world.FOREIGN_NAME), rng) for _ in text.split("·")] if by_table else []
        return "·".join(parts) or _pick(names.foreign, rng)
    if rng.random() < rates.word:
        return _pick(words_like_names(), rng)
    if rng.random() < rates.table / 2:
        return _pick(_either(_names_of(world.HISTORIC_PERSON), _names_of(world.KNOWN_PERSON), rng), rng)
    return _person(names, rng) if surname_length(text) and len(text) <= _LONGEST_NAME else ""


def _person(names: Names, rng: np.random.Generator) -> str:
    # As often as people have them, and now and then any surname at all, so that rare ones are known too.
    surname = str(rng.choice(_ALL)) if rng.random() < 0.3 else _pick(names.surnames, rng)  # noqa: PLR2004 — three in ten
    given = _pick(names.given, rng)
    if rng.random() < 0.5:  # noqa: PLR2004 — half of them
        # The first character of one name and the last of another: more names than anyone has.
        given = given[0] + _pick(names.given, rng)[-1] if len(given) > 1 else _pick(names.given, rng)[-1]
    return surname + given


def _is_foreign(name: str) -> bool:
    """Tell whether a name is longer than Chinese ones are, or has a dot between its parts."""
    return len(name) > _LONGEST_NAME or "·" in name or (len(name) > 2 and not surname_length(name))  # noqa: PLR2004 — two may be a given name


def _either(first: Sequence[T], second: Sequence[T], rng: np.random.Generator) -> Sequence[T]:
    """Return one of two lists by a toss."""
    return second if rng.random() < 0.5 else first  # noqa: PLR2004 — half of them


def _pick(items: Sequence[T], rng: np.random.Generator) -> T:
    return items[int(rng.integers(len(items)))]


def _other_marks(points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    table: dict[str, str] = {}
    for choice, share in (((_HALF,), 0.6), (_QUOTES, 0.5), (_DASHES, 0.5), (_DOTS, 0.3)):
        if rng.random() < share:
            table |= choice[int(rng.integers(len(choice)))]
    text = "".join(map(chr, points.tolist())).translate({ord(one): other for one, other in table.items()})
    return code_points(text).astype(np.int64)
