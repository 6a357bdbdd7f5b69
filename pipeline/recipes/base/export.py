"""The base model's folder: graph, CRF scores, dictionary, and a config with their checksums."""

from __future__ import annotations

import hashlib
import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from biaozhu.annotators.network.base import FORMAT, SCORES
from biaozhu.annotators.network.fast import PAIRS
from biaozhu.annotators.network.runtime import CONFIG, DICTIONARY, GRAPH
from biaozhu.data.errors import MissingFileError, OutputError
from biaozhu.data.files import TEMPORARY, parse_json, read_bytes, write_bytes, write_text
from recipes.base.graph import build_base_graph

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from recipes.base.graph import BaseWeights

MODEL_FILES = {GRAPH, SCORES, PAIRS, DICTIONARY, "README.md"}


def export_base(
    folder: Path,
    weights: BaseWeights,
    *,
    scores: Mapping[str, np.ndarray],
    tags: Sequence[str],
    dictionary: Sequence[str],
    facts: Mapping[str, Any],
) -> dict[str, Any]:
    """Write the model; see `export_graph`.

    Args:
        folder: where to.
        weights: the network's arrays.
        scores: `start` and `stop` of shape (tags,) and `transitions` [from, to] of the CRF.
        tags: the name of each column of the emissions.
        dictionary: for each row of the embedding the characters that it stands for.
        facts: what else the config says.

    Returns:
        The config.

    Raises:
        WriteError: nothing that loads is left behind.
    """
    graph = build_base_graph(weights)
    return export_graph(folder, graph, scores=scores, tags=tags, dictionary=dictionary, facts=facts)


def export_graph(
    folder: Path,
    graph: bytes,
    *,
    scores: Mapping[str, np.ndarray],
    tags: Sequence[str],
    dictionary: Sequence[str],
    facts: Mapping[str, Any],
) -> dict[str, Any]:
    """Write the model; the config comes last, so that a model without one was not written to its end.

    Args:
        folder: where to.
        graph: serialised, with the inputs and outputs of the base model's.
        scores: as `export_base`.
        tags: as `export_base`.
        dictionary: as `export_base`.
        facts: what else the config says.

    Returns:
        The config.

    Raises:
        WriteError: nothing that loads is left behind.
    """
    (folder / CONFIG).unlink(missing_ok=True)
    buffer = io.BytesIO()
    # Plain arrays, no pickle: loading a model must not run anything.
    np.savez(buffer, **{name: array.astype(np.float32) for name, array in scores.items()})  # type: ignore[arg-type]
    contents = {
        GRAPH: graph,
        SCORES: buffer.getvalue(),
        DICTIONARY: "".join(f"{line}\n" for line in dictionary).encode("utf-8"),
    }
    files = write_files(folder, contents)
    config = {"format": FORMAT, "tags": list(tags), "files": files, **facts}
    write_text(folder / CONFIG, json.dumps(config, ensure_ascii=False, indent=2) + "\n")
    return config


def check_model_folder(folder: Path) -> None:
    """Check before any work that a folder holds nothing, or a network of biaozhu, whole or not written to its end.

    Raises:
        OutputError: its files are not ours.
    """
    if not folder.is_dir():
        return
    names = {path.name for path in folder.iterdir() if not path.name.endswith(TEMPORARY)}
    # A build that was killed while it wrote, or whose disk was full, left no config.
    if not names or (DICTIONARY in names and names <= MODEL_FILES):
        return
    try:
        config = parse_json(read_bytes(folder / CONFIG))
    except (MissingFileError, ValueError):
        config = None
    if not (isinstance(config, dict) and config.keys() >= {"format", "files"}):
        raise OutputError(
            "this folder holds no model of ours, and a model would be written into it", where=str(folder)
        )


def write_files(folder: Path, contents: Mapping[str, bytes]) -> dict[str, str]:
    """Write a model's files and return the SHA-256 of each, by name."""
    for name, content in contents.items():
        write_bytes(folder / name, content)
    return {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
