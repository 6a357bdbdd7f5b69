"""What is in a Doccano project, read as a whole, and the server's tasks waited for.

Reading example by example takes minutes for ten thousand; the export takes seconds. It leaves out who is
confirmed, so a second export of the confirmed ones tells them apart.
"""

from __future__ import annotations

import io
import json
import time
import zipfile
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from biaozhu.data.errors import RemoteError, ServerError
from biaozhu.doccano.connection import reported
from biaozhu.doccano.local.state import worker_runs
from biaozhu.formats.serialization import Example, RemoteSpan, unpack_meta

if TYPE_CHECKING:
    from collections.abc import Mapping

    from biaozhu.doccano.connection import Connection
    from biaozhu.doccano.project import Project

TASK_LIMIT = 900.0
"""Seconds that one import or export may take."""
SILENCE = 8.0
"""Seconds without an end of the task after which we ask whether the worker is alive at all."""
BUSY_LIMIT = 60.0
"""Seconds for which a worker elsewhere may do nothing but what it is at: a dead one looks the same from here."""
EVERYTHING = 1_000_000
"""More than any list holds."""
OWN_KEYS = ("id", "text", "label", "Comments")


@dataclass(frozen=True, slots=True)
class SpanRecord:
    """One span as the API shows it, with who made it and when (ISO 8601, as the server says it)."""

    id: int
    user: int
    span: RemoteSpan
    edited: bool
    created: str
    updated: str


def read_examples(connection: Connection, project: Project) -> list[Example]:
    """Return all examples of a collaborative project in the order in which annotators see them.

    Raises:
        RemoteError: the export fails, is damaged, or does not hold every example that the server counts.
        ServerError: the server or its worker is down.
    """
    # An empty project has no columns to export.
    if not count_examples(connection, project):
        return []
    rows = export(connection, project)["all"]
    confirmed = {row["id"] for row in export(connection, project, confirmed=True).get("all", [])}
    if len(rows) != count_examples(connection, project):
        raise RemoteError(
            "the export does not hold every example", where=connection.url, next_step="Run the command again"
        )
    return [_example(row, confirmed=row["id"] in confirmed) for row in rows]


def count_examples(connection: Connection, project: Project) -> int:
    """Return how many examples the server counts in the project."""
    with reported(connection.url):
        return int(connection.client.count_examples(project.id))


def export(
    connection: Connection, project: Project, *, confirmed: bool = False
) -> dict[str, list[dict[str, Any]]]:
    """Export a project as JSONL.

    Args:
        connection: logged in as an administrator of the project.
        project: which.
        confirmed: only the examples that were confirmed.

    Returns:
        The rows by file: `all` in a collaborative project, else one list for each member's name.

    Raises:
        RemoteError: the export fails or is damaged.
        ServerError: the server or its worker is down.
    """
    path = f"projects/{project.id}/download"
    task = connection.post(path, {"format": "JSONL", "exportApproved": confirmed})["task_id"]
    wait_for_task(connection, task)
    answer = connection.download(path, params={"taskId": task})
    try:
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            return {
                name.removesuffix(".jsonl"): _rows(archive.read(name).decode("utf-8"))
                for name in archive.namelist()
                if name.endswith(".jsonl")
            }
    except (zipfile.BadZipFile, ValueError) as error:
        raise RemoteError(
            f"the export came damaged ({error})", where=connection.url, next_step="Run the command again"
        ) from None


def read_spans(connection: Connection, project: Project, example: int) -> list[SpanRecord]:
    """Return the spans of one example with who made them, and whether they were changed since."""
    names = {number: name for name, number in project.label_types.items()}
    return [
        SpanRecord(
            id=data["id"],
            user=data["user"],
            span=RemoteSpan(data["start_offset"], data["end_offset"], names.get(data["label"], "")),
            # By their distance: the server's clock may have been set back in between.
            edited=abs(_seconds(data["created_at"], data["updated_at"])) >= 1,
            created=data["created_at"],
            updated=data["updated_at"],
        )
        for data in connection.get(f"projects/{project.id}/examples/{example}/spans")
    ]


