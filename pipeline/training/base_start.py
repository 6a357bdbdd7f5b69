"""What the base model starts from: LAC's weights by the characters that they stand for, and the tags of the task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from onnx import load_model_from_string, numpy_helper

from pipeline.annotators.base_graph import HIDDEN
from pipeline.annotators.lac_data import build_lac_graph, read_lac_data

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.annotators.lac_data import LacData

EDGE, UNKNOWN = 0, 1


@dataclass(frozen=True, slots=True)
class Start:
    """The weights that training starts from.

    Attributes:
        dictionary: for each row the characters that it stands for; none for the first two, EDGE and UNKNOWN.
        characters: float32 of shape (rows, 128).
        layers: input, recurrent and bias arrays of the two bidirectional layers, as ONNX orders them.
    """

    dictionary: tuple[str, ...]
    characters: np.ndarray
    layers: tuple[tuple[np.ndarray, np.ndarray, np.ndarray], ...]


def lac_start() -> Start:
    """Return the large LAC's weights, its embedding cut to single characters.

    Raises:
        ModelDataError: the package's files are missing or not those that were measured.
    """
    data = read_lac_data("large")
    graph = load_model_from_string(build_lac_graph("large", data.folder)).graph
    arrays = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    dictionary, rows = dictionary_of(data)
    characters = arrays["embedding"][[data.unknown, data.unknown, *rows]].astype(np.float32)
    characters[EDGE] = np.zeros(HIDDEN, np.float32)
    layers = tuple((arrays[f"input{k}"], arrays[f"recurrent{k}"], arrays[f"bias{k}"]) for k in range(2))
    return Start(dictionary, characters, layers)


def dictionary_of(data: LacData) -> tuple[tuple[str, ...], list[int]]:
    """Return the characters of each row of ours, and LAC's row of each from the third on."""
    variants: dict[str, list[str]] = {}
    for variant, character in data.variants.items():
        variants.setdefault(character, []).append(variant)
    entries = sorted(data.characters.items(), key=lambda item: (item[1], item[0]))
    lines = ["".join([character, *sorted(variants.get(character, []))]) for character, _ in entries]
    return ("", "", *lines), [row for _, row in entries]


def word_tags(labels: Sequence[str]) -> tuple[str, ...]:
    """Return the second task's tags: B and I of each part of speech."""
    return tuple(f"{label}-{part}" for label in sorted(set(labels)) for part in "BI")
