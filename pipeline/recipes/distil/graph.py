"""The fast model as an ONNX graph: tables of bytes, one bidirectional GRU, log-shares of the live characters only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from biaozhu.annotators.network.onnx_graph import FLOAT, INT32, INT64, OnnxGraph
from recipes.base.graph import quantise


@dataclass(frozen=True, slots=True)
class FastWeights:
    """The student's arrays, float32."""

    chars: np.ndarray  # (rows, width)
    pairs: np.ndarray  # (pairs, width / 2)
    inputs: np.ndarray  # the GRU's, (2, 3 hidden, width), gates in ONNX's order z, r, h
    recurrents: np.ndarray  # (2, 3 hidden, hidden)
    biases: np.ndarray  # (2, 6 hidden)
    projection: np.ndarray  # (2 hidden, tags)
    bias: np.ndarray  # (tags,)


def build_fast_graph(weights: FastWeights) -> bytes:
    """Return the serialised graph of a padded batch.

    Inputs: `chars` int32 (time, batch), `pairs` int32 (time + 1, batch), `lengths` int32 (batch,), and `live`, the
    places time * batch + column of the characters that are asked about, int64 (characters,). Output: `shares`, the
    logarithm of each tag's share, float32 (characters, tags).
    """
    hidden = weights.recurrents.shape[2]
    graph = OnnxGraph()
    constant, node = graph.constant, graph.node

    def looked_up(name: str, table: np.ndarray) -> str:
        small, step = quantise(table, 0)
        found = node("Gather", [constant(f"{name}_table", small), name], f"{name}_bytes")
        wide = node("Cast", [found], f"{name}_wide", to=FLOAT)
        return node("Mul", [wide, constant(f"{name}_step", step)], f"{name}_vectors")

    sides = looked_up("pairs", weights.pairs)
    first, last, end = (constant(name, np.array([at])) for name, at in (("first", 0), ("last", -1), ("end", 1 << 30)))
    before = node("Slice", [sides, first, last, first], "before")
    after = node("Slice", [sides, constant("second", np.array([1])), end, first], "after")
    around = node("Concat", [before, after], "around", axis=2)
    state = node("Add", [looked_up("chars", weights.chars), around], "state")
    gates = ("inputs", "recurrents", "biases")
    arrays = [constant(name, getattr(weights, name).astype(np.float32)) for name in gates]
    both = graph.gru(state, arrays, "gru", hidden=hidden, reset_after=True)
    flat = node("Reshape", [both, constant("flat", np.array([-1, 2 * hidden]))], "states")
    live = node("Gather", [flat, "live"], "live_states")
    product = node("MatMul", [live, constant("projection", weights.projection)], "product")
    scores = node("Add", [product, constant("bias", weights.bias)], "scores")
    node("LogSoftmax", [scores], "shares", axis=1)
    return graph.serialise(
        "fast",
        {
            "chars": (INT32, ["time", "batch"]),
            "pairs": (INT32, ["edges", "batch"]),
            "lengths": (INT32, ["batch"]),
            "live": (INT64, ["characters"]),
        },
        {"shares": (FLOAT, ["characters", len(weights.bias)])},
    )
