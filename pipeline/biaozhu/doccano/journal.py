"""The lock of a push and the journal of its batches, kept on the server as tags of the project.

There they hold for pushes from all machines, and the project list shows everybody who is pushing and since when.
"""

from __future__ import annotations

import getpass
import json
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import psutil

from biaozhu.data.errors import BiaozhuError, LockedError, RemoteError
from biaozhu.doccano.local.state import START_TOLERANCE_SECONDS
from biaozhu.doccano.project import Project

_Kind = TypeVar("_Kind", "LockOwner", "ImportBatch")
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_held_pushes: set[str] = set()  # of this process; any other lock of it was left behind


@dataclass(frozen=True, slots=True)
class LockOwner:
    """The process that pushes; `host` and `boot` name the machine and its start, `started` counts seconds since that."""

    user: str
    host: str
    boot: str
    pid: int
    started: float
    since: str
    push: str


@dataclass(frozen=True, slots=True)
class ImportBatch:
    """A batch under way: the server's id of the uploaded file, and of the task once it was asked for."""

    push: str
    number: int
    upload: str
    task: str = ""

    @property
    def name(self) -> str:
        """The batch as the metadata of its examples name it."""
        return f"{self.push}.{self.number}"


PREFIXES = {LockOwner: "biaozhu push ", ImportBatch: "biaozhu batch "}


def read_tags(project: Project, kind: type[_Kind]) -> list[tuple[int, _Kind]]:
    """Return the locks, or the batches that no push has verified yet, with the ids of their tags, oldest first."""
    prefix = PREFIXES[kind]
    tags = [tag for tag in project.connection.get(f"{project.path}/tags") if tag["text"].startswith(prefix)]
    tags.sort(key=lambda tag: tag["id"])
    return [(tag["id"], _parse_tag(tag["text"], prefix, kind)) for tag in tags]


def write_tag(project: Project, value: LockOwner | ImportBatch) -> int:
    """Write a tag and return its id."""
    text = PREFIXES[type(value)] + json.dumps(asdict(value), ensure_ascii=False)
    return int(project.connection.post(f"{project.path}/tags", {"text": text})["id"])


def remove_tag(project: Project, number: int) -> None:
    """Remove one tag."""
    project.connection.delete(f"{project.path}/tags/{number}")


@contextmanager
def hold_lock(project: Project, *, break_lock: bool = False) -> Iterator[LockOwner]:
    """Hold the project's lock, also one whose process is known to be dead or with `break_lock`; else raise LockedError."""
    for number, other in read_tags(project, LockOwner):
        if break_lock or _is_dead(other):
            remove_tag(project, number)
    owner = _describe_this_process()
    mine = write_tag(project, owner)
    # Two pushes may both have written a lock by now: the older one holds.
    first, holder = read_tags(project, LockOwner)[0]
    if first != mine:
        remove_tag(project, mine)
        seconds = (datetime.now(UTC) - datetime.fromisoformat(holder.since)).total_seconds()
        who = f"{holder.user}@{holder.host} (process {holder.pid}) is pushing to {project.name!r}"
        advice = "Wait for it to end; if its machine is gone for good, push with --break-lock"
        raise LockedError(f"{who}, since {holder.since}, {max(0, int(seconds))} s ago", next_step=advice)
    _held_pushes.add(owner.push)
    try:
        yield owner
    finally:
        _held_pushes.discard(owner.push)
        # Where the server is gone the lock stays; the next push sees that its owner is dead.
        with suppress(BiaozhuError):
            remove_tag(project, mine)


def _is_dead(owner: LockOwner) -> bool:
    # Only the process's own machine can know.
    if owner.host != socket.gethostname():
        return False
    if owner.boot != _read_boot_id():
        return True
    if owner.pid == os.getpid():
        return owner.push not in _held_pushes
    try:
        process = psutil.Process(owner.pid)
        is_another = abs(_seconds_since_boot(process) - owner.started) >= START_TOLERANCE_SECONDS
        return is_another or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return False


def _parse_tag(text: str, prefix: str, kind: type[_Kind]) -> _Kind:
    try:
        found = kind(**json.loads(text.removeprefix(prefix)))
        if isinstance(found, LockOwner):
            datetime.fromisoformat(found.since)
    except (ValueError, TypeError):
        what = f"the project's tag {text[:40]!r} is not of this version of biaozhu"
        advice = "If no push of another version is running, delete the tag in Doccano"
        raise RemoteError(what, next_step=advice) from None
    return found


def _describe_this_process() -> LockOwner:
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = str(os.getuid())
    process = os.getpid(), _seconds_since_boot(psutil.Process())
    since = datetime.now(UTC).isoformat(timespec="seconds")
    return LockOwner(user, socket.gethostname(), _read_boot_id(), *process, since, push=secrets.token_hex(6))


def _seconds_since_boot(process: psutil.Process) -> float:
    return float(process.create_time() - psutil.boot_time())


def _read_boot_id() -> str:
    return BOOT_ID.read_text("ascii").strip() if BOOT_ID.exists() else ""
