"""Words with tags, as networks give them: a name has its label as tag; and the protocol of such networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class LacWord(NamedTuple):
    """A word: code points of its sentence, half open, its tag (a label, or LAC's LOC, PER, n, v …), and its probability.

    A named tuple, since two characters make one: a frozen dataclass takes three times as long to be made.
    """

    start: int
    end: int
    tag: str
    score: float


class NameModel(Protocol):
    """A network that finds names: what `load_model` of `biaozhu.annotators.network.models` returns."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of the names that it finds."""

    def words(self, texts: Sequence[str]) -> list[tuple[LacWord, ...]]:
        """Return the names in each text, in order; what lies between them may be there as words with the tag O."""
