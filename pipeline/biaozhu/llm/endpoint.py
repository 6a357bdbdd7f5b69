"""OpenAI's chat protocol over HTTP: one call with its time limit, retries with backoff, and the fallback of formats.

Nothing goes anywhere but to the configured address: redirects are not followed, proxies and passwords of the
environment (`http_proxy`, `.netrc`) are not used.
"""

from __future__ import annotations

import io
import json
import random
import re
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPResponse
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from biaozhu.data.errors import EndpointError
from biaozhu.data.files import parse_json
from biaozhu.llm.config import Config, Meter, Usage, estimate_tokens, hide_key
from biaozhu.llm.plan import count_chars, make_schema

_Messages = Sequence[Mapping[str, str]]
_Response = tuple[int, Mapping[str, str], bytes]

CONNECT_SECONDS = 10.0
LONGEST_WAIT_SECONDS = 120.0  # A server that asks for a longer pause is not waited for
MAX_ANSWER_BYTES = 8 * 1024 * 1024
MAX_TOKENS = 100_000_000  # More than any model reads or writes in one call
READ_CHARS = 2000  # of an error, of which fewer are shown
BUSY = frozenset({408, 409, 425, 429})
REFUSED_FOR_GOOD = {
    401: "refuses the key",
    402: "says that the account is empty",
    403: "refuses the key",
    404: "has no such address or model",
}
UNREADABLE = (400, 422)
TOO_LARGE, TOO_MANY, OK, FIRST_REDIRECT, FIRST_FAULT = 413, 429, 200, 300, 500
NEVER_CONNECTED = ("NewConnectionError", "NameResolutionError")  # urllib3 1 and 2: nothing was sent
FORMATS = ("json_schema", "json_object", "")  # of `response_format`, tried in this order
SHOWN_CHARS = 200
FILTERED = re.compile(r"inspection|content.?filter|content exists risk|\b1301\b|sensitive", re.IGNORECASE)
"""How DashScope, Azure, DeepSeek and Zhipu say that their filter refuses a text; they do it with status 400."""
NOT_PROTOCOL = "the server's answer is not of the chat protocol"


