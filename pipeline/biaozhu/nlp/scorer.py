"""The spans that our components leave in a Doc, and their scorer in spaCy's own commands: strict F1 on characters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from spacy.tokens import Doc, Span, SpanGroup
from spacy.training import Example

from biaozhu.data.strict_counts import StrictCounts, count_strict_spans, sum_counts

SCORER = "biaozhu.ner_scorer.v1"


def keep_spans(doc: Doc, spans: Sequence[Span], scores: Sequence[float | None], key: str, *, set_ents: bool) -> None:
    """Keep spans with their scores in `doc.spans[key]`, and add to `doc.ents`, if so wanted, what overlaps nothing there."""
    doc.spans[key] = SpanGroup(doc, name=key, spans=spans, attrs={"scores": scores})
    if set_ents:
        taken = {token.i for one in doc.ents for token in one}
        doc.set_ents([*doc.ents, *(one for one in spans if taken.isdisjoint(range(one.start, one.end)))])


def score_spans(examples: Iterable[Example], **settings: Any) -> dict[str, Any]:
    """Return `ents_p`, `ents_r`, `ents_f` and `ents_per_type`; None where there are no spans, as of spaCy's own scorer.

    A span is right if its first and last character and its label are those of a reference entity, whatever the tokens of either. A
    prediction over tokens of which the reference does not say whether they are entities counts neither way. The settings
    `spans_key` and `set_ents` of the component say where its predictions are.
    """
    gold, found = [], []
    for number, example in enumerate(examples):
        reference, predicted = example.reference, example.predicted
        if not reference.has_annotation("ENT_IOB"):
            continue
        unknown = {
            place for token in reference if not token.ent_iob for place in range(token.idx, token.idx + len(token))
        }
        gold += [(number, one.start_char, one.end_char, one.label_) for one in reference.ents]
        found += [
            (number, one.start_char, one.end_char, one.label_)
            for one in (predicted.ents if settings["set_ents"] else predicted.spans.get(settings["spans_key"], ()))
            if unknown.isdisjoint(range(one.start_char, one.end_char))
        ]
    by_label = count_strict_spans(gold, found)
    total = _figures(sum_counts(by_label.values()))
    return {
        **{f"ents_{name}": value if by_label else None for name, value in total.items()},
        "ents_per_type": {label: _figures(one) for label, one in by_label.items()} or None,
    }


def make_scorer() -> Callable[..., dict[str, Any]]:
    """Return `score_spans`, that a config names as `biaozhu.ner_scorer.v1`."""
    return score_spans


def _figures(counts: StrictCounts) -> dict[str, float]:
    # spaCy's tables ask for numbers: what has no denominator is 0 there.
    return {"p": counts.precision or 0.0, "r": counts.recall or 0.0, "f": counts.f1 or 0.0}
