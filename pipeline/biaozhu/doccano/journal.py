"""The lock of a push and the journal of its batches, kept on the server as tags of the project.

They stand on the server, so that two pushes from two machines exclude each other, and a push that was killed on
one machine can be finished from another. Tags are shown in Doccano's project list, so whoever looks there sees
that a push is at work, whose it is and since when.
"""

from __future__ import annotations

import getpass
import json
import os
import secrets
import socket
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import psutil

from biaozhu.data.errors import BiaozhuError, LockedError, RemoteError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from biaozhu.doccano.connection import Connection
    from biaozhu.doccano.project import Project

_Kind = TypeVar("_Kind")
LOCK = "biaozhu push "
BATCH = "biaozhu batch "
_held: set[str] = set()
"""The pushes that hold a lock in this very process: a lock of ours that is none of them was left behind."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Who pushes: `host` and `boot` name the machine and its start, so that a dead process is known for dead.

    `started` is the process's start in seconds since that of the machine, which no setting of the clock changes.
    """

    user: str
    host: str
    boot: str
    pid: int
    started: float
    since: str
    push: str


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch under way: the server's id of the uploaded file, and of the task once it was asked for."""

    push: str
    number: int
    upload: str
    task: str = ""

    @property
    def name(self) -> str:
        """The batch as the metadata of its examples name it."""
        return batch_name(self.push, self.number)


@dataclass(frozen=True, slots=True)
class Journal:
    """The tags of one project that are ours."""

    connection: Connection
    project: Project

    def batches(self) -> list[tuple[int, Batch]]:
        """Return the batches that no push has verified yet, with the ids of their tags."""
        return self._read(BATCH, Batch)

    def note(self, batch: Batch) -> None:
        """Note a batch, before it is imported and again when its task is known."""
        self._write(BATCH, asdict(batch))

    def locks(self) -> list[tuple[int, Owner]]:
        """Return the locks with the ids of their tags, oldest first."""
        return sorted(self._read(LOCK, Owner), key=lambda found: found[0])

    def lock(self, owner: Owner) -> int:
        """Put a lock and return the id of its tag."""
        return self._write(LOCK, asdict(owner))

    def remove(self, number: int) -> None:
        """Remove one tag."""
        self.connection.delete(f"projects/{self.project.id}/tags/{number}")

    def _read(self, prefix: str, kind: type[_Kind]) -> list[tuple[int, _Kind]]:
        tags = self.connection.get(f"projects/{self.project.id}/tags")
        return [
            (tag["id"], _parse(tag["text"], prefix, kind)) for tag in tags if tag["text"].startswith(prefix)
        ]

    def _write(self, prefix: str, data: dict[str, Any]) -> int:
        text = prefix + json.dumps(data, ensure_ascii=False)
        return int(self.connection.post(f"projects/{self.project.id}/tags", {"text": text})["id"])


def _parse(text: str, prefix: str, kind: type[_Kind]) -> _Kind:
    try:
        found = kind(**json.loads(text.removeprefix(prefix)))
        if isinstance(found, Owner):
            datetime.fromisoformat(found.since)
    except (ValueError, TypeError):
        raise RemoteError(
            f"the project's tag {text[:40]!r} is not one that this version of biaozhu writes",
            next_step="Where no push of another version is at work, delete the tag in Doccano",
        ) from None
    return found


def batch_name(push: str, number: int) -> str:
    """Return the name of a batch, as metadata carry it."""
    return f"{push}.{number}"


@contextmanager
def locked(journal: Journal, *, break_lock: bool = False) -> Iterator[Owner]:
    """Hold the project's lock.

    A lock whose process is known to be dead is taken over. Any other is respected, unless `break_lock`.

    Raises:
        LockedError: another push holds it; its owner and age are named.
        ServerError, AuthError, RemoteError: see `reported`.
    """
    for number, other in journal.locks():
        if break_lock or is_dead(other):
            journal.remove(number)
    owner = _myself()
    mine = journal.lock(owner)
    # Both of two pushes may have put a lock by now: the older one holds.
    first, holder = journal.locks()[0]
    if first != mine:
        journal.remove(mine)
        raise LockedError(f"{_name(holder)} is pushing to {journal.project.name!r}, {_age(holder)}")
    _held.add(owner.push)
    try:
        yield owner
    finally:
        _held.discard(owner.push)
        # Where the server is gone the lock stays; the next push sees that its owner is dead.
        with suppress(BiaozhuError):
            journal.remove(mine)


def is_dead(owner: Owner) -> bool:
    """Tell whether the owner's process has certainly ended: only its own machine can know."""
    if owner.host != socket.gethostname():
        return False
    if owner.boot != _boot():
        return True
    try:
        process = psutil.Process(owner.pid)
        if owner.pid == os.getpid():
            return owner.push not in _held
        return process.status() == psutil.STATUS_ZOMBIE or abs(_since_boot(process) - owner.started) >= 2  # noqa: PLR2004 — seconds, as in processes.START_TOLERANCE
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return False


def _myself() -> Owner:
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = str(os.getuid())
    return Owner(
        user=user,
        host=socket.gethostname(),
        boot=_boot(),
        pid=os.getpid(),
        started=_since_boot(psutil.Process()),
        since=datetime.now(UTC).isoformat(timespec="seconds"),
        push=secrets.token_hex(6),
    )


def _since_boot(process: psutil.Process) -> float:
    return float(process.create_time() - psutil.boot_time())


def _boot() -> str:
    path = Path("/proc/sys/kernel/random/boot_id")
    return path.read_text("ascii").strip() if path.exists() else ""


def _name(owner: Owner) -> str:
    return f"{owner.user}@{owner.host} (process {owner.pid})"


def _age(owner: Owner) -> str:
    seconds = (datetime.now(UTC) - datetime.fromisoformat(owner.since)).total_seconds()
    return f"since {owner.since}, {max(0, int(seconds))} s ago"
