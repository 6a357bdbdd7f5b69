"""A linear-chain CRF over BIOES tags in NumPy: likelihood with gradient, best path, probability of a span.

Only well-formed sequences have any probability: B and I go on to I or E of the same label, everything else to O, B
or S. Sentences come as one array of rows, longest sentence first, so that each step along them is one matrix
product over those that are still long enough (Lafferty et al. 2001; forward-backward after Rabiner 1989).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

START, STOP = 0, 1
# Scores this far below a position's best count as this far: their exponentials stay above the smallest float.
LOWEST = -80.0
FORBIDDEN = -1e9


@dataclass(frozen=True, slots=True)
class Tagging:
    """The tags of a label set and what may follow what.

    Attributes:
        labels: sorted.
        tags: `O`, then B, I, E and S of each label: `B-PLACE`.
        allowed: bool of shape (2 + tags, tags), as the scores of a chain: row 0 may start a sentence, row 1 may
            end it, row 2 + i may follow tag i.
    """

    labels: tuple[str, ...]
    tags: tuple[str, ...]
    allowed: np.ndarray


@dataclass(frozen=True, slots=True)
class Rows:
    """Where the sentences of a batch lie in its rows, longest first.

    Attributes:
        lengths: int of shape (sentences,), not increasing, each at least 1.
        firsts: the row of each sentence's first character.
        active: for each step, how many sentences reach it.
    """

    lengths: np.ndarray
    firsts: np.ndarray
    active: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Passed:
    """What forward-backward gives.

    Attributes:
        log_z: the sum over the sentences of their logarithm of the partition function.
        marginals: probability of each tag at each row, shape (rows, tags).
        steps: expected count of each step [from, to], shape (tags, tags).
        forward, backward: scaled, shape (rows, tags); their product is the marginals.
        gain: what a row's emission multiplies in, over its scale; shape (rows, tags).
    """

    log_z: float
    marginals: np.ndarray
    steps: np.ndarray
    forward: np.ndarray
    backward: np.ndarray
    gain: np.ndarray


def make_tagging(labels: Iterable[str]) -> Tagging:
    """Return the tags of the labels, each label once, sorted."""
    names = tuple(sorted(set(labels)))
    tags = ("O", *(f"{part}-{name}" for name in names for part in "BIES"))
    opened = np.array([tag[0] in "BI" for tag in tags])
    closes = np.array([tag[0] in "IE" for tag in tags])
    same = np.array([[one[2:] == other[2:] for other in tags] for one in tags])
    follows = np.where(opened[:, None], closes & same, ~closes)
    return Tagging(names, tags, np.vstack([~closes, ~opened, follows]))


def make_rows(lengths: Sequence[int]) -> Rows:
    """Lay out sentences of these lengths, which must not increase."""
    sizes = np.asarray(lengths, np.int64)
    firsts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    longest = int(sizes[0]) if len(sizes) else 0
    # Lengths fall, so their negatives rise: the position is the number of sentences longer than the step.
    active = np.searchsorted(-sizes, -np.arange(longest), side="left")
    return Rows(sizes, firsts, tuple(int(count) for count in active))


def encode(tagging: Tagging, length: int, spans: Iterable[tuple[int, int, str]]) -> np.ndarray:
    """Return the tag of each position for disjoint spans (start, end, label), int of shape (length,)."""
    index = {tag: position for position, tag in enumerate(tagging.tags)}
    path = np.zeros(length, np.int64)
    for start, end, label in spans:
        path[start:end] = index[f"I-{label}"]
        path[start] = index[f"B-{label}"]
        path[end - 1] = index[f"E-{label}" if start < end - 1 else f"S-{label}"]
    return path


def decode(tagging: Tagging, path: np.ndarray) -> list[tuple[int, int, str]]:
    """Return the spans (start, end, label) of a well-formed path."""
    spans = []
    start = 0
    for position, tag in enumerate(path.tolist()):
        name = tagging.tags[tag]
        if name[0] in "BS":
            start = position
        if name[0] in "ES":
            spans.append((start, position + 1, name[2:]))
    return spans


def forward_backward(tagging: Tagging, chain: np.ndarray, emissions: np.ndarray, rows: Rows) -> Passed:
    """Run forward-backward.

    Args:
        tagging: the tags.
        chain: scores of shape (2 + tags, tags): start, stop, then steps [from, to].
        emissions: scores of shape (rows, tags).
        rows: how the sentences lie in the rows.
    """
    weights = np.where(tagging.allowed, np.exp(chain), 0.0)
    start, stop, step = weights[START], weights[STOP], weights[2:]
    peaks = emissions.max(axis=1)
    likely = np.exp(np.maximum(emissions - peaks[:, None], LOWEST))
    forward, backward = np.empty_like(likely), np.empty_like(likely)
    scale = np.empty(len(likely))
    for position, count in enumerate(rows.active):
        here = rows.firsts[:count] + position
        reached = (forward[here - 1] @ step if position else start) * likely[here]
        scale[here] = reached.sum(axis=1)
        forward[here] = reached / scale[here, None]
    lasts = rows.firsts + rows.lengths - 1
    stopping = forward[lasts] @ stop
    gain = likely / scale[:, None]
    backward[lasts] = stop / stopping[:, None]
    steps = np.zeros_like(step)
    for position in range(len(rows.active) - 1, 0, -1):
        here = rows.firsts[: rows.active[position]] + position
        onward = gain[here] * backward[here]
        backward[here - 1] = onward @ step.T
        steps += forward[here - 1].T @ onward
    log_z = float(np.log(scale).sum() + peaks.sum() + np.log(stopping).sum())
    return Passed(log_z, forward * backward, steps * step, forward, backward, gain)


def loss_and_gradients(
    tagging: Tagging, chain: np.ndarray, emissions: np.ndarray, rows: Rows, path: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    """Return the negative log-likelihood of a path, and its gradients by emissions and by chain.

    Args:
        tagging: the tags.
        chain: as for `forward_backward`.
        emissions: as for `forward_backward`.
        rows: how the sentences lie in the rows.
        path: the well-formed tag of each row.
    """
    passed = forward_backward(tagging, chain, emissions, rows)
    everywhere = np.arange(len(path))
    lasts = rows.firsts + rows.lengths - 1
    inner = np.ones(len(path), bool)
    inner[rows.firsts] = False
    seen = np.zeros_like(chain)
    np.add.at(seen[START], path[rows.firsts], 1.0)
    np.add.at(seen[STOP], path[lasts], 1.0)
    np.add.at(seen[2:], (path[:-1][inner[1:]], path[1:][inner[1:]]), 1.0)
    reached = float(emissions[everywhere, path].sum() + (chain * seen).sum())
    by_emission = passed.marginals.copy()
    by_emission[everywhere, path] -= 1.0
    expected = np.vstack(
        [passed.marginals[rows.firsts].sum(axis=0), passed.marginals[lasts].sum(axis=0), passed.steps]
    )
    return passed.log_z - reached, by_emission, expected - seen


def best_path(tagging: Tagging, chain: np.ndarray, emissions: np.ndarray, rows: Rows) -> np.ndarray:
    """Return the best well-formed tag of each row (Viterbi 1967); arguments as for `forward_backward`."""
    scores = np.where(tagging.allowed, chain, FORBIDDEN)
    best = np.empty(emissions.shape)
    came_from = np.zeros(emissions.shape, np.int64)
    for position, count in enumerate(rows.active):
        here = rows.firsts[:count] + position
        if position:
            candidates = best[here - 1][:, :, None] + scores[2:]
            came_from[here] = candidates.argmax(axis=1)
            best[here] = candidates.max(axis=1) + emissions[here]
        else:
            best[here] = scores[START] + emissions[here]
    path = np.zeros(len(emissions), np.int64)
    lasts = rows.firsts + rows.lengths - 1
    path[lasts] = (best[lasts] + scores[STOP]).argmax(axis=1)
    for position in range(len(rows.active) - 1, 0, -1):
        here = rows.firsts[: rows.active[position]] + position
        path[here - 1] = came_from[here, path[here]]
    return path


def span_probabilities(
    tagging: Tagging, chain: np.ndarray, passed: Passed, path: np.ndarray, spans: Iterable[tuple[int, int]]
) -> list[float]:
    """Return for each span of a path the probability that exactly this span with this label is there.

    Args:
        tagging: the tags.
        chain: as for `forward_backward`.
        passed: what it gave.
        path: the tag of each row.
        spans: first row and row after the last of each span.
    """
    weights = np.where(tagging.allowed, np.exp(chain), 0.0)[2:]
    found = []
    for start, end in spans:
        tags = path[start:end]
        along = weights[tags[:-1], tags[1:]] * passed.gain[np.arange(start + 1, end), tags[1:]]
        whole = passed.forward[start, tags[0]] * along.prod() * passed.backward[end - 1, tags[-1]]
        found.append(float(np.clip(whole, 0.0, 1.0)))
    return found
