"""Middleware that closes what Doccano leaves open to strangers, to members of other projects, and to other web pages.

What is not named here is closed. A test compares `docs/doccano-access.md` with every route of Doccano. The pages get a
middleware of their own: a Chinese link stays Chinese through the login, and no raw metadata is in sight.
"""

from __future__ import annotations

import ast
import hmac
import io
import json
import os
import time
from collections.abc import Iterator
from enum import IntEnum
from hashlib import sha256
from pathlib import Path
from typing import Any

from auto_labeling.models import AutoLabelingConfig
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.utils.deprecation import MiddlewareMixin
from django_celery_results.models import TaskResult
from django_drf_filepond.models import TemporaryUpload
from examples.models import Comment, Example
from label_types.models import CategoryType, RelationType, SpanType
from labels.models import BoundingBox, Category, Relation, Segmentation, Span, TextLabel
from projects.models import Member, Tag
from rest_framework.authentication import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed, ParseError
from rest_framework.parsers import JSONParser

PROJECT = "v1/projects/<int:project_id>"
MEDIA = "^media/(?P<path>.*)$"
UPLOAD = "v1/fp/process/"
REVERT = "v1/fp/revert/"
HEALTH = "v1/health/"
EXPORT_TASK = "data_export.celery_tasks.export_dataset"
PAGES = ""  # Route of all of Doccano's pages, which are one file
LOGIN = "/zh/auth"
# Beside a sentence, Doccano shows its metadata: `sid` in the first row and `biaozhu` in the last are for programs only.
METADATA = ".v-main .col-md-3>.v-data-table tbody tr"
STYLE = (
    f"<style>{METADATA}:first-child:not(:last-child),{METADATA}:last-child:not(:first-child){{display:none}}</style>"
)


class Role(IntEnum):
    """Access to a route; each includes those before it. A manager administers at least one project."""

    ANYBODY = 0
    USER = 1
    MANAGER = 2
    ADMINISTRATOR = 3


RULES = {
    "": {"GET": Role.ANYBODY},  # Doccano's pages, which are the same for everybody
    "favicon.ico": {"GET": Role.ANYBODY},
    "v1/auth/login/": {"POST": Role.ANYBODY},
    "v1/social/links/": {"GET": Role.ANYBODY},
    HEALTH: {"GET": Role.USER},  # each report puts a task into the queue
    MEDIA: {"GET": Role.USER},
    "v1/auth/logout/": {"POST": Role.USER},
    "v1/auth/password/change/": {"POST": Role.USER},
    "v1/auth/user/": {"GET": Role.USER},
    "v1/me": {"GET": Role.USER},
    "v1/roles": {"GET": Role.USER},
    "v1/tasks/status/<task_id>": {"GET": Role.USER},
    "v1/projects": {"GET": Role.USER, "POST": Role.ADMINISTRATOR, "DELETE": Role.MANAGER},
    "v1/users": {"GET": Role.MANAGER},
    UPLOAD: {"POST": Role.MANAGER},
    REVERT: {"DELETE": Role.MANAGER},
    "v1/users/create": {"POST": Role.ADMINISTRATOR},
    "swagger/": {"GET": Role.ADMINISTRATOR},
}
ANNOTATIONS = {
    "spans": (Span, SpanType),
    "categories": (Category, CategoryType),
    "relations": (Relation, RelationType),
    "texts": (TextLabel, None),
    "bboxes": (BoundingBox, CategoryType),
    "segments": (Segmentation, CategoryType),
}
TYPES = {"span-types": SpanType, "category-types": CategoryType, "relation-types": RelationType}
EXAMPLE = "examples/<int:example_id>"
PARTS = {"example_id": Example, "tag_id": Tag, "member_id": Member, "config_id": AutoLabelingConfig}
ANNOTATOR_WRITES = {
    "auto-labeling": ("POST",),
    "comments": ("POST", "DELETE"),
    "comments/<int:comment_id>": ("PUT", "PATCH", "DELETE"),
    f"{EXAMPLE}/states": ("POST",),
    **{f"{EXAMPLE}/{kind}": ("POST", "DELETE") for kind in ANNOTATIONS},
    **{f"{EXAMPLE}/{kind}/<int:annotation_id>": ("PUT", "PATCH", "DELETE") for kind in ANNOTATIONS},
    **dict.fromkeys(TYPES, ("POST",)),  # where the project allows it, which Doccano checks
}
"""What members who do not administer a project may change in it; Doccano's own check overlooks PUT."""


