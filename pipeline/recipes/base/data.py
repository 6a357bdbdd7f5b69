"""Sentences as arrays for training the base model: rows of characters, tags of names, batches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from biaozhu.annotators.network import batching
from biaozhu.data.model import Sentence
from biaozhu.data.strict_counts import count_strict_spans, sum_counts
from biaozhu.knowledge.lexicon import code_points

MICRO = "micro"
# A sentence longer than this is cut for training at the last span that ends before it.
LONGEST = 300


@dataclass(frozen=True, slots=True)
class Example:
    """A sentence by character: code points, tags, float16 states (characters, states)."""

    points: np.ndarray
    tags: np.ndarray
    states: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float16))

    @property
    def text(self) -> str:
        """The sentence."""
        return "".join(map(chr, self.points.tolist()))

    def part(self, start: int, end: int | None) -> Example:
        """Return the example of some of its characters, without states."""
        return Example(self.points[start:end], self.tags[start:end])


@dataclass(frozen=True, slots=True)
class TrainingBatch:
    """A padded batch: states of shape (time, batch, states), ids and tags (time, batch), lengths (batch,)."""

    states: np.ndarray
    ids: np.ndarray
    tags: np.ndarray
    lengths: np.ndarray


def f1_by_label(gold: Iterable[tuple[Any, ...]], found: Iterable[tuple[Any, ...]]) -> dict[str, float]:
    """Return strict F1 of each label and `micro`; a span ends with its label."""
    counts = count_strict_spans(gold, found)
    counts[MICRO] = sum_counts(counts.values())
    return {label: one.f1 or 0.0 for label, one in sorted(counts.items())}


def name_tags(labels: Sequence[str]) -> tuple[str, ...]:
    """Return the tags of labels: O, then B and I of each."""
    return ("O", *(f"{label}-{part}" for label in labels for part in "BI"))


def example(sentence: Sentence, tags: Sequence[str]) -> Example:
    """Turn a sentence into numbers; spans of labels that have no tag are left out."""
    index = {tag: number for number, tag in enumerate(tags)}
    numbers = np.zeros(len(sentence.text), np.int64)
    for span in sentence.spans:
        if f"{span.label}-B" in index:
            numbers[span.start] = index[f"{span.label}-B"]
            numbers[span.start + 1 : span.end] = index[f"{span.label}-I"]
    return Example(code_points(sentence.text).astype(np.int64), numbers)


def tagged_spans(numbers: np.ndarray, tags: Sequence[str]) -> list[tuple[int, int, str]]:
    """Return start, end and label of the names that tag numbers stand for."""
    starts = [(int(at), tags[numbers[at]]) for at in np.flatnonzero(numbers) if tags[numbers[at]].endswith("-B")]
    found = []
    for start, tag in starts:
        inner = tags.index(f"{tag[:-2]}-I")
        end = start + 1
        while end < len(numbers) and numbers[end] == inner:
            end += 1
        found.append((start, end, tag[:-2]))
    return found


def shortened(one: Example, tags: Sequence[str]) -> list[Example]:
    """Cut an example into pieces of at most LONGEST characters, never inside a span."""
    inner = {number for number, tag in enumerate(tags) if tag.endswith("-I")}
    pieces = []
    start = 0
    while len(one.points) - start > LONGEST:
        end = start + LONGEST
        while end > start + 1 and int(one.tags[end]) in inner:
            end -= 1
        pieces.append(one.part(start, end))
        start = end
    return [*pieces, one.part(start, len(one.points))]


def cut_examples(sentences: Iterable[Sentence], tags: Sequence[str]) -> list[Example]:
    """Return the examples of sentences, long ones cut."""
    return [piece for sentence in sentences for piece in shortened(example(sentence, tags), tags)]


def plan(examples: Sequence[Example], size: int, rng: np.random.Generator | None = None) -> list[list[int]]:
    """Return batches as positions of examples; see `grouped`."""
    return grouped(np.array([len(one.points) for one in examples]), size, rng, spread=0.15)


def grouped(lengths: np.ndarray, size: int, rng: np.random.Generator | None, *, spread: float) -> list[list[int]]:
    """Return positions of texts, whose lengths are int (texts,), in groups of like length and about `size` characters.

    Padding is included. `rng` shuffles texts whose lengths differ by up to the share `spread`, and the groups; None keeps the
    order of length.
    """
    varied = lengths if rng is None else lengths * rng.uniform(1 - spread, 1 + spread, len(lengths))
    groups: list[list[int]] = [[]]
    longest = 0
    for index in np.argsort(varied, kind="stable").tolist():
        longest = max(longest, int(lengths[index]))
        if groups[-1] and longest * (len(groups[-1]) + 1) > size:
            groups.append([])
            longest = int(lengths[index])
        groups[-1].append(index)
    if rng is not None:
        rng.shuffle(groups)
    return groups


def pad_examples(examples: Sequence[Example], rows: np.ndarray) -> TrainingBatch:
    """Return one padded batch."""
    lengths = np.array([len(one.points) for one in examples], np.int64)
    states = np.concatenate([one.states for one in examples], dtype=np.float32)
    ids, tags = rows[np.concatenate([one.points for one in examples])], np.concatenate([one.tags for one in examples])
    states, ids, tags = (batching.padded(values, lengths) for values in (states, ids, tags))
    return TrainingBatch(states, ids, tags, lengths)
