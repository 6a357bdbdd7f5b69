"""brat's standoff: for each article a `.txt` and a `.ann`, offsets in code points as brat's server counts them.

We write each sentence on a line of its own, the spans as T lines, and each span's source and score as a note of it
(`#1 AnnotatorNotes T1 …`). brat has no place for sentence ids, so `<name>.sentences.jsonl` lies beside, and is
believed as long as the text is the one it was written for.

A text-bound annotation stands on one line, so brat itself cuts a span at line breaks into fragments; so do we, at
tabs too, which brat's lines use. Fragments parted by nothing but white space with such a break are one span again.
What is refused: spans that begin or end with a line break, other discontinuous spans, and relations, events and
attributes. Its browser counts UTF-16 units (brat issue 1115), and some programs write those: per file that counting
is taken under which more of the stated texts are right.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from biaozhu.data.errors import FormatError, raise_collected
from biaozhu.data.model import SENTENCE_ID, Span
from biaozhu.data.offsets import from_units
from biaozhu.formats.foreign_document import (
    Document,
    Export,
    Refused,
    Stated,
    decoded,
    make_document,
    parsed,
    probability,
)
from biaozhu.formats.serialization import text_sha

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from biaozhu.data.model import Sentence

# All that Python's codecs end a line at, since brat reads with them; and the tab.
BREAK = "\t\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029"
GAP = re.compile(rf"\s*[{BREAK}]\s*")
TYPE = re.compile(r"[A-Za-z0-9_-]+")
TEXT_BOUND = re.compile(r"(T\S+)\t(\S+) ([0-9]+ [0-9]+(?:;[0-9]+ [0-9]+)*)\t(.*)", re.DOTALL)
NOTE = re.compile(r"#\S+\tAnnotatorNotes (T\S+)\t(.*)", re.DOTALL)
SIDECAR = ".sentences.jsonl"
SOURCE = "brat"


def write_brat(sentences: Sequence[Sentence]) -> Export:
    """Return the files of each article, named by its id."""
    files: dict[str, bytes] = {}
    refused: list[tuple[str, Refused]] = []
    for article in dict.fromkeys(sentence.article for sentence in sentences):
        text = ""
        lines: list[str] = []
        sidecar: list[dict[str, Any]] = []
        for sentence in (one for one in sentences if one.article == article):
            start, text = len(text), f"{text}{sentence.text}\n"
            sidecar.append({"id": sentence.id, "start": start})
            for span in sentence.spans:
                problem = _problem(sentence.text, span)
                if problem:
                    shown = sentence.text[span.start : span.end]
                    refused.append((sentence.id, Refused(span.start, span.end, span.label, shown, problem)))
                else:
                    lines += _lines(len(lines) // 2 + 1, sentence.text, span, start)
        rows = [{"text_sha": text_sha(text)}, *sidecar]
        files[f"{article}.txt"] = text.encode("utf-8")
        files[f"{article}.ann"] = "".join(f"{line}\n" for line in lines).encode("utf-8")
        files[article + SIDECAR] = "".join(f"{json.dumps(row)}\n" for row in rows).encode("utf-8")
    return Export(files, tuple(refused))


def read_brat(files: Mapping[str, bytes], *, where: str, units: bool | None = None) -> tuple[Document, ...]:
    """Read the files of a folder.

    Args:
        files: content by name, among them pairs of `.txt` and `.ann`.
        where: the folder's name in messages.
        units: see `make_document`.

    Raises:
        FormatError: an annotation without a text, or lines that are none; all are reported together.
    """
    documents: list[Document] = []
    problems: list[FormatError] = []
    names = sorted(name.removesuffix(".ann") for name in files if name.endswith(".ann"))
    for name in names:
        if f"{name}.txt" not in files:
            problems.append(FormatError(f"{name}.ann has no {name}.txt beside it", where=where))
            continue
        try:
            documents += _documents(name, files, where, units=units)
        except FormatError as error:
            problems.append(error)
    if not names:
        problems.append(FormatError("no .ann file", where=where))
    raise_collected(problems)
    return tuple(documents)


def _problem(text: str, span: Span) -> str:
    if not TYPE.fullmatch(span.label):
        return "a type of brat has only letters, digits, - and _"
    shown = text[span.start : span.end]
    first, last = GAP.match(shown), re.search(rf"[{BREAK}]\s*\Z", shown)
    return "a span of brat cannot begin or end with a line break or tab" if first or last else ""


def _lines(number: int, text: str, span: Span, base: int) -> list[str]:
    shown = text[span.start : span.end]
    cuts = [0, *(border for gap in GAP.finditer(shown) for border in gap.span()), len(shown)]
    pieces = [(cuts[at], cuts[at + 1]) for at in range(0, len(cuts), 2)]
    first = base + span.start
    offsets = ";".join(f"{first + start} {first + end}" for start, end in pieces)
    note = json.dumps({"source": span.source, "score": span.score}, ensure_ascii=True)
    return [
        f"T{number}\t{span.label} {offsets}\t{' '.join(shown[start:end] for start, end in pieces)}",
        f"#{number}\tAnnotatorNotes T{number}\t{note}",
    ]


def _documents(name: str, files: Mapping[str, bytes], where: str, *, units: bool | None) -> list[Document]:
    path = f"{where}/{name}"
    # A byte order mark counts as a character for brat: it reads as plain UTF-8.
    try:
        text = files[f"{name}.txt"].decode("utf-8")
    except UnicodeDecodeError as error:
        raise FormatError("not UTF-8", where=f"{path}.txt@{error.start}") from None
    lines = decoded(files[f"{name}.ann"], where=f"{path}.ann").split("\n")
    notes = {match[1]: match[2] for line in lines if (match := NOTE.fullmatch(line))}
    bound: list[re.Match[str]] = []
    refused: list[Refused] = []
    problems: list[FormatError] = []
    for number, line in enumerate(lines, 1):
        match = TEXT_BOUND.fullmatch(line.removesuffix("\r"))
        if match:
            bound.append(match)
        elif line.startswith("T"):
            problems.append(
                FormatError(f"no text-bound annotation: {line[:60]!r}", where=f"{path}.ann:{number}")
            )
        elif line[:1] in tuple("REAMN*"):
            refused.append(Refused(0, 0, "", line[:200], "relations, events and attributes are no spans"))
        elif line.strip() and not line.startswith("#"):
            problems.append(FormatError(f"no line of brat: {line[:60]!r}", where=f"{path}.ann:{number}"))
    raise_collected(problems)
    if units is None:
        units = _right(bound, text, units=True) > _right(bound, text, units=False)
    read = [_stated(match, text, notes.get(match[1], ""), units=units) for match in bound]
    refused += [one for one in read if isinstance(one, Refused)]
    stated = [one for one in read if isinstance(one, Stated)]
    document = make_document(text, stated, units=False, name=name, refused=refused)
    return _by_sentence(document, files.get(name + SIDECAR), f"{path}{SIDECAR}")


def _right(bound: Iterable[re.Match[str]], text: str, *, units: bool) -> int:
    found = ((_borders(match, text, units=units), match[4]) for match in bound)
    return sum(borders is not None and _joined(text, borders) == said for borders, said in found)


def _borders(match: re.Match[str], text: str, *, units: bool) -> list[tuple[int, int]] | None:
    """The fragments in code points, or None where they do not fit the text."""
    found: list[tuple[int, int]] = []
    for piece in match[3].split(";"):
        start, end = (from_units(text, int(one)) if units else int(one) for one in piece.split(" "))
        if start is None or end is None or start >= end or len(text) < end:
            return None
        if found and start < found[-1][1]:
            return None
        found.append((start, end))
    return found


def _joined(text: str, borders: Iterable[tuple[int, int]]) -> str:
    return " ".join(text[start:end] for start, end in borders)


def _stated(match: re.Match[str], text: str, note: str, *, units: bool) -> Stated | Refused:
    label, said = match[2], match[4]
    borders = _borders(match, text, units=units)
    if borders is None:
        return Refused(0, 0, label, said, f"its offsets {match[3]} do not fit the text")
    start, end = borders[0][0], borders[-1][1]
    if _joined(text, borders) != said:
        return Refused(start, end, label, said, "its text is not what stands there")
    gaps = [text[one[1] : other[0]] for one, other in pairwise(borders)]
    if not all(GAP.fullmatch(gap) for gap in gaps):
        return Refused(start, end, label, said, "it is discontinuous")
    ours = _note(note)
    source = ours.get("source")
    return Stated(
        start,
        end,
        label,
        source=source if isinstance(source, str) else SOURCE,
        score=probability(ours.get("score")),
    )


def _note(note: str) -> dict[str, Any]:
    """Return what a note of ours holds; nothing where an annotator wrote it."""
    try:
        value = parsed(note, where="")
    except FormatError:
        return {}
    return value if isinstance(value, dict) else {}


def _by_sentence(document: Document, sidecar: bytes | None, where: str) -> list[Document]:
    if sidecar is None:
        return [document]
    rows = [parsed(line, where=where) for line in decoded(sidecar, where=where).split("\n") if line.strip()]
    if not rows or rows[0] != {"text_sha": text_sha(document.text)}:
        raise FormatError(
            "it was written for another text",
            where=where,
            next_step="Restore the .txt, or remove this file to import the text as an article of its own",
        )
    return _cut(document, rows[1:], where)


def _cut(document: Document, rows: Iterable[Any], where: str) -> list[Document]:
    borders: list[tuple[int, int, str]] = []
    for row in rows:
        match = SENTENCE_ID.fullmatch(str(row.get("id"))) if isinstance(row, dict) else None
        start = row.get("start") if match else None
        if match is None or not isinstance(start, int):
            raise FormatError(f"no sentence: {row!r}", where=where)
        borders.append((start, start + int(match[3]) - int(match[2]), match[0]))
    spans = sorted(document.spans, key=lambda span: (span.key, span.source))
    crossing = [
        Refused(
            span.start,
            span.end,
            span.label,
            document.text[span.start : span.end],
            "it crosses a sentence's border",
        )
        for span in spans
        if not any(span.start >= start and not end < span.end for start, end, _ in borders)
    ]
    refused = [*document.refused, *crossing]
    found: list[Document] = []
    for number, (start, end, sid) in enumerate(borders):
        # What stands nowhere, or between sentences, goes with the sentence before it.
        until = borders[number + 1][0] if number + 1 < len(borders) else len(document.text) + 1
        inside = tuple(
            replace(span, start=span.start - start, end=span.end - start)
            for span in spans
            if span.start >= start and not end < span.end
        )
        here = tuple(
            replace(one, start=one.start - start, end=one.end - start)
            for one in refused
            if one.start < until and (one.start >= start or number == 0)
        )
        found.append(Document(document.text[start:end], inside, here, sid, document.name))
    return found
