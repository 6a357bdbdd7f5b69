"""Disagreements of two layers of the same sentences: groups of overlapping spans, each with its kind."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from biaozhu.curation.select import Unsure, to_sentence
from biaozhu.data.errors import GoldError
from biaozhu.data.model import Sentence, Span, with_spans
from biaozhu.scoring.match import group_overlapping

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from biaozhu.curation.select import Judge

Kind = Literal["boundary", "label", "missing", "extra", "mixed"]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A stretch of a sentence, in code points, that two annotators read differently, with all spans of both in it.

    Only the first annotator marked something in a `missing` one, only the second in an `extra` one.
    """

    sentence: str
    start: int
    end: int
    kind: Kind
    text: str
    first: tuple[Span, ...]
    second: tuple[Span, ...]
    context: str = ""

    @property
    def place(self) -> tuple[str, int, int]:
        """Sentence and offsets, which no two disagreements of the same layers share."""
        return self.sentence, self.start, self.end


@dataclass(frozen=True, slots=True)
class Dispute:
    """Two annotators' layers of the same sentences, the annotators' names in the same order, and the articles' by id."""

    first: Sequence[Sentence]
    second: Sequence[Sentence]
    names: tuple[str, str]
    articles: Mapping[str, str] = field(default_factory=dict)

    def group_disagreements(self) -> dict[str, list[Disagreement]]:
        """Return the disagreements by sentence."""
        found: dict[str, list[Disagreement]] = defaultdict(list)
        for item in find_disagreements(self.first, self.second):
            found[item.sentence].append(item)
        return dict(found)

    def list_agreed(self) -> dict[str, Sentence]:
        """Return each sentence with the spans that both annotators have."""
        source = "+".join(self.names)
        return {
            one.id: with_spans(one, (Span(*span.key, source) for span in agreed_spans(one, other)))
            for one, other in pair_sentences(self.first, self.second)
        }


def keep_common(
    first: Sequence[Sentence], second: Sequence[Sentence]
) -> tuple[tuple[Sentence, ...], tuple[Sentence, ...]]:
    """Return the sentences that both layers have, each in the order of its layer."""
    ids = {sentence.id for sentence in first} & {sentence.id for sentence in second}
    mine, theirs = (tuple(sentence for sentence in layer if sentence.id in ids) for layer in (first, second))
    return mine, theirs


def pair_sentences(
    first: Sequence[Sentence], second: Sequence[Sentence]
) -> Iterator[tuple[Sentence, Sentence]]:
    """Pair the sentences of two layers by id, in the order of the first; other sentences or texts raise GoldError."""
    others = {sentence.id: sentence for sentence in second}
    lacking = [sentence.id for sentence in first if sentence.id not in others]
    surplus = others.keys() - {sentence.id for sentence in first}
    if lacking or surplus:
        what = f"{len(lacking)} sentences are only in the first layer, {len(surplus)} only in the second"
        advice = "Compare layers of the same article, or only what all have with --common"
        raise GoldError(what, where=[*lacking, *sorted(surplus)][0], next_step=advice)
    for sentence in first:
        other = others[sentence.id]
        if other.text != sentence.text:
            what, advice = "the layers have different texts", "Pull both layers again"
            raise GoldError(what, where=sentence.id, next_step=advice)
        yield sentence, other


def find_disagreements(first: Sequence[Sentence], second: Sequence[Sentence]) -> tuple[Disagreement, ...]:
    """Return every stretch where the two layers differ in offsets or label, in order."""
    found = []
    for one, other in pair_sentences(first, second):
        shared = {span.key for span in agreed_spans(one, other)}
        mine, theirs = ([span for span in side.spans if span.key not in shared] for side in (one, other))
        for ours, others in group_overlapping(mine, theirs):
            start = min(span.start for span in (*ours, *others))
            end = max(span.end for span in (*ours, *others))
            kind, text = _find_kind(ours, others), one.text[start:end]
            context = f"{one.text[:start]}【{text}】{one.text[end:]}"
            found.append(Disagreement(one.id, start, end, kind, text, tuple(ours), tuple(others), context))
    return tuple(found)


def judge_against(other: Mapping[str, Sentence]) -> Judge:
    """Return what `select_sentences` asks: how much each sentence differs from another layer's, given by id; None if not at all."""

    def judge(sentence: Sentence) -> Unsure | None:
        second = other.get(sentence.id)
        found = find_disagreements([to_sentence(sentence)], [second]) if second else ()
        if not found or second is None:
            return None
        differing = sum(len(one.first) + len(one.second) for one in found)
        sides = found[0].first, found[0].second
        mine, theirs = ("、".join(dict.fromkeys(span.label for span in side)) or "无" for side in sides)
        where = f"两层不同:“{found[0].text}”{mine}/{theirs}"
        return Unsure(differing / (len(sentence.spans) + len(second.spans)), where)

    return lambda sentences: map(judge, sentences)


def agreed_spans(one: Sentence, other: Sentence) -> tuple[Span, ...]:
    """Return the spans of `one` that `other` has too, with the same offsets and label."""
    shared = {span.key for span in other.spans}
    return tuple(span for span in one.spans if span.key in shared)


def _find_kind(first: Sequence[Span], second: Sequence[Span]) -> Kind:
    if not second:
        return "missing"
    if not first:
        return "extra"
    if {(span.start, span.end) for span in first} == {(span.start, span.end) for span in second}:
        return "label"
    return "boundary" if {span.label for span in first} == {span.label for span in second} else "mixed"
