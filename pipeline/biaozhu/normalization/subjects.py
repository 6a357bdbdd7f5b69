"""The place that an amount is about: the nearest subject before it in its sentence, paragraph or section.

A place is a subject where a clause begins with it, with its whole chain (county, township) read as its last member.
Members of a list, goals and sources (到, 从, 与 …) are none. Words that point back (该乡, 全县, 我们村) stand for the
last subject of their level; in a quotation, for the speaker's.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain, groupby
from typing import Literal, NamedTuple

from biaozhu.data.model import Article, Sentence
from biaozhu.normalization.addresses import Place

AMOUNT, PERSON = "AMOUNT", "PERSON"
Steps = tuple[str, ...]
Rank = Literal["subject", "of_a_person", "inside", "pointing"]
_POINTING = re.compile(r"(?P<who>该|我们|我|咱们?|全|本)(?P<unit>[省市县区乡镇村])(?![长委直级])")
_ENDS = {ends[0]: ends for ends in ("省区", "市州盟", "县区市旗", "区县市旗", "乡镇道木", "镇乡道木", "村庄屯寨区疃堡")}
_FIRST_PERSON = ("我", "我们", "咱", "咱们")
_CLAUSE_END = re.compile("[，,；;：:。！!？?、…\n]")
_QUOTES = "“”‘’\"'（(「『 \u3000"
# What a clause may have before its subject: time, and words that carry on.
_LEADING = re.compile(r"(?:目前|今年|去年|近年来?|如今|现在|同时|其中|如|在|以来|\d+年|截至|此外|另外|随后|据悉|而)*")
_NO_SUBJECT = re.compile(r"(?:到|赴|去|往|从|来自|向|与|和|同|跟|由|至|对|比|将|把|引进了?|引入了?|参观|[、])$")
_MEMBER = re.compile(r"[、等]")
# Nothing is about the place in 贵州大学.
_NAMES_ON = re.compile(
    "(?:师范|理工|科技|农业|医科|财经|民族|工业|交通|外国语|中医药|职业技术)?(?:大学|学院)|[日晚早]报|卫视|电视台|银行|出版社"
)
_RANKS = {"inside": 0, "of_a_person": 1, "subject": 2, "pointing": 2}
# How far a clause is read around a place, and how many sentences away a speaker is looked for.
LEAD, REACH = 40, 8


class _Anchor(NamedTuple):
    """A place that can be a subject: where its chain begins in the sentence, and how well it serves."""

    start: int
    path: Steps
    rank: Rank
    who: str = ""
    unit: str = ""


@dataclass(slots=True)
class _Seen:
    """The subjects so far: the last of all, and the last that a pointing word of each unit can mean."""

    last: Steps = ()
    by_unit: dict[str, Steps] = field(default_factory=dict)

    def add(self, path: Steps) -> None:
        self.last = path or self.last
        for unit, ends in _ENDS.items():
            if length := max((n for n, step in enumerate(path, 1) if step[-1] in ends), default=0):
                self.by_unit[unit] = path[:length]

    def path_of(self, anchor: _Anchor) -> Steps:
        return self.by_unit.get(anchor.unit, ()) if anchor.rank == "pointing" else anchor.path


@dataclass(slots=True)
class _Paragraph:
    """The sentences of one block with their anchors, the heading above, and what earlier sentences leave behind."""

    sentences: Sequence[Sentence]
    rows: list[list[_Anchor]]
    heading: Steps
    before: _Anchor | None = None
    open_quotes: int = 0
    speakers: dict[int, Steps] = field(default_factory=dict)


def subject_places(
    article: Article, sentences: Sequence[Sentence], places: Iterable[Place]
) -> dict[tuple[str, int], str]:
    """Return the path (steps joined by a slash) of each amount's place, by sentence id and start; empty where none is found.

    The sentences have amounts, places and persons as spans, in order; the blocks of the article say what a heading is.
    """
    by_sentence: dict[str, list[Place]] = defaultdict(list)
    for place in places:
        by_sentence[place.sentence].append(place)
    starts = [block.start for block in article.blocks]
    found: dict[tuple[str, int], Steps] = {}
    seen = _Seen()
    heading: Steps = ()
    for number, members in groupby(sentences, lambda one: max(0, bisect_right(starts, one.start) - 1)):
        ones = list(members)
        paragraph = _Paragraph(ones, [_anchors(one, by_sentence[one.id]) for one in ones], heading)
        kind = article.blocks[number].kind if article.blocks else "paragraph"
        for index, anchors in enumerate(paragraph.rows):
            if kind in ("heading", "title"):
                seen = _Seen()
                for anchor in anchors:
                    seen.add(anchor.path)
                heading = paragraph.heading = seen.last
            found |= _subjects(paragraph, index, seen)
            if kind == "paragraph":
                for path in [seen.path_of(anchor) for anchor in anchors if anchor.rank != "inside"]:
                    seen.add(path)
    return {key: "/".join(path) for key, path in found.items()}


def _subjects(paragraph: _Paragraph, index: int, seen: _Seen) -> dict[tuple[str, int], Steps]:
    """Return the path of the place that each amount of a sentence is about."""
    sentence, anchors = paragraph.sentences[index], paragraph.rows[index]
    found: dict[tuple[str, int], Steps] = {}
    own: _Anchor | None = None
    passed = reached = 0
    text = sentence.text
    for end, is_amount in (*((span.start, span.label == AMOUNT) for span in sentence.spans), (len(text), False)):
        while passed < len(anchors) and anchors[passed].start < end:
            own = _better(own, anchors[passed])
            passed += 1
        paragraph.open_quotes += text.count("“", reached, end) - text.count("”", reached, end)
        reached = end
        if is_amount:
            found[sentence.id, end] = _subject(paragraph, index, own, seen)
    paragraph.before = own or paragraph.before
    return found


def _subject(paragraph: _Paragraph, index: int, own: _Anchor | None, seen: _Seen) -> Steps:
    quoted = paragraph.open_quotes > 0
    if own and own.rank == "pointing" and own.who in _FIRST_PERSON and quoted:
        speaker = _speaker(paragraph, index)
        if speaker and speaker[-1][-1] in _ENDS[own.unit]:
            return speaker
    if anchor := own or paragraph.before:
        return seen.path_of(anchor) or paragraph.heading
    return _speaker(paragraph, index) if quoted else paragraph.heading or seen.last


def _speaker(paragraph: _Paragraph, index: int) -> Steps:
    """Return the place in the paragraph that says who speaks: before the quotation, or else right after it."""
    if index in paragraph.speakers:
        return paragraph.speakers[index]
    paragraph.speakers[index] = ()
    first, last = max(0, index - REACH), min(len(paragraph.rows), index + REACH)
    for other in chain(range(index - 1, first - 1, -1), range(index, last)):
        opened = paragraph.sentences[other].text.find("“") if other < index else -1
        for anchor in reversed(paragraph.rows[other]):
            if anchor.rank in ("subject", "of_a_person") and (opened < 0 or anchor.start < opened):
                paragraph.speakers[index] = anchor.path
                return anchor.path
    return ()


def _better(own: _Anchor | None, other: _Anchor) -> _Anchor:
    """Return the last subject or pointing word, else the last place of a person, else the first other place."""
    if own is None or _RANKS[other.rank] > _RANKS[own.rank]:
        return other
    return other if _RANKS[other.rank] == _RANKS[own.rank] > 0 else own


def _anchors(sentence: Sentence, places: Sequence[Place]) -> list[_Anchor]:
    pointing = _POINTING.finditer(sentence.text)
    anchors = [_Anchor(match.start(), (), "pointing", match["who"], match["unit"]) for match in pointing]
    chains: list[list[Place]] = []
    for place in places:
        if chains and chains[-1][-1].end == place.start:
            chains[-1].append(place)
        else:
            chains.append([place])
    persons = [span.start for span in sentence.spans if span.label == PERSON]
    for levels in chains:
        start, place = levels[0].start, levels[-1]
        rank = _rank(sentence.text, start, place.end, persons)
        if rank and place.status != "natural" and place.level != "country":
            anchors.append(_Anchor(start, place.path or (*place.under, place.text), rank))
    return sorted(anchors, key=lambda anchor: anchor.start)


def _rank(text: str, start: int, end: int, persons: Sequence[int]) -> Rank | None:
    lead = _CLAUSE_END.split(text[max(0, start - LEAD) : start])[-1].strip(_QUOTES)
    member = text[start - 1 : start] == "、" or _MEMBER.match(text, end)
    if member or _NO_SUBJECT.search(lead) or _NAMES_ON.match(text, end):
        return None
    if len(lead) == LEAD or not _LEADING.fullmatch(lead):
        return "inside"
    closing = _CLAUSE_END.search(text, end, end + LEAD)
    person = bisect_left(persons, end)
    near = person < len(persons) and persons[person] < (closing.start() if closing else end + LEAD)
    return "of_a_person" if near else "subject"
