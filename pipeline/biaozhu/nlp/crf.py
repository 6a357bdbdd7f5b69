"""The tags of a trained model, texts as padded batches of them, and the spans of the best paths.

The chain itself, its loss and its decoding are those of the networks: `biaozhu.annotators.network.crf_decoding`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from biaozhu.annotators.network.batching import group_lengths
from biaozhu.annotators.network.crf_decoding import Chain, decode, loss_and_gradients, make_chain

OUTSIDE = "O"


class TokenSpan(NamedTuple):
    """A span over the tokens of a Doc, half open, with its probability."""

    start: int
    end: int
    label: str
    score: float


@dataclass(frozen=True, slots=True)
class PaddedBatch:
    """Texts of like length side by side.

    `rows`, int of shape (time, texts), says which row of all texts' tokens, one text after the other, is at each
    place; what it says past a text's end means nothing. `texts` are their positions, `lengths` their tokens.
    """

    rows: np.ndarray
    texts: tuple[int, ...]
    lengths: np.ndarray


def make_tags(labels: Iterable[str]) -> tuple[str, ...]:
    """Return `O`, then B, I, E and S of each label, each label once, sorted."""
    return (OUTSIDE, *(f"{label}-{part}" for label in sorted(set(labels)) for part in "BIES"))


def build_chain(labels: Iterable[str], scores: np.ndarray) -> Chain:
    """Return the chain of the labels' tags from start, stop and transitions, one under the other."""
    return make_chain(make_tags(labels), start=scores[0], stop=scores[1], transitions=scores[2:])


def pad_batches(lengths: Sequence[int]) -> list[PaddedBatch]:
    """Put texts of these lengths into batches; empty ones are left out."""
    sizes = np.asarray(lengths, np.int64)
    firsts = np.cumsum(sizes) - sizes
    filled = np.flatnonzero(sizes)
    batches = []
    for batch in group_lengths(sizes[filled]):
        chosen = filled[batch]
        places = np.arange(sizes[chosen].max())[:, None]
        rows = np.where(places < sizes[chosen], firsts[chosen] + places, firsts[chosen])
        batches.append(PaddedBatch(rows, tuple(chosen.tolist()), sizes[chosen]))
    return batches


def encode_spans(labels: Iterable[str], length: int, spans: Iterable[tuple[int, int, str]]) -> np.ndarray:
    """Return the tag of each position for disjoint spans (start, end, label), int of shape (length,)."""
    index = {tag: position for position, tag in enumerate(make_tags(labels))}
    path = np.zeros(length, np.int64)
    for start, end, label in spans:
        path[start:end] = index[f"{label}-I"]
        path[start] = index[f"{label}-B"]
        path[end - 1] = index[f"{label}-E" if start < end - 1 else f"{label}-S"]
    return path


def sum_losses(
    chain: Chain, emissions: np.ndarray, path: np.ndarray, batches: Iterable[PaddedBatch]
) -> tuple[float, np.ndarray, np.ndarray]:
    """Return loss and gradients of all texts; see `loss_and_gradients`.

    `emissions` of shape (rows, tags) and `path`, the right tag of each row, have one text after the other, as `batches` says.
    """
    tags = emissions.shape[1]
    loss, by_emission, by_chain = 0.0, np.zeros(emissions.shape), np.zeros((2 + tags, tags))
    for batch in batches:
        value, gradient, steps = loss_and_gradients(chain, emissions[batch.rows], batch.lengths, path[batch.rows])
        live = np.arange(len(batch.rows))[:, None] < batch.lengths
        by_emission[batch.rows[live]] = gradient[live]
        loss, by_chain = loss + value, by_chain + steps
    return loss, by_emission, by_chain


def find_spans(chain: Chain, emissions: Sequence[np.ndarray]) -> list[list[TokenSpan]]:
    """Return the sorted spans of the best path of each text, whose emissions are of shape (tokens, tags)."""
    found: list[list[TokenSpan]] = [[] for _ in emissions]
    batches = pad_batches([len(one) for one in emissions])
    joined = np.concatenate([*emissions, np.zeros((0, len(chain.kinds)), np.float32)])
    # The products are too small for BLAS's threads, and their order would hang on the machine's number of cores.
    with threadpool_limits(1, user_api="blas"):
        for batch in batches:
            words = decode(chain, joined[batch.rows], batch.lengths)
            columns = (words.sentence, words.start, words.end, words.tag, words.score)
            for text, start, end, tag, score in zip(*(one.tolist() for one in columns), strict=True):
                if chain.kinds[tag] != OUTSIDE:
                    found[batch.texts[text]].append(TokenSpan(start, end, chain.kinds[tag], score))
    return found
