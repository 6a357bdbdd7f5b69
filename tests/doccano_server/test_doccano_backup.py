"""A real Doccano saved while people work in it, and restored to a fresh one: the same, span by span."""

from __future__ import annotations

import json
import secrets
import stat
import threading
from typing import TYPE_CHECKING, Any

import pytest
from doccano_cli import run
from doccano_layers import make_layer
from doccano_people import annotator

from biaozhu.data.labels import read_labels
from biaozhu.doccano.assignment import assign_sentences
from biaozhu.doccano.connection import connect, find_account
from biaozhu.doccano.local.server import start, stop
from biaozhu.doccano.project import ProjectSpec, require_project
from biaozhu.doccano.pull import pull
from biaozhu.doccano.push import push
from biaozhu.doccano.remote import list_all, read_examples
from biaozhu.doccano.team import create_projects, find_password

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from doccano_people import Person

    from biaozhu.doccano.connection import Connection

pytestmark = pytest.mark.server
LABELS = read_labels()
MOVING = ("comments", "examples", "each")


def everything(connection: Connection, names: Sequence[str]) -> dict[str, Any]:
    """Return all that the API tells about these projects: guideline, labels, members, examples, spans, work on them."""
    found: dict[str, Any] = {}
    for name in names:
        project = require_project(connection, name)
        path = f"projects/{project.id}"
        found[name] = {
            "project": connection.get(path),
            "labels": connection.get(f"{path}/span-types"),
            "members": connection.get(f"{path}/members"),
            "tags": connection.get(f"{path}/tags"),
            "comments": list_all(connection, f"{path}/comments"),
            "examples": read_examples(project),
            "each": [
                {
                    # An address in it begins with the server's.
                    "example": json.loads(json.dumps(example).replace(connection.url, "")),
                    "spans": connection.get(f"{path}/examples/{example['id']}/spans"),
                    "states": list_all(connection, f"{path}/examples/{example['id']}/states"),
                }
                for example in list_all(connection, f"{path}/examples")
            ],
        }
    return found


def work(person: Person, examples: Sequence[int]) -> None:
    for example in examples:
        shown = person.connection.get(f"{person.path(example)}/spans")
        if all(span["start_offset"] >= 1 for span in shown):
            person.draw(example, 0, 1, "人物")
        person.comment(example, "看起来是人名")
        person.confirm(example)


def test_doccano_restored_from_a_backup_is_the_same_span_by_span(
    doccano: Connection, doccano_server: Path, tmp_path: Path
) -> None:
    setting, name = (
        ProjectSpec(f"b-{secrets.token_hex(4)}", LABELS, "# 标注规范"),
        f"p-{secrets.token_hex(4)}",
    )
    # The first character is free, and of one UTF-16 unit.
    layer = [s for s in make_layer("backup", 24) if s.text[0] < "\ud800" and not any(x.start < 1 for x in s.spans)]
    push(doccano, [("backup", layer)], setting)
    create_projects(
        doccano,
        [("backup", layer)],
        setting,
        assign_sentences(setting.name, layer, [name]),
        home=doccano_server,
    )
    names = [setting.name, f"{setting.name}@{name}"]
    project = require_project(doccano, setting.name)
    person = annotator(doccano, f"q-{secrets.token_hex(4)}", project)
    examples = [data["id"] for data in list_all(doccano, f"projects/{project.id}/examples")]
    work(person, examples[:2])
    before = everything(doccano, names)

    # Saved while somebody works, twice: the second replaces the first.
    thread = threading.Thread(target=work, args=(person, examples[2:]))
    thread.start()
    file, home = tmp_path / "doccano.zip", tmp_path / "home"
    for _ in range(2):
        saved = run(doccano_server, "doccano", "backup", file, "--json")
        assert saved.returncode == 0, saved.stderr
    thread.join()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    account = find_account(home=doccano_server)
    assert account.password not in saved.stdout + saved.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["doccano.zip"]

    after = everything(doccano, names)
    try:
        done = run(home, "doccano", "restore", file)
        assert done.returncode == 0, done.stderr
        assert account.password not in done.stdout + done.stderr
        start(home=home, wait_seconds=180)
        restored = connect(find_account(home=home))
        assert restored.url != doccano.url
        found = everything(restored, names)
        # What nobody worked on meanwhile is the same in all; the rest is of one moment, after some of the work.
        assert found[names[1]] == before[names[1]] == after[names[1]]
        quiet = {key: value for key, value in before[setting.name].items() if key not in MOVING}
        assert {key: found[setting.name][key] for key in quiet} == quiet
        for one, old, new in zip(*(x[setting.name]["each"] for x in (found, before, after)), strict=True):
            assert old["spans"] == one["spans"][: len(old["spans"])]
            assert one["spans"] == new["spans"][: len(one["spans"])]
            assert one["states"] in (old["states"], new["states"])
            # Drawn, then confirmed: the second is not there without the first.
            assert not one["states"] or one["spans"] == new["spans"]
        # People log in as before, and the work goes on.
        assert connect(find_password(home, restored.url, name)).username == name
        assert pull(restored, setting).losses == ()
        assert push(restored, [("backup", layer)], setting).added == 0
        refused = run(home, "doccano", "restore", file, "--replace")
        assert refused.returncode == 2
        assert "a Doccano runs there" in refused.stderr
    finally:
        stop(home=home)