class CallFailedError(Exception):
    """A call that gave no answer, and why; fewer sentences `may_split` it, or the server fails whatever it is asked."""

    def __init__(self, reason: str, detail: str = "", *, may_split: bool = False, is_server: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.detail, self.may_split, self.is_server = reason, detail, may_split, is_server


class BusyError(CallFailedError):
    """A call that may succeed later, after the server's `pause`; one that `was_sent` may have been charged."""

    def __init__(self, reason: str, detail: str = "", *, pause: float = 0.0, was_sent: bool = True) -> None:
        super().__init__(reason, detail, is_server=True)
        self.pause, self.was_sent = pause, was_sent


class FormatRefusedError(Exception):
    """The server may not know the `response_format` that the request states."""


class NoBudgetError(CallFailedError):
    """The budget has no room for another call."""


class _Limited(io.RawIOBase):
    """The bytes of an answer until a deadline and up to a size; libraries read headers and chunk sizes without either."""

    def __init__(self, sock: Any, deadline: float) -> None:
        self._sock, self._raw = sock, sock.makefile("rb", buffering=0)
        self._deadline, self._left = deadline, MAX_ANSWER_BYTES

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return a reader, as HTTPResponse asks a socket for."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if (seconds := self._deadline - time.monotonic()) <= 0:
            raise TimeoutError
        self._sock.settimeout(seconds)
        size: int | None = self._raw.readinto(buffer)
        self._left -= size or 0
        if self._left < 0:
            raise CallFailedError("the answer is too long", may_split=True)
        return size

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Adapter(HTTPAdapter):
    """Connections, to proxies too, of which every answer is read through `_Limited`."""

    def __init__(self, deadline: float) -> None:
        super().__init__()
        self._deadline = deadline

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> Any:
        pool = super().get_connection_with_tls_context(*args, **options)  # type: ignore[misc]  # newer than its types

        def respond(sock: Any, *more: Any, **how: Any) -> HTTPResponse:
            sock = _Limited(sock, self._deadline)
            return HTTPResponse(sock, *more, **how)

        pool.ConnectionCls = type("Connection", (pool.ConnectionCls,), {"response_class": staticmethod(respond)})
        return pool


class Endpoint:
    """One server and model, for several threads; `stop` ends all waits and lets no further call begin."""

    def __init__(self, config: Config, key: str, meter: Meter, labels: Sequence[str]) -> None:
        self.meter = meter
        self.retries = 0
        self.answered = False
        self.stop = threading.Event()
        self._config = config
        self._key = key
        self._schema = make_schema(labels)
        self._url = f"{config.base_url.rstrip('/')}/chat/completions"
        self._lock = threading.Lock()
        self._format = FORMATS.index("json_schema" if config.answer == "json" else "")
        self._quiet_until = 0.0

    @property
    def format(self) -> str:
        """The `response_format` that the server takes; empty where it takes none."""
        return FORMATS[self._format]

    def ask(self, messages: _Messages) -> str:
        """Return the answer to messages; CallFailedError: none, NoBudgetError: not asked, EndpointError: never any."""
        attempt = 0
        while True:
            if self.stop.wait(max(0.0, self._quiet_until - time.monotonic())):
                raise CallFailedError("stopped")
            level = self._format
            try:
                return self._call(messages, level)
            except FormatRefusedError:
                with self._lock:
                    self._format = max(self._format, level + 1)
            except BusyError as busy:
                if attempt >= self._config.retries or busy.pause > LONGEST_WAIT_SECONDS or self.stop.is_set():
                    raise
                self._back_off(attempt, busy.pause)
                attempt += 1

    def most_used(self, messages: _Messages) -> Usage:
        """Return what a call may use at most."""
        return Usage(estimate_tokens(count_chars(messages)), self._config.max_tokens)

    def _open(self, deadline: float) -> requests.Session:
        session = requests.Session()
        for scheme in ("http://", "https://"):
            session.mount(scheme, _Adapter(deadline))
        session.trust_env = False
        session.verify = self._config.ca_bundle or True
        if self._config.proxy:
            session.proxies = {"http": self._config.proxy, "https": self._config.proxy}
        # urllib3 1 unpacks without bounds (see SECURITY.md), so nothing is.
        session.headers["Accept-Encoding"] = "identity"
        # A connection serves one call: llama.cpp ends it after a stream, and what is sent on it then breaks off, as if charged.
        session.headers["Connection"] = "close"
        if self._key:
            session.headers["Authorization"] = f"Bearer {self._key}"
        return session

    def _call(self, messages: _Messages, level: int) -> str:
        most = self.most_used(messages)
        if not self.meter.reserve(most):
            raise NoBudgetError("not asked: the budget is used up")
        # Whether a call that breaks off is charged nobody knows.
        used = Usage(most.input, 0, estimated=True)
        try:
            status, headers, body = self._post(self._body(messages, level))
            used = read_usage(body, most) if status == OK else Usage()
        except BusyError as busy:
            used = used if busy.was_sent else Usage()
            raise
        finally:
            self.meter.settle(most, used)
        if status != OK:
            raise self._refusal(status, headers, body, level)
        content, finish = read_reply(body, secret=self._key)
        self.answered = True
        if finish != "stop":
            raise CallFailedError("answer cut off" if finish == "length" else "refused by the model", may_split=True)
        return content

    def _body(self, messages: _Messages, level: int) -> dict[str, Any]:
        body = {**self._config.request_parameters, "model": self._config.model, "messages": [*messages]}
        if kind := FORMATS[level]:
            body["response_format"] = {"type": kind}
        if kind == "json_schema":
            body["response_format"][kind] = {"name": "annotations", "strict": True, "schema": self._schema}
        return body

    def _post(self, body: dict[str, Any]) -> _Response:
        limit = self._config.timeout_seconds
        deadline = time.monotonic() + limit
        response: Future[_Response] = Future()

        def exchange() -> None:
            try:
                response.set_result(self._exchange(body, deadline))
            except BaseException as error:  # noqa: BLE001 — raised where it is waited for
                response.set_exception(error)

        # To look up a name, to greet and to send have no deadline: what is late is left behind, to end by itself.
        thread = threading.Thread(target=exchange, name="llm-call", daemon=True)
        thread.start()
        thread.join(limit)
        if not response.done():
            raise BusyError("time-out")
        return response.result()

    def _exchange(self, body: dict[str, Any], deadline: float) -> _Response:
        limit = self._config.timeout_seconds
        timeout = min(CONNECT_SECONDS, limit / 2), limit
        options: Any = {"timeout": timeout, "stream": True, "allow_redirects": False}
        try:
            with self._open(deadline) as session, session.post(self._url, json=body, **options) as response:
                return response.status_code, response.headers, _read_response(response)
        except (requests.exceptions.SSLError, requests.exceptions.ProxyError) as error:
            raise EndpointError(f"no safe connection ({_last(error)})", where=self._config.base_url) from None
        except requests.ConnectTimeout:
            raise BusyError("the server cannot be reached", was_sent=False) from None
        except requests.Timeout:
            raise BusyError("time-out") from None
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
            if time.monotonic() > deadline or "timed out" in str(error):
                raise BusyError("time-out") from None
            was_sent = not any(one in repr(error) for one in NEVER_CONNECTED)
            reason = "the connection broke off" if was_sent else "the server cannot be reached"
            raise BusyError(reason, _last(error), was_sent=was_sent) from None
        except requests.RequestException as error:
            what = f"the request cannot be sent ({type(error).__name__})"
            raise EndpointError(what, where=self._config.base_url) from None

    def _refusal(self, status: int, headers: Mapping[str, str], body: bytes, level: int) -> Exception:
        said, filtered = describe_error(body, secret=self._key)
        where = self._config.base_url
        if status in BUSY or status >= FIRST_FAULT:
            reason = "rate limit (429)" if status == TOO_MANY else f"server error ({status})"
            return BusyError(reason, said, pause=read_retry_after(headers.get("Retry-After", "")))
        if filtered:
            return CallFailedError("refused by the server's filter", said, may_split=True)
        if status in UNREADABLE and not self.answered and level + 1 < len(FORMATS):
            return FormatRefusedError(said)
        if status == TOO_LARGE or (status in UNREADABLE and self.answered):
            return CallFailedError(f"request refused ({status})", said, may_split=True)
        if FIRST_REDIRECT <= status < UNREADABLE[0]:
            return EndpointError("the server sends us elsewhere, where nothing is sent", where=where)
        what = REFUSED_FOR_GOOD.get(status, "refuses the request")
        return EndpointError(f"the server {what} ({status}{': ' if said else ''}{said})", where=where)

    def _back_off(self, attempt: int, pause: float) -> None:
        with self._lock:
            self.retries += 1
            # What the server asks of one is meant for all.
            self._quiet_until = max(self._quiet_until, time.monotonic() + pause if pause else 0.0)
        longest = min(LONGEST_WAIT_SECONDS, self._config.retry_seconds * 2**attempt)
        # Jitter: else all that were refused together would come back together.
        self.stop.wait(pause + random.uniform(longest / 2, longest))  # noqa: S311 — no secret hangs on it


def _read_response(response: requests.Response) -> bytes:
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise CallFailedError("the answer is packed", is_server=True)
    # urllib3 1 takes half an answer for a whole one unless it is told.
    response.raw.enforce_content_length = True
    return response.content


def _last(error: Exception) -> str:
    # The outermost text repeats the whole address; the kind of the innermost says what happened.
    inner: BaseException = error
    while cause := inner.__cause__ or inner.__context__:
        inner = cause
    return type(inner).__name__


def read_reply(body: bytes, *, secret: str) -> tuple[str, str]:
    """Return the one answer of a response, and how it ended: `stop`, `length`, or `refusal` by the model or the server's filter.

    BusyError: a stream broke off. CallFailedError: there is no answer.
    """
    data = _parse_response(body)
    if isinstance(data, dict) and data.get("error"):
        said, _ = describe_error(body, secret=secret)
        raise CallFailedError("the server answers with an error", said, is_server=True)
    try:
        choices = data["choices"]
        if len(choices) > 1:
            return "{}{}", "stop"  # read as two answers in one
        message = choices[0]["message"]
        content, refusal = message.get("content"), message.get("refusal")
        finish = choices[0].get("finish_reason") or "stop"
    except (TypeError, KeyError, IndexError, AttributeError):
        raise CallFailedError(NOT_PROTOCOL, is_server=True) from None
    if refusal or finish == "content_filter":
        return "", "refusal"
    return content if isinstance(content, str) else "", "length" if finish == "length" else "stop"


def read_usage(body: bytes, most: Usage) -> Usage:
    """Return the tokens that a response says it used; what is not said is estimated by what was set aside."""
    try:
        data = _parse_response(body)
        usage = data["usage"]
        details = usage.get("prompt_tokens_details") or {}
        cached = details.get("cached_tokens") or usage.get("prompt_cache_hit_tokens") or 0
        found = Usage(int(usage["prompt_tokens"]), int(usage["completion_tokens"]), int(cached))
    except (BusyError, CallFailedError, TypeError, KeyError, ValueError, OverflowError, AttributeError):
        # Bytes of JSON around Chinese text, of which a character has three.
        return Usage(most.input, min(most.output, len(body) // 3), estimated=True)
    if not (0 <= found.cached <= found.input <= MAX_TOKENS and 0 <= found.output <= MAX_TOKENS):
        return Usage(most.input, most.output, estimated=True)
    return found


def describe_error(body: bytes, *, secret: str) -> tuple[str, bool]:
    """Return what a server says is wrong, on one line and without our key, and whether its filter refused the text."""
    text = body.decode("utf-8", "replace")
    filtered = FILTERED.search(text) is not None
    with suppress(ValueError, KeyError, TypeError, RecursionError):
        error = json.loads(text)["error"]
        text = str(error["message"] if isinstance(error, dict) else error)
    return hide_key(" ".join(text[:READ_CHARS].split()), secret)[:SHOWN_CHARS], filtered


def read_retry_after(value: str) -> float:
    """Return the seconds that a Retry-After header asks for, as a number or a date; 0 where it says nothing."""
    with suppress(ValueError):
        return max(0.0, float(value)) if float(value) < float("inf") else 0.0
    with suppress(ValueError, TypeError, OverflowError):
        when = parsedate_to_datetime(value)
        return max(0.0, (when.replace(tzinfo=when.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
    return 0.0


def _parse_response(body: bytes) -> Any:
    if body.lstrip().startswith((b"data:", b":", b"event:")):
        return _join_stream(body)
    try:
        return parse_json(body)
    except ValueError:
        raise CallFailedError(NOT_PROTOCOL, is_server=True) from None


def _join_stream(body: bytes) -> dict[str, Any]:
    content, refusal, finish, usage = "", "", None, None
    for line in body.decode("utf-8", "replace").split("\n"):
        if not line.startswith("data:") or line[5:].strip() == "[DONE]":
            continue
        try:
            event = json.loads(line[5:])
            usage = event.get("usage") or usage
            for choice in event.get("choices", ()):
                delta = choice.get("delta", {})
                content += delta.get("content") or ""
                refusal += delta.get("refusal") or ""
                finish = choice.get("finish_reason") or finish
        except (ValueError, TypeError, AttributeError, RecursionError):
            break
    if finish is None:
        raise BusyError("the connection broke off")
    return {"choices": [{"message": {"content": content, "refusal": refusal}, "finish_reason": finish}], "usage": usage}
