"""The weights of a deep model that was built before, read back from its folder, for training to begin with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from biaozhu.annotators.network.models import model_folder
from biaozhu.annotators.network.runtime import DICTIONARY, GRAPH, load_checked
from biaozhu.annotators.transformer.deep import KIND
from biaozhu.data.errors import TrainingError
from biaozhu.data.files import read_bytes
from recipes.base.graph import widen_arrays
from recipes.deep.tagger import Tagger

# How the exporter names a parameter, and the product with a matrix, whose own name it loses.
PARAMETER, PRODUCT = "network.", "/MatMul_output_0"


@dataclass(frozen=True, slots=True)
class Earlier:
    """A deep model: its network's parameters, its dictionary, its pieces, its tags, and what it was made of."""

    parameters: Mapping[str, np.ndarray]
    dictionary: Sequence[str]
    pieces: Sequence[str]
    tags: tuple[str, ...]
    facts: Mapping[str, Any]


def read_earlier(folder: str) -> Earlier:
    """Read a model from its folder or `deep`; what it keeps in 8 bits comes back as near as that."""
    from onnx import load_model_from_string  # noqa: PLC0415 — a third of a second

    place = model_folder(folder)
    model = load_checked(place, KIND, threads=1)
    graph = load_model_from_string(read_bytes(place / GRAPH)).graph
    arrays = widen_arrays(graph)
    found = {name: model.arrays[name] for name in ("start", "stop", "transitions")}
    found |= {name.removeprefix(PARAMETER): one for name, one in arrays.items() if name.startswith(PARAMETER)}
    for node in graph.node:
        weights = node.input[1].removesuffix("_small") if len(node.input) > 1 else ""
        for output in node.output:
            if node.op_type in ("MatMul", "MatMulInteger") and weights in arrays:
                layer = output.partition(PRODUCT)[0].strip("/").replace("/", ".")
                found[f"{layer}.weight"] = arrays[weights].T
    dictionary = read_bytes(place / DICTIONARY).decode("utf-8").split("\n")[:-1]
    pieces = model.arrays["pieces"].tobytes().decode("utf-8").split("\n")
    known = ("sentences", "training", "began_with")
    facts = {
        "sha256": model.config["files"][GRAPH],
        **{name: model.config[name] for name in known if name in model.config},
    }
    return Earlier(found, dictionary, pieces, tuple(model.config["tags"]), facts)


def begin_with(network: Tagger, earlier: Earlier, tags: Sequence[str]) -> None:
    """Set a network's parameters to an earlier model's; TrainingError if one is missing or has another shape."""
    state = network.state_dict()
    same = {name: one for name, one in earlier.parameters.items() if name in state and state[name].shape == one.shape}
    wrong = sorted(state.keys() - same.keys()) + (["labels"] if earlier.tags != tuple(tags) else [])
    if wrong:
        what = f"the model that training begins with has another shape than this config ({', '.join(wrong)})"
        raise TrainingError(
            what, where="training.begin", next_step="Take a deep model of this version with these labels"
        )
    network.load_state_dict({name: torch.tensor(np.ascontiguousarray(one)) for name, one in same.items()})
