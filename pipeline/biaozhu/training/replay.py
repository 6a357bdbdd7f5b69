"""Replay of what the start says of other texts, which a custom model should not forget.

The sentences were written for the corpus `modern` (CC0 1.0), and drawn by `recipes.corpora.replay_sample`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from spacy.tokens import Doc

from biaozhu.annotators.network.crf_decoding import FORBIDDEN
from biaozhu.data.strict_counts import StrictCounts, count_strict_spans, sum_counts
from biaozhu.nlp.crf_model import tag_scores
from biaozhu.training.descent import START, CrfProblem, Hold, count_first, predict

SAMPLE = Path(__file__).with_name("replay_sample.json")
# So many first ones are replayed; of the others a model learns nothing, so that they say what it forgets.
REPLAYED = 500
# Tokens that are replayed with little gold: more would only take longer.
MIN_TOKENS = 2000


@cache
def read_sample() -> tuple[str, ...]:
    """Read the sentences, in the order drawn."""
    return tuple(json.loads(SAMPLE.read_text(encoding="utf-8")))


def make_replay(make_doc: Callable[[str], Doc], tokens: int) -> tuple[list[Doc], list[Doc]]:
    """Return Docs to replay with gold of so many tokens, and those that say what was forgotten."""
    docs = [make_doc(text) for text in read_sample()]
    return docs[: count_first(list(map(len, docs[:REPLAYED])), max(tokens, MIN_TOKENS))], docs[REPLAYED:]


def replay_problem(
    model: Any, labels: Sequence[str], docs: Sequence[Doc], blocks: Sequence[Any], said: list[np.ndarray]
) -> CrfProblem:
    """Return the problem of texts of which only the start says what is right, by their features and what the model's prior said.

    Labels that the start does not have do not occur in it: it cannot say where they would be, and so not that they are absent.
    """
    prior = tag_scores(model, said, {}, unknown=FORBIDDEN)
    lengths = np.array([len(doc) for doc in docs])
    outside = np.zeros(lengths.sum(), np.int64)
    return CrfProblem(tuple(docs), tuple(labels), tuple(blocks), np.concatenate(prior), outside, lengths)


def count_kept(problem: CrfProblem, model: Any, hold: Hold, flat: np.ndarray, said: list[np.ndarray]) -> StrictCounts:
    """Count the spans of the start in texts of `replay_problem`, those that the model marks there with its labels, and those in both."""
    own = replace(problem, prior=np.concatenate(tag_scores(model, said, model.attrs["borrowed"])))
    known = {tag[:-2] for tag in model.get_ref("prior").attrs["tags"]}
    sides = (
        [(at, *span[:3]) for at, spans in enumerate(found) for span in spans if span.label in known]
        for found in (predict(problem, START, None), predict(own, hold, flat))
    )
    return sum_counts(count_strict_spans(*sides).values())
