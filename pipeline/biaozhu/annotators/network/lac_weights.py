"""The weights of both LAC networks under one dictionary, as what is trained on them starts from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from biaozhu.annotators.network.lac_data import read_lac_arrays, read_lac_data

if TYPE_CHECKING:
    from biaozhu.annotators.network.lac_data import LacData, Layer, Size

SIZES: tuple[Size, ...] = ("large", "small")


@dataclass(frozen=True, slots=True)
class LacWeights:
    """One of LAC's networks, its layers from the input up.

    `rows` has the row of the embedding for each row of the dictionary, int32; `embedding` is float32 of shape (rows, 128); `reset_after`
    says whether the reset gate acts after the recurrent product (`linear_before_reset`).
    """

    rows: np.ndarray
    embedding: np.ndarray
    layers: tuple[Layer, ...]
    reset_after: bool


@dataclass(frozen=True, slots=True)
class Start:
    """LAC's networks, and for each row of the dictionary that they share its characters: none for EDGE and UNKNOWN."""

    dictionary: tuple[str, ...]
    lacs: tuple[LacWeights, ...]


def lac_start() -> Start:
    """Return both networks, the large one's embedding cut to single characters; it raises what `read_lac_data` does."""
    datas = [read_lac_data(size) for size in SIZES]
    dictionary, rows = shared_dictionary(datas)
    return Start(dictionary, tuple(map(_weights, SIZES, datas, rows.T)))


def shared_dictionary(datas: Sequence[LacData]) -> tuple[tuple[str, ...], np.ndarray]:
    """Return the characters of each row, and the rows that they have in each network, int of shape (rows, networks)."""
    # A line feed ends a sentence, and would end the dictionary's line.
    tables = [{one: row for one, row in data.characters.items() if one != "\n"} for data in datas]
    unknown = tuple(data.unknown for data in datas)
    groups: dict[tuple[int, ...], list[str]] = {}
    for character in sorted(set().union(*tables)):
        key = tuple(table.get(character, data.unknown) for table, data in zip(tables, datas, strict=True))
        if key != unknown:
            groups.setdefault(key, []).append(character)
    keys = [(0,) * len(tables), unknown, *groups]
    return ("", "", *("".join(characters) for characters in groups.values())), np.array(keys)


def _weights(size: Size, data: LacData, rows: np.ndarray) -> LacWeights:
    arrays = read_lac_arrays(size, data.folder)
    # Only the rows of single characters are ever asked for.
    used, places = np.unique(rows, return_inverse=True)
    rows = places.reshape(-1).astype(np.int32)
    return LacWeights(rows, arrays.embedding[used], arrays.layers, arrays.reset_after)
