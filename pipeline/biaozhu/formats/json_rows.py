"""Rows of JSON that hold a text and its spans: Doccano's JSONL, Label Studio's JSON, and what other programs write.

A file is JSON Lines, a JSON array, or objects one after another. A row is an object, or spaCy's pair
`[text, {"entities": …}]`.

Doccano's own files count UTF-16 units. Other programs often count code points, so a span that both can mean is refused
until `--units` says which it is. Our export carries each sentence's id (`sid`), its text's checksum (`text_sha`) and
its spans with source and score (`pre`) as metadata, which Doccano keeps; of an example that push made they are packed
(see `biaozhu.formats.serialization`).

Label Studio's file holds tasks with `data.text` and the results of their annotations, its shorter JSON-MIN a row for
each annotation. Its offsets are code points since 1.6 (label-studio-frontend pull request 308, "Store code points
instead of js length") and were UTF-16 units before: in each task the unit is taken in which more of the stated texts are
right. A result whose `to_name` is another field of the data is a loss. Of a task's versions the ground truth is taken, else the one that was changed last, else the last prediction. The
ledger names the spans that only other versions have: also drafts and cancelled ones.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from biaozhu.data.errors import BiaozhuError, FormatError
from biaozhu.data.files import once_each
from biaozhu.data.ledger import Entry
from biaozhu.data.model import Sentence
from biaozhu.formats import documents
from biaozhu.formats.documents import TWICE, Document, ExportedFiles, OffsetUnit, make_document, make_entry, read_id
from biaozhu.formats.serialization import checksum_text, make_import_line, spans_from_json, spans_to_json, unpack_meta

_Row = tuple[str, dict[str, Any]]  # with its place

TEXT_KEYS = ("text", "data", "content", "sentence")
SPAN_KEYS = frozenset({"label", "labels", "entities", "annotations", "spans"})
"""Under these keys, in any case, nothing but spans is accepted; under other keys spans are recognised by their form."""
OTHER_KEYS = {
    "relations": "relations are not spans",
    "comments": "comments are not spans",
    "cats": "categories are not spans",
}
START_KEYS = ("start_offset", "start", "begin", "from")
END_KEYS = ("end_offset", "end", "to")
LABEL_KEYS = ("label", "labels", "type", "tag", "entity", "entity_group")
OUR_KEYS = frozenset({"sid", "text_sha"})
NOT_SPACE = re.compile(r"[^ \t\r\n]")
NEXT_ROW = re.compile(r"\n(?=[^ \t\r\n}\]])")
ADDRESS = re.compile(r"\s*(?:[A-Za-z][A-Za-z0-9+.-]*://[!-~]+|/data/\S+)\s*")
NAME_TEXT = "Name the text `text` in the data"
SPAN_FORM = "A span is [start, end, label], or an object with start, end and label"
DOCCANO_KEYS = frozenset({"sid", "Comments", "annotation_approver", "relations", "data"})
"""Keys of which each shows that Doccano wrote the row."""
DOCCANO, LABEL_STUDIO = "doccano", "labelstudio"


def write_doccano(sentences: Sequence[Sentence], *, names: Mapping[str, str]) -> ExportedFiles:
    """Write a file for Doccano's JSONL import; a label without a name in `names` keeps its id."""
    lines = []
    for sentence in sentences:
        meta = {"sid": sentence.id, "text_sha": checksum_text(sentence.text), "pre": spans_to_json(sentence.spans)}
        shown = {span.label: names.get(span.label, span.label) for span in sentence.spans}
        lines.append(make_import_line(sentence, meta, shown, ascii_only=False))
    return ExportedFiles({"": documents.encode_lines(lines)})


def read_doccano(
    data: bytes, *, where: str, names: Mapping[str, str], unit: OffsetUnit | None = None
) -> tuple[Document, ...]:
    """Read rows of texts with spans; `names` maps the names that annotators see to label ids."""
    rows, problems = read_json_rows(data, where=where)
    seen: set[tuple[str, str]] = set()

    def read(row: dict[str, Any], place: str) -> Document:
        document = _read_document(unpack_meta(row), place, names, unit)
        key = str(row.get("id")), document.text
        twice = [make_entry(TWICE, text=document.text[:200], decided=True)] if key in seen else []
        seen.update({key} if row.get("id") is not None else ())
        return replace(document, entries=(*document.entries, *twice))

    return _read_each(rows, read, problems)


