"""Rows of JSON that hold a text and its spans, whatever the program that wrote them calls the two.

A file is JSON Lines, a JSON array, or objects one after another over any number of lines. A row is an object, or
spaCy's pair `[text, {"entities": …}]`.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from biaozhu.data.errors import FormatError
from biaozhu.formats.documents import StatedSpan, load_json, make_entry, read_offset, read_score

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from biaozhu.data.errors import BiaozhuError
    from biaozhu.data.ledger import Entry

TEXT_KEYS = ("text", "data", "content", "sentence")
SPAN_KEYS = frozenset({"label", "labels", "entities", "annotations", "spans"})
"""Under these keys, in any case, nothing but spans is accepted; under other keys spans are recognised by their form."""
OTHER_KEYS = frozenset({"tokens", "relations"})
"""Under these keys nothing is taken for a span: tokens have offsets and tags too."""
START_KEYS = ("start_offset", "start", "begin", "from")
END_KEYS = ("end_offset", "end", "to")
LABEL_KEYS = ("label", "labels", "type", "tag", "entity", "entity_group")
NOT_SPACE = re.compile(r"[^ \t\r\n]")
SPAN_FORM = "A span is [start, end, label], or an object with start, end and label"


def read_rows(text: str, *, where: str) -> tuple[list[tuple[str, dict[str, Any]]], list[BiaozhuError]]:
    """Return each row with its place, and an error for whatever else is in the file."""
    rows: list[tuple[str, dict[str, Any]]] = []
    problems: list[BiaozhuError] = []
    decoder = json.JSONDecoder()
    position, counted, line = 0, 0, 1
    while found := NOT_SPACE.search(text, position):
        start = found.start()
        line, counted = line + text.count("\n", counted, start), start
        place = f"{where}:{line}"
        try:
            _, position = decoder.raw_decode(text, start)
            value = load_json(text[start:position], where=place)
        except FormatError as error:
            problems.append(error)
            continue
        except (ValueError, RecursionError) as error:
            problems.append(FormatError(f"not JSON ({getattr(error, 'msg', error)})", where=place))
            position = text.find("\n", start)
            if text[start] == "[" or position < 0:
                break
            continue
        if _is_pair(value) or not isinstance(value, list):
            items = [(place, value)]
        else:
            items = [(f"{place} item {number}", item) for number, item in enumerate(value, 1)]
        for item_place, item in items:
            row = {"text": item[0], **item[1]} if _is_pair(item) else item
            if isinstance(row, dict):
                rows.append((item_place, row))
            else:
                problems.append(
                    FormatError(f"not an object with a text: {str(item)[:60]!r}", where=item_place)
                )
    return rows, problems


def read_text(row: Mapping[str, Any], *, where: str) -> str:
    """Return the row's text, which it must have."""
    values = {key.lower(): value for key, value in row.items() if isinstance(value, str)}
    for key in TEXT_KEYS:
        if key in values:
            return values[key]
    raise FormatError(
        f"there is no text under any of {', '.join(TEXT_KEYS)}",
        where=where,
        next_step="Rename the text's key",
    )


def read_spans(row: Mapping[str, Any], *, where: str, source: str) -> tuple[list[StatedSpan], list[Entry]]:
    """Return a row's spans, and ledger entries for what stands among them and is none."""
    stated: list[StatedSpan] = []
    entries: list[Entry] = []
    for key, value in row.items():
        is_known = key.lower() in SPAN_KEYS
        if is_known and value and not isinstance(value, list):
            raise FormatError(f"{key} is not a list of spans", where=where, next_step=SPAN_FORM)
        if not isinstance(value, list) or key.lower() in OTHER_KEYS:
            continue
        found = [(item, parse_span(item, source=source)) for item in value]
        for item, spans in found if is_known or any(spans for _, spans in found) else ():
            if is_known and not spans:
                raise FormatError(f"not a span: {item!r}", where=where, next_step=SPAN_FORM)
            stated += spans
            entries += [] if spans else [make_entry(f"it is in {key} and no span", text=str(item)[:200])]
    return stated, entries


def parse_span(value: object, *, source: str) -> list[StatedSpan]:
    """Return the span that a value states, once for each of its labels; nothing where it states none."""
    if isinstance(value, list) and len(value) in (3, 4):
        label_first = read_offset(value[0]) is None
        keys = ("label", "start", "end", "score") if label_first else ("start", "end", "label", "score")
        value = dict(zip(keys, value, strict=False))
    if not isinstance(value, dict):
        return []
    start, end = (read_offset(_get_first(value, keys)) for keys in (START_KEYS, END_KEYS))
    label = _get_first(value, LABEL_KEYS)
    labels = label if isinstance(label, list) else [label]
    if start is None or end is None or not all(isinstance(one, str) for one in labels):
        return []
    text = value.get("text")
    said = text if isinstance(text, str) and text else None
    return [StatedSpan(start, end, str(one), said, source, read_score(value.get("score"))) for one in labels]


def _get_first(value: Mapping[str, Any], keys: Iterable[str]) -> object:
    return next((value[key] for key in keys if key in value), None)


def _is_pair(value: object) -> bool:
    return isinstance(value, list) and [type(one) for one in value] == [str, dict]
