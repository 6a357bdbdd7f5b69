"""Networks in ONNX Runtime whose tags a chain decodes; first of them Baidu's LAC, with part of speech and name tags."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from biaozhu.annotators.labelled import AMOUNT, OUTSIDE, labelled_spans
from biaozhu.annotators.network.batching import make_batches, padded
from biaozhu.annotators.network.crf_decoding import Chain, decode
from biaozhu.annotators.network.lac_data import GRAPH_VERSION, Size, build_lac_graph, read_lac_data
from biaozhu.annotators.network.runtime import make_session
from biaozhu.annotators.words import LacWord
from biaozhu.data.errors import ModelDataError
from biaozhu.data.model import Span
from biaozhu.data.storage.disk_cache import laid_out_parts
from biaozhu.knowledge.lexicon import CODE_POINTS, code_points
from biaozhu.reading.simplified import to_simplified

SOURCE = "base"
SCORE_DIGITS = 4
# Looking for the loaded libraries takes milliseconds: once is enough, NumPy's is there.
_blas = cache(ThreadpoolController)
Columns = Callable[[Sequence[str]], list[np.ndarray]]


@dataclass(frozen=True, slots=True)
class CrfNetwork(ABC):
    """A network whose tags are decoded by a chain: LAC, the accurate or the deep model.

    Called with sentence texts it gives the spans of each with their probabilities. Names less likely than `min_score`,
    which was chosen on dev when the model was built, are not given. `labels` are those of its names, none of LAC.
    """

    chain: Chain = field(repr=False)
    labels: tuple[str, ...] = field(default=(), kw_only=True)
    min_score: float = field(default=0.0, kw_only=True)

    @property
    @abstractmethod
    def states_width(self) -> int:
        """The number of hidden states that a character has."""

    @abstractmethod
    def emissions(self, texts: list[str]) -> np.ndarray:
        """Return the tags' scores for a batch of short texts, float32 of shape (time, batch, tags), padded."""

    @abstractmethod
    def outputs(self, texts: list[str]) -> np.ndarray:
        """Return hidden states, then the tags' scores, for a batch of short texts, float32 of shape (time, batch, both)."""

    def words(self, texts: Sequence[str]) -> list[tuple[LacWord, ...]]:
        """Return the words of each text, of any length, in order; they leave out nothing of it.

        An unlikely name is outside; an unlikely amount still vouches for one of the grammar.
        """
        kinds, least = self.chain.kinds, self.min_score
        found: list[list[LacWord]] = [[] for _ in texts]
        for batch in make_batches(texts):
            emissions = self.emissions(batch.texts)
            # The products of decoding are too small for BLAS's threads, which would burn a core in waiting.
            with _blas().limit(limits=1, user_api="blas"):
                words = decode(self.chain, emissions, batch.lengths)
            columns = (*words[:-1], words.score.round(SCORE_DIGITS))
            for row, start, end, tag, score in zip(*(one.tolist() for one in columns), strict=True):
                number, offset, _ = batch.pieces[row]
                kind = kinds[tag] if score >= least or kinds[tag] == AMOUNT else OUTSIDE
                found[number].append(LacWord(offset + start, offset + end, kind, score))
        # Batches come in the order of length, so the pieces of one text may arrive in any order.
        return [tuple(sorted(words, key=lambda word: word.start)) for words in found]

    def states(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Return each text's hidden states, then its tags' scores: float32 of shape (code points, states_width + tags)."""
        return outputs_by_text(self.outputs, self.states_width + len(self.chain.kinds), texts)

    def __call__(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        """Return the spans of each text, sorted and disjoint; none begins or ends with white space."""
        rows = zip(texts, self.words(texts), strict=True)
        return [tuple(labelled_spans(text, row, source=SOURCE, min_score=self.min_score)) for text, row in rows]


@dataclass(frozen=True, slots=True)
class Lac(CrfNetwork):
    """A loaded LAC, or a network of its shape."""

    rows: np.ndarray = field(repr=False)
    session: Any = field(repr=False)
    # What the network is told beside the characters, and whether traditional ones are read as simplified; not so for LAC itself.
    columns: Columns | None = field(default=None, repr=False)
    simplifies: bool = False

    @property
    def states_width(self) -> int:
        """The number of hidden states that a character has."""
        return next(int(one.shape[-1]) for one in self.session.get_outputs() if one.name == "states")

    def emissions(self, texts: list[str]) -> np.ndarray:
        """Return the tags' scores for a batch of short texts, float32 of shape (time, batch, tags), padded."""
        return np.asarray(self.session.run(["emissions"], self._inputs(texts))[0])

    def outputs(self, texts: list[str]) -> np.ndarray:
        """Return hidden states, then the tags' scores, for a batch of short texts, float32 of shape (time, batch, both)."""
        return np.concatenate(self.session.run(["states", "emissions"], self._inputs(texts)), axis=2)

    def _inputs(self, texts: list[str]) -> dict[str, np.ndarray]:
        texts = [to_simplified(text) for text in texts] if self.simplifies else texts
        lengths = np.array([len(text) for text in texts], np.int32)
        inputs = {"ids": padded(self.rows[code_points("".join(texts))], lengths), "lengths": lengths}
        if self.columns is not None:
            inputs["lexicon"] = padded(np.concatenate(self.columns(texts)), lengths)
        return inputs


def outputs_by_text(
    outputs_of: Callable[[list[str]], np.ndarray], width: int, texts: Sequence[str]
) -> list[np.ndarray]:
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
    return Lac(data.chain, rows, session)
