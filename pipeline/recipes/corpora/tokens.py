"""Words with parts of speech, as a segmented and tagged corpus writes them: `word/pos word/pos …`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from biaozhu.data.errors import CorpusError


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a paragraph: code points of the paragraph's text, half open, and its part of speech."""

    start: int
    end: int
    text: str
    pos: str


def parse_line(line: str, *, where: str = "") -> tuple[Token, ...]:
    """Parse a line of `word/pos` pairs, whose words together are the text; raises CorpusError for another pair."""
    tokens: list[Token] = []
    position = 0
    for pair in line.split():
        word, slash, pos = pair.rpartition("/")
        if not slash or not word or not pos:
            raise CorpusError(f"{pair!r} is not a word with its part of speech", where=where)
        tokens.append(Token(position, position + len(word), word, pos))
        position += len(word)
    return tuple(tokens)


def text_at(tokens: Sequence[Token], position: int) -> str:
    """Return the word at a position, "" before the first and after the last."""
    return tokens[position].text if 0 <= position < len(tokens) else ""


def scan(
    tokens: Sequence[Token], read: Callable[[Sequence[Token], int], tuple[int, list[tuple[int, int]]]]
) -> list[tuple[int, int]]:
    """Return the spans of a paragraph that `read` finds from a position on, each time with the next position."""
    found: list[tuple[int, int]] = []
    position = 0
    while position < len(tokens):
        position, spans = read(tokens, position)
        found += spans
    return found


def words(text: str) -> frozenset[str]:
    """Return the words of a list that is written with spaces between them."""
    return frozenset(text.split())
