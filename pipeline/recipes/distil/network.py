"""The student in PyTorch: characters and pairs of neighbours as tables, one bidirectional GRU, logits for each tag."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True, slots=True)
class StudentShape:
    """Sizes: of a character's vector (a pair's has half of it), the GRU's state in each direction, pairs, tags."""

    width: int
    hidden: int
    pairs: int
    tags: int


class StudentNetwork(nn.Module):  # type: ignore[misc]  # PyTorch may be absent here
    """Logits of a padded batch.

    Args:
        shape: the sizes.
        vectors: what the characters' vectors begin with, float of shape (rows, width).
        dropout: share of the input's units dropped while training.
        unseen: share of the pairs hidden while training, so that a pair that no text held does no harm.
    """

    def __init__(self, shape: StudentShape, vectors: torch.Tensor, *, dropout: float, unseen: float) -> None:
        super().__init__()
        self.unseen = unseen
        self.chars = nn.Embedding.from_pretrained(vectors, freeze=False)
        # Row 0 stands for pairs that are in no table.
        self.pairs = nn.Embedding(shape.pairs, shape.width // 2)
        nn.init.normal_(self.pairs.weight, std=0.05)
        self.ahead, self.behind = nn.GRU(shape.width, shape.hidden), nn.GRU(shape.width, shape.hidden)
        self.dropout = nn.Dropout(dropout)
        self.emit = nn.Linear(2 * shape.hidden, shape.tags)

    def forward(self, chars: torch.Tensor, pairs: torch.Tensor, back: torch.Tensor) -> torch.Tensor:
        """Return logits, float of shape (time, batch, tags).

        Args:
            chars: rows of characters, int of shape (time, batch).
            pairs: rows of the pairs before, between and after them, int of shape (time + 1, batch).
            back: for each place the one that a reversed sentence has there, int of shape (time, batch).
        """
        if self.training and self.unseen:
            pairs = pairs * (torch.rand(pairs.shape) >= self.unseen)
        sides = self.pairs(pairs)
        state = self.dropout(self.chars(chars) + torch.cat([sides[:-1], sides[1:]], dim=-1))
        back = back[..., None]
        ahead, _ = self.ahead(state)
        behind, _ = self.behind(torch.gather(state, 0, back.expand_as(state)))
        behind = torch.gather(behind, 0, back.expand_as(behind))
        return self.emit(torch.cat([ahead, behind], dim=-1))
