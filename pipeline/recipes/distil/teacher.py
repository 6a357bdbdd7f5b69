"""Output of the teacher: a model's probability of each tag at each character, kept in a byte each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from biaozhu.annotators.network.batching import cut_pieces, group_lengths
from biaozhu.annotators.network.crf_decoding import marginals
from biaozhu.annotators.network.lac import CrfNetwork
from biaozhu.knowledge.lexicon import code_points
from recipes.base.augment import Rates
from recipes.base.data import Example

FULL = 255
# Other names in the place of many, of the sentences that have one: the student has no lexicon to look them up.
VARIED = Rates(empty=0.0, marks=0.0, headline=0.0, place=0.4, chain=0.2, person=0.7, table=0.7)


@dataclass(frozen=True, slots=True)
class Taught:
    """Pieces of text, end to end."""

    points: np.ndarray  # code points, uint32 (characters,)
    ends: np.ndarray  # where each piece ends, int64 (pieces,)
    shares: np.ndarray  # each tag's probability in 255ths, uint8 (characters, tags)
    tags: tuple[str, ...]


def teach(texts: Sequence[str], teacher: CrfNetwork, *, watch: Callable[[int], None] = lambda _: None) -> Taught:
    """Ask the teacher; sentences are cut as they are when annotated, `watch` is called with the characters done."""
    pieces = [text[start:end] for text in texts for start, end in cut_pieces(text)]
    lengths = np.array([len(piece) for piece in pieces], np.int64)
    ends = np.cumsum(lengths)
    points = code_points("".join(pieces))
    tags = tuple(
        kind if kind == "O" else f"{kind}-{'B' if begins else 'I'}"
        for kind, begins in zip(teacher.chain.kinds, teacher.chain.begins, strict=True)
    )
    shares = np.zeros((len(points), len(tags)), np.uint8)
    done = 0
    with threadpool_limits(1):
        for batch in group_lengths(lengths):
            sizes = lengths[batch]
            emissions = teacher.emissions([pieces[index] for index in batch])
            found = marginals(teacher.chain, emissions, sizes)
            for column, index in enumerate(batch):
                end = int(ends[index])
                shares[end - lengths[index] : end] = np.rint(found[: lengths[index], column] * FULL)
            done += int(sizes.sum())
            watch(done)
    return Taught(points, ends, shares, tags)


def told(examples: Sequence[Example], tags: tuple[str, ...]) -> Taught:
    """Return annotated sentences in the teacher's form, each character's own tag with probability 1."""
    own = np.concatenate([one.tags for one in examples])
    shares = np.zeros((len(own), len(tags)), np.uint8)
    shares[np.arange(len(own)), own] = FULL
    ends = np.cumsum([len(one.points) for one in examples])
    return Taught(np.concatenate([one.points for one in examples]), ends, shares, tags)


def joined(parts: Sequence[Taught]) -> Taught:
    """Return parts end to end."""
    shifts = np.cumsum([0, *(len(part.points) for part in parts[:-1])])
    return Taught(
        np.concatenate([part.points for part in parts]),
        np.concatenate([part.ends + shift for part, shift in zip(parts, shifts, strict=True)]),
        np.concatenate([part.shares for part in parts]),
        parts[0].tags,
    )
