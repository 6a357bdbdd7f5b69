"""The accurate model's ONNX graph, built from plain arrays: a transformer over the characters of each sentence.

Inputs and outputs are those of the base model's graph, so that whatever runs that one runs this one. Matrices are kept
in 8 bits with a scale for each column, tables with one for each row; ONNX Runtime widens them once, when the graph is
loaded. The activations stay in full precision: their 8 bits would need one scale for a batch, and what is found in a
sentence would then depend on the sentences beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipeline.annotators.base_graph import quantised
from pipeline.annotators.base_rows import EDGE
from pipeline.annotators.onnx_graph import FLOAT, INT32, OnnxGraph

if TYPE_CHECKING:
    from collections.abc import Mapping

# Far below any score of the attention, and finite.
NOWHERE = -1e4
Pair = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, slots=True)
class E5Weights:
    """The network's arrays, float32.

    Attributes:
        embedding: shape (rows, hidden); the last row begins a sentence, row EDGE ends it.
        positions: shape (places, hidden).
        norm: scale and shift after the embedding.
        layers: of each layer matrix (in, out) and bias of `attend` (query, key and value side by side), `mixed`,
            `wide`, `narrow`, and scale and shift of `mixed_norm`, `narrow_norm`.
        heads: of the attention.
        epsilon: of the layer norms.
        narrow: matrix (hidden, states) and bias.
        emit: matrix (states, tags) and bias.
    """

    embedding: np.ndarray
    positions: np.ndarray
    norm: Pair
    layers: tuple[Mapping[str, Pair], ...]
    heads: int
    epsilon: float
    narrow: Pair
    emit: Pair


def build_e5_graph(weights: E5Weights) -> bytes:
    """Return the serialised graph.

    Inputs: `ids` int32 (time, batch), rows of the dictionary, EDGE where a sentence has ended, and `lengths` int32
    (batch,). Outputs: `emissions` float32 (time, batch, tags) and `states` float32 (time, batch, states).
    """
    graph = OnnxGraph()
    for name, number in (("zero", 0), ("one", 1), ("two", 2), ("minus_one", -1), ("time_axis", 1)):
        graph.constant(name, np.array([number], np.int64))
    rows, time = _rows(graph, len(weights.embedding) - 1)
    live = _live(graph, time, len(weights.positions))
    state = graph.node(
        "Add", [_looked_up(graph, weights.embedding, rows), _places(graph, weights, time)], "sum"
    )
    state = _norm(graph, state, weights.norm, "norm", weights.epsilon)
    for number, layer in enumerate(weights.layers):
        state = _layer(graph, state, layer, weights, (f"l{number}", live))
    inner = graph.node("Slice", [state, "one", "minus_one", "time_axis"], "inner")
    seen = graph.node("Tanh", [_linear(graph, inner, weights.narrow, "seen")], "seen_states")
    graph.node("Transpose", [seen], "states", perm=[1, 0, 2])
    # The last matrix is small and decides: it stays as it is.
    product = graph.node("MatMul", ["states", graph.constant("emit", weights.emit[0])], "emit_product")
    graph.node("Add", [product, graph.constant("emit_bias", weights.emit[1])], "emissions")
    return graph.serialised(
        "accurate",
        {"ids": (INT32, ["time", "batch"]), "lengths": (INT32, ["batch"])},
        {
            "emissions": (FLOAT, ["time", "batch", len(weights.emit[1])]),
            "states": (FLOAT, ["time", "batch", len(weights.narrow[1])]),
        },
    )


def _rows(graph: OnnxGraph, begin: int) -> tuple[str, str]:
    """Return the rows (batch, time + 2) with a sentence's marks around them, and time + 2 as an array of one."""
    turned = graph.node("Transpose", ["ids"], "turned", perm=[1, 0])
    first = graph.constant("first_pads", np.array([0, 1, 0, 0], np.int64))
    last = graph.constant("last_pads", np.array([0, 0, 0, 1], np.int64))
    begun = graph.node("Pad", [turned, first, graph.constant("begin", np.array(begin, np.int32))], "begun")
    rows = graph.node("Pad", [begun, last, graph.constant("edge", np.array(EDGE, np.int32))], "rows")
    shape = graph.node("Shape", [rows], "shape")
    return rows, graph.node("Gather", [shape, "one"], "time_marked")


def _live(graph: OnnxGraph, time: str, most: int) -> str:
    """Return what is added to the attention: nothing for a sentence's own places, float32 (batch, 1, 1, time)."""
    numbers = graph.constant("numbers", np.arange(most, dtype=np.int32))
    places = graph.node("Slice", [numbers, "zero", time], "places")
    marked = graph.node("Add", ["lengths", graph.constant("marks", np.array(2, np.int32))], "marked")
    ends = graph.node("Unsqueeze", [marked, "one"], "ends")
    there = graph.node("Less", [places, ends], "there")
    nothing = graph.constant("nothing", np.array(0, np.float32))
    added = graph.node(
        "Where", [there, nothing, graph.constant("nowhere", np.array(NOWHERE, np.float32))], "added"
    )
    axes = graph.constant("head_axes", np.array([1, 2], np.int64))
    return graph.node("Unsqueeze", [added, axes], "live")


