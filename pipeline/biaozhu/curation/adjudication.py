"""Two layers -> their disagreements (groups of overlapping spans); with the adjudicator's decisions -> gold.

Every span of the gold says who proposed it and who decided.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import Literal

from biaozhu.curation.select import Judge, Unsure, to_sentence
from biaozhu.curation.status import LINE_KEYS
from biaozhu.data.errors import BiaozhuError, GoldError, LineError, raise_collected
from biaozhu.data.files import parse_json, parse_json_as, read_bytes, write_lines
from biaozhu.data.layers import split_lines
from biaozhu.data.model import Sentence, Span, with_spans
from biaozhu.scoring.scores import group_overlapping

Layer = Sequence[Sentence]
Kind = Literal["boundary", "label", "missing", "extra", "mixed"]
SPAN_KEYS = ("start", "end", "label")
WAYS_TO_DECIDE = (
    "Decide it in a file: --questions FILE writes the disagreements; fill in spans, or only a rule or a note where nothing is right, and "
    "give it as --decisions FILE. Or in Doccano: --to-doccano, and when all is confirmed --from-doccano --decisions FILE"
)


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

    def touches(self, span: Span) -> bool:
        """Return whether a span has a character of the stretch."""
        return self.start < span.end and span.start < self.end


@dataclass(frozen=True, slots=True)
class Dispute:
    """Two annotators' layers of the same sentences, the annotators' names in the same order, and the articles' by id."""

    first: Layer
    second: Layer
    names: tuple[str, str]
    articles: Mapping[str, str] = field(default_factory=dict)

    def group_disagreements(self) -> dict[str, list[Disagreement]]:
        """Return the disagreements by sentence."""
        found = find_disagreements(self.first, self.second)
        return {sid: [*items] for sid, items in groupby(found, lambda item: item.sentence)}

    def list_agreed(self) -> dict[str, Sentence]:
        """Return each sentence with the spans that both annotators have."""
        source = "+".join(self.names)
        return {
            one.id: with_spans(one, (Span(*span.key, source) for span in agreed_spans(one, other)))
            for one, other in pair_sentences(self.first, self.second)
        }


def keep_common(first: Layer, second: Layer) -> tuple[tuple[Sentence, ...], tuple[Sentence, ...]]:
    """Return the sentences that both layers have, each in the order of its layer."""
    ids = {one.id for one in first} & {one.id for one in second}
    return tuple(one for one in first if one.id in ids), tuple(one for one in second if one.id in ids)


def pair_sentences(first: Layer, second: Layer) -> Iterator[tuple[Sentence, Sentence]]:
    """Pair the sentences of two layers by id, in the order of the first; other sentences or texts raise GoldError."""
    others = {sentence.id: sentence for sentence in second}
    lacking = [sentence.id for sentence in first if sentence.id not in others]
    surplus = others.keys() - {sentence.id for sentence in first}
    if lacking or surplus:
        what = f"{len(lacking)} sentences are only in the first layer, {len(surplus)} only in the second"
        advice = "Compare layers of the same article, or what both have: --common, in Python `keep_common`"
        raise GoldError(what, where=[*lacking, *sorted(surplus)][0], next_step=advice)
    for sentence in first:
        if others[sentence.id].text != sentence.text:
            what = "the layers have different texts"
            raise GoldError(what, where=sentence.id, next_step="Pull both layers again")
        yield sentence, others[sentence.id]


def find_disagreements(first: Layer, second: Layer) -> tuple[Disagreement, ...]:
    """Return every stretch where the two layers differ in offsets or label, in order."""
    found = []
    for one, other in pair_sentences(first, second):
        shared = {span.key for span in one.spans} & {span.key for span in other.spans}
        sides = ([span for span in side.spans if span.key not in shared] for side in (one, other))
        for ours, others in group_overlapping(*sides):
            start, end = min(ours + others).start, max(span.end for span in ours + others)
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


