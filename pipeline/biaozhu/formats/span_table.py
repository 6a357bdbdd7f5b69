"""Table of a layer's spans for a spreadsheet: CSV with a row for each span; it is only written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from biaozhu.data.model import Sentence
from biaozhu.formats.documents import ExportedFiles
from biaozhu.normalization.table import rows_as_csv


@dataclass(frozen=True, slots=True)
class SpanRow:
    """A span: the article's name, the sentence's id, offsets into it; `number` counts the article's sentences from 1."""

    article: str
    sentence: str
    start: int
    end: int
    text: str
    label: str
    source: str
    score: float | None
    number: int
    context: str


COLUMNS = tuple(field.name for field in fields(SpanRow))


def write_spans(sentences: Sequence[Sentence], *, names: Mapping[str, str] | None) -> ExportedFiles:
    """Write the spans, in the order of the layer, with the text of their sentence as context."""
    rows: list[SpanRow] = []
    counted: Counter[str] = Counter()
    for one in sentences:
        counted[one.article] += 1
        name, number = (names or {}).get(one.article, one.article), counted[one.article]
        for span in one.spans:
            shown = one.text[span.start : span.end]
            rows.append(
                SpanRow(name, one.id, *span.key[:2], shown, *span.key[2:], span.source, span.score, number, one.text)
            )
    # Spreadsheets need a byte order mark for Chinese.
    return ExportedFiles({"": f"\ufeff{rows_as_csv(rows, COLUMNS)}".encode()})
