"""People of an article: the mentions of one person, full names and a surname with a title (林主任), joined.

The result is a layer of its own. A surname with a title is not a PERSON by the guideline (R4), and never becomes one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from biaozhu.data.model import Sentence
from biaozhu.knowledge.word_tables import surname_length

LABEL = "PERSON"
_TITLE_WORDS = (
    "书记 主任 主席 总理 总统 部长 省长 市长 县长 区长 乡长 镇长 村长 局长 处长 科长 所长 院长 校长 厂长 站长 队长 会长 董事长 "
    "组长 班长 经理 教授 老师 医生 大夫 律师 法官 警官 先生 女士 小姐 同志 委员 大使 将军 司令 师傅 博士 院士 工程师 记者 教练 总"
)
TITLES = tuple(sorted(_TITLE_WORDS.split(), key=lambda word: (-len(word), word)))
_TITLE = "|".join(TITLES)
LONGEST_TITLE = 6
# 总 alone (陈总) is a title only where nothing goes on with it: 总书记, 总体.
_AFTER = re.compile(
    rf"(?:副|总)?(?P<title>{_TITLE.replace('|总', '')}|总(?![\u4e00-\u9fff]{{0,20}}[体共计部数结量额裁工书理统经]))"
)
_BEFORE = re.compile(rf"(?:副|总)?(?P<title>{_TITLE.replace('|总', '')})$")
# Verbs of office whose last character is a surname too: 曾任主任, 时任书记.
_OFFICE = re.compile(r"[担曾兼现历时前离继上就连出][任]$")


@dataclass(frozen=True, slots=True)
class Mention:
    """One mention: sentence id, code points into its text, the text, and whether it is the full name or a title."""

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

    A surname with a title stands for the one person of that surname; of several, for the one beside whose name the
    title stands, and for nobody where that leaves more than one.
    """
    mentions: dict[str, list[Mention]] = {}
    titles: dict[str, list[str]] = {}
    for sentence in sentences:
        for span in sentence.spans:
            if span.label == LABEL:
                name = sentence.text[span.start : span.end]
                mentions.setdefault(name, []).append(Mention(sentence.id, span.start, span.end, name, "name"))
                titles.setdefault(name, []).extend(_titles_beside(sentence.text, span.start, span.end))
    unresolved: list[Mention] = []
    by_surname: dict[str, list[str]] = {}
    for name in mentions:
        by_surname.setdefault(name[: surname_length(name)], []).append(name)
    for sentence in sentences:
        for mention in _titled(sentence, frozenset(by_surname)):
            name = _meant(mention.text, by_surname, titles)
            (mentions[name] if name else unresolved).append(mention)
    order = {sentence.id: index for index, sentence in enumerate(sentences)}
    persons = []
    for name, found in mentions.items():
        found.sort(key=lambda mention: (order[mention.sentence], mention.start))
        persons.append(Person(name, tuple(dict.fromkeys(titles[name])), tuple(found)))
    return People(tuple(persons), tuple(unresolved))


def _titles_beside(text: str, start: int, end: int) -> list[str]:
    found = [_BEFORE.search(text, max(0, start - LONGEST_TITLE), start), _AFTER.match(text, end)]
    return [match["title"] for match in found if match]


def _titled(sentence: Sentence, surnames: frozenset[str]) -> list[Mention]:
    taken = {at for span in sentence.spans if span.label == LABEL for at in range(span.start, span.end)}
    found = []
    position = 0
    while position < len(sentence.text):
        # Only surnames of the article's own persons: many surnames are ordinary words as well (和, 向, 于).
        pair, one = sentence.text[position : position + 2], sentence.text[position]
        length = 2 if pair in surnames else int(one in surnames)
        title = _AFTER.match(sentence.text, position + length) if length and position not in taken else None
        if title and not _OFFICE.search(sentence.text, max(0, position - 2), position + length):
            end = title.end()
            found.append(Mention(sentence.id, position, end, sentence.text[position:end], "titled"))
            position = end
        else:
            position += 1
    return found


def _meant(mention: str, by_surname: dict[str, list[str]], titles: dict[str, list[str]]) -> str:
    surname = mention[:2] if mention[:2] in by_surname else mention[0]
    title = _AFTER.match(mention, len(surname))
    same = by_surname.get(surname, [])
    fitting = [name for name in same if title and title["title"] in titles[name]]
    chosen = same if len(same) == 1 else fitting
    return chosen[0] if len(chosen) == 1 else ""
