"""A linear-chain CRF for a whole padded batch at once, in NumPy; its tags are B and I of each kind, or B, I, E and S.

Only well-formed sequences count: `X-I` and `X-E` follow `X-B` or `X-I`; where there are E tags, nothing else does. `decode` gives the best one (Viterbi 1967) and, for
each of its words, the probability of exactly that word under the model: the sum over all well-formed sequences
that hold it (forward-backward, Rabiner 1989). `loss_and_gradients` is what training needs (Lafferty et al. 2001).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

# Far below any real score, and finite: minus infinity turns into NaN where two of them meet.
FORBIDDEN = np.float32(-1e4)
SMALLEST = 1e-30
LETTERS = ("-B", "-I", "-E", "-S")
# Scores this far below a position's best count as this far: what a chain leaves over stays above SMALLEST.
LOWEST = np.float32(-60)


@dataclass(frozen=True, slots=True)
class Chain:
    """Constrained scores of a chain: start and stop of shape (tags,), transitions [from, to], and its words' tags.

    `kinds[i]` is the name of tag i without its letter, `heads[i]` and `inside[i]` are the indices of the B and the I tag
    of this kind (-1: it has none), and `begins[i]` says that tag i starts a word.
    """

    start: np.ndarray
    stop: np.ndarray
    transitions: np.ndarray
    kinds: tuple[str, ...]
    heads: np.ndarray
    inside: np.ndarray
    begins: np.ndarray


class Words(NamedTuple):
    """The words of a decoded batch, sentence by sentence, as parallel arrays of shape (words,).

    `start` and `end` are half open, `tag` is the index of the word's first tag, `score` its probability.
    """

    sentence: np.ndarray
    start: np.ndarray
    end: np.ndarray
    tag: np.ndarray
    score: np.ndarray


def make_chain(tags: Sequence[str], *, start: np.ndarray, stop: np.ndarray, transitions: np.ndarray) -> Chain:
    """Forbid what is not well-formed.

    The tags are `X-B`, `X-I`, `X-E`, `X-S` or `O`, one for each column; scores of start and stop are of shape (tags,), of transitions
    [from, to] of shape (tags, tags).
    """
    kinds = tuple(tag[:-2] if tag[-2:] in LETTERS else tag for tag in tags)
    inner = np.array([tag.endswith(("-I", "-E")) for tag in tags])
    ended = any(tag.endswith("-E") for tag in tags)
    opened = np.array([ended and tag.endswith(("-B", "-I")) for tag in tags])
    same = np.array([[one == other for other in kinds] for one in kinds])
    # Into a word from its own kind, where there are E tags from its B and I alone; out of one that has not ended, never.
    into = same & (opened[:, None] if ended else True)
    follows = np.where(inner, into, ~opened[:, None])
    index = {tag: position for position, tag in enumerate(tags)}
    return Chain(
        start=np.where(inner, FORBIDDEN, start).astype(np.float32),
        stop=np.where(opened, FORBIDDEN, stop).astype(np.float32),
        transitions=np.where(follows, transitions, FORBIDDEN).astype(np.float32),
        kinds=kinds,
        heads=np.array([index.get(f"{kind}-B", -1) for kind in kinds]),
        inside=np.array([index.get(f"{kind}-I", -1) for kind in kinds]),
        begins=~inner,
    )


def flat_chain(tags: Sequence[str]) -> Chain:
    """Return the chain of tags whose scores are all 0, but for what is not well-formed."""
    none = np.zeros(len(tags))
    return make_chain(tags, start=none, stop=none, transitions=np.zeros((len(tags), len(tags))))


def decode(chain: Chain, emissions: np.ndarray, lengths: np.ndarray) -> Words:
    """Decode a padded batch: emissions float32 of shape (time, batch, tags), lengths int of shape (batch,), each at least 1."""
    return words_of_path(chain, emissions, lengths, best_path(chain, emissions, lengths))


def marginals(chain: Chain, emissions: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return the probability of each tag at each place, float64 of shape (time, batch, tags); see `decode`."""
    return _pass(chain, emissions, lengths).marginals()


