"""Examples for a prompt, drawn from gold of other articles, never of the one that is annotated."""

from __future__ import annotations

import hashlib
from itertools import cycle
from typing import TYPE_CHECKING

from biaozhu.data.layers import find_layers, read_layer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from biaozhu.data.model import Sentence

MAX_EXAMPLE_CHARS = 120
SAME_TEXT_CHARS = 12
"""A sentence this long that two articles share makes them the same article, such as one saved twice."""


def read_gold(paths: Iterable[Path], *, labels: Iterable[str]) -> tuple[Sentence, ...]:
    """Read the sentences that examples may be drawn from, each text once, in an order that does not change.

    Raises:
        MissingFileError, LineError, OffsetError, OverlapError, LabelError: see `read_layer`.
    """
    known = frozenset(labels)
    by_text = {one.text: one for path in find_layers(paths) for one in read_layer(path, labels=known)}
    return tuple(sorted(by_text.values(), key=lambda one: hashlib.sha256(one.id.encode()).digest()))


def draw_examples(
    gold: Sequence[Sentence], annotated: Sequence[Sentence], count: int, *, labels: Sequence[str]
) -> tuple[Sentence, ...]:
    """Draw at most so many examples for an annotated article: each label in turn, and a sentence without spans after each round."""
    texts = {one.text for one in annotated if len(one.text) >= SAME_TEXT_CHARS}
    own = {one.article for one in annotated} | {one.article for one in gold if one.text in texts}
    left = [one for one in gold if one.article not in own and len(one.text) <= MAX_EXAMPLE_CHARS]
    drawn: list[Sentence] = []
    for label in cycle((*labels, "")):
        fitting = (one for one in left if _has(one, label))
        chosen = next(fitting, left[0] if left else None)
        if chosen is None or len(drawn) >= count:
            return tuple(drawn)
        left.remove(chosen)
        drawn.append(chosen)
    raise AssertionError  # `cycle` has no end


def _has(sentence: Sentence, label: str) -> bool:
    return any(span.label == label for span in sentence.spans) if label else not sentence.spans
