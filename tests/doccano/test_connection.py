"""How a connection bears bad servers: silent, broken, busy, not trusted. Real sockets, only the server is small."""

from __future__ import annotations

import json
import secrets
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, ClassVar

import pytest
from doccano_answers import CUT, PROFILE, Answers, serving
from doccano_tls import self_signed

from biaozhu.data.errors import AuthError, RemoteError, ServerError
from biaozhu.doccano.connection import Account, connect, find_account

if TYPE_CHECKING:
    from pathlib import Path

QUICK = 0.5
TOKEN = secrets.token_hex(20)


def test_connection_sends_a_token_and_asks_who_it_is() -> None:
    with serving() as url:
        connection = connect(Account(url, token=TOKEN))
        assert (connection.user_id, connection.username) == (7, "anna")
        assert Answers.asked == [("GET", "/v1/me", f"Token {TOKEN}")]


def test_connection_names_the_folder_in_which_no_server_was_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A regression test: the advice was to start a second Doccano where the first was started with --home.
    monkeypatch.delenv("DOCCANO_URL", raising=False)
    with pytest.raises(ServerError) as caught:
        find_account(home=tmp_path)
    assert caught.value.where == str(tmp_path.resolve())
    assert "--home" in caught.value.next_step


def test_connection_waits_out_a_busy_server_but_sends_nothing_twice() -> None:
    with serving() as url:
        connection = connect(Account(url, token=TOKEN))
        Answers.plan += [(503, "busy"), (500, "database is locked"), (200, "[1]")]
        assert connection.get("projects") == [1]
        Answers.asked.clear()
        Answers.plan += [(503, "busy")]
        with pytest.raises(RemoteError):
            connection.post("projects", {})
        assert len(Answers.asked) == 1


def test_connection_asks_again_where_an_answer_breaks_off() -> None:
    with serving() as url:
        connection = connect(Account(url, token=TOKEN))
        whole = json.dumps([{**PROFILE, "id": 8}])
        Answers.plan += [(CUT, "[]"), (CUT, "[]"), (200, whole)]
        assert [user.id for user in connection.client.search_users()] == [8]
        Answers.plan += [(CUT, "{}")]
        with pytest.raises(ServerError):
            connection.post("projects", {})
        assert [method for method, *_ in Answers.asked] == ["GET"] * 4 + ["POST"]


@pytest.mark.parametrize("profile", ["{}", "[7]", json.dumps({**PROFILE, "id": "seven"})])
def test_connection_refuses_a_server_that_is_not_a_doccano(profile: str) -> None:
    with serving((200, profile)) as url, pytest.raises(RemoteError):
        connect(Account(url, token=TOKEN))


@pytest.mark.parametrize(
    ("answer", "error", "line"),
    [
        ((401, "{}"), AuthError, "BZ031"),
        ((403, "{}"), AuthError, "BZ031"),
        ((404, "gone"), RemoteError, "BZ034"),
        ((200, "<html>welcome</html>"), RemoteError, "BZ034"),
    ],
)
def test_connection_names_what_is_wrong_in_one_line(answer: tuple[int, str], error: type[Exception], line: str) -> None:
    with serving() as url:
        connection = connect(Account(url, token=TOKEN))
        Answers.plan.append(answer)
        with pytest.raises(error) as caught:
            connection.get("projects")
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)
    assert TOKEN not in str(caught.value)


def test_connection_gives_up_on_a_server_that_accepts_and_never_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(ServerError):
            connect(Account(url, token=TOKEN, silence_seconds=QUICK), retries=1)


def test_connection_gives_up_where_nothing_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        url = f"http://127.0.0.1:{gone.getsockname()[1]}"
    with pytest.raises(ServerError):
        connect(Account(url, token=TOKEN, silence_seconds=QUICK), retries=0)


def test_connection_trusts_only_certificates_of_a_known_authority(tmp_path: Path) -> None:
    certificate, context = self_signed(tmp_path)
    with serving(context=context) as url:
        with pytest.raises(ServerError) as caught:
            connect(Account(url, token=TOKEN), retries=0)
        assert "DOCCANO_CA_BUNDLE" in str(caught.value)
        assert Answers.asked == []
        assert connect(Account(url, token=TOKEN, ca_bundle=str(certificate))).username == "anna"


class Packs(BaseHTTPRequestHandler):
    """Answers with a bomb: gzip said a hundred times, or one redirect that carries it."""

    code: ClassVar[int] = 200

    def do_GET(self) -> None:
        self.send_response(Packs.code)
        self.send_header("Content-Encoding", ", ".join(["gzip"] * 100))
        if Packs.code != 200:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"boom")

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("code", [200, 302])
def test_connection_unpacks_nothing(code: int) -> None:
    Packs.code = code
    server = ThreadingHTTPServer(("127.0.0.1", 0), Packs)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    try:
        with pytest.raises(RemoteError):
            connect(Account(url, token=TOKEN, silence_seconds=QUICK))
    finally:
        server.shutdown()
        server.server_close()
