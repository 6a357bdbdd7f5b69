"""The Doccano project of a layer: found or made, with the labels, colours, shortcuts and guideline of our files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from biaozhu.data.errors import RemoteError
from biaozhu.doccano.connection import reported

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from biaozhu.data.labels import Label
    from biaozhu.doccano.connection import Connection

KIND = "SequenceLabeling"
PAGE = 1000


@dataclass(frozen=True, slots=True)
class Project:
    """A Doccano project; `label_types` maps the displayed name of a label to its id on the server."""

    id: int
    name: str
    url: str
    collaborative: bool
    label_types: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Setting:
    """How a project shall be: its name (at most 100 characters), label set, and guideline in Markdown."""

    name: str
    labels: Sequence[Label]
    guideline: str = ""

    @property
    def names(self) -> dict[str, str]:
        """Label id -> the name that annotators see."""
        return {label.id: label.name for label in self.labels}

    @property
    def ids(self) -> dict[str, str]:
        """The name that annotators see -> label id."""
        return {label.name: label.id for label in self.labels}


def find_project(connection: Connection, name: str) -> Project | None:
    """Return the project of this name, or None.

    Raises:
        RemoteError: several have the name, or the one that has it counts offsets in another way.
        ServerError, AuthError: no connection.
    """
    found = [data for data in _all_projects(connection) if data["name"] == name]
    if not found:
        return None
    if len(found) > 1:
        raise RemoteError(
            f"{len(found)} projects are named {name!r}",
            where=connection.url,
            next_step="Rename all but one of them",
        )
    data = found[0]
    if data["project_type"] != KIND or data.get("grapheme_mode") or data.get("use_relation"):
        raise RemoteError(
            f"project {name!r} is no plain sequence labelling project",
            where=connection.url,
            next_step="Give --project another name; grapheme mode and relations must be off",
        )
    return _project(connection, data)


def require_project(connection: Connection, name: str) -> Project:
    """Return the project of this name.

    Raises:
        RemoteError: there is none; or see `find_project`.
        ServerError, AuthError: no connection.
    """
    project = find_project(connection, name)
    if project is None:
        raise RemoteError(
            f"there is no project {name!r}",
            where=connection.url,
            next_step="Make it first, or give --project the name of another",
        )
    return project


def ensure_project(connection: Connection, setting: Setting, *, collaborative: bool = True) -> Project:
    """Find or make the project, and bring its labels and guideline up to date.

    Label types that are on the server and not in the label set are left alone, and so is the server's guideline
    where the setting has none.

    Args:
        connection: logged in as a user who may make projects, or who administers this one.
        setting: how the project shall be.
        collaborative: all annotators share the spans, so that they see the pre-annotations. A new project only.

    Raises:
        RemoteError: see `find_project`; or the server refuses a label.
        ServerError, AuthError: no connection.
    """
    project = find_project(connection, setting.name) or _create(
        connection, setting, collaborative=collaborative
    )
    path = f"projects/{project.id}"
    guideline = setting.guideline.strip()  # the server strips it too
    if guideline and connection.get(path)["guideline"] != guideline:
        connection.patch(path, {"guideline": guideline, "resourcetype": f"{KIND}Project"})
    _ensure_labels(connection, project.id, setting.labels)
    return replace(project, label_types=_label_types(connection, project.id))


def _create(connection: Connection, setting: Setting, *, collaborative: bool) -> Project:
    with reported(connection.url):
        made = connection.client.create_project(
            name=setting.name,
            project_type=KIND,
            description="Made by biaozhu",
            guideline=setting.guideline,
            collaborative_annotation=collaborative,
            allow_overlapping=False,
            grapheme_mode=False,
        )
    # Two pushes at once may both have made one. The older one stays, and both pushes see which that is.
    same = [data["id"] for data in _all_projects(connection) if data["name"] == setting.name]
    if made.id != min(same, default=made.id):
        with reported(connection.url):
            connection.client.delete_project(made.id)
    project = find_project(connection, setting.name)
    if project is None:
        raise RemoteError(f"project {setting.name!r} is not there after it was made", where=connection.url)
    return project


def _ensure_labels(connection: Connection, project_id: int, labels: Sequence[Label]) -> None:
    with reported(connection.url):
        existing = {one.text: one for one in connection.client.list_label_types(project_id, "span")}
        for label in labels:
            there, key = existing.get(label.name), label.shortcut.lower()
            wanted = {"text": label.name, "suffix_key": key, "color": label.color}
            if there is None:
                connection.client.create_label_type(project_id, "span", **wanted)
            elif (there.suffix_key, there.background_color) != (key, label.color):
                connection.client.update_label_type(project_id, there.id, "span", **wanted)


def _label_types(connection: Connection, project_id: int) -> dict[str, int]:
    with reported(connection.url):
        return {one.text: one.id for one in connection.client.list_label_types(project_id, "span")}


def _all_projects(connection: Connection) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        page = connection.get("projects", params={"limit": PAGE, "offset": len(found)})
        found += page["results"]
        if not page["next"] or not page["results"]:
            return found


def _project(connection: Connection, data: Mapping[str, Any]) -> Project:
    return Project(
        id=data["id"],
        name=data["name"],
        url=f"{connection.url}/projects/{data['id']}/sequence-labeling?page=1",
        collaborative=bool(data["collaborative_annotation"]),
        label_types=_label_types(connection, data["id"]),
    )
