"""Label Studio's JSON: tasks with `data.text` and the results of their annotations; also its shorter JSON-MIN.

Its offsets are code points since 1.6 (label-studio-frontend pull request 308, "Store code points instead of js
length") and were UTF-16 units before. Each result states its text, so in each task the unit is taken in which more of
the texts are right. Show our texts with `<Style>.htx-text{white-space: pre-wrap}</Style>`, or Label Studio hides white
space (its documentation of the Text tag).

A task holds one version for each annotator, a layer one for all: the ground truth is taken, else the version that was
changed last, else, where nobody has annotated, the last prediction. The spans that only other versions have are named
in the ledger.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from biaozhu.data.errors import BiaozhuError, FormatError, raise_collected
from biaozhu.formats.documents import (
    Document,
    ExportedFiles,
    decode_utf8,
    make_document,
    make_entry,
    read_score,
)
from biaozhu.formats.json_rows import parse_span, read_rows, read_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from biaozhu.data.ledger import Entry
    from biaozhu.data.model import Sentence
    from biaozhu.formats.documents import OffsetUnit, StatedSpan

SOURCE = "labelstudio"


def write_labelstudio(sentences: Sequence[Sentence]) -> ExportedFiles:
    """Write sentences as tasks with one annotation each; each result has its source and score."""
    tasks = [
        {
            "data": {"text": sentence.text, "sid": sentence.id},
            "annotations": [
                {"result": _make_results(sentence), "was_cancelled": False, "ground_truth": False}
            ],
        }
        for sentence in sentences
    ]
    return ExportedFiles({"": (json.dumps(tasks, ensure_ascii=False, indent=1) + "\n").encode("utf-8")})


def read_labelstudio(data: bytes, *, where: str, unit: OffsetUnit | None = None) -> tuple[Document, ...]:
    """Read the tasks of an export."""
    documents: list[Document] = []
    rows, problems = read_rows(decode_utf8(data, where=where), where=where)
    tasks: dict[object, tuple[str, dict[str, Any]]] = {}
    for number, (place, row) in enumerate(rows):
        try:
            if isinstance(row.get("data"), dict):
                tasks[number] = place, row
                continue
            task = _expand_row(row, place)
            # JSON-MIN has a row for each annotation of a task.
            _, first = tasks.setdefault(
                (str(row.get("id", f"row {number}")), task["data"]["text"]), (place, task)
            )
            first["annotations"] += task["annotations"] if first is not task else []
        except BiaozhuError as error:
            problems.append(error)
    for place, task in tasks.values():
        try:
            documents.append(_read_task(task, place, unit))
        except BiaozhuError as error:
            problems.append(error)
    raise_collected(problems)
    return tuple(documents)


def _make_results(sentence: Sentence) -> list[dict[str, Any]]:
    return [
        {
            "id": f"s{number}",
            "from_name": "label",
            "to_name": "text",
            "type": "labels",
            "value": {
                "start": span.start,
                "end": span.end,
                "text": sentence.text[span.start : span.end],
                "labels": [span.label],
            },
            "meta": {"source": span.source},
            **({} if span.score is None else {"score": span.score}),
        }
        for number, span in enumerate(sentence.spans)
    ]


def _expand_row(row: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Make a task of a row of JSON-MIN, in which the names of tags are keys."""
    results = [
        {"type": "labels" if isinstance(item, dict) and "labels" in item else "other", "value": item}
        for value in row.values()
        if isinstance(value, list)
        for item in value
    ]
    version = {"result": results, "updated_at": row.get("updated_at")}
    return {"data": {"text": read_text(row, where=where)}, "annotations": [version]}


def _read_task(task: Mapping[str, Any], where: str, unit: OffsetUnit | None) -> Document:
    data = task["data"]
    text = _find_text(data, where)
    versions = [
        _read_version(text, results, unit, data.get("sid")) for results in _list_versions(task, where) or [[]]
    ]
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


def _find_text(data: Mapping[str, Any], where: str) -> str:
    texts = {key: value for key, value in data.items() if isinstance(value, str) and key != "sid"}
    if "text" not in texts and len(texts) != 1:
        raise FormatError(
            f"{len(texts)} of the task's data can be its text",
            where=where,
            next_step="Name the text `text` in the data",
        )
    return texts.get("text", next(iter(texts.values())))


def _list_versions(task: Mapping[str, Any], where: str) -> list[list[dict[str, Any]]]:
    """Return the results of each version, the one to take last."""

    def list_objects(owner: Mapping[str, Any], *keys: str) -> list[dict[str, Any]]:
        lists = [owner.get(key) or [] for key in keys]
        if not all(isinstance(one, list) and all(isinstance(each, dict) for each in one) for one in lists):
            raise FormatError(f"{keys[0]} is not a list of objects", where=where)
        return [each for one in lists for each in one]

    # `completions` is what annotations were called before 1.0.
    versions = [
        one for one in list_objects(task, "annotations", "completions") if not one.get("was_cancelled")
    ]
    versions.sort(key=lambda one: (bool(one.get("ground_truth")), str(one.get("updated_at") or "")))
    return [list_objects(one, "result") for one in versions or list_objects(task, "predictions")[-1:]]


def _read_version(
    text: str, results: Iterable[Mapping[str, Any]], unit: OffsetUnit | None, sentence_id: object
) -> Document:
    stated: list[StatedSpan] = []
    entries: list[Entry] = []
    for result in results:
        value = result.get("value") if result.get("type") == "labels" else None
        # Offsets into an HTML page are no numbers: they name elements.
        spans = parse_span({"labels": [""], **value}, source="") if isinstance(value, dict) else []
        meta = result.get("meta")
        source = meta.get("source") if isinstance(meta, dict) else None
        source = source if isinstance(source, str) else SOURCE
        stated += [replace(span, source=source, score=read_score(result.get("score"))) for span in spans]
        if not spans:
            reason = f"a result of type {result.get('type')!r} is not a span of a text"
            entries.append(make_entry(reason, text=str(result.get("id", result.get("value")))[:200]))
    return make_document(text, stated, unit=unit, sentence_id=sentence_id, entries=entries)
