"""The weights of a base model that was built before, read back from its folder, for training to begin with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from biaozhu.annotators.network.base import KIND
from biaozhu.annotators.network.char_rows import rows_of
from biaozhu.annotators.network.lac_data import LacWeights, Layer
from biaozhu.annotators.network.models import model_folder
from biaozhu.annotators.network.onnx_graph import widen_arrays
from biaozhu.annotators.network.runtime import GRAPH, load_checked
from biaozhu.data.errors import TrainingError
from biaozhu.data.files import read_bytes
from recipes.base.lac_layers import gru_of


@dataclass(frozen=True, slots=True)
class Earlier:
    """A model: its network's parameters, without temperature, its tags, and what it was made of.

    `facts` are its graph's SHA-256, and of its config what it learned from, its settings, and what it began with itself. Of a base
    model there is the LAC that learned with it, which is not among the parameters, of a deep one its dictionary and its pieces.
    """

    parameters: Mapping[str, np.ndarray]
    tags: tuple[str, ...]
    facts: Mapping[str, Any]
    lac: LacWeights | None = None
    dictionary: Sequence[str] = ()
    pieces: Sequence[str] = ()


def read_earlier_base(folder: str, lac: LacWeights | None, dictionary: Sequence[str]) -> Earlier:
    """Read a model's weights, from the folder or `accurate`; what it keeps in 8 bits comes back as near as that.

    If it has several members, or a LAC learned with it and none is to (`lac`), or the other way round, or its dictionary is
    another one, TrainingError.
    """
    from onnx import load_model_from_string  # noqa: PLC0415 — a third of a second

    place = model_folder(folder)
    model = load_checked(place, KIND, threads=1)
    arrays = widen_arrays(load_model_from_string(read_bytes(place / GRAPH)).graph)
    same = np.array_equal(model.rows, rows_of(dictionary))
    if "head1_emit_bias" in arrays or not same or ("head0_lac_rows_small" in arrays) != (lac is not None):
        raise TrainingError(
            f"training cannot begin with {folder}: it has several members, another dictionary, or not the LAC that learns here",
            next_step="Take a model of one member, built with the same encoder_lr_factor or another one above 0",
        )

    def layer(name: str) -> Layer:
        return arrays[f"{name}_input"], arrays[f"{name}_recurrent"], arrays[f"{name}_bias"]

    def matrix(name: str) -> tuple[np.ndarray, np.ndarray]:
        return arrays[f"head0_{name}_matrix_half"].astype("float32"), arrays[f"head0_{name}_bias"]

    heat = float(model.config["temperature"])
    if lac is not None:
        layers = tuple(layer(f"head0_lac_{at}") for at in range(len(lac.layers)))
        lac = replace(lac, embedding=arrays["head0_lac_rows"], layers=layers)
    emit, bias = matrix("emit")
    inner, shift = matrix("narrow")
    parameters = {
        "bigrams.weight": arrays["head0_rows"],
        "narrow.weight": inner.T,
        "narrow.bias": shift,
        "emit.weight": emit.T * heat,
        "emit.bias": bias * heat,
        **{name: array * heat for name, array in model.arrays.items()},
    }
    for way, direction in (("ahead", 0), ("behind", 1)):
        gru = gru_of(layer("head0_last"), direction)
        parameters |= {f"{way}.{name}": value.numpy() for name, value in gru.state_dict().items()}
    facts = made_of(model.config, ("corpus", "training", "augmentation", "began_with"))
    return Earlier(parameters, tuple(model.config["tags"]), facts, lac)


def made_of(config: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return the SHA-256 of a model's graph, and of its config what has these names."""
    return {"sha256": config["files"][GRAPH], **{name: config[name] for name in names if name in config}}


def begin_with(network: nn.Module, earlier: Earlier, tags: Sequence[str], *, advice: str) -> None:
    """Set a network's parameters, but those of a LAC that learns; TrainingError if one lacks or has another shape, or labels differ."""
    state = {name: value for name, value in network.state_dict().items() if not name.startswith("tuned.")}
    same = {name: one for name, one in earlier.parameters.items() if name in state and state[name].shape == one.shape}
    wrong = sorted(state.keys() - same.keys()) + (["labels"] if earlier.tags != tuple(tags) else [])
    if wrong:
        raise TrainingError(
            f"the model that training begins with has another shape than this config ({', '.join(wrong)})",
            where="training.begin",
            next_step=advice,
        )
    network.load_state_dict({name: torch.tensor(np.ascontiguousarray(one)) for name, one in same.items()}, strict=False)
