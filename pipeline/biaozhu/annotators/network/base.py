"""The base model as an annotator: PLACE, PERSON and AMOUNT straight from a network trained on news, layer `base`.

The model lies in models/base/ (see its README.md): a graph for ONNX Runtime, the CRF's scores, the dictionary, and a
config with the checksums of all of them. `biaozhu base build` makes it.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime

from biaozhu.annotators.network.char_rows import rows_of
from biaozhu.annotators.network.crf_decoding import make_chain
from biaozhu.annotators.network.lac import Lac, default_threads
from biaozhu.data.errors import ModelDataError
from biaozhu.data.files import parse_json, read_bytes
from biaozhu.data.model import Span
from biaozhu.knowledge.lexicon import lexicon_columns, lexicon_facts, loaded_lexicon

if TYPE_CHECKING:
    from collections.abc import Sequence

    from biaozhu.annotators.network.lac import Columns, LacWord

SOURCE = "base"
DEFAULT = Path("models/base")
CONFIG = "config.json"
GRAPH, SCORES, DICTIONARY = "model.onnx", "crf.npz", "dictionary.txt"
OUTSIDE = "O"
# 2: with the lexicon's columns; a model without them is the same in both.
FORMAT, READ = 2, (1, 2)


@dataclass(frozen=True, slots=True)
class Base:
    """The loaded model. Called with sentence texts it gives the layer `base`, each span with its probability."""

    labels: tuple[str, ...]
    network: Lac = field(repr=False)
    # Spans that are less likely are not given; chosen on dev when the model was built.
    least: float = 0.0

    def __call__(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        """Return the spans of each text, sorted and disjoint; none begins or ends with white space."""
        return [
            tuple(
                span
                for word in words
                if word.tag != OUTSIDE and word.score >= self.least
                for span in _trimmed(text, word)
            )
            for text, words in zip(texts, self.network.words(texts), strict=True)
        ]


def load_base(folder: Path = DEFAULT, *, threads: int | None = None) -> Base:
    """Load the model.

    Args:
        folder: where it lies.
        threads: of ONNX Runtime; None takes the processors this process may use, at most 4.

    Raises:
        MissingFileError: there is no model.
        ModelDataError: a file is damaged or not the one that the config names.
    """
    config = read_config(folder / CONFIG)
    contents = {
        name: _checked(folder / name, config["files"].get(name)) for name in (GRAPH, SCORES, DICTIONARY)
    }
    tags = tuple(map(str, config["tags"]))
    try:
        with np.load(io.BytesIO(contents[SCORES]), allow_pickle=False) as arrays:
            chain = make_chain(
                tags, start=arrays["start"], stop=arrays["stop"], transitions=arrays["transitions"]
            )
        rows = rows_of(contents[DICTIONARY].decode("utf-8").split("\n")[:-1]).astype(np.int32)
        session = _session(contents[GRAPH], threads or default_threads())
    except Exception as error:  # noqa: BLE001 — ONNX Runtime and zipfile raise what they like: a damaged file
        raise ModelDataError(
            f"the base model cannot be loaded ({error})",
            where=str(folder),
            next_step="Build it again with `biaozhu base build`",
        ) from None
    columns = _columns(config.get("lexicon"), folder)
    labels = tuple(dict.fromkeys(kind for kind in chain.kinds if kind != OUTSIDE))
    # The same batches, padding and decoding as for LAC's own network, whose shape ours has.
    return Base(labels, Lac("large", rows, chain, session, columns), float(config.get("least", 0.0)))


def _columns(wanted: Any, folder: Path) -> Columns | None:
    if wanted is None:
        return None
    if wanted != lexicon_facts():
        raise ModelDataError(
            "the base model was trained on another lexicon than this version has",
            where=str(folder),
            next_step="Build it again with `biaozhu base build`",
        )
    # Here, so that a dictionary that is not the right one is told before anything is read.
    loaded_lexicon()
    return lexicon_columns


def read_config(path: Path) -> dict[str, Any]:
    """Read a model's config.

    Raises:
        MissingFileError: there is none.
        ModelDataError: it is no config of a base model, or of another format.
    """
    try:
        config = parse_json(read_bytes(path))
    except ValueError:
        config = None
    if not isinstance(config, dict) or not isinstance(config.get("files"), dict) or not config.get("tags"):
        raise ModelDataError(
            "not the config of a base model",
            where=str(path),
            next_step="Build it again with `biaozhu base build`",
        )
    if config.get("format") not in READ:
        raise ModelDataError(
            f"format {config.get('format')} of the base model, {FORMAT} is needed", where=str(path),
            next_step="Build it again with `biaozhu base build`",
        )  # fmt: skip
    return config


def _checked(path: Path, sha256: str | None) -> bytes:
    content = read_bytes(path)
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ModelDataError(
            "the file is not the one that its config names",
            where=str(path),
            next_step="Build it again with `biaozhu base build`",
        )
    return content


def _session(graph: bytes, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # As for LAC: waiting threads must not burn the cores that decoding needs.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def _trimmed(text: str, word: LacWord) -> list[Span]:
    kept = text[word.start : word.end]
    start = word.start + len(kept) - len(kept.lstrip())
    end = start + len(kept.strip())
    return [Span(start, end, word.tag, SOURCE, word.score)] if start < end else []
