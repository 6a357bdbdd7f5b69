"""Walk every route of Doccano, in its own environment, as everybody: prints as JSON who gets past the doors.

Each request is rolled back. 401, 403, 404 and 405 are a closed door; anything else has reached the view.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django

django.setup()

from auto_labeling.models import AutoLabelingConfig  # noqa: E402 — models exist only after the setup
from config.celery import app  # noqa: E402
from django.conf import settings  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.core.signals import request_finished, request_started  # noqa: E402
from django.db import close_old_connections, transaction  # noqa: E402
from django.test import Client, client  # noqa: E402
from django.urls import URLPattern, get_resolver  # noqa: E402
from django_celery_results.models import TaskResult  # noqa: E402
from django_drf_filepond.models import TemporaryUpload  # noqa: E402
from examples.models import Comment, Example, ExampleState  # noqa: E402
from label_types.models import CategoryType, RelationType, SpanType  # noqa: E402
from labels.models import BoundingBox, Category, Relation, Segmentation, Span, TextLabel  # noqa: E402
from projects.models import Member, SequenceLabelingProject, Tag  # noqa: E402
from rest_framework.authtoken.models import Token  # noqa: E402
from roles.models import Role  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
CLOSED = (401, 403, 404, 405)


def list_routes(resolver: Any, prefix: str = "") -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each route with the methods that its view has; a plain function may take any."""
    for pattern in resolver.url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            view = getattr(pattern.callback, "view_class", None) or getattr(pattern.callback, "cls", None)
            yield route, tuple(m for m in METHODS if view is None or hasattr(view, m.lower()))
        else:
            yield from list_routes(pattern, route)


def make_world(name: str) -> dict[str, Any]:
    """Make a project with one of everything, an annotator and a manager."""
    project = SequenceLabelingProject.objects.create(
        name=f"walk-{name}", project_type="SequenceLabeling", collaborative_annotation=True, use_relation=True
    )
    people, members = {}, {}
    for role in ("annotator", "project_admin"):
        people[role] = User.objects.create_user(f"walk-{name}-{role}", password="x")  # noqa: S106 — rolled back
        members[role] = Member.objects.create(user=people[role], project=project, role=Role.objects.get(name=role))
    picture = Path(settings.MEDIA_ROOT, f"walk-{name}", "picture.txt")
    picture.parent.mkdir(exist_ok=True)
    picture.write_text("x")
    example = Example.objects.create(project=project, text="甲乙", filename=f"walk-{name}/picture.txt")
    span_type = SpanType.objects.create(project=project, text="s")
    category_type = CategoryType.objects.create(project=project, text="c")
    relation_type = RelationType.objects.create(project=project, text="r")
    own = {"example": example, "user": people["annotator"]}
    spans = [Span.objects.create(**own, label=span_type, start_offset=n, end_offset=n + 1) for n in range(2)]
    shape = {"x": 0, "y": 0, "width": 1, "height": 1}
    archive = Path(settings.MEDIA_ROOT, f"walk-{name}.zip")
    archive.write_bytes(b"x")
    ExampleState.objects.create(example=example, confirmed_by=people["annotator"])
    TaskResult.objects.create(
        task_id=f"walk-{name}",
        status="SUCCESS",
        task_name="data_export.celery_tasks.export_dataset",
        task_kwargs=json.dumps(str({"project_id": project.id})),
        result=json.dumps(str(archive)),
    )
    return {
        "people": people,
        "project_id": project.id,
        "example_id": example.id,
        "comment_id": Comment.objects.create(**own, text="?").id,
        "tag_id": Tag.objects.create(project=project, text="t").id,
        "member_id": members["annotator"].id,
        "config_id": AutoLabelingConfig.objects.create(
            project=project,
            model_name="Custom REST Request",
            model_attrs={"url": "http://127.0.0.1:9", "method": "GET"},
            template="[]",
            label_mapping={},
            task_type="Span",
        ).id,
        "label_id": {"span": span_type.id, "category": category_type.id, "relation": relation_type.id},
        "annotation_id": {
            "spans": spans[0].id,
            "categories": Category.objects.create(**own, label=category_type).id,
            "relations": Relation.objects.create(**own, from_id=spans[0], to_id=spans[1], type=relation_type).id,
            "texts": TextLabel.objects.create(**own, text="t").id,
            "bboxes": BoundingBox.objects.create(**own, label=category_type, **shape).id,
            "segments": Segmentation.objects.create(**own, label=category_type, points=[1, 2]).id,
        },
        "upload": TemporaryUpload.objects.create(
            upload_id=f"{name:a<22}"[:22],
            file_id="b" * 22,
            upload_name="u",
            upload_type="F",
            uploaded_by=people["project_admin"],
        ).upload_id,
        "task_id": f"walk-{name}",
        "path": f"walk-{name}/picture.txt",
        "files": [picture, picture.parent, archive],
    }


