"""Two layers read side by side, for corpora that do not fit into memory.

Both files hold the same sentences in the same order, article by article; only the two lines at hand are in memory.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from biaozhu.data.errors import ScoringError
from biaozhu.data.model import Sentence
from biaozhu.data.storage.layer_stream import SORT_ADVICE, stream_layer

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from biaozhu.scoring.scores import Missing

# Of the sentences that a layer lacks so many are named, and all are counted.
MOST_NAMED = 10_000


@dataclass(slots=True)
class LackingSentences:
    """Sentences that a layer lacks: how many there are, and the ids of the first `MOST_NAMED`."""

    count: int = 0
    named: list[str] = field(default_factory=list)

    def add(self, identifier: str) -> None:
        """Count one more."""
        self.count += 1
        if self.count <= MOST_NAMED:
            self.named.append(identifier)


def pair_streams(
    gold: Path, layer: Path, *, labels: Collection[str], missing: Missing, lacking: LackingSentences
) -> Iterator[tuple[Sentence, Sentence]]:
    """Pair the sentences of two files that hold them in the same order; `lacking` receives those that the layer lacks.

    Raises:
        ScoringError: the layer lacks a sentence (unless `missing` is "empty", see `pair_layers`), has one that the gold
            lacks, or another order or text.
    """
    theirs = stream_layer(layer, labels=labels)
    other = next(theirs, None)
    for sentence in stream_layer(gold, labels=labels):
        if other is not None and other.id == sentence.id:
            if other.text != sentence.text:
                raise ScoringError(f"{sentence.id} has another text in {layer}", where=str(gold))
            yield sentence, other
            other = next(theirs, None)
            continue
        if missing == "error":
            raise ScoringError(
                f"{sentence.id} is not at the same place in {layer}",
                where=str(gold),
                next_step="Bring both into the same order, or give --missing empty if it lacks sentences",
            )
        lacking.add(sentence.id)
        yield sentence, Sentence(sentence.article, sentence.start, sentence.end, sentence.text)
    if other is not None:
        raise ScoringError(
            f"{other.id} is not in the gold, or not in its order", where=str(layer), next_step=SORT_ADVICE
        )
