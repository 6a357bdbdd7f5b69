"""The part of the base model that is trained, in PyTorch: what comes after LAC's states.

The small LAC stays as it is; the large one may learn with what stands on it, at a rate of its own, so that it keeps what
it knows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from biaozhu.annotators.network.crf_decoding import flat_chain
from biaozhu.annotators.network.lac_data import HIDDEN, Layer
from recipes.base.graph import BIGRAM_FACTOR
from recipes.base.lac_layers import LacLayers, both_ways, in_onnx_layer, reversal

if TYPE_CHECKING:
    from recipes.base.train import BaseSettings, Vocabulary

TUNED_DROPOUT = 0.1


class BaseNetwork(nn.Module):  # type: ignore[misc]  # PyTorch may be absent here
    """Emissions of a padded batch.

    The states of `tuned`, a LAC that learns too, come before the others, and count among the vocabulary's.
    """

    def __init__(self, settings: BaseSettings, vocabulary: Vocabulary) -> None:
        super().__init__()
        self.settings = settings
        self.tuned = None
        if vocabulary.tuned is not None:
            self.tuned = LacLayers(vocabulary.tuned, dropout=TUNED_DROPOUT)
            rows = torch.from_numpy(vocabulary.tuned.rows.astype("int64"))
            self.register_buffer("tuned_rows", rows, persistent=False)
        narrow, top = settings.projection_dim, 2 * HIDDEN + settings.projection_dim
        self.narrow = nn.Linear(vocabulary.states, narrow)
        self.bigrams = nn.Embedding(settings.buckets, settings.bigram)
        nn.init.normal_(self.bigrams.weight, std=0.1)
        width = narrow + 2 * settings.bigram
        # One direction each over reversed sentences: packed sequences take twice the time on a CPU.
        self.ahead, self.behind = nn.GRU(width, HIDDEN), nn.GRU(width, HIDDEN)
        self.dropout = nn.Dropout(settings.dropout)
        self.emit = nn.Linear(top, len(vocabulary.tags))
        add_chain(self, vocabulary.tags)

    def forward(self, states: torch.Tensor, ids: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Return emissions (time, batch, tags).

        States are float of shape (time, batch, states), of what does not learn: with a LAC that learns 256 less. Ids are rows
        of the dictionary, int of (time, batch), 0 past a sentence's end; lengths int of (batch,).
        """
        if self.tuned is not None:
            states = torch.cat([self.tuned(self.tuned_rows[ids], lengths), states], dim=-1)
        narrow = self.narrow(self.dropout(states))
        parts = [narrow]
        padded = functional.pad(ids, (0, 0, 1, 1))
        pairs = (padded[:-1] * BIGRAM_FACTOR + padded[1:]) % self.settings.buckets
        for rows in (pairs[:-1], pairs[1:]):
            embedded = self.bigrams(rows)
            if self.training and self.settings.unseen_bigrams:
                embedded = embedded * (torch.rand(rows.shape) >= self.settings.unseen_bigrams)[..., None]
            parts.append(embedded)
        state = self.dropout(torch.cat(parts, dim=-1))
        back = reversal(lengths, len(ids))[..., None]
        both = both_ways(self.ahead, self.behind, state, back)
        emissions: torch.Tensor = self.emit(self.dropout(torch.cat([both, narrow], dim=-1)))
        return emissions


def gru_layer(arrays: Mapping[str, np.ndarray]) -> Layer:
    """Return the arrays of a network's GRUs `ahead` and `behind` as one layer of ONNX's."""
    directions = [
        {name.removeprefix(f"{way}."): array for name, array in arrays.items() if name.startswith(f"{way}.")}
        for way in ("ahead", "behind")
    ]
    return in_onnx_layer(directions)


def add_chain(network: nn.Module, tags: Sequence[str]) -> None:
    """Give a network the scores and masks of a CRF of tags B, I and O, as `chain_loss` wants them."""
    network.start = nn.Parameter(torch.zeros(len(tags)))
    network.stop = nn.Parameter(torch.zeros(len(tags)))
    network.transitions = nn.Parameter(torch.zeros(len(tags), len(tags)))
    masks = flat_chain(tags)
    network.register_buffer("step_mask", torch.from_numpy(masks.transitions), persistent=False)
    network.register_buffer("first_mask", torch.from_numpy(masks.start), persistent=False)


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