@dataclass(frozen=True, slots=True)
class Decision:
    """The adjudicator's decision on a disagreement: the correct spans, the guideline's paragraph, a note, who and when.

    `stated` are the texts that its line gives, each with its offsets in the sentence.
    """

    sentence: str
    start: int
    end: int
    spans: tuple[Span, ...]
    rule: str = ""
    note: str = ""
    by: str = ""
    at: str = ""
    stated: tuple[tuple[int, int, str], ...] = field(default=(), compare=False)

    @property
    def place(self) -> tuple[str, int, int]:
        """The key of the disagreement."""
        return self.sentence, self.start, self.end


def adjudicate(
    first: Layer, second: Layer, decisions: Sequence[Decision], *, names: tuple[str, str]
) -> tuple[Sentence, ...]:
    """Join two annotators' layers of the same sentences: what both have is gold, the rest is as decided.

    The layer of one annotator given twice is gold as it is. A gold span's source is `a+b` where both agreed, else
    `adjudicated:a` (who proposed it; `new` where neither did), and `/` with who decided, where that is known. A span that a
    model proposed and an annotator kept has the model before it, `lac>a+b`, and the model's score. All that does not fit, as a
    decided span that does not touch the stretch in dispute, is reported together, as GoldError.
    """
    by_place = {decision.place: decision for decision in decisions}
    texts = {sentence.id: sentence.text for sentence in first}
    problems: list[BiaozhuError] = []
    if len(by_place) < len(decisions):
        problems.append(GoldError("two decisions on the same disagreement", next_step="Keep one of them"))
    spans: dict[str, list[Span]] = defaultdict(list)
    for disagreement in find_disagreements(first, second):
        decision = by_place.pop(disagreement.place, None)
        if decision is None:
            # How to decide is said once, with the first.
            what = f"{disagreement.text!r} ({disagreement.kind}) is not decided"
            advice = "Decide it likewise" if problems else WAYS_TO_DECIDE
            problems.append(GoldError(what, where=f"{disagreement.sentence}@{disagreement.start}", next_step=advice))
        elif wrong := _check_decision(decision, disagreement, texts[disagreement.sentence]):
            problems += wrong
        else:
            spans[disagreement.sentence] += _make_decided(decision, disagreement, names)
    for sid, start, end in by_place:
        what = f"the decision on {start}-{end} is about no disagreement"
        problems.append(GoldError(what, where=sid, next_step="Remove it"))
    gold: list[Sentence] = []
    for one, other in pair_sentences(first, second):
        every, both = [*one.spans, *other.spans], "+".join(dict.fromkeys(names))
        agreed = [_add_origin(span.key, both, every, names) for span in agreed_spans(one, other)]
        try:
            gold.append(with_spans(one, [*agreed, *spans[one.id]]))
        except BiaozhuError as error:
            problems.append(GoldError(f"the decisions do not fit: {error.what}", where=one.id))
    raise_collected(problems)
    return tuple(gold)


def _check_decision(decision: Decision, disagreement: Disagreement, text: str) -> list[BiaozhuError]:
    problems: list[BiaozhuError] = []
    for span in decision.spans:
        if not disagreement.touches(span):
            what = (
                f"the decided span {span.start}-{span.end} is outside the disagreement {decision.start}-{decision.end}"
            )
            advice = "Correct its offsets, which count from the start of the sentence"
            problems.append(GoldError(what, where=f"{decision.sentence}@{span.start}", next_step=advice))
    for start, end, said in decision.stated:
        if said != (there := text[start:end]):
            what, advice = f"the decision says {said!r} where {there!r} stands", "Correct the offsets, or the text"
            problems.append(GoldError(what, where=f"{decision.sentence}@{start}", next_step=advice))
    return problems


