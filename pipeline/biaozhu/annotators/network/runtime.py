"""ONNX Runtime, and the checked folders that our own models are in."""

from __future__ import annotations

import hashlib
import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

# Official builds send events to Microsoft and leave a device id and a database in the user's cache folder. Only this
# variable, before the import, keeps both away: `disable_telemetry_events` comes too late for the files.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime

from biaozhu.annotators.network.char_rows import rows_of
from biaozhu.data.errors import ModelDataError
from biaozhu.data.files import parse_json, read_bytes

CONFIG, GRAPH, DICTIONARY = "config.json", "model.onnx", "dictionary.txt"
MOST_THREADS = 4


@dataclass(frozen=True, slots=True)
class ModelKind:
    """A kind of model of biaozhu: its name, the key of its config that lists tags, the file of its arrays.

    `formats` are those that this version reads, the last of them is written; `remedy` makes a damaged one anew.
    """

    name: str
    tags: str
    arrays: str
    formats: tuple[int, ...]
    remedy: str

    def refuse(self, where: Path, what: str) -> ModelDataError:
        """Return the error that says what is wrong."""
        return ModelDataError(what, where=str(where), next_step=self.remedy)


@dataclass(frozen=True, slots=True)
class CheckedModel:
    """The content of a model's folder: config, dictionary rows, arrays, and the graph as a session."""

    config: dict[str, Any]
    rows: np.ndarray
    arrays: Any
    session: Any


def read_network_config(path: Path, kind: ModelKind) -> dict[str, Any]:
    """Read a model's config; ModelDataError if it is not one of such a model, or of another format."""
    try:
        config = parse_json(read_bytes(path))
    except ValueError:
        config = None
    if not isinstance(config, dict) or not isinstance(config.get("files"), dict) or not config.get(kind.tags):
        raise kind.refuse(path, f"not the config of a {kind.name}")
    if (found := config.get("format")) not in kind.formats:
        raise kind.refuse(path, f"format {found} of the {kind.name}, {kind.formats[-1]} is needed")
    return config


def load_checked(folder: Path, kind: ModelKind, *, threads: int | None) -> CheckedModel:
    """Load a model after checking that each file is the one whose checksum its config names; else ModelDataError."""
    config = read_network_config(folder / CONFIG, kind)
    contents = {name: read_bytes(folder / name) for name in (GRAPH, kind.arrays, DICTIONARY)}
    for name, content in contents.items():
        if hashlib.sha256(content).hexdigest() != config["files"].get(name):
            raise kind.refuse(folder / name, "the file is not the one that its config names")
    try:
        arrays = np.load(io.BytesIO(contents[kind.arrays]), allow_pickle=False)
        arrays = arrays if isinstance(arrays, np.ndarray) else dict(arrays)
        rows = rows_of(contents[DICTIONARY].decode("utf-8").split("\n")[:-1]).astype(np.int32)
        return CheckedModel(config, rows, arrays, make_session(contents[GRAPH], threads))
    except Exception as error:  # noqa: BLE001 — ONNX Runtime and NumPy raise what they like
        raise kind.refuse(folder, f"the {kind.name} cannot be loaded ({error})") from None


def default_threads() -> int:
    """Return the number of threads where nobody asks for one: more do not help sentences this short."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(MOST_THREADS, cores)


def make_session(graph: bytes, threads: int | None = None) -> Any:
    """Return ONNX Runtime's session of a serialised graph; it raises what its C++ side names."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or default_threads()
    options.inter_op_num_threads = 1
    # Waiting threads must not burn the cores that decoding and other processes need.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
