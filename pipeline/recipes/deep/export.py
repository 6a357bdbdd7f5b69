"""The deep model's graph, which multiplies in 8 bits, and the arrays of its pieces and CRF; and the way back."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from biaozhu.annotators.network.models import model_folder
from biaozhu.annotators.network.onnx_graph import FLOAT, OPSET
from biaozhu.annotators.network.runtime import DICTIONARY, GRAPH, load_checked
from biaozhu.annotators.transformer.deep import ARRAYS, KIND
from biaozhu.data.files import read_bytes
from biaozhu.knowledge.lexicon import WIDTH
from biaozhu.nlp.torch_encoders.deep_layers import read_parameters
from recipes.base.begin import Earlier, made_of
from recipes.base.export import pack_arrays
from recipes.base.graph import quantise
from recipes.base.train import scores_of
from recipes.deep.tagger import Tagger

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

LARGEST = 127
# Of weights that are multiplied: processors without instructions for it add two products in 16 bits, which must hold them.
LARGEST_FACTOR = 63
# Of unsigned bytes, which the products want on one side; ONNX's number for their type.
MIDDLE, BYTE = 128, 2
# A row of zeros is divided by this.
TINY = 1e-9
# Smaller arrays stay as they are.
MIN_WEIGHTS = 4096
OUTPUTS = ("states", "emissions")
NAMES = ("ids", "lengths", "where", "place", "chars", "lexicon")


def make_contents(network: Tagger, arrays: Mapping[str, np.ndarray]) -> dict[str, bytes]:
    """Return the graph, and the arrays of the pieces with the scores of the CRF, as files."""
    return {GRAPH: build_deep_graph(network), ARRAYS: pack_arrays({**arrays, **scores_of(network)})}


def build_deep_graph(network: Tagger) -> bytes:
    """Return the graph of a network, its large weights in 8 bits with a scale for each row or column.

    Bytes are multiplied faster than floats; with a scale for each row of what comes in the answers stay about the same.
    """
    from onnx import load_model_from_string  # noqa: PLC0415 — a third of a second

    network.eval()
    ones = torch.ones(2, 3, dtype=torch.int64)
    example = (ones, torch.tensor([3, 2]), ones, ones, ones, torch.zeros(2, 3, WIDTH, dtype=torch.uint8))
    axes = {name: {0: "texts", 1: "pieces" if name == "ids" else "time"} for name in NAMES}
    axes |= {"lengths": {0: "texts"}, **{name: {0: "time", 1: "texts"} for name in OUTPUTS}}
    buffer = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        # It is the old exporter; the new one needs a package more.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network, example, buffer, input_names=list(NAMES), output_names=list(OUTPUTS),
            dynamic_axes=axes, opset_version=OPSET, dynamo=False,
        )  # fmt: skip
    graph = load_model_from_string(buffer.getvalue())
    # The exporter loses it, and whoever reads the states asks the graph.
    graph.graph.output[0].type.tensor_type.shape.dim[2].dim_value = (
        network.emit.in_features + network.words.embedding_dim
    )
    _shrink(graph)
    return bytes(graph.SerializeToString())


def _shrink(model: ModelProto) -> None:
    """Keep large weights as bytes: matrices are multiplied so, tables are widened once, when the runtime loads the graph."""
    from onnx import helper, numpy_helper  # noqa: PLC0415 — as above

    graph = model.graph
    products = {node.input[1]: node for node in graph.node if node.op_type == "MatMul"}
    constants = {"most": np.float32(1 / LARGEST), "tiny": np.float32(TINY), "middle": np.uint8(MIDDLE)}
    constants["middle_float"] = np.float32(MIDDLE)
    kept = [numpy_helper.from_array(np.array(value), name) for name, value in constants.items()]
    before: list[NodeProto] = []
    instead: dict[str, list[NodeProto]] = {}
    for one in graph.initializer:
        array = numpy_helper.to_array(one)
        if array.dtype != np.float32 or array.ndim != 2 or array.size < MIN_WEIGHTS:  # noqa: PLR2004 — a matrix
            kept.append(one)
            continue
        product = products.get(one.name)
        small, scale = quantise(array) if product is None else quantise(array, 0, LARGEST_FACTOR)
        kept += [
            numpy_helper.from_array(small, f"{one.name}_small"),
            numpy_helper.from_array(scale, f"{one.name}_scale"),
        ]
        if product is None:
            before += [
                helper.make_node("Cast", [f"{one.name}_small"], [f"{one.name}_wide"], to=FLOAT),
                helper.make_node("Mul", [f"{one.name}_wide", f"{one.name}_scale"], [one.name]),
            ]
        else:
            instead[product.output[0]] = _multiply_bytes(product)
    del graph.initializer[:]
    graph.initializer.extend(kept)
    rest = [new for node in graph.node for new in instead.get(node.output[0], [node])]
    del graph.node[:]
    graph.node.extend([*before, *rest])


def _multiply_bytes(product: NodeProto) -> list[NodeProto]:
    """Return the nodes that multiply in bytes: each row of what comes in has a scale of its own, each column of the weights."""
    from onnx import helper  # noqa: PLC0415 — as above

    (row, weights), (result,) = product.input, product.output
    steps: tuple[tuple[str, tuple[str, ...], str, dict[str, Any]], ...] = (
        ("Abs", (row,), "sizes", {}),
        ("ReduceMax", ("sizes",), "largest", {"axes": [-1], "keepdims": 1}),
        ("Max", ("largest", "tiny"), "some", {}),
        ("Mul", ("some", "most"), "scale", {}),
        ("Div", (row, "scale"), "divided", {}),
        ("Round", ("divided",), "rounded", {}),
        ("Add", ("rounded", "middle_float"), "shifted", {}),
        ("Cast", ("shifted",), "bytes", {"to": BYTE}),
        ("MatMulInteger", ("bytes", f"{weights}_small", "middle"), "sums", {}),
        ("Cast", ("sums",), "wide", {"to": FLOAT}),
        ("Mul", ("wide", "scale"), "half", {}),
        ("Mul", ("half", f"{weights}_scale"), "", {}),
    )
    own = {output for _, _, output, _ in steps}

    def name(one: str) -> str:
        return f"{result}_{one}" if one in own else one

    return [
        helper.make_node(kind, list(map(name, inputs)), [name(output) if output else result], **options)
        for kind, inputs, output, options in steps
    ]


def read_earlier(folder: str) -> Earlier:
    """Read a model for training to begin with, from its folder or `deep`; what it keeps in 8 bits comes back as near as that."""
    place = model_folder(folder)
    model = load_checked(place, KIND, threads=1)
    found = {**read_parameters(place), **model.arrays}
    dictionary = read_bytes(place / DICTIONARY).decode("utf-8").split("\n")[:-1]
    pieces = model.arrays["pieces"].tobytes().decode("utf-8").split("\n")
    facts = made_of(model.config, ("sentences", "training", "began_with"))
    return Earlier(found, tuple(model.config["tags"]), facts, dictionary=dictionary, pieces=pieces)
