"""The Doccano project of a layer: found or made, with the labels, colours, shortcuts and guideline of our files."""

from __future__ import annotations

import re
import time
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from doccano_client.models.label_type import LabelType

from biaozhu.data.errors import RemoteError, ServiceError, UsageError
from biaozhu.data.files import read_bytes
from biaozhu.data.labels import Label
from biaozhu.data.shipped import find_own
from biaozhu.doccano.connection import LOOPBACK, Connection
from biaozhu.doccano.remote import list_all

PROJECT_TYPE = "SequenceLabeling"
PICTURE = re.compile(r"!\[(?P<alt>[^\]\n]*)\]\((?P<path>[^)\s]+\.png)\)\n*")
HEADING = re.compile(r"^#+ .*", re.MULTILINE)
MAX_PICTURE_BYTES = 100_000  # Doccano sends the guideline with every list of projects
TEMPLATE_MARK = "{# biaozhu #}"
# An error of the service must not look like a text without entities: it makes no JSON, and Doccano says so.
TEMPLATE = (
    f"{TEMPLATE_MARK}{{{{ input.error }}}}[{{% for one in input.entities %}}"
    '{{ {"start_offset": one.start_offset, "end_offset": one.end_offset, "label": one.label} | tojson }}'
    "{{ '' if loop.last else ',' }}{% endfor %}]"
)
MODEL = "Custom REST Request"
TEST_SENTENCE = "先试一句。"


@dataclass(frozen=True, slots=True)
class Project:
    """A Doccano project: `url` is its first page, in Chinese, `label_types` maps displayed names of labels to their ids."""

    connection: Connection
    id: int
    name: str
    url: str
    collaborative: bool
    label_types: Mapping[str, int]
    guideline_changed: bool = False

    @property
    def path(self) -> str:
        """The project's path in the API."""
        return f"projects/{self.id}"


@dataclass(frozen=True, slots=True)
class ProjectSpec:
    """Specification of a project: name (at most 100 characters), label set, guideline in Markdown.

    `reasons` says by sentence id why it was selected, which new examples show.
    """

    name: str
    labels: Sequence[Label]
    guideline: str = ""
    reasons: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> dict[str, str]:
        """Label id -> the name that annotators see."""
        return {label.id: label.name for label in self.labels}

    @property
    def ids(self) -> dict[str, str]:
        """The name that annotators see -> label id."""
        return {label.name: label.id for label in self.labels}


def find_project(connection: Connection, name: str) -> Project | None:
    """Return the project of this name, or None; several, or one of another kind, are an error."""
    found: list[dict[str, Any]] = []
    for pause in (0, 0.5, 1.0, 2.0):
        time.sleep(pause)  # of two projects another first push may be about to remove one
        found = _list_projects(connection, name)
        if len(found) <= 1:
            return _read_project(connection, found[0]) if found else None
    what, advice = f"{len(found)} projects are named {name!r}", "Rename all but one of them"
    raise RemoteError(what, where=connection.url, next_step=advice)


def require_project(connection: Connection, name: str) -> Project:
    """Return the project of this name, which must be there."""
    project = find_project(connection, name)
    if project is None:
        advice = "Push first, or give --project the name of another"
        raise RemoteError(f"there is no project {name!r}", where=connection.url, next_step=advice)
    return project


def ensure_project(connection: Connection, spec: ProjectSpec) -> Project:
    """Find or make the project, and bring its labels and guideline up to date; what is only on the server stays."""
    project = find_project(connection, spec.name) or _create_project(connection, spec)
    guideline = spec.guideline.strip()  # the server strips it too
    changed = bool(guideline) and connection.get(project.path)["guideline"] != guideline
    if changed:
        connection.patch(project.path, {"guideline": guideline, "resourcetype": f"{PROJECT_TYPE}Project"})
    return replace(project, label_types=_ensure_labels(connection, project.id, spec.labels), guideline_changed=changed)


def embed_pictures(text: str, folder: Path) -> str:
    """Put the PNG pictures that a guideline links to, in this folder or the package, into its text; others are left out."""

    def embed(match: re.Match[str]) -> str:
        if "://" in match["path"]:
            return match[0]
        path = folder / match["path"]
        if not path.is_file():
            path = find_own(Path("docs/pictures") / path.name)
        if not path.is_file() or path.stat().st_size > MAX_PICTURE_BYTES:
            return ""
        data = b64encode(read_bytes(path)).decode("ascii")
        return f"![{match['alt']}](data:image/png;base64,{data})\n\n"

    return PICTURE.sub(embed, text)


def list_unexplained(labels: Sequence[Label], guideline: str) -> list[Label]:
    """Return the labels whose id is nowhere in a guideline, and whose name is not a word of a heading."""
    # Elsewhere the name may be part of another label's rules: 机构名 is where the guideline is about places.
    words = set(re.split(r"\W+", "\n".join(HEADING.findall(guideline))))
    return [one for one in labels if one.id not in guideline and one.name not in words]


def describe_work(labels: Sequence[Label]) -> str:
    """Return what the list of projects tells annotators: the keys, and how a sentence is done."""
    keys = "、".join(f"{label.shortcut} {label.name}" for label in labels)
    return f"先按键（{keys}），再划过文字；看完一句点左上的 ✕，变成 ✓ 才算做完。指南在工具栏左起第四个按钮。"


