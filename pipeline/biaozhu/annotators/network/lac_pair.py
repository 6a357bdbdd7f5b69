"""Both LACs at once: the mean of their scores, decoded as one.

They were trained apart and err apart. Strict F1 in percent, without any training on the corpus, small / large / both:

- UNER Chinese GSDSIMP, train: PERSON of the layer `persons` 73.0 / 73.0 / 75.8, PLACE of the raw layer 56.6 / 53.7 / 57.3;
- People's Daily of January 1998 (PFR), paragraphs 15,000 to 16,000, full names only: PERSON 95.5 / 95.0 / 96.0,
  PLACE of the layer `places` 88.5 / 88.5 / 88.9.

It takes 1.6 times the time of the small one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from biaozhu.annotators.network.crf_decoding import FORBIDDEN, Chain, make_chain
from biaozhu.annotators.network.lac import Lac, decode_words, load_lac

if TYPE_CHECKING:
    from collections.abc import Sequence

    from biaozhu.annotators.words import LacWord

SHARE = 0.5
# The small one's start scores go far below what its emissions can make good; the large one has none.
LOWEST_START = -50


@dataclass(frozen=True, slots=True)
class LacPair:
    """Both LACs, loaded; used like one `Lac`. `columns` are the small one's tags in the order of the large one's."""

    small: Lac
    large: Lac
    chain: Chain = field(repr=False)
    columns: np.ndarray = field(repr=False)

    def words(self, texts: Sequence[str]) -> list[tuple[LacWord, ...]]:
        """Return the words of each text, in order; they leave out nothing of it."""
        return decode_words(texts, self.chain, self.emissions)

    def emissions(self, texts: list[str]) -> np.ndarray:
        """Return the mean of both models' scores, float32 of shape (time, batch, tags)."""
        small = self.small.emissions(texts)[:, :, self.columns]
        return np.asarray(SHARE * small + (1 - SHARE) * self.large.emissions(texts), np.float32)


def load_lac_pair(*, threads: int | None = None) -> LacPair:
    """Load both; see `load_lac`.

    Raises:
        ModelDataError: the weights of one of them are missing or not those that were measured.
    """
    large, small = (load_lac(size, threads=threads) for size in ("large", "small"))
    tags = tags_of(large.chain)
    order = {tag: position for position, tag in enumerate(tags_of(small.chain))}
    # The small one has eight tags more (nr, ns, nt, t beside PER, LOC, ORG, TIME): the pair does without.
    columns = np.array([order[tag] for tag in tags])
    chain = make_chain(
        tags,
        start=SHARE * np.maximum(small.chain.start[columns], LOWEST_START),
        stop=SHARE * small.chain.stop[columns],
        transitions=np.where(
            large.chain.transitions == FORBIDDEN,
            FORBIDDEN,
            SHARE * small.chain.transitions[np.ix_(columns, columns)] + (1 - SHARE) * large.chain.transitions,
        ),
    )
    return LacPair(small, large, chain, columns)


def tags_of(chain: Chain) -> tuple[str, ...]:
    """Return the tags of a chain as LAC names them: `X-B`, `X-I` or `O`."""
    return tuple(
        kind if kind == "O" else f"{kind}-{'B' if begins else 'I'}"
        for kind, begins in zip(chain.kinds, chain.begins, strict=True)
    )
