"""Two layers and the adjudicator's decisions -> gold in which every span says who proposed it and who decided."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from biaozhu.curation.disagreements import Disagreement, agreed_spans, find_disagreements, pair_sentences
from biaozhu.data.errors import BiaozhuError, GoldError, LineError, raise_collected
from biaozhu.data.files import parse_json_as, read_bytes, write_lines
from biaozhu.data.model import Sentence, Span, with_spans

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path


WAYS_TO_DECIDE = (
    "Decide it in a file: --questions FILE writes the disagreements; fill in spans, or only a rule or a note where nothing is right, and "
    "give it as --decisions FILE. Or in Doccano: --to-doccano, and when all is confirmed --from-doccano --decisions FILE"
)


@dataclass(frozen=True, slots=True)
class Decision:
    """The adjudicator's decision on a disagreement: the correct spans, the guideline's paragraph, a note, who and when."""

    sentence: str
    start: int
    end: int
    spans: tuple[tuple[int, int, str], ...]
    rule: str
    note: str
    by: str = ""
    at: str = ""

    @property
    def place(self) -> tuple[str, int, int]:
        """The key of the disagreement."""
        return self.sentence, self.start, self.end


class _DecidedSpan(msgspec.Struct):
    start: int
    end: int
    label: str


class _DecisionLine(msgspec.Struct):
    sentence: str
    start: int
    end: int
    spans: list[_DecidedSpan]
    rule: str = ""
    note: str = ""
    by: str = ""
    at: str = ""


def adjudicate(
    first: Sequence[Sentence],
    second: Sequence[Sentence],
    decisions: Sequence[Decision],
    *,
    names: tuple[str, str],
) -> tuple[Sentence, ...]:
    """Join two annotators' layers of the same sentences: what both have is gold, the rest is as decided.

    A gold span's source is `a+b` where both agreed, else `adjudicated:a` (who proposed it; `new` where neither did), and
    `/` with who decided, where that is known. A span that a model proposed and an annotator kept has the model before it,
    `lac>a+b`, and the model's score. All that does not fit is reported together, as GoldError.
    """
    by_place = {decision.place: decision for decision in decisions}
    problems: list[BiaozhuError] = []
    if len(by_place) < len(decisions):
        problems.append(GoldError("two decisions on the same disagreement", next_step="Keep one of them"))
    spans: dict[str, list[Span]] = {}
    for disagreement in find_disagreements(first, second):
        decision = by_place.pop(disagreement.place, None)
        if decision is None:
            # How to decide is said once, with the first.
            what = f"{disagreement.text!r} ({disagreement.kind}) is not decided"
            where = f"{disagreement.sentence}@{disagreement.start}"
            advice = "Decide it likewise" if problems else WAYS_TO_DECIDE
            problems.append(GoldError(what, where=where, next_step=advice))
            continue
        spans.setdefault(disagreement.sentence, []).extend(_make_decided(decision, disagreement, names))
    for sid, start, end in by_place:
        what = f"the decision on {start}-{end} is about no disagreement"
        problems.append(GoldError(what, where=sid, next_step="Remove it"))
    gold: list[Sentence] = []
    for one, other in pair_sentences(first, second):
        every, both = [*one.spans, *other.spans], "+".join(names)
        agreed = [_add_origin(span.key, both, every, names) for span in agreed_spans(one, other)]
        try:
            gold.append(with_spans(one, [*agreed, *spans.get(one.id, [])]))
        except BiaozhuError as error:
            problems.append(GoldError(f"the decisions do not fit: {error.what}", where=one.id))
    raise_collected(problems)
    return tuple(gold)


def read_decisions(path: Path) -> tuple[Decision, ...]:
    """Read decisions, one JSON object a line; one whose spans, rule and note are empty was never answered."""
    decisions: list[Decision] = []
    problems: list[BiaozhuError] = []
    for number, line in enumerate(read_bytes(path).split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            read = parse_json_as(line, _DecisionLine)
        except ValueError as error:
            problems.append(LineError(f"not a decision: {error}", where=f"{path}:{number}"))
            continue
        if not (read.spans or read.rule or read.note):
            continue
        spans = tuple((span.start, span.end, span.label) for span in read.spans)
        place = (read.sentence, read.start, read.end)
        decisions.append(Decision(*place, spans, read.rule, read.note, read.by, read.at))
    raise_collected(problems)
    return tuple(decisions)


def write_questions(path: Path, disagreements: Sequence[Disagreement], *, names: tuple[str, str]) -> None:
    """Write the disagreements as decisions to fill in: spans, rule and note are empty."""
    write_lines(path, [_make_line(item, None, names) for item in disagreements])


def write_decisions(
    path: Path, items: Sequence[Disagreement], decisions: Sequence[Decision], *, names: tuple[str, str]
) -> None:
    """Write the decisions, each with its disagreement, in the order of these."""
    by_place = {decision.place: decision for decision in decisions}
    decided = [item for item in items if item.place in by_place]
    write_lines(path, [_make_line(item, by_place[item.place], names) for item in decided])


def _make_line(item: Disagreement, decision: Decision | None, names: tuple[str, str]) -> str:
    versions = {
        name: _describe_spans(span.key for span in side)
        for name, side in zip(names, (item.first, item.second), strict=True)
    }
    line: dict[str, Any] = {
        "sentence": item.sentence,
        "start": item.start,
        "end": item.end,
        "text": item.text,
        "context": item.context,
        "kind": item.kind,
        **versions,
        "spans": _describe_spans(decision.spans if decision else ()),
        "rule": decision.rule if decision else "",
        "note": decision.note if decision else "",
    }
    if decision and decision.by:
        line |= {"by": decision.by, "at": decision.at}
    return json.dumps(line, ensure_ascii=False)


def _describe_spans(keys: Iterable[tuple[int, int, str]]) -> list[dict[str, Any]]:
    return [{"start": start, "end": end, "label": label} for start, end, label in keys]


def _make_decided(decision: Decision, disagreement: Disagreement, names: tuple[str, str]) -> list[Span]:
    sides = dict(zip(names, (disagreement.first, disagreement.second), strict=True))
    decider = f"/{decision.by}" if decision.by else ""
    spans = []
    for key in decision.spans:
        proposers = "+".join(name for name, side in sides.items() if key in {span.key for span in side})
        source = f"adjudicated:{proposers or 'new'}{decider}"
        spans.append(_add_origin(key, source, [*disagreement.first, *disagreement.second], names))
    return spans


def _add_origin(
    key: tuple[int, int, str], source: str, proposed: Sequence[Span], names: tuple[str, str]
) -> Span:
    """Return the gold span, with the model that proposed it first where an annotator kept a model's span."""
    for span in proposed:
        by_people = not span.source or span.source in names or span.source.startswith("doccano")
        if span.key == key and not by_people:
            return Span(*key, f"{span.source}>{source}", span.score)
    return Span(*key, source)
