"""How unsure a network with a CRF is of a sentence: the least certain of its characters, by the marginals of their tags."""

from __future__ import annotations

from typing import TYPE_CHECKING

from biaozhu.annotators.network.batching import make_batches
from biaozhu.annotators.network.crf_decoding import marginals
from biaozhu.curation.select import Unsure
from biaozhu.reading.simplified import to_simplified

if TYPE_CHECKING:
    from collections.abc import Callable

    from biaozhu.annotators.network.base import Base
    from biaozhu.data.model import Sentence


def make_judge(model: Base) -> Callable[[Sentence], Unsure | None]:
    """Return what `select_sentences` asks how unsure the model is of a sentence."""

    def judge(sentence: Sentence) -> Unsure | None:
        least, where = 1.0, 0
        for batch in make_batches([to_simplified(sentence.text)]):
            emissions = model.network.emissions(batch.texts)
            sure = marginals(model.network.chain, emissions, batch.lengths).max(axis=2)
            for row, piece in enumerate(batch.pieces):
                own = sure[: piece.end - piece.start, row]
                at = int(own.argmin())
                if own[at] < least:
                    least, where = float(own[at]), piece.start + at
        return Unsure(1 - least, f"把握低:第{where + 1}字“{sentence.text[where]}”{least:.2f}")

    return judge
