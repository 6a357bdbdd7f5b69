"""Words with part of speech and name tags from Baidu's LAC."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LacWord:
    """A word of LAC: code points of its sentence, half open, its tag (LOC, PER, ORG, TIME, n, v, m, q …), and score.

    `score` is the probability that the word has these borders and this tag, in [0, 1].
    """

    start: int
    end: int
    tag: str
    score: float
