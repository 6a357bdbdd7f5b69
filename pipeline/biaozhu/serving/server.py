"""The service's life: bind, answer with deadlines for what clients do, and on SIGTERM or Ctrl-C end what was begun."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import secrets
import shlex
import socket
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from biaozhu.data.errors import ServiceError
from biaozhu.data.files import read_bytes, write_text

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from biaozhu.serving.app import Limits

CONNECTIONS = 256  # Open connections; for one more the one that has waited longest for a request is closed
UNFINISHED_BYTES = 64 * 1024  # Of a request whose headers have not ended; more get 400, as with uvicorn itself
IDLE = 5  # Seconds after which a silent connection is closed
LOOPBACK = ("127.0.0.1", "::1")
VARIABLE = "BIAOZHU_TOKEN"
SHORTEST = 16
_LENGTHS = {b"content-length", b"transfer-encoding"}
_ORIGIN = re.compile(rb"https?://[^/?#]*/?", re.IGNORECASE)


class _StrictConnection(h11.Connection):
    """A connection that takes a whole address for its path, and refuses requests with both a length and an encoding.

    What stands before it may end those elsewhere.
    """

    def next_event(self) -> h11.Event | type[h11.NEED_DATA | h11.PAUSED]:
        event = super().next_event()
        # RFC 9112, 6.1; uvicorn answers 400 and closes.
        if isinstance(event, h11.Request) and dict(event.headers).keys() >= _LENGTHS:
            raise h11.RemoteProtocolError(str(_LENGTHS))
        # RFC 9112, 3.2.2; uvicorn takes the address for a path.
        if isinstance(event, h11.Request) and (origin := _ORIGIN.match(event.target)):
            path, version = b"/" + event.target[origin.end() :], event.http_version
            event = h11.Request(method=event.method, headers=event.headers, target=path, http_version=version)
        return event


class ClientConnection(H11Protocol):
    """A connection with `header_seconds` for the headers of a request, and `request_seconds` from there to its answer's end."""

    def __init__(self, *args: Any, header_seconds: float, request_seconds: float, **options: Any) -> None:
        super().__init__(*args, **options)
        self.conn = _StrictConnection(h11.SERVER, UNFINISHED_BYTES)
        self.header_seconds, self.request_seconds = header_seconds, request_seconds
        self.since = 0.0
        self.deadline: asyncio.TimerHandle | None = None

    @property
    def is_waiting(self) -> bool:
        """True where no received request is still to be answered."""
        return self.cycle is None or (self.cycle.response_complete and self.conn.their_state is h11.IDLE)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Make room where there are too many connections, and begin the time for the headers."""
        super().connection_made(transport)
        self.since = self.loop.time()
        if len(self.connections) >= CONNECTIONS:
            others = [one for one in self.connections if isinstance(one, ClientConnection) and one is not self]
            longest = min((one for one in others if one.is_waiting), key=lambda one: one.since, default=None)
            if longest is not None:
                self.connections.discard(longest)
                longest.transport.abort()
        self._set_deadline(self.header_seconds)

    def data_received(self, data: bytes) -> None:
        """Take what arrives; a deadline runs from the first byte of a request, and another from its last header."""
        was_waiting = self.is_waiting
        super().data_received(data)
        if was_waiting and not self.is_waiting:
            self._set_deadline(self.request_seconds)
        elif self.is_waiting and self.deadline is None:
            self._set_deadline(self.header_seconds)

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self.since = self.loop.time()
        self._set_deadline(None)
        super().on_response_complete()
        if self.is_waiting and self.conn.trailing_data[0]:
            self._set_deadline(self.header_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline."""
        self._set_deadline(None)
        super().connection_lost(exc)

    def _set_deadline(self, seconds: float | None) -> None:
        if self.deadline is not None:
            self.deadline.cancel()
        self.deadline = None if seconds is None else self.loop.call_later(seconds, self.transport.abort)


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that has this address and does not listen; port 0 takes a free one. ServiceError: it is none, or taken."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        listening = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a host name"
        raise ServiceError(f"no address ({reason})", where=f"{host}:{port}") from None
    with _refusing(listening, f"{host}:{port}"):
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    return listening


def listen(bound: socket.socket) -> None:
    """Take connections on this socket. ServiceError: since it was bound another has begun to listen there."""
    with _refusing(bound, ":".join(map(str, bound.getsockname()[:2]))):
        bound.listen(CONNECTIONS)


@contextlib.contextmanager
def _refusing(bound: socket.socket, where: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        bound.close()
        what = f"nothing can listen there ({error.strerror})"
        raise ServiceError(what, where=where, next_step="Give another port, or 0 for a free one") from None


def address_of(listening: socket.socket) -> str:
    """Return the address of `/predict` on this socket."""
    host, port = listening.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/predict"


def make_server(app: Starlette, limits: Limits, *, drain: float) -> uvicorn.Server:
    """Return the server of an application; see `run`."""
    answering = 2 * limits.arriving + limits.answering
    # What uvicorn itself has no deadlines for.
    http = partial(ClientConnection, header_seconds=limits.arriving, request_seconds=answering)
    config = uvicorn.Config(
        app,
        http=cast("Any", http),
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        limit_concurrency=CONNECTIONS,
        timeout_keep_alive=IDLE,
        timeout_graceful_shutdown=int(drain) + 1,
        ws="none",
    )
    return uvicorn.Server(config)


def run(app: Starlette, listening: socket.socket, *, limits: Limits, drain: float, ready: Callable[[], None]) -> None:
    """Listen, call `ready`, and serve until SIGTERM or SIGINT; requests that were begun may still take `drain` seconds then."""
    listen(listening)
    ready()
    # uvicorn raises the signal again once it has drained, and the command line makes KeyboardInterrupt of it.
    with contextlib.suppress(KeyboardInterrupt):
        make_server(app, limits, drain=drain).run(sockets=[listening])


def find_token(file: Path) -> str | None:
    """Return the token of BIAOZHU_TOKEN, else of the file, None where neither is there.

    Raises:
        ServiceError: it is not a token, or others can read the file.
    """
    given = os.environ.get(VARIABLE, "")
    if given:
        return _checked(given, VARIABLE)
    if not file.exists():
        return None
    if file.stat().st_mode & 0o077:
        raise ServiceError("others can read the token", where=file, next_step=f"Run chmod 600 {shlex.quote(str(file))}")
    return _checked(read_bytes(file).decode("utf-8", "replace").strip(), str(file))


def make_token(file: Path) -> str:
    """Write a new token to a file that only its owner can read, and return it."""
    token = secrets.token_urlsafe(32)
    write_text(file, f"{token}\n", mode=0o600)
    return token


def _checked(token: str, where: str) -> str:
    if len(token) < SHORTEST or not (token.isascii() and token.isprintable()) or " " in token:
        what = f"a token is {SHORTEST} or more letters, digits and signs of ASCII, without blanks"
        raise ServiceError(what, where=where)
    return token
