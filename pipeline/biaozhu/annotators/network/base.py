"""The accurate model: places, persons and amounts straight from a network that was trained on the modern corpus.

It is in the folder accurate/ (see its README.md); `biaozhu base build` makes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from biaozhu.annotators.labelled import AMOUNT, OUTSIDE, labelled_spans
from biaozhu.annotators.network import runtime
from biaozhu.annotators.network.crf_decoding import make_chain
from biaozhu.annotators.network.lac import STATES, Lac
from biaozhu.annotators.network.runtime import ModelKind, load_checked
from biaozhu.data.model import Span
from biaozhu.data.renamed import rename_network_keys
from biaozhu.knowledge.lexicon import lexicon_columns, lexicon_facts, loaded_lexicon
from biaozhu.reading.simplified import to_simplified

if TYPE_CHECKING:
    import numpy as np

    from biaozhu.annotators.network.crf_decoding import Chain
    from biaozhu.annotators.words import LacWord

SOURCE = "base"
DEFAULT = Path(__file__).parent / "accurate"
SCORES = "crf.npz"
# 2: with the lexicon's columns; a model without them is the same in both.
FORMAT = 2
KIND = ModelKind("base model", "tags", SCORES, (1, FORMAT), "Build it again with `biaozhu base build`")


@dataclass(frozen=True, slots=True)
class Base:
    """The loaded model. Called with sentence texts it gives the spans of each with their probabilities."""

    labels: tuple[str, ...]
    network: Lac = field(repr=False)
    # Spans that are less likely are not given; chosen on dev when the model was built.
    min_score: float = 0.0
    # The number of hidden states that a character has.
    states_width: ClassVar[int] = STATES

    def words(self, texts: Sequence[str]) -> list[tuple[LacWord, ...]]:
        """Return the spans of each text as words that have their label as tag; what is unlikely is outside."""
        return drop_unlikely(self.network.words([to_simplified(text) for text in texts]), self.min_score)

    @property
    def chain(self) -> Chain:
        """The scores of the CRF."""
        return self.network.chain

    def emissions(self, texts: list[str]) -> np.ndarray:
        """Return the tags' scores for a batch of short texts; see `Lac.emissions`."""
        return self.network.emissions([to_simplified(text) for text in texts])

    def states(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Return each text's hidden states and tag scores; see `Lac.states`."""
        return self.network.states([to_simplified(text) for text in texts])

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
    network = Lac(model.rows, chain, model.session, None if wanted is None else lexicon_columns)
    rename_network_keys(model.config)
    return Base(labels, network, float(model.config.get("min_score", 0.0)))


def read_config(path: Path) -> dict[str, Any]:
    """Read the config of a base model; see `runtime.read_config`."""
    return runtime.read_config(path, KIND)
