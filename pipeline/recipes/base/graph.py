"""The base model's ONNX graph, built from plain arrays: no PyTorch is needed to make or to run it.

LAC's networks read the sentence; their states and the lexicon's columns side by side, made narrower, and the embeddings of
character bigrams go into one more bidirectional GRU, whose output and input together give the emissions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from biaozhu.annotators.network.lac_data import HIDDEN, LacWeights, Layer
from biaozhu.annotators.network.onnx_graph import FLOAT, INT32, INT64, UINT8, OnnxGraph

# Two rows are mixed to a bucket; the factor is odd and small enough that no product leaves 63 bits.
BIGRAM_FACTOR = 31337
# The prefix of the head's constants: a graph of before may have several.
HEAD = "head0"


@dataclass(frozen=True, slots=True)
class BaseWeights:
    """The network's arrays, float32: LAC's networks that are left as they are, and the layers on their states."""

    lacs: tuple[LacWeights, ...]
    bigrams: np.ndarray  # (buckets, width)
    narrow: tuple[np.ndarray, np.ndarray]  # (256 for each of LAC's networks, narrow), and its bias
    layer: Layer  # the GRU over `narrow` and two bigrams; the reset gate acts after
    emit: tuple[np.ndarray, np.ndarray]  # (256 + narrow, tags), and its bias
    tuned: LacWeights | None = None  # the LAC that learned with them, whose states come first
    lexicon: int = 0  # width of the lexicon's columns


def quantise(array: np.ndarray, axis: int = -1, largest: int = 127) -> tuple[np.ndarray, np.ndarray]:
    """Return an array as int8 up to `largest`, and the scales along an axis, float32, by which it is to be multiplied."""
    scales = np.maximum(np.abs(array).max(axis=axis, keepdims=True), np.finfo(np.float32).tiny) / largest
    return np.rint(array / scales).astype(np.int8), scales.astype(np.float32)


def _eighth(graph: OnnxGraph, name: str, array: np.ndarray) -> str:
    """Keep a matrix in 8 bits with a scale for each row; ONNX Runtime widens it once, when the graph is loaded."""
    values, scales = quantise(array)
    wide = graph.node("Cast", [graph.constant(f"{name}_small", values)], f"{name}_wide", to=FLOAT)
    return graph.node("Mul", [wide, graph.constant(f"{name}_scale", scales)], name)


def _keep_table(graph: OnnxGraph, name: str, table: np.ndarray) -> tuple[str, str]:
    """Keep a table in 8 bits with a scale for each row; return the names of both."""
    values, scales = quantise(table)
    return graph.constant(f"{name}_rows_small", values), graph.constant(f"{name}_rows_scale", scales)


def _rows_of(graph: OnnxGraph, name: str, table: tuple[str, str], rows: str) -> str:
    small, scale = (
        graph.node("Gather", [part, rows], f"{name}_{kind}")
        for part, kind in zip(table, ("small", "scale"), strict=True)
    )
    return graph.node("Mul", [graph.node("Cast", [small], f"{name}_wide", to=FLOAT), scale], name)


def _gru(graph: OnnxGraph, state: str, layer: Layer, name: str, *, reset_after: bool) -> str:
    inputs, recurrents, biases = layer
    parts = [
        _eighth(graph, f"{name}_input", inputs),
        _eighth(graph, f"{name}_recurrent", recurrents),
        graph.constant(f"{name}_bias", biases.astype(np.float32)),
    ]
    return graph.gru(state, parts, name, hidden=HIDDEN, reset_after=reset_after)


def build_base_graph(weights: BaseWeights) -> bytes:
    """Return the serialised graph.

    Inputs: `ids` int32 (time, batch), rows of the dictionary, 0 where a sentence has ended, and `lengths` int32
    (batch,), and where there is a lexicon its columns, `lexicon` uint8 (time, batch, columns). Outputs: `emissions`
    float32 (time, batch, tags) and `states`, the head's GRU's, float32 (time, batch, 256). Tables and matrices
    are kept in 8 bits with a scale for each row, the two small matrices of the head in half precision.
    """
    graph = OnnxGraph()
    states = [] if weights.tuned is None else [_lac_state(graph, weights.tuned, f"{HEAD}_lac")]
    states += [_lac_state(graph, lac, f"lac{number}") for number, lac in enumerate(weights.lacs)]
    inputs: dict[str, tuple[int, Sequence[str | int]]] = {
        "ids": (INT32, ["time", "batch"]),
        "lengths": (INT32, ["batch"]),
    }
    if weights.lexicon:
        inputs["lexicon"] = (UINT8, ["time", "batch", weights.lexicon])
        states.append(graph.node("Cast", ["lexicon"], "lexicon_wide", to=FLOAT))
    _add_head(graph, weights, states)
    widths = {"emissions": len(weights.emit[1]), "states": 2 * HIDDEN}
    return graph.serialise("base", inputs, {name: (FLOAT, ["time", "batch", width]) for name, width in widths.items()})


def _lac_state(graph: OnnxGraph, lac: LacWeights, name: str) -> str:
    rows = graph.node("Gather", [graph.constant(f"{name}_rows", lac.rows.astype(np.int32)), "ids"], f"{name}_ids")
    state = _rows_of(graph, f"{name}_embedded", _keep_table(graph, name, lac.embedding), rows)
    for position, layer in enumerate(lac.layers):
        state = _gru(graph, state, layer, f"{name}_{position}", reset_after=lac.reset_after)
    return state


def _add_head(graph: OnnxGraph, head: BaseWeights, states: list[str]) -> None:
    wide = graph.node("Concat", states, f"{HEAD}_wide", axis=-1)
    narrow = _add_linear(graph, wide, head.narrow, f"{HEAD}_narrow", f"{HEAD}_narrow")
    table = _keep_table(graph, HEAD, head.bigrams)
    sides = zip(("left", "right"), _bigram_buckets(graph, len(head.bigrams)), strict=True)
    parts = [narrow, *(_rows_of(graph, f"{HEAD}_{side}", table, rows) for side, rows in sides)]
    mixed = graph.node("Concat", parts, f"{HEAD}_mixed", axis=-1)
    last = _gru(graph, mixed, head.layer, f"{HEAD}_last", reset_after=True)
    graph.node("Identity", [last], "states")
    seen = graph.node("Concat", [last, narrow], f"{HEAD}_seen", axis=-1)
    _add_linear(graph, seen, head.emit, f"{HEAD}_emit", "emissions")


def _add_linear(graph: OnnxGraph, state: str, layer: tuple[np.ndarray, np.ndarray], name: str, output: str) -> str:
    """Multiply by a matrix, kept in half precision and widened when the graph is loaded, and add a bias."""
    half = graph.constant(f"{name}_matrix_half", layer[0].astype(np.float16))
    matrix = graph.node("Cast", [half], f"{name}_matrix", to=FLOAT)
    product = graph.node("MatMul", [state, matrix], f"{name}_product")
    return graph.node("Add", [product, graph.constant(f"{name}_bias", layer[1].astype(np.float32))], output)


def _bigram_buckets(graph: OnnxGraph, buckets: int) -> tuple[str, str]:
    ids = graph.node("Cast", ["ids"], "ids_64", to=INT64)
    axis = graph.constant("axis", np.array([0], np.int64))
    for name, number in (("zero", 0), ("one", 1), ("minus_one", -1), ("end", np.iinfo(np.int64).max)):
        graph.constant(name, np.array([number], np.int64))
    edge = graph.node("Sub", [graph.node("Slice", [ids, "zero", "one", axis], "first"), "first"], "edge")
    padded = graph.node("Concat", [edge, ids, edge], "padded", axis=0)
    before = graph.node("Slice", [padded, "zero", "minus_one", axis], "before")
    after = graph.node("Slice", [padded, "one", "end", axis], "after")
    scaled = graph.node("Mul", [before, graph.constant("factor", np.array(BIGRAM_FACTOR, np.int64))], "scaled")
    summed = graph.node("Add", [scaled, after], "summed")
    pairs = graph.node("Mod", [summed, graph.constant("buckets", np.array(buckets, np.int64))], "pairs")
    return (
        graph.node("Slice", [pairs, "zero", "minus_one", axis], "left_rows"),
        graph.node("Slice", [pairs, "one", "end", axis], "right_rows"),
    )
