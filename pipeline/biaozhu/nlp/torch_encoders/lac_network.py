"""The large LAC's network as one that `torch_layer` takes: texts to a row for each code point."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence

from biaozhu.annotators.network.batching import cut_pieces
from biaozhu.annotators.network.char_rows import rows_of
from biaozhu.annotators.network.lac_data import HIDDEN
from biaozhu.annotators.network.lac_weights import SIZES, lac_start
from biaozhu.nlp.torch_encoders.lac_layers import LacLayers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from biaozhu.annotators.network.lac_weights import LacWeights


WIDTH = 2 * HIDDEN


class LacNetwork(nn.Module):  # type: ignore[misc]  # PyTorch may be absent here
    """Gives the last states of each character, width 256; dropout is of what goes into each layer and of the states."""

    def __init__(self, weights: LacWeights, *, dropout: float) -> None:
        super().__init__()
        self.layers = LacLayers(weights, dropout=dropout)
        self.dropout = nn.Dropout(dropout)

    def forward(self, ids: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Return the states of all characters, one text after the other, float32 of shape (characters, 256).

        `ids` are rows of the embedding, int64 of shape (longest, texts), padded; no length is 0.
        """
        if not len(lengths):
            return torch.zeros((0, WIDTH))
        states = self.layers(ids, lengths).transpose(0, 1)
        return self.dropout(states[torch.arange(len(ids))[None] < lengths[:, None]])


def large_lac(
    dropout: float,
) -> tuple[LacNetwork, Callable[[Sequence[str]], tuple[torch.Tensor, torch.Tensor]]]:
    """Return the large LAC's network, and what makes its inputs of texts."""
    start = lac_start()
    weights = start.lacs[SIZES.index("large")]
    rows = weights.rows[rows_of(start.dictionary)].astype(np.int64)

    def inputs(texts: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor]:
        # Long texts are read in the same pieces as by the frozen network.
        pieces = [
            torch.from_numpy(rows[np.frombuffer(text[start:end].encode("utf-32-le", "surrogatepass"), "<u4")])
            for text in texts
            for start, end in cut_pieces(text)
        ]
        lengths = torch.tensor([len(piece) for piece in pieces], dtype=torch.int64)
        if not pieces:
            return torch.zeros((0, 0), dtype=torch.int64), lengths
        return pad_sequence(pieces), lengths

    return LacNetwork(weights, dropout=dropout), inputs
