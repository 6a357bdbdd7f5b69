"""The base model in PyTorch: characters and bigrams into two bidirectional GRU layers, a linear layer, and a CRF.

It starts from the weights of Baidu's large LAC (see `pipeline.annotators.lac_data`). A second linear layer learns the
corpus's words and parts of speech from the same states (multi-task learning, Caruana 1997); it only serves training.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

from pipeline.annotators.base_graph import HIDDEN, bigram_rows

if TYPE_CHECKING:
    import numpy as np

# As in decoding: far below any score, and finite.
FORBIDDEN = -1e4


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of the network: rows of the two embeddings, width of a bigram's, tags, and tags of the second task."""

    characters: int
    buckets: int
    bigram: int
    tags: int
    words: int


class BaseNetwork(nn.Module):  # type: ignore[misc] — PyTorch may be absent where types are checked
    """Emissions of a padded batch.

    Args:
        shape: the sizes.
        allowed: which steps [from, to] are well-formed, bool of shape (tags, tags).
        first: which tags may begin a sentence, bool of shape (tags,).
        dropout: share of the units dropped before each layer while training.
        unseen: share of the bigrams dropped while training, so that unseen ones do no harm.
    """

    def __init__(
        self, shape: Shape, allowed: np.ndarray, first: np.ndarray, *, dropout: float, unseen: float
    ) -> None:
        super().__init__()
        self.shape = shape
        self.unseen = unseen
        width = HIDDEN + 2 * shape.bigram
        self.characters = nn.Embedding(shape.characters, HIDDEN)
        self.bigrams = nn.Embedding(shape.buckets, shape.bigram)
        nn.init.normal_(self.bigrams.weight, std=0.1)
        # One direction each over reversed sentences: packed sequences take twice the time on a CPU.
        self.lower, self.lower_back = nn.GRU(width, HIDDEN), nn.GRU(width, HIDDEN)
        self.upper, self.upper_back = nn.GRU(2 * HIDDEN, HIDDEN), nn.GRU(2 * HIDDEN, HIDDEN)
        self.dropout = nn.Dropout(dropout)
        self.tagger = nn.Linear(2 * HIDDEN, shape.tags)
        self.worder = nn.Linear(2 * HIDDEN, shape.words)
        self.start = nn.Parameter(torch.zeros(shape.tags))
        self.stop = nn.Parameter(torch.zeros(shape.tags))
        self.transitions = nn.Parameter(torch.zeros(shape.tags, shape.tags))
        self.register_buffer(
            "step_mask", torch.where(torch.from_numpy(allowed), 0.0, FORBIDDEN), persistent=False
        )
        self.register_buffer(
            "first_mask", torch.where(torch.from_numpy(first), 0.0, FORBIDDEN), persistent=False
        )

    def states(self, ids: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Return the upper layer's states, float of shape (time, batch, 256), for ids of shape (time, batch)."""
        left, right = bigram_rows(ids, self.shape.buckets, concatenate=torch.cat, zeros=torch.zeros_like)
        inputs = [self.characters(ids)]
        for rows in (left, right):
            embedded = self.bigrams(rows)
            if self.training and self.unseen:
                kept = torch.rand(rows.shape, device=rows.device) >= self.unseen
                embedded = embedded * kept[..., None]
            inputs.append(embedded)
        state = self.dropout(torch.cat(inputs, dim=-1))
        back = reversal(lengths, len(ids))[..., None]
        for forward, backward in ((self.lower, self.lower_back), (self.upper, self.upper_back)):
            ahead, _ = forward(state)
            behind, _ = backward(torch.gather(state, 0, back.expand_as(state)))
            behind = torch.gather(behind, 0, back.expand_as(behind))
            state = self.dropout(torch.cat([ahead, behind], dim=-1))
        return state

    def forward(self, ids: torch.Tensor, lengths: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return emissions (time, batch, tags) and the second task's logits (time, batch, words)."""
        state = self.states(ids, lengths)
        return self.tagger(state), self.worder(state)

    def loss(self, emissions: torch.Tensor, tags: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Return the mean over the sentences of minus the log-likelihood of their tags under the CRF.

        Args:
            emissions: float of shape (time, batch, tags).
            tags: int of shape (time, batch).
            lengths: int of shape (batch,).
        """
        time, batch = tags.shape
        steps = self.transitions + self.step_mask
        live = torch.arange(time)[:, None] < lengths[None]
        rows = torch.arange(batch)
        gold = torch.gather(emissions, 2, tags[..., None])[..., 0]
        gold[1:] = gold[1:] + steps[tags[:-1], tags[1:]]
        score = (gold * live).sum(0) + self.start[tags[0]] + self.stop[tags[lengths - 1, rows]]
        reached = emissions[0] + self.start + self.first_mask
        for step in range(1, time):
            onward = torch.logsumexp(reached[:, :, None] + steps, dim=1) + emissions[step]
            reached = torch.where(live[step][:, None], onward, reached)
        return (torch.logsumexp(reached + self.stop, dim=1) - score).mean()


def reversal(lengths: torch.Tensor, time: int) -> torch.Tensor:
    """Return for each place (time, batch) the place that it changes with when sentences are reversed, padding kept."""
    places = torch.arange(time, device=lengths.device)[:, None].expand(time, len(lengths))
    return torch.where(places < lengths[None], lengths[None] - 1 - places, places)