class Guard(MiddlewareMixin):  # type: ignore[misc]  # Django is in another environment
    """The middleware: Django calls `process_view` before each view, when the session is known."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Let no uploaded page act as one of Doccano's."""
        if request.path.startswith(settings.MEDIA_URL):
            response["Content-Security-Policy"] = "sandbox"
        return response

    def process_view(
        self, request: HttpRequest, _view: object, _args: object, kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        """Return the refusal of a request, or None where it may reach its view."""
        route = request.resolver_match.route
        if _is_of_another_site(request):
            return _refuse(403, "This request comes from another site.")
        limit = settings.MAX_UPLOAD_SIZE if route == UPLOAD else settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        if int(request.META.get("CONTENT_LENGTH") or 0) > limit:
            return _refuse(413, f"This request is longer than {limit} bytes.")
        user = _find_user(request)
        method = "GET" if request.method in {"HEAD", "OPTIONS"} else request.method
        try:
            if route.startswith(PROJECT):
                return _check_project(request, user, method, route[len(PROJECT) + 1 :], kwargs)
            role = RULES.get(route, {}).get(method)
            is_allowed = _has_role(user, Role.ADMINISTRATOR if route.startswith("admin/") else role)
            is_allowed = is_allowed or (route == HEALTH and _has_health_key(request))
            if is_allowed and route == MEDIA:
                is_allowed = _may_see(user, kwargs["path"])
            elif is_allowed and route == REVERT:
                is_allowed = _may_use_uploads(user, [request.body.decode("utf-8", "replace").strip()])
        except (TypeError, ValueError, OverflowError):  # an id that is none
            return _refuse(404, "Not found.")
        return None if is_allowed else _refuse(403, "This account may not do that.")


def _refuse(status: int, detail: str) -> HttpResponse:
    return JsonResponse({"detail": detail}, status=status)


def _is_of_another_site(request: HttpRequest) -> bool:
    """Tell whether the browser says that another site's page made the request; a link that is followed is none."""
    if request.headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}:
        kind = [request.method, request.headers.get("Sec-Fetch-Mode"), request.headers.get("Sec-Fetch-Dest")]
        return kind != ["GET", "navigate", "document"]
    origin = request.headers.get("Origin")
    ours = {f"{request.scheme}://{request.get_host()}", *settings.CSRF_TRUSTED_ORIGINS}
    return origin is not None and origin not in ours


def _find_user(request: HttpRequest) -> Any:
    if request.user.is_authenticated:
        return request.user
    try:
        found = TokenAuthentication().authenticate(request)
    except AuthenticationFailed:
        found = None
    return found[0] if found else request.user


def _has_role(user: Any, role: Role | None) -> bool:
    if role is None:
        return False
    if role is Role.ANYBODY or (user.is_authenticated and user.is_superuser):
        return True
    if not user.is_authenticated or role is Role.ADMINISTRATOR:
        return False
    managed = Member.objects.filter(user=user, role__name=settings.ROLE_PROJECT_ADMIN)
    return role is Role.USER or bool(managed.exists())


def _has_health_key(request: HttpRequest) -> bool:
    key = sha256(f"health {settings.SECRET_KEY}".encode()).hexdigest()
    return hmac.compare_digest(request.headers.get("X-Biaozhu-Health", ""), key)


def _may_see(user: Any, path: str) -> bool:
    """Tell whether an uploaded picture or sound belongs to a project of the user; exports never do."""
    examples = Example.objects.filter(filename=path)
    mine = examples if user.is_superuser else examples.filter(project__role_mappings__user=user)
    return bool(mine.exists())


def _may_use_uploads(user: Any, uploads: list[str]) -> bool:
    """Tell whether none of the uploads is of somebody outside the projects that the user administers."""
    managed = Member.objects.filter(user=user, role__name=settings.ROLE_PROJECT_ADMIN).values("project")
    people = Member.objects.filter(project__in=managed).values("user")
    others = TemporaryUpload.objects.filter(upload_id__in=uploads).exclude(uploaded_by__in=people)
    return bool(user.is_superuser or not others.exists())


def _check_project(
    request: HttpRequest, user: Any, method: str, route: str, kwargs: dict[str, Any]
) -> HttpResponse | None:
    member = Member.objects.filter(project=kwargs["project_id"], user_id=user.pk).select_related("role").first()
    is_manager = member is not None and member.role.name == settings.ROLE_PROJECT_ADMIN
    if not (user.is_authenticated and user.is_superuser):
        # A template of auto-labelling can run any code, and its test fetches from any address.
        is_closed = member is None or route.startswith("auto-labeling/")
        if is_closed or not (is_manager or method == "GET" or method in ANNOTATOR_WRITES.get(route, ())):
            return _refuse(403, "This account may not do that.")
    if not all(_find_references(request, method, route, kwargs)):
        return _refuse(404, "Not found in this project.")
    if route == "upload" and not _may_use_uploads(user, list(_read_json(request).get("uploadIds") or ())):
        return _refuse(404, "Not found.")
    return None


