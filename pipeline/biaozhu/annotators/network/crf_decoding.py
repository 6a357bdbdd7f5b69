"""A linear-chain CRF over B/I tags, decoded for a whole padded batch at once in NumPy.

Only well-formed sequences count: `X-I` follows `X-B` or `X-I`. `decode` gives the best one (Viterbi 1967) and, for
each of its words, the probability of exactly that word under the model: the sum over all well-formed sequences
that hold it (forward-backward, Rabiner 1989).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

# Far below any real score, and finite: minus infinity turns into NaN where two of them meet.
FORBIDDEN = np.float32(-1e4)
SMALLEST = 1e-30


@dataclass(frozen=True, slots=True)
class Chain:
    """Constrained scores of a chain: start and stop of shape (tags,), transitions [from, to], and its words' tags.

    `kinds[i]` is the name of tag i without its B or I, `inside[i]` the index of its I tag (-1: it has none), and
    `begins[i]` says that tag i starts a word.
    """

    start: np.ndarray
    stop: np.ndarray
    transitions: np.ndarray
    kinds: tuple[str, ...]
    inside: np.ndarray
    begins: np.ndarray


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a decoded batch, sentence by sentence, as parallel arrays of shape (words,).

    `sentence` is the position in the batch, `start` and `end` positions in the sentence, half open, `tag` the
    index of the word's first tag, `score` its probability.
    """

    sentence: np.ndarray
    start: np.ndarray
    end: np.ndarray
    tag: np.ndarray
    score: np.ndarray


def make_chain(tags: Sequence[str], *, start: np.ndarray, stop: np.ndarray, transitions: np.ndarray) -> Chain:
    """Forbid what is not well-formed.

    Args:
        tags: `X-B`, `X-I` or `O`, one for each column.
        start: scores of shape (tags,).
        stop: scores of shape (tags,).
        transitions: scores [from, to] of shape (tags, tags).
    """
    kinds = tuple(tag.removesuffix("-B").removesuffix("-I") for tag in tags)
    inner = np.array([tag.endswith("-I") for tag in tags])
    same = np.array([[one == other for other in kinds] for one in kinds])
    index = {tag: position for position, tag in enumerate(tags)}
    return Chain(
        start=np.where(inner, FORBIDDEN, start).astype(np.float32),
        stop=stop.astype(np.float32),
        transitions=np.where(inner[None, :] & ~same, FORBIDDEN, transitions).astype(np.float32),
        kinds=kinds,
        inside=np.array([index.get(f"{kind}-I", -1) for kind in kinds]),
        begins=~inner,
    )


def decode(chain: Chain, emissions: np.ndarray, lengths: np.ndarray) -> Words:
    """Decode a padded batch.

    Args:
        chain: the constrained scores.
        emissions: float32 of shape (time, batch, tags); what stands past a sentence's length is ignored.
        lengths: int of shape (batch,), each at least 1.
    """
    best = best_path(chain, emissions, lengths)
    return _words(chain, emissions, lengths, best)


