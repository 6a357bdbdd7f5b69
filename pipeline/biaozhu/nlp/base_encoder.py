"""The base model as a frozen encoder, and as where a custom model starts from."""

# Annotations are evaluated here, not postponed: confection checks a config's values by them.
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from spacy.tokens import Doc
from thinc.api import Model

from biaozhu.annotators.network.base import Base, load_base, read_config
from biaozhu.annotators.network.crf_decoding import FORBIDDEN
from biaozhu.annotators.network.lac_data import HIDDEN
from biaozhu.annotators.network.lac_pair import tags_of
from biaozhu.annotators.network.runtime import CONFIG, GRAPH
from biaozhu.data.errors import ConfigError
from biaozhu.nlp.bounds import NonNegativeInt
from biaozhu.nlp.encoders import LOWEST_SCORE, freeze, set_neighbours_beside

ENCODER = "biaozhu.BaseEncoder.v1"
STATES = 2 * HIDDEN
# Weighs states about like what the other encoders give.
STATES_SCALE, SCORES_SCALE = 0.3, 0.05
# How far below the best tag a label begins that the base model does not know.
UNKNOWN_LABEL = -4.0


def base_encoder(
    folder: str, part: Literal["states", "scores"], window: NonNegativeInt = 0, sha256: str = ""
) -> Model[list[Doc], list[np.ndarray]]:
    """Return the base model of a folder as a frozen encoder.

    Args:
        folder: such as models/base.
        part: `states` gives the last GRU's states and the tags' scores, with `window` neighbours, to learn from;
            `scores` the tags' scores alone, as the prior of a `biaozhu.Crf.v1`.
        window: how many neighbours a character sees on each side.
        sha256: of the model's graph; `biaozhu train` fills it in. Empty takes any.
    """
    found = checksum(folder)
    if sha256 and found != sha256:
        raise ConfigError(
            f"the base model in {folder} is not the one that this model was trained on",
            where=ENCODER,
            next_step="Train this model again, or put the old base model back",
        )
    network = _base(folder, found).network
    chain, tags = network.chain, tags_of(network.chain)

    def vectors(texts: Sequence[str]) -> list[np.ndarray]:
        found = []
        for rows in network.states(texts):
            best = rows[:, STATES:].max(axis=1, keepdims=True)
            scores = np.maximum(rows[:, STATES:] - best, np.float32(LOWEST_SCORE))
            if part == "states":
                both = [rows[:, :STATES] * STATES_SCALE, scores * SCORES_SCALE]
                scores = set_neighbours_beside(np.concatenate(both, axis=1), window)
            found.append(scores)
        return found

    width = len(tags) if part == "scores" else (STATES + len(tags)) * (2 * window + 1)
    model = freeze("base_encoder", vectors, width, key=(found, part, window))
    if part == "scores":
        scores = np.vstack([chain.start, chain.stop, chain.transitions])
        scores = np.where(scores > FORBIDDEN / 2, scores, 0)
        model.attrs.update(tags=list(tags), unknown=UNKNOWN_LABEL, chain=scores.astype(np.float32))
    return model


def checksum(folder: str) -> str:
    """Return the SHA-256 of a base model's graph, as its config names it."""
    return str(read_config(Path(folder) / CONFIG)["files"].get(GRAPH))


def pin_checksums(config: dict[str, Any]) -> None:
    """Write the checksum of the base model that lies there into each encoder of a config, in place.

    A trained model then runs only with the base model that it was trained with.
    """
    for value in config.values():
        if isinstance(value, dict):
            if value.get("@architectures") == ENCODER and not value.get("sha256"):
                value["sha256"] = checksum(str(value.get("folder")))
            pin_checksums(value)


@cache
def _base(folder: str, sha256: str) -> Base:  # noqa: ARG001 — another model in the same folder is another entry
    return load_base(Path(folder))
