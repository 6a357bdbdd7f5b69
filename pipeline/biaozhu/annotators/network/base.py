"""The accurate model: places, persons and amounts straight from a network that was trained on the modern corpus.

It is in the folder accurate/ (see its README.md); `biaozhu base build` makes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from biaozhu.annotators.labelled import AMOUNT, OUTSIDE, labelled_spans
from biaozhu.annotators.network.crf_decoding import Chain, make_chain
from biaozhu.annotators.network.lac import Lac, find_words, read_states
from biaozhu.annotators.network.runtime import CONFIG, GRAPH, ModelKind, load_checked, read_config
from biaozhu.annotators.words import LacWord
from biaozhu.data.model import Span
from biaozhu.knowledge.lexicon import lexicon_columns, lexicon_facts, loaded_lexicon

if TYPE_CHECKING:
    from biaozhu.annotators.transformer.deep import Pair

SOURCE = "base"
DEFAULT = Path(__file__).parent / "accurate"
SCORES = "crf.npz"
# 2: with the lexicon's columns; a model without them is the same in both.
FORMAT = 2
KIND = ModelKind("base model", "tags", SCORES, (1, FORMAT), "Build it again with `biaozhu base build`")


@dataclass(frozen=True, slots=True)
class Base:
    """The loaded model, or the deep one. Called with sentence texts it gives the spans of each with their probabilities."""

    labels: tuple[str, ...]
    network: Lac | Pair = field(repr=False)
    # Spans that are less likely are not given; chosen on dev when the model was built.
    min_score: float = 0.0

    def words(self, texts: Sequence[str]) -> list[tuple[LacWord, ...]]:
        """Return the spans of each text as words that have their label as tag; what is unlikely is outside."""
        return drop_unlikely(find_words(self.network.chain, self.network.emissions, texts), self.min_score)

    @property
    def chain(self) -> Chain:
        """The scores of the CRF."""
        return self.network.chain

    @property
    def states_width(self) -> int:
        """The number of hidden states that a character has."""
        return self.network.states_width

    def emissions(self, texts: list[str]) -> np.ndarray:
        """Return the tags' scores for a batch of short texts, float32 of shape (time, batch, tags), padded."""
        return self.network.emissions(texts)

    def states(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Return each text's hidden states, then its tag scores: float32 of shape (code points, states_width + tags)."""
        return read_states(self.network.outputs, self.states_width + len(self.chain.kinds), texts)

    def __call__(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        """Return the spans of each text, sorted and disjoint; none begins or ends with white space."""
        rows = zip(texts, self.words(texts), strict=True)
        return [tuple(labelled_spans(text, row, source=SOURCE, min_score=self.min_score)) for text, row in rows]


def drop_unlikely(rows: Sequence[tuple[LacWord, ...]], min_score: float) -> list[tuple[LacWord, ...]]:
    """Return the words of each text, names that are less likely outside; an unlikely amount still vouches for one of the grammar."""
    return [
        tuple(one if one.score >= min_score or one.tag == AMOUNT else one._replace(tag=OUTSIDE) for one in words)
        for words in rows
    ]


def load_base(folder: Path = DEFAULT, *, threads: int | None = None) -> Base:
    """Load the model; it raises what `load_checked` does, and ModelDataError where the lexicon is another one."""
    model = load_checked(folder, KIND, threads=threads)
    try:
        chain = make_chain(
            tuple(map(str, model.config["tags"])),
            **{name: model.arrays[name] for name in ("start", "stop", "transitions")},
        )
    except KeyError as error:
        raise KIND.refuse(folder / SCORES, f"it lacks {error}") from None
    labels = tuple(dict.fromkeys(kind for kind in chain.kinds if kind != OUTSIDE))
    if (wanted := model.config.get("lexicon")) is not None:
        if wanted != lexicon_facts():
            raise KIND.refuse(folder, "the base model was trained on another lexicon than this version has")
        # Here, so that a dictionary that is not the right one is told before anything is read.
        loaded_lexicon()
    # The same batches, padding and decoding as for LAC's own network, whose shape ours has.
    network = Lac(model.rows, chain, model.session, None if wanted is None else lexicon_columns, simplifies=True)
    # Networks of before version 0.2 call it `least`.
    return Base(labels, network, float(model.config.get("min_score", model.config.get("least", 0.0))))


def graph_checksum(folder: Path) -> str:
    """Return the SHA-256 of the graph of the model in a folder, as its config names it; see `read_config`."""
    return str(read_config(folder / CONFIG, KIND)["files"].get(GRAPH))
