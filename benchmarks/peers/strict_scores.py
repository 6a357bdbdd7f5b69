"""Strict F1 of a peer by set, label and kind of text, with the interval of its micro average."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from biaozhu.scoring.significance import estimate_metrics

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gold_sets import GoldSet
    from numpy.typing import NDArray

    # Right, found and gold spans, a row for each sentence.
    Counts = NDArray[np.int64]
    # Label -> way to read the peer's tags -> spans of one sentence.
    Found = dict[str, dict[str, list[list[int]]]]


def compute_f1(sums: NDArray[Any]) -> NDArray[np.float64]:
    """Compute strict F1 of sums of counts; it is NaN where there is no span at all."""
    right, found, there = (sums[:, column].astype(np.float64) for column in range(3))
    spans = found + there
    return np.divide(2 * right, spans, out=np.full_like(spans, np.nan), where=spans > 0)


def score_peer(found: Iterable[Found], sets: Mapping[str, GoldSet]) -> dict[str, Any]:
    """Score what a peer found in all sets, one after the other, in the best way to read its tags by set and label."""
    remaining = iter(found)
    return {name: score_set(list(islice(remaining, len(gold.sentences))), gold) for name, gold in sets.items()}


def score_set(found: list[Found], gold: GoldSet) -> dict[str, Any]:
    """Score one set by label; all labels together and by kind of text only for a peer that knows all of the set's."""
    row: dict[str, Any] = {}
    total = np.zeros((len(found), 3), np.int64)
    for label in gold.labels:
        ways = {way: _count(found, gold, label, way) for way in found[0].get(label, ())}
        if not ways:
            continue
        best = max(ways, key=lambda way: _micro(ways[way]) or 0.0)
        row[label] = {"F1": _micro(ways[best]), "way": best}
        total += ways[best]
    if len(row) == len(gold.labels):
        bounds = estimate_metrics(total, {"F1": compute_f1})["F1"].best
        row["all"] = {"F1": _micro(total), "95 %": [round(one, 4) for one in bounds or ()]}
        kinds = np.array(gold.kinds)
        row["kinds"] = {kind: _micro(total[kinds == kind]) for kind in dict.fromkeys(gold.kinds)}
    return row


def _count(found: list[Found], gold: GoldSet, label: str, way: str) -> Counts:
    rows = []
    for one, sentence in zip(found, gold.sentences, strict=True):
        there = {(span.start, span.end) for span in sentence.spans if span.label == label}
        guessed = {(start, end) for start, end in one[label][way]}
        rows.append((len(there & guessed), len(guessed), len(there)))
    return np.array(rows, np.int64)


def _micro(counts: Counts) -> float | None:
    value = float(compute_f1(counts.sum(axis=0, keepdims=True))[0])
    return None if np.isnan(value) else round(value, 4)
