"""The part of the base model that is trained, in PyTorch: what comes after LAC's states.

The small LAC stays as it is; the large one may learn with what stands on it, at a rate of its own, so that it keeps what
it knows. A second linear layer learns the corpus's words and parts of speech from the same states, and the names of an auxiliary
corpus under that corpus's own rules (multi-task learning, Caruana 1997); it only serves training.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

from biaozhu.annotators.network.lac_data import HIDDEN
from biaozhu.nlp.torch_encoders.lac_layers import LacLayers, both_ways, reversal
from recipes.base.graph import bigram_rows

if TYPE_CHECKING:
    import numpy as np

    from biaozhu.annotators.network.lac_weights import LacWeights

# As in decoding: far below any score, and finite.
FORBIDDEN = -1e4


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes: of LAC's states, of what they are made to, buckets and width of the bigrams, tags, the other tasks' tags."""

    states: int
    narrow: int
    buckets: int
    bigram: int
    tags: int
    words: int
    others: int = 0


class BaseNetwork(nn.Module):  # type: ignore[misc]  # PyTorch may be absent here
    """Emissions of a padded batch.

    `allowed` says which steps [from, to] are well-formed, bool of shape (tags, tags), `first` which tags may begin a sentence,
    (tags,). Shares dropped while training: `dropout` of the units before each layer, `unseen` of the bigrams, `blind` of the
    sentences' states but the last `lexicon`, the columns of the lexicon, so that these count, and `tuned_dropout` within
    `tuned`, a LAC that learns too, whose states come before the others, and count among the shape's.
    """

    def __init__(  # noqa: PLR0913 — keyword-only
        self,
        shape: Shape,
        allowed: np.ndarray,
        first: np.ndarray,
        *,
        dropout: float,
        unseen: float,
        tuned: LacWeights | None = None,
        tuned_dropout: float = 0.1,
        lexicon: int = 0,
        blind: float = 0.0,
    ) -> None:
        super().__init__()
        self.shape = shape
        self.lexicon, self.blind = lexicon, blind
        self.unseen = unseen
        self.tuned = None
        if tuned is not None:
            self.tuned = LacLayers(tuned, dropout=tuned_dropout)
            rows = torch.from_numpy(tuned.rows.astype("int64"))
            self.register_buffer("tuned_rows", rows, persistent=False)
        self.narrow = nn.Linear(shape.states, shape.narrow)
        self.bigrams = nn.Embedding(shape.buckets, shape.bigram)
        nn.init.normal_(self.bigrams.weight, std=0.1)
        width = shape.narrow + 2 * shape.bigram
        # One direction each over reversed sentences: packed sequences take twice the time on a CPU.
        self.ahead, self.behind = nn.GRU(width, HIDDEN), nn.GRU(width, HIDDEN)
        self.dropout = nn.Dropout(dropout)
        self.emit = nn.Linear(2 * HIDDEN + shape.narrow, shape.tags)
        self.emit_words = nn.Linear(2 * HIDDEN + shape.narrow, shape.words + shape.others)
        add_chain(self, allowed, first)

    def forward(
        self, states: torch.Tensor, ids: torch.Tensor, lengths: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return emissions (time, batch, tags) and the other tasks' logits (time, batch, words + others).

        States are float of shape (time, batch, states), of what does not learn: with a LAC that learns 256 less. Ids are rows
        of the dictionary, int of (time, batch), 0 past a sentence's end; lengths int of (batch,).
        """
        if self.tuned is not None:
            states = torch.cat([self.tuned(self.tuned_rows[ids], lengths), states], dim=-1)
        if self.training and self.blind:
            seen = (torch.rand(len(lengths)) >= self.blind).to(states.dtype)[None, :, None]
            told = self.shape.states - self.lexicon
            states = torch.cat([states[..., :told] * seen, states[..., told:]], dim=-1)
        narrow = self.narrow(self.dropout(states))
        parts = [narrow]
        for rows in bigram_rows(ids, self.shape.buckets, concatenate=torch.cat, zeros=torch.zeros_like):
            embedded = self.bigrams(rows)
            if self.training and self.unseen:
                embedded = embedded * (torch.rand(rows.shape) >= self.unseen)[..., None]
            parts.append(embedded)
        state = self.dropout(torch.cat(parts, dim=-1))
        back = reversal(lengths, len(ids))[..., None]
        both = both_ways(self.ahead, self.behind, state, back)
        joined = self.dropout(torch.cat([both, narrow], dim=-1))
        return self.emit(joined), self.emit_words(joined)

    def loss(self, emissions: torch.Tensor, tags: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Return the mean of `chain_loss` over the sentences."""
        return chain_loss(self, emissions, tags, lengths).mean()


def add_chain(network: nn.Module, allowed: np.ndarray, first: np.ndarray) -> None:
    """Give a network the scores and masks of a CRF, as `chain_loss` wants them; for the masks see `BaseNetwork`."""
    tags = len(first)
    network.start = nn.Parameter(torch.zeros(tags))
    network.stop = nn.Parameter(torch.zeros(tags))
    network.transitions = nn.Parameter(torch.zeros(tags, tags))
    for name, mask in (("step_mask", allowed), ("first_mask", first)):
        scores = torch.where(torch.from_numpy(mask), 0.0, FORBIDDEN)
        network.register_buffer(name, scores, persistent=False)


def chain_loss(network: nn.Module, emissions: torch.Tensor, tags: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """Return minus the log-likelihood of each sentence's tags under a network's CRF, of shape (batch,).

    Emissions are float of shape (time, batch, tags), tags int of (time, batch), lengths int of (batch,). The network has what
    `add_chain` gives.
    """
    time, batch = tags.shape
    steps = network.transitions + network.step_mask
    live = torch.arange(time)[:, None] < lengths[None]
    rows = torch.arange(batch)
    gold = torch.gather(emissions, 2, tags[..., None])[..., 0]
    gold[1:] = gold[1:] + steps[tags[:-1], tags[1:]]
    score = (gold * live).sum(0) + network.start[tags[0]] + network.stop[tags[lengths - 1, rows]]
    reached = emissions[0] + network.start + network.first_mask
    for step in range(1, time):
        onward = torch.logsumexp(reached[:, :, None] + steps, dim=1) + emissions[step]
        reached = torch.where(live[step][:, None], onward, reached)
    return torch.logsumexp(reached + network.stop, dim=1) - score
