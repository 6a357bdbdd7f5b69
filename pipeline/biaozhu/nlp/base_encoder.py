"""The network of the pre-annotation as a frozen encoder, and its decisions as where a custom model starts from."""

# Annotations are evaluated here, not postponed: confection checks a config's values by them.
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from spacy.tokens import Doc
from thinc.api import Model

from biaozhu.annotators.network.base import graph_checksum
from biaozhu.annotators.network.crf_decoding import Chain, marginals
from biaozhu.annotators.network.lac import CrfNetwork, outputs_by_text
from biaozhu.annotators.network.lac_data import Size
from biaozhu.annotators.network.models import DEFAULT_MODEL, NAMED, as_tagger, model_folder
from biaozhu.annotators.preannotate import DEFAULT_ANNOTATORS
from biaozhu.data.errors import ConfigError
from biaozhu.knowledge.lexicon import WIDTH, lexicon_columns
from biaozhu.nlp.bounds import NonNegativeInt
from biaozhu.nlp.crf import encode_spans, make_tags
from biaozhu.nlp.encoders import (
    COMBINED,
    WORD_TAGS,
    annotate_once,
    find_words,
    freeze,
    load_network,
    load_once,
    set_neighbours_beside,
)
from biaozhu.reading.simplified import to_simplified

ENCODER = "biaozhu.BaseEncoder.v1"
# The same network, learning: `biaozhu.nlp.torch_encoders`.
TRAINABLE_DEEP = "biaozhu.TrainableDeep.v1"
# What makes the parts of a vector weigh about alike.
STATES_SCALE, LIKELY_SCALE, LEXICON_SCALE = 0.3, 0.2, 0.3
# Probabilities below this count as this.
SMALLEST = 1e-4
# The least log-probability of a prior, and where a label begins that the network does not know. The network must not be
# surer than it is right where the gold is of another kind: what it is wrong about would count for more than all the rest,
# and learning would bend to that.
PRIOR_FLOOR = np.float32(np.log(0.03))
# How far the tag that pre-annotation decided on stands above every other one.
MARGIN = 1.0


def base_encoder(
    folder: str = DEFAULT_MODEL,
    part: Literal["states", "scores"] = "states",
    window: NonNegativeInt = 0,
    sha256: str = "",
    beside: Literal["", "large", "small"] = "",
) -> Model[list[Doc], list[np.ndarray]]:
    """Return a network that gives names as a frozen encoder.

    Args:
        folder: `deep`, `accurate`, or the folder of such a network.
        part: `states` gives the last hidden states, the tags' log-probabilities with `window` neighbours, and the lexicon's
            columns, to learn from; `scores` is the prior of a `biaozhu.Crf.v1`: the tags' log-probabilities, with the
            tags of the pre-annotation by this network on top, so that an untrained model gives just that.
        beside: of `scores`: the LAC whose tags stand beside them, for labels that the network does not have.
        window: how many neighbours a character sees on each side.
        sha256: of the model's graph; `biaozhu train` fills it in. Empty takes any.
    """
    base, mark = _load(folder), check_network(folder, sha256, where=ENCODER)
    proposed = (label for one in DEFAULT_ANNOTATORS for label in one.proposes)
    labels, kinds = sorted({*base.labels, *proposed}), len(base.chain.kinds)

    def states(texts: Sequence[str]) -> list[np.ndarray]:
        found = []
        read = _read_once(folder, mark, tuple(texts))
        for (states, likely), columns in zip(read, lexicon_columns(texts), strict=True):
            around = set_neighbours_beside(likely * LIKELY_SCALE, window)
            parts = [states * STATES_SCALE, around, columns * LEXICON_SCALE]
            found.append(np.concatenate(parts, axis=1, dtype=np.float32))
        return found

    def scores(texts: Sequence[str]) -> list[np.ndarray]:
        decided = annotate_once(folder, tuple(texts))[COMBINED]
        columns = _columns_of(make_tags(labels), base.chain)
        found = []
        for (_, likely), spans in zip(_read_once(folder, mark, tuple(texts)), decided, strict=True):
            rows = _floored(likely, columns)
            chosen = [span.key for span in spans if span.label in labels]
            places = np.arange(len(rows)), encode_spans(labels, len(rows), chosen)
            rows[places] = rows.max(axis=1) + MARGIN
            found.append(rows)
        beside_them = [_borrowed(beside, texts, found)] if beside else []
        return [np.concatenate(parts, axis=1) for parts in zip(found, *beside_them, strict=True)]

    if part == "states":
        width = base.states_width + kinds * (2 * window + 1) + WIDTH
        return freeze("base_encoder", states, width, key=(folder, mark, part, window))
    tags = make_tags(labels)
    offered = make_tags(WORD_TAGS)[1:] if beside else ()
    model = freeze("base_encoder", scores, len(tags) + len(offered), key=(folder, mark, part, beside))
    model.attrs.update(tags=list(tags), offered=list(offered), beside=beside, unknown=float(PRIOR_FLOOR))
    return model


