"""Live suggestions: a project's auto-labelling asks a `biaozhu serve`, at a click on the page's wand.

Doccano itself calls the service, so the address must be reachable from there, and the project's administrators can read
the token in its settings. A suggestion becomes a span of the annotator who asked for it.
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

TEMPLATE_MARK = "{# biaozhu #}"
# An error of the service must not look like a text without entities: it makes no JSON, and Doccano says so.
TEMPLATE = (
    f"{TEMPLATE_MARK}{{{{ input.error }}}}[{{% for one in input.entities %}}"
    '{{ {"start_offset": one.start_offset, "end_offset": one.end_offset, "label": one.label} | tojson }}'
    "{{ '' if loop.last else ',' }}{% endfor %}]"
)
MODEL = "Custom REST Request"
TEST_SENTENCE = "先试一句。"


def switch_on(
    connection: Connection, project: Project, *, url: str, token: str, labels: Sequence[Label]
) -> bool:
    """Let a project ask the service at `url`, which Doccano must reach, for these labels; return whether anything changed."""
    _check_address(url)
    headers, body = {"Authorization": f"Bearer {token}"}, {"text": "{{ text }}"}
    attributes = {"url": url, "method": "POST", "params": {}, "headers": headers, "body": body}
    _check_service(connection, project, attributes)
    wanted = {
        "model_name": MODEL,
        "model_attrs": attributes,
        "template": TEMPLATE,
        "label_mapping": {label.id: label.name for label in labels},
        "task_type": "Span",
    }
    present = _list_ours(connection, project)
    right = [one for one in present if all(one[key] == value for key, value in wanted.items())]
    if not right:
        connection.post(_config_path(project), wanted)
    for one in present:
        if one not in right[:1]:
            connection.delete(f"{_config_path(project)}/{one['id']}")
    return not right or len(present) > 1


def switch_off(connection: Connection, project: Project) -> bool:
    """Remove what `switch_on` has set, and return whether there was anything; other settings stay."""
    present = _list_ours(connection, project)
    for one in present:
        connection.delete(f"{_config_path(project)}/{one['id']}")
    return bool(present)


def _config_path(project: Project) -> str:
    return f"projects/{project.id}/auto-labeling/configs"


def _list_ours(connection: Connection, project: Project) -> list[dict[str, Any]]:
    configs = connection.get(_config_path(project))
    return [one for one in configs if str(one["template"]).startswith(TEMPLATE_MARK)]


def _check_address(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
        advice = "Give --url as `serve` prints it"
        raise UsageError(f"{url} is not a plain http or https address", next_step=advice)
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        advice = "Put TLS before it and use https"
        raise UsageError("http would send the token unencrypted", where=url, next_step=advice)


def _check_service(connection: Connection, project: Project, attributes: dict[str, Any]) -> None:
    where, advice = attributes["url"], "Start `biaozhu serve` on the machine of Doccano, or give --url"
    request = {"model_name": MODEL, "model_attrs": attributes, "text": TEST_SENTENCE}
    try:
        found = connection.post(f"projects/{project.id}/auto-labeling/request-testing", request)
    except RemoteError as error:
        what = f"Doccano does not reach the service ({error.what})"
        raise ServiceError(what, where=where, next_step=advice) from None
    answer = found if isinstance(found, dict) else {}
    if answer.get("error"):
        what = f"the service answers Doccano: {answer['error']}"
        raise ServiceError(what, where=where, next_step="Give both the same token")
    if not isinstance(answer.get("entities"), list):
        raise ServiceError("no `biaozhu serve` answers there", where=where, next_step=advice)
