"""Encoders that are trained with what stands on them, in PyTorch (extra `train`), for spaCy's `ner` or our own."""

# Annotations are evaluated here, not postponed: confection checks a config's values by them.
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from spacy.tokens import Doc
from thinc.api import Model

from biaozhu.annotators.network.models import DEFAULT_MODEL, model_folder
from biaozhu.data.errors import ConfigError, TrainingError, extra_advice
from biaozhu.nlp.base_encoder import TRAINABLE_DEEP, check_network
from biaozhu.nlp.bounds import NonNegativeInt

BERT = "biaozhu.Bert.v1"
EXTRAS = {"torch": "train", "curated_transformers": "transformer", "safetensors": "transformer"}


def trainable_deep(
    folder: str = DEFAULT_MODEL, frozen_layers: NonNegativeInt = 6, dropout: float = 0.1, sha256: str = ""
) -> Model[list[Doc], list[np.ndarray]]:
    """Return the transformer of the pre-annotation as an encoder that learns: the states of its middle and of its last layer.

    Args:
        folder: `deep`, or the folder of such a network; a saved model needs it, for what does not learn.
        frozen_layers: its first layers do not learn, nor does its table of words.
        dropout: of the states, while training, from 0 to below 1.
        sha256: of the network's graph; `biaozhu train` fills it in. Empty takes any.
    """
    check_network(folder, sha256, where=TRAINABLE_DEEP)
    with _naming_extra(TRAINABLE_DEEP, dropout):
        from biaozhu.nlp.torch_encoders.deep_layers import deep_network  # noqa: PLC0415 — with PyTorch
        from biaozhu.nlp.torch_encoders.torch_layer import torch_layer  # noqa: PLC0415 — as above

    network, inputs = deep_network(model_folder(folder), frozen_layers, dropout)
    return torch_layer("trainable_deep", network, inputs, network.width)


def bert(folder: str, width: int = 768, dropout: float = 0.1) -> Model[list[Doc], list[np.ndarray]]:
    """Return a BERT of a folder as an encoder that learns; only training reads the folder, a saved model has the arrays.

    For its files see `read_bert`; `width` is that of its states, as config.json says it, `dropout`, while training, from 0 to below 1.
    """
    with _naming_extra(BERT, dropout):
        from biaozhu.nlp.torch_encoders.bert_network import BertNetwork, read_bert  # noqa: PLC0415 — as above
        from biaozhu.nlp.torch_encoders.torch_layer import torch_layer  # noqa: PLC0415 — as above

    network = BertNetwork(width, dropout)

    def initialize(_model: Any, X: Any = None, Y: Any = None) -> None:  # noqa: ARG001, N803 — thinc calls it by these names
        read_bert(Path(folder), network)

    model = torch_layer("bert", network, network.inputs, width)
    model.init = initialize
    return model


@contextmanager
def _naming_extra(where: str, dropout: float) -> Iterator[None]:
    """Check a dropout; within it, an import that fails for want of an extra's package says which extra."""
    if not 0 <= dropout < 1:
        raise ConfigError(f"a dropout of {dropout} is not from 0 to below 1", where=where)
    try:
        yield
    except ModuleNotFoundError as error:
        extra = EXTRAS.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
        raise TrainingError(
            f"it needs {error.name}, which is not installed", where=where, next_step=extra_advice(extra)
        ) from None
