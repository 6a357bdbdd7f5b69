"""Differences between two layers of the same sentences: added, removed, moved, relabelled, by sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from typing import Any, Literal

from biaozhu.data.ledger import Entry
from biaozhu.data.model import Sentence, Span

FORMAT = "biaozhu.round-trip.v1"
"""What `pull --result` and `project pull` say that their file is."""

Kind = Literal["added", "removed", "moved", "relabelled", "provenance", "text", "missing sentence", "new sentence"]

NOT_BY_PEOPLE: frozenset[str] = frozenset({"provenance", "text", "missing sentence"})
"""Changes that nobody can make on Doccano's page: the way there and back made them."""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference in one sentence; `before` and `after` are None where there is nothing."""

    sentence: str
    kind: Kind
    before: Span | None = None
    after: Span | None = None
    text: str = ""


def compare_layers(before: Sequence[Sentence], after: Sequence[Sentence]) -> list[Change]:
    """List what changed from one layer to the other, in the order of the first; ids are compared, not places."""
    later = {sentence.id: sentence for sentence in after}
    known = {sentence.id for sentence in before}
    changes: list[Change] = []
    for sentence in before:
        if (other := later.get(sentence.id)) is None:
            changes.append(Change(sentence.id, "missing sentence", text=sentence.text))
        elif other.text != sentence.text:
            changes.append(Change(sentence.id, "text", text=other.text))
        else:
            changes += compare_spans(sentence, other)
    return changes + [Change(one.id, "new sentence", text=one.text) for one in after if one.id not in known]


def compare_spans(before: Sentence, after: Sentence) -> list[Change]:
    """List what changed between the spans of one sentence.

    A span of the same label that overlaps the old one was moved, one at the same place with another label relabelled;
    `provenance` is a span that stayed and lost or changed its source or score.
    """
    old, new = ({span.key: span for span in side.spans} for side in (before, after))
    stayed = ((span, new[key]) for key, span in old.items() if key in new)
    changed = ((one, other) for one, other in stayed if (one.source, one.score) != (other.source, other.score))
    changes = [_change(before, "provenance", *two) for two in changed]
    gone = [span for key, span in old.items() if key not in new]
    come = [span for key, span in new.items() if key not in old]
    for span in list(gone):
        same = (one for one in come if (one.start, one.end) == (span.start, span.end))
        over = (one for one in come if one.label == span.label and one.start < span.end and span.start < one.end)
        if partner := next(chain(same, over), None):
            gone.remove(span)
            come.remove(partner)
            kind: Kind = "moved" if partner.label == span.label else "relabelled"
            changes.append(_change(before, kind, span, partner))
    changes += [_change(before, "removed", span, None) for span in gone]
    changes += [_change(before, "added", None, span) for span in come]
    return sorted(changes, key=lambda one: next(span.key[:2] for span in (one.before, one.after) if span))


def describe_round_trip(
    changes: Sequence[Change], losses: Sequence[Entry], *, sentences: int, consistent: bool
) -> dict[str, Any]:
    """Return what a report reads of a round trip, as JSON; sentences that are new are no change of what was sent."""
    return {
        "format": FORMAT,
        "sentences": sentences,
        "consistent": consistent,
        "identical": all(change.kind == "new sentence" for change in changes),
        "changes": [asdict(change) for change in changes],
        "losses": [asdict(entry) for entry in losses],
    }


def describe(change: Change) -> str:
    """Return one line about a change."""
    parts = [f"{change.sentence} {change.kind}"]
    if change.before is not None:
        parts.append(f"{change.before.start}-{change.before.end} {change.before.label}")
    if change.after is not None:
        arrow = "→ " if change.before is not None else ""
        source = f" ({change.after.source})" if change.after.source else ""
        parts.append(f"{arrow}{change.after.start}-{change.after.end} {change.after.label}{source}")
    parts.append(change.text if len(change.text) < 40 else f"{change.text[:40]}…")  # noqa: PLR2004 — what fits a line
    return " ".join(parts)


def _change(sentence: Sentence, kind: Kind, before: Span | None, after: Span | None) -> Change:
    span = before or after
    return Change(sentence.id, kind, before, after, sentence.text[span.start : span.end] if span is not None else "")
