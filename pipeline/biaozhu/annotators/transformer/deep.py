"""The deep model: a small transformer that reads pieces of words, and the accurate model; the mean of what both say.

The transformer knows more names, for it has read far more text before it learned labels; the accurate model has the
better borders. It is in the folder deep/ (see its README.md); `biaozhu base deepen` makes it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np

from biaozhu.annotators.network.base import DEFAULT, Base, graph_checksum, load_base
from biaozhu.annotators.network.char_rows import EDGE
from biaozhu.annotators.network.crf_decoding import SMALLEST, Chain, flat_chain, make_chain, marginals
from biaozhu.annotators.network.lac import STATES, Lac
from biaozhu.annotators.network.runtime import ModelKind, load_checked
from biaozhu.annotators.transformer.pieces import PADDING, CutText, Pieces, unpack_pieces
from biaozhu.knowledge.lexicon import WIDTH, lexicon_columns, lexicon_facts

FOLDER = Path(__file__).parents[1] / "network" / "deep"
ARRAYS = "pieces.npz"
FORMAT = 1
KIND = ModelKind("deep model", "tags", ARRAYS, (FORMAT,), "Install biaozhu again, or `biaozhu base deepen`")


@dataclass(frozen=True, slots=True)
class Transformer:
    """The transformer with its CRF."""

    chain: Chain = field(repr=False)
    rows: np.ndarray = field(repr=False)
    pieces: Pieces = field(repr=False)
    session: Any = field(repr=False)

    def emissions(self, texts: list[str]) -> np.ndarray:
        """Return the tags' scores for a batch of short texts, float32 of shape (time, batch, tags), padded."""
        (emissions,) = self.session.run(["emissions"], self._inputs(texts))
        return np.asarray(emissions)

    def states(self, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """Return hidden states, float32 of shape (time, batch, states), and the tags' scores."""
        states, emissions = self.session.run(["states", "emissions"], self._inputs(texts))
        return states, emissions

    def _inputs(self, texts: list[str]) -> dict[str, np.ndarray]:
        return build_inputs(texts, [self.pieces.cut(text) for text in texts], self.rows)


@dataclass(frozen=True, slots=True)
class Pair:
    """Both networks as one: its chain has no scores of its own, its emissions are the mean of the logarithms of both where there is doubt.

    Where the accurate model is sure of each tag of a text, it decides alone: the transformer would agree, and costs most.
    """

    chain: Chain = field(repr=False)
    transformer: Transformer = field(repr=False)
    accurate: Lac = field(repr=False)
    # The share of the transformer; chosen on dev.
    share: float
    # The accurate model is sure of a text if it gives each character's likeliest tag more than 1 - min_doubt; chosen on dev.
    min_doubt: float = 0.0

    def emissions(self, texts: list[str]) -> np.ndarray:
        """Return the tags' scores for a batch of short texts, float32 of shape (time, batch, tags), padded."""
        scores = self.accurate.emissions(texts)
        return self._decide(texts, scores, lambda asked: self.transformer.emissions([texts[one] for one in asked]))

    @property
    def states_width(self) -> int:
        """The number of hidden states that a character has: the transformer's, then the accurate model's."""
        outputs = self.transformer.session.get_outputs()
        return STATES + next(int(one.shape[-1]) for one in outputs if one.name == "states")

    def outputs(self, texts: list[str]) -> np.ndarray:
        """Return hidden states of both and the tags' scores, float32 of shape (time, batch, states + tags), padded."""
        states, scores = self.transformer.states(texts)
        others = self.accurate.outputs(texts)
        decided = self._decide(texts, others[..., STATES:], lambda asked: scores[:, asked])
        return np.concatenate([states, others[..., :STATES], decided], axis=2)

    def _decide(self, texts: list[str], scores: np.ndarray, ask: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """Return the tags' scores by the accurate model's, and where it doubts by the transformer's, too.

        `ask` gives the transformer's scores of the texts at these positions.
        """
        lengths = np.array([len(text) for text in texts])
        shares = marginals(self.accurate.chain, scores, lengths)
        decided = log_shares(shares)
        asked = np.flatnonzero(find_doubt(shares, lengths) >= self.min_doubt)
        if asked.size:
            second = log_shares(marginals(self.transformer.chain, ask(asked), lengths[asked]))
            first = decided[: len(second), asked]
            decided[: len(second), asked] = self.share * second + (1 - self.share) * first
        return decided.astype(np.float32)


def log_shares(shares: np.ndarray) -> np.ndarray:
    """Return the logarithms of probabilities, none below that of SMALLEST."""
    return np.asarray(np.log(np.maximum(shares, SMALLEST)))


def find_doubt(shares: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return what the likeliest tag lacks to 1 at each text's most doubtful character; shares are (time, batch, tags)."""
    live = np.arange(len(shares))[:, None] < lengths
    return np.asarray(np.where(live, 1 - shares.max(axis=2), 0).max(axis=0))


def load_deep(folder: Path = FOLDER, *, threads: int | None = None) -> Base:
    """Load the model; it raises what `load_checked` and `load_base` do, and ModelDataError where the lexicon is another one."""
    model = load_checked(folder, KIND, threads=threads)
    if model.config.get("lexicon") != lexicon_facts():
        raise KIND.refuse(folder, "the deep model was trained on another lexicon than this version has")
    tags = tuple(map(str, model.config["tags"]))
    try:
        chain = make_chain(tags, **{name: model.arrays[name] for name in ("start", "stop", "transitions")})
        pieces = unpack_pieces(model.arrays)
    except (KeyError, ValueError) as error:
        raise KIND.refuse(folder / ARRAYS, f"it is damaged ({error})") from None
    transformer = Transformer(chain, model.rows, pieces, model.session)
    beside = load_base(threads=threads)
    # Its share was chosen beside it, and what was annotated is known by this model's config alone.
    if model.config.get("beside") != graph_checksum(DEFAULT):
        raise KIND.refuse(folder, "the deep model was made beside another accurate model than this version has")
    doubt = float(model.config.get("min_doubt", 0.0))
    pair = Pair(flat_chain(tags), transformer, cast("Lac", beside.network), float(model.config["share"]), doubt)
    return Base(beside.labels, pair, float(model.config.get("min_score", 0.0)))


def build_inputs(texts: Sequence[str], cuts: Sequence[CutText], rows: np.ndarray) -> dict[str, np.ndarray]:
    """Return a batch as the network's inputs by name; `rows` is code point -> row of the dictionary."""
    chars = grid([rows[list(map(ord, text))].tolist() for text in texts], EDGE)
    lexicon = np.zeros((*chars.shape, WIDTH), np.uint8)
    for number, columns in enumerate(lexicon_columns(texts)):
        lexicon[number, : len(columns)] = columns
    return {
        "ids": grid([cut.rows for cut in cuts], PADDING),
        "lengths": np.array([len(cut.rows) for cut in cuts]),
        "where": grid([cut.owners for cut in cuts]),
        "place": grid([cut.places for cut in cuts]),
        "chars": chars,
        "lexicon": lexicon,
    }


def grid(rows: Sequence[Sequence[int]], padding: int = 0) -> np.ndarray:
    """Return rows of unequal length as an array, int64 of shape (rows, longest)."""
    found = np.full((len(rows), max(map(len, rows))), padding, np.int64)
    for number, row in enumerate(rows):
        found[number, : len(row)] = row
    return found