def checksum(folder: str) -> str:
    """Return the SHA-256 of a network's graph, as its config names it."""
    return graph_checksum(model_folder(folder) if folder in NAMED else Path(folder))


def check_network(folder: str, sha256: str, *, where: str) -> str:
    """Return the SHA-256 of a network's graph; ConfigError if another one is wanted, which empty is not."""
    mark = checksum(folder)
    if sha256 and mark != sha256:
        raise ConfigError(
            f"the network {folder} is not the one that this model was trained on",
            where=where,
            next_step="Train this model again, or put the old network back",
        )
    return mark


def pin_checksums(config: dict[str, Any]) -> None:
    """Write the checksum of the network that lies there into each encoder of a config, in place.

    A trained model then runs only with the network that it was trained with.
    """
    for value in config.values():
        if isinstance(value, dict):
            if value.get("@architectures") in (ENCODER, TRAINABLE_DEEP) and not value.get("sha256"):
                value["sha256"] = checksum(str(value.get("folder", DEFAULT_MODEL)))
            pin_checksums(value)


def _borrowed(size: Size, texts: Sequence[str], scores: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return the log-probabilities of LAC's tags, those of its words on top of the network's scores."""
    lac = load_once(size)
    columns = _columns_of(make_tags(WORD_TAGS)[1:], lac.chain)
    found = []
    read = _read(lac, [to_simplified(text) for text in texts])
    for (_, likely), words, top in zip(read, find_words(size, texts), scores, strict=True):
        rows = _floored(likely, columns)
        path = encode_spans(WORD_TAGS, len(rows), [(one.start, one.end, one.tag) for one in words])
        places = np.flatnonzero(path)
        rows[places, path[places] - 1] = top[places].max(axis=1) + MARGIN
        found.append(rows)
    return found


def _floored(likely: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return these columns of log-probabilities, none below `PRIOR_FLOOR`, which -1 stands for."""
    return np.where(columns < 0, PRIOR_FLOOR, np.maximum(likely[:, columns], PRIOR_FLOOR))


def _load(folder: str) -> CrfNetwork:
    return as_tagger(load_network(folder), folder)


# One batch back: a model's prior and its features ask for the same texts one after the other.
@lru_cache(maxsize=1)
def _read_once(folder: str, mark: str, texts: tuple[str, ...]) -> list[tuple[np.ndarray, np.ndarray]]:  # noqa: ARG001 — it is part of the cache key
    return _read(_load(folder), texts)


def _read(network: CrfNetwork, texts: Sequence[str]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the last hidden states and the tags' log-probabilities of each text."""
    width, chain = network.states_width, network.chain

    def outputs(batch: list[str]) -> np.ndarray:
        found = network.outputs(batch)
        likely = marginals(chain, found[..., width:], np.array([len(text) for text in batch]))
        return np.concatenate([found[..., :width], np.log(np.maximum(likely, SMALLEST))], axis=2)

    rows = outputs_by_text(outputs, width + len(chain.kinds), texts)
    return [(row[:, :width], row[:, width:]) for row in rows]


def _columns_of(tags: Sequence[str], chain: Chain) -> np.ndarray:
    """Return the column of the network, whose tags are B and I, that stands for each tag; -1 where it has none."""
    own = [kind if begins else f"{kind}-I" for kind, begins in zip(chain.kinds, chain.begins, strict=True)]
    columns = {name: column for column, name in enumerate(own)}
    parts = (tag.rpartition("-") for tag in tags)
    names = (label + "-I" if part in ("I", "E") else label or part for label, _, part in parts)
    return np.array([columns.get(name, -1) for name in names])
