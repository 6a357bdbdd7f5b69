"""Errors of the layers as the report lists them, each tied to its place in the text, and the bars that show them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from biaozhu.reporting.page.overlay import Bar, Mark, anchor_of
from biaozhu.scoring.error_patterns import PATTERNS, find_cases

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from biaozhu.data.model import Sentence, Span
    from biaozhu.reporting.page.overlay import Status
    from biaozhu.scoring.error_patterns import Case, Pattern, Shape

_STATUS: dict[Shape, Status] = {"missed": "missed", "invented": "invented", "label": "label"}


@dataclass(frozen=True, slots=True)
class Said:
    """A span in words: its label and its text."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Fault:
    """One error of one layer.

    `id` is that of its line in the list, `anchor` that of its place in the text. `start` and `end` are code points
    into the raw file. `alone` says that no other scored layer errs there.
    """

    id: str
    anchor: str
    lane: int
    pattern: Pattern
    status: Status
    start: int
    end: int
    before: str
    text: str
    after: str
    gold: tuple[Said, ...]
    predicted: tuple[Said, ...]
    alone: bool

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that have to do with it, in alphabetical order."""
        return tuple(sorted({said.label for said in (*self.gold, *self.predicted)}))


@dataclass(frozen=True, slots=True)
class PatternOfFaults:
    """All errors of one pattern in one layer, in the order of the text, and how many of each label."""

    pattern: Pattern
    faults: tuple[Fault, ...]
    labels: tuple[tuple[str, int], ...]


def find_faults(
    pairs: Mapping[int, Sequence[tuple[Sentence, Sentence]]], names: Mapping[str, str]
) -> dict[int, tuple[Fault, ...]]:
    """Return every error of each layer.

    Args:
        pairs: lane of each layer -> gold sentence and the same sentence with the layer's spans.
        names: article id -> what the anchors of that article begin with.
    """
    cases = {
        lane: [(gold, case) for gold, predicted in pairs_of for case in find_cases(gold, predicted)]
        for lane, pairs_of in pairs.items()
    }
    touched = {
        lane: {(case.sentence, at) for _, case in cases_of for at in range(case.start, case.end)}
        for lane, cases_of in cases.items()
    }
    return {
        lane: tuple(
            _fault(lane, number, gold, case, names[gold.article], touched)
            for number, (gold, case) in enumerate(cases_of, 1)
        )
        for lane, cases_of in cases.items()
    }


def by_pattern(faults: Iterable[Fault]) -> tuple[PatternOfFaults, ...]:
    """Group the errors of a layer by pattern, the most frequent first."""
    groups: dict[Pattern, list[Fault]] = {}
    for fault in faults:
        groups.setdefault(fault.pattern, []).append(fault)
    ordered = sorted(groups.items(), key=lambda group: (-len(group[1]), PATTERNS.index(group[0])))
    return tuple(
        PatternOfFaults(
            pattern,
            tuple(found),
            tuple(Counter(label for fault in found for label in fault.labels).most_common()),
        )
        for pattern, found in ordered
    )


def bars_of(lane: int, sentence: Sentence, gold: Sentence | None) -> Iterator[Bar]:
    """Yield what a layer says about a sentence; with the gold, also whether it is right and what it missed.

    Args:
        lane: of the layer; 0 is the gold itself.
        sentence: with the layer's spans.
        gold: the same sentence with the gold's spans; None where there is no gold, or the layer is the gold.
    """
    if gold is None:
        for span in sentence.spans:
            yield _bar(lane, sentence, span, "gold" if lane == 0 else "plain")
        return
    status: dict[tuple[int, int, str], Status] = {}
    for case in find_cases(gold, sentence):
        for span in case.predicted:
            status[span.key] = _STATUS.get(case.shape, "boundary")
        if case.shape == "missed":
            for span in case.gold:
                yield _bar(lane, sentence, span, "missed")
    for span in sentence.spans:
        yield _bar(lane, sentence, span, status.get(span.key, "correct"))


def mark_of(fault: Fault, title: str) -> Mark:
    """Return the sign in the text that leads to the error's line."""
    return Mark(fault.lane, fault.start, fault.end, fault.status, fault.id, title)


def _bar(lane: int, sentence: Sentence, span: Span, status: Status) -> Bar:
    return Bar(lane, sentence.start + span.start, sentence.start + span.end, span.label, status)


def _fault(
    lane: int,
    number: int,
    gold: Sentence,
    case: Case,
    name: str,
    touched: Mapping[int, set[tuple[str, int]]],
) -> Fault:
    start = gold.start + case.start
    places = {(case.sentence, at) for at in range(case.start, case.end)}
    return Fault(
        id=f"e{lane}-{number}",
        anchor=anchor_of(name, start),
        lane=lane,
        pattern=case.pattern,
        status=_STATUS.get(case.shape, "boundary"),
        start=start,
        end=gold.start + case.end,
        before=case.before,
        text=case.text,
        after=case.after,
        gold=tuple(Said(span.label, gold.text[span.start : span.end]) for span in case.gold),
        predicted=tuple(Said(span.label, gold.text[span.start : span.end]) for span in case.predicted),
        alone=not any(places & found for other, found in touched.items() if other != lane),
    )
