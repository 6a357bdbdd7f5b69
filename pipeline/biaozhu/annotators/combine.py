"""Several layers of the same sentences brought together into one, by a stated precedence.

For each label `PRECEDENCE` names the layers that may propose spans of it, the first the strongest; the others only
confirm. The raw layer `lac` proposes nothing of its own: places, persons and amounts are made from its words, and
what they drop of it must not come back through it. A label that the table does not name takes all layers, by name.

`base` is the network of models/base/, where it is asked for. It proposes persons that it is sure of, where `persons`
has none; places and amounts it only confirms. `LEAST` and this order were chosen on PFR dev and UNER train
(benchmarks/base_layer.py): to add its places, too, helps on the newspaper that it was trained on and harms elsewhere.

Among the proposals the stronger wins where two overlap: by the order of the labels in the table, then by the order
of the layers, then the longer, then the earlier. A span that more layers have with the same borders and label gets
`1 - (1 - a)(1 - b)…` of their scores (a layer without a score counts as one half): a figure to rank by, no
calibrated probability, since the layers share LAC's words. All that loses is a ledger entry of severity "decision";
it stays in the file of its own layer.
"""

from __future__ import annotations

from math import prod
from types import MappingProxyType
from typing import TYPE_CHECKING

from biaozhu.data.errors import DuplicateError, VersionError
from biaozhu.data.ledger import Entry
from biaozhu.data.model import Span, with_spans

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from biaozhu.data.model import Sentence

STEP = "combine"
PRECEDENCE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"AMOUNT": ("amounts",), "PERSON": ("persons", "base"), "PLACE": ("places",)}
)
# The least score with which a layer may propose.
LEAST: Mapping[str, float] = MappingProxyType({"base": 0.9})
UNSCORED = 0.5
SCORE_DIGITS = 4


def combine(
    sentences: Sequence[Sentence],
    layers: Mapping[str, Sequence[Sentence]],
    precedence: Mapping[str, tuple[str, ...]] = PRECEDENCE,
) -> tuple[tuple[Sentence, ...], tuple[Entry, ...]]:
    """Bring layers together.

    Args:
        sentences: what the result is made of, in order; their own spans are ignored.
        layers: layer name -> its sentences, by id among `sentences`; a sentence that it lacks has no spans there.
        precedence: label -> the layers that may propose it, the strongest first; its order is that of the labels.

    Returns:
        The sentences with the spans that stand (the source is the layer that proposed each), and a ledger entry for
        each span of a layer that is not among them with the same borders and label.

    Raises:
        DuplicateError: a layer has a sentence twice.
        VersionError: a layer's sentence is not among the sentences.
    """
    known = {sentence.id: sentence.text for sentence in sentences}
    proposals: dict[str, list[tuple[str, Span]]] = {identity: [] for identity in known}
    for name in sorted(layers):
        seen: set[str] = set()
        for sentence in layers[name]:
            if known.get(sentence.id) != sentence.text:
                raise VersionError(
                    f"layer {name} has a sentence that is not in the articles", where=sentence.id
                )
            if sentence.id in seen:
                raise DuplicateError(f"layer {name} has this sentence twice", where=sentence.id)
            seen.add(sentence.id)
            proposals[sentence.id] += [(name, span) for span in sentence.spans]
    combined: list[Sentence] = []
    entries: list[Entry] = []
    for sentence in sentences:
        chosen = _chosen(proposals[sentence.id], precedence)
        combined.append(with_spans(sentence, chosen.values()))
        entries += _lost(sentence, proposals[sentence.id], chosen, precedence)
    return tuple(combined), tuple(entries)


def combine_rows(
    layers: Mapping[str, Sequence[Sequence[Span]]], precedence: Mapping[str, tuple[str, ...]] = PRECEDENCE
) -> list[list[Span]]:
    """Bring layers of the same sentences together, as `combine` does, without saying what was lost.

    Args:
        layers: layer name -> the spans of each sentence; all of the same length.
        precedence: see `combine`.
    """
    names = sorted(layers)
    return [
        list(
            _chosen(
                [(name, span) for name, spans in zip(names, row, strict=True) for span in spans], precedence
            ).values()
        )
        for row in zip(*(layers[name] for name in names), strict=True)
    ]


def _chosen(
    proposals: list[tuple[str, Span]], precedence: Mapping[str, tuple[str, ...]]
) -> dict[tuple[int, int, str], Span]:
    able = [one for one in proposals if _may_propose(*one, precedence)]
    if not able:
        return {}
    labels = tuple(precedence)

    def rank(proposal: tuple[str, Span]) -> tuple[int, str, int, str, int, int]:
        name, span = proposal
        listed = precedence.get(span.label)
        label = labels.index(span.label) if listed else len(labels)
        layer = listed.index(name) if listed and name in listed else len(listed or ())
        return label, span.label, layer, name, span.start - span.end, span.start

    chosen: dict[tuple[int, int, str], Span] = {}
    for name, span in sorted(able, key=rank):
        start, end, label = key = span.key
        if not any(start < other.end and other.start < end for other in chosen.values()):
            agreeing = [
                other.score
                for _, other in proposals
                if other.start == start and other.end == end and other.label == label
            ]
            chosen[key] = Span(start, end, label, name, _agreed(agreeing))
    return chosen


def _lost(
    sentence: Sentence,
    proposals: list[tuple[str, Span]],
    chosen: dict[tuple[int, int, str], Span],
    precedence: Mapping[str, tuple[str, ...]],
) -> list[Entry]:
    return [
        Entry(
            step=STEP,
            severity="decision",
            reason=_reason(name, span, list(chosen.values()), precedence),
            sentence=sentence.id,
            start=span.start,
            end=span.end,
            label=span.label,
            text=sentence.text[span.start : span.end],
            source=name,
        )
        for name, span in proposals
        if span.key not in chosen
    ]


def _may_propose(name: str, span: Span, precedence: Mapping[str, tuple[str, ...]]) -> bool:
    sure = UNSCORED if span.score is None else span.score
    return name in precedence.get(span.label, (name,)) and sure >= LEAST.get(name, 0.0)


def _agreed(scores: list[float | None]) -> float | None:
    if all(score is None for score in scores):
        return None
    # Sorted: products of floats depend on their order, the result must not.
    doubts = sorted(1 - (UNSCORED if score is None else score) for score in scores)
    return round(1 - prod(doubts), SCORE_DIGITS)


def _reason(name: str, span: Span, chosen: list[Span], precedence: Mapping[str, tuple[str, ...]]) -> str:
    winner = next((one for one in chosen if one.start < span.end and span.start < one.end), None)
    if winner is not None:
        return f"{winner.source} has {winner.label} there"
    if name in precedence.get(span.label, (name,)):
        return f"{name} proposes only what it gives {LEAST[name]} or more"
    deciding = [one for one in precedence.get(span.label, (name,)) if one not in LEAST]
    return f"{' and '.join(deciding)} decide on {span.label}"
