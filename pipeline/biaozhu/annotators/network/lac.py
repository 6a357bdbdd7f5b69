"""Words with part of speech and name tags from Baidu's LAC, in ONNX Runtime."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from threadpoolctl import ThreadpoolController

from biaozhu.annotators.network.batching import make_batches, padded
from biaozhu.annotators.network.crf_decoding import Chain, decode
from biaozhu.annotators.network.lac_data import GRAPH_VERSION, HIDDEN, Size, build_lac_graph, read_lac_data
from biaozhu.annotators.network.runtime import make_session
from biaozhu.annotators.words import LacWord
from biaozhu.data.errors import ModelDataError
from biaozhu.data.storage.disk_cache import laid_out_parts
from biaozhu.knowledge.lexicon import CODE_POINTS, code_points
from biaozhu.reading.simplified import to_simplified

SCORE_DIGITS = 4
# Of the last layer, both directions.
STATES = 2 * HIDDEN

# Looking for the loaded libraries takes milliseconds: once is enough, NumPy's is there.
_blas = cache(ThreadpoolController)
Columns = Callable[[Sequence[str]], list[np.ndarray]]


@dataclass(frozen=True, slots=True)
class Lac:
    """A loaded LAC."""

    rows: np.ndarray = field(repr=False)
    chain: Chain = field(repr=False)
    session: Any = field(repr=False)
    # What the network is told beside the characters, and whether traditional ones are read as simplified; not so for LAC itself.
    columns: Columns | None = field(default=None, repr=False)
    simplifies: bool = False
    # The number of hidden states that a character has.
    states_width: ClassVar[int] = STATES

    def words(self, texts: Sequence[str]) -> list[tuple[LacWord, ...]]:
        """Return the words of each text, of any length, in order; they leave out nothing of it."""
        return find_words(self.chain, self.emissions, texts)

    def emissions(self, texts: list[str]) -> np.ndarray:
        """Return the tags' scores for a batch of short texts, float32 of shape (time, batch, tags), padded."""
        return np.asarray(self.session.run(["emissions"], self._inputs(texts))[0])

    def states(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Return for each text its last hidden states, then the tags' scores: float32 of shape (code points, STATES + tags)."""
        return read_states(self.outputs, STATES + len(self.chain.kinds), texts)

    def outputs(self, texts: list[str]) -> np.ndarray:
        """Return hidden states and tags' scores for a batch of short texts, float32 of shape (time, batch, STATES + tags)."""
        return np.concatenate(self.session.run(["states", "emissions"], self._inputs(texts)), axis=2)

    def _inputs(self, texts: list[str]) -> dict[str, np.ndarray]:
        texts = [to_simplified(text) for text in texts] if self.simplifies else texts
        lengths = np.array([len(text) for text in texts], np.int32)
        inputs = {"ids": padded(self.rows[code_points("".join(texts))], lengths), "lengths": lengths}
        if self.columns is not None:
            inputs["lexicon"] = padded(np.concatenate(self.columns(texts)), lengths)
        return inputs


def find_words(
    chain: Chain, emissions_of: Callable[[list[str]], np.ndarray], texts: Sequence[str]
) -> list[tuple[LacWord, ...]]:
    """Return the words of each text, of any length, in order, by what gives a batch's emissions."""
    found: list[list[LacWord]] = [[] for _ in texts]
    for batch in make_batches(texts):
        emissions = emissions_of(batch.texts)
        # The products of decoding are too small for BLAS's threads, which would burn a core in waiting.
        with _blas().limit(limits=1, user_api="blas"):
            words = decode(chain, emissions, batch.lengths)
        columns = (*words[:-1], words.score.round(SCORE_DIGITS))
        for row, start, end, tag, score in zip(*(one.tolist() for one in columns), strict=True):
            number, offset, _ = batch.pieces[row]
            found[number].append(LacWord(offset + start, offset + end, chain.kinds[tag], score))
    # Batches come in the order of length, so the pieces of one text may arrive in any order.
    return [tuple(sorted(words, key=lambda word: word.start)) for words in found]


def read_states(outputs_of: Callable[[list[str]], np.ndarray], width: int, texts: Sequence[str]) -> list[np.ndarray]:
    """Return what a network makes of each text, of any length, by what gives it for a batch, (time, batch, width)."""
    found = [np.zeros((len(text), width), np.float32) for text in texts]
    for batch in make_batches(texts):
        outputs = outputs_of(batch.texts)
        for column, (number, start, end) in enumerate(batch.pieces):
            found[number][start:end] = outputs[: end - start, column]
    return found


def load_lac(which: Size, *, threads: int | None = None, folder: Path | None = None) -> Lac:
    """Load one of the two LACs, from the installed package by default; its graph is built once into the cache folder.

    ModelDataError says that the weights are missing or not those that were measured.
    """
    data = read_lac_data(which, folder)
    sources = (data.checksum.encode(), str(GRAPH_VERSION).encode())
    parts = laid_out_parts(f"lac-{which}", sources, lambda: {"graph": build_lac_graph(which, data.folder)})
    try:
        session = make_session(parts["graph"], threads)
    except Exception as error:  # noqa: BLE001 — ONNX Runtime raises what its C++ side names, all unrelated
        raise ModelDataError(f"ONNX Runtime does not take the {which} LAC ({error})") from None
    rows = np.full(CODE_POINTS, data.unknown, np.int32)
    rows[[ord(character) for character in data.characters]] = list(data.characters.values())
    return Lac(rows, data.chain, session)
