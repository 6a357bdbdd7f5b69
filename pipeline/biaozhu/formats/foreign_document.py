"""What every format is read into: a text with the spans that its file states, in code points."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from biaozhu.data.errors import FormatError
from biaozhu.data.model import SENTENCE_ID, Span
from biaozhu.data.offsets import from_units

if TYPE_CHECKING:
    from collections.abc import Iterable

LARGEST = 256 * 1024 * 1024
"""Bytes that a file of a foreign format may have, unpacked: what is larger is no annotation of articles."""
DIGITS = 12


@dataclass(frozen=True, slots=True)
class Stated:
    """A span as a file states it, in the units of its tool; `text` is what the file says stands there, if it does."""

    start: int
    end: int
    label: str
    text: str | None = None
    source: str = ""
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A span that cannot be brought over, with its offsets as the file states them, and why."""

    start: int
    end: int
    label: str
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Document:
    """A text with the spans of a file: code points, in range, and perhaps overlapping.

    `sid` is our sentence id where the file carries one; documents of the same `name` belong to the same article.
    """

    text: str
    spans: tuple[Span, ...] = ()
    refused: tuple[Refused, ...] = ()
    sid: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Export:
    """A layer in another format: content by file name, and the spans that the format cannot hold, by sentence id."""

    files: dict[str, bytes]
    refused: tuple[tuple[str, Refused], ...] = ()


def make_document(
    text: str,
    stated: Iterable[Stated],
    *,
    units: bool | None = None,
    sid: object = None,
    name: str = "",
    refused: Iterable[Refused] = (),
) -> Document:
    """Bring stated spans to code points, and refuse those whose offsets or texts do not fit.

    Args:
        text: the document's.
        stated: its spans.
        units: the offsets are UTF-16 units (True) or code points (False); None takes that of the two in which more
            stated texts are right, code points where both are alike.
        sid: what may be a sentence id of ours.
        name: see `Document`.
        refused: what the format's reader has refused already.
    """
    stated = tuple(stated)
    if units is None:
        units = _right(text, stated, units=True) > _right(text, stated, units=False)
    spans: list[Span] = []
    out = list(refused)
    for one in stated:
        borders = _borders(text, one, units=units)
        if borders is None:
            reason = "its offsets do not fit the text"
        elif not one.label:
            reason = "it has no label"
        elif one.text is not None and text[slice(*borders)] != one.text:
            reason = "its text is not what stands there"
        else:
            spans.append(Span(*borders, one.label, one.source, one.score))
            continue
        shown = one.text if one.text is not None else text[slice(*borders)] if borders else ""
        out.append(Refused(one.start, one.end, one.label, shown, reason))
    known = sid if isinstance(sid, str) and SENTENCE_ID.fullmatch(sid) else ""
    return Document(text, tuple(spans), tuple(out), known, name)


def decoded(data: bytes, *, where: str) -> str:
    """Decode a file of a foreign format: UTF-8, without a byte order mark that stands first.

    Raises:
        FormatError: it is not UTF-8.
    """
    try:
        return data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise FormatError("not UTF-8", where=f"{where}@{error.start}") from None


def parsed(text: str, *, where: str) -> Any:
    """Parse JSON.

    Raises:
        FormatError: it is none, or holds a lone surrogate, which no UTF-8 file can carry.
    """
    try:
        value = json.loads(text)
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise FormatError("a lone surrogate in it, which no UTF-8 file can carry", where=where) from None
    except (ValueError, RecursionError) as error:
        raise FormatError(f"not JSON ({error})", where=where) from None
    return value


def whole(value: object, *, where: str) -> int:
    """Return an offset; some versions of some tools write it as a string of digits.

    Raises:
        FormatError: it is no whole number.
    """
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < DIGITS:
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise FormatError(f"an offset is no whole number: {value!r}", where=where)
    return value


def probability(value: object) -> float | None:
    """Return a score, or None where the value is no number from 0 to 1."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1 + 1e-9:
        return None
    return min(float(value), 1.0)


def _borders(text: str, one: Stated, *, units: bool) -> tuple[int, int] | None:
    if one.start < 0 or one.start >= one.end:
        return None
    if not units:
        return (one.start, one.end) if len(text) >= one.end else None
    start, end = from_units(text, one.start), from_units(text, one.end)
    return None if start is None or end is None else (start, end)


def _right(text: str, stated: Iterable[Stated], *, units: bool) -> int:
    found = ((one.text, _borders(text, one, units=units)) for one in stated)
    return sum(borders is not None and text[slice(*borders)] == said for said, borders in found)