def read_decisions(path: str | Path, *, names: Collection[str] | None = None) -> tuple[Decision, ...]:
    """Read decisions, one JSON object a line; one whose spans, rule and note are empty was never answered.

    `names` are those of the annotators, whose versions a line may have; None takes any other key for such a name.
    """
    decisions: list[Decision] = []
    problems: list[BiaozhuError] = []
    unknown: set[str] = set()
    for number, line in split_lines(read_bytes(path), path):
        where = f"{path}:{number}"
        try:
            decision, others = _parse_decision(line)
        except ValueError as error:
            problems.append(LineError(f"not a decision: {error}", where=where))
            continue
        decisions.append(decision)
        # A folder that was renamed is a fault of all lines, of which each may stay.
        for key in sorted(others.difference(unknown, others if names is None else names)):
            unknown.add(key)
            what, advice = f"unknown key {key!r}", "Correct the key"
            if names is not None and not set(names) <= others:
                what = f"{key!r} is none of the annotators, who are {', '.join(names)}"
                advice = "Rename the key in all lines, or the folder of the layers"
            problems.append(LineError(what, where=where, next_step=advice))
    raise_collected(problems)
    return tuple(one for one in decisions if one.spans or one.rule.strip() or one.note.strip())


def _parse_decision(line: str) -> tuple[Decision, set[str]]:
    """Return the decision, and the keys of its line that should be annotators' names."""
    made, row = parse_json_as(line, Decision), parse_json(line)
    if strange := {key for one in row["spans"] for key in one} - {*SPAN_KEYS, "text", "source", "score"}:
        raise ValueError(f"unknown key {min(strange)!r}")
    context, texts = str(row.get("context") or ""), [row, *row["spans"]]
    before, inside, after = context[: made.start], context[made.start : made.end + 2], context[made.end + 2 :]
    whole = f"{before}{inside[1:-1]}{after}" if inside[:1] == "【" and inside[-1:] == "】" else context
    stated = [(one["start"], one["end"], str(one["text"])) for one in texts if one.get("text") is not None]
    return replace(made, stated=(*stated, *([(0, len(whole), whole)] if whole else ()))), row.keys() - LINE_KEYS


def write_decisions(
    path: str | Path, items: Sequence[Disagreement], decisions: Sequence[Decision], *, names: tuple[str, str]
) -> None:
    """Write the decisions, each with its disagreement, in the order of these."""
    by_place = {decision.place: decision for decision in decisions}
    write_lines(path, [_make_line(item, by_place[item.place], names) for item in items if item.place in by_place])


def _make_line(item: Disagreement, decision: Decision, names: tuple[str, str]) -> str:
    def show(one: Span) -> dict[str, object]:
        # The one who fills the line in sees each version, and copies one.
        text = item.text[one.start - item.start : one.end - item.start]
        return {**dict(zip(SPAN_KEYS, one.key, strict=True)), "text": text}

    line = {
        **{key: getattr(item, key) for key in ("sentence", "start", "end", "text", "context", "kind")},
        **{name: list(map(show, side)) for name, side in zip(names, (item.first, item.second), strict=True)},
        "spans": [dict(zip(SPAN_KEYS, one.key, strict=True)) for one in decision.spans],
        "rule": decision.rule,
        "note": decision.note,
    }
    if decision.by:
        line |= {"by": decision.by, "at": decision.at}
    return json.dumps(line, ensure_ascii=False)


def _make_decided(decision: Decision, disagreement: Disagreement, names: tuple[str, str]) -> Iterator[Span]:
    sides = dict(zip(names, (disagreement.first, disagreement.second), strict=True))
    decider = f"/{decision.by}" if decision.by else ""
    for decided in decision.spans:
        proposers = "+".join(name for name, side in sides.items() if decided.key in {span.key for span in side})
        source = f"adjudicated:{proposers or 'new'}{decider}"
        yield _add_origin(decided.key, source, [*disagreement.first, *disagreement.second], names)


def _add_origin(key: tuple[int, int, str], source: str, proposed: Sequence[Span], names: tuple[str, str]) -> Span:
    """Return the gold span, with the model that proposed it first where an annotator kept a model's span."""
    for span in proposed:
        by_people = not span.source or span.source in names or span.source.startswith("doccano")
        if span.key == key and not by_people:
            return Span(*key, f"{span.source}>{source}", span.score)
    return Span(*key, source)
