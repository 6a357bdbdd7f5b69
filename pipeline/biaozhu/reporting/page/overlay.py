"""An article with the spans of several layers over it, cut into stretches that every layer treats alike.

All offsets here are code points into the raw file, half open, so that spans of any layer can be laid side by side.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Literal

from biaozhu.data.model import Article

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from biaozhu.data.model import BlockKind, Sentence

Status = Literal["gold", "plain", "correct", "boundary", "label", "missed", "invented"]

PARAGRAPH_GAP = 1


@dataclass(frozen=True, slots=True)
class Bar:
    """What one layer says about a stretch of the raw file.

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
class Line:
    """A block of the article: its kind, and its text in pieces."""

    kind: BlockKind
    pieces: tuple[Piece, ...]


def lines_of(
    text: Article | Sequence[Sentence], bars: Iterable[Bar], marks: Iterable[Mark], *, name: str
) -> tuple[Line, ...]:
    """Cut an article into lines and pieces.

    Args:
        text: the article, or where its file is not at hand its sentences (each gap of more than one character
            between two sentences then begins a paragraph).
        bars: what the layers say, in any order.
        marks: where errors are; an anchor is set at each one's start.
        name: what the anchors of this article begin with.

    Returns:
        The lines. Their pieces hold all text of the blocks (or sentences) exactly once, in order.
    """
    ordered = sorted(bars, key=lambda bar: (bar.start, bar.end, bar.lane))
    noted = sorted(marks, key=lambda mark: (mark.start, mark.end, mark.lane))
    blocks = _blocks_of_article(text) if isinstance(text, Article) else _blocks_of_sentences(text)
    return tuple(
        Line(kind, tuple(_pieces(start, content, ordered, noted, name))) for start, content, kind in blocks
    )


def anchor_of(name: str, start: int) -> str:
    """Return the id that an error beginning at this offset of the raw file is found under."""
    return f"{name}-{start}"


def _blocks_of_article(article: Article) -> list[tuple[int, str, BlockKind]]:
    return [(block.start, article.raw[block.start : block.end], block.kind) for block in article.blocks]


def _blocks_of_sentences(sentences: Sequence[Sentence]) -> list[tuple[int, str, BlockKind]]:
    found: list[tuple[int, str, BlockKind]] = []
    for sentence in sorted(sentences, key=lambda sentence: sentence.start):
        if found:
            start, content, _ = found[-1]
            gap = sentence.start - start - len(content)
            if PARAGRAPH_GAP >= gap >= 0:
                # What stood in the gap is white space that no layer knows.
                found[-1] = (start, content + " " * gap + sentence.text, "paragraph")
                continue
        found.append((sentence.start, sentence.text, "paragraph"))
    return found


def _pieces(
    start: int, content: str, bars: Sequence[Bar], marks: Sequence[Mark], name: str
) -> Iterable[Piece]:
    end = start + len(content)
    mine = [bar for bar in bars if bar.start < end and start < bar.end]
    # A mark belongs to the block in which its error begins, so that it stands there once.
    noted = [mark for mark in marks if mark.start >= start and mark.start < end]
    cuts = {start, end}
    reaches = chain(((bar.start, bar.end) for bar in mine), ((mark.start, mark.end) for mark in noted))
    for left, right in reaches:
        cuts |= {max(left, start), min(right, end)}
    anchors = {mark.start for mark in noted}
    ordered = sorted(cuts)
    touching: Mapping[int, list[Bar]] = _by_piece(ordered, mine)
    for position, (left, right) in enumerate(pairwise(ordered)):
        yield Piece(
            left,
            content[left - start : right - start],
            tuple(
                Touch(bar.lane, bar.label, bar.status, bar.start == left, bar.end == right)
                for bar in sorted(touching.get(position, ()), key=lambda bar: bar.lane)
            ),
            anchor_of(name, left) if left in anchors else "",
            tuple(mark for mark in noted if min(mark.end, end) == right),
        )


def _by_piece(cuts: Sequence[int], bars: Iterable[Bar]) -> dict[int, list[Bar]]:
    found: dict[int, list[Bar]] = {}
    for bar in bars:
        position = bisect_left(cuts, max(bar.start, cuts[0]))
        while position < len(cuts) - 1 and cuts[position] < bar.end:
            found.setdefault(position, []).append(bar)
            position += 1
    return found