def fill(route: str, world: Mapping[str, Any]) -> str:
    """Return the path of a route with the ids of a world."""
    kind = next((kind for kind in world["annotation_id"] if f"/{kind}/" in route), "spans")
    labels = next((kind for kind in world["label_id"] if f"/{kind}-types/" in route), "span")
    others = {
        "label_id": world["label_id"][labels],
        "annotation_id": world["annotation_id"][kind],
        "option_name": "Custom%20REST%20Request",
        "chunk_id": "a" * 22,
        "subset": "x",
        "content_type_id": 1,
        "object_id": 1,
        "id": 1,
        "app_label": "auth",
        "url": "x",
    }

    def put(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        return str(others.get(name, world.get(name)))

    path = re.sub(r"\(\?P<(\w+)>(?:\([^)]*\)|\[[^\]]*\]|[^()])*\)|<(?:\w+:)?(\w+)>", put, route)
    path = path.replace("^", "").replace("$", "")
    if route.endswith("/download"):
        path += f"?taskId={world['task_id']}"
    if route.endswith(("/comments", "/auto-labeling")):
        path += f"?example={world['example_id']}"
    return "/" + path


def reaches(browser: Client, path: str, method: str, body: str, headers: Mapping[str, str]) -> bool:
    """Tell whether a request gets past the doors; what it does is undone."""
    with transaction.atomic():
        response = browser.generic(method, path, body, content_type="application/json", **headers)
        response.close()
        transaction.set_rollback(True)
    return response.status_code not in CLOSED


def main() -> None:
    app.conf.broker_url = "memory://"  # no task of this walk is carried out
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)  # it would end our transaction
    client.close_old_connections = lambda **_: None  # which the test client connects again
    logging.disable(logging.CRITICAL)
    settings.HEALTHCHECK_CELERY_TIMEOUT = 0.01  # nothing answers
    routes = dict(sorted(list_routes(get_resolver())))
    here, there = make_world("here"), make_world("there")
    administrator = User.objects.create_superuser("walk-administrator")
    actors = {
        "stranger": None,
        "outsider": there["people"]["annotator"],
        "annotator": here["people"]["annotator"],
        "manager": here["people"]["project_admin"],
        "administrator": administrator,
    }
    tokens = {
        user: {"HTTP_AUTHORIZATION": f"Token {Token.objects.create(user=user).key}"}
        for user in (*here["people"].values(), *there["people"].values(), administrator)
    }
    plain = Client(raise_request_exception=False, HTTP_HOST="localhost")
    session = Client(raise_request_exception=False, enforce_csrf_checks=True, HTTP_HOST="localhost")
    session.force_login(administrator)

    def walk(
        world: Mapping[str, Any], headers: Mapping[str, str], browser: Client = plain, *, unsafe: bool = False
    ) -> dict[str, list[str]]:
        found, body = {}, json.dumps({"uploadIds": [world["upload"]]})
        for route, has in routes.items():
            methods = [m for m in has if m != "GET" or not unsafe]
            if route.startswith("admin/"):  # Django's own pages for administrators are many, and all alike
                methods = ["POST" if unsafe else "GET"]
            allowed = [m for m in methods if reaches(browser, fill(route, world), m, body, headers)]
            if allowed:
                found[route] = allowed
        return found

    # The ids of one project under the number of another; and under 0, which Doccano takes for no project at all.
    mixed = {**here, "project_id": there["project_id"]}
    nowhere = {**here, "project_id": 0}
    named = re.compile(r"<int:(?!project_id)|/(download|upload|comments|auto-labeling)$")
    administrators = tokens[administrator]
    try:
        result = {
            "routes": list(routes),
            "open": {name: walk(here, tokens.get(user, {})) for name, user in actors.items()},
            "without CSRF token": walk(here, {}, session, unsafe=True),
        }
        routes = {route: has for route, has in routes.items() if not route.startswith("admin/") or route == "admin/"}
        result["from another site"] = walk(here, administrators | {"HTTP_SEC_FETCH_SITE": "cross-site"})
        result["from another origin"] = walk(here, administrators | {"HTTP_ORIGIN": "http://localhost:9"}, unsafe=True)
        routes = {route: has for route, has in routes.items() if named.search(route)}
        result["smuggled"] = {
            f"{name} {where}": walk(world, tokens[user])
            for name, user in there["people"].items()
            for where, world in (("mixed", mixed), ("nowhere", nowhere))
        }
    finally:
        for world in (here, there):
            for path in world["files"]:
                path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    os.umask(0o077)
    with transaction.atomic():
        main()
        transaction.set_rollback(True)
