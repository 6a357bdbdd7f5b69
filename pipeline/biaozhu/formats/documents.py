"""Documents that each format is read into: a text with the spans that its file states, in code points."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence, Sized
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, get_args

from biaozhu.data.errors import BiaozhuError, FormatError, OffsetError, raise_collected
from biaozhu.data.files import parse_json
from biaozhu.data.ledger import Entry
from biaozhu.data.model import SENTENCE_ID, Span
from biaozhu.data.offsets import Utf16Offsets
from biaozhu.formats.serialization import checksum_text

MAX_FILE_BYTES = 256 * 1024 * 1024  # Size of the largest file that is read, unpacked
MAX_OFFSET_DIGITS = 11
# All that Python's codecs, with which brat reads, end a line at; and the tab.
BREAKS = frozenset("\t\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029")
WHITE_SPACE = re.compile(r"\s+")
TWICE = "something before it has its id"
UNSURE = "its offsets fit as code points and as UTF-16 units: say with --units which it is"

Format = Literal["doccano", "conll", "spacy", "labelstudio", "brat"]
ExportFormat = Literal[Format, "csv"]
OffsetUnit = Literal["codepoints", "utf16"]


@dataclass(frozen=True, slots=True)
class StatedSpan:
    """A span as a file states it, in its tool's units, with the text if it says; `pieces` counts fragments in brat."""

    start: int
    end: int
    label: str
    text: str | None = None
    source: str = ""
    score: float | None = None
    pieces: int = 1


@dataclass(frozen=True, slots=True)
class Document:
    """A text with the spans of a file, which may overlap, and ledger entries, which name no sentence yet.

    Documents of the same `name` belong to the same article.
    """

    text: str
    spans: tuple[Span, ...] = ()
    entries: tuple[Entry, ...] = ()
    sentence_id: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class ExportedFiles:
    """A layer in another format: content by file name, and ledger entries for spans that the format cannot hold."""

    files: dict[str, bytes]
    entries: tuple[Entry, ...] = ()


def make_document(
    text: str,
    stated: Iterable[StatedSpan],
    *,
    unit: OffsetUnit | None = None,
    default: OffsetUnit = "codepoints",
    sentence_id: str = "",
    entries: Iterable[Entry] = (),
) -> Document:
    """Convert stated spans to code points; one that does not fit the text becomes a ledger entry, like `entries`.

    A span whose stated text is somewhere else moves there if only one place can be meant. Where `unit` is None the offsets
    count the unit in which more of the spans fit, or `default` where both fit alike. Spans that fit in both, at different
    places and without a stated text, are then refused, except in a document that we have exported.
    """
    stated = tuple(stated)
    units = [unit] if unit else sorted(get_args(OffsetUnit), key=lambda each: each != default)
    places = {each: _find_places(text, stated, each) for each in units}
    fitting = [sum(map(partial(_fits_text, text), stated, places[each])) for each in units]
    chosen = units[fitting.index(max(fitting))]
    is_sure = bool(unit or sentence_id) or len(set(fitting)) > 1
    spans: list[Span] = []
    found = list(entries)
    for number, one in enumerate(stated):
        place, note = _resolve(text, one, places[chosen][number])
        if not is_sure and one.text is None and len({places[each][number] for each in units}) > 1:
            place, note = None, UNSURE
        if place:
            spans.append(Span(*place, one.label, one.source, one.score))
        if note:
            shown = one.text or (text[slice(*place)] if place else "")
            found.append(make_entry(note, one.start, one.end, one.label, shown, decided=place is not None))
    return Document(text, tuple(spans), tuple(found), sentence_id)


def read_id(sentence_id: object, text_sha: object, text: str) -> str:
    """Return the sentence id that our export gave a text, or nothing; OffsetError where the checksum beside it is another text's."""
    if not isinstance(sentence_id, str) or not SENTENCE_ID.fullmatch(sentence_id):
        return ""
    if isinstance(text_sha, str) and text_sha != checksum_text(text):
        advice = "Restore the text, or remove its id: then it is an article of its own"
        raise OffsetError("its text was edited since it was exported", where=sentence_id, next_step=advice)
    return sentence_id


def make_entry(
    reason: str, start: int = 0, end: int = 0, label: str = "", text: str = "", *, decided: bool = False
) -> Entry:
    """Return a ledger entry of an import whose sentence is not known yet: a loss, or a decision."""
    return Entry("import", "decision" if decided else "loss", reason, "", start, end, label, text)


def cut_spans(spans: Iterable[Span], borders: Sequence[tuple[int, int]]) -> tuple[list[list[Span]], list[Span]]:
    """Give each span to the one of sorted, disjoint stretches that holds it, with offsets into it; return the others too."""
    starts = [start for start, _ in borders]
    inside: list[list[Span]] = [[] for _ in borders]
    crossing: list[Span] = []
    for span in spans:
        number = bisect_right(starts, span.start) - 1
        if number >= 0 and span.end <= borders[number][1]:
            start = starts[number]
            inside[number].append(replace(span, start=span.start - start, end=span.end - start))
        else:
            crossing.append(span)
    return inside, crossing


