"""The fast model as an ONNX graph: tables of bytes, one bidirectional GRU, log-shares of the live characters only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

OPSET, IR_VERSION = 17, 8
# The largest value of a signed byte that has its negative, too.
FULL = 127


@dataclass(frozen=True, slots=True)
class FastWeights:
    """The student's arrays, float32.

    Attributes:
        chars: shape (rows, width).
        pairs: shape (pairs, width / 2).
        inputs: the GRU's, shape (2, 3 hidden, width), gates in ONNX's order z, r, h.
        recurrents: shape (2, 3 hidden, hidden).
        biases: shape (2, 6 hidden).
        projection: shape (2 hidden, tags).
        bias: shape (tags,).
    """

    chars: np.ndarray
    pairs: np.ndarray
    inputs: np.ndarray
    recurrents: np.ndarray
    biases: np.ndarray
    projection: np.ndarray
    bias: np.ndarray


def in_bytes(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a table in signed bytes and the step of each column, int8 and float32."""
    step = np.maximum(np.abs(table).max(axis=0), 1e-8) / FULL
    return np.rint(table / step).astype(np.int8), step.astype(np.float32)


def build_fast_graph(weights: FastWeights) -> bytes:
    """Return the serialised graph of a padded batch.

    Inputs: `chars` int32 (time, batch), `pairs` int32 (time + 1, batch), `lengths` int32 (batch,), and `live`, the
    places time * batch + column of the characters that are asked about, int64 (characters,). Output: `shares`, the
    logarithm of each tag's share, float32 (characters, tags).
    """
    from onnx import TensorProto, helper, numpy_helper  # noqa: PLC0415 — only training builds graphs

    hidden = weights.recurrents.shape[2]
    constants: list[Any] = []
    nodes: list[Any] = []

    def constant(name: str, array: np.ndarray) -> str:
        constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def node(kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def looked_up(name: str, table: np.ndarray) -> str:
        small, step = in_bytes(table)
        found = node("Gather", [constant(f"{name}_table", small), name], f"{name}_bytes")
        wide = node("Cast", [found], f"{name}_wide", to=TensorProto.FLOAT)
        return node("Mul", [wide, constant(f"{name}_step", step)], f"{name}_vectors")

    sides = looked_up("pairs", weights.pairs)
    first, last, end = (
        constant(name, np.array([at])) for name, at in (("first", 0), ("last", -1), ("end", 1 << 30))
    )
    before = node("Slice", [sides, first, last, first], "before")
    after = node("Slice", [sides, constant("second", np.array([1])), end, first], "after")
    around = node("Concat", [before, after], "around", axis=2)
    state = node("Add", [looked_up("chars", weights.chars), around], "state")
    gru = node(
        "GRU",
        [
            state,
            constant("inputs", weights.inputs.astype(np.float32)),
            constant("recurrents", weights.recurrents.astype(np.float32)),
            constant("biases", weights.biases.astype(np.float32)),
            "lengths",
        ],
        "gru",
        hidden_size=hidden,
        direction="bidirectional",
        linear_before_reset=1,
    )
    swapped = node("Transpose", [gru], "swapped", perm=[0, 2, 1, 3])
    flat = node("Reshape", [swapped, constant("flat", np.array([-1, 2 * hidden]))], "states")
    live = node("Gather", [flat, "live"], "live_states")
    product = node("MatMul", [live, constant("projection", weights.projection)], "product")
    scores = node("Add", [product, constant("bias", weights.bias)], "scores")
    node("LogSoftmax", [scores], "shares", axis=1)
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "fast",
        [
            value("chars", TensorProto.INT32, ["time", "batch"]),
            value("pairs", TensorProto.INT32, ["edges", "batch"]),
            value("lengths", TensorProto.INT32, ["batch"]),
            value("live", TensorProto.INT64, ["characters"]),
        ],
        [value("shares", TensorProto.FLOAT, ["characters", len(weights.bias)])],
        constants,
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="biaozhu"
    )
    return bytes(model.SerializeToString())
