"""Settings that were called something else: configs and models of before are read for one version more."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

# The names that blocks of each kind had -> those that they have now.
RECOGNIZER = {"penalty": "l2", "least": "min_score"}
CRF = {"trust": "prior_weight", "start": "prior"}
NETWORK = {"least": "min_score"}
# What stands with the encoder of a `biaozhu_crf` now.
NGRAMS = {"longest", "classes", "at_least"}
RECIPE = {
    "narrow": "projection_dim",
    "tuned": "encoder_lr_factor",
    "average": "ema_decay",
    "rate": "learn_rate",
}


def rename_keys(block: MutableMapping[str, Any], names: dict[str, str]) -> None:
    """Give the keys of a section of a config their new names, in place; an old one beside its new one replaces it."""
    for old, new in names.items():
        if old in block:
            block[new] = block.pop(old)


def rename_network_keys(config: MutableMapping[str, Any]) -> None:
    """Rename the keys of the config.json of a network of biaozhu, in place."""
    rename_keys(config, NETWORK)
    rename_keys(config.get("training", {}), RECIPE)


def rename_training_keys(config: MutableMapping[str, Any]) -> None:
    """Rename the keys of our components and their models in a training config, in place, wherever they stand."""
    if config.get("factory") == "biaozhu_ner":
        rename_keys(config, RECOGNIZER)
    if config.get("factory") == "biaozhu_crf" and (moved := NGRAMS & set(config)):
        tok2vec = {
            "@architectures": "biaozhu.NgramEncoder.v1",
            **{key: config.pop(key) for key in sorted(moved)},
        }
        config["model"] = {"@architectures": "biaozhu.Crf.v1", "tok2vec": tok2vec}
        if config.get("algorithm") == "lbfgs":
            config["algorithm"] = "crfsuite"
    if config.get("@architectures") == "biaozhu.Crf.v1":
        rename_keys(config, CRF)
    for value in config.values():
        if isinstance(value, dict):
            rename_training_keys(value)
