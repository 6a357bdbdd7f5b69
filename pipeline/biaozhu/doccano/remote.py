"""A Doccano project read as a whole, and the server's tasks awaited.

An export takes seconds where reading example by example takes minutes. It does not say which examples are confirmed, so
there is a second export, of those.
"""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from biaozhu.data.errors import RemoteError, ServerError
from biaozhu.doccano.local.state import worker_runs
from biaozhu.formats.serialization import DoccanoExample, RemoteSpan, unpack_meta

if TYPE_CHECKING:
    from biaozhu.doccano.connection import Connection
    from biaozhu.doccano.project import Project

TASK_LIMIT_SECONDS = 900.0
WORKER_CHECK_SECONDS = 8.0  # How long a task may run before we ask whether the worker is alive
WORKER_SILENCE_SECONDS = 60.0  # of a worker on another machine, which while it is busy looks dead
ALL_ITEMS = 1_000_000  # A page size that no list exceeds
EXPORT = "all.jsonl"
OWN_KEYS = ("id", "text", "label", "Comments")


@dataclass(frozen=True, slots=True)
class SpanRecord:
    """A span as the API shows it, with who made it and when (ISO 8601)."""

    id: int
    user: int
    span: RemoteSpan
    edited: bool
    created: str
    updated: str


def read_examples(project: Project) -> list[DoccanoExample]:
    """Return all examples of a collaborative project in the order in which annotators see them."""
    if not count_examples(project):
        return []  # an empty project cannot be exported
    rows = _export_rows(project, confirmed=False)
    confirmed = {row["id"] for row in _export_rows(project, confirmed=True)}
    if len(rows) != count_examples(project):
        what, advice = "the export does not hold every example", "Run the command again"
        raise RemoteError(what, where=project.connection.url, next_step=advice)
    return [_parse_example(row, confirmed=row["id"] in confirmed) for row in rows]


def count_examples(project: Project) -> int:
    """Return how many examples the server counts in the project."""
    return int(project.connection.call(project.connection.client.count_examples, project.id))


def _export_rows(project: Project, *, confirmed: bool) -> list[dict[str, Any]]:
    connection, path = project.connection, f"{project.path}/download"
    task = connection.post(path, {"format": "JSONL", "exportApproved": confirmed})["task_id"]
    wait_for_task(connection, task)
    answer = connection.call(connection.http.get, path, params={"taskId": task})
    try:
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            # Only line feeds end a line: a text may hold U+2028.
            lines = archive.read(EXPORT).decode("utf-8").split("\n") if EXPORT in archive.namelist() else ()
            return [json.loads(line) for line in lines if line.strip()]
    except (zipfile.BadZipFile, ValueError) as error:
        what, advice = f"the export is damaged ({error})", "Run the command again"
        raise RemoteError(what, where=connection.url, next_step=advice) from None


def read_spans(project: Project, example: int) -> list[SpanRecord]:
    """Return the spans of one example with who made them, and whether they were changed since."""
    names = {number: name for name, number in project.label_types.items()}
    records = []
    for data in project.connection.get(f"{project.path}/examples/{example}/spans"):
        span = RemoteSpan(data["start_offset"], data["end_offset"], names.get(data["label"], ""))
        times = data["created_at"], data["updated_at"]
        # Both are set when a span is made, microseconds apart. The server's clock may be set back later.
        made, changed = map(datetime.fromisoformat, times)
        is_edited = abs((changed - made).total_seconds()) >= 1
        records.append(SpanRecord(data["id"], data["user"], span, is_edited, *times))
    return records


def change_spans(project: Project, example: int, *, remove: Iterable[SpanRecord], draw: Iterable[RemoteSpan]) -> None:
    """Remove spans of an example and draw others there, in the name of the account that is logged in."""
    connection = project.connection
    for record in remove:
        connection.delete(f"{project.path}/examples/{example}/spans/{record.id}")
    for span in sorted(draw, key=lambda span: span.start):
        place = project.id, example, span.start, span.end, project.label_types[span.label]
        connection.call(connection.client.create_span, *place)


