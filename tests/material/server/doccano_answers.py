"""A small server that gives the answers that a test has laid out."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

CUT = -200
PROFILE = {"id": 7, "username": "anna", "is_superuser": False, "is_staff": True}


class Answers(BaseHTTPRequestHandler):
    """Answers as the test has laid out, one after the other, whole or CUT off; then with the profile."""

    plan: ClassVar[list[tuple[int, str]]] = []
    asked: ClassVar[list[tuple[str, str, str]]] = []

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode()
        Answers.asked.append((self.command, self.path, self.headers.get("Authorization") or body))
        code, text = Answers.plan.pop(0) if Answers.plan else (200, json.dumps(PROFILE))
        self.send_response(abs(code))
        self.send_header("Content-Length", str(len(text) + (code == CUT)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Stay silent."""


for method in ("GET", "POST", "DELETE", "PATCH"):
    setattr(Answers, f"do_{method}", Answers.answer)


@contextmanager
def serving(*plan: tuple[int, str], context: ssl.SSLContext | None = None) -> Iterator[str]:
    Answers.plan, Answers.asked = list(plan), []
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"{'https' if context else 'http'}://127.0.0.1:{server.server_port}"
        server.shutdown()
