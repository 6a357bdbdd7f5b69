"""A real Doccano behind a bad network, hung, and edited while it is read: nothing lost, nothing twice, one clear line."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import secrets
import signal
import sqlite3
import threading
import time
from typing import TYPE_CHECKING

import pytest
from doccano_layers import make_layer
from doccano_people import Person, annotator
from doccano_proxy import Trouble, network

from biaozhu import cli
from biaozhu.data.errors import BiaozhuError
from biaozhu.data.labels import read_labels
from biaozhu.data.layers import read_layer, write_layer
from biaozhu.data.model import Sentence, Span, with_spans
from biaozhu.doccano.assignment import assign_sentences
from biaozhu.doccano.connection import find_account
from biaozhu.doccano.local.state import find_family
from biaozhu.doccano.project import ProjectSpec, require_project
from biaozhu.doccano.pull import pull
from biaozhu.doccano.push import push
from biaozhu.doccano.remote import count_examples, list_all
from biaozhu.doccano.team import create_projects, make_own_spec, pull_layers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import psutil

    from biaozhu.doccano.connection import Connection

pytestmark = pytest.mark.server
LABELS = read_labels()
# Every kind of request that a push makes and that must not be made twice.
STEPS = (
    r"POST /v1/projects$",
    r"POST .*/span-types$",
    r"POST .*/tags$",
    r"POST /v1/fp/process/",
    r"POST .*/upload$",
    r"POST .*/tags$",
    r"POST .*/download$",
)
UPDATES = (r"PATCH .*/examples/", r"DELETE .*/spans/", r"POST .*/spans$", r"PATCH .*/examples/")
CODES = ("BZ030 ", "BZ032 ", "BZ034 ")


@pytest.fixture
def setting() -> ProjectSpec:
    return ProjectSpec(f"n-{secrets.token_hex(4)}", LABELS)


@pytest.fixture
def through(
    doccano: Connection, doccano_server: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., contextlib.AbstractContextManager[str]]:
    """Let the commands reach the server only through a network with troubles."""
    account = find_account(home=doccano_server)
    monkeypatch.setenv("DOCCANO_USERNAME", account.username)
    monkeypatch.setenv("DOCCANO_PASSWORD", account.password)
    monkeypatch.setenv("DOCCANO_TIMEOUT", "5")

    @contextlib.contextmanager
    def enter(*troubles: Trouble) -> Iterator[str]:
        with network(doccano.url, *troubles) as url:
            monkeypatch.setenv("DOCCANO_URL", url)
            yield url
        monkeypatch.delenv("DOCCANO_URL")

    return enter


def check_line(said: str) -> str:
    """One line, with a code and a next step; return it."""
    last = said.splitlines()[-1]
    assert last.startswith(CODES), said
    assert "Traceback" not in said
    assert "again" in last or "biaozhu doccano" in last, last
    return last


def push_until_done(capsys: pytest.CaptureFixture[str], path: Path, setting: ProjectSpec) -> list[str]:
    """Run the same push again and again, as somebody would; return the lines of those that failed."""
    lines = []
    for _ in range(12):
        capsys.readouterr()
        status = cli.run(["push", str(path), "--project", setting.name])
        if status == 0:
            return lines
        assert status == 2
        lines.append(check_line(capsys.readouterr().err))
    raise AssertionError(lines)


def check_whole(connection: Connection, setting: ProjectSpec, layer: Sequence[Sentence]) -> None:
    """Nothing lost, nothing twice, in order, and no lock left."""
    project = require_project(connection, setting.name)
    assert count_examples(project) == len(layer)
    pulled = pull(connection, setting)
    assert (pulled.losses, pulled.changes, pulled.consistent) == ((), (), True)
    assert list(pulled.sentences) == list(layer)
    assert connection.get(f"projects/{project.id}/tags") == []
    found = [data["meta"]["sid"] for data in list_all(connection, f"projects/{project.id}/examples")]
    assert found == [sentence.id for sentence in layer]


@pytest.mark.parametrize("kind", ["error", "lost answer"])
def test_doccano_push_through_a_bad_network_ends_whole(
    doccano: Connection,
    through: Callable[..., contextlib.AbstractContextManager[str]],
    setting: ProjectSpec,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    kind: str,
) -> None:
    layer, path = make_layer("network", 30), tmp_path / "network.jsonl"
    write_layer(path, layer)
    troubles = [Trouble(kind, step) for step in STEPS]
    with through(*troubles):
        lines = push_until_done(capsys, path, setting)
    assert [one.met for one in troubles] == [1] * len(STEPS)
    assert len(lines) >= len(STEPS) - 1
    check_whole(doccano, setting, layer)

    # The same for spans that are replaced one by one.
    changed = [with_spans(s, [Span(0, 1, "PERSON", "new")]) if s.spans else s for s in layer[:6]] + layer[6:]
    write_layer(path, changed)
    troubles = [Trouble(kind, step) for step in UPDATES]
    with through(*troubles):
        push_until_done(capsys, path, setting)
    assert [one.met for one in troubles] == [1] * len(UPDATES)
    check_whole(doccano, setting, changed)


@pytest.mark.parametrize("kind", ["cut", "reset"])
def test_doccano_pull_asks_again_for_a_download_that_broke_off(
    doccano: Connection,
    through: Callable[..., contextlib.AbstractContextManager[str]],
    setting: ProjectSpec,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    kind: str,
) -> None:
    layer, out = make_layer("download", 30), tmp_path / "out.jsonl"
    push(doccano, [("download", layer)], setting)
    write_layer(out, layer[:1])
    before = out.read_bytes()
    command = ["pull", "-o", str(out), "--project", setting.name]
    with through(Trouble(kind, "GET .*/download", times=100)):
        assert cli.run(command) == 2
    assert "the connection broke off" in check_line(capsys.readouterr().err)
    assert out.read_bytes() == before
    with through(*(Trouble(kind, f"GET .*/{part}") for part in ("download", "projects", "members"))):
        assert cli.run(command) == 0
    assert list(read_layer(out)) == layer


def test_doccano_slow_network_only_takes_longer(
    doccano: Connection,
    through: Callable[..., contextlib.AbstractContextManager[str]],
    setting: ProjectSpec,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    layer, path = make_layer("slow", 10), tmp_path / "slow.jsonl"
    write_layer(path, layer)
    # Longer in all than the limit, which is one of silence.
    monkeypatch.setenv("DOCCANO_TIMEOUT", "4")
    with through(Trouble("slow", "GET .*/download", times=2)):
        assert cli.run(["push", str(path), "--project", setting.name]) == 0, capsys.readouterr().err
    check_whole(doccano, setting, layer)


@pytest.mark.parametrize(("part", "seconds"), [("gunicorn", "3"), ("celery", "30")])
def test_doccano_that_hangs_is_one_line_and_the_rerun_finishes(  # noqa: PLR0913, PLR0917 — fixtures
    doccano: Connection,
    doccano_server: Path,
    setting: ProjectSpec,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    part: str,
    seconds: str,
) -> None:
    monkeypatch.setenv("DOCCANO_TIMEOUT", seconds)
    layer, path = make_layer("hung", 30), tmp_path / "hung.jsonl"
    write_layer(path, layer)
    command = ["push", str(path), "--project", setting.name, "--home", str(doccano_server)]
    # Stopped, the processes still hold their sockets: the kernel accepts, nobody answers.
    hung = [process for process in find_family(doccano_server) if part in " ".join(process.cmdline())]
    stop_at_rest(hung, doccano_server)
    try:
        started = time.monotonic()
        assert cli.run(command) == 2
        assert time.monotonic() - started < 120
    finally:
        for process in hung:
            process.send_signal(signal.SIGCONT)
    line = check_line(capsys.readouterr().err)
    assert ("in time" if part == "gunicorn" else "worker") in line
    assert cli.run(command) == 0
    check_whole(doccano, setting, layer)


def stop_at_rest(processes: Sequence[psutil.Process], home: Path) -> None:
    """Stop processes while no database is locked: a worker stopped as it asks its queue would stop the server too."""
    for _ in range(50):
        for process in processes:
            process.send_signal(signal.SIGSTOP)
        if all(can_be_written(home / name) for name in ("db.sqlite3", "queue.sqlite3")):
            return
        for process in processes:
            process.send_signal(signal.SIGCONT)
        time.sleep(0.1)
    raise AssertionError("a database stays locked")


def can_be_written(database: Path) -> bool:
    with contextlib.closing(sqlite3.connect(database, timeout=0.5, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        connection.execute("ROLLBACK")
    return True


def plain_layer(name: str, count: int) -> list[Sentence]:
    """Return sentences in which every offset is a place where somebody can draw."""
    article = hashlib.sha256(name.encode()).hexdigest()[:12]
    return [
        Sentence(article, 9 * n, 9 * n + 8, "甲乙丙丁戊己庚辛", (Span(0, 2, "PERSON", "rule", 0.5),))
        for n in range(count)
    ]


def edit_without_pause(person: Person, examples: Sequence[int], stop: threading.Event) -> None:
    """Move one span on and on, as fast as the server lets one: no two moments look the same for long."""
    for place in itertools.cycle(range(2, 8)):
        for example in examples:
            if stop.is_set():
                return
            # A busy server may refuse one edit; the next comes at once.
            with contextlib.suppress(BiaozhuError):
                for span in person.connection.get(f"{person.path(example)}/spans"):
                    if span["start_offset"] >= 2:
                        person.erase(example, span["id"])
                person.draw(example, place, place + 1, "地点")


@contextlib.contextmanager
def somebody_editing(person: Person, examples: Sequence[int]) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=edit_without_pause, args=(person, examples, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_doccano_pull_says_when_people_were_editing(
    doccano: Connection,
    doccano_server: Path,
    setting: ProjectSpec,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    layer, out = plain_layer("editing", 40), tmp_path / "out.jsonl"
    push(doccano, [("editing", layer)], setting)
    project = require_project(doccano, setting.name)
    person = annotator(doccano, f"e-{secrets.token_hex(4)}", project)
    examples = [data["id"] for data in list_all(doccano, f"projects/{project.id}/examples")][:5]
    command = ["pull", "-o", str(out), "--project", setting.name, "--home", str(doccano_server)]
    with somebody_editing(person, examples):
        assert cli.run(command) == 0
    assert "people were editing during the pull" in capsys.readouterr().err
    # Offsets are true all the same, and untouched sentences are as they were sent.
    back = read_layer(out)
    assert [s.id for s in back] == [s.id for s in layer]
    assert list(back[5:]) == layer[5:]
    assert cli.run([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["consistent"] is True


def test_doccano_annotators_layers_say_when_they_were_working(
    doccano: Connection, setting: ProjectSpec, tmp_path: Path
) -> None:
    layer = plain_layer("working", 20)
    name = f"w-{secrets.token_hex(4)}"
    plan = assign_sentences(setting.name, layer, [name])
    create_projects(doccano, [("working", layer)], setting, plan, home=tmp_path)
    project = require_project(doccano, make_own_spec(setting, name).name)
    person = Person(doccano, project)
    examples = [data["id"] for data in list_all(doccano, f"projects/{project.id}/examples")][:5]
    ticks: list[int] = []
    with somebody_editing(person, examples):
        assert [one.consistent for one in pull_layers(doccano, setting, plan, tick=ticks.append)] == [False]
    # Read twice, counted once.
    assert sum(ticks) == len(layer)
    assert [one.consistent for one in pull_layers(doccano, setting, plan)] == [True]
