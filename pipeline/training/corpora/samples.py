"""Random spans with what stands around them, for reading a conversion by eye."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.model import Sentence

BEFORE, AFTER = 14, 12


@dataclass(frozen=True, slots=True)
class Sample:
    """A span with its label, what stands before and after it, and its sentence's id."""

    label: str
    before: str
    text: str
    after: str
    sentence: str


def sample_spans(sentences: Sequence[Sentence], *, count: int, seed: int) -> tuple[Sample, ...]:
    """Draw up to `count` spans of each label, without replacement; the same seed gives the same spans."""
    by_label: dict[str, list[Sample]] = {}
    for sentence in sentences:
        for span in sentence.spans:
            by_label.setdefault(span.label, []).append(
                Sample(
                    span.label,
                    sentence.text[max(0, span.start - BEFORE) : span.start],
                    sentence.text[span.start : span.end],
                    sentence.text[span.end : span.end + AFTER],
                    sentence.id,
                )
            )
    rng = random.Random(seed)  # noqa: S311 — a sample, no secret
    return tuple(
        sample
        for label in sorted(by_label)
        for sample in rng.sample(by_label[label], min(count, len(by_label[label])))
    )
