"""A worker that is busy is not taken for dead, nor a dead one for busy."""

from __future__ import annotations

import os
import secrets
import signal
import sys
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from doccano_layers import make_layer

from biaozhu.data.errors import ServerError
from biaozhu.data.labels import read_labels
from biaozhu.doccano import remote
from biaozhu.doccano.connection import Account, connect, find_account
from biaozhu.doccano.local.state import (
    HOME_VARIABLE,
    find_family,
    make_state,
    spawn,
    worker_runs,
    write_state,
)
from biaozhu.doccano.project import ProjectSpec, require_project
from biaozhu.doccano.push import push
from biaozhu.doccano.remote import check_worker, wait_for_task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import psutil

    from biaozhu.doccano.connection import Connection

SLEEP = [sys.executable, "-c", "import time; time.sleep(300)"]


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert true()


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[psutil.Process]:
    """A process that the state file of this home names as its worker."""
    home = tmp_path.resolve()
    environment = {**os.environ, HOME_VARIABLE: str(home)}
    process = spawn("worker", SLEEP, environment=environment, folder=home, log=home / "worker.log")
    write_state(home, replace(make_state(4711), processes=(process,)))
    (member,) = find_family(home)
    yield member
    member.kill()
    member.wait()


def test_remote_worker_of_a_local_server_is_told_by_its_process(tmp_path: Path, worker: psutil.Process) -> None:
    assert worker_runs(tmp_path)
    worker.send_signal(signal.SIGSTOP)
    wait_until(lambda: not worker_runs(tmp_path))
    worker.send_signal(signal.SIGCONT)
    wait_until(lambda: worker_runs(tmp_path))
    worker.kill()
    wait_until(lambda: not worker_runs(tmp_path))
    assert not worker_runs(tmp_path / "elsewhere")


@pytest.mark.server
def test_doccano_worker_that_is_silent_over_a_long_task_is_waited_for(
    doccano: Connection, doccano_server: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting = ProjectSpec(f"r-{secrets.token_hex(4)}", read_labels())
    push(doccano, [("silent", make_layer("silent", 3))], setting)
    project = require_project(doccano, setting.name)
    account = find_account(home=doccano_server)
    assert account.home == doccano.home == doccano_server
    elsewhere = connect(Account(account.url, account.username, account.password))
    monkeypatch.setattr(remote, "WORKER_CHECK_SECONDS", 0.5)
    # Halted for some seconds the worker ends no task and answers no health check, as over a long export.
    halted = [one for one in find_family(doccano_server) if "celery" in " ".join(one.cmdline())]
    for process in halted:
        process.send_signal(signal.SIGSTOP)
    try:
        wait_until(lambda: not worker_runs(doccano_server))
        begun = time.monotonic()
        with pytest.raises(ServerError):
            check_worker(doccano, begun)
        assert check_worker(elsewhere, begun) == begun
        with pytest.raises(ServerError):
            check_worker(elsewhere, begun - remote.WORKER_SILENCE_SECONDS)
        asked = {"format": "JSONL", "exportApproved": False}
        task = elsewhere.post(f"projects/{project.id}/download", asked)["task_id"]
        threading.Timer(5, resume, [halted]).start()
        begun = time.monotonic()
        wait_for_task(elsewhere, task)
        assert time.monotonic() - begun >= 4
    finally:
        resume(halted)


def resume(processes: list[psutil.Process]) -> None:
    for process in processes:
        process.send_signal(signal.SIGCONT)
