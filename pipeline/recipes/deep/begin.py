"""The weights of a deep model that was built before, read back from its folder, for training to begin with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from biaozhu.annotators.network.models import model_folder
from biaozhu.annotators.network.runtime import DICTIONARY, GRAPH, load_checked
from biaozhu.annotators.transformer.deep import KIND
from biaozhu.data.files import read_bytes
from recipes.base.begin import Earlier, made_of
from recipes.base.graph import widen_arrays

# How the exporter names a parameter, and the product with a matrix, whose own name it loses.
PARAMETER, PRODUCT = "network.", "/MatMul_output_0"


@dataclass(frozen=True, slots=True)
class EarlierDeep(Earlier):
    """A deep model, with its dictionary and its pieces."""

    dictionary: Sequence[str]
    pieces: Sequence[str]


def read_earlier(folder: str) -> EarlierDeep:
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
    facts = made_of(model.config, ("sentences", "training", "began_with"))
    return EarlierDeep(found, tuple(model.config["tags"]), facts, dictionary, pieces)
