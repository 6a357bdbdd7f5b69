"""A real HTTP server on loopback that speaks the chat protocol, and answers, errs, streams and delays as a test tells it."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NAMES = {
    "青岛市": "PLACE",
    "济南": "PLACE",
    "王小明": "PERSON",
    "李大海": "PERSON",
    "30斤": "AMOUNT",
    "𠮷田村": "PLACE",
}
PROMPT_TOKENS, ANSWER_TOKENS = 100, 10


@dataclass
class Said:
    """What the server sends: a status, a body, headers, and how long it waits before."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    drip: float = 0.0
    cut: bool = False


Behaviour = "Callable[[dict[str, Any]], Said]"


@dataclass
class ChatServer:
    """The server's address, the requests that it got, and what it does with the next ones: `queue` first, then `usual`."""

    url: str
    usual: Any
    queue: list[Any] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    busiest: int = 0
    now: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def respond(self, body: dict[str, Any], headers: dict[str, str]) -> Said:
        with self.lock:
            self.requests.append(body)
            self.headers.append(headers)
            behave = self.queue.pop(0) if self.queue else self.usual
        return behave(body) if callable(behave) else behave


def question_of(body: dict[str, Any]) -> dict[str, Any]:
    """What the last message asks, as JSON."""
    content = body["messages"][-1]["content"]
    return json.loads(content[content.index("{") :])


def spans_of(text: str, names: dict[str, str] = NAMES) -> list[dict[str, Any]]:
    """Every name in a text, as the model should state it."""
    return [
        {"text": name, "label": label, "occurrence": number}
        for name, label in names.items()
        for number in range(1, text.count(name) + 1)
    ]


def completion(content: str | None, finish: str = "stop", **message: Any) -> dict[str, Any]:
    """A response of the protocol."""
    return {
        "id": "x",
        "object": "chat.completion",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": content, **message},
                "finish_reason": finish,
            }
        ],
        "usage": {"prompt_tokens": PROMPT_TOKENS, "completion_tokens": ANSWER_TOKENS},
    }


def answers_to(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The right answers to a request."""
    return [{"n": one["n"], "spans": spans_of(one["text"])} for one in question_of(body)["sentences"]]


def right(body: dict[str, Any]) -> Said:
    """Answer as a good model does."""
    return Said(completion(json.dumps({"answers": answers_to(body)}, ensure_ascii=False)))


def saying(content: str | None, finish: str = "stop", **message: Any) -> Said:
    """Answer with this, whatever is asked."""
    return Said(completion(content, finish, **message))


def spans_saying(*spans: dict[str, Any]) -> Callable[[dict[str, Any]], Said]:
    """Answer with these spans for the first sentence, and rightly for the others."""

    def behave(body: dict[str, Any]) -> Said:
        answers = answers_to(body)
        answers[0]["spans"] = list(spans)
        # With escapes, which alone can state a lone surrogate.
        return Said(completion(json.dumps({"answers": answers})))

    return behave


def failing(status: int, message: str = "no", **headers: str) -> Said:
    """Err."""
    return Said(
        {"error": {"message": message}},
        status,
        {name.replace("_", "-"): value for name, value in headers.items()},
    )


def streaming(body: dict[str, Any], *, whole: bool = True) -> Said:
    """Answer piece by piece."""
    content = json.dumps({"answers": answers_to(body)}, ensure_ascii=False)
    pieces = [{"delta": {"content": content[at : at + 5]}} for at in range(0, len(content), 5)]
    events = [{"choices": [piece]} for piece in pieces]
    if whole:
        events += [
            {"choices": [{"delta": {}, "finish_reason": "stop"}]},
            {"choices": [], "usage": {"prompt_tokens": PROMPT_TOKENS, "completion_tokens": ANSWER_TOKENS}},
        ]
    lines = [f"data: {json.dumps(one, ensure_ascii=False)}\n\n" for one in events]
    return Said("".join([*lines, "data: [DONE]\n\n" if whole else ""]), headers={"Content-Type": "text/event-stream"})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    chat: ChatServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        chat = self.chat
        with chat.lock:
            chat.now += 1
            chat.busiest = max(chat.busiest, chat.now)
        try:
            said = chat.respond({**body, "path": self.path}, dict(self.headers))
            time.sleep(said.delay)
        finally:
            with chat.lock:
                chat.now -= 1
        data = said.body if isinstance(said.body, bytes) else str(said.body).encode()
        if isinstance(said.body, dict):
            data = json.dumps(said.body, ensure_ascii=False).encode()
        self.send_response(said.status)
        for name, value in {"Content-Type": "application/json", **said.headers}.items():
            self.send_header(name, value)
        if said.headers.get("Content-Type") == "text/event-stream":
            self._stream(data, said)
            return
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        try:
            if said.cut:
                self.wfile.write(data[: len(data) // 2])
                self.close_connection = True
            elif said.drip:
                for at in range(0, len(data), 512):
                    self.wfile.write(data[at : at + 512])
                    self.wfile.flush()
                    time.sleep(said.drip)
            else:
                self.wfile.write(data)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _stream(self, data: bytes, said: Said) -> None:
        """Send events one at a time, and then end the connection unasked, as llama.cpp does."""
        self.close_connection = True
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            for event in data.split(b"\n\n")[:-1]:
                self.wfile.write(b"%x\r\n%b\n\n\r\n" % (len(event) + 2, event))
                self.wfile.flush()
                time.sleep(said.drip)
            if not said.cut:
                self.wfile.write(b"0\r\n\r\n")
        except (BrokenPipeError, ConnectionResetError):
            pass

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def chat_server(usual: Any = right) -> Iterator[ChatServer]:
    """Run a server on a free port; whatever happens it ends."""
    http = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    http.daemon_threads = True
    chat = ChatServer(f"http://127.0.0.1:{http.server_address[1]}/v1", usual)
    http.RequestHandlerClass = type("Handler", (_Handler,), {"chat": chat})
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield chat
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
