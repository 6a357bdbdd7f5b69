"""The same words labelled in one place and left out, labelled otherwise or cut otherwise in another.

Of the occurrences of a surface form in a layer, a minority is in doubt where most others, or one with the same
neighbours, say something else.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from biaozhu.curation.doubts import Doubt, make_doubt
from biaozhu.data.model import Sentence, Span
from biaozhu.knowledge.names import make_finder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

OUTSIDE = ""
SHORTEST_CHARS = 2
# So many occurrences must agree before they speak against another, and so large must their share be.
LEAST_VOTES, LEAST_SHARE = 2, 0.7
SAME_NEIGHBOURS = 3  # What one occurrence with the same neighbours counts.
# Words of the same form are often something else: this check weighs half alone. Chosen with `python benchmarks/doubt.py`
# on other samples than those of its published figures, as is ABSENCE_WEIGHT.
WEIGHT = 0.5


@dataclass(frozen=True, slots=True)
class _Occurrence:
    """Occurrence of a surface form: its place, its label there (OUTSIDE: none), and the spans that overlap it."""

    sentence: Sentence
    start: int
    end: int
    label: str
    over: tuple[Span, ...]

    @property
    def text(self) -> str:
        """The surface form."""
        return self.sentence.text[self.start : self.end]

    @property
    def neighbours(self) -> tuple[str, str]:
        """The characters before and after it; empty at an end of the sentence."""
        text = self.sentence.text
        return text[: self.start][-1:], text[self.end : self.end + 1]


@dataclass(slots=True)
class _Votes:
    """Counts of each label of a surface form, and those with each pair of neighbours."""

    by_label: Counter[str] = field(default_factory=Counter)
    by_neighbours: Counter[tuple[tuple[str, str], str]] = field(default_factory=Counter)

    def count(self, one: _Occurrence) -> None:
        self.by_label[one.label] += 1
        self.by_neighbours[one.neighbours, one.label] += 1

    def against(self, one: _Occurrence, label: str) -> tuple[int, float]:
        """Return how many occurrences have this label, and the share that speaks for it against that of `one`."""
        votes = self.by_label[label]
        own = self.by_label[one.label] - 1
        same = self.by_neighbours[one.neighbours, label]
        if same:
            # Neighbours at a sentence's edge say less: they are the same everywhere.
            weight = SAME_NEIGHBOURS if all(one.neighbours) else 1
            votes += weight * same
            own += weight * (self.by_neighbours[one.neighbours, one.label] - 1)
        return votes, votes / (votes + own + 1)


def find_inconsistent(layer: Sequence[Sentence]) -> Iterator[Doubt]:
    """Yield a doubt for each occurrence of a labelled surface form that most others, or a like one, contradict."""
    surfaces = {
        sentence.text[span.start : span.end]
        for sentence in layer
        for span in sentence.spans
        if span.end - span.start >= SHORTEST_CHARS
    }
    if not surfaces:
        return
    votes: dict[str, _Votes] = defaultdict(_Votes)
    occurrences = list(_occurrences(layer, surfaces))
    for one in occurrences:
        if one.label or not one.over:
            votes[one.text].count(one)
    for one in occurrences:
        is_crossed = one.over and not one.label
        doubt = _border_doubt(one, votes) if is_crossed else _label_doubt(one, votes[one.text])
        if doubt is not None:
            yield doubt


def _occurrences(layer: Sequence[Sentence], surfaces: set[str]) -> Iterator[_Occurrence]:
    find = make_finder(surfaces)
    for sentence in layer:
        starts, ends = [span.start for span in sentence.spans], [span.end for span in sentence.spans]
        for start, end in find(sentence.text):
            over = sentence.spans[bisect_left(ends, start + 1) : bisect_left(starts, end)]
            exact = len(over) == 1 and (over[0].start, over[0].end) == (start, end)
            yield _Occurrence(sentence, start, end, over[0].label if exact else OUTSIDE, over)


def _label_doubt(one: _Occurrence, votes: _Votes) -> Doubt | None:
    rival, (count, share) = max(
        ((label, votes.against(one, label)) for label in votes.by_label if label != one.label),
        key=lambda pair: (pair[1][1], pair[0]),
        default=(OUTSIDE, (0, 0.0)),
    )
    if count < LEAST_VOTES or share < LEAST_SHARE:
        return None
    right = [Span(one.start, one.end, rival)] if rival else []
    said = f"{one.label or 'no label'} here, {rival or 'none'} in {votes.by_label[rival]} places"
    reason, score = f"{one.text}: {said}", _score(count, share)
    return make_doubt(one.sentence, one.over, right, reason=reason, score=score, by="surface")


def _border_doubt(one: _Occurrence, votes: dict[str, _Votes]) -> Doubt | None:
    """Doubt a span that has one border of a frequent surface form, and is itself labelled nowhere else."""
    if len(one.over) != 1:
        return None
    span = one.over[0]
    there = one.sentence.text[span.start : span.end]
    if (span.start != one.start and span.end != one.end) or votes[there].by_label[span.label] > 1:
        return None
    others = votes[one.text].by_label
    count = others[span.label]
    share = count / (sum(others.values()) + 1)
    longer = span.end - span.start > one.end - one.start
    if count < LEAST_VOTES or share < LEAST_SHARE or (longer and not _is_loose(one, span, votes)):
        return None
    said = f"{there} only here, {one.text} as {span.label} in {count} places"
    right = [Span(one.start, one.end, span.label)]
    # A longer name is often another one (河北|河北省): less sure.
    score = _score(count, share) * (0.5 if longer else 1)
    return make_doubt(one.sentence, one.over, right, reason=said, score=score, by="surface")


def _is_loose(one: _Occurrence, span: Span, votes: dict[str, _Votes]) -> bool:
    """Tell whether what a span has beyond the surface form is a name of its own, or a single character."""
    text = one.sentence.text
    rest = text[one.end : span.end] if span.start == one.start else text[span.start : one.start]
    return len(rest) == 1 or (rest in votes and votes[rest].by_label[span.label] > 0)


def _score(count: int, share: float) -> float:
    return WEIGHT * share * count / (count + 1)
