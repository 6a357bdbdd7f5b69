"""The fast model: LAC's words and tags from a small network that was distilled from both LACs.

It lies in pipeline/annotators/fast/ (see its README.md): a graph for ONNX Runtime, the dictionary, the pairs of
characters that it knows, and a config with the checksums of all of them. `biaozhu base distil` makes it.

It has no CRF. A word begins where the shares of all B tags together outweigh the rest; its tag is the one that is
likeliest over all of its characters; its score is the least of their shares, and of the share of ending where it ends.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from biaozhu.annotators.network.char_rows import EDGE, rows_of
from biaozhu.annotators.network.lac import LacWord, default_threads, lac_spans, make_session, pieces_of
from biaozhu.annotators.network.pair_rows import PairTable, make_pair_table
from biaozhu.data.errors import ModelDataError
from biaozhu.data.files import parse_json, read_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from biaozhu.data.model import Span

FOLDER = Path(__file__).parent / "fast"
CONFIG = "config.json"
GRAPH, PAIRS, DICTIONARY = "model.onnx", "pairs.npy", "dictionary.txt"
FORMAT = 1
SCORE_DIGITS = 4
# Code points in one run of the network, and how much longer its longest text may be than its shortest.
BATCH, SPREAD, SLACK = 8192, 1.2, 3


@dataclass(frozen=True, slots=True)
class Fast:
    """The loaded model; used like a `Lac`. The first columns of the network are B of each kind, then I of each."""

    kinds: tuple[str, ...]
    rows: np.ndarray = field(repr=False)
    pairs: PairTable = field(repr=False)
    session: Any = field(repr=False)

    def __call__(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        """Return the names and amounts of each text, sorted and disjoint."""
        return [lac_spans(text, words) for text, words in zip(texts, self.words(texts), strict=True)]

    def words(self, texts: Sequence[str]) -> list[tuple[LacWord, ...]]:
        """Return the words of each text, in order; they leave out nothing of it."""
        pieces = [(index, start, end) for index, text in enumerate(texts) for start, end in pieces_of(text)]
        found: list[tuple[LacWord, ...]] = [()] * len(texts)
        if not pieces:
            return found
        lengths = np.array([end - start for _, start, end in pieces], np.int32)
        for batch in batches_of(lengths):
            chosen = [pieces[position] for position in batch]
            words = self._decoded(
                [texts[index][start:end] for index, start, end in chosen], lengths[batch], chosen
            )
            for (index, _, _), some in zip(chosen, words, strict=True):
                # Pieces of one text may come in any order.
                found[index] = tuple(sorted(found[index] + some)) if found[index] else some
        return found

    def shares(self, texts: Sequence[str], lengths: np.ndarray) -> np.ndarray:
        """Return the logarithm of each tag's share at each character of the texts, end to end.

        Args:
            texts: short ones, none of them empty.
            lengths: of each, int.
        """
        points = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), "<u4")
        chars = self.rows[points]
        ends = np.cumsum(lengths)
        starts = ends - lengths
        edged = np.full(len(chars) + len(texts) + 1, EDGE, np.int32)
        # Place of each character in its text, and its text.
        column = np.repeat(np.arange(len(texts)), lengths)
        place = np.arange(len(chars)) - np.repeat(starts, lengths)
        edged[np.arange(len(chars)) + column + 1] = chars
        pairs = self.pairs.rows_of(edged)
        longest, count = int(lengths.max()), len(texts)
        grid = np.zeros((longest, count), np.int32)
        around = np.zeros((longest + 1, count), np.int32)
        live = place * count + column
        grid.reshape(-1)[live] = chars
        beside = np.arange(len(chars)) + column
        around.reshape(-1)[live] = pairs[beside]
        around[lengths, np.arange(count)] = pairs[ends + np.arange(count)]
        (shares,) = self.session.run(
            ["shares"],
            {"chars": grid, "pairs": around, "lengths": lengths.astype(np.int32), "live": live},
        )
        return np.asarray(shares)

    def _decoded(
        self, texts: list[str], lengths: np.ndarray, pieces: Sequence[tuple[int, int, int]]
    ) -> list[tuple[LacWord, ...]]:
        begins, starts, ends, kinds, scores = decode(self.shares(texts, lengths), lengths)
        counts = np.diff(np.append(np.searchsorted(starts, begins), len(starts)))
        shift = np.repeat(np.array([start for _, start, _ in pieces]) - begins, counts)
        words = list(
            map(
                LacWord,
                (starts + shift).tolist(),
                (ends + shift).tolist(),
                [self.kinds[kind] for kind in kinds.tolist()],
                scores.astype(np.float64).round(SCORE_DIGITS).tolist(),
            )
        )
        found = []
        reached = 0
        for count in counts.tolist():
            found.append(tuple(words[reached : reached + count]))
            reached += count
        return found


def decode(
    shares: np.ndarray, lengths: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Cut texts to words.

    Args:
        shares: logarithms of shape (characters, 2 kinds): B of each kind, then I of each.
        lengths: of the texts that the characters make up, end to end.

    Returns:
        Where each text begins; where each word begins and ends, half open; its kind; its score.
    """
    kinds = shares.shape[1] // 2
    first, inner = shares[:, :kinds], shares[:, kinds:]
    ends = np.cumsum(lengths)
    begins = ends - lengths
    begin = np.exp(first).sum(axis=1) >= 0.5  # noqa: PLR2004 — more likely than not
    begin[begins] = True
    starts = np.flatnonzero(begin)
    stops = np.append(starts[1:], len(shares))
    own = np.where(begin[:, None], first, inner)
    kind = np.add.reduceat(own, starts, axis=0).argmax(axis=1)
    least = np.minimum.reduceat(own[np.arange(len(own)), np.repeat(kind, stops - starts)], starts)
    # What the next character says against ending here; a text's end says nothing against it.
    goes_on = np.append(np.exp(inner[starts[1:], kind[:-1]]), 0)
    goes_on[np.searchsorted(starts, begins[1:]) - 1] = 0
    return begins, starts, stops, kind, np.minimum(np.exp(least), 1 - goes_on)


