"""Error patterns: what is wrong with spans that are connected by overlap, with the text around them.

The shape says how the boundaries differ; the pattern is the shape, except where the place or person is the head of an
organisation's name (河北|某某公司, 某某镇|党委): whether such a name is marked is a question of the guideline more than
of boundaries, so it is a class of its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from biaozhu.data.model import Sentence, Span
from biaozhu.knowledge.word_tables import read_alternation
from biaozhu.scoring.scores import group_overlapping

# In the order of reports.
Shape = Literal[
    "boundary_left", "boundary_right", "boundary_both", "split", "merged", "tangled", "label", "boundary_and_label",
    "missed", "invented",
]  # fmt: skip
Pattern = Shape | Literal["nested_in_organisation"]
PATTERNS: tuple[Pattern, ...] = (*get_args(Shape), "nested_in_organisation")

CONTEXT = 15
# Numbers count things, they do not name them: 3家|公司 is not part of an organisation's name.
NEVER_IN_NAMES = frozenset({"AMOUNT"})
CAN_BE_NESTED = frozenset({"missed", "invented", "boundary_right", "boundary_both", "boundary_and_label"})

# Between the place and the body there are at most a few characters of the name (某县|教育|局), never a function word,
# white space or punctuation: those end a name.
_NAME_PART = r"[^\W\d_的了在到和与及或是为对把被将向从由给让使有这该各每并就也都又再已很所着过等]{0,8}?"
_ORGANISATION = re.compile(rf"(?:{_NAME_PART})(?:{read_alternation('organisations', 'bodies')})")


@dataclass(frozen=True, slots=True)
class Case:
    """One error: connected spans, what is wrong, and the text around them, up to 15 characters on either side."""

    sentence: str
    pattern: Pattern
    shape: Shape
    start: int
    end: int
    gold: tuple[Span, ...]
    predicted: tuple[Span, ...]
    before: str
    text: str
    after: str


def find_cases(gold: Sentence, predicted: Sentence) -> tuple[Case, ...]:
    """Return the errors of one sentence, from left to right; every wrong span is in exactly one of them."""
    cases = []
    for mine, theirs in group_overlapping(gold.spans, predicted.spans):
        shape = _find_shape(mine, theirs)
        if shape is None:
            continue
        spans = (*mine, *theirs)
        start, end = min(span.start for span in spans), max(span.end for span in spans)
        names = [span for span in spans if span.label not in NEVER_IN_NAMES]
        nested = shape in CAN_BE_NESTED and any(heads_organisation(gold.text, one.end) for one in names)
        before, after = gold.text[max(0, start - CONTEXT) : start], gold.text[end : end + CONTEXT]
        pattern: Pattern = "nested_in_organisation" if nested else shape
        around = (before, gold.text[start:end], after)
        cases.append(Case(gold.id, pattern, shape, start, end, tuple(mine), tuple(theirs), *around))
    return tuple(cases)


def _find_shape(gold: Sequence[Span], predicted: Sequence[Span]) -> Shape | None:
    """Return how a group of connected spans is wrong, or None where it is right."""
    if not gold or not predicted:
        return "missed" if gold else "invented"
    if len(gold) > 1 or len(predicted) > 1:
        return "split" if len(gold) == 1 else "merged" if len(predicted) == 1 else "tangled"
    left, right = gold[0].start != predicted[0].start, gold[0].end != predicted[0].end
    if gold[0].label != predicted[0].label:
        return "boundary_and_label" if left or right else "label"
    if left:
        return "boundary_both" if right else "boundary_left"
    return "boundary_right" if right else None


def heads_organisation(text: str, end: int) -> bool:
    """Tell whether the name that ends at `end` goes on as an organisation's, by the characters that follow it."""
    return _ORGANISATION.match(text, end) is not None
