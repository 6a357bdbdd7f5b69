"""Against a real Doccano that is killed, doubled and held up: nothing lost, nothing twice, and a rerun finishes."""

from __future__ import annotations

import itertools
import os
import secrets
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import psutil
import pytest
from doccano_cli import command, run
from doccano_client.repositories.data_upload import DataUploadRepository
from doccano_layers import make_layer

from biaozhu.data.errors import LockedError
from biaozhu.data.labels import read_labels
from biaozhu.data.layers import write_layer
from biaozhu.data.model import Sentence, with_spans
from biaozhu.doccano.connection import connect, find_account
from biaozhu.doccano.journal import ImportBatch, LockOwner, hold_lock, read_tags, write_tag
from biaozhu.doccano.local import server
from biaozhu.doccano.local.server import start
from biaozhu.doccano.local.state import find_family
from biaozhu.doccano.project import PROJECT_TYPE, ProjectSpec, ensure_project, find_project
from biaozhu.doccano.pull import pull
from biaozhu.doccano.push import push
from biaozhu.doccano.remote import count_examples, wait_for_task
from biaozhu.formats.serialization import make_import_line, make_meta

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from biaozhu.doccano.connection import Connection
    from biaozhu.doccano.local.state import ServerProcess, ServerState
    from biaozhu.doccano.project import Project

pytestmark = pytest.mark.server
LABELS = read_labels()
COUNT = 1500


def new_setting() -> ProjectSpec:
    return ProjectSpec(f"f-{secrets.token_hex(4)}", LABELS)


def kill(home: Path, part: str) -> None:
    """Kill a part of the server, or all of it, as the kernel does when memory runs out."""
    for process in find_family(home):
        words = " ".join(process.cmdline())
        if part == "all" or part in words:
            process.kill()


def check_whole(home: Path, setting: ProjectSpec, layer: Sequence[Sentence]) -> None:
    """Nothing lost, nothing twice, nothing changed, in order, and no lock left."""
    connection = connect(find_account(home=home))
    project = find_project(connection, setting.name)
    assert project is not None
    assert count_examples(project) == len(layer)
    pulled = pull(connection, setting)
    assert (pulled.losses, pulled.changes) == ((), ())
    assert list(pulled.sentences) == list(layer)
    assert connection.get(f"projects/{project.id}/tags") == []
    listed = connection.get(f"projects/{project.id}/examples", params={"limit": 5000})["results"]
    assert [example["meta"]["sid"] for example in listed] == [sentence.id for sentence in layer]


