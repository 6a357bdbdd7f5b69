"""A network that misbehaves on demand, between us and a real Doccano: silence, errors, answers cut off in the middle.

Each request is taken over a real socket and, unless the trouble comes before it, carried out by the real server.
"""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import struct
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, ClassVar, Literal
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

Kind = Literal["error", "silence", "lost answer", "cut", "reset", "slow"]
PIECES, PAUSE = 6, 0.9
HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive"}


@dataclass
class Trouble:
    """What goes wrong with the requests whose `METHOD /path` matches: the first `times` of them.

    error        the server never hears of the request, the answer is a 500
    silence      the server never hears of it, and there is no answer
    lost answer  the server carries it out, the connection is closed without an answer
    cut          the server carries it out, half of the answer arrives, then the connection is closed
    reset        the same, but reset, as by a router that lost it
    slow         the answer arrives in small pieces
    """

    kind: Kind
    matches: str
    times: int = 1
    met: int = 0
    guard: threading.Lock = field(default_factory=threading.Lock)

    def takes(self, request: str) -> bool:
        with self.guard:
            if self.met >= self.times or not re.search(self.matches, request):
                return False
            self.met += 1
            return True


class Network(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    troubles: ClassVar[list[Trouble]] = []
    target: ClassVar[tuple[str, int]] = ("", 0)
    released: ClassVar[threading.Event] = threading.Event()

    def pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = f"{self.command} {self.path}"
        trouble = next((one for one in self.troubles if one.takes(request)), None)
        kind = trouble.kind if trouble else None
        if kind == "silence":
            self.released.wait(60)
            self.close_connection = True
            return
        if kind == "error":
            self.give(500, {}, b"the database is gone", None)
            return
        upstream = http.client.HTTPConnection(*self.target, timeout=120)
        headers = dict(self.headers)
        if isinstance(self.connection, ssl.SSLSocket):
            headers["X-Forwarded-Proto"] = "https"  # Doccano then asks for what it asks for over TLS
        upstream.request(self.command, self.path, body, headers)
        answer = upstream.getresponse()
        content = answer.read()
        upstream.close()
        if kind == "lost answer":
            self.close_connection = True
            return
        headers = {name: value for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP}
        cookies = answer.headers.get_all("Set-Cookie") or []
        self.give(answer.status, headers, content, kind, cookies)

    def give(
        self,
        status: int,
        headers: dict[str, str],
        content: bytes,
        kind: Kind | None,
        cookies: list[str] | tuple[()] = (),
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() != "set-cookie":
                self.send_header(name, value)
        for cookie in cookies:
            self.send_header("Set-Cookie", cookie)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if kind in ("cut", "reset"):
            self.wfile.write(content[: len(content) // 2])
            self.wfile.flush()
            if kind == "reset":
                # Closing with unsent time left over sends a reset.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
            self.close_connection = True
            return
        if kind == "slow":
            step = len(content) // PIECES + 1
            for position in range(0, len(content), step):
                time.sleep(PAUSE)
                self.wfile.write(content[position : position + step])
                self.wfile.flush()
            return
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Stay silent."""


for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
    setattr(Network, f"do_{method}", Network.pass_on)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that has given up is what these tests are about."""


@contextmanager
def network(url: str, *troubles: Trouble, context: ssl.SSLContext | None = None) -> Iterator[str]:
    """Yield the address of a network with these troubles in front of a server; over TLS with a context."""
    parts = urlsplit(url)
    Network.target, Network.troubles = (str(parts.hostname), int(parts.port or 80)), list(troubles)
    Network.released.clear()
    server = _Server(("127.0.0.1", 0), Network)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"{'https' if context else 'http'}://127.0.0.1:{server.server_port}"
    finally:
        Network.released.set()
        server.shutdown()
        server.server_close()
