"""Collecting an ONNX graph node by node; a finished graph does not need the package onnx, which is slow to import."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Values = Mapping[str, tuple[int, Sequence[str | int]]]

OPSET = 17
IR_VERSION = 8
FLOAT, UINT8, INT32, INT64 = 1, 2, 6, 7
"""ONNX's numbers of the types of elements."""


@dataclass(slots=True)
class OnnxGraph:
    """The parts of a graph, in the order in which they were added."""

    constants: list[Any] = field(default_factory=list)
    nodes: list[Any] = field(default_factory=list)

    def constant(self, name: str, array: np.ndarray) -> str:
        """Add an array and return its name."""
        from onnx import numpy_helper  # noqa: PLC0415 — only who builds a graph needs onnx

        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def node(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        """Add a node and return its output's name."""
        from onnx import helper  # noqa: PLC0415 — as above

        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def gru(self, state: str, arrays: Sequence[str], name: str, *, hidden: int, reset_after: bool) -> str:
        """Add a bidirectional GRU over `lengths`, of input, recurrent and bias arrays; return its output, (time, batch, 2 hidden)."""
        shape = {"hidden_size": hidden, "direction": "bidirectional", "linear_before_reset": int(reset_after)}
        both = self.node("GRU", [state, *arrays, "lengths"], f"{name}_both", **shape)
        swapped = self.node("Transpose", [both], f"{name}_swapped", perm=[0, 2, 1, 3])
        joined = self.constant(f"{name}_joined", np.array([0, 0, 2 * hidden], np.int64))
        return self.node("Reshape", [swapped, joined], f"{name}_state")

    def serialise(self, name: str, inputs: Values, outputs: Values) -> bytes:
        """Return the graph as bytes, the same for the same parts.

        `inputs` and `outputs` have for each name the type of the elements, and the shape; a named axis may have any length.
        """
        from onnx import helper  # noqa: PLC0415 — as above

        def values(table: Values) -> list[Any]:
            return [helper.make_tensor_value_info(one, kind, shape) for one, (kind, shape) in table.items()]

        graph = helper.make_graph(self.nodes, name, values(inputs), values(outputs), self.constants)
        opsets = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="biaozhu")
        return bytes(model.SerializeToString())


def in_onnx_order(gates: np.ndarray) -> np.ndarray:
    """Return a GRU's rows in ONNX's order of gates, z, r, h; PyTorch has r, z, n."""
    reset, update, candidate = np.split(gates, 3)
    return np.concatenate([update, reset, candidate])


def widen_arrays(graph: Any) -> dict[str, np.ndarray]:
    """Return the constants of a graph by name; what `quantise` made small also in its own size, as near as 8 bits are."""
    from onnx import numpy_helper  # noqa: PLC0415 — a third of a second

    arrays = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    small = {name.removesuffix("_small") for name in arrays if name.endswith("_small")}
    return arrays | {
        name: arrays[f"{name}_small"] * arrays[f"{name}_scale"] for name in small if f"{name}_scale" in arrays
    }