def _find_references(request: HttpRequest, method: str, route: str, kwargs: dict[str, Any]) -> Iterator[bool]:
    """Tell of everything that a path names whether it is in the project, which Doccano itself does not check."""
    project, example = kwargs["project_id"], kwargs.get("example_id")
    head, _, tail = route.partition("/")
    kind = tail.split("/")[1] if "/" in tail else ""
    if "annotation_id" in kwargs:
        yield ANNOTATIONS[kind][0].objects.filter(pk=kwargs["annotation_id"], example=example).exists()
    if "comment_id" in kwargs:
        yield Comment.objects.filter(pk=kwargs["comment_id"], example__project=project).exists()
    models = {**PARTS, "label_id": TYPES.get(head)}
    for name in models.keys() & kwargs.keys():
        yield models[name].objects.filter(pk=kwargs[name], project=project).exists()
    if route == "download" and method == "GET":
        yield _keep_export_briefly(project, request.GET.get("taskId", ""))
    if route in {"comments", "auto-labeling"} and method == "POST":
        yield Example.objects.filter(pk=request.GET.get("example"), project=project).exists()
    if method != "GET" and kind in ANNOTATIONS:
        yield from _find_references_of_annotation(_read_json(request), method, kind, kwargs)
    if method == "DELETE" and route in TYPES:
        ids = _read_json(request).get("ids") or ()
        yield not TYPES[route].objects.filter(pk__in=ids).exclude(project=project).exists()


def _find_references_of_annotation(
    data: dict[str, Any], method: str, kind: str, kwargs: dict[str, Any]
) -> Iterator[bool]:
    """Do the same for the body of an annotation: its example, its label and the spans that it relates."""
    if method != "POST" and "example" in data:  # on POST Doccano itself puts that of the path there
        yield int(data["example"]) == kwargs["example_id"]
    for key, model in (("label", ANNOTATIONS[kind][1]), ("type", RelationType)):
        if key in data and model is not None:
            yield model.objects.filter(pk=data[key], project=kwargs["project_id"]).exists()
    for key in {"from_id", "to_id"} & data.keys():
        yield Span.objects.filter(pk=data[key], example=kwargs["example_id"]).exists()


def _read_json(request: HttpRequest) -> dict[str, Any]:
    """Read the body as Doccano will; what cannot be read is refused there."""
    context = {"encoding": request.encoding or settings.DEFAULT_CHARSET}
    try:
        data = JSONParser().parse(io.BytesIO(request.body), parser_context=context)
    except ParseError:
        return {}
    return data if isinstance(data, dict) else {}


def _keep_export_briefly(project: int, task: str) -> bool:
    """Tell whether the task exported this project; once asked for, its archive stays for a minute."""
    found = TaskResult.objects.filter(task_id=task, task_name=EXPORT_TASK, status="SUCCESS").first()
    if found is None or ast.literal_eval(json.loads(found.task_kwargs)).get("project_id") != project:
        return False
    archive = Path(json.loads(found.result))
    if not archive.is_file():
        return False
    expiry = time.time() + settings.BIAOZHU_DOWNLOAD_SECONDS - settings.BIAOZHU_EXPORT_SECONDS
    os.utime(archive, (expiry, expiry))
    return True


class Pages(MiddlewareMixin):  # type: ignore[misc]  # as above
    """The middleware; Django calls `process_view` when it knows who is logged in."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Put the style into the page."""
        match = request.resolver_match
        if match and match.route == PAGES and not response.streaming:
            response.content = response.content.replace(b"</head>", STYLE.encode() + b"</head>", 1)
            response["Content-Length"] = str(len(response.content))
        return response

    def process_view(self, request: HttpRequest, _view: object, _args: object, _kwargs: object) -> HttpResponse | None:
        """Redirect to the login in Chinese, where Doccano's own script would go to that in English."""
        is_chinese = request.resolver_match.route == PAGES and request.path.startswith("/zh/")
        if is_chinese and request.path != LOGIN and not request.user.is_authenticated:
            return HttpResponseRedirect(LOGIN)
        return None
