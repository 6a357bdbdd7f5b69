"""Doccano's JSONL, of a sequence labelling project of anybody.

Doccano's page counts UTF-16 units, and its export states what the page counted; files that other programs made for
its import often count code points, so that can be said. Read are its three ways to write spans: `label` (today),
`labels` (before 1.5), both `[[start, end, label], …]`, and `entities` (with relations) of objects.

Our own export carries each sentence's id (`sid`) and its spans with source and score (`pre`) as metadata, and Doccano
keeps both. An example that push made has them too, `pre` packed (`biaozhu.formats.serialization`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from biaozhu.data.errors import BiaozhuError, FormatError, raise_collected
from biaozhu.formats.foreign_document import Document, Export, Stated, decoded, make_document, parsed, whole
from biaozhu.formats.serialization import spans_from_json, spans_to_json, to_line, unpack_meta

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from biaozhu.data.model import Sentence

SOURCE = "doccano"


def write_doccano(sentences: Sequence[Sentence], *, names: Mapping[str, str]) -> Export:
    """Return sentences as a file for Doccano's JSONL import, in ASCII, so that Doccano guesses no wrong encoding.

    Args:
        sentences: what to write.
        names: label id -> the name that annotators see; a label without one keeps its id.
    """
    lines = [
        to_line(
            sentence,
            {"sid": sentence.id, "pre": spans_to_json(sentence.spans)},
            {span.label: names.get(span.label, span.label) for span in sentence.spans},
        )
        for sentence in sentences
    ]
    return Export({"": "".join(f"{line}\n" for line in lines).encode("ascii")})


def read_doccano(
    data: bytes, *, where: str, names: Mapping[str, str], units: bool | None = True
) -> tuple[Document, ...]:
    """Read the JSONL of a Doccano export or import.

    Args:
        data: the file.
        where: its name in messages.
        names: the name that annotators see -> label id.
        units: see `make_document`; Doccano states no texts, so None means code points.

    Raises:
        FormatError: lines are no such JSON; all are reported together.
    """
    documents: list[Document] = []
    problems: list[BiaozhuError] = []
    for number, line in enumerate(decoded(data, where=where).split("\n"), 1):
        if line.strip():
            try:
                documents.append(_document(line, f"{where}:{number}", names, units=units))
            except BiaozhuError as error:
                problems.append(error)
    raise_collected(problems)
    return tuple(documents)


def _document(line: str, where: str, names: Mapping[str, str], *, units: bool | None) -> Document:
    row = parsed(line, where=where)
    if not isinstance(row, dict) or not isinstance(row.get("text"), str):
        raise FormatError("a line is a JSON object with a text", where=where)
    row = unpack_meta(row)
    text: str = row["text"]
    spans = [
        _span(value, where) for key in ("label", "labels", "entities") for value in _list(row, key, where)
    ]
    stated = [Stated(start, end, names.get(name, name), source=SOURCE) for start, end, name in spans]
    document = make_document(text, stated, units=units, sid=row.get("sid"))
    sent = {span.key: span for span in spans_from_json(row.get("pre")) or ()}
    return replace(document, spans=tuple(sent.get(span.key, span) for span in document.spans))


def _list(row: Mapping[str, Any], key: str, where: str) -> list[Any]:
    value = row.get(key) or []
    if not isinstance(value, list):
        raise FormatError(
            f"{key} is no list of spans", where=where, next_step="Export a sequence labelling project"
        )
    return value


def _span(value: object, where: str) -> tuple[int, int, str]:
    if isinstance(value, dict):
        value = [value.get("start_offset"), value.get("end_offset"), value.get("label")]
    if not isinstance(value, list) or len(value) != len(("start", "end", "label")):
        raise FormatError(
            f"this is no span: {value!r}", where=where, next_step="Export a sequence labelling project"
        )
    if not isinstance(value[2], str):
        raise FormatError(f"a label is no text: {value[2]!r}", where=where)
    return whole(value[0], where=where), whole(value[1], where=where), value[2]
