"""Servers that are busy, slow, elsewhere, of another protocol or without structured output."""

from __future__ import annotations

import gzip
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from chat_server import (
    ANSWER_TOKENS,
    Said,
    completion,
    failing,
    right,
    streaming,
)

from biaozhu.data.errors import EndpointError

if TYPE_CHECKING:
    from chat_server import ChatServer

SPANS = 6
SENTENCES = 3


@pytest.mark.parametrize(
    "busy",
    [
        failing(429, Retry_After="0"),
        failing(429, Retry_After="Sat, 01 Jan 2000 00:00:00 GMT"),
        failing(429),
        failing(500),
        failing(503, Retry_After="soon"),
        failing(529),
        Said("<html>Bad gateway</html>", 502),
        Said(completion("{}"), cut=True),
        lambda body: streaming(body, whole=False),
        lambda body: replace(streaming(body), cut=True),
    ],
)
def test_endpoint_tries_again_where_the_server_is_busy(project: Any, server: ChatServer, busy: Any) -> None:
    server.queue = [busy, busy]
    outcome = project.ask()
    assert not outcome.losses
    assert outcome.figures["retries"] == 2
    assert len(server.requests) == 3


def test_endpoint_waits_as_long_as_the_server_asks(project: Any, server: ChatServer) -> None:
    server.queue = [failing(429, Retry_After="1")]
    begun = time.monotonic()
    project.ask()
    assert time.monotonic() - begun >= 1


def test_endpoint_does_not_wait_an_hour(project: Any, server: ChatServer) -> None:
    server.usual = failing(429, Retry_After="3600")
    with pytest.raises(EndpointError, match="rate limit"):
        project.ask()
    assert len(server.requests) == 1


@pytest.mark.parametrize("slow", [{"delay": 1.5}, {"drip": 0.4}])
def test_endpoint_takes_no_more_time_than_a_call_has(project: Any, server: ChatServer, slow: dict[str, float]) -> None:
    project.write(timeout_seconds=0.5, retries=1)
    server.queue = [Said(completion("{" + " " * 4000), **slow)]
    outcome = project.ask()
    assert not outcome.losses
    assert outcome.figures["retries"] == 1
    # What was sent may have been charged.
    assert outcome.figures["tokens"]["estimated"]


@pytest.mark.parametrize("status", [401, 402, 403, 404, 405, 307])
def test_endpoint_ends_where_no_call_can_succeed(project: Any, server: ChatServer, status: int) -> None:
    server.usual = failing(status, "no", Location="http://127.0.0.1:9/")
    with pytest.raises(EndpointError):
        project.ask()
    assert len(server.requests) == 1


@pytest.mark.parametrize("host", ["127.0.0.1:9", "nowhere.invalid"])
def test_endpoint_names_a_server_that_is_not_there(project: Any, host: str) -> None:
    project.write(base_url=f"http://{host}/v1", retries=1)
    with pytest.raises(EndpointError, match="cannot be reached"):
        project.ask()


@pytest.mark.parametrize("body", ["<html>hello</html>", {"choices": []}, {"error": {"message": "out"}}, "[1]"])
def test_endpoint_ends_where_nothing_speaks_the_protocol(project: Any, server: ChatServer, body: Any) -> None:
    server.usual = Said(body)
    with pytest.raises(EndpointError):
        project.ask()


def test_endpoint_unpacks_nothing(project: Any, server: ChatServer) -> None:
    server.usual = Said(gzip.compress(bytes(10_000_000)), headers={"Content-Encoding": "gzip"})
    with pytest.raises(EndpointError, match="packed"):
        project.ask()
    assert server.headers[0]["Accept-Encoding"] == "identity"


@pytest.mark.parametrize(
    ("known", "kinds"),
    [
        ({"json_object", None}, ["json_schema", "json_object"]),
        ({None}, ["json_schema", "json_object", None]),
    ],
)
def test_endpoint_falls_back_where_a_server_has_no_structured_output(
    project: Any, server: ChatServer, known: set[str | None], kinds: list[str | None]
) -> None:
    def behave(body: dict[str, Any]) -> Said:
        kind = body.get("response_format", {}).get("type")
        return right(body) if kind in known else failing(400, "response_format is not supported")

    server.usual = behave
    project.write(batch_sentences=1)
    outcome = project.ask()
    assert not outcome.losses
    asked = [body.get("response_format", {}).get("type") for body in server.requests]
    assert asked == [*kinds, *[kinds[-1]] * (SENTENCES - 1)]


def test_endpoint_ends_where_every_format_is_refused(project: Any, server: ChatServer) -> None:
    server.usual = failing(400, "unknown parameter: seeed")
    with pytest.raises(EndpointError, match="seeed"):
        project.ask()
    assert len(server.requests) == 3


def test_endpoint_reads_a_stream(project: Any, server: ChatServer) -> None:
    project.write("[parameters]\nstream = true\n")
    server.usual = streaming
    outcome = project.ask()
    assert not outcome.losses
    assert sum(map(len, outcome.spans.values())) == SPANS
    assert outcome.figures["tokens"]["output"] == ANSWER_TOKENS
    assert server.requests[0]["stream"] is True


def test_endpoint_reads_streams_of_a_server_that_ends_each_connection(project: Any, server: ChatServer) -> None:
    project.write("[parameters]\nstream = true\n", batch_sentences=1)
    server.usual = streaming
    outcome = project.ask()
    assert outcome.figures["retries"] == 0
    assert not outcome.figures["tokens"]["estimated"]
    assert {one["Connection"] for one in server.headers} == {"close"}


def test_endpoint_waits_for_no_stream_that_never_ends(project: Any, server: ChatServer) -> None:
    project.write("[parameters]\nstream = true\n", timeout_seconds=0.5, retries=0)
    server.usual = lambda body: replace(streaming(body), drip=0.1)
    with pytest.raises(EndpointError, match="time-out"):
        project.ask()


def test_endpoint_lets_no_call_begin_after_an_error(project: Any, server: ChatServer) -> None:
    project.write(batch_sentences=1)
    server.queue = [right, failing(401)]
    with pytest.raises(EndpointError):
        project.ask("\n".join(f"第{number}天，王小明到了济南。" for number in range(9)))
    assert len(server.requests) < 9  # how many were on their way is up to the machine
    assert not [one for one in threading.enumerate() if one.name.startswith("llm")]
