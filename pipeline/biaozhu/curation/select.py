"""Select the sentences that annotators should see first: those with the least confident pre-annotation.

Least confidence (Lewis and Gale 1994, "A Sequential Algorithm for Training Text Classifiers"), for a layer of spans: a
sentence is as confident as the least confident of its spans. Sentences without spans say nothing about what was missed,
so a share of the selection is drawn at random from all; an unbiased estimate of the error needs it too.
"""

from __future__ import annotations

import hashlib
import heapq
from typing import TYPE_CHECKING

from biaozhu.data.errors import DuplicateError, UsageError
from biaozhu.data.layer_stream import stream_layer
from biaozhu.data.model import Sentence, Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

RANDOM_SHARE = 0.2


def stream_files(files: Iterable[Path]) -> Iterator[Sentence]:
    """Yield the sentences of several files one at a time.

    Raises:
        DuplicateError: an article is in two files, as it is in two layers of the same corpus.
    """
    known: dict[int, Path] = {}
    for file in files:
        for sentence in stream_layer(file, labels=None):
            # The path itself: the same one may be given twice.
            if known.setdefault(int(sentence.article, 16), file) is not file:
                raise DuplicateError(
                    f"article {sentence.article} is in {known[int(sentence.article, 16)]} too",
                    where=str(file),
                    next_step="Give one layer of each article",
                )
            yield sentence


def select_sentences(
    sentences: Iterable[Sentence], count: int, *, share: float = RANDOM_SHARE, seed: int = 1
) -> tuple[Sentence, ...]:
    """Select sentences from a stream, of which only the selected are kept in memory, by article and place.

    Args:
        sentences: of a layer, each id once; spans without a score count as confident.
        count: how many to select at most.
        share: of them that are drawn at random from all sentences, the same for the same seed whatever their order.
        seed: of that draw.
    """
    if count < 1 or not 0 <= share <= 1:
        raise UsageError(f"{count} sentences with a random share of {share} cannot be selected")
    drawn: list[tuple[float, str, Sentence]] = []
    unsure: list[tuple[float, str, Sentence]] = []
    at_random = round(count * share)
    for sentence in sentences:
        _keep_largest(drawn, (-_draw_lot(sentence.id, seed), sentence.id, sentence), at_random)
        scores = [span.score for span in sentence.spans if span.score is not None]
        if scores:
            # As many as are wanted in all: some of them may be among the drawn.
            _keep_largest(unsure, (-min(scores), sentence.id, sentence), count)
    chosen = {sid: sentence for _, sid, sentence in drawn}
    for _, sid, sentence in sorted(unsure, key=lambda one: (-one[0], one[1])):
        if len(chosen) >= count:
            break
        chosen.setdefault(sid, sentence)
    return tuple(sorted(map(_to_sentence, chosen.values()), key=lambda one: (one.article, one.start)))


def _keep_largest(
    heap: list[tuple[float, str, Sentence]], item: tuple[float, str, Sentence], most: int
) -> None:
    if len(heap) < most:
        heapq.heappush(heap, item)
    elif most and item[:2] > heap[0][:2]:
        heapq.heapreplace(heap, item)


def _draw_lot(sid: str, seed: int) -> int:
    return int.from_bytes(hashlib.blake2b(f"{seed} {sid}".encode(), digest_size=8).digest(), "big")


def _to_sentence(sentence: Sentence) -> Sentence:
    # A stream's sentences have the same fields but another class.
    spans = tuple(Span(one.start, one.end, one.label, one.source, one.score) for one in sentence.spans)
    return Sentence(sentence.article, sentence.start, sentence.end, sentence.text, spans)