def list_all(connection: Connection, path: str) -> list[dict[str, Any]]:
    """Return a whole list of the API in one page: its order is that of no unique column, pages could overlap."""
    found: list[dict[str, Any]] = connection.get(path, params={"limit": EVERYTHING})["results"]
    return found


def list_examples(connection: Connection, project: Project) -> dict[str, dict[str, Any]]:
    """Return the examples that biaozhu made, as the API shows them, by sentence id."""
    found = {}
    for data in list_all(connection, f"projects/{project.id}/examples"):
        meta = unpack_meta(data["meta"])
        if "sid" in meta:
            found[str(meta["sid"])] = {**data, "meta": meta}
    return found


def read_states(connection: Connection, project: Project, example: int) -> list[dict[str, Any]]:
    """Return who confirmed an example and when: `confirmed_by` (user id), `confirmed_at` (ISO 8601)."""
    return list_all(connection, f"projects/{project.id}/examples/{example}/states")


def member_names(connection: Connection, project: Project) -> Mapping[int, str]:
    """Return the members' names by user id."""
    with reported(connection.url):
        return {member.user: member.username for member in connection.client.list_members(project.id)}


def wait_for_task(connection: Connection, task: str, *, limit: float = TASK_LIMIT) -> Any:
    """Wait until the worker has ended a task, and return its result.

    Raises:
        RemoteError: the task failed.
        ServerError: it did not end in time, or no worker is there to do it.
    """
    started = asked = heard = time.monotonic()
    pause = 0.05
    while True:
        state = connection.get(f"tasks/status/{task}")
        if state["ready"]:
            if state["error"]:
                raise RemoteError(
                    f"a task failed: {' '.join(str(state['error']).split())[:300]}", where=connection.url
                )
            return state["result"]
        now = time.monotonic()
        if now - started >= limit:
            raise ServerError(f"a task has not ended after {limit:.0f} s", where=connection.url)
        if now - asked >= SILENCE:
            heard = check_worker(connection, heard)
            asked = now
        time.sleep(pause)
        pause = min(pause * 1.3, 1.0)


def check_worker(connection: Connection, heard: float) -> float:
    """See to it that the server's worker is not dead; busy with one long task, it cannot say that it lives.

    Args:
        connection: logged in.
        heard: when it last said so (`time.monotonic`).

    Returns:
        When it last said so now.

    Raises:
        ServerError: a local server's worker does not run; one elsewhere has been silent for BUSY_LIMIT.
    """
    if connection.home is not None:
        # Its process tells at once.
        if worker_runs(connection.home):
            return time.monotonic()
        raise ServerError(
            "its worker does not run",
            where=connection.url,
            next_step="Run `biaozhu doccano up`, it starts what is missing",
        )
    try:
        report = connection.get("health/")
    except RemoteError as error:
        if time.monotonic() - heard < BUSY_LIMIT:
            return heard
        raise ServerError(
            f"its worker does not answer ({error.what})",
            where=connection.url,
            next_step="See that Doccano's worker runs and is free, then run the same command again",
        ) from None
    if not isinstance(report, dict):
        raise ServerError("its health report cannot be read", where=connection.url)
    return time.monotonic()


def _example(row: Mapping[str, Any], *, confirmed: bool) -> Example:
    spans = tuple(
        RemoteSpan(int(start), int(end), str(label)) for start, end, label in row.get("label") or ()
    )
    return Example(
        id=int(row["id"]),
        text=str(row["text"]),
        meta=unpack_meta(
            {key: value for key, value in row.items() if key not in OWN_KEYS and value is not None}
        ),
        spans=spans,
        confirmed=confirmed,
        comments=tuple(str(comment) for comment in row.get("Comments") or ()),
    )


def _seconds(earlier: str, later: str) -> float:
    # Both times are set when a span is made, microseconds apart.
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()


def _rows(content: str) -> list[dict[str, Any]]:
    # Only line feeds end a line: a text may hold U+2028.
    return [json.loads(line) for line in content.split("\n") if line.strip()]
