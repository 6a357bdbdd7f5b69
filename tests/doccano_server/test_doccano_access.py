"""Who may do what in the Doccano that we start: every route, as everybody, and what files it keeps."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from doccano_layers import make_layer
from doccano_people import annotator

from biaozhu.data.labels import read_labels
from biaozhu.doccano.connection import Account, find_account
from biaozhu.doccano.local.server import find_venv
from biaozhu.doccano.local.state import find_family
from biaozhu.doccano.project import ProjectSpec, require_project
from biaozhu.doccano.pull import pull
from biaozhu.doccano.push import push
from biaozhu.doccano.remote import read_examples, wait_for_task

if TYPE_CHECKING:
    from biaozhu.doccano.connection import Connection
    from biaozhu.doccano.project import Project

pytestmark = pytest.mark.server
ROOT = Path(__file__).parents[2]
WALK = ROOT / "tests/material/server/doccano_walk.py"
ACTORS = ("stranger", "outsider", "annotator", "manager", "administrator")
# Under a project of one's own and with another's id in the query: an empty list, nothing removed, an own export.
HARMLESS = {
    "v1/projects/<int:project_id>/comments": {"GET", "DELETE"},
    "v1/projects/<int:project_id>/download": {"POST"},
}


def read_table() -> dict[str, dict[str, set[str]]]:
    """Return by actor and route the methods that docs/doccano-access.md names."""
    allowed: dict[str, dict[str, set[str]]] = {actor: {} for actor in ACTORS}
    for line in (ROOT / "docs/doccano-access.md").read_text("utf-8").splitlines():
        if line.startswith("| `"):
            route, *cells = [cell.strip().strip("`") for cell in line.strip("|").split(" | ")]
            for actor, cell in zip(ACTORS, cells, strict=True):
                allowed[actor][route] = set(cell.split()) - {"–"}
    return allowed


@pytest.fixture(scope="module")
def walked(doccano_server: Path) -> dict[str, Any]:
    """What everybody reaches, found in the environment of the running server."""
    web = next(one for one in find_family(doccano_server) if "gunicorn" in " ".join(one.cmdline()))
    backend = next(find_venv().glob("lib/python*/site-packages/backend"))
    done = subprocess.run(
        [find_venv() / "bin" / "python", WALK],
        cwd=backend,
        env=web.environ(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_doccano_routes_are_open_only_to_whom_the_table_names(walked: dict[str, Any]) -> None:
    table = read_table()
    assert len(walked["routes"]) > 150
    for actor in ACTORS:
        found: dict[str, set[str]] = {}
        for route in walked["routes"]:
            name = "admin/…" if route.startswith("admin/") else route or "(any other)"
            found.setdefault(name, set()).update(walked["open"][actor].get(route, ()))
        assert found == table[actor], actor


def test_doccano_ids_of_another_project_are_not_found(walked: dict[str, Any]) -> None:
    for actor, reached in walked["smuggled"].items():
        for route, methods in reached.items():
            assert set(methods) <= HARMLESS.get(route, set()), (actor, route)


def test_doccano_refuses_what_another_site_makes_a_browser_send(walked: dict[str, Any]) -> None:
    assert walked["without CSRF token"] == {}
    assert walked["from another site"] == {}
    assert walked["from another origin"] == {}


@pytest.fixture
def project(doccano: Connection) -> Project:
    spec = ProjectSpec(f"a-{secrets.token_hex(4)}", read_labels())
    push(doccano, [("access", make_layer("access", 5))], spec)
    return require_project(doccano, spec.name)


def test_doccano_stores_and_fetches_nothing_for_a_stranger(doccano: Connection, doccano_server: Path) -> None:
    stored = set((doccano_server / "uploads").rglob("*"))
    files = {"filepond": ("x.jsonl", b"x" * (1 << 20))}
    assert requests.post(f"{doccano.url}/v1/fp/process/", files=files, timeout=30).status_code == 403
    fetch = f"{doccano.url}/v1/fp/fetch/?target={doccano.url}/v1/health/"
    assert requests.get(fetch, timeout=30).status_code == 403
    assert doccano.session.get(fetch).status_code == 403
    assert requests.delete(f"{doccano.url}/v1/fp/revert/", data="a" * 22, timeout=30).status_code == 403
    assert set((doccano_server / "uploads").rglob("*")) == stored


@pytest.mark.parametrize("path", ["/v1/fp/process/", "/v1/projects"])
def test_doccano_refuses_long_bodies_before_it_reads_them(doccano: Connection, path: str) -> None:
    request = doccano.session.prepare_request(requests.Request("POST", f"{doccano.url}{path}", data=b"x"))
    request.headers["Content-Length"] = str(1 << 30)
    assert doccano.session.send(request).status_code == 413


def test_doccano_annotator_cannot_rewrite_a_project_by_put(doccano: Connection, project: Project) -> None:
    person = annotator(doccano, f"p-{secrets.token_hex(4)}", project)
    example = read_examples(project)[0]
    label = next(iter(project.label_types.values()))
    base = f"{doccano.url}/v1/projects/{project.id}"
    for path, data in (
        ("", {"name": "x", "resourcetype": "SequenceLabelingProject", "project_type": "SequenceLabeling"}),
        (f"/examples/{example.id}", {"text": "换了", "meta": {}}),
        (f"/span-types/{label}", {"text": "换了"}),
    ):
        assert person.connection.session.put(f"{base}{path}", json=data).status_code == 403, path
    assert pull(doccano, ProjectSpec(project.name, read_labels())).losses == ()


def test_doccano_annotation_cannot_name_things_of_another_project(doccano: Connection, project: Project) -> None:
    other = ProjectSpec(f"b-{secrets.token_hex(4)}", read_labels())
    push(doccano, [("other", make_layer("other", 3))], other)
    there = require_project(doccano, other.name)
    person = annotator(doccano, f"p-{secrets.token_hex(4)}", project)
    session, example = person.connection.session, read_examples(project)[0].id
    spans = f"{doccano.url}/v1/{person.path(example)}/spans"
    span = {"start_offset": 0, "end_offset": 1, "label": next(iter(there.label_types.values()))}
    assert session.post(spans, json=span).status_code == 404
    # As a form, and in an encoding that only one of two readers knows.
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert session.post(spans, data=span, headers=form).status_code == 415
    own = session.post(
        spans,
        json={**span, "start_offset": 900, "end_offset": 901, "label": person.project.label_types["地点"]},
    )
    assert own.status_code == 201
    foreign = read_examples(there)[0].id
    body = json.dumps({"example": foreign}).encode("utf-16")
    headers = {"Content-Type": "application/json; charset=utf-16"}
    assert session.patch(f"{spans}/{own.json()['id']}", data=body, headers=headers).status_code == 404
    comment = f"{doccano.url}/v1/projects/{project.id}/comments?example={foreign}"
    assert session.post(comment, json={"text": "?"}).status_code == 404
    assert session.get(f"{doccano.url}/v1/projects/0/examples/{foreign}").status_code == 403


def test_doccano_login_of_another_site_is_refused(doccano: Connection, doccano_server: Path) -> None:
    account: Account = find_account(home=doccano_server)
    data = {"username": account.username, "password": account.password}
    url = f"{doccano.url}/v1/auth/login/"
    for headers in ({"Origin": "http://localhost:1"}, {"Origin": "null"}, {"Sec-Fetch-Site": "same-site"}):
        assert requests.post(url, json=data, headers=headers, timeout=30).status_code == 403
    assert requests.post(url, data=data, timeout=30).status_code == 415
    assert requests.post(url, json=data, headers={"Origin": doccano.url}, timeout=30).status_code == 200
    # A link on another page still opens Doccano's own.
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert requests.get(f"{doccano.url}/projects", headers=link, timeout=30).status_code == 200


def test_doccano_keeps_neither_uploads_nor_exports(doccano: Connection, doccano_server: Path, project: Project) -> None:
    media = doccano_server / "media"
    assert [path for path in (doccano_server / "uploads").rglob("*") if path.is_file()] == []
    assert [path for path in media.rglob("*") if path.is_file() and path.suffix != ".zip"] == []
    task = doccano.post(f"projects/{project.id}/download", {"format": "JSONL", "exportApproved": False})["task_id"]
    archive = Path(wait_for_task(doccano, task))
    assert archive.is_file()
    assert doccano.session.get(f"{doccano.url}/media/{archive.name}").status_code == 403
    other = ProjectSpec(f"e-{secrets.token_hex(4)}", read_labels())
    push(doccano, [("e", make_layer("e", 1))], other)
    there = require_project(doccano, other.name)
    wrong = f"{doccano.url}/v1/projects/{there.id}/download?taskId={task}"
    assert doccano.session.get(wrong).status_code == 404
    assert doccano.call(doccano.http.get, f"projects/{project.id}/download", params={"taskId": task}).content
    # It says of itself that its time is over in a minute; as if that had passed:
    assert archive.stat().st_mtime < time.time() - 13 * 60
    os.utime(archive, (1, 1))
    deadline = time.monotonic() + 90
    while archive.exists() and time.monotonic() < deadline:
        time.sleep(1)
    assert not archive.exists()
    assert doccano.session.get(f"{doccano.url}/v1/projects/{project.id}/download?taskId={task}").status_code == 404