def _create_project(connection: Connection, spec: ProjectSpec) -> Project:
    made = connection.call(
        connection.client.create_project,
        name=spec.name,
        project_type=PROJECT_TYPE,
        description=describe_work(spec.labels),
        guideline=spec.guideline,
        collaborative_annotation=True,  # all share the spans, so that annotators see the pre-annotations
        allow_overlapping=False,
        grapheme_mode=False,
    )
    # Two first pushes at once may both have made one. Both see which is the older: that one stays.
    same = _list_projects(connection, spec.name)
    if not same:
        raise RemoteError(f"project {spec.name!r} is not there after it was made", where=connection.url)
    oldest = min(same, key=lambda data: int(data["id"]))
    if made.id != oldest["id"]:
        connection.call(connection.client.delete_project, made.id)
    return _read_project(connection, oldest)


def _ensure_labels(connection: Connection, project_id: int, labels: Sequence[Label]) -> dict[str, int]:
    """Make and correct labels, and return the ids of all that the project has, by their names."""
    present = _list_labels(connection, project_id)
    for label in labels:
        key = label.shortcut.lower()
        wanted: dict[str, Any] = {"text": label.name, "suffix_key": key, "color": label.color}
        if label.name not in present:
            try:
                present[label.name] = connection.call(connection.client.create_label_type, project_id, "span", **wanted)
            except RemoteError:
                # Another push may have made it since we looked.
                present = _list_labels(connection, project_id)
                if label.name not in present:
                    raise
        there = present[label.name]
        if (there.suffix_key, there.background_color) != (key, label.color):
            connection.call(connection.client.update_label_type, project_id, there.id, "span", **wanted)
    return {name: label.id for name, label in present.items()}


def _list_labels(connection: Connection, project_id: int) -> dict[str, LabelType]:
    return {one.text: one for one in connection.call(connection.client.list_label_types, project_id, "span")}


def _list_projects(connection: Connection, name: str) -> list[dict[str, Any]]:
    return [data for data in list_all(connection, "projects") if data["name"] == name]


def _read_project(connection: Connection, data: Mapping[str, Any]) -> Project:
    if data["project_type"] != PROJECT_TYPE or data.get("grapheme_mode") or data.get("use_relation"):
        what = f"project {data['name']!r} is not a plain sequence labelling project"
        advice = "Give --project another name; grapheme mode and relations must be off"
        raise RemoteError(what, where=connection.url, next_step=advice)
    types = {name: label.id for name, label in _list_labels(connection, data["id"]).items()}
    url = f"{connection.url}/zh/projects/{data['id']}/sequence-labeling?page=1"
    return Project(connection, data["id"], data["name"], url, bool(data["collaborative_annotation"]), types)


def switch_on(project: Project, *, url: str, token: str, labels: Sequence[Label]) -> bool:
    """Let a project ask the service at `url`, which Doccano must reach, for these labels; return whether anything changed."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
        advice = "Give --url as `serve` prints it"
        raise UsageError(f"{url} is not a plain http or https address", next_step=advice)
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        advice = "Put TLS before it and use https"
        raise UsageError("http would send the token unencrypted", where=url, next_step=advice)
    headers, body = {"Authorization": f"Bearer {token}"}, {"text": "{{ text }}"}
    attributes = {"url": url, "method": "POST", "params": {}, "headers": headers, "body": body}
    _check_service(project, attributes)
    wanted = {
        "model_name": MODEL,
        "model_attrs": attributes,
        "template": TEMPLATE,
        "label_mapping": {label.id: label.name for label in labels},
        "task_type": "Span",
    }
    return switch_to(project, wanted)


def switch_to(project: Project, wanted: dict[str, Any] | None) -> bool:
    """Let the project have this setting of ours, or none, and no other of ours; return whether anything changed."""
    connection, path = project.connection, f"{project.path}/auto-labeling/configs"
    present = [one for one in connection.get(path) if str(one["template"]).startswith(TEMPLATE_MARK)]
    right = [one for one in present if wanted and all(one[key] == value for key, value in wanted.items())][:1]
    is_lacking = wanted is not None and not right
    if is_lacking:
        connection.post(path, wanted)
    for one in present:
        if one not in right:
            connection.delete(f"{path}/{one['id']}")
    return is_lacking or present != right


def _check_service(project: Project, attributes: dict[str, Any]) -> None:
    where, advice = attributes["url"], "Start `biaozhu serve` on the machine of Doccano, or give --url"
    request = {"model_name": MODEL, "model_attrs": attributes, "text": TEST_SENTENCE}
    try:
        found = project.connection.post(f"{project.path}/auto-labeling/request-testing", request)
    except RemoteError as error:
        what = f"Doccano does not reach the service ({error.what})"
        raise ServiceError(what, where=where, next_step=advice) from None
    answer = found if isinstance(found, dict) else {}
    if answer.get("error"):
        what = f"the service answers Doccano: {answer['error']}"
        raise ServiceError(what, where=where, next_step="Give both the same token")
    if not isinstance(answer.get("entities"), list):
        raise ServiceError("no `biaozhu serve` answers there", where=where, next_step=advice)
