"""The best linear-chain CRF over fixed features by L-BFGS: no learning rate, no seed, the same result each time.

It begins at zero, where a model says what its prior says, and is held there by L2 (Liu and Nocedal 1989), and by what the prior
says of other texts, which are replayed with its probabilities as their labels (Li and Hoiem 2016: learning without forgetting).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from scipy.optimize import minimize
from spacy.tokens import Doc
from threadpoolctl import threadpool_limits

from biaozhu.nlp.crf import PaddedBatch, TokenSpan, build_chain, find_spans, make_tags, pad_batches, sum_losses

# L-BFGS remembers so many steps; it ends where a step gains less than this share of the loss.
MEMORY, TOLERANCE = 10, 1e-5
# The bias and the chain say how frequent tags are, which one article tells little of the next one's.
FREQUENCY_PENALTY = 3.0


class Hold(NamedTuple):
    """Strength by which a model is held to its prior: the prior's weight, the L2 of each block's weights, the weight of replayed texts.

    The last one is that of all of them together, in shares of the gold's.
    """

    prior_weight: float
    l2: tuple[float, ...]
    replay: float = 0.0


START = Hold(1.0, ())


@dataclass(frozen=True, slots=True)
class CrfProblem:
    """Texts with features and right tags, one text after the other.

    `blocks` are matrices, dense or sparse, each with a row a token; `prior` has scores of shape (tokens, tags), before their weight,
    `path` the right tag of each token, `lengths` the tokens of each text. Of `replay` only what the prior says is asked, not the path.
    """

    docs: tuple[Doc, ...]
    labels: tuple[str, ...]
    blocks: tuple[Any, ...]
    prior: np.ndarray
    path: np.ndarray
    lengths: np.ndarray
    replay: CrfProblem | None = None

    @property
    def tags(self) -> int:
        """Return the number of tags."""
        return len(make_tags(self.labels))

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of parameters of each part that `solve_problem` returns."""
        tags = self.tags
        return (*(tags * block.shape[1] for block in self.blocks), tags, (2 + tags) * tags)

    def take(self, texts: Sequence[int]) -> CrfProblem:
        """Return the problem of some of the texts."""
        of_texts = self.split(np.arange(len(self.path)))
        rows = np.concatenate([of_texts[at] for at in texts])
        return replace(
            self,
            docs=tuple(self.docs[at] for at in texts),
            blocks=tuple(block[rows] for block in self.blocks),
            prior=self.prior[rows],
            path=self.path[rows],
            lengths=self.lengths[list(texts)],
        )

    def take_first(self, tokens: float) -> CrfProblem:
        """Return the problem of the first texts that have so many tokens together, or of all."""
        return self.take(range(count_first(self.lengths, tokens)))

    def split(self, rows: np.ndarray) -> list[np.ndarray]:
        """Cut rows of all tokens into those of each text."""
        return np.split(rows, np.cumsum(self.lengths)[:-1])


def count_first(lengths: Sequence[int] | np.ndarray, tokens: float) -> int:
    """Return how many first texts of these lengths have so many tokens together, or the number of all."""
    return 1 + int(np.searchsorted(np.cumsum(lengths)[:-1], tokens))


def merge_columns(features: Sequence[Any]) -> tuple[Any, Any, Any]:
    """Return the rows of all texts as one matrix, the new column of each old one, and the share of its weight that that has.

    Columns of a sparse matrix that have entries in the same rows are put together into one: under L2 a column with the root of the sum of
    their squared values learns just what they would. Most n-grams occur at one place only, so this is most of the work.
    """
    if not sparse.issparse(features[0]):
        return np.concatenate(features), slice(None), np.float32(1)
    block = sparse.vstack(features, "csr")
    values = np.asarray(block.max(axis=0).todense()).ravel()
    # Sums that wrap around: two columns have the same if they have the same rows, others by chance of 2^-64.
    draws = np.random.default_rng(0).integers(np.iinfo(np.int64).max, size=block.shape[0])
    rows = block.tocoo()
    marks = np.zeros(block.shape[1], np.int64)
    np.add.at(marks, rows.col, draws[rows.row])
    _, first, place = np.unique(marks, return_index=True, return_inverse=True)
    sizes = np.sqrt(np.bincount(place, values.astype(np.float64) ** 2))
    merged = block[:, first] @ sparse.diags(sizes / np.maximum(values[first], 1e-12))
    return merged.astype(np.float32).tocsr(), place, values / np.maximum(sizes[place], 1e-12)


