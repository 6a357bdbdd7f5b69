"""Names straight from a network whose words have labels as tags, such as the accurate model: the layer `network`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from biaozhu.annotators.amounts import amount_borders
from biaozhu.annotators.cover import Cover
from biaozhu.annotators.registry import Annotator
from biaozhu.annotators.repair.edit import Edit, Word
from biaozhu.annotators.repair.persons import MONGOLIAN, TIBETAN, TURKIC, YI, repair_persons
from biaozhu.annotators.repair.places import repair_places
from biaozhu.annotators.words import LacWord
from biaozhu.data.model import Span
from biaozhu.knowledge.division_names import PROVINCE, VILLAGE
from biaozhu.knowledge.lexicon import LONGEST
from biaozhu.knowledge.word_tables import read_words
from biaozhu.knowledge.world import HISTORIC_PERSON, KNOWN_PERSON, KNOWN_PLACE, PLACE_KINDS

SOURCE = "network"
OUTSIDE, AMOUNT = "O", "AMOUNT"
PROPOSED = {AMOUNT: 45, "PERSON": 30, "PLACE": 10}
# Where it is so sure, the network knows rare units (两箧, 四万里弗) and borders better than the grammar; chosen on dev.
MIN_SCORE = {AMOUNT: 0.85}
UNNAMED = "某"
# What a tab, a bar, the end of a line or the arrow of a change parts is two names, not one: 4.1%→3.85%; but 3000→4500元, whose
# numbers share a unit.
_CELL = re.compile(r"[^\s|→](?:(?:[^\t|→\n\r\v\f\x85\u2028\u2029]|(?<=\d)→)*[^\s|→])?")
# A person of fewer characters is not cut.
SHORTEST_CUT = 3
COMMON_IN_NAMES = frozenset("".join(read_words("given_names", "common")))
REFUSED_ENDINGS = read_words("facilities", "endings")
# 粤府办〔2023〕5号: the number of a document (P8).
_OF_NUMBER = re.compile(
    "(?<!..[省市县区州])[\u4e00-\u9fff]{0,3}[发办字函规][〔\\[【(（](?:19|20)[0-9]{2}[〕\\]】)）]第?[0-9]+号"
)


def find_labelled(texts: Sequence[str], words: Sequence[Sequence[LacWord]]) -> list[tuple[Span, ...]]:
    """Return the words of an article that have a label of biaozhu as tag, repaired, without those that the guideline refuses."""
    found = []
    for text, row in zip(texts, words, strict=True):
        spans = labelled_spans(text, row, source=SOURCE)
        allowed = [span for span in spans if span.label in PROPOSED and not is_refused(text, span)]
        found.append(repair_names(text, _settle_amounts(text, allowed)))
    return align_names(texts, found)


def align_names(texts: Sequence[str], rows: Sequence[tuple[Span, ...]]) -> list[tuple[Span, ...]]:
    """Return the spans of an article with its persons' ends where most sentences have them, and persons where most take a place for one.

    Of 冯异 three times and 冯异勒 once, before 住马, the latter loses its last character, unless it could be another's name
    (see `_ends_too_late`); one that has a character too few gets it.
    """
    labels = Counter(
        (text[span.start : span.end], span.label) for text, row in zip(texts, rows, strict=True) for span in row
    )
    counts = Counter({name: times for (name, label), times in labels.items() if label == "PERSON"})
    persons = {name for name, times in counts.items() if _is_person(name, times, labels[name, "PLACE"])}
    aligned = []
    for text, row in zip(texts, rows, strict=True):
        limits = [*(span.start for span in row[1:]), len(text)]
        spans = (
            replace(one, label="PERSON") if one.label == "PLACE" and text[one.start : one.end] in persons else one
            for one in row
        )
        aligned.append(tuple(_aligned(text, *one, counts) for one in zip(spans, limits, strict=False)))
    return aligned


def _is_person(name: str, times: int, as_place: int) -> bool:
    """Tell whether a name that is marked as a place, too, is a person's in the article: where it is that oftener, or no place's."""
    if not as_place or times < as_place:
        return False
    if any(name in names for names in (TIBETAN, MONGOLIAN, TURKIC, YI)):
        return True
    word = Edit(name).word(0, len(name)) or Word(0, 0, 0)
    both = word.is_of(KNOWN_PERSON | HISTORIC_PERSON)
    is_place = word.is_division(PROVINCE, VILLAGE) or word.is_of(KNOWN_PLACE) or (word.is_of(PLACE_KINDS) and not both)
    return times > as_place and not is_place


def _aligned(text: str, span: Span, limit: int, counts: Counter[str]) -> Span:
    if span.label != "PERSON":
        return span
    start, end = span.start, span.end
    here = counts[text[start:end]]
    shorter = end - start >= SHORTEST_CUT and counts[text[start : end - 1]] > here == 1
    if shorter and _ends_too_late(text, start, end):
        return replace(span, end=end - 1)
    return replace(span, end=end + 1) if end < limit and counts[text[start : end + 1]] > here else span


def _ends_too_late(text: str, start: int, end: int) -> bool:
    """Tell whether the last character of a person is no part of a name: not 马克思 beside 马克, nor 王晓明 beside 王晓."""
    edit = Edit(text[start : end + LONGEST])
    length = end - start
    if edit.word(0, length) is not None:
        return False
    goes_on = any(one.is_plain and one.start == length - 1 and one.end > length for one in edit.words)
    return goes_on or text[end - 1] not in COMMON_IN_NAMES


def repair_names(text: str, spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return the spans of a text as the rules of `repair` leave them, sorted."""
    edit = Edit(text, spans)
    repair_persons(edit)
    repair_places(edit)
    return tuple(edit.spans)


def labelled_spans(text: str, words: Sequence[LacWord], *, source: str, min_score: float = 0.0) -> Iterator[Span]:
    """Yield the words that have a label as tag and this score or more, each line and cell of a table by itself, without white space at their ends."""
    for start, end, tag, score in words:
        if tag != OUTSIDE and score >= min_score:
            for cell in _CELL.finditer(text, start, end):
                yield Span(*cell.span(), tag, source, score)


def is_refused(text: str, span: Span) -> bool:
    """Tell whether the guideline refuses a name by its form: 李某 (R4), a road or another facility (P5), in a number (P8)."""
    name = text[span.start : span.end]
    if span.label == "PLACE":
        return name.endswith(REFUSED_ENDINGS) or _OF_NUMBER.match(text, span.end) is not None
    return span.label == "PERSON" and UNNAMED in name


def _settle_amounts(text: str, spans: Sequence[Span]) -> list[Span]:
    """Return the spans, amounts that the network is sure of with what the grammar counts to them, or not where it knows better."""
    names = Cover((span.start, span.end, span) for span in spans if span.label != AMOUNT)
    kept: list[Span] = []
    reached = 0
    for span in spans:
        if span.start < reached:
            continue
        settled, is_sure = span, (span.score or 0.0) >= MIN_SCORE[AMOUNT]
        if span.label == AMOUNT and is_sure:
            borders = amount_borders(text, span.start, span.end)
            if borders is None:
                continue
            start, end = max(reached, borders[0]), borders[1]
            if names.is_free(start, end):
                settled = replace(span, start=start, end=end)
        # What it is not sure of keeps no room: 四吊 in 四吊八百文.
        reached = settled.end if is_sure or span.label != AMOUNT else reached
        while kept and kept[-1].end > settled.start:
            kept.pop()
        kept.append(settled)
    return kept


NETWORK = Annotator(SOURCE, find_labelled, proposes=PROPOSED, min_score=MIN_SCORE, reads_words=True, built_in=True)
