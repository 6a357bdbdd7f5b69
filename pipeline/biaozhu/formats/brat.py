"""brat's standoff: for each article a `.txt` and a `.ann`, offsets in code points as brat's server counts them.

We write each sentence on a line of its own, the spans as T lines, and each span's source and score as a note on it
(`#1 AnnotatorNotes T1 …`). brat has no place for sentence ids, so `<name>.sentences.jsonl` is beside; it counts as
long as the text is the one it was written for.

As brat does, we cut a span at line breaks into fragments, also at tabs; fragments with only such a gap between them are
one span again. Refused are spans that begin or end with a line break, other discontinuous spans, relations, events,
attributes and other people's notes, and a `.txt` without a `.ann`. brat's browser counts UTF-16 units (brat issue 1115), and some programs write those: in each file the unit is
taken in which more of the stated texts are right.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from biaozhu.data.errors import FormatError, raise_collected
from biaozhu.data.ledger import Entry
from biaozhu.data.model import SENTENCE_ID, Sentence, Span
from biaozhu.formats import documents
from biaozhu.formats.documents import (
    TWICE,
    Document,
    ExportedFiles,
    OffsetUnit,
    StatedSpan,
    cut_spans,
    find_gaps,
    make_entry,
)
from biaozhu.formats.serialization import checksum_text

TYPE = re.compile(r"[A-Za-z0-9_-]+")
OFFSETS = r"[0-9]{1,11} [0-9]{1,11}"
TEXT_BOUND = re.compile(rf"(T\S+)\t(\S+) ({OFFSETS}(?:;{OFFSETS})*)\t(.*)", re.DOTALL)
NOTE = re.compile(r"#\S+\tAnnotatorNotes (T\S+)\t(.*)", re.DOTALL)
SIDECAR_SUFFIX = ".sentences.jsonl"
SOURCE = "brat"


def write_brat(sentences: Sequence[Sentence], *, names: Mapping[str, str] | None) -> ExportedFiles:
    """Write the files of each article, called by its name in `names`, else by its id."""
    files: dict[str, bytes] = {}
    entries: list[Entry] = []
    by_article: dict[str, list[Sentence]] = defaultdict(list)
    for sentence in sentences:
        by_article[sentence.article].append(sentence)
    for identifier, members in by_article.items():
        article = (names or {}).get(identifier, identifier)
        text = "".join(f"{sentence.text}\n" for sentence in members)
        lines: list[str] = []
        rows: list[dict[str, Any]] = []
        start = 0
        for sentence in members:
            rows.append({"id": sentence.id, "start": start})
            for span in sentence.spans:
                shown = sentence.text[span.start : span.end]
                problem = _find_problem(span.label, shown)
                if problem:
                    entries.append(Entry("export", "loss", problem, sentence.id, *span.key, shown))
                else:
                    lines += _make_lines(len(lines) // 2 + 1, span, shown, start)
            start += len(sentence.text) + 1
        files[f"{article}.txt"] = text.encode("utf-8")
        files[f"{article}.ann"] = annotations = documents.encode_lines(lines)
        marks = {"text_sha": checksum_text(text), "ann_sha": checksum_text(annotations.decode())}
        # Last: by its marks the other two are known as ours.
        files[article + SIDECAR_SUFFIX] = documents.encode_lines(map(json.dumps, [marks, *rows]))
    return ExportedFiles(files, tuple(entries))


def read_brat(files: Mapping[str, bytes], *, where: str, unit: OffsetUnit | None = None) -> tuple[Document, ...]:
    """Read the files of a folder, given by name, among them pairs of `.txt` and `.ann`."""
    found: list[Document] = []
    problems: list[FormatError] = []
    names = sorted(name.removesuffix(".ann") for name in files if name.endswith(".ann") and "/" not in name)
    for name in names:
        try:
            found += _read_pair(name, files, where, unit)
        except FormatError as error:
            problems.append(error)
    for name in sorted(files):
        is_text = name.endswith(".txt")
        is_named = is_text and f"{name.removesuffix('.txt')}.ann" in files
        if ("/" in name or is_text) and not is_named:
            reason = "it is in a folder within the folder" if "/" in name else "it has no .ann beside it"
            found.append(Document("", entries=(make_entry(reason, text=name),), name=name))
    if not names:
        within = next((f"{where}/{name.rpartition('/')[0]}" for name in sorted(files) if name.endswith(".ann")), "")
        advice = f"Give a folder that has some, such as {within}" if within else FormatError.advice
        problems.append(FormatError("there is no .ann file", where=where, next_step=advice))
    raise_collected(problems)
    return tuple(found)


def _find_problem(label: str, shown: str) -> str:
    if not TYPE.fullmatch(label):
        return "a type of brat has only letters, digits, - and _"
    gaps = find_gaps(shown)
    at_edge = gaps and (gaps[0][0] == 0 or gaps[-1][1] == len(shown))
    return "a span of brat cannot begin or end with a line break or tab" if at_edge else ""


def _make_lines(number: int, span: Span, shown: str, base: int) -> list[str]:
    cuts = [0, *(border for gap in find_gaps(shown) for border in gap), len(shown)]
    pieces = list(zip(cuts[::2], cuts[1::2], strict=True))
    first = base + span.start
    offsets = ";".join(f"{first + start} {first + end}" for start, end in pieces)
    note = json.dumps({"source": span.source, "score": span.score})
    return [
        f"T{number}\t{span.label} {offsets}\t{' '.join(shown[start:end] for start, end in pieces)}",
        f"#{number}\tAnnotatorNotes T{number}\t{note}",
    ]


def _read_pair(name: str, files: Mapping[str, bytes], where: str, unit: OffsetUnit | None) -> list[Document]:
    path = f"{where}/{name}"
    if f"{name}.txt" not in files:
        raise FormatError(f"{name}.ann has no {name}.txt beside it", where=where)
    # brat reads plain UTF-8, in which a byte order mark is a character.
    text = documents.decode_utf8(files[f"{name}.txt"], where=f"{path}.txt", keep_mark=True)
    lines = documents.split_file_lines(documents.decode_utf8(files[f"{name}.ann"], where=f"{path}.ann"))
    stated: list[StatedSpan] = []
    entries: list[Entry] = []
    notes: dict[str, dict[str, Any]] = {}
    for line in lines:
        if line.startswith("#"):
            target, ours = _read_note(line)
            if ours:
                notes[target] = ours
            else:
                entries.append(make_entry("notes are not spans", text=line[:200]))
    problems: list[FormatError] = []
    seen: set[str] = set()
    for number, line in enumerate(lines, 1):
        match = TEXT_BOUND.fullmatch(line)
        if match:
            entries += [make_entry(TWICE, text=line[:200], decided=True)] if match[1] in seen else []
            seen.add(match[1])
            stated.append(_read_bound(match, notes.get(match[1], {})))
        elif line[:1] in tuple("REAMN*"):
            entries.append(make_entry("relations, events and attributes are not spans", text=line[:200]))
        elif line.strip() and not line.startswith("#"):
            what = "text-bound annotation" if line.startswith("T") else "line of brat"
            problems.append(FormatError(f"not a {what}: {line[:60]!r}", where=f"{path}.ann:{number}"))
    documents.raise_refused(problems, stated)
    document = replace(documents.make_document(text, stated, unit=unit, entries=entries), name=name)
    sidecar = files.get(name + SIDECAR_SUFFIX)
    return [document] if sidecar is None else _cut_document(document, sidecar, f"{path}{SIDECAR_SUFFIX}")


def _read_note(line: str) -> tuple[str, dict[str, Any]]:
    """Return the span that a note is on, and the note, if `export` wrote it; else nothing."""
    match = NOTE.fullmatch(line)
    with suppress(FormatError):
        ours = documents.load_json(match[2], where="") if match else None
        if match and isinstance(ours, dict) and isinstance(ours.get("source"), str):
            return match[1], ours
    return "", {}


def _read_bound(match: re.Match[str], ours: Mapping[str, Any]) -> StatedSpan:
    offsets = [int(one) for one in re.findall("[0-9]+", match[3])]
    source, score = ours.get("source", SOURCE), documents.read_score(ours.get("score"))
    place = offsets[0], offsets[-1], match[2], match[4]
    return StatedSpan(*place, source, score, pieces=len(offsets) // 2)


def _cut_document(document: Document, sidecar: bytes, where: str) -> list[Document]:
    """Cut the document of an article that we have exported into its sentences."""
    lines = documents.decode_utf8(sidecar, where=where).split("\n")
    rows = [documents.load_json(line, where=where) for line in lines if line.strip()]
    if not rows or not isinstance(rows[0], dict) or rows[0].get("text_sha") != checksum_text(document.text):
        advice = "Restore the .txt, or remove this file to import the text as an article of its own"
        raise FormatError("it was written for another text", where=where, next_step=advice)
    borders: list[tuple[int, int]] = []
    ids: list[str] = []
    for row in rows[1:]:
        match = SENTENCE_ID.fullmatch(str(row.get("id"))) if isinstance(row, dict) else None
        start = row.get("start") if match else None
        if match is None or not isinstance(start, int) or start < (borders[-1][1] if borders else 0):
            raise FormatError(f"not a sentence after the one before it: {row!r}", where=where)
        borders.append((start, start + int(match[3]) - int(match[2])))
        ids.append(match[0])
    spans, crossing = cut_spans(sorted(document.spans, key=lambda span: (span.key, span.source)), borders)
    entries = list(document.entries)
    for span in crossing:
        shown = document.text[span.start : span.end]
        entries.append(make_entry("it crosses a sentence's border", *span.key, shown))
    starts = [start for start, _ in borders]
    by_sentence: dict[int, list[Entry]] = defaultdict(list)
    for entry in entries:
        # What stands between two sentences goes with the one before it, what stands nowhere with the first.
        number = max(bisect_right(starts, entry.start) - 1, 0)
        shift = starts[number] if starts else 0
        by_sentence[number].append(replace(entry, start=entry.start - shift, end=entry.end - shift))
    cut: list[Document] = []
    for number, ((start, end), inside) in enumerate(zip(borders, spans, strict=True)):
        parts = document.text[start:end], tuple(inside), tuple(by_sentence[number])
        cut.append(Document(*parts, ids[number], document.name))
    return cut
