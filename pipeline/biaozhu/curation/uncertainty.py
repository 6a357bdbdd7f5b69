"""Uncertainty of a network with a CRF about a sentence: the least certain of its characters, by the marginals of their tags."""

from __future__ import annotations

from typing import TYPE_CHECKING

from biaozhu.annotators.network.batching import make_batches
from biaozhu.annotators.network.crf_decoding import marginals
from biaozhu.curation.select import Unsure
from biaozhu.reading.simplified import to_simplified

if TYPE_CHECKING:
    from collections.abc import Sequence

    from biaozhu.annotators.network.base import Base
    from biaozhu.curation.select import Judge
    from biaozhu.data.model import Sentence


def make_judge(model: Base) -> Judge:
    """Return what `select_sentences` asks how unsure the model is of each sentence."""

    def judge(sentences: Sequence[Sentence]) -> list[Unsure | None]:
        least = [(1.0, 0)] * len(sentences)
        for batch in make_batches([to_simplified(sentence.text) for sentence in sentences]):
            emissions = model.network.emissions(batch.texts)
            sure = marginals(model.network.chain, emissions, batch.lengths).max(axis=2)
            for row, piece in enumerate(batch.pieces):
                own = sure[: piece.end - piece.start, row]
                at = int(own.argmin())
                least[piece.text] = min(least[piece.text], (float(own[at]), piece.start + at))
        return [
            Unsure(1 - share, f"把握低:第{at + 1}字“{sentence.text[at : at + 1]}”{share:.2f}")
            for sentence, (share, at) in zip(sentences, least, strict=True)
        ]

    return judge
