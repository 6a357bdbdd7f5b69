"""Several layers of the same sentences brought together into one, by the precedence that their annotators state.

An annotator may propose the labels of its `proposes`, with its `min_score` or more; what else it finds only confirms.
What it is less than `sure` of needs that another one has seen something of the label there: so 三面 is an amount only if
the network finds one, too. A layer of no annotator, such as a file's, may propose the labels that no annotator claims.

Where proposals overlap the higher priority wins; of the same priority the label, then the layer, that is first by name.
A span that several layers have with the same borders and label gets `1 - (1 - a)(1 - b)…` of their scores (a layer
without a score counts as one half): a figure to rank by, no calibrated probability, since the layers share the network.
All that loses is a ledger entry of severity "decision"; it stays in the file of its own layer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import prod

from biaozhu.annotators.cover import Cover
from biaozhu.annotators.registry import Annotator, Rows
from biaozhu.data.ledger import Entry
from biaozhu.data.model import Sentence, Span

# A layer's name and a span of it.
Proposal = tuple[str, Span]
Layers = Mapping[str, Sequence[Sequence[Span]]]

STEP = "combine"
UNSCORED = 0.5
SCORE_DIGITS = 4


def combine_rows(layers: Layers, annotators: Iterable[Annotator]) -> Rows:
    """Return the spans that stand in each sentence, sorted; a layer has the spans of every sentence, and the name of its annotator."""
    precedence = _Precedence(annotators, layers)
    return [_choose(found, precedence) if found else () for found in _by_sentence(layers)]


def list_losses(sentences: Sequence[Sentence], layers: Layers, annotators: Iterable[Annotator]) -> list[Entry]:
    """Return a ledger entry for each span of a layer that is not among the combined spans that the sentences have."""
    precedence = _Precedence(annotators, layers)
    entries = []
    for sentence, found in zip(sentences, _by_sentence(layers), strict=True):
        chosen = {span.key for span in sentence.spans}
        cover = Cover((one.start, one.end, one) for one in sentence.spans)
        for name, span in found:
            if span.key not in chosen:
                winner = next(iter(cover.find(span.start, span.end)), None)
                lost = f"{winner.source} has {winner.label} there" if winner else precedence.explain(name, span.label)
                text = sentence.text[span.start : span.end]
                entries.append(Entry(STEP, "decision", lost, sentence.id, *span.key, text, name))
    return entries


def _by_sentence(layers: Layers) -> Iterator[list[Proposal]]:
    names = sorted(layers)
    for rows in zip(*(layers[name] for name in names), strict=True):
        yield [(name, span) for name, spans in zip(names, rows, strict=True) for span in spans]


class _Precedence:
    """The labels that each annotator may propose, with their priorities, and who of those that took part may vouch for them."""

    def __init__(self, annotators: Iterable[Annotator], layers: Iterable[str]) -> None:
        self.by_name = {one.name: one for one in annotators}
        self.claimed = {label for one in self.by_name.values() for label in one.proposes}
        self.taking_part = [self.by_name[name] for name in layers if name in self.by_name]

    def of(self, name: str, span: Span) -> int | None:
        """Return the priority of a layer's span, None where the layer may not propose it."""
        if (annotator := self.by_name.get(name)) is None:
            return None if span.label in self.claimed else 0
        return annotator.proposes.get(span.label) if _score_of(span) >= annotator.min_score_of(span.label) else None

    def vouchers(self, name: str, span: Span) -> tuple[str, ...]:
        """Return the annotators of which one has to see a span's label there, too; none where its own is sure, or alone."""
        annotator = self.by_name.get(name)
        least = annotator.sure.get(span.label, 0.0) if annotator else 0.0
        if _score_of(span) >= least:
            return ()
        return tuple(one.name for one in self.taking_part if one.name != name and span.label in one.proposes)

    def explain(self, name: str, label: str) -> str:
        """Say why a span that nothing overlaps does not stand."""
        if (annotator := self.by_name.get(name)) and label in annotator.proposes:
            if least := annotator.sure.get(label):
                return f"{name} is less than {least} sure of it, and no other annotator has {label} there"
            return f"{name} proposes only what it gives {annotator.min_score_of(label)} or more"
        deciding = [one for one in self.by_name.values() if label in one.proposes and not one.min_score_of(label)]
        deciding.sort(key=lambda one: (-one.proposes[label], one.name))
        names = " and ".join(one.name for one in deciding)
        return f"{names} decide on {label}" if names else f"{name} does not propose {label}"


def _score_of(span: Span) -> float:
    return UNSCORED if span.score is None else span.score


def _choose(found: list[Proposal], precedence: _Precedence) -> tuple[Span, ...]:
    covers: dict[tuple[str, str], Cover[Span]] = {}

    def is_vouched(name: str, span: Span) -> bool:
        others = precedence.vouchers(name, span)
        if others and not covers:
            for layer, one in found:
                covers.setdefault((layer, one.label), Cover()).add(one.start, one.end, one)
        keys = ((other, span.label) for other in others)
        return not others or any(not covers[key].is_free(span.start, span.end) for key in keys if key in covers)

    ranked = [
        (-priority, span.label, name, span)
        for name, span in found
        if (priority := precedence.of(name, span)) is not None and is_vouched(name, span)
    ]
    ranked.sort(key=lambda one: one[:3])
    scores: dict[tuple[int, int, str], list[float | None]] = defaultdict(list)
    for _, span in found:
        scores[span.key].append(span.score)
    taken: Cover[Span] = Cover()
    for _, label, name, span in ranked:
        if taken.is_free(span.start, span.end):
            chosen = Span(span.start, span.end, label, name, _agree(scores[span.key]))
            taken.add(span.start, span.end, chosen)
    return tuple(taken.values())


def _agree(scores: list[float | None]) -> float | None:
    if all(score is None for score in scores):
        return None
    # Sorted: products of floats depend on their order, the result must not.
    doubts = sorted(1 - (UNSCORED if score is None else score) for score in scores)
    return round(1 - prod(doubts), SCORE_DIGITS)