def find_gaps(text: str) -> list[tuple[int, int]]:
    """Return where white space with a line break or a tab in it stands."""
    return [found.span() for found in WHITE_SPACE.finditer(text) if not BREAKS.isdisjoint(found[0])]


def decode_utf8(data: bytes, *, where: str, keep_mark: bool = False) -> str:
    """Decode a file, without a byte order mark at its beginning unless it is to be kept."""
    try:
        return data.decode("utf-8").removeprefix("" if keep_mark else "\ufeff")
    except UnicodeDecodeError as error:
        raise FormatError("not UTF-8", where=f"{where}@{error.start}") from None


def split_file_lines(text: str) -> list[str]:
    """Return the lines of a file; where it has no line feed, CR ends them, as on old Macs."""
    # No other break ends a line: a token may be U+2028 or U+0085 in other people's files.
    return [line.removesuffix("\r") for line in (text if "\n" in text else text.replace("\r", "\n")).split("\n")]


def raise_refused(problems: Sequence[BiaozhuError], read: Sized) -> None:
    """Raise the problems of a file; the first alone where nothing could be read: it is of another format."""
    if len(problems) > 1 and not read:
        raise FormatError(f"nothing of it is in this format; first: {problems[0].what}", where=problems[0].where)
    raise_collected(problems)


def encode_lines(lines: Iterable[str]) -> bytes:
    """Return the bytes of a file of these lines."""
    return "".join(f"{line}\n" for line in lines).encode("utf-8")


def load_json(text: str, *, where: str) -> Any:
    """Parse JSON that a UTF-8 file can carry: without lone surrogates."""
    try:
        return parse_json(text)
    except ValueError as error:
        raise FormatError(f"not JSON ({error})", where=where) from None


def read_offset(value: object) -> int | None:
    """Return an offset, which some tools write as 3.0 or as a string of digits, or None where the value is none."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= MAX_OFFSET_DIGITS:
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def read_score(value: object) -> float | None:
    """Return a score, or None where the value is not a number from 0 to 1."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1 + 1e-9:
        return None
    return min(float(value), 1.0)


def _find_places(text: str, stated: Iterable[StatedSpan], unit: OffsetUnit) -> list[tuple[int, int] | None]:
    """Convert offsets to code points; None where they do not fit the text."""
    if unit == "utf16":
        offsets = Utf16Offsets(text)
        return [offsets.span_from_units(one.start, one.end) for one in stated]
    return [(one.start, one.end) if 0 <= one.start < one.end <= len(text) else None for one in stated]


def _fits_text(text: str, one: StatedSpan, place: tuple[int, int] | None) -> bool:
    # A tool may state a line break as a space, or CR LF as LF.
    if place is None or one.text is None:
        return place is not None
    return _join_lines(text[slice(*place)]) == _join_lines(one.text)


def _join_lines(text: str) -> str:
    return WHITE_SPACE.sub(lambda found: found[0] if BREAKS.isdisjoint(found[0]) else " ", text)


def _resolve(text: str, one: StatedSpan, place: tuple[int, int] | None) -> tuple[tuple[int, int] | None, str]:
    """Return the span's place, or None where it has none, and what the ledger says of it."""
    if not one.label:
        return None, "it has no label"
    if _fits_text(text, one, place):
        return place, ""
    if one.pieces > 1:
        return None, "it is discontinuous"
    moved = _find_stated_text(text, one, near=place[0] if place else one.start)
    if moved:
        return moved, "its text is elsewhere: moved there"
    return None, "its text is not the text at its offsets" if place else "its offsets do not fit the text"


def _find_stated_text(text: str, one: StatedSpan, *, near: int) -> tuple[int, int] | None:
    """Find the one place that wrong offsets can mean."""
    if not one.text:
        return None
    said = one.text if one.text in text else one.text.replace("\n", "\r\n")
    # Browsers count CR LF as one character: the offset is one smaller behind each.
    counted = [match.start() - number for number, match in enumerate(re.finditer("\r\n", text))]
    for start in (one.start + cut(counted, one.start) for cut in (bisect_left, bisect_right)):
        if start >= 0 and text.startswith(said, start):
            return start, start + len(said)
    starts = _find_nearest(text, said, near)
    if len(starts) > 1:
        nearest, next_nearest = starts
        overlaps = nearest < near + len(said) and near < nearest + len(said)
        if not overlaps or abs(nearest - near) == abs(next_nearest - near):
            return None
    return next(((start, start + len(said)) for start in starts), None)


def _find_nearest(text: str, said: str, near: int) -> list[int]:
    """Return the two places nearest to an offset, or fewer, where something stands; they may overlap."""
    at = min(max(near, 0), len(text))
    before, after = text.rfind(said, 0, at + len(said)), text.find(said, at + 1)
    further = text.rfind(said, 0, max(before + len(said) - 1, 0)), text.find(said, after + 1)
    return sorted({before, after, *further} - {-1}, key=lambda start: abs(start - near))[:2]
