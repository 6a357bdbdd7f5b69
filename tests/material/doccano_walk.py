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
        members[role] = Member.objects.create(
            user=people[role], project=project, role=Role.objects.get(name=role)
        )
    picture = Path(settings.MEDIA_ROOT, f"walk-{name}", "picture.txt")
    picture.parent.mkdir(exist_ok=True)
    picture.write_text("x")
    example = Example.objects.create(project=project, text="甲乙", filename=f"walk-{name}/picture.txt")
    span_type = SpanType.objects.create(project=project, text="s")
    category_type = CategoryType.objects.create(project=project, text="c")
    relation_type = RelationType.objects.create(project=project, text="r")
    named = re.compile(r"<int:(?!project_id)|/(download|upload|comments|auto-labeling)$")
    administrators = tokens[administrator]
    try:
        result = {
            "routes": list(routes),
            "open": {name: walk(here, tokens.get(user, {})) for name, user in actors.items()},
            "without CSRF token": walk(here, {}, session, unsafe=True),
        }
        routes = {
            route: has for route, has in routes.items() if not route.startswith("admin/") or route == "admin/"
        }
        result["from another site"] = walk(here, administrators | {"HTTP_SEC_FETCH_SITE": "cross-site"})
        result["from another origin"] = walk(
            here, administrators | {"HTTP_ORIGIN": "http://localhost:9"}, unsafe=True
        )
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
