"""Two layers and the adjudicator's decisions -> gold in which every span says who proposed and who decided."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.errors import BiaozhuError, GoldError, LineError, raise_collected
from pipeline.files import read_bytes, write_lines
from pipeline.judging.disagreements import agreed_spans, find_disagreements, pair_sentences
from pipeline.model import Sentence, Span, with_spans

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pipeline.judging.disagreements import Disagreement


@dataclass(frozen=True, slots=True)
class Decision:
    """What the adjudicator made of one disagreement: the spans that are right there (maybe none), and why.

    `start` and `end` are those of the disagreement; `rule` is the guideline's paragraph, such as A3.
    """

    sentence: str
    start: int
    end: int
    spans: tuple[tuple[int, int, str], ...]
    rule: str
    note: str


def adjudicate(
    first: Sequence[Sentence],
    second: Sequence[Sentence],
    decisions: Sequence[Decision],
    *,
    names: tuple[str, str],
) -> tuple[Sentence, ...]:
    """Bring two layers together: what both hold is gold, the rest is as decided.

    A gold span's source is `a+b` where both agreed, else `adjudicated:` with those who proposed just this span
    (`adjudicated:a`), or `adjudicated:new` where neither did.

    Args:
        first: the first annotator's layer.
        second: the second annotator's layer of the same sentences.
        decisions: one for each disagreement, in any order.
        names: the annotators' names, in the same order.

    Raises:
        GoldError: the layers are not of the same sentences, or a disagreement has no decision, or a decision no
            disagreement, or decided spans lie outside the sentence or overlap agreed ones; all reported together.
    """
    by_place = {(decision.sentence, decision.start, decision.end): decision for decision in decisions}
    problems: list[BiaozhuError] = []
    if len(by_place) < len(decisions):
        problems.append(GoldError("two decisions on the same disagreement", next_step="Keep one of them"))
    spans: dict[str, list[Span]] = {}
    for disagreement in find_disagreements(first, second):
        decision = by_place.pop((disagreement.sentence, disagreement.start, disagreement.end), None)
        if decision is None:
            problems.append(_undecided(disagreement))
            continue
        spans.setdefault(disagreement.sentence, []).extend(_decided(decision, disagreement, names))
    problems += [
        GoldError(
            f"the decision on {place[1]}-{place[2]} is about no disagreement",
            where=place[0],
            next_step="Remove it",
        )
        for place in by_place
    ]
    gold: list[Sentence] = []
    for one, other in pair_sentences(first, second):
        agreed = [
            Span(span.start, span.end, span.label, "+".join(names)) for span in agreed_spans(one, other)
        ]
        try:
            gold.append(with_spans(one, [*agreed, *spans.get(one.id, [])]))
        except BiaozhuError as error:
            problems.append(GoldError(f"the decisions do not fit: {error.what}", where=one.id))
    raise_collected(problems)
    return tuple(gold)


def read_decisions(path: Path) -> tuple[Decision, ...]:
    """Read decisions, one JSON object a line.

    Raises:
        LineError: a line is no decision, or says neither rule nor note; all are reported together.
    """
    decisions: list[Decision] = []
    problems: list[BiaozhuError] = []
    for number, line in enumerate(read_bytes(path).decode("utf-8", "replace").split("\n"), 1):
        if not line.strip():
            continue
        try:
            data: Any = json.loads(line)
            spans = tuple(
                (int(span["start"]), int(span["end"]), str(span["label"])) for span in data["spans"]
            )
            decision = Decision(
                str(data["sentence"]),
                int(data["start"]),
                int(data["end"]),
                spans,
                str(data["rule"]),
                str(data["note"]),
            )
        except (ValueError, KeyError, TypeError):
            problems.append(LineError("not a decision", where=f"{path}:{number}"))
            continue
        if not decision.rule or not decision.note:
            problems.append(LineError("a decision needs its rule and a note", where=f"{path}:{number}"))
        decisions.append(decision)
    raise_collected(problems)
    return tuple(decisions)


def write_questions(path: Path, disagreements: Sequence[Disagreement], *, names: tuple[str, str]) -> None:
    """Write the disagreements as decisions to be filled in: spans, rule and note are empty."""
    lines = []
    for item in disagreements:
        versions = {
            name: [{"start": s.start, "end": s.end, "label": s.label} for s in side]
            for name, side in zip(names, (item.first, item.second), strict=True)
        }
        question = {
            "sentence": item.sentence,
            "start": item.start,
            "end": item.end,
            "text": item.text,
            "kind": item.kind,
            **versions,
            "spans": [],
            "rule": "",
            "note": "",
        }
        lines.append(json.dumps(question, ensure_ascii=False))
    write_lines(path, lines)


def _decided(decision: Decision, disagreement: Disagreement, names: tuple[str, str]) -> list[Span]:
    proposals = {
        name: {span.key for span in side}
        for name, side in zip(names, (disagreement.first, disagreement.second), strict=True)
    }
    return [
        Span(*span, source="adjudicated:" + ("+".join(n for n in names if span in proposals[n]) or "new"))
        for span in decision.spans
    ]


def _undecided(disagreement: Disagreement) -> GoldError:
    return GoldError(
        f"nobody has decided on {disagreement.text!r} ({disagreement.kind})",
        where=f"{disagreement.sentence}@{disagreement.start}",
        next_step="Decide it in the decisions file",
    )
