"""The fast model: places, persons and amounts from a small network that was distilled from the accurate one.

It is in the folder fast/ (see its README.md); `biaozhu base distil` makes it. It has no CRF. A word begins where the
shares of all B tags and of O together outweigh the rest; its tag is the one that is likeliest over all of its
characters; its score is the least of their shares, and of the share of ending where it ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from biaozhu.annotators.labelled import AMOUNT, OUTSIDE
from biaozhu.annotators.network.batching import BatchLimits, PieceBatch, make_batches, padded
from biaozhu.annotators.network.char_rows import EDGE, PairTable, make_pair_table
from biaozhu.annotators.network.runtime import ModelKind, load_checked
from biaozhu.annotators.words import LacWord
from biaozhu.knowledge.lexicon import code_points
from biaozhu.reading.simplified import to_simplified

FOLDER = Path(__file__).parent / "fast"
PAIRS = "pairs.npy"
FORMAT = 1
KIND = ModelKind("fast model", "kinds", PAIRS, (FORMAT,), "Install biaozhu again, or `biaozhu base distil`")
SCORE_DIGITS = 4
LIMITS = BatchLimits(8192, 1.2, 3)


@dataclass(frozen=True, slots=True)
class Fast:
    """The loaded model. The first columns of the network are B of each kind, then I of each; O is a kind without I."""

    kinds: tuple[str, ...]
    rows: np.ndarray = field(repr=False)
    pairs: PairTable = field(repr=False)
    session: Any = field(repr=False)
    # Names that are less likely are not given; chosen on dev when the model was built.
    min_score: float = 0.0

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of the names that it finds."""
        return tuple(kind for kind in self.kinds if kind != OUTSIDE)

    def words(self, texts: Sequence[str]) -> list[tuple[LacWord, ...]]:
        """Return the names in each text, in order."""
        found: list[tuple[LacWord, ...]] = [()] * len(texts)
        for batch in make_batches([to_simplified(text) for text in texts], LIMITS):
            for piece, some in zip(batch.pieces, self._decode(batch), strict=True):
                found[piece.text] = tuple(sorted(found[piece.text] + some))
        return found

    def shares(self, texts: Sequence[str], lengths: np.ndarray) -> np.ndarray:
        """Return the logarithm of each tag's share at each character of the texts, end to end; no text is empty."""
        chars = self.rows[code_points("".join(texts))]
        column, place = np.nonzero(np.arange(int(lengths.max())) < lengths[:, None])
        edged = np.full(len(chars) + len(texts) + 1, EDGE, np.int32)
        edged[np.arange(len(chars)) + column + 1] = chars
        inputs = {
            "chars": padded(chars, lengths),
            "pairs": padded(self.pairs.rows_of(edged), lengths + 1),
            "lengths": lengths.astype(np.int32),
            "live": place * len(texts) + column,
        }
        return np.asarray(self.session.run(["shares"], inputs)[0])

    def _decode(self, batch: PieceBatch) -> list[tuple[LacWord, ...]]:
        begins, *words = decode_shares(self.shares(batch.texts, batch.lengths), batch.lengths)
        # As `CrfNetwork.words` does.
        likely = (words[3] >= self.min_score) | np.array([kind == AMOUNT for kind in self.kinds])[words[2]]
        named = np.flatnonzero((words[2] != self.kinds.index(OUTSIDE)) & likely)
        starts, ends, kinds, scores = (one[named] for one in words)
        edges = np.append(np.searchsorted(starts, begins), len(starts))
        shift = np.repeat(np.array([piece.start for piece in batch.pieces]) - begins, np.diff(edges))
        tags = [self.kinds[kind] for kind in kinds.tolist()]
        rounded = scores.astype(np.float64).round(SCORE_DIGITS).tolist()
        found = list(map(LacWord, (starts + shift).tolist(), (ends + shift).tolist(), tags, rounded))
        return [tuple(found[first:last]) for first, last in pairwise(edges.tolist())]


def decode_shares(shares: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, ...]:
    """Cut texts to words: where each text begins; where each word begins and ends, half open; its kind; its score.

    `shares` are logarithms of shape (characters, 2 kinds), B of each kind, then I of each, of texts end to end of these lengths.
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
    """Load the model; it raises what `load_checked` does."""
    model = load_checked(folder, KIND, threads=threads)
    kinds = tuple(map(str, model.config["kinds"]))
    min_score = float(model.config.get("min_score", 0.0))
    return Fast(kinds, model.rows, make_pair_table(model.arrays), model.session, min_score)
