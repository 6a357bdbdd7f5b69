"""Live suggestions: a project's auto-labelling asks a `biaozhu serve`, at a click on the page's wand.

Doccano itself calls the service, so its address is seen from there, and the token stands in the project's settings,
which the project's administrators can read. A suggestion becomes a span of the annotator who asked for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from biaozhu.data.errors import RemoteError, ServiceError, UsageError
from biaozhu.doccano.connection import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from biaozhu.data.labels import Label
    from biaozhu.doccano.connection import Connection
    from biaozhu.doccano.project import Project

MARK = "{# biaozhu #}"
# An error that the service answers must not look like a text without entities: it is no JSON, and Doccano says so.
TEMPLATE = (
    f"{MARK}{{{{ input.error }}}}[{{% for one in input.entities %}}"
    '{{ {"start_offset": one.start_offset, "end_offset": one.end_offset, "label": one.label} | tojson }}'
    "{{ '' if loop.last else ',' }}{% endfor %}]"
)
TRIED = "先试一句。"


def switch_on(
    connection: Connection, project: Project, *, url: str, token: str, labels: Sequence[Label]
) -> bool:
    """Let a project ask the service, after one request that Doccano makes there.

    Args:
        connection: logged in as an administrator of the project.
        project: which.
        url: the service's `/predict`, as Doccano's machine sees it.
        token: the service's.
        labels: the label set; a suggestion with another label is not shown.

    Returns:
        Whether anything had to change.

    Raises:
        UsageError: the address is none, or would send the token in the clear.
        ServiceError: Doccano does not reach the service, or is not let in.
        ServerError, AuthError, RemoteError: Doccano itself cannot be reached, or refuses.
    """
    _check_address(url)
    attributes = {
        "url": url,
        "method": "POST",
        "params": {},
        "headers": {"Authorization": f"Bearer {token}"},
        "body": {"text": "{{ text }}"},
    }
    _try(connection, project, attributes)
    wanted = {
        "model_name": "Custom REST Request",
        "model_attrs": attributes,
        "template": TEMPLATE,
        "label_mapping": {label.id: label.name for label in labels},
        "task_type": "Span",
    }
    present = _ours(connection, project)
    right = [one for one in present if all(one[key] == value for key, value in wanted.items())]
    if not right:
        connection.post(_path(project), wanted)
    for one in present:
        if one not in right[:1]:
            connection.delete(f"{_path(project)}/{one['id']}")
    return not right or len(present) > 1


def switch_off(connection: Connection, project: Project) -> bool:
    """Remove what `switch_on` has set; settings of others stay. Returns whether there was anything.

    Raises:
        ServerError, AuthError, RemoteError: Doccano cannot be reached, or refuses.
    """
    present = _ours(connection, project)
    for one in present:
        connection.delete(f"{_path(project)}/{one['id']}")
    return bool(present)


def _path(project: Project) -> str:
    return f"projects/{project.id}/auto-labeling/configs"


def _ours(connection: Connection, project: Project) -> list[dict[str, Any]]:
    return [one for one in connection.get(_path(project)) if str(one["template"]).startswith(MARK)]


def _check_address(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
        raise UsageError(
            f"{url} is no plain http or https address", next_step="Give --url as `serve` prints it"
        )
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise UsageError(
            "http would send the token in the clear", where=url, next_step="Put TLS before it and use https"
        )


def _try(connection: Connection, project: Project, attributes: dict[str, Any]) -> None:
    advice = "Start `biaozhu serve` on the machine of Doccano, or give --url"
    try:
        found = connection.post(
            f"projects/{project.id}/auto-labeling/request-testing",
            {"model_name": "Custom REST Request", "model_attrs": attributes, "text": TRIED},
        )
    except RemoteError as error:
        raise ServiceError(
            f"Doccano does not reach the service ({error.what})", where=attributes["url"], next_step=advice
        ) from None
    if isinstance(found, dict) and isinstance(found.get("entities"), list):
        return
    said = found.get("error") if isinstance(found, dict) else None
    raise ServiceError(
        f"the service answers Doccano: {said}" if said else "what answers there is no `biaozhu serve`",
        where=attributes["url"],
        next_step="Give both the same token" if said else advice,
    )
