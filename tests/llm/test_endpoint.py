"""Servers that are busy, slow, elsewhere, of another protocol or without structured output."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from contextlib import contextmanager, suppress
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
from biaozhu.llm.endpoint import MAX_ANSWER_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

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


@contextmanager
def sending(head: bytes, piece: bytes, pause: float) -> Iterator[tuple[str, list[int]]]:
    """A server that begins with `head` and goes on with the same piece for ever, and what it sent of it."""
    sent: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with suppress(OSError), listening.accept()[0] as one:
                one.recv(65536)
                one.sendall(head)
                while True:
                    one.sendall(piece)
                    sent.append(len(piece))
                    time.sleep(pause)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1", sent


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (b"HTTP/1.1 200 OK\r\nX-A: ", b"a"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", b" "),
        (CHUNKED, b"0"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
)
@pytest.mark.parametrize("through", ["base_url", "proxy"])
def test_endpoint_ends_a_call_of_which_every_byte_is_in_time(
    project: Any, head: bytes, piece: bytes, through: str
) -> None:
    with sending(head, piece, 0.1) as (url, _):
        project.write(**{through: url}, timeout_seconds=0.5, retries=0)
        begun = time.monotonic()
        with pytest.raises(EndpointError, match="time-out"):
            project.ask()
    assert time.monotonic() - begun < 3


@pytest.mark.parametrize(("head", "piece"), [(CHUNKED, b"0"), (CHUNKED + b"-1\r\n", b"x"), (b"HTTP/1.1 200 O", b"K")])
def test_endpoint_reads_no_answer_without_end(project: Any, head: bytes, piece: bytes) -> None:
    with sending(head, piece * 2**20, 0) as (url, sent):
        project.write(base_url=url, retries=0, batch_sentences=1, timeout_seconds=60)
        with pytest.raises(EndpointError):
            project.ask("青岛市。")
    assert sum(sent) < 4 * MAX_ANSWER_BYTES


def test_endpoint_waits_for_no_name_longer_than_a_call_may_take(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    found = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found.wait(9))
    project.write(timeout_seconds=0.5, retries=0)
    begun = time.monotonic()
    with pytest.raises(EndpointError, match="time-out"):
        project.ask()
    assert time.monotonic() - begun < 5
    found.set()


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
