"""The base model's folder: graph, CRF scores, dictionary, and a config with their checksums."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from biaozhu.annotators.network.base import FORMAT, SCORES
from biaozhu.annotators.network.fast import PAIRS
from biaozhu.annotators.network.runtime import CONFIG, DICTIONARY, GRAPH
from biaozhu.annotators.transformer.deep import ARRAYS
from biaozhu.data.errors import MissingFileError, OutputError
from biaozhu.data.files import TEMPORARY, parse_json, read_bytes, write_bytes, write_json, write_text
from recipes.base.card import MEGABYTE, render_card
from recipes.base.graph import BaseWeights, build_base_graph

MODEL_FILES = {GRAPH, SCORES, PAIRS, ARRAYS, DICTIONARY, "README.md"}


def export_base(
    folder: Path,
    weights: BaseWeights,
    *,
    scores: Mapping[str, np.ndarray],
    tags: Sequence[str],
    dictionary: Sequence[str],
    facts: Mapping[str, Any],
) -> dict[str, Any]:
    """Write the model and return its config.

    Scores are `start` and `stop` of shape (tags,) and `transitions` [from, to] of the CRF; tags name the columns of the
    emissions; the dictionary has for each row of the embedding the characters that it stands for.
    """
    packed = pack_arrays({name: array.astype(np.float32) for name, array in scores.items()})
    contents = {GRAPH: build_base_graph(weights), SCORES: packed}
    return write_model(folder, contents, dictionary, {"format": FORMAT, "tags": list(tags)}, facts)


def pack_arrays(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Return a file of plain arrays, no pickle: loading a model must not run anything."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def write_model(
    folder: Path,
    contents: Mapping[str, bytes],
    dictionary: Sequence[str],
    head: dict[str, Any],
    facts: Mapping[str, Any],
    *,
    card: Path | None = None,
) -> dict[str, Any]:
    """Write a model's files, and last its config of `head`, checksums and facts, without which it does not load.

    The template of a card gets the config and the size of the files in megabytes.
    """
    (folder / CONFIG).unlink(missing_ok=True)
    files = {**contents, DICTIONARY: "".join(f"{line}\n" for line in dictionary).encode("utf-8")}
    for name, content in files.items():
        write_bytes(folder / name, content)
    checksums = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    config = {**head, "files": checksums, **facts}
    write_json(folder / CONFIG, config)
    if card:
        size = sum(map(len, files.values())) / MEGABYTE
        write_text(folder / "README.md", render_card(card, {**config, "size": f"{size:.1f}"}))
    return config


def check_model_folder(folder: Path) -> None:
    """Raise OutputError before any work unless a folder is empty or holds a network of biaozhu, whole or half written."""
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
        raise OutputError("this folder holds no model of ours, and a model would be written into it", where=str(folder))
