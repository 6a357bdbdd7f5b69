"""An article with the spans of several layers over it, cut into pieces that each layer covers wholly or not at all.

All offsets here are code points into the raw file, half open, so that spans of any layer can be laid side by side.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from biaozhu.data.model import Article

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from biaozhu.data.model import BlockKind, Sentence

Status = Literal["gold", "plain", "correct", "boundary", "label", "missed", "invented"]

PARAGRAPH_GAP = 1


@dataclass(frozen=True, slots=True)
class Bar:
    """A layer's statement about a stretch of the raw file.

    `lane` is 0 for the gold and 1, 2, … for the other layers; `missed` is a gold span that the lane's layer lacks;
    `plain` a span where there is no gold to compare it with.
    """

    lane: int
    start: int
    end: int
    label: str
    status: Status


@dataclass(frozen=True, slots=True)
class Mark:
    """A sign in the text, where an error ends, that leads to its line in the list of errors."""

    lane: int
    start: int
    end: int
    kind: str
    error: str
    title: str


@dataclass(frozen=True, slots=True)
class Touch:
    """A bar over a piece of text, and whether it begins and ends with that piece."""

    lane: int
    label: str
    status: Status
    starts: bool
    ends: bool


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text with the same bars over all of it; `anchor` is set where an error begins."""

    start: int
    text: str
    touches: tuple[Touch, ...]
    anchor: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class PageBlock:
    """A block of the article: its kind, and its text in pieces."""

    kind: BlockKind
    pieces: tuple[Piece, ...]


def cut_article(
    text: Article | Sequence[Sentence], bars: Iterable[Bar], marks: Iterable[Mark], *, name: str
) -> tuple[PageBlock, ...]:
    """Cut an article into blocks and pieces, which hold all text of the blocks (or sentences) once, in order.

    Args:
        text: the article, or where its file is not known its sentences (each gap of more than one character
            between two sentences then begins a paragraph).
        bars: what the layers say, in any order.
        marks: where errors are; an anchor is set at each one's start.
        name: what the anchors of this article begin with.
    """
    bars = sorted(bars, key=lambda bar: (bar.start, bar.end, bar.lane))
    marks = sorted(marks, key=lambda mark: (mark.start, mark.end, mark.lane))
    blocks = (
        [(block.start, text.raw[block.start : block.end], block.kind) for block in text.blocks]
        if isinstance(text, Article)
        else _join_sentences(text)
    )
    return tuple(
        PageBlock(kind, tuple(_cut_block(start, content, bars, marks, name)))
        for start, content, kind in blocks
    )


def make_anchor(name: str, start: int) -> str:
    """Return the id of an error that begins at this offset of the raw file."""
    return f"{name}-{start}"


def _join_sentences(sentences: Sequence[Sentence]) -> list[tuple[int, str, BlockKind]]:
    found: list[tuple[int, str, BlockKind]] = []
    for sentence in sorted(sentences, key=lambda sentence: sentence.start):
        if found:
            start, content, _ = found[-1]
            gap = sentence.start - start - len(content)
            if PARAGRAPH_GAP >= gap >= 0:
                # The gap is white space that no layer knows.
                found[-1] = (start, content + " " * gap + sentence.text, "paragraph")
                continue
        found.append((sentence.start, sentence.text, "paragraph"))
    return found


def _cut_block(
    start: int, content: str, bars: Sequence[Bar], marks: Sequence[Mark], name: str
) -> Iterator[Piece]:
    end = start + len(content)
    mine = [bar for bar in bars if bar.start < end and start < bar.end]
    # A mark belongs to the block in which its error begins, so that it is there once.
    noted = [mark for mark in marks if mark.start >= start and mark.start < end]
    ends = [(bar.start, bar.end) for bar in mine] + [(mark.start, mark.end) for mark in noted]
    cuts = sorted(
        {start, end, *(max(left, start) for left, _ in ends), *(min(right, end) for _, right in ends)}
    )
    touching: list[list[Bar]] = [[] for _ in cuts]
    for bar in mine:
        first, last = bisect_left(cuts, max(bar.start, start)), bisect_left(cuts, min(bar.end, end))
        for position in range(first, last):
            touching[position].append(bar)
    anchors = {mark.start for mark in noted}
    for position, (left, right) in enumerate(pairwise(cuts)):
        yield Piece(
            left,
            content[left - start : right - start],
            tuple(
                Touch(bar.lane, bar.label, bar.status, bar.start == left, bar.end == right)
                for bar in sorted(touching[position], key=lambda bar: bar.lane)
            ),
            make_anchor(name, left) if left in anchors else "",
            tuple(mark for mark in noted if min(mark.end, end) == right),
        )