def _read_each(
    rows: Iterable[_Row], read: Callable[[dict[str, Any], str], Document], problems: list[BiaozhuError]
) -> tuple[Document, ...]:
    found: list[Document] = []
    for place, row in rows:
        try:
            found.append(read(row, place))
        except BiaozhuError as error:
            problems.append(error)
    documents.raise_refused(problems, found)
    return tuple(found)


def _read_document(row: Mapping[str, Any], where: str, names: Mapping[str, str], unit: OffsetUnit | None) -> Document:
    stated, entries = list_spans(row, where=where)
    is_doccanos = not row.keys().isdisjoint(DOCCANO_KEYS)
    text = find_text(row, where=where)
    document = make_document(
        text,
        [replace(one, label=names.get(one.label, one.label)) for one in stated],
        unit=unit or ("utf16" if is_doccanos else None),
        default="utf16",
        sentence_id=read_id(row.get("sid"), row.get("text_sha"), text),
        entries=entries,
    )
    sent = {span.key: span for span in spans_from_json(row.get("pre")) or ()}
    return replace(document, spans=tuple(sent.get(span.key, span) for span in document.spans))


def write_labelstudio(sentences: Sequence[Sentence]) -> ExportedFiles:
    """Write sentences as tasks with one annotation each; each result has its source and score."""
    tasks = []
    for one in sentences:
        results = [
            {
                "id": f"s{number}",
                "from_name": "label",
                "to_name": "text",
                "type": "labels",
                "value": {
                    "start": span.start,
                    "end": span.end,
                    "text": one.text[span.start : span.end],
                    "labels": [span.label],
                },
                "meta": {"source": span.source},
                **({} if span.score is None else {"score": span.score}),
            }
            for number, span in enumerate(one.spans)
        ]
        data = {"text": one.text, "sid": one.id, "text_sha": checksum_text(one.text)}
        version = {"result": results, "was_cancelled": False, "ground_truth": False}
        tasks.append({"data": data, "annotations": [version]})
    return ExportedFiles({"": documents.encode_lines([json.dumps(tasks, ensure_ascii=False, indent=1)])})


def read_labelstudio(data: bytes, *, where: str, unit: OffsetUnit | None = None) -> tuple[Document, ...]:
    """Read the tasks of an export."""
    rows, problems = read_json_rows(data, where=where)
    tasks: dict[tuple[str, str], _Row] = {}
    field, keys, targets = "", set[str](), set[str]()
    for number, (place, row) in enumerate(rows):
        try:
            task = row if isinstance(row.get("data"), dict) else _expand_row(row, place)
            field = _find_field(task["data"], field, place)
        except BiaozhuError as error:
            problems.append(error)
            continue
        keys |= task["data"].keys()
        targets |= set(_list_targets(task))
        # JSON-MIN has a row for each annotation of a task, an export that was joined by hand may have, too.
        of_task = str(row.get("id", f"row {number}")), task["data"][field]
        tasks.setdefault(of_task, (place, {"data": task["data"], "rows": []}))[1]["rows"].append(task)
    # The labelling interface, which no export has, may call the text otherwise than its data.
    renamed = targets - keys if field not in targets else set()
    ours = {field, *(renamed if len(renamed) == 1 else ())}
    return _read_each(tasks.values(), lambda task, place: _read_task(task, place, unit, field, ours), problems)


def _list_targets(value: object) -> Iterator[str]:
    """Yield what the spans of a task say that they are about."""
    if isinstance(value, dict) and value.get("type") == "labels" and isinstance(value.get("to_name"), str):
        yield value["to_name"]
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _list_targets(one)


def _find_field(data: Mapping[str, Any], known: str, where: str) -> str:
    """Return under which key a task has its text: as tasks before it, if there are any, under the known one."""
    texts = [key for key, value in data.items() if isinstance(value, str) and key not in OUR_KEYS]
    named = [key for key in texts if not ADDRESS.fullmatch(data[key])]
    if "text" not in texts and len(named) != 1:
        raise FormatError(f"{len(named)} of the task's data can be its text", where=where, next_step=NAME_TEXT)
    field = "text" if "text" in texts else named[0]
    if known and field != known:
        what = f"its text is under {field!r}, that of the first task under {known!r}"
        raise FormatError(what, where=where, next_step=NAME_TEXT)
    return field


