"""Label Studio's JSON: a list of tasks, each with `data.text` and the results of its annotations.

Its offsets are code points since 1.6 (label-studio-frontend pull request 308, "Store code points instead of js
length") and were UTF-16 units before; each result states its text, and per task that counting is taken under which
more of the texts are right. Show such texts with `<Style>.htx-text{white-space: pre-wrap}</Style>`, or Label Studio
hides white space (its documentation of the Text tag).

A task holds one version for each annotator, a layer one for all: the ground truth is taken, else the version that
was changed last, else, where nobody has annotated, the last prediction. Spans of the other versions that it lacks
are refused, and so named in the ledger.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from biaozhu.data.errors import BiaozhuError, FormatError, raise_collected
from biaozhu.formats.foreign_document import (
    Document,
    Export,
    Refused,
    Stated,
    decoded,
    make_document,
    parsed,
    probability,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from biaozhu.data.model import Sentence

FROM, TO = "label", "text"
SOURCE = "labelstudio"


def write_labelstudio(sentences: Sequence[Sentence]) -> Export:
    """Return sentences as tasks with one annotation each; source and score stand in each result."""
    tasks = [
        {
            "data": {"text": sentence.text, "sid": sentence.id},
            "annotations": [{"result": _results(sentence), "was_cancelled": False, "ground_truth": False}],
        }
        for sentence in sentences
    ]
    return Export({"": (json.dumps(tasks, ensure_ascii=False, indent=1) + "\n").encode("utf-8")})


def read_labelstudio(data: bytes, *, where: str, units: bool | None = None) -> tuple[Document, ...]:
    """Read the tasks of a JSON export.

    Args:
        data: the file.
        where: its name in messages.
        units: see `make_document`.

    Raises:
        FormatError: it is no list of tasks with texts; all are reported together.
    """
    tasks = parsed(decoded(data, where=where), where=where)
    if not isinstance(tasks, list):
        raise FormatError(
            "an export is a list of tasks", where=where, next_step="Export as JSON from the project"
        )
    documents: list[Document] = []
    problems: list[BiaozhuError] = []
    for number, task in enumerate(tasks, 1):
        try:
            documents.append(_document(task, f"{where}:task {number}", units=units))
        except BiaozhuError as error:
            problems.append(error)
    raise_collected(problems)
    return tuple(documents)


def _results(sentence: Sentence) -> list[dict[str, Any]]:
    return [
        {
            "id": f"s{number}",
            "from_name": FROM,
            "to_name": TO,
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


def _document(task: Any, where: str, *, units: bool | None) -> Document:
    if not isinstance(task, dict) or not isinstance(task.get("data"), dict):
        raise FormatError("a task is an object with data", where=where)
    text = _text(task["data"], where)
    versions = [
        make_document(text, _stated(results, where), units=units, refused=_unread(results))
        for results in _versions(task, where)
    ]
    if not versions:
        return make_document(text, (), units=units, sid=task["data"].get("sid"))
    chosen = versions[-1]
    known = {span.key for span in chosen.spans}
    others = [
        Refused(
            span.start,
            span.end,
            span.label,
            text[span.start : span.end],
            "another version of the task has it",
        )
        for version in versions[:-1]
        for span in version.spans
        if span.key not in known
    ]
    others += [refused for version in versions[:-1] for refused in version.refused]
    sid = make_document("", (), sid=task["data"].get("sid")).sid
    return replace(chosen, refused=(*chosen.refused, *dict.fromkeys(others)), sid=sid)


def _text(data: Mapping[str, Any], where: str) -> str:
    texts = {key: value for key, value in data.items() if isinstance(value, str) and key != "sid"}
    if isinstance(data.get("text"), str):
        return str(data["text"])
    if len(texts) != 1:
        raise FormatError(
            f"which of {', '.join(texts) or 'no'} data is the text?",
            where=where,
            next_step="Name the task's text `text` in its data",
        )
    return next(iter(texts.values()))


def _versions(task: Mapping[str, Any], where: str) -> list[list[dict[str, Any]]]:
    """The results of each version, the one to take last."""

    def listed(owner: Mapping[str, Any], *keys: str) -> list[dict[str, Any]]:
        found = [one for key in keys for one in owner.get(key) or []]
        if not all(isinstance(one, dict) for one in found):
            raise FormatError(f"{keys[0]} are no objects", where=where)
        return found

    # `completions` is what annotations were called before 1.0.
    made = [one for one in listed(task, "annotations", "completions") if not one.get("was_cancelled")]
    made.sort(key=lambda one: (bool(one.get("ground_truth")), str(one.get("updated_at") or "")))
    return [listed(one, "result") for one in made or listed(task, "predictions")[-1:]]


def _stated(results: Iterable[Mapping[str, Any]], where: str) -> list[Stated]:
    return [
        Stated(
            whole(result["value"].get("start"), where=where),
            whole(result["value"].get("end"), where=where),
            str(label),
            said if isinstance(said := result["value"].get("text"), str) else None,
            _source(result),
            probability(result.get("score")),
        )
        for result in results
        if _is_span(result)
        for label in result["value"].get("labels") or [""]
    ]


def _is_span(result: Mapping[str, Any]) -> bool:
    value = result.get("value")
    # Regions of an HTML page count from elements of the page: their start and end are offsets there.
    return isinstance(value, dict) and result.get("type") == "labels" and "startOffset" not in value


def _unread(results: Iterable[Mapping[str, Any]]) -> list[Refused]:
    return [
        Refused(
            0,
            0,
            "",
            str(result.get("id", "")),
            f"a result of type {result.get('type')!r} is no span of a text",
        )
        for result in results
        if not _is_span(result)
    ]


def _source(result: Mapping[str, Any]) -> str:
    meta = result.get("meta")
    source = meta.get("source") if isinstance(meta, dict) else None
    return source if isinstance(source, str) else SOURCE
