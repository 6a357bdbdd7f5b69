"""Checksums of the models that a config builds on: a trained model runs only with those that it was trained with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from biaozhu.nlp import base_encoder, lexicon_encoder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# Architecture -> the checksum of what its `folder` holds.
CHECKSUMS: Mapping[str, Callable[[str], str]] = {
    base_encoder.ENCODER: base_encoder.checksum,
    lexicon_encoder.WORD_ENCODER: lexicon_encoder.checksum,
}


def pinned(config: dict[str, Any]) -> None:
    """Write into each encoder of a config that reads a model's folder, in place, the checksum of what lies there.

    Raises:
        MissingFileError, ModelDataError: see the encoders' `checksum`.
    """
    for value in config.values():
        if isinstance(value, dict):
            checksum = CHECKSUMS.get(str(value.get("@architectures")))
            if checksum and not value.get("sha256"):
                value["sha256"] = checksum(str(value.get("folder")))
            pinned(value)
