"""Requests to `/predict` without a network: the application itself, called as a server would."""

from __future__ import annotations

import asyncio
import json
from functools import cache
from typing import TYPE_CHECKING, Any

from biaozhu.annotators.network.models import load_model
from biaozhu.serving.app import Limits, make_app
from biaozhu.serving.predictor import rule_predictor

if TYPE_CHECKING:
    from starlette.applications import Starlette

TOKEN = "a-token-of-the-fuzzer"  # noqa: S105 — it opens nothing but the service of these tests
STATUSES = {200, 401, 405, 408, 413, 422}
AS_TEXT, IN_PIECES, WITHOUT_TOKEN, GONE = 1, 2, 4, 8


def ask(data: bytes) -> None:
    """Send a request and check the answer.

    Args:
        data: the first byte says how it is sent, the rest is its body, or the text that its body holds.
    """
    how, rest = (data[0] if data else 0), data[1:]
    body = json.dumps({"text": rest.decode("utf-8", "replace")}).encode() if how & AS_TEXT else rest
    size = 7 if how & IN_PIECES else max(1, len(body))
    pieces = [body[at : at + size] for at in range(0, len(body), size)] or [b""]
    events = [
        {"type": "http.request", "body": one, "more_body": number < len(pieces)} for number, one in enumerate(pieces, 1)
    ]
    if how & GONE:
        events[-1] = {"type": "http.disconnect"}
    token = b"Bearer wrong" if how & WITHOUT_TOKEN else f"Bearer {TOKEN}".encode()
    status, answer = _loop().run_until_complete(_call(events, token))
    assert status in STATUSES
    assert status == 401 if how & WITHOUT_TOKEN else status != 401
    said = json.loads(answer)
    if status != 200:
        assert said["error"].startswith("BZ06")
        assert said["error"].isprintable()
        return
    sent = json.loads(body)
    if "text" in sent:
        _check(sent["text"], said["entities"])
    else:
        for text, result in zip(sent["texts"], said["results"], strict=True):
            _check(text, result["entities"])


def _check(text: str, entities: list[dict[str, Any]]) -> None:
    units = text.encode("utf-16-le")
    reached = 0
    for one in entities:
        assert reached <= one["start"] < one["end"] <= len(text)
        assert text[one["start"] : one["end"]] == one["text"]
        assert units[2 * one["start_offset"] : 2 * one["end_offset"]].decode("utf-16-le") == one["text"]
        reached = one["end"]


async def _call(events: list[dict[str, Any]], token: bytes) -> tuple[int, bytes]:
    coming = iter(events)
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return next(coming, {"type": "http.disconnect"})

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/predict",
        "raw_path": b"/predict",
        "root_path": "",
        "query_string": b"",
        "headers": [(b"authorization", token)],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }
    await _app()(scope, receive, send)  # type: ignore[arg-type]
    return sent[0]["status"], b"".join(one.get("body", b"") for one in sent[1:])


@cache
def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()


@cache
def _app() -> Starlette:
    return make_app(rule_predictor(load_model("fast")), token=TOKEN, limits=Limits(body=64 * 1024, texts=8))