def _expand_row(row: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Make a task of a row of JSON-MIN, in which the names of tags are keys."""
    results = [
        {"type": "labels" if isinstance(item, dict) and "labels" in item else "other", "value": item}
        for value in row.values()
        if isinstance(value, list)
        for item in value
    ]
    version = {"result": results, "updated_at": row.get("updated_at")}
    return {"data": {"text": find_text(row, where=where)}, "annotations": [version]}


def _read_task(
    task: Mapping[str, Any], where: str, unit: OffsetUnit | None, field: str, ours: Collection[str]
) -> Document:
    data = task["data"]
    text = data[field]
    versions = [_read_version(text, one, unit, data, ours) for one in _list_versions(task["rows"], where)]
    chosen, others = versions[-1], versions[:-1]
    known = {span.key for span in chosen.spans}
    lost = [
        make_entry("another version of the task has it", *span.key, text[span.start : span.end])
        for version in others
        for span in version.spans
        if span.key not in known
    ]
    lost += [entry for version in others for entry in version.entries if entry.severity == "loss"]
    return replace(chosen, entries=(*chosen.entries, *dict.fromkeys(lost)))


def _list_versions(rows: Sequence[Mapping[str, Any]], where: str) -> list[list[dict[str, Any]]]:
    """Return the results of each version of a task, the one to take last."""

    def list_objects(owners: Sequence[Mapping[str, Any]], *keys: str, kinds: tuple[type, ...] = (dict,)) -> list[Any]:
        lists = [owner.get(key) or [] for owner in owners for key in keys]
        if not all(isinstance(one, list) and all(isinstance(each, kinds) for each in one) for one in lists):
            raise FormatError(f"{keys[0]} is not a list of objects", where=where)
        return [each for one in lists for each in one]

    # `completions` is what annotations were called before 1.0.
    found = list_objects(rows, "annotations", "completions")
    finished = [one for one in found if not one.get("was_cancelled")]
    finished.sort(key=lambda one: (bool(one.get("ground_truth")), str(one.get("updated_at") or "")))

    def list_unfinished(key: str) -> list[dict[str, Any]]:
        # Snapshots hold ids in place of these: beside what somebody finished that is no loss.
        items = list_objects(rows, key, kinds=(dict, int))
        kept = [one for one in items if isinstance(one, dict) or not finished]
        return [one if isinstance(one, dict) else {"result": [{"id": f"{key} {one}"}]} for one in kept]

    # Of unfinished and cancelled ones none is to be taken.
    others = [*list_unfinished("drafts"), *(one for one in found if one.get("was_cancelled"))]
    # Predictions that somebody has corrected are decided.
    versions = [*others, *(finished or list_unfinished("predictions") or [{}])]
    return [list_objects([one], "result") for one in versions]


def _read_version(
    text: str,
    results: Iterable[Mapping[str, Any]],
    unit: OffsetUnit | None,
    data: Mapping[str, Any],
    ours: Collection[str],
) -> Document:
    stated: list[documents.StatedSpan] = []
    entries: list[Entry] = []
    for result in results:
        value = result.get("value") if result.get("type") == "labels" else None
        # Offsets into an HTML page are no numbers: they name elements.
        spans = parse_span({"labels": [], **value}) if isinstance(value, dict) else []
        meta = result.get("meta")
        meta = meta if isinstance(meta, dict) else {}
        source = meta["source"] if isinstance(meta.get("source"), str) else LABEL_STUDIO
        if note := meta.get("text"):
            shown = " ".join(map(str, note)) if isinstance(note, list) else str(note)
            entries.append(make_entry("notes are not spans", text=shown[:200]))
        score = documents.read_score(result.get("score"))
        target = result.get("to_name")
        if spans and isinstance(target, str) and target not in ours:
            reason = f"it is about {target!r}, not the text"
            entries += [make_entry(reason, one.start, one.end, one.label, one.text or "") for one in spans]
        else:
            stated += [replace(span, source=source, score=score) for span in spans]
        if not spans:
            reason = f"a result of type {result.get('type')!r} is not a span of a text"
            reason = "its id is all that the file has of it" if result.keys() == {"id"} else reason
            entries.append(make_entry(reason, text=str(result.get("id", result.get("value")))[:200]))
    home = read_id(data.get("sid"), data.get("text_sha"), text)
    return make_document(text, stated, unit=unit, sentence_id=home, entries=entries)


def read_json_rows(data: bytes, *, where: str) -> tuple[list[_Row], list[BiaozhuError]]:
    """Return each row with its place, and an error for whatever else is in the file."""
    text = documents.decode_utf8(data, where=where)
    rows: list[_Row] = []
    problems: list[BiaozhuError] = []
    # Of a key that comes twice the first value would be lost without a word.
    decoder = json.JSONDecoder(object_pairs_hook=once_each)
    position, counted, line = 0, 0, 1
    while found := NOT_SPACE.search(text, position):
        start = found.start()
        line, counted = line + text.count("\n", counted, start), start
        place = f"{where}:{line}"
        try:
            _, position = decoder.raw_decode(text, start)
            value = documents.load_json(text[start:position], where=place)
        except FormatError as error:
            problems.append(error)
            continue
        except (ValueError, RecursionError) as error:
            problems.append(FormatError(f"not JSON ({getattr(error, 'msg', error)})", where=place))
            # The lines of an indented object are one fault.
            following = NEXT_ROW.search(text, start)
            if text[start] == "[" or not following:
                break
            position = following.start()
            continue
        is_list = isinstance(value, list) and not _is_pair(value)
        for number, item in enumerate(value if is_list else [value], 1):
            item_place = f"{place} item {number}" if is_list else place
            row = {"text": item[0], **item[1]} if _is_pair(item) else item
            if isinstance(row, dict):
                rows.append((item_place, row))
            else:
                what = f"not an object with a text: {str(item)[:60]!r}"
                problems.append(FormatError(what, where=item_place))
    return rows, problems


def find_text(row: Mapping[str, Any], *, where: str) -> str:
    """Return the row's text, which it must have."""
    values = {key.lower(): value for key, value in row.items() if isinstance(value, str)}
    for key in TEXT_KEYS:
        if key in values:
            return values[key]
    what = f"there is no text under any of {', '.join(TEXT_KEYS)}"
    raise FormatError(what, where=where, next_step="Rename the text's key")


def list_spans(row: Mapping[str, Any], *, where: str) -> tuple[list[documents.StatedSpan], list[Entry]]:
    """Return a row's spans, and ledger entries for what stands among them and is none."""
    stated: list[documents.StatedSpan] = []
    entries: list[Entry] = []
    known = [key for key in row if key.lower() in SPAN_KEYS]
    is_doccanos = not row.keys().isdisjoint(DOCCANO_KEYS)
    # Beside these what has the form of spans is something else, such as pages; Doccano has them always.
    has_known = any(row[key] for key in known) or (is_doccanos and bool(known))
    for key, value in row.items():
        is_known = key.lower() in SPAN_KEYS
        if is_known and value and not isinstance(value, list):
            raise FormatError(f"{key} is not a list of spans", where=where, next_step=SPAN_FORM)
        if (other := key.lower()) in OTHER_KEYS:
            items = value if isinstance(value, list) else [value] if value else []
            shown = [one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for one in items]
            entries += [make_entry(OTHER_KEYS[other], text=one[:200]) for one in shown]
        # Tokens have offsets and tags, too.
        if not isinstance(value, list) or other in OTHER_KEYS or other == "tokens":
            continue
        found = [(item, parse_span(item)) for item in value]
        if has_known and not is_known:
            reason = f"it is in {key}, and the spans are in {known[0]}"
            entries += [make_entry(reason, text=str(one)[:200], decided=is_doccanos) for one, spans in found if spans]
            continue
        for item, spans in found if is_known or any(spans for _, spans in found) else ():
            if is_known and not spans:
                raise FormatError(f"not a span: {item!r}", where=where, next_step=SPAN_FORM)
            stated += spans
            entries += [] if spans else [make_entry(f"it is in {key} and no span", text=str(item)[:200])]
    return stated, entries


def parse_span(value: object) -> list[documents.StatedSpan]:
    """Return the span that a value states, once for each of its labels; nothing where it states none."""
    if isinstance(value, list) and len(value) in (3, 4):
        label_first = documents.read_offset(value[0]) is None
        keys = ("label", "start", "end", "score") if label_first else ("start", "end", "label", "score")
        value = dict(zip(keys, value, strict=False))
    if not isinstance(value, dict):
        return []
    start, end = (documents.read_offset(_get_first(value, keys)) for keys in (START_KEYS, END_KEYS))
    label = _get_first(value, LABEL_KEYS)
    labels = (label or [""]) if isinstance(label, list) else [label]
    if start is None or end is None or not all(isinstance(one, str) for one in labels):
        return []
    text = value.get("text")
    said = text if isinstance(text, str) and text else None
    score = documents.read_score(value.get("score"))
    return [documents.StatedSpan(start, end, str(one), said, DOCCANO, score) for one in labels]


def _get_first(value: Mapping[str, Any], keys: Iterable[str]) -> object:
    return next((value[key] for key in keys if key in value), None)


def _is_pair(value: object) -> bool:
    return isinstance(value, list) and [type(one) for one in value] == [str, dict]
