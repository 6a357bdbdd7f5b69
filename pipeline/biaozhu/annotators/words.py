"""Words with tags, as LAC gives them: what places and persons are made of; and the layer `lac`, its own names and numerals."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from biaozhu.annotators.registry import Annotator
from biaozhu.data.model import Span

if TYPE_CHECKING:
    from collections.abc import Sequence

SOURCE = "lac"
LABELS = {"LOC": "PLACE", "PER": "PERSON"}
NUMERAL, MEASURE = "m", "q"
_READ = frozenset((*LABELS, NUMERAL))


class LacWord(NamedTuple):
    """A word of LAC: code points of its sentence, half open, its tag (LOC, PER, ORG, TIME, n, v, m, q …), and score.

    `score` is the probability that the word has these borders and this tag, in [0, 1]. A named tuple, since two
    characters make one: a frozen dataclass takes three times as long to be made.
    """

    start: int
    end: int
    tag: str
    score: float


class WordModel(Protocol):
    """A network that cuts texts into tagged words: `Lac`, `LacPair`, or the fast model."""

    def words(self, texts: Sequence[str]) -> list[tuple[LacWord, ...]]:
        """Return the words of each text, in order; they leave out nothing of it."""


def find_names(texts: Sequence[str], words: Sequence[Sequence[LacWord]]) -> list[tuple[Span, ...]]:
    """Return the names and amounts among the words of each text; none begins or ends with white space.

    A numeral and the measure word right after it are one AMOUNT, scored by the less likely of the two; a numeral
    alone is one where LAC keeps its measure word inside it, which a digit at its end rules out.
    """
    return [_names(text, row) for text, row in zip(texts, words, strict=True)]


def _names(text: str, words: Sequence[LacWord]) -> tuple[Span, ...]:
    spans: list[Span] = []
    for position, word in enumerate(words):
        tag = word.tag
        if tag not in _READ:
            continue
        if tag in LABELS:
            spans += trimmed_span(
                text, word.start, word.end, label=LABELS[tag], source=SOURCE, score=word.score
            )
        else:
            end, score = word.end, word.score
            following = words[position + 1] if position + 1 < len(words) else None
            measured = following is not None and following.tag == MEASURE
            if following is not None and measured:
                end, score = following.end, min(score, following.score)
            if measured or not text[word.end - 1].isnumeric():
                spans += trimmed_span(text, word.start, end, label="AMOUNT", source=SOURCE, score=score)
    return tuple(spans)


def trimmed_span(text: str, start: int, end: int, *, label: str, source: str, score: float) -> list[Span]:
    """Return the span without white space at its ends, as a list of one, or of none where there is nothing else."""
    kept = text[start:end]
    start += len(kept) - len(kept.lstrip())
    end = start + len(kept.strip())
    return [Span(start, end, label, source, score)] if start < end else []


LAC = Annotator(SOURCE, find_names, reads_words=True, by_sentence=True, built_in=True)