def loss_and_gradients(
    chain: Chain, emissions: np.ndarray, lengths: np.ndarray, path: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    """Return the negative log-likelihood of a well-formed path, int of shape (time, batch), and its gradients.

    The gradient by the emissions is 0 past a sentence's length; that by start, stop and transitions, one under the
    other, has the shape (2 + tags, tags) and is 0 where a step is forbidden.
    """
    passed = _pass(chain, emissions, lengths)
    live = np.arange(len(emissions))[:, None] < lengths
    places, onward = np.nonzero(live), np.nonzero(live[1:])
    lasts = lengths - 1, np.arange(len(lengths))
    by_emission = passed.marginals() * live[:, :, None]
    before = (passed.forward[:-1] / passed.total[:, None])[onward]
    after = (passed.likely[1:] * passed.backward[1:])[onward]
    steps = before.T @ after * np.exp(chain.transitions.astype(np.float64))
    expected = np.vstack([by_emission[0].sum(axis=0), by_emission[lasts].sum(axis=0), steps])
    seen = np.zeros_like(expected)
    np.add.at(seen[0], path[0], 1.0)
    np.add.at(seen[1], path[lasts], 1.0)
    np.add.at(seen[2:], (path[:-1][onward], path[1:][onward]), 1.0)
    scores = np.vstack([chain.start, chain.stop, chain.transitions]).astype(np.float64)
    reached = float(emissions[(*places, path[places])].sum(dtype=np.float64) + (scores * seen).sum())
    by_emission[(*places, path[places])] -= 1.0
    log_z = (np.log(passed.scale) + emissions.max(axis=2))[places].sum() + np.log(passed.total).sum()
    return float(log_z) - reached, by_emission, expected - seen


def best_path(chain: Chain, emissions: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return the best well-formed tags, int of shape (time, batch); 0 past a sentence's length."""
    time, batch, tags = emissions.shape
    # A word may begin after any tag, an inner tag has two predecessors only, its B and its I. Openers come first here.
    openers, inner = np.flatnonzero(chain.begins), np.flatnonzero(~chain.begins)
    order = np.concatenate([openers, inner])
    place = np.argsort(order)
    transitions = np.ascontiguousarray(chain.transitions[np.ix_(order, order)])
    count, own = len(openers), np.arange(len(openers), tags)
    heads, middles = place[chain.heads[inner]], place[chain.inside[inner]]
    opening = np.ascontiguousarray(transitions[:, :count])[:, :, None]
    from_head, from_middle = transitions[heads, own][:, None], transitions[middles, own][:, None]
    # The batch is the last axis, so that each maximum runs along contiguous memory.
    scores = np.ascontiguousarray(emissions[:, :, order].transpose(0, 2, 1))
    scores[0] += chain.start[order][:, None]
    reached = np.empty((tags, count, batch), scores.dtype)
    for step in range(1, time):
        # Maxima only: which tag they came from is asked on the way back, for one tag a sentence, not for all.
        before = scores[step - 1]
        np.add(before[:, None, :], opening, out=reached)
        scores[step, :count] += reached.max(axis=0)
        scores[step, count:] += np.maximum(before[heads] + from_head, before[middles] + from_middle)
    path = np.zeros((time, batch), np.int64)
    current = np.zeros(batch, np.int64)
    leaving, stop = np.ascontiguousarray(transitions.T), chain.stop[order]
    for step in range(time - 1, -1, -1):
        onward = scores[step].T + np.where((lengths == step + 1)[:, None], stop, leaving[current])
        live = lengths > step
        current = np.where(live, onward.argmax(axis=1), 0)
        path[step] = np.where(live, order[current], 0)
    return path


def words_of_path(chain: Chain, emissions: np.ndarray, lengths: np.ndarray, path: np.ndarray) -> Words:
    """Return the words of a well-formed path of tags, int of shape (time, batch), as `decode` does of the best one."""
    live = np.arange(len(path))[:, None] < lengths
    sentence, start = np.nonzero((chain.begins[path] & live).T)
    # A word ends where the next one of its sentence begins, or with the sentence.
    last_of_sentence = np.append(sentence[1:] != sentence[:-1], True)
    end = np.where(last_of_sentence, lengths[sentence], np.append(start[1:], 0))
    forward, backward, likely, _, total = _pass(chain, emissions, lengths)
    step = np.zeros(path.shape)
    step[1:] = chain.transitions[path[:-1], path[1:]] + np.log(
        np.maximum(np.take_along_axis(likely[1:], path[1:, :, None], axis=2)[..., 0], SMALLEST)
    )
    along = np.cumsum(step, axis=0)
    tag, last = path[start, sentence], path[end - 1, sentence]
    share = np.log(np.maximum(forward[start, sentence, tag], SMALLEST))
    share += along[end - 1, sentence] - along[start, sentence]
    # What follows must not go on with the same word.
    after = np.minimum(end, len(path) - 1)
    inner = chain.inside[last]
    going_on = np.exp(chain.transitions[last, inner].astype(np.float64))
    going_on *= likely[after, sentence, inner] * backward[after, sentence, inner]
    going_on = np.where((inner >= 0) & (end < lengths[sentence]), going_on, 0)
    leaving = np.maximum(backward[end - 1, sentence, last] - going_on, 0)
    scores: np.ndarray = np.exp(share) * leaving / total[sentence]
    return Words(sentence, start, end, tag, scores.clip(0, 1))


class _Passed(NamedTuple):
    """Forward and backward weights, scaled; their product over `total`, of shape (batch,), is the marginals.

    `likely` has the exponentials of the emissions over the scale of their place.
    """

    forward: np.ndarray
    backward: np.ndarray
    likely: np.ndarray
    scale: np.ndarray
    total: np.ndarray

    def marginals(self) -> np.ndarray:
        return np.asarray(self.forward * self.backward / self.total[:, None])


def _pass(chain: Chain, emissions: np.ndarray, lengths: np.ndarray) -> _Passed:
    # In double precision: a score must not depend on the batch, whose size decides how products are summed.
    start, stop, weight = (np.exp(part.astype(np.float64)) for part in (chain.start, chain.stop, chain.transitions))
    likely = emissions - emissions.max(axis=2, keepdims=True)
    likely = np.exp(np.maximum(likely, LOWEST, out=likely)).astype(np.float64)
    time, batch, _ = likely.shape
    forward, backward, scale = np.empty_like(likely), np.empty_like(likely), np.empty((time, batch))
    for step in range(time):
        reached = (forward[step - 1] @ weight if step else start) * likely[step]
        scale[step] = np.maximum(reached.sum(axis=1), SMALLEST)
        forward[step] = reached / scale[step][:, None]
    likely /= scale[:, :, None]
    onward = np.ascontiguousarray(weight.T)
    backward[-1] = stop
    for step in range(time - 2, -1, -1):
        backward[step] = (backward[step + 1] * likely[step + 1]) @ onward
        backward[step, lengths <= step + 1] = stop
    total = forward[lengths - 1, np.arange(batch)] @ stop
    return _Passed(forward, backward, likely, scale, np.maximum(total, SMALLEST))
