"""Doccano's JSONL, and rows of JSON like it that other programs write.

Doccano's own files count UTF-16 units, as its page does. Files of other programs often count code points, so a span
that both can mean is refused until `--units` says which it is.

Our export carries each sentence's id (`sid`) and its spans with source and score (`pre`) as metadata, and Doccano keeps
both. An example that push made has them too, packed (see `biaozhu.formats.serialization`).
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from biaozhu.data.errors import BiaozhuError, raise_collected
from biaozhu.formats.documents import (
    Document,
    ExportedFiles,
    OffsetUnit,
    decode_utf8,
    make_document,
    make_entry,
)
from biaozhu.formats.json_rows import read_rows, read_spans, read_text
from biaozhu.formats.serialization import make_import_line, spans_from_json, spans_to_json, unpack_meta

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from biaozhu.data.model import Sentence

SOURCE = "doccano"
DOCCANO_KEYS = frozenset({"sid", "Comments", "annotation_approver", "relations", "data"})
"""Keys of which each shows that Doccano wrote the row."""


def write_doccano(sentences: Sequence[Sentence], *, names: Mapping[str, str]) -> ExportedFiles:
    """Write a file for Doccano's JSONL import; a label without a name in `names` keeps its id."""
    lines = [
        make_import_line(
            sentence,
            {"sid": sentence.id, "pre": spans_to_json(sentence.spans)},
            {span.label: names.get(span.label, span.label) for span in sentence.spans},
            ascii_only=False,
        )
        for sentence in sentences
    ]
    return ExportedFiles({"": "".join(f"{line}\n" for line in lines).encode("utf-8")})


def read_doccano(
    data: bytes, *, where: str, names: Mapping[str, str], unit: OffsetUnit | None = None
) -> tuple[Document, ...]:
    """Read rows of texts with spans; `names` maps the names that annotators see to label ids."""
    documents: list[Document] = []
    rows, problems = read_rows(decode_utf8(data, where=where), where=where)
    for place, row in rows:
        try:
            documents.append(_read_row(unpack_meta(row), place, names, unit))
        except BiaozhuError as error:
            problems.append(error)
    raise_collected(problems)
    return tuple(documents)


def _read_row(
    row: Mapping[str, Any], where: str, names: Mapping[str, str], unit: OffsetUnit | None
) -> Document:
    stated, entries = read_spans(row, where=where, source=SOURCE)
    if isinstance(row.get("relations"), list):
        entries += [
            make_entry("relations are not spans", text=json.dumps(relation, ensure_ascii=False)[:200])
            for relation in row["relations"]
        ]
    is_doccanos = not row.keys().isdisjoint(DOCCANO_KEYS)
    document = make_document(
        read_text(row, where=where),
        [replace(one, label=names.get(one.label, one.label)) for one in stated],
        unit=unit or (OffsetUnit.utf16 if is_doccanos else None),
        default=OffsetUnit.utf16,
        sentence_id=row.get("sid"),
        entries=entries,
    )
    sent = {span.key: span for span in spans_from_json(row.get("pre")) or ()}
    return replace(document, spans=tuple(sent.get(span.key, span) for span in document.spans))