def load_fast(folder: Path = FOLDER, *, threads: int | None = None) -> Fast:
    """Load the model.

    Args:
        folder: where it lies.
        threads: of ONNX Runtime; None takes the processors this process may use, at most 4.

    Raises:
        MissingFileError: there is no model.
        ModelDataError: a file is damaged or not the one that the config names.
    """
    try:
        config = parse_json(read_bytes(folder / CONFIG))
        kinds, files, version = tuple(map(str, config["kinds"])), dict(config["files"]), config["format"]
    except (ValueError, KeyError, TypeError):
        raise _damaged(folder, "not the config of a fast model") from None
    if version != FORMAT:
        raise _damaged(folder, f"format {version} of the fast model, {FORMAT} is needed")
    contents = {name: read_bytes(folder / name) for name in (GRAPH, PAIRS, DICTIONARY)}
    for name, content in contents.items():
        if hashlib.sha256(content).hexdigest() != files.get(name):
            raise _damaged(folder / name, "the file is not the one that its config names")
    try:
        keys = np.load(io.BytesIO(contents[PAIRS]), allow_pickle=False)
        rows = rows_of(contents[DICTIONARY].decode("utf-8").split("\n")[:-1]).astype(np.int32)
        session = make_session(contents[GRAPH], threads or default_threads())
    except Exception as error:  # noqa: BLE001 — ONNX Runtime and NumPy raise what they like
        raise _damaged(folder, f"the fast model cannot be loaded ({error})") from None
    return Fast(kinds, rows, make_pair_table(keys), session)


def _damaged(place: Path, what: str) -> ModelDataError:
    return ModelDataError(what, where=str(place), next_step="Install biaozhu again, or `biaozhu base distil`")


def batches_of(lengths: np.ndarray) -> Iterator[np.ndarray]:
    """Yield positions of texts of like length that go through the network together, the shortest first."""
    order = np.argsort(lengths, kind="stable")
    ordered = lengths[order].tolist()
    first = 0
    for position, size in enumerate(ordered):
        # Sorted: the newcomer is the longest, and decides what the padded batch takes.
        count = position - first
        if count and (size * (count + 1) > BATCH or size > ordered[first] * SPREAD + SLACK):
            yield order[first:position]
            first = position
    yield order[first:]