class _Part(NamedTuple):
    """Texts with their weight in the loss, and how far the wanted probabilities are from their path, by tag and step; `least` is their entropy."""

    problem: CrfProblem
    prior: np.ndarray
    batches: list[PaddedBatch]
    weight: float
    emission: Any
    chain: Any
    least: float

    @classmethod
    def of(cls, problem: CrfProblem, hold: Hold, *given: Any) -> _Part:
        """Return the texts of a problem as a part."""
        return cls(problem, problem.prior * hold.prior_weight, pad_batches(problem.lengths.tolist()), *given)


def solve_problem(
    problem: CrfProblem,
    hold: Hold,
    *,
    begin: np.ndarray | None = None,
    iterations: int,
    tolerance: float = TOLERANCE,
    on_step: Callable[[float], None] = lambda _: None,
) -> np.ndarray:
    """Return the parameters of least loss, after at most so many iterations, in one row: the weights of each block, bias, chain.

    The search begins at `begin`, such as the solution of a stronger hold, or at zero, and ends where a step gains less than the share
    `tolerance` of the loss; `on_step` is called after each step with the loss.
    """
    tags = problem.tags
    still = build_chain(problem.labels, np.zeros((2 + tags, tags), np.float32))
    strengths = (*hold.l2, *[FREQUENCY_PENALTY * hold.l2[0]] * 2)
    penalties = np.repeat(np.asarray(strengths, np.float64), problem.sizes)
    parts = [_Part.of(problem, hold, 1.0, 0.0, 0.0, 0.0)]
    if hold.replay and problem.replay is not None:
        again, weight = problem.replay, hold.replay * len(problem.path) / len(problem.replay.path)
        value, *likely = sum_losses(still, again.prior, again.path, pad_batches(again.lengths.tolist()))
        parts.append(_Part.of(again, hold, weight, *likely, value - float(np.sum(likely[0] * again.prior))))

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        steps = unpack(problem, flat)[2]
        start, stop, transitions = still.start + steps[0], still.stop + steps[1], still.transitions + steps[2:]
        chain = replace(still, start=start, stop=stop, transitions=transitions)
        total, slope = float((penalties * flat) @ flat) / 2, penalties * flat
        for part in parts:
            emissions = _emit(part.problem, flat) + part.prior
            value, by_emission, by_chain = sum_losses(chain, emissions, part.problem.path, part.batches)
            # From the path's likelihood to the divergence from the prior's probabilities.
            value -= part.least + float(np.sum(part.emission * emissions) + np.sum(part.chain * steps))
            by_emission, by_chain = by_emission - part.emission, by_chain - part.chain
            single = by_emission.astype(np.float32)
            by_weight = [np.asarray(single.T @ block).ravel() for block in part.problem.blocks]
            gradient = np.concatenate([*by_weight, by_emission.sum(axis=0), by_chain.ravel()])
            total, slope = total + part.weight * value, slope + part.weight * gradient
        return total, slope

    # One thread: the products are small, waiting for each other costs more than it gains, and the order of the sums,
    # so the result, does not hang on the machine's number of cores.
    with threadpool_limits(1):
        result = minimize(
            loss,
            np.zeros(len(penalties)) if begin is None else begin,
            jac=True,
            method="L-BFGS-B",
            callback=lambda intermediate_result: on_step(intermediate_result.fun),
            options={"maxiter": iterations, "maxcor": MEMORY, "ftol": tolerance},
        )
    return np.asarray(result.x)


def unpack(problem: CrfProblem, flat: np.ndarray) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Return the weights of each block, the bias and the chain's scores."""
    *weights, bias, chain = np.split(flat, np.cumsum(problem.sizes)[:-1])
    return [one.reshape(problem.tags, -1) for one in weights], bias, chain.reshape(-1, problem.tags)


def predict(problem: CrfProblem, hold: Hold, flat: np.ndarray | None) -> list[list[TokenSpan]]:
    """Return the spans of each text under parameters; None has those of the prior."""
    flat = np.zeros(sum(problem.sizes)) if flat is None else flat
    emissions = _emit(problem, flat) + problem.prior * hold.prior_weight
    return _decode(problem, unpack(problem, flat)[2], emissions)


def read_gold(problem: CrfProblem) -> list[list[TokenSpan]]:
    """Return the right spans of each text."""
    return _decode(problem, np.zeros((2 + problem.tags, problem.tags)), np.eye(problem.tags)[problem.path])


def _emit(problem: CrfProblem, flat: np.ndarray) -> np.ndarray:
    weights, bias, _ = unpack(problem, flat)
    parts = (block @ one.T.astype(np.float32) for block, one in zip(problem.blocks, weights, strict=True))
    return np.asarray(sum(parts, bias))


def _decode(problem: CrfProblem, chain: np.ndarray, emissions: np.ndarray) -> list[list[TokenSpan]]:
    return find_spans(build_chain(problem.labels, chain), problem.split(emissions.astype(np.float32)))
