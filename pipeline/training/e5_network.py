"""The accurate model in PyTorch: a pretrained transformer over single characters, and the base model's CRF on top."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import nn
from torch.nn import functional

from pipeline.annotators.base_rows import EDGE, UNKNOWN
from pipeline.training.base_network import FORBIDDEN, BaseNetwork, Shape

if TYPE_CHECKING:
    import numpy as np

    from pipeline.training.e5_start import Transformer

# What the tags are read from; as wide as the base model's states, so that a custom model can build on either.
STATES = 256


class Layer(nn.Module):  # type: ignore[misc]  # PyTorch may be absent here
    """One post-norm layer: attention within a sentence, then two matrices for each character by itself."""

    def __init__(self, hidden: int, inner: int, heads: int, epsilon: float) -> None:
        super().__init__()
        self.heads = heads
        # The three of the attention side by side: one product instead of three.
        self.attend = nn.Linear(hidden, 3 * hidden)
        self.mixed = nn.Linear(hidden, hidden)
        self.mixed_norm = nn.LayerNorm(hidden, epsilon)
        self.wide = nn.Linear(hidden, inner)
        self.narrow = nn.Linear(inner, hidden)
        self.narrow_norm = nn.LayerNorm(hidden, epsilon)

    def forward(self, state: torch.Tensor, live: torch.Tensor) -> torch.Tensor:
        """Return the next state (batch, time, hidden); `live` is bool of shape (batch, 1, 1, time)."""
        batch, time, hidden = state.shape
        parts = self.attend(state).view(batch, time, 3, self.heads, hidden // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=live)
        mixed = self.mixed(mixed.transpose(1, 2).reshape(batch, time, hidden))
        state = self.mixed_norm(state + mixed)
        changed = self.narrow(functional.gelu(self.wide(state)))
        return cast("torch.Tensor", self.narrow_norm(state + changed))


class E5Network(nn.Module):  # type: ignore[misc]  # as above
    """Emissions of a padded batch, called as a `BaseNetwork` is: whatever trains, scores or calibrates that takes this.

    Args:
        start: the pretrained transformer.
        shape: of it the tags and the other tasks' tags count.
        allowed: which steps [from, to] are well-formed, bool of shape (tags, tags).
        first: which tags may begin a sentence, bool of shape (tags,).
        dropout: share of the units dropped after the embedding and before the tags while training.
        unseen: share of the characters taken for unknown while training.
    """

    def __init__(
        self,
        start: Transformer,
        shape: Shape,
        allowed: np.ndarray,
        first: np.ndarray,
        *,
        dropout: float,
        unseen: float,
    ) -> None:
        super().__init__()
        self.shape, self.unseen = shape, unseen
        rows, hidden = start.embedding.shape
        self.begin = rows - 1
        self.embedding = nn.Embedding(rows, hidden)
        self.positions = nn.Embedding(len(start.positions), hidden)
        self.norm = nn.LayerNorm(hidden, start.epsilon)
        inner = start.layers[0]["wide"][0].shape[1]
        self.layers = nn.ModuleList(Layer(hidden, inner, start.heads, start.epsilon) for _ in start.layers)
        self.dropout = nn.Dropout(dropout)
        self.narrow = nn.Linear(hidden, STATES)
        self.emit = nn.Linear(STATES, shape.tags)
        self.emit_words = nn.Linear(hidden, shape.words + shape.others)
        self.start = nn.Parameter(torch.zeros(shape.tags))
        self.stop = nn.Parameter(torch.zeros(shape.tags))
        self.transitions = nn.Parameter(torch.zeros(shape.tags, shape.tags))
        for name, mask in (("step_mask", allowed), ("first_mask", first)):
            self.register_buffer(name, torch.where(torch.from_numpy(mask), 0.0, FORBIDDEN), persistent=False)
        _fill(self, start)

    def forward(
        self,
        states: torch.Tensor,  # noqa: ARG002 — a `BaseNetwork` reads LAC's states here, this one has none
        ids: torch.Tensor,
        lengths: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return emissions (time, batch, tags) and the other tasks' logits (time, batch, words + others).

        Args:
            states: not looked at.
            ids: rows of the dictionary, int of shape (time, batch), EDGE past a sentence's end.
            lengths: int of shape (batch,).
        """
        rows = ids.T
        if self.training and self.unseen:
            hidden = (torch.rand(rows.shape) < self.unseen) & (rows != EDGE)
            rows = torch.where(hidden, UNKNOWN, rows)
        rows = functional.pad(functional.pad(rows, (1, 0), value=self.begin), (0, 1), value=EDGE)
        places = torch.arange(rows.shape[1])
        live = (places[None] < lengths[:, None] + 2)[:, None, None]
        state = self.dropout(self.norm(self.embedding(rows) + self.positions.weight[: len(places)]))
        for layer in self.layers:
            state = layer(state, live)
        state = self.dropout(state[:, 1:-1].transpose(0, 1))
        seen = torch.tanh(self.narrow(state))
        return self.emit(seen), self.emit_words(state)

    def loss(self, emissions: torch.Tensor, tags: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Return the mean over the sentences of minus the log-likelihood of their tags; see `BaseNetwork.loss`."""
        return BaseNetwork.loss(cast("BaseNetwork", self), emissions, tags, lengths)


def _fill(network: E5Network, start: Transformer) -> None:
    def copy(target: torch.Tensor, array: np.ndarray) -> None:
        with torch.no_grad():
            target.copy_(torch.from_numpy(array.copy()))

    copy(network.embedding.weight, start.embedding)
    copy(network.positions.weight, start.positions)
    copy(network.norm.weight, start.norm[0])
    copy(network.norm.bias, start.norm[1])
    hidden = start.embedding.shape[1]
    for layer, arrays in zip(network.layers, start.layers, strict=True):
        for number, name in enumerate(("query", "key", "value")):
            part = slice(number * hidden, (number + 1) * hidden)
            copy(layer.attend.weight[part], arrays[name][0].T)
            copy(layer.attend.bias[part], arrays[name][1])
        for name in ("mixed", "wide", "narrow"):
            copy(getattr(layer, name).weight, arrays[name][0].T)
            copy(getattr(layer, name).bias, arrays[name][1])
        for name in ("mixed_norm", "narrow_norm"):
            copy(getattr(layer, name).weight, arrays[name][0])
            copy(getattr(layer, name).bias, arrays[name][1])
