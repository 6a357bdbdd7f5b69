"""Annotations typed into the text itself, ⟦LABEL:…⟧: the form for readers who work without a server.

The marked file is the raw file with marks around spans; taking the marks out must give the raw file back exactly.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipeline.errors import BiaozhuError, GoldError, OffsetError, raise_collected
from pipeline.model import Span, with_spans

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.model import Sentence

_MARK = re.compile(r"⟦([A-Za-z_][\w-]*):|⟧")


def parse_marked(marked: str) -> tuple[str, tuple[Span, ...]]:
    """Take the marks out of a text.

    Returns:
        The text without marks, and the spans in code points into it, in order.

    Raises:
        GoldError: a mark is nested, empty, never closed or never opened.
    """
    pieces: list[str] = []
    spans: list[Span] = []
    length = last = 0
    opened: tuple[int, str] | None = None
    for mark in _MARK.finditer(marked):
        piece = marked[last : mark.start()]
        pieces.append(piece)
        length += len(piece)
        last = mark.end()
        if mark[1] and opened is None:
            opened = (length, mark[1])
        elif not mark[1] and opened is not None and opened[0] < length:
            spans.append(Span(opened[0], length, opened[1]))
            opened = None
        else:
            raise GoldError(
                "a mark is nested, empty or not opened", where=f"@{mark.start()}", next_step="Mend the mark"
            )
    if opened is not None:
        raise GoldError("a mark is never closed", where=f"@{opened[0]}", next_step="Close it with ⟧")
    return "".join([*pieces, marked[last:]]), tuple(spans)


def layer_from_marked(
    marked: str, raw: str, sentences: Sequence[Sentence], *, source: str
) -> tuple[Sentence, ...]:
    """Return the sentences with the spans of a marked copy of their raw file.

    Raises:
        GoldError: see `parse_marked`; or a span lies outside all sentences or across two.
        OffsetError: the text without its marks is not the raw file.
    """
    text, spans = parse_marked(marked)
    if text != raw:
        at = next(
            (i for i, (a, b) in enumerate(zip(text, raw, strict=False)) if a != b), min(len(text), len(raw))
        )
        raise OffsetError("without its marks the text is not the raw file", where=f"@{at}")
    problems: list[BiaozhuError] = []
    placed: dict[str, list[Span]] = {sentence.id: [] for sentence in sentences}
    for span in spans:
        home = _home(span, sentences)
        if home is None:
            problems.append(
                GoldError(
                    f"{raw[span.start : span.end]!r} is in no sentence",
                    where=f"@{span.start}",
                    next_step="Remove the mark",
                )
            )
            continue
        placed[home.id].append(Span(span.start - home.start, span.end - home.start, span.label, source))
    raise_collected(problems)
    return tuple(with_spans(sentence, placed[sentence.id]) for sentence in sentences)


def _home(span: Span, sentences: Iterable[Sentence]) -> Sentence | None:
    return next((s for s in sentences if span.start >= s.start and s.end >= span.end), None)
