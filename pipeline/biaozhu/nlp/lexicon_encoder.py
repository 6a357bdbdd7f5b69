"""Frozen columns of what is known before any training: dictionaries, the gazetteer, surnames, and the borders of words.

Each is a `Model[list[Doc], list[Floats2d]]` without parameters, as those of `encoder` are.
"""

# Annotations are evaluated here, not postponed: confection checks a config's values by them.
import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import spacy_pkuseg
from spacy.tokens import Doc
from thinc.api import Model

from biaozhu.data.errors import MissingFileError, ModelDataError
from biaozhu.data.files import sha256_of
from biaozhu.knowledge.lexicon import WIDTH, lexicon_columns
from biaozhu.nlp.bounds import NonNegativeInt
from biaozhu.nlp.encoders import check_pin, frozen, remembered, spread

WORD_ENCODER = "biaozhu.WordEncoder.v1"
SEGMENTER_FILES = ("features.msgpack", "weights.npz")
# What makes these columns weigh about like those of `encoder`.
LEXICON_SCALE, BORDERS_SCALE = 0.3, 0.3
# A word begins here, goes on, ends, or is this character alone.
BEGINS, INSIDE, ENDS, ALONE = range(4)
PARTS = 4


def lexicon_encoder(window: NonNegativeInt) -> Model[list[Doc], list[np.ndarray]]:
    """Return the words, divisions and surnames that could stand at each character (see `biaozhu.knowledge.lexicon`).

    Args:
        window: how many neighbours a character sees on each side.

    Raises:
        ModelDataError: when it is used, jieba's dictionary is not the one that was measured.
    """

    def vectors(texts: Sequence[str]) -> list[np.ndarray]:
        return [spread(columns * np.float32(LEXICON_SCALE), window) for columns in lexicon_columns(texts)]

    return frozen("lexicon_encoder", remembered(vectors, "lexicon", window), WIDTH * (2 * window + 1))


def word_encoder(folder: str, window: NonNegativeInt, sha256: str = "") -> Model[list[Doc], list[np.ndarray]]:
    """Return where words begin and end as spacy-pkuseg cuts a text; white space is no word.

    Args:
        folder: of a segmentation model, such as models/pkuseg (`biaozhu segmenter` makes one).
        window: how many neighbours a character sees on each side.
        sha256: of the segmentation model; `biaozhu train` fills it in. Empty takes any.

    Raises:
        MissingFileError: there is no such model.
        ModelDataError: it is damaged.
        ConfigError: it is not the one that `sha256` names.
    """
    found = checksum(folder)
    check_pin(found, sha256, kind="segmentation model", folder=folder, where=WORD_ENCODER)
    segment = _segmenter(folder, found)

    def vectors(texts: Sequence[str]) -> list[np.ndarray]:
        return [
            spread(_borders(text, segment.cut(text) if text.strip() else ()), window)
            * np.float32(BORDERS_SCALE)
            for text in texts
        ]

    return frozen("word_encoder", remembered(vectors, "words", found, window), PARTS * (2 * window + 1))


def checksum(folder: str) -> str:
    """Return the SHA-256 of a segmentation model: of the checksums of its files, in their order.

    Raises:
        MissingFileError: there is no such model.
    """
    files = [Path(folder) / name for name in SEGMENTER_FILES]
    missing = [file.name for file in files if not file.is_file()]
    if missing:
        raise MissingFileError(
            f"no segmentation model: it lacks {missing[0]}",
            where=folder,
            next_step="Make it with `biaozhu segmenter`",
        )
    return hashlib.sha256(" ".join(map(sha256_of, files)).encode()).hexdigest()


def _borders(text: str, words: Sequence[str]) -> np.ndarray:
    found = np.zeros((len(text), PARTS), np.float32)
    reached = 0
    for word in words:
        start = text.find(word, reached)
        if start < 0:
            # The segmenter has changed a character: what it says is of no use here.
            continue
        end = reached = start + len(word)
        if end - start > 1:
            found[start, BEGINS] = found[end - 1, ENDS] = 1
            found[start + 1 : end - 1, INSIDE] = 1
        else:
            found[start, ALONE] = 1
    return found


@cache
def _segmenter(folder: str, sha256: str) -> Any:  # noqa: ARG001 — another model in the same folder is another entry
    try:
        return spacy_pkuseg.pkuseg(folder)
    except Exception as error:  # noqa: BLE001 — NumPy, msgpack and pkuseg raise what they like: a damaged file
        raise ModelDataError(
            f"the segmentation model cannot be loaded ({str(error).splitlines()[0] if str(error) else type(error).__name__})",
            where=folder,
            next_step="Make it again with `biaozhu segmenter`",
        ) from None
