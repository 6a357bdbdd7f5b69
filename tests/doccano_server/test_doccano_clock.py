"""Clocks that are set, the server's and ours: nobody's work is taken for nobody's, and no live push for a dead one."""

from __future__ import annotations

import os
import secrets
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from doccano_cli import run
from doccano_people import Person

from biaozhu.data.labels import read_labels
from biaozhu.data.layers import write_layer
from biaozhu.data.model import Sentence, Span, with_spans
from biaozhu.doccano.journal import LockOwner, hold_lock, read_tags, remove_tag, write_tag
from biaozhu.doccano.local.state import SQLITE_FILE
from biaozhu.doccano.project import ProjectSpec, require_project
from biaozhu.doccano.pull import pull
from biaozhu.doccano.push import push
from biaozhu.doccano.remote import list_all, read_spans

if TYPE_CHECKING:
    from biaozhu.doccano.connection import Connection

pytestmark = pytest.mark.server


def make_layer() -> list[Sentence]:
    span = Span(0, 2, "PERSON", "rule", 0.5)
    return [Sentence("c" * 12, 9 * n, 9 * n + 8, "甲乙丙丁戊己庚辛", (span,)) for n in range(6)]


def test_doccano_server_clock_set_back_after_an_edit_hides_no_work(doccano: Connection, doccano_server: Path) -> None:
    setting, layer = ProjectSpec(f"c-{secrets.token_hex(4)}", read_labels()), make_layer()
    push(doccano, [("clock", layer)], setting)
    project = require_project(doccano, setting.name)
    example = int(list_all(doccano, f"projects/{project.id}/examples")[0]["id"])
    (record,) = read_spans(project, example)
    assert not record.edited
    # Somebody thinks about it and leaves it as it was; meanwhile the clock goes back an hour.
    person = Person(doccano, project)
    person.relabel(example, record.id, "地点")
    person.relabel(example, record.id, "人物")
    with closing(sqlite3.connect(doccano_server / SQLITE_FILE, timeout=30)) as database, database:
        database.execute(
            "UPDATE labels_span SET updated_at = datetime(created_at, '-1 hour') WHERE id = ?", (record.id,)
        )
    (record,) = read_spans(project, example)
    assert record.updated < record.created
    other = [with_spans(s, [Span(2, 4, "PLACE", "rule", 0.5)]) for s in layer]
    report = push(doccano, [("clock", other)], setting)
    assert (report.updated, report.kept) == (5, (layer[0].id,))
    pulled = pull(doccano, setting)
    assert [s.spans for s in pulled.sentences] == [layer[0].spans, *(s.spans for s in other[1:])]


def test_doccano_lock_of_a_clock_that_is_ahead_is_a_lock(
    doccano: Connection, doccano_server: Path, tmp_path: Path
) -> None:
    setting, layer, path = (
        ProjectSpec(f"c-{secrets.token_hex(4)}", read_labels()),
        make_layer(),
        tmp_path / "c.jsonl",
    )
    write_layer(path, layer)
    push(doccano, [("clock", layer)], setting)
    project = require_project(doccano, setting.name)
    with hold_lock(project) as owner:
        ticks = int(Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()[19])
        # Counted from the machine's start, so that no setting of the clock makes a live push look dead.
        assert abs(owner.started - ticks / os.sysconf("SC_CLK_TCK")) < 2
        ((number, _),) = read_tags(project, LockOwner)
        remove_tag(project, number)
        number = write_tag(project, replace(owner, since="2099-01-01T00:00:00+00:00"))
        refused = run(doccano_server, "push", path, "--project", setting.name)
        assert refused.returncode == 2
        assert refused.stderr.splitlines()[-1].startswith("BZ035 ")
        assert "0 s ago" in refused.stderr
        remove_tag(project, number)
    again = run(doccano_server, "push", path, "--project", setting.name, "--json")
    assert again.returncode == 0, again.stderr
    assert '"unchanged": 6' in again.stdout
