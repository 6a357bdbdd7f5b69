"""The base model's folder: graph, CRF scores, dictionary, a config with their checksums, and a card with scores, speed and size."""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment

from biaozhu.annotators.network.base import FORMAT, SCORES, load_base
from biaozhu.annotators.network.fast import PAIRS
from biaozhu.annotators.network.runtime import CONFIG, DICTIONARY, GRAPH
from biaozhu.annotators.transformer.deep import ARRAYS
from biaozhu.data.errors import MissingFileError, OutputError
from biaozhu.data.files import TEMPORARY, parse_json, read_bytes, write_bytes, write_json, write_text
from biaozhu.data.model import Sentence, with_spans
from biaozhu.scoring.evaluation import ALL, EvaluationOptions, evaluate_layer
from recipes.base.graph import BaseWeights, build_base_graph

MEGABYTE = 1_000_000
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


def score_model(folder: Path, gold: Sequence[Sentence]) -> dict[str, Any]:
    """Annotate gold sentences with the model in its folder, on one thread, and score it.

    Times are the processor's: the same on a busy machine. `scores` is label (and ALL) -> precision, recall, f1 and its
    95 % interval, strict; `calibration_error` is the expected one of the spans' probabilities.
    """
    begun = time.process_time()
    model = load_base(folder, threads=1)
    loaded = time.process_time()
    found = model([sentence.text for sentence in gold])
    done = time.process_time()
    layer = [with_spans(sentence, spans) for sentence, spans in zip(gold, found, strict=True)]
    result = evaluate_layer(gold, layer, name="base", options=EvaluationOptions(labels=model.labels))
    rows = {ALL: result.overall, **result.labels}
    return {
        "scores": {
            label: {
                "precision": scored["strict"].precision.value,
                "recall": scored["strict"].recall.value,
                "f1": scored["strict"].f1.value,
                "interval": list(scored["strict"].f1.best or (None, None)),
                "gold": scored["strict"].counts.possible,
            }
            for label, scored in rows.items()
        },
        "load_s": round(loaded - begun, 3),
        "characters_per_s": round(sum(len(sentence.text) for sentence in gold) / (done - loaded)),
        "calibration_error": result.calibration.ece,
        "sentences": len(gold),
    }


def card(folder: Path, config: Mapping[str, Any]) -> str:
    """Return the model card in Markdown: `card.md.j2`, filled in from the model's config."""
    size = f"{(folder / GRAPH).stat().st_size / MEGABYTE:.1f}"
    facts = {**config, "folder": folder.name, "size": size, "tuned": config["training"].get("encoder_lr_factor")}
    return render_card(Path(__file__).with_name("card.md.j2"), facts)


def render_card(template: Path, facts: Mapping[str, Any]) -> str:
    """Return a model card in Markdown: the template, filled in with facts of a model."""
    texts = Environment(trim_blocks=True, keep_trailing_newline=True)  # noqa: S701 — Markdown, from our own config
    texts.filters |= {
        "score": lambda value: "–" if value is None else f"{value:.4f}",
        "counts": lambda counts: ", ".join(f"{name} {count:,}" for name, count in counts.items()),
        "thousands": "{:,}".format,
    }
    return texts.from_string(template.read_text("utf-8")).render(facts)
