"""People of an article: the mentions of one person joined: the full name, a part of it (钦那瓦), a surname with a title (林主任).

The result is a layer of its own. A surname with a title is not a PERSON by the guideline (R4), and never becomes one.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from biaozhu.annotators.repair.edit import DOTS
from biaozhu.data.model import Sentence
from biaozhu.knowledge.word_tables import read_words, surname_length

LABEL = "PERSON"
_TITLE = "|".join(sorted(read_words("persons", "titles"), key=lambda word: (-len(word), word)))
# What makes another office of a title: 副县长, 总工程师, 首席部长.
_RANK = "(?:常务|执行|名誉|首席|代理|助理)?[副总]{0,2}"
LONGEST_TITLE = 8
# 总 alone (陈总) is a title only where nothing goes on with it: 总书记, 总体.
_AFTER = re.compile(rf"{_RANK}(?:{_TITLE}|总(?![\u4e00-\u9fff]{{0,20}}[体共计部数结量额裁工书理统经]))")
_BEFORE = re.compile(rf"{_RANK}(?:{_TITLE})$")
_DOTS = re.compile(f"[{DOTS}]")
# Verbs of office whose last character is a surname too: 曾任主任, 时任书记.
_OFFICE = re.compile(r"[担曾兼现历时前离继上就连出][任]$")


@dataclass(frozen=True, slots=True)
class Mention:
    """One mention: sentence id, code points into its text, the text, and whether it is the name, in full or a part, or a title."""

    sentence: str
    start: int
    end: int
    text: str
    kind: Literal["name", "titled"]


@dataclass(frozen=True, slots=True)
class Person:
    """A person of an article: the full name, titles that are beside it, and all mentions in order."""

    name: str
    titles: tuple[str, ...]
    mentions: tuple[Mention, ...]


@dataclass(frozen=True, slots=True)
class People:
    """The persons of an article, and the titled mentions that fit none of them or more than one."""

    persons: tuple[Person, ...]
    unresolved: tuple[Mention, ...]


def group_people(sentences: Sequence[Sentence]) -> People:
    """Group what the sentences of one article, in order and with persons as spans, say of persons.

    A part of a name with dots stands for the one person whose name has it. A surname with a title stands for the one person
    of that surname; of several, for the one beside whose name the title stands (of a 副校长 it may be 校长), and for nobody
    where that leaves more than one.
    """
    mentions: dict[str, list[Mention]] = defaultdict(list)
    titles: dict[str, dict[str, None]] = defaultdict(dict)
    named = [(sentence, span) for sentence in sentences for span in sentence.spans if span.label == LABEL]
    full = _full_names(dict.fromkeys(sentence.text[span.start : span.end] for sentence, span in named))
    for sentence, span in named:
        text = sentence.text[span.start : span.end]
        name = full[text]
        mentions[name].append(Mention(sentence.id, span.start, span.end, text, "name"))
        before = _BEFORE.search(sentence.text, max(0, span.start - LONGEST_TITLE), span.start)
        beside = before, _AFTER.match(sentence.text, span.end)
        titles[name] |= dict.fromkeys(match[0] for match in beside if match)
    unresolved: list[Mention] = []
    by_surname: dict[str, list[str]] = defaultdict(list)
    for name in mentions:
        by_surname[name[: surname_length(name)]].append(name)
    for sentence in sentences:
        for mention, surname, title in _titled(sentence, by_surname):
            fitting = same = by_surname[surname]
            if len(same) > 1:
                exact = [name for name in same if title in titles[name]]
                fitting = exact or [name for name in same if any(one.endswith(title) for one in titles[name])]
            (mentions[fitting[0]] if len(fitting) == 1 else unresolved).append(mention)
    order = {sentence.id: index for index, sentence in enumerate(sentences)}
    persons = []
    for name, found in mentions.items():
        found.sort(key=lambda mention: (order[mention.sentence], mention.start))
        persons.append(Person(name, tuple(titles[name]), tuple(found)))
    return People(tuple(persons), tuple(unresolved))


def _full_names(names: Collection[str]) -> dict[str, str]:
    """Return for each name the one longer name that has it between dots (佩通坦 of 佩通坦·钦那瓦), itself where none has it or several."""
    parts = {name: _DOTS.split(name) for name in sorted(names, key=len, reverse=True)}
    holding: dict[str, list[str]] = defaultdict(list)
    full: dict[str, str] = {}
    for name, own in parts.items():
        # The end of a name, dots in it, is as often the father: 梅莱斯·泽纳维·阿斯雷斯.
        held = {full[one] for one in holding[own[0]] if len(own) == 1 or parts[one][: len(own)] == own}
        full[name] = held.pop() if len(held) == 1 else name
        for part in set(own):
            holding[part].append(name)
    return full


def _titled(sentence: Sentence, surnames: Collection[str]) -> Iterator[tuple[Mention, str, str]]:
    """Yield each surname with a title, and both apart."""
    taken = {at for span in sentence.spans if span.label == LABEL for at in range(span.start, span.end)}
    text, reached = sentence.text, 0
    for start in range(len(text)):
        # Only surnames of the article's own persons: many surnames are ordinary words as well (和, 向, 于).
        surname = next((name for name in (text[start : start + 2], text[start]) if name in surnames), "")
        if start < reached or start in taken or not surname:
            continue
        title = _AFTER.match(text, start + len(surname))
        if title and not _OFFICE.search(text, max(0, start - 2), start + len(surname)):
            reached = title.end()
            yield Mention(sentence.id, start, reached, text[start:reached], "titled"), surname, title[0]