def list_all(connection: Connection, path: str) -> list[dict[str, Any]]:
    """Return a whole list of the API as one page: its pages may overlap, since their order is not unique."""
    return list(connection.get(path, params={"limit": ALL_ITEMS})["results"])


def list_examples(project: Project) -> dict[str, dict[str, Any]]:
    """Return the examples that biaozhu made, as the API shows them, by sentence id."""
    listed = list_all(project.connection, f"{project.path}/examples")
    unpacked = [{**data, "meta": unpack_meta(data["meta"])} for data in listed]
    return {str(data["meta"]["sid"]): data for data in unpacked if "sid" in data["meta"]}


def list_comments(project: Project) -> dict[int, list[dict[str, Any]]]:
    """Return the comments as the API shows them, by example."""
    found: dict[int, list[dict[str, Any]]] = {}
    for data in list_all(project.connection, f"{project.path}/comments"):
        found.setdefault(data["example"], []).append(data)
    return found


def read_confirmations(project: Project, example: int) -> list[dict[str, Any]]:
    """Return who confirmed an example and when: `confirmed_by` (user id), `confirmed_at` (ISO 8601)."""
    return list_all(project.connection, f"{project.path}/examples/{example}/states")


def list_member_names(project: Project) -> dict[int, str]:
    """Return the members' names by user id."""
    members = project.connection.call(project.connection.client.list_members, project.id)
    return {member.user: member.username for member in members}


def wait_for_task(connection: Connection, task: str, *, limit_seconds: float = TASK_LIMIT_SECONDS) -> Any:
    """Return a task's result; RemoteError: it failed, ServerError: it did not end in time, or no worker runs."""
    started = checked = heard = time.monotonic()
    pause = 0.05
    while True:
        state = connection.get(f"tasks/status/{task}")
        if state["ready"]:
            if state["error"]:
                what = " ".join(str(state["error"]).split())[:300]
                raise RemoteError(f"a task failed: {what}", where=connection.url)
            return state["result"]
        now = time.monotonic()
        if now - started >= limit_seconds:
            raise ServerError(f"a task has not ended after {limit_seconds:.0f} s", where=connection.url)
        if now - checked >= WORKER_CHECK_SECONDS:
            checked, heard = now, check_worker(connection, heard)
        time.sleep(pause)
        pause = min(pause * 1.3, 1.0)


def check_worker(connection: Connection, heard: float) -> float:
    """Check that the server's worker is not dead, and return when it last answered; `heard` is the time before.

    A busy worker does not answer, so only a long silence counts, unless its process is on this machine.
    """
    if connection.home is not None:
        if worker_runs(connection.home):
            return time.monotonic()
        advice = "Run `biaozhu doccano up`, it starts what is missing"
        raise ServerError("its worker does not run", where=connection.url, next_step=advice)
    try:
        report = connection.get("health/")
    except RemoteError as error:
        if time.monotonic() - heard < WORKER_SILENCE_SECONDS:
            return heard
        what = f"its worker does not answer ({error.what})"
        advice = "See that Doccano's worker runs and is free, then run the same command again"
        raise ServerError(what, where=connection.url, next_step=advice) from None
    if not isinstance(report, dict):
        raise ServerError("its health report cannot be read", where=connection.url)
    return time.monotonic()


def _parse_example(row: Mapping[str, Any], *, confirmed: bool) -> DoccanoExample:
    return DoccanoExample(
        id=int(row["id"]),
        text=str(row["text"]),
        meta=unpack_meta({key: value for key, value in row.items() if key not in OWN_KEYS and value is not None}),
        spans=tuple(RemoteSpan(int(s), int(e), str(label)) for s, e, label in row.get("label") or ()),
        confirmed=confirmed,
        comments=tuple(str(comment) for comment in row.get("Comments") or ()),
    )
