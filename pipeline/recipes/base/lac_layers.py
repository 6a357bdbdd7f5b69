"""One of LAC's networks as PyTorch layers over padded batches, from its arrays and back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import nn

from biaozhu.annotators.network.lac_data import HIDDEN, LacWeights, Layer
from biaozhu.annotators.network.onnx_graph import in_onnx_order


class LacLayers(nn.Module):  # type: ignore[misc]  # PyTorch may be absent here
    """An embedding and bidirectional GRU layers; gives the last states of each character, width 256.

    The weights are of a LAC whose reset gate acts after the recurrent product, as PyTorch's does. Dropout is of the embedded
    characters and of the states between the layers, while training.
    """

    def __init__(self, weights: LacWeights, *, dropout: float) -> None:
        super().__init__()
        self.weights = weights
        self.embedding = nn.Embedding.from_pretrained(_tensor(weights.embedding), freeze=False)
        # One direction each, over reversed texts: packed sequences take twice the time on a CPU.
        self.ahead = nn.ModuleList(gru_of(layer, 0) for layer in weights.layers)
        self.behind = nn.ModuleList(gru_of(layer, 1) for layer in weights.layers)
        self.dropout = nn.Dropout(dropout)

    def forward(self, ids: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Return states, float32 of shape (time, batch, 256).

        `ids` are rows of the embedding, int64 of shape (time, batch), any past a text's end; `lengths` int64 of shape (batch,).
        """
        back = reversal(lengths, len(ids))[..., None]
        state = self.embedding(ids)
        for ahead, behind in zip(self.ahead, self.behind, strict=True):
            state = both_ways(ahead, behind, self.dropout(state), back)
        return state

    def arrays(self) -> LacWeights:
        """Return the weights as they are now, gates in ONNX's order."""
        layers = (
            in_onnx_layer([{name: value.numpy() for name, value in one.state_dict().items()} for one in both])
            for both in zip(self.ahead, self.behind, strict=True)
        )
        return replace(self.weights, embedding=self.embedding.weight.detach().numpy(), layers=tuple(layers))


def both_ways(ahead: nn.GRU, behind: nn.GRU, state: torch.Tensor, back: torch.Tensor) -> torch.Tensor:
    """Return what two GRUs make of a padded batch (time, batch, width), one of them read from each text's end.

    `back` is `reversal` with one more axis.
    """
    forwards, _ = ahead(state)
    backwards, _ = behind(torch.gather(state, 0, back.expand_as(state)))
    return torch.cat([forwards, torch.gather(backwards, 0, back.expand_as(backwards))], dim=-1)


def reversal(lengths: torch.Tensor, time: int) -> torch.Tensor:
    """Return for each place (time, batch) the place that it changes with when texts are reversed, padding kept."""
    places = torch.arange(time, device=lengths.device)[:, None].expand(time, len(lengths))
    return torch.where(places < lengths[None], lengths[None] - 1 - places, places)


def in_onnx_layer(directions: list[dict[str, np.ndarray]]) -> Layer:
    """Return input, recurrent and bias arrays of a GRU's two directions (PyTorch's names) as one layer of ONNX's."""

    def both(name: str) -> np.ndarray:
        return np.stack([in_onnx_order(one[f"{name}_l0"]) for one in directions])

    return both("weight_ih"), both("weight_hh"), np.concatenate([both("bias_ih"), both("bias_hh")], axis=1)


def gru_of(layer: Layer, direction: int) -> nn.GRU:
    """Return one direction of a layer of ONNX's, the way back from `in_onnx_layer`."""
    inputs, recurrents, biases = (array[direction] for array in layer)
    gru = nn.GRU(inputs.shape[1], HIDDEN)
    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    arrays = zip(names, (inputs, recurrents, *np.split(biases, 2)), strict=True)
    # z, r, h to r, z, n: the same exchange of the first two as the way back.
    gru.load_state_dict({name: _tensor(in_onnx_order(array)) for name, array in arrays})
    return gru


def _tensor(array: np.ndarray) -> torch.Tensor:
    return torch.tensor(array, dtype=torch.float32)
