"""Encoders that are trained with what stands on them, in PyTorch (extra `train`), for spaCy's `ner` or our own."""

# Annotations are evaluated here, not postponed: confection checks a config's values by them.
from pathlib import Path
from typing import Any, Literal

import numpy as np
from spacy.tokens import Doc
from thinc.api import Model

from biaozhu.data.errors import ConfigError, TrainingError, extra_advice

TRAINABLE_LAC = "biaozhu.TrainableLac.v1"
BERT = "biaozhu.Bert.v1"


def trainable_lac(
    size: Literal["large", "small"] = "large", dropout: float = 0.3
) -> Model[list[Doc], list[np.ndarray]]:
    """Return LAC's network as an encoder that learns; before it does, it gives the states that the frozen one gives.

    Args:
        size: `large`: PyTorch has the kind of GRU that this one is (the reset gate acts after the recurrent product);
            the small one is of the other kind, which PyTorch lacks, and is refused.
        dropout: while training.

    Raises:
        ConfigError: the size is `small`, or the dropout is not from 0 to below 1.
        TrainingError: PyTorch is not installed.
        ModelDataError: the package's weights are missing or not those that were measured.
    """
    if size != "large":
        raise ConfigError(
            "the small LAC's kind of GRU is one that PyTorch does not have",
            where=TRAINABLE_LAC,
            next_step='Take size = "large"',
        )
    check_dropout(dropout, TRAINABLE_LAC)
    need_torch(TRAINABLE_LAC)
    from biaozhu.annotators.network.lac_data import HIDDEN  # noqa: PLC0415 — with PyTorch, which is an extra
    from biaozhu.nlp.torch_encoders.lac_network import large_lac  # noqa: PLC0415 — as above
    from biaozhu.nlp.torch_encoders.torch_layer import torch_layer  # noqa: PLC0415 — as above

    network, inputs = large_lac(dropout)
    return torch_layer("trainable_lac", network, inputs, 2 * HIDDEN)


def bert(folder: str, width: int = 768, dropout: float = 0.1) -> Model[list[Doc], list[np.ndarray]]:
    """Return a BERT of a folder as an encoder that learns; only training reads the folder, a saved model has the arrays.

    Args:
        folder: with the files that it is published in: config.json, vocab.txt, model.safetensors or pytorch_model.bin.
        width: of its states, as config.json says it.
        dropout: while training.

    Raises:
        ConfigError: the dropout is not from 0 to below 1.
        TrainingError: PyTorch, curated-transformers or safetensors is not installed.
    """
    check_dropout(dropout, BERT)
    need_torch(BERT)
    from biaozhu.nlp.torch_encoders.torch_layer import (  # noqa: PLC0415 — with PyTorch, which is an extra
        torch_layer,
    )

    try:
        from biaozhu.nlp.torch_encoders.bert_network import BertNetwork, read_bert  # noqa: PLC0415 — as above
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"curated_transformers", "safetensors"}:
            raise
        raise TrainingError(
            f"it needs {error.name}, which is not installed",
            where=BERT,
            next_step=extra_advice("transformer"),
        ) from None

    network = BertNetwork(width, dropout)

    def initialize(_model: Any, X: Any = None, Y: Any = None) -> None:  # noqa: ARG001, N803 — thinc calls it by these names
        read_bert(Path(folder), network)

    model = torch_layer("bert", network, network.inputs, width)
    model.init = initialize
    return model


def check_dropout(dropout: float, where: str) -> None:
    """Check a share of dropped values.

    Raises:
        ConfigError: it is none.
    """
    if not 0 <= dropout < 1:
        raise ConfigError(f"a dropout of {dropout} is not from 0 to below 1", where=where)


def need_torch(where: str) -> None:
    """Check that PyTorch is there.

    Raises:
        TrainingError: it is not.
    """
    try:
        import torch  # noqa: F401, PLC0415 — an extra
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise TrainingError(
            "it runs in PyTorch, which is not installed", where=where, next_step=extra_advice("train")
        ) from None