def _looked_up(graph: OnnxGraph, table: np.ndarray, rows: str) -> str:
    values, scales = quantised(table)
    small = graph.node("Gather", [graph.constant("embedding", values), rows], "small")
    scale = graph.node("Gather", [graph.constant("embedding_scales", scales), rows], "scale")
    return graph.node("Mul", [graph.node("Cast", [small], "small_wide", to=FLOAT), scale], "embedded")


def _places(graph: OnnxGraph, weights: E5Weights, time: str) -> str:
    table = graph.constant("positions_half", weights.positions.astype(np.float16))
    chosen = graph.node("Slice", [table, "zero", time], "positions_cut")
    return graph.node("Cast", [chosen], "positions", to=FLOAT)


def _linear(graph: OnnxGraph, state: str, pair: Pair, name: str) -> str:
    values, scales = quantised(pair[0].T)
    wide = graph.node(
        "Cast", [graph.constant(f"{name}_bytes", np.ascontiguousarray(values.T))], f"{name}_wide", to=FLOAT
    )
    matrix = graph.node("Mul", [wide, graph.constant(f"{name}_scales", scales.T)], f"{name}_matrix")
    product = graph.node("MatMul", [state, matrix], f"{name}_product")
    return graph.node(
        "Add", [product, graph.constant(f"{name}_bias", pair[1].astype(np.float32))], f"{name}_out"
    )


def _norm(graph: OnnxGraph, state: str, pair: Pair, name: str, epsilon: float) -> str:
    parts = [
        graph.constant(f"{name}_{part}", array.astype(np.float32))
        for part, array in zip(("scale", "shift"), pair, strict=True)
    ]
    return graph.node("LayerNormalization", [state, *parts], f"{name}_out", axis=-1, epsilon=epsilon)


def _layer(
    graph: OnnxGraph, state: str, layer: Mapping[str, Pair], weights: E5Weights, names: tuple[str, str]
) -> str:
    name, live = names
    hidden = weights.embedding.shape[1]
    width = hidden // weights.heads
    both = _linear(graph, state, layer["attend"], f"{name}_attend")
    split = graph.constant(f"{name}_split", np.array([0, 0, 3 * weights.heads, width], np.int64))
    parts = graph.node("Reshape", [both, split], f"{name}_parts")
    turned = graph.node("Transpose", [parts], f"{name}_turned", perm=[0, 2, 1, 3])
    query, key, value = (
        graph.node(
            "Slice",
            [
                turned,
                *(
                    graph.constant(f"{name}_{part}_{end}", np.array([at * weights.heads], np.int64))
                    for end, at in (("from", number), ("to", number + 1))
                ),
                "time_axis",
            ],
            f"{name}_{part}",
        )
        for number, part in enumerate(("query", "key", "value"))
    )
    keys = graph.node("Transpose", [key], f"{name}_keys", perm=[0, 1, 3, 2])
    scores = graph.node("MatMul", [query, keys], f"{name}_scores")
    factor = graph.constant(f"{name}_factor", np.array(1 / np.sqrt(width), np.float32))
    scaled = graph.node("Mul", [scores, factor], f"{name}_scaled")
    shares = graph.node(
        "Softmax", [graph.node("Add", [scaled, live], f"{name}_seen")], f"{name}_shares", axis=-1
    )
    mixed = graph.node(
        "Transpose",
        [graph.node("MatMul", [shares, value], f"{name}_heads")],
        f"{name}_back",
        perm=[0, 2, 1, 3],
    )
    whole = graph.constant(f"{name}_whole", np.array([0, 0, hidden], np.int64))
    mixed = _linear(
        graph, graph.node("Reshape", [mixed, whole], f"{name}_joined"), layer["mixed"], f"{name}_mixed"
    )
    state = graph.node("Add", [state, mixed], f"{name}_first")
    state = _norm(graph, state, layer["mixed_norm"], f"{name}_mixed_norm", weights.epsilon)
    inner = _gelu(graph, _linear(graph, state, layer["wide"], f"{name}_inner"), name)
    changed = _linear(graph, inner, layer["narrow"], f"{name}_narrow")
    state = graph.node("Add", [state, changed], f"{name}_second")
    return _norm(graph, state, layer["narrow_norm"], f"{name}_narrow_norm", weights.epsilon)


def _gelu(graph: OnnxGraph, state: str, name: str) -> str:
    """x/2 (1 + erf(x/√2)), in the form that ONNX Runtime makes one operation of."""
    root = graph.constant(f"{name}_root", np.array(np.sqrt(2), np.float32))
    error = graph.node("Erf", [graph.node("Div", [state, root], f"{name}_divided")], f"{name}_error")
    raised = graph.node(
        "Add", [error, graph.constant(f"{name}_unit", np.array(1, np.float32))], f"{name}_raised"
    )
    product = graph.node("Mul", [state, raised], f"{name}_raised_product")
    return graph.node(
        "Mul", [product, graph.constant(f"{name}_half", np.array(0.5, np.float32))], f"{name}_gelu"
    )
