"""The service's life: bind, answer, and on SIGTERM or Ctrl-C end what was begun and no more."""

from __future__ import annotations

import contextlib
import socket
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import uvicorn

from biaozhu.data.errors import ServiceError
from biaozhu.serving.connections import CONNECTIONS, Connection

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.applications import Starlette

    from biaozhu.serving.app import Limits

IDLE = 5
"""Seconds after which a silent connection is closed."""
LOOPBACK = ("127.0.0.1", "::1")


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that listens there; port 0 takes a free one.

    Raises:
        ServiceError: the address is none, or taken.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a host name"
        raise ServiceError(f"no address ({reason})", where=f"{host}:{port}") from None
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(CONNECTIONS)
    except OSError as error:
        listening.close()
        raise ServiceError(
            f"nothing can listen there ({error.strerror})",
            where=f"{host}:{port}",
            next_step="Give another --port, or --port 0 for a free one",
        ) from None
    return listening


def address_of(listening: socket.socket) -> str:
    """Return the address of `/predict` on this socket."""
    host, port = listening.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/predict"


def make_server(app: Starlette, limits: Limits, *, drain: float) -> uvicorn.Server:
    """Return the server of an application; see `run`."""
    config = uvicorn.Config(
        app,
        # What uvicorn itself has no deadlines for.
        http=cast(
            "Any",
            partial(
                Connection,
                header_seconds=limits.arriving,
                request_seconds=2 * limits.arriving + limits.answering,
            ),
        ),
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


def run(
    app: Starlette, listening: socket.socket, *, limits: Limits, drain: float, ready: Callable[[], None]
) -> None:
    """Serve until SIGTERM or SIGINT; then take no new connection, and end the requests that were begun.

    Args:
        app: the application.
        listening: from `bind`.
        limits: those of the application.
        drain: seconds that begun requests may still take.
        ready: called before the first request is taken.
    """
    ready()
    # uvicorn raises the signal again once it has drained, and the command line makes KeyboardInterrupt of it.
    with contextlib.suppress(KeyboardInterrupt):
        make_server(app, limits, drain=drain).run(sockets=[listening])