def marginals(chain: Chain, emissions: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return the probability of each tag at each place under the chain, float64 of shape (time, batch, tags).

    Args:
        chain: the constrained scores.
        emissions: float32 of shape (time, batch, tags); what stands past a sentence's length means nothing.
        lengths: int of shape (batch,), each at least 1.
    """
    weight = np.exp(chain.transitions.astype(np.float64))
    likely = np.exp(emissions - emissions.max(axis=2, keepdims=True)).astype(np.float64)
    forward, scale = _forward(chain, likely, weight)
    likely /= scale[:, :, None]
    forward *= _backward(chain, likely, weight, lengths)
    shares: np.ndarray = forward / np.maximum(forward.sum(axis=2, keepdims=True), SMALLEST)
    return shares


def best_path(chain: Chain, emissions: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return the best well-formed tags, int of shape (time, batch); 0 past a sentence's length."""
    time, batch, tags = emissions.shape
    # A word may begin after any tag, an I tag has two predecessors only, its B and itself. Openers come first here.
    openers, inner = np.flatnonzero(chain.begins), np.flatnonzero(~chain.begins)
    order = np.concatenate([openers, inner])
    place = np.argsort(order)
    transitions = np.ascontiguousarray(chain.transitions[np.ix_(order, order)])
    heads = np.array([place[openers[chain.inside[openers] == tag][0]] for tag in inner], np.int64)
    count, own = len(openers), np.arange(len(openers), tags)
    opening = np.ascontiguousarray(transitions[:, :count])[:, :, None]
    from_head, from_itself = transitions[heads, own][:, None], transitions[own, own][:, None]
    # The batch is the last axis, so that each maximum runs along contiguous memory.
    scores = np.ascontiguousarray(emissions[:, :, order].transpose(0, 2, 1))
    scores[0] += chain.start[order][:, None]
    reached = np.empty((tags, count, batch), scores.dtype)
    for step in range(1, time):
        # Maxima only: which tag they came from is asked on the way back, for one tag a sentence, not for all.
        before = scores[step - 1]
        np.add(before[:, None, :], opening, out=reached)
        scores[step, :count] += reached.max(axis=0)
        scores[step, count:] += np.maximum(before[heads] + from_head, before[count:] + from_itself)
    path = np.zeros((time, batch), np.int64)
    current = np.zeros(batch, np.int64)
    leaving, stop = np.ascontiguousarray(transitions.T), chain.stop[order]
    for step in range(time - 1, -1, -1):
        onward = scores[step].T + np.where((lengths == step + 1)[:, None], stop, leaving[current])
        live = lengths > step
        current = np.where(live, onward.argmax(axis=1), 0)
        path[step] = np.where(live, order[current], 0)
    return path


def _words(chain: Chain, emissions: np.ndarray, lengths: np.ndarray, path: np.ndarray) -> Words:
    time = len(path)
    live = np.arange(time)[:, None] < lengths[None]
    sentence, start = np.nonzero((chain.begins[path] & live).T)
    # A word ends where the next one of its sentence begins, or with the sentence.
    following = np.append(start[1:], 0)
    last_of_sentence = np.append(sentence[1:] != sentence[:-1], True)
    end = np.where(last_of_sentence, lengths[sentence], following)
    tag = path[start, sentence]
    score = _word_scores(chain, emissions, lengths, path, (sentence, start, end))
    return Words(sentence, start, end, tag, score)


def _word_scores(
    chain: Chain,
    emissions: np.ndarray,
    lengths: np.ndarray,
    path: np.ndarray,
    words: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> np.ndarray:
    sentence, start, end = words
    time, batch, _ = emissions.shape
    # In double precision: a score must not depend on the batch, whose size decides how products are summed.
    weight = np.exp(chain.transitions.astype(np.float64))
    likely = np.exp(emissions - emissions.max(axis=2, keepdims=True)).astype(np.float64)
    forward, scale = _forward(chain, likely, weight)
    # As ratios to the scale of their position: inside a word the product of its steps is its share.
    likely /= scale[:, :, None]
    backward = _backward(chain, likely, weight, lengths)
    step = np.zeros((time, batch))
    step[1:] = chain.transitions[path[:-1], path[1:]] + np.log(
        np.maximum(np.take_along_axis(likely[1:], path[1:, :, None], axis=2)[..., 0], SMALLEST)
    )
    along = np.cumsum(step, axis=0)
    first, last = path[start, sentence], path[end - 1, sentence]
    share = np.log(np.maximum(forward[start, sentence, first], SMALLEST))
    share += along[end - 1, sentence] - along[start, sentence]
    # What follows must not go on with the same word.
    after = np.minimum(end, time - 1)
    inner = chain.inside[last]
    going_on = weight[last, inner] * likely[after, sentence, inner] * backward[after, sentence, inner]
    going_on = np.where((inner >= 0) & (end < lengths[sentence]), going_on, 0)
    leaving = np.maximum(backward[end - 1, sentence, last] - going_on, 0)
    total = np.einsum("wt,wt->w", forward[start, sentence], backward[start, sentence])
    scores: np.ndarray = np.exp(share) * leaving / np.maximum(total, SMALLEST)
    return scores.clip(0, 1)


def _forward(chain: Chain, likely: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    time, batch, _ = likely.shape
    forward = np.empty_like(likely)
    scale = np.empty((time, batch), likely.dtype)
    for step in range(time):
        reached = forward[step]
        if step:
            np.matmul(forward[step - 1], weight, out=reached)
        else:
            reached[:] = np.exp(chain.start.astype(np.float64))
        reached *= likely[step]
        scale[step] = np.maximum(reached.sum(axis=1), SMALLEST)
        reached /= scale[step][:, None]
    return forward, scale


def _backward(chain: Chain, likely: np.ndarray, weight: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    backward = np.empty_like(likely)
    stop = np.exp(chain.stop.astype(np.float64))
    onward = np.ascontiguousarray(weight.T)
    backward[-1] = stop
    for step in range(len(likely) - 2, -1, -1):
        np.matmul(backward[step + 1] * likely[step + 1], onward, out=backward[step])
        backward[step, lengths <= step + 1] = stop
    return backward
