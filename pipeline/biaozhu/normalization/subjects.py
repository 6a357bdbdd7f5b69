"""The place that an amount is about: the nearest subject before it in its sentence, paragraph or section.

A place is a subject where a clause begins with it, with its whole chain (county, township) read as its last member.
Members of a list are none, but where each has its number; nor are goals and sources (到, 从, 与 …). Words that point back (该乡, 全县, 我们村, 当地) stand for the
last subject of their level, in a quotation for the speaker's; a person stands for the place that introduced them. The
place is not sure where no clause begins with it, or where the text has gone to another place since.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, groupby
from typing import Literal, NamedTuple

from biaozhu.data.model import Article, Sentence, Span
from biaozhu.knowledge.division_names import PROVINCE
from biaozhu.knowledge.gazetteer import gazetteer
from biaozhu.knowledge.word_tables import read_alternation
from biaozhu.normalization.mentions import is_from_or_to
from biaozhu.normalization.places import Place
from biaozhu.reading.simplified import to_simplified

AMOUNT, PERSON = "AMOUNT", "PERSON"
Steps = tuple[str, ...]
Rank = Literal["aside", "inside", "person", "of_a_person", "subject", "pointing", "company"]
_UNIT = "[省市县区乡镇村]"
_POINTING = re.compile(
    rf"(?P<who>该|我们|我|咱们?|全|本)(?P<unit>{_UNIT})(?![长委直级])|(?<![\u4e00-\u9fff]){_UNIT}(?=里(?!面))|当地"
)
_ENDS = {ends[0]: ends for ends in ("省区", "市州盟", "县区市旗", "区县市旗", "乡镇道木", "镇乡道木", "村庄屯寨区疃堡")}
# The place before may not be the company's: its plant abroad, and then 公司拟派息.
_COMPANY = re.compile("(?<![^，,；;。\n\t])[该本]?公司")
_FIRST_PERSON = ("我", "我们", "咱", "咱们")
_CLAUSE_END = re.compile("[，,；;：:。！!？?、…\n\t|]")
_QUOTES = "“”‘’\"'（(「『 \u3000"
# What a clause may have before its subject: time, and words that carry on.
_LEADING = re.compile(r"(?:目前|今年|去年|近年来?|如今|现在|同时|其中|如|在|以来|\d+年|截至|此外|另外|随后|据悉|而)*")
_NO_SUBJECT = re.compile(
    "(?P<goal>到|赴|[去来]|往|从|来自|至|参观)$|(?:向|与|和|同|跟|由|对|比|将|把|引进了?|引入了?|出口)$"
)
_MEMBER = re.compile(r"[、等]")
# 鼓楼区742部电梯、仓山区（391部）: between a place and its number, and between that and the next place.
_HAS = re.compile("(?:共?有|[为达占约共])?[：:（(]?")
_DISTANCE = re.compile("[距离隔]$")
_AND = re.compile("[^，,；;：:。！!？?、|]{0,6}(?:[、和及与]|以及)")
# Nothing is about the place in 贵州大学, nor about a river that only rises.
_NAMES_ON = re.compile(read_alternation("mentions", "names_on"))
# 杭州的客商 are not in 杭州.
_ORIGIN = re.compile("[的籍]?(?:朋友|同事|客[商户人]|游客|专家|亲戚|老乡|同学)|人(?=[，,、。])")
_RANKS = {"company": 0, "aside": 0, "inside": 0, "person": 1, "of_a_person": 1, "subject": 2, "pointing": 2}
# A township is known by its name alone at less than this.
SURE = 0.8
_HOME = ("中国", "我国")
# How far a clause is read around a place, and how many sentences away a speaker is looked for.
LEAD, REACH = 40, 8


class Subject(NamedTuple):
    """The place that an amount is about: its path, steps joined by a slash, empty where none is found."""

    path: str
    is_sure: bool


class _Anchor(NamedTuple):
    """A place that can be a subject: where its chain begins in the sentence, and how well it serves.

    `who` is the person of a place, or the first word of a pointing one; `unit` its second.
    """

    start: int
    path: Steps
    rank: Rank
    who: str = ""
    unit: str = ""
    is_sure: bool = True
    is_natural: bool = False


@dataclass(slots=True)
class _Seen:
    """The subjects so far: the last of all, the last that a pointing word of each unit can mean, and that of each person."""

    last: Steps = ()
    by_unit: dict[str, Steps] = field(default_factory=dict)
    by_person: dict[str, Steps] = field(default_factory=dict)
    # The last place of each unit that a clause is about or in.
    named: dict[str, Steps] = field(default_factory=dict)
    # What 当地 means: the last place, be it a subject or a goal.
    here: Steps = ()

    def add(self, path: Steps) -> None:
        self.last = path or self.last
        self.by_unit |= _by_unit(path)
        self.named |= _by_unit(path)

    def read(self, anchor: _Anchor, *, is_told: bool) -> _Anchor:
        """Return an anchor with the path that it stands for by now, and remember what it tells."""
        if anchor.rank == "pointing":
            path = self.by_unit.get(anchor.unit, ()) if anchor.unit else self.here
            # 全市 is another city's as well where one has been named since.
            sure = path == (self.named.get(anchor.unit, path) if anchor.unit else self.last)
            anchor = anchor._replace(path=path, is_sure=sure)
        elif anchor.rank == "person":
            anchor = anchor._replace(path=self.by_person.get(anchor.who, ()))
        elif anchor.rank == "of_a_person":
            self.by_person[anchor.who] = anchor.path
        if not anchor.is_natural:
            self.here = anchor.path or self.here
            if is_told and _RANKS[anchor.rank] > 0:
                self.add(anchor.path)
            elif anchor.rank == "inside":
                self.named |= _by_unit(anchor.path)
        return anchor


def _by_unit(path: Steps) -> dict[str, Steps]:
    """Return the part of a path down to its last step of each unit that it has."""
    steps = [path[:length] for length in range(1, len(path) + 1)]
    return {unit: one for unit, ends in _ENDS.items() for one in steps if one[-1][-1] in ends}


@dataclass(slots=True)
class _Paragraph:
    """The sentences of one block with their anchors, the heading above, and what earlier sentences leave behind."""

    sentences: Sequence[Sentence]
    rows: list[list[_Anchor]]
    heading: Steps
    is_told: bool
    before: _Anchor | None = None
    # Whether another place has been named since the subject.
    is_left: bool = False
    open_quotes: int = 0
    speakers: dict[int, Steps] = field(default_factory=dict)

    def pass_by(self, own: _Anchor | None, anchor: _Anchor) -> _Anchor | None:
        """Return the subject of a sentence after one more anchor."""
        if anchor.rank == "company":
            self.is_left = True
            return own
        if anchor.rank == "person" and (self.before or not anchor.path):
            return own
        if (better := own if anchor.rank == "aside" else _better(own, anchor)) is anchor:
            self.is_left = False
        elif not anchor.is_natural and anchor.path:
            subject = own or self.before
            steps = list(zip(subject.path if subject else self.heading, anchor.path, strict=False))
            self.is_left |= not anchor.is_sure or not steps or any(one != other for one, other in steps)
        return better


def subject_places(
    article: Article, sentences: Sequence[Sentence], places: Iterable[Place]
) -> dict[tuple[str, int], Subject]:
    """Return the place of each amount by sentence id and start.

    The sentences have amounts, places and persons as spans, in order; the blocks of the article say what a heading is.
    """
    by_sentence: dict[str, list[Place]] = defaultdict(list)
    for place in places:
        by_sentence[place.sentence].append(place)
    starts = [block.start for block in article.blocks]
    found: dict[tuple[str, int], Subject] = {}
    seen = _Seen()
    heading: Steps = ()
    for number, members in groupby(sentences, lambda one: max(0, bisect_right(starts, one.start) - 1)):
        ones = list(members)
        kind = article.blocks[number].kind if article.blocks else "paragraph"
        rows = [_anchors(one, by_sentence[one.id]) for one in ones]
        paragraph = _Paragraph(ones, rows, heading, kind == "paragraph")
        for index, anchors in enumerate(rows):
            if kind in ("heading", "title"):
                seen = _Seen()
                for anchor in anchors:
                    if anchor.rank != "aside" and not anchor.is_natural:
                        seen.add(anchor.path)
                heading = paragraph.heading = seen.last
            found |= _subjects(paragraph, index, seen)
    return found


def _subjects(paragraph: _Paragraph, index: int, seen: _Seen) -> dict[tuple[str, int], Subject]:
    """Return the place that each amount of a sentence is about."""
    sentence, anchors = paragraph.sentences[index], paragraph.rows[index]
    found: dict[tuple[str, int], Subject] = {}
    own: _Anchor | None = None
    passed = reached = 0
    text = sentence.text
    for end, is_amount in (*((span.start, span.label == AMOUNT) for span in sentence.spans), (len(text), False)):
        while passed < len(anchors) and anchors[passed].start < end:
            own = paragraph.pass_by(own, seen.read(anchors[passed], is_told=paragraph.is_told))
            passed += 1
        paragraph.open_quotes += text.count("“", reached, end) - text.count("”", reached, end)
        reached = end
        if is_amount:
            path, is_sure = _subject(paragraph, index, own, seen)
            found[sentence.id, end] = Subject("/".join(path), is_sure or not path)
    paragraph.before = own or paragraph.before
    return found


def _subject(paragraph: _Paragraph, index: int, own: _Anchor | None, seen: _Seen) -> tuple[Steps, bool]:
    quoted = paragraph.open_quotes > 0
    if own and own.rank == "pointing" and own.who in _FIRST_PERSON and quoted:
        speaker = _speaker(paragraph, index)
        if speaker and speaker[-1][-1] in _ENDS[own.unit]:
            return speaker, True
    if anchor := own or paragraph.before:
        is_sure = anchor.is_sure and anchor.rank != "inside" and not paragraph.is_left
        return anchor.path or paragraph.heading, is_sure and bool(anchor.path)
    if quoted:
        return _speaker(paragraph, index), True
    return paragraph.heading or seen.last, bool(paragraph.heading) and not paragraph.is_left


def _speaker(paragraph: _Paragraph, index: int) -> Steps:
    """Return the place in the paragraph that says who speaks: before the quotation, or else right after it."""
    if index in paragraph.speakers:
        return paragraph.speakers[index]
    paragraph.speakers[index] = ()
    first, last = max(0, index - REACH), min(len(paragraph.rows), index + REACH)
    for other in chain(range(index - 1, first - 1, -1), range(index, last)):
        opened = paragraph.sentences[other].text.find("“") if other < index else -1
        for anchor in reversed(paragraph.rows[other]):
            told = anchor.rank in ("subject", "of_a_person") and not anchor.is_natural
            if told and (opened < 0 or anchor.start < opened):
                paragraph.speakers[index] = anchor.path
                return anchor.path
    return ()


def _better(own: _Anchor | None, other: _Anchor) -> _Anchor:
    """Return the last subject or pointing word, else the last place of a person, else the first other place."""
    if own is None or _RANKS[other.rank] > _RANKS[own.rank]:
        return other
    return other if _RANKS[other.rank] == _RANKS[own.rank] > 0 else own


def _anchors(sentence: Sentence, places: Sequence[Place]) -> list[_Anchor]:
    text = to_simplified(sentence.text)
    anchors = [
        _Anchor(match.start(), (), "pointing", match["who"] or "", match["unit"] or match[0][:1].strip("当"))
        for match in _POINTING.finditer(text)
    ]
    anchors += [_Anchor(match.start(), (), "company") for match in _COMPANY.finditer(text)]
    chains: list[list[Place]] = []
    for place in places:
        if chains and chains[-1][-1].end == place.start:
            chains[-1].append(place)
        else:
            chains.append([place])
    persons = [span for span in sentence.spans if span.label == PERSON]
    anchors += [
        _Anchor(person.start, (), "person", text[person.start : person.end])
        for person in persons
        if _begins_clause(text, person.start)
    ]
    numbered = _numbered(text, chains, {span.start: span.end for span in sentence.spans if span.label == AMOUNT})
    for levels in chains:
        start, place = levels[0].start, levels[-1]
        if text[start : place.end] not in _HOME or start in numbered:
            rank, who = _rank(text, start, place.end, persons)
            first = numbered.get(start)
            if first and _rank(text, first[0].start, first[-1].end, persons)[0] in ("subject", "inside"):
                rank = "aside" if _DISTANCE.search(_lead(text, first[0].start)) else "subject"
            score = max((one.score for one in place.candidates), default=1.0) if place.status == "known" else 1.0
            is_sure = score >= SURE and not (
                place.under and any(one.status == "ambiguous" and one.under for one in levels)
            )
            path = place.path or (*_above(place), place.text)
            if rank:
                anchors.append(_Anchor(start, path, rank, who, "", is_sure, place.status == "natural"))
    return sorted(anchors, key=lambda anchor: anchor.start)


def _numbered(text: str, chains: Sequence[Sequence[Place]], amounts: Mapping[int, int]) -> dict[int, Sequence[Place]]:
    """Return the first place of each enumeration by the starts of its places, each of which has its number right behind it."""
    found: dict[int, Sequence[Place]] = {}
    first, reached = chains[:1], -1
    for levels in chains:
        has = _HAS.match(text, levels[-1].end)
        end = amounts.get(has.end() if has else -1, -1)
        if reached >= 0 and end >= 0 and _AND.fullmatch(text, reached, levels[0].start):
            found |= dict.fromkeys((first[0][0].start, levels[0].start), first[0])
        else:
            first = [levels]
        reached = end
    return found


def _above(place: Place) -> Steps:
    """Return the path of what holds an unknown place: nothing for a township whose province alone is known."""
    above = gazetteer().named.get(place.under[-1]) if place.under else None
    skips = place.level in ("township", "village") and above is not None and above.level == PROVINCE
    return () if skips else place.under


def _begins_clause(text: str, start: int) -> bool:
    lead = _lead(text, start)
    return len(lead) < LEAD and _LEADING.fullmatch(lead) is not None


def _lead(text: str, start: int) -> str:
    return _CLAUSE_END.split(text[max(0, start - LEAD) : start])[-1].strip(_QUOTES)


def _rank(text: str, start: int, end: int, persons: Sequence[Span]) -> tuple[Rank | None, str]:
    partner = _NO_SUBJECT.search(_lead(text, start))
    if (
        text[start - 1 : start] == "、"
        or _MEMBER.match(text, end)
        or (partner and partner["goal"])
        or is_from_or_to(text, start)
    ):
        return "aside", ""
    if partner or _NAMES_ON.match(text, end):
        return None, ""
    if not _begins_clause(text, start) or _ORIGIN.match(text, end):
        return "inside", ""
    closing = _CLAUSE_END.search(text, end, end + LEAD)
    number = bisect_left(persons, end, key=lambda person: person.start)
    person = persons[number] if number < len(persons) else None
    if person and person.start < (closing.start() if closing else end + LEAD):
        return ("inside" if text[end : end + 1] in "的籍" else "of_a_person"), text[person.start : person.end]
    return "subject", ""
