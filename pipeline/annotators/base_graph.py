"""The base model's ONNX graph, built from plain arrays: no PyTorch is needed to make or to run it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

HIDDEN = 128
OPSET = 17
IR_VERSION = 8
# Two rows are mixed to a bucket; the factor is odd and small enough that no product leaves 63 bits.
BIGRAM_FACTOR = 31337


@dataclass(frozen=True, slots=True)
class BaseWeights:
    """The network's arrays.

    Attributes:
        characters: float32 of shape (characters, 128).
        bigrams: float32 of shape (buckets, width).
        layers: input (2, 384, in), recurrent (2, 384, 128) and bias (2, 768) of each layer, gates in ONNX's order z, r, h.
        projection: float32 of shape (256, tags).
        bias: float32 of shape (tags,).
    """

    characters: np.ndarray
    bigrams: np.ndarray
    layers: tuple[tuple[np.ndarray, np.ndarray, np.ndarray], ...]
    projection: np.ndarray
    bias: np.ndarray


def bigram_rows(
    ids: Any,
    buckets: int,
    *,
    concatenate: Callable[..., Any] = np.concatenate,
    zeros: Callable[..., Any] = np.zeros_like,
) -> tuple[Any, Any]:
    """Return the buckets of each character's bigram with the one before it and with the one after it.

    Args:
        ids: int of shape (time, batch), a NumPy array or a tensor; 0 stands before and after a sentence.
        buckets: how many rows the table of bigrams has.
        concatenate: of the kind of `ids`.
        zeros: of the kind of `ids`.
    """
    edge = zeros(ids[:1])
    padded = concatenate([edge, ids, edge])
    pairs = (padded[:-1] * BIGRAM_FACTOR + padded[1:]) % buckets
    return pairs[:-1], pairs[1:]


def build_base_graph(weights: BaseWeights) -> bytes:
    """Return the serialised graph.

    Inputs: `ids` int32 (time, batch), 0 where a sentence has ended, and `lengths` int32 (batch,). Outputs: `emissions`
    float32 (time, batch, tags) and `states`, what they are computed from, float32 (time, batch, 256). Embeddings are
    kept in half precision, which halves the file.
    """
    # Only here: onnx takes a third of a second to import, and a finished graph does without.
    from onnx import TensorProto, helper, numpy_helper  # noqa: PLC0415 — see above

    constants: list[Any] = []
    nodes: list[Any] = []

    def constant(name: str, array: np.ndarray) -> str:
        constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def node(kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    buckets = len(weights.bigrams)
    wide = node("Cast", ["ids"], "wide", to=TensorProto.INT64)
    axis = constant("axis", np.array([0], np.int64))
    for name, number in (("zero", 0), ("one", 1), ("minus_one", -1), ("end", np.iinfo(np.int64).max)):
        constant(name, np.array([number], np.int64))
    edge = node("Sub", [node("Slice", [wide, "zero", "one", axis], "first"), "first"], "edge")
    padded = node("Concat", [edge, wide, edge], "padded", axis=0)
    before = node("Slice", [padded, "zero", "minus_one", axis], "before")
    after = node("Slice", [padded, "one", "end", axis], "after")
    scaled = node("Mul", [before, constant("factor", np.array(BIGRAM_FACTOR, np.int64))], "scaled")
    mixed = node("Add", [scaled, after], "mixed")
    pairs = node("Mod", [mixed, constant("buckets", np.array(buckets, np.int64))], "pairs")
    bigrams = constant("bigrams", weights.bigrams.astype(np.float16))
    halves = [
        node("Gather", [constant("characters", weights.characters.astype(np.float16)), "ids"], "embedded")
    ]
    for name, start, end in (("left", "zero", "minus_one"), ("right", "one", "end")):
        rows = node("Slice", [pairs, start, end, axis], f"{name}_rows")
        halves.append(node("Gather", [bigrams, rows], f"{name}_embedded"))
    state = node("Cast", [node("Concat", halves, "inputs", axis=-1)], "state", to=TensorProto.FLOAT)
    joined = constant("joined", np.array([0, 0, 2 * HIDDEN], np.int64))
    for position, parts in enumerate(weights.layers):
        names = [
            constant(f"{name}{position}", array.astype(np.float32))
            for name, array in zip(("input", "recurrent", "bias"), parts, strict=True)
        ]
        gru = node(
            "GRU", [state, *names, "lengths"], f"gru{position}",
            hidden_size=HIDDEN, direction="bidirectional", linear_before_reset=1,
        )  # fmt: skip
        swapped = node("Transpose", [gru], f"swapped{position}", perm=[0, 2, 1, 3])
        state = node("Reshape", [swapped, joined], f"state{position}")
    node("Identity", [state], "states")
    product = node(
        "MatMul", [state, constant("projection", weights.projection.astype(np.float32))], "product"
    )
    node("Add", [product, constant("projection_bias", weights.bias.astype(np.float32))], "emissions")
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "base",
        [value("ids", TensorProto.INT32, ["time", "batch"]), value("lengths", TensorProto.INT32, ["batch"])],
        [
            value("emissions", TensorProto.FLOAT, ["time", "batch", len(weights.bias)]),
            value("states", TensorProto.FLOAT, ["time", "batch", 2 * HIDDEN]),
        ],
        constants,
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="biaozhu"
    )
    return bytes(model.SerializeToString())
