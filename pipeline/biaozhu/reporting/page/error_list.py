"""Errors of the layers as the report lists them, each tied to its place in the text, and the bars that show them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from biaozhu.reporting.page.overlay import Bar, make_anchor
from biaozhu.scoring.error_patterns import PATTERNS, find_cases

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from biaozhu.data.model import Sentence, Span
    from biaozhu.reporting.page.overlay import Status
    from biaozhu.scoring.error_patterns import Case, Pattern, Shape

    # A span in words: its label and its text.
    SpanText = tuple[str, str]

_STATUS: dict[Shape, Status] = {"missed": "missed", "invented": "invented", "label": "label"}


@dataclass(frozen=True, slots=True)
class ListedError:
    """One error of one layer: ids of its line and its place, its start in the raw file, whether no other layer errs there."""

    id: str
    anchor: str
    lane: int
    status: Status
    start: int
    case: Case
    gold: tuple[SpanText, ...]
    predicted: tuple[SpanText, ...]
    alone: bool

    @property
    def labels(self) -> list[str]:
        """The labels of its spans, in alphabetical order."""
        return sorted({label for label, _ in (*self.gold, *self.predicted)})


def list_errors(
    pairs: Mapping[int, Sequence[tuple[Sentence, Sentence]]], names: Mapping[str, str]
) -> dict[int, tuple[ListedError, ...]]:
    """Return every error of each layer, by lane; `names` is what the anchors of an article begin with, by its id."""
    cases = {
        lane: [(gold, case) for gold, predicted in of_lane for case in find_cases(gold, predicted)]
        for lane, of_lane in pairs.items()
    }
    lanes_at: dict[tuple[str, int], set[int]] = {}
    for lane, of_lane in cases.items():
        for _, case in of_lane:
            for at in range(case.start, case.end):
                lanes_at.setdefault((case.sentence, at), set()).add(lane)
    found: dict[int, tuple[ListedError, ...]] = {}
    for lane, of_lane in cases.items():
        errors = []
        for number, (gold, case) in enumerate(of_lane, 1):
            start, status = gold.start + case.start, _STATUS.get(case.shape, "boundary")
            mine, theirs = (_name_spans(gold, spans) for spans in (case.gold, case.predicted))
            alone = all(lanes_at[case.sentence, at] == {lane} for at in range(case.start, case.end))
            place = (f"e{lane}-{number}", make_anchor(names[gold.article], start), lane)
            errors.append(ListedError(*place, status, start, case, mine, theirs, alone))
        found[lane] = tuple(errors)
    return found


def _name_spans(sentence: Sentence, spans: Iterable[Span]) -> tuple[SpanText, ...]:
    return tuple((span.label, sentence.text[span.start : span.end]) for span in spans)


def group_errors(errors: Iterable[ListedError], *, most: int | None = None) -> list[dict[str, Any]]:
    """Group the errors of a layer by pattern, the most frequent first; each lists at most so many, and counts labels."""
    groups: dict[Pattern, list[ListedError]] = {}
    for error in errors:
        groups.setdefault(error.case.pattern, []).append(error)
    listed = []
    most_first = sorted(groups, key=lambda one: (-len(groups[one]), PATTERNS.index(one)))
    for pattern, found in ((one, groups[one]) for one in most_first):
        labels = Counter(label for one in found for label in one.labels).most_common()
        listed.append({"pattern": pattern, "errors": found[:most], "count": len(found), "labels": labels})
    return listed


def make_bars(lane: int, sentence: Sentence, gold: Sentence | None) -> Iterator[Bar]:
    """Yield what a layer says about a sentence; with the gold's spans in `gold`, also what is correct and missed."""
    missed: list[Span] = []
    status: dict[tuple[int, int, str], Status] = {}
    for case in find_cases(gold, sentence) if gold else ():
        status |= {span.key: _STATUS.get(case.shape, "boundary") for span in case.predicted}
        missed += case.gold if case.shape == "missed" else ()
    usual: Status = "correct" if gold else "plain" if lane else "gold"
    for span, kind in [
        *((span, "missed") for span in missed),
        *((span, status.get(span.key, usual)) for span in sentence.spans),
    ]:
        yield Bar(lane, sentence.start + span.start, sentence.start + span.end, span.label, kind)
