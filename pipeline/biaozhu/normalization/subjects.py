"""Which place an amount is about: the nearest subject before it in its sentence, paragraph or section.

A place is a subject where a clause begins with it, with its whole chain (county, township) read as its last member.
Members of a list, goals and sources (到, 从, 与 …) are none. Words that point back (该乡, 全县, 我们村) stand for the
last subject of their level; in a quotation, for the speaker's.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from biaozhu.data.model import Article, Sentence, Span
    from biaozhu.normalization.addresses import Place

AMOUNT, PERSON = "AMOUNT", "PERSON"
Steps = tuple[str, ...]
_POINTING = re.compile(r"(?P<who>该|我们|我|咱们?|全|本)(?P<unit>[省市县区乡镇村])(?![长委直级])")
_ENDS = {
    "省": "省区",
    "市": "市州盟",
    "县": "县区市旗",
    "区": "区县市旗",
    "乡": "乡镇道木",
    "镇": "镇乡道木",
    "村": "村庄屯寨区疃堡",
}
_FIRST_PERSON = ("我", "我们", "咱", "咱们")
_CLAUSE_ENDS = "，,；;：:。！!？?、…\n"
_QUOTES = "“”‘’\"'（(「『 \u3000"
# What may stand in a clause before its subject: time, and words that carry on.
_LEADING = re.compile(
    r"(?:目前|今年|去年|近年来?|如今|现在|同时|其中|如|在|以来|\d+年|截至|此外|另外|随后|据悉|而)*"
)
_NO_SUBJECT = re.compile(
    r"(?:到|赴|去|往|从|来自|向|与|和|同|跟|由|至|对|比|将|把|引进了?|引入了?|参观|[、])$"
)
_MEMBER = re.compile(r"[、等]")


@dataclass(frozen=True, slots=True)
class _Anchor:
    """A place that can be a subject: where its chain begins and ends in the sentence, and how well it serves."""

    start: int
    end: int
    path: Steps
    rank: Literal["subject", "of_a_person", "inside", "pointing"]
    who: str = ""
    unit: str = ""


def subject_places(
    article: Article, sentences: Sequence[Sentence], places: Iterable[Place]
) -> dict[tuple[str, int], Steps]:
    """Return the path of the place that each amount is about, by sentence id and start; empty where none is found.

    Args:
        article: the article; its blocks say what a paragraph, a heading and a caption is.
        sentences: its sentences with amounts, places and persons as spans, in order.
        places: what the places mean, from `resolve_places`.
    """
    by_sentence: dict[str, list[Place]] = {}
    for place in places:
        by_sentence.setdefault(place.sentence, []).append(place)
    rows = [_anchors(sentence, by_sentence.get(sentence.id, ())) for sentence in sentences]
    starts = [block.start for block in article.blocks]
    blocks = [max(0, bisect_right(starts, sentence.start) - 1) for sentence in sentences]
    found: dict[tuple[str, int], Steps] = {}
    history: list[Steps] = []
    heading: Steps = ()
    for index, sentence in enumerate(sentences):
        block = article.blocks[blocks[index]] if article.blocks else None
        if block is not None and block.kind in ("heading", "title"):
            history = [anchor.path for anchor in rows[index] if anchor.rank != "pointing"]
            heading = history[-1] if history else ()
        paragraph = [other for other in range(len(sentences)) if blocks[other] == blocks[index]]
        for span in sentence.spans:
            if span.label == AMOUNT:
                found[sentence.id, span.start] = _subject(
                    index, span.start, sentences, rows, _Scope(paragraph, history, heading)
                )
        if block is None or block.kind == "paragraph":
            resolved = [_resolved(anchor, history) for anchor in rows[index] if anchor.rank != "inside"]
            history += [path for path in resolved if path]
    return found


@dataclass(frozen=True, slots=True)
class _Scope:
    paragraph: list[int]
    history: list[Steps]
    heading: Steps


def _subject(
    index: int, position: int, sentences: Sequence[Sentence], rows: Sequence[Sequence[_Anchor]], scope: _Scope
) -> Steps:
    own = _best([anchor for anchor in rows[index] if anchor.start < position])
    earlier = [other for other in scope.paragraph if other < index]
    before = "".join(sentences[other].text for other in earlier) + sentences[index].text[:position]
    quoted = before.count("“") > before.count("”")
    if own and own.rank == "pointing" and own.who in _FIRST_PERSON and quoted:
        speaker = _speaker(index, sentences, rows, scope)
        if speaker and speaker[-1][-1] in _ENDS[own.unit]:
            return speaker
    if own:
        return _resolved(own, scope.history) or scope.heading
    for other in reversed(earlier):
        anchor = _best(rows[other])
        if anchor:
            return _resolved(anchor, scope.history) or scope.heading
    if quoted:
        return _speaker(index, sentences, rows, scope)
    return scope.heading or (scope.history[-1] if scope.history else ())


def _speaker(
    index: int, sentences: Sequence[Sentence], rows: Sequence[Sequence[_Anchor]], scope: _Scope
) -> Steps:
    """Return the place in the paragraph that says who speaks: before the quotation, or else right after it."""
    order = [other for other in reversed(scope.paragraph) if other < index]
    order += [other for other in scope.paragraph if other >= index]
    for other in order:
        opened = sentences[other].text.find("“") if other < index else -1
        named = [
            a
            for a in rows[other]
            if a.rank in ("subject", "of_a_person") and (opened < 0 or a.start < opened)
        ]
        if named:
            return named[-1].path
    return ()


def _best(anchors: Sequence[_Anchor]) -> _Anchor | None:
    """Return the last subject or pointing word, else the last place of a person, else the first other place."""
    for ranks, last in ((("subject", "pointing"), True), (("of_a_person",), True), (("inside",), False)):
        chosen = [anchor for anchor in anchors if anchor.rank in ranks]
        if chosen:
            return chosen[-1] if last else chosen[0]
    return None


def _resolved(anchor: _Anchor, history: Sequence[Steps]) -> Steps:
    if anchor.rank != "pointing":
        return anchor.path
    ends = _ENDS[anchor.unit]
    for path in reversed(history):
        for length in range(len(path), 0, -1):
            if path[length - 1][-1] in ends:
                return path[:length]
    return ()


def _anchors(sentence: Sentence, places: Sequence[Place]) -> list[_Anchor]:
    anchors = [
        _Anchor(match.start(), match.end(), (), "pointing", match["who"], match["unit"])
        for match in _POINTING.finditer(sentence.text)
    ]
    chains: list[list[Place]] = []
    for place in places:
        if chains and chains[-1][-1].end == place.start:
            chains[-1].append(place)
        else:
            chains.append([place])
    persons = [span for span in sentence.spans if span.label == PERSON]
    for chain in chains:
        path = _path_of(chain[-1])
        rank = _rank(sentence.text, chain[0].start, chain[-1].end, persons)
        if path and rank:
            anchors.append(_Anchor(chain[0].start, chain[-1].end, path, rank))
    return sorted(anchors, key=lambda anchor: anchor.start)


def _path_of(place: Place) -> Steps:
    if place.status == "natural" or place.level == "country":
        return ()
    return place.path or (*place.under, place.text)


def _rank(
    text: str, start: int, end: int, persons: Sequence[Span]
) -> Literal["subject", "of_a_person", "inside"] | None:
    opening = start
    while opening > 0 and text[opening - 1] not in _CLAUSE_ENDS:
        opening -= 1
    lead = text[opening:start].strip(_QUOTES)
    if _NO_SUBJECT.search(lead) or text[start - 1 : start] == "、" or _MEMBER.match(text, end):
        return None
    if not _LEADING.fullmatch(lead):
        return "inside"
    closing = next((at for at in range(end, len(text)) if text[at] in _CLAUSE_ENDS), len(text))
    return "of_a_person" if any(end <= person.start < closing for person in persons) else "subject"


def paths_by_amount(found: Mapping[tuple[str, int], Steps]) -> dict[tuple[str, int], str]:
    """Return the paths as text, steps joined by a slash."""
    return {key: "/".join(path) for key, path in found.items()}
