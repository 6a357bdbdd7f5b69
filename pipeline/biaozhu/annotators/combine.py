"""Several layers of the same sentences brought together into one, by the precedence that their annotators state.

An annotator may propose the labels of its `proposes`, with its `min_score` or more; what else it finds only confirms:
so the amounts of `network` of which it is less than sure confirm those of the grammar. A layer of no annotator, such as
a file's, may propose the labels that no annotator claims.

Where proposals overlap the higher priority wins; of the same priority the label, then the layer, that is first by name.
A span that several layers have with the same borders and label gets `1 - (1 - a)(1 - b)…` of their scores (a layer
without a score counts as one half): a figure to rank by, no calibrated probability, since the layers share the network.
All that loses is a ledger entry of severity "decision"; it stays in the file of its own layer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING

from biaozhu.annotators.cover import Cover
from biaozhu.data.errors import DuplicateError, VersionError
from biaozhu.data.ledger import Entry
from biaozhu.data.model import Sentence, Span, with_spans

if TYPE_CHECKING:
    from biaozhu.annotators.registry import Annotator

    # A layer's name and a span of it.
    Proposal = tuple[str, Span]
    Key = tuple[int, int, str]

STEP = "combine"
UNSCORED = 0.5
SCORE_DIGITS = 4


def combine(
    sentences: Sequence[Sentence], layers: Mapping[str, Sequence[Sentence]], annotators: Iterable[Annotator]
) -> tuple[tuple[Sentence, ...], tuple[Entry, ...]]:
    """Return the sentences with the spans that stand, and a ledger entry for each span of a layer that is not among them.

    The sentences' own spans are ignored; a sentence that a layer lacks has no spans there; a layer is that of the annotator of its name.
    A sentence twice in a layer raises DuplicateError, one that is not among the sentences VersionError.
    """
    known = {sentence.id: sentence.text for sentence in sentences}
    found: dict[str, list[Proposal]] = {identity: [] for identity in known}
    for name in sorted(layers):
        seen: set[str] = set()
        for sentence in layers[name]:
            if known.get(sentence.id) != sentence.text:
                what = f"layer {name} has a sentence that is not in the articles"
                raise VersionError(what, where=sentence.id)
            if sentence.id in seen:
                raise DuplicateError(f"layer {name} has this sentence twice", where=sentence.id)
            seen.add(sentence.id)
            found[sentence.id] += [(name, span) for span in sentence.spans]
    precedence = _Precedence(annotators)
    combined: list[Sentence] = []
    entries: list[Entry] = []
    for sentence in sentences:
        chosen = _choose(found[sentence.id], precedence)
        combined.append(with_spans(sentence, chosen.values()))
        entries += _explain_losses(sentence, found[sentence.id], chosen, precedence)
    return tuple(combined), tuple(entries)


def combine_rows(layers: Mapping[str, Sequence[Sequence[Span]]], annotators: Iterable[Annotator]) -> list[list[Span]]:
    """Return the spans that stand, as `combine` does; each layer has the spans of every sentence."""
    names, precedence = sorted(layers), _Precedence(annotators)
    rows = []
    for row in zip(*(layers[name] for name in names), strict=True):
        found = [(name, span) for name, spans in zip(names, row, strict=True) for span in spans]
        rows.append(list(_choose(found, precedence).values()) if found else [])
    return rows


class _Precedence:
    """The labels that each annotator may propose, with their priorities."""

    def __init__(self, annotators: Iterable[Annotator]) -> None:
        self.by_name = {one.name: one for one in annotators}
        self.claimed = {label for one in self.by_name.values() for label in one.proposes}

    def of(self, name: str, span: Span) -> int | None:
        """Return the priority of a layer's span, None where the layer may not propose it."""
        annotator = self.by_name.get(name)
        if annotator is None:
            return None if span.label in self.claimed else 0
        sure = UNSCORED if span.score is None else span.score
        return annotator.proposes.get(span.label) if sure >= annotator.min_score_of(span.label) else None

    def explain(self, name: str, label: str) -> str:
        """Say why a span that nothing overlaps does not stand."""
        annotator = self.by_name.get(name)
        if annotator is not None and label in annotator.proposes:
            return f"{name} proposes only what it gives {annotator.min_score_of(label)} or more"
        deciding = [one for one in self.by_name.values() if label in one.proposes and not one.min_score_of(label)]
        deciding.sort(key=lambda one: (-one.proposes[label], one.name))
        if not deciding:
            return f"{name} does not propose {label}"
        return f"{' and '.join(one.name for one in deciding)} decide on {label}"


def _choose(found: list[Proposal], precedence: _Precedence) -> dict[Key, Span]:
    ranked = [
        (-priority, span.label, name, span)
        for name, span in found
        if (priority := precedence.of(name, span)) is not None
    ]
    ranked.sort(key=lambda one: one[:3])
    scores: dict[Key, list[float | None]] = defaultdict(list)
    for _, span in found:
        scores[span.key].append(span.score)
    chosen: dict[Key, Span] = {}
    taken: Cover[None] = Cover()
    for _, _, name, span in ranked:
        start, end, label = key = span.key
        if taken.is_free(start, end):
            taken.add(start, end, None)
            chosen[key] = Span(start, end, label, name, _agree(scores[key]))
    return chosen


def _agree(scores: list[float | None]) -> float | None:
    if all(score is None for score in scores):
        return None
    # Sorted: products of floats depend on their order, the result must not.
    doubts = sorted(1 - (UNSCORED if score is None else score) for score in scores)
    return round(1 - prod(doubts), SCORE_DIGITS)


def _explain_losses(
    sentence: Sentence, found: list[Proposal], chosen: Mapping[Key, Span], precedence: _Precedence
) -> list[Entry]:
    entries = []
    cover = Cover((one.start, one.end, one) for one in chosen.values())
    for name, span in found:
        if span.key in chosen:
            continue
        winner = next(iter(cover.find(span.start, span.end)), None)
        reason = f"{winner.source} has {winner.label} there" if winner else precedence.explain(name, span.label)
        text = sentence.text[span.start : span.end]
        entries.append(Entry(STEP, "decision", reason, sentence.id, *span.key, text, name))
    return entries