def push_and_kill(home: Path, path: Path, setting: ProjectSpec, *, victim: str, after: float) -> bool:
    """Push in another process, kill the victim some seconds after the project is there, and push again.

    Returns:
        Whether the first push was still at work when the victim was killed.
    """
    pushing = subprocess.Popen(
        command(home, "push", path, "--project", setting.name),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for_project(home, setting, pushing)
    time.sleep(after)
    at_work = pushing.poll() is None
    if victim == "push":
        pushing.kill()
    else:
        kill(home, victim)
    _, said = pushing.communicate(timeout=900)
    if pushing.returncode not in (0, -signal.SIGKILL):
        assert pushing.returncode == 2
        assert said.splitlines()[-1].startswith("BZ03")
        assert "Traceback" not in said
    start(home=home, wait_seconds=180)
    again = run(home, "push", path, "--project", setting.name)
    assert again.returncode == 0, again.stderr
    return at_work


def wait_for_project(home: Path, setting: ProjectSpec, pushing: subprocess.Popen[str]) -> None:
    connection = connect(find_account(home=home))
    while find_project(connection, setting.name) is None and pushing.poll() is None:
        time.sleep(0.02)


def test_doccano_part_that_was_about_to_end_is_started_again(
    doccano_server: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(home=doccano_server, wait_seconds=180)
    kill(doccano_server, "celery")
    # A killed process may still be there for a moment when `start` looks.
    look, looks = server._list_living, itertools.count()  # noqa: SLF001 — the moment cannot be met otherwise

    def look_later(state: ServerState, home: Path) -> tuple[ServerProcess, ...]:
        return state.processes if next(looks) < 2 else look(state, home)

    monkeypatch.setattr(server, "_list_living", look_later)
    assert start(home=doccano_server, wait_seconds=180).healthy


@pytest.mark.parametrize("victim", ["all", "celery", "push"])
@pytest.mark.parametrize("after", [0.4, 2.0])
def test_doccano_push_survives_a_kill(doccano_server: Path, tmp_path: Path, victim: str, after: float) -> None:
    start(home=doccano_server, wait_seconds=180)
    setting, layer, path = new_setting(), make_layer("kill", COUNT), tmp_path / "kill.jsonl"
    write_layer(path, layer)
    push_and_kill(doccano_server, path, setting, victim=victim, after=after)
    check_whole(doccano_server, setting, layer)


@pytest.fixture(scope="module")
def push_seconds(doccano_server: Path, tmp_path_factory: pytest.TempPathFactory) -> float:
    """How long a push that nobody harms takes here, from the project on."""
    start(home=doccano_server, wait_seconds=180)
    setting, path = new_setting(), tmp_path_factory.mktemp("whole") / "whole.jsonl"
    write_layer(path, make_layer("kill", COUNT))
    pushing = subprocess.Popen(
        command(doccano_server, "push", path, "--project", setting.name), stderr=subprocess.PIPE, text=True
    )
    wait_for_project(doccano_server, setting, pushing)
    begun = time.monotonic()
    assert pushing.wait() == 0
    return time.monotonic() - begun


STRUCK: dict[str, list[bool]] = {"all": [], "celery": [], "push": []}


@pytest.mark.endurance
@pytest.mark.timeout(2000)  # a machine that is busy all the while is no failure
@pytest.mark.parametrize("victim", ["all", "celery", "push"])
@pytest.mark.parametrize("point", range(10))
def test_doccano_push_survives_kills_at_many_points(
    doccano_server: Path, tmp_path: Path, push_seconds: float, victim: str, point: int
) -> None:
    start(home=doccano_server, wait_seconds=180)
    setting, layer, path = new_setting(), make_layer("kill", COUNT), tmp_path / "kill.jsonl"
    write_layer(path, layer)
    # One point by chance in each tenth of the time that this push takes.
    after = (point + secrets.randbelow(1000) / 1000) / 10 * push_seconds
    at_work = push_and_kill(doccano_server, path, setting, victim=victim, after=after)
    print(f"{victim} killed {after:.2f} s into a push of {push_seconds:.1f} s, at work: {at_work}")  # noqa: T201 — `make test-endurance` shows it
    STRUCK[victim].append(at_work)
    check_whole(doccano_server, setting, layer)


@pytest.mark.endurance
def test_doccano_kills_at_many_points_struck_pushes_at_work() -> None:
    # The last tenth may fall behind the end of a push that was quicker than the measured one.
    assert all(len(struck) == 10 and sum(struck) >= 7 for struck in STRUCK.values()), STRUCK


def test_doccano_import_that_waits_in_the_queue_of_a_killed_push_does_not_come_twice(
    doccano: Connection, doccano_server: Path, tmp_path: Path
) -> None:
    setting, layer, path = new_setting(), make_layer("late", 50), tmp_path / "late.jsonl"
    write_layer(path, layer)
    kill(doccano_server, "celery")
    pushing = subprocess.Popen(
        command(doccano_server, "push", path, "--project", setting.name),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    project = None
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        project = project or find_project(doccano, setting.name)
        if project and any(batch.task for _, batch in read_tags(project, ImportBatch)):
            break
        time.sleep(0.05)
    pushing.kill()
    pushing.wait()
    assert project is not None
    assert count_examples(project) == 0
    start(home=doccano_server, wait_seconds=180)
    again = run(doccano_server, "push", path, "--project", setting.name)
    assert again.returncode == 0, again.stderr
    check_whole(doccano_server, setting, layer)


def test_doccano_push_without_a_worker_says_so(doccano_server: Path, tmp_path: Path) -> None:
    start(home=doccano_server, wait_seconds=180)
    write_layer(tmp_path / "a.jsonl", make_layer("worker", 3))
    kill(doccano_server, "celery")
    time.sleep(0.5)
    stuck = run(doccano_server, "push", tmp_path / "a.jsonl", "--project", new_setting().name)
    assert stuck.returncode == 2
    assert "worker" in stuck.stderr.splitlines()[-1]
    assert "biaozhu doccano up" in stuck.stderr
    shown = run(doccano_server, "doccano", "status", "--json")
    assert shown.returncode == 1
    assert '"worker"' in shown.stdout


def import_raw(connection: Connection, project: Project, layer: Sequence[Sentence], batch: str, *, bare: bool) -> None:
    """Import as the worker does when it repeats a task, or when it is cut off between examples and spans."""
    names = {label.id: label.name for label in LABELS}
    lines = []
    for sentence in layer:
        meta = make_meta(sentence, "double", by=connection.user_id, batch=batch)
        lines.append(make_import_line(with_spans(sentence, ()) if bare else sentence, meta, names))
    uploads = DataUploadRepository(connection.http)
    path = f"/tmp/{secrets.token_hex(8)}.jsonl"  # noqa: S108 — removed below, its name cannot be guessed
    with open(path, "w", encoding="ascii") as file:  # noqa: PTH123 — as above
        file.write("\n".join(lines) + "\n")
    upload = uploads.upload(path)
    os.unlink(path)  # noqa: PTH108 — as above
    wait_for_task(connection, uploads.ingest(project.id, [upload], PROJECT_TYPE, "JSONL", encoding="utf_8"))


@pytest.mark.parametrize("runs", [(False, False), (True, False), (True,), (True, True, False), (False, True)])
def test_doccano_push_heals_what_repeated_and_cut_off_imports_left(
    doccano: Connection, doccano_server: Path, runs: tuple[bool, ...]
) -> None:
    setting = new_setting()
    layer = make_layer("double", 20)
    project = ensure_project(doccano, setting)
    batch = ImportBatch("0" * 12, 0, "x" * 22)
    write_tag(project, batch)
    for bare in runs:
        import_raw(doccano, project, layer, batch.name, bare=bare)
    assert count_examples(project) == len(layer) * len(runs)
    report = push(doccano, [("double", layer)], setting)
    assert report.healed == len(layer) * (len(runs) if all(runs) else len(runs) - 1)
    assert report.losses == []
    check_whole(doccano_server, setting, layer)


def test_doccano_lock_names_its_owner_and_yields_only_to_a_dead_one(
    doccano: Connection, doccano_server: Path, tmp_path: Path
) -> None:
    setting, layer, path = new_setting(), make_layer("lock", 5), tmp_path / "lock.jsonl"
    write_layer(path, layer)
    project = ensure_project(doccano, setting)
    with hold_lock(project):
        refused = run(doccano_server, "push", path, "--project", setting.name)
        assert refused.returncode == 2
        last = refused.stderr.splitlines()[-1]
        assert last.startswith("BZ035 ")
        assert f"process {os.getpid()}" in last
        assert " s ago" in last
        with pytest.raises(LockedError), hold_lock(project):
            pass
    assert read_tags(project, LockOwner) == []
    me = psutil.Process()
    there = LockOwner("anna", "another-machine", "", 1, 0.0, "2026-01-01T00:00:00+00:00", "a" * 12)
    write_tag(project, there)
    assert run(doccano_server, "push", path, "--project", setting.name).returncode == 2
    broken = run(doccano_server, "push", path, "--project", setting.name, "--break-lock")
    assert broken.returncode == 0, broken.stderr
    with hold_lock(project) as owner:
        pass
    write_tag(
        project, LockOwner(owner.user, owner.host, owner.boot, me.pid, me.create_time() - 500, owner.since, "b" * 12)
    )
    write_tag(project, LockOwner(owner.user, owner.host, "an earlier boot", me.pid, 0.0, owner.since, "c" * 12))
    freed = run(doccano_server, "push", path, "--project", setting.name)
    assert freed.returncode == 0, freed.stderr
    check_whole(doccano_server, setting, layer)


def test_doccano_two_pushes_at_once_end_in_one_whole_project(doccano_server: Path, tmp_path: Path) -> None:
    start(home=doccano_server, wait_seconds=180)
    setting, layer, path = new_setting(), make_layer("both", 300), tmp_path / "both.jsonl"
    write_layer(path, layer)
    both = [
        subprocess.Popen(
            command(doccano_server, "push", path, "--project", setting.name),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    ends = [process.communicate(timeout=200)[1] for process in both]
    assert 0 in [process.returncode for process in both]
    for process, said in zip(both, ends, strict=True):
        assert process.returncode == 0 or said.splitlines()[-1].startswith("BZ03"), said
    assert run(doccano_server, "push", path, "--project", setting.name).returncode == 0
    check_whole(doccano_server, setting, layer)
