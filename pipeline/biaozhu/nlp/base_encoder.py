"""The base model as a frozen encoder, and as where a custom model starts from.

Its graph gives for each character the last states of its GRU and the scores of its tags; its CRF gives the chain's.
A custom model adds to these what it learns from the gold, so that untrained it says what the base model says.
"""

# Annotations are evaluated here, not postponed: confection checks a config's values by them.
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
from spacy.tokens import Doc
from thinc.api import Model

from biaozhu.annotators.network.base import Base, load_base, read_config
from biaozhu.annotators.network.base_graph import HIDDEN
from biaozhu.annotators.network.crf_decoding import FORBIDDEN, Chain
from biaozhu.annotators.network.runtime import CONFIG, GRAPH
from biaozhu.nlp.bounds import NonNegativeInt
from biaozhu.nlp.crf import START, STOP, Tagging, make_tagging
from biaozhu.nlp.encoders import check_pin, frozen, remembered, spread

ENCODER = "biaozhu.BaseEncoder.v1"
STATES = 2 * HIDDEN
# Weighs states about like what `encoder` gives; scores of tags further below the best count as this.
STATES_SCALE, SCORES_SCALE, LOWEST_SCORE = 0.3, 0.05, -20.0
# How far below the best tag a label begins that the base model does not know.
UNKNOWN_LABEL = -4.0
OUTSIDE = "O"


def base_encoder(
    folder: str, part: Literal["states", "scores"], window: NonNegativeInt = 0, sha256: str = ""
) -> Model[list[Doc], list[np.ndarray]]:
    """Return the base model of a folder as a frozen encoder, in ONNX Runtime.

    Args:
        folder: such as models/base.
        part: `states` gives the last GRU's states and the tags' scores, with `window` neighbours, to learn from;
            `scores` the tags' scores alone, for a `biaozhu.Crf.v1` to start from.
        window: how many neighbours a character sees on each side.
        sha256: of the model's graph; `biaozhu train` fills it in. Empty takes any.

    Raises:
        MissingFileError: there is no model.
        ModelDataError: it is damaged.
        ConfigError: it is not the one that `sha256` names.
    """
    found = checksum(folder)
    check_pin(found, sha256, kind="base model", folder=folder, where=ENCODER)
    base = _base(folder, found)
    chain = base.network.chain

    def vectors(texts: Sequence[str]) -> list[np.ndarray]:
        rows = base.network.states(texts)
        scores = [_below_best(one[:, STATES:]) for one in rows]
        if part == "scores":
            return scores
        return [
            spread(np.concatenate([one[:, :STATES] * STATES_SCALE, score * SCORES_SCALE], axis=1), window)
            for one, score in zip(rows, scores, strict=True)
        ]

    width = len(chain.kinds) if part == "scores" else (STATES + len(chain.kinds)) * (2 * window + 1)
    model = frozen("base_encoder", remembered(vectors, "base", found, part, window), width)
    if part == "scores":
        model.attrs["starts"] = True
    model.attrs["folder"] = folder
    return model


def checksum(folder: str) -> str:
    """Return the SHA-256 of a base model's graph, as its config names it.

    Raises:
        MissingFileError: there is no model.
        ModelDataError: its config is damaged.
    """
    return str(read_config(Path(folder) / CONFIG)["files"].get(GRAPH))


def tag_rows(folder: str, tagging: Tagging) -> list[int]:
    """Return for each BIOES tag the base model's BI tag with the same scores, -1 where its label is unknown there."""
    chain = _base(folder, checksum(folder)).network.chain
    rows = {
        kind if kind == OUTSIDE else f"{kind}-{'B' if begins else 'I'}": row
        for row, (kind, begins) in enumerate(zip(chain.kinds, chain.begins, strict=True))
    }
    return [rows.get(_as_bi(tag), -1) for tag in tagging.tags]


def as_emissions(folder: str, labels: Sequence[str], scores: list[np.ndarray]) -> list[np.ndarray]:
    """Return the tags' scores (tokens, BI tags) as emissions of shape (tokens, BIOES tags)."""
    rows = tag_rows(folder, make_tagging(labels))
    known = np.array(rows) >= 0
    return [
        np.where(known, one[:, rows], np.float32(UNKNOWN_LABEL)).astype(np.float32)
        if len(one)
        else np.zeros((0, len(rows)), np.float32)
        for one in scores
    ]


def as_chain(folder: str, labels: Sequence[str]) -> np.ndarray:
    """Return the base model's chain as that of BIOES tags, float64 of shape (2 + tags, tags); see `crf`.

    Each well-formed path of BI tags has one well-formed path of BIOES tags and the other way round: with these scores
    both have the same score. What is not allowed, and what is unknown, is 0.
    """
    tagging = make_tagging(labels)
    rows = np.array(tag_rows(folder, tagging))
    chain: Chain = _base(folder, checksum(folder)).network.chain
    both = (rows[:, None] >= 0) & (rows[None, :] >= 0)
    found = np.zeros(tagging.allowed.shape)
    found[START] = np.where(rows >= 0, chain.start[rows], 0.0)
    found[STOP] = np.where(rows >= 0, chain.stop[rows], 0.0)
    found[2:] = np.where(both, chain.transitions[np.ix_(rows, rows)], 0.0)
    chosen: np.ndarray = np.where(tagging.allowed & (found > FORBIDDEN / 2), found, 0.0)
    return chosen


def _as_bi(tag: str) -> str:
    if tag == OUTSIDE:
        return tag
    return f"{tag[2:]}-{'B' if tag[0] in 'BS' else 'I'}"


def _below_best(scores: np.ndarray) -> np.ndarray:
    if not len(scores):
        return scores
    return np.asarray(np.maximum(scores - scores.max(axis=1, keepdims=True), LOWEST_SCORE))


@cache
def _base(folder: str, sha256: str) -> Base:  # noqa: ARG001 — another model in the same folder is another entry
    return load_base(Path(folder))
