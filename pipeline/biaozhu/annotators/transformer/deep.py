"""The deep model: a small transformer that reads pieces of words, and the accurate model; the mean of what both say.

The transformer knows more names, for it has read far more text before it learned labels; the accurate model has the
better borders. It is in the folder deep/ (see its README.md); `biaozhu base deepen` makes it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from biaozhu.annotators.network.base import DEFAULT, graph_checksum, load_base
from biaozhu.annotators.network.batching import padded
from biaozhu.annotators.network.char_rows import EDGE
from biaozhu.annotators.network.crf_decoding import SMALLEST, flat_chain, make_chain, marginals
from biaozhu.annotators.network.lac import CrfNetwork, Lac
from biaozhu.annotators.network.runtime import ModelKind, load_checked
from biaozhu.annotators.transformer.pieces import PADDING, CutText, Pieces, unpack_pieces
from biaozhu.knowledge.lexicon import code_points, lexicon_columns, lexicon_facts

FOLDER = Path(__file__).parents[1] / "network" / "deep"
ARRAYS = "pieces.npz"
FORMAT = 1
KIND = ModelKind("deep model", "tags", ARRAYS, (FORMAT,), "Install biaozhu again, or `biaozhu base deepen`")


@dataclass(frozen=True, slots=True)
class Transformer(Lac):
    """The transformer with its CRF, which is asked as a LAC is."""

    pieces: Pieces = field(repr=False, kw_only=True)

    def _inputs(self, texts: list[str]) -> dict[str, np.ndarray]:
        return build_inputs(texts, [self.pieces.cut(text) for text in texts], self.rows)


@dataclass(frozen=True, slots=True)
class Pair(CrfNetwork):
    """Both networks as one: its chain has no scores of its own, its emissions are the mean of the logarithms of both where there is doubt.

    Where the accurate model is sure of each tag of a text, it decides alone: the transformer would agree, and costs most.
    """

    transformer: Transformer = field(repr=False)
    accurate: Lac = field(repr=False)
    # The share of the transformer; chosen on dev.
    share: float
    # The accurate model is sure of a text if it gives each character's likeliest tag more than 1 - min_doubt; chosen on dev.
    min_doubt: float = 0.0

    @property
    def states_width(self) -> int:
        """The number of hidden states that a character has: the transformer's, then the accurate model's."""
        return self.transformer.states_width + self.accurate.states_width

    def emissions(self, texts: list[str]) -> np.ndarray:
        """Return the tags' scores for a batch of short texts, float32 of shape (time, batch, tags), padded."""
        scores = self.accurate.emissions(texts)
        return self._decide(texts, scores, lambda asked: self.transformer.emissions([texts[one] for one in asked]))

    def outputs(self, texts: list[str]) -> np.ndarray:
        """Return hidden states of both and the tags' scores, float32 of shape (time, batch, states + tags), padded."""
        both = (network.outputs(texts) for network in (self.transformer, self.accurate))
        tags = len(self.chain.kinds)
        (states, second), (others, first) = (np.split(one, [one.shape[2] - tags], axis=2) for one in both)
        return np.concatenate([states, others, self._decide(texts, first, lambda asked: second[:, asked])], axis=2)

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


def load_deep(folder: Path = FOLDER, *, threads: int | None = None) -> Pair:
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
    transformer = Transformer(chain, model.rows, model.session, pieces=pieces)
    beside = load_base(threads=threads)
    # Its share was chosen beside it, and what was annotated is known by this model's config alone.
    if model.config.get("beside") != graph_checksum(DEFAULT):
        raise KIND.refuse(folder, "the deep model was made beside another accurate model than this version has")
    chosen = {name: float(model.config.get(name, 0.0)) for name in ("share", "min_doubt", "min_score")}
    return Pair(flat_chain(tags), transformer, beside, **chosen, labels=beside.labels)


def build_inputs(texts: Sequence[str], cuts: Sequence[CutText], rows: np.ndarray) -> dict[str, np.ndarray]:
    """Return a batch as the network's inputs by name; `rows` is code point -> row of the dictionary."""
    lengths, sizes = np.array([len(text) for text in texts]), np.array([len(cut.rows) for cut in cuts])
    return {
        "ids": padded(np.concatenate([cut.rows for cut in cuts]), sizes, PADDING).T,
        "lengths": sizes,
        "where": padded(np.concatenate([cut.owners for cut in cuts]), lengths).T,
        "place": padded(np.concatenate([cut.places for cut in cuts]), lengths).T,
        "chars": padded(rows[code_points("".join(texts))].astype(np.int64), lengths, EDGE).T,
        "lexicon": padded(np.concatenate(lexicon_columns(texts)), lengths).swapaxes(0, 1),
    }
