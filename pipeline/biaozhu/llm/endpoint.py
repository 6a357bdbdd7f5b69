"""OpenAI's chat protocol over HTTP: one call with its time limit, retries with backoff, and the fallback of formats.

Nothing goes anywhere but to the configured address: redirects are not followed, proxies and passwords of the
environment (`http_proxy`, `.netrc`) are not used.
"""

from __future__ import annotations

import random
import threading
import time
from typing import TYPE_CHECKING, Any

import requests

from biaozhu.data.errors import EndpointError
from biaozhu.llm.budget import Usage, estimate_tokens
from biaozhu.llm.prompt import count_chars, make_schema
from biaozhu.llm.protocol import (
    BusyError,
    CallFailedError,
    FormatRefusedError,
    NoBudgetError,
    describe_error,
    read_reply,
    read_retry_after,
    read_usage,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from biaozhu.llm.budget import Meter
    from biaozhu.llm.config import Config
    from biaozhu.llm.protocol import Reply

CONNECT_SECONDS = 10.0
LONGEST_WAIT_SECONDS = 120.0
"""A server that asks for a longer pause is not waited for."""
MAX_ANSWER_BYTES = 8 * 1024 * 1024
CHUNK_BYTES = 512
BUSY = frozenset({408, 409, 425, 429})
REFUSED_FOR_GOOD = {
    401: "refuses the key",
    402: "says that the account is empty",
    403: "refuses the key",
    404: "has no such address or model",
}
UNREADABLE = (400, 422)
TOO_LARGE, TOO_MANY, OK, FIRST_REDIRECT, FIRST_FAULT = 413, 429, 200, 300, 500
NEVER_CONNECTED = ("NewConnectionError", "NameResolutionError")
"""What urllib3 1 and 2 name in an error where not even a connection was made."""
FORMATS = ("json_schema", "json_object", "")
"""Kinds of `response_format`, tried in this order where a server does not take one."""


class Endpoint:
    """One server and model; several threads may ask at the same time.

    `stop` ends all waits and lets no further call begin, `answered` says whether any call was.
    """

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

    def ask(self, messages: Sequence[Mapping[str, str]]) -> Reply:
        """Return the answer to messages, after as many retries as the configuration allows.

        Raises:
            CallFailedError: there is none.
            NoBudgetError: the call was not made.
            EndpointError: no call can succeed.
        """
        attempt = 0
        while True:
            self.stop.wait(max(0.0, self._quiet_until - time.monotonic()))
            if self.stop.is_set():
                raise CallFailedError("stopped")
            level = self._format
            try:
                return self._call(messages, level)
            except FormatRefusedError:
                with self._lock:
                    self._format = max(self._format, level + 1)
            except BusyError as busy:
                if attempt >= self._config.retries or busy.pause > LONGEST_WAIT_SECONDS or self.stop.is_set():
                    raise CallFailedError(busy.reason, busy.detail, is_server=True) from None
                self._back_off(attempt, busy.pause)
                attempt += 1

    def most_used(self, messages: Sequence[Mapping[str, str]]) -> Usage:
        """Return what a call may use at most."""
        return Usage(estimate_tokens(count_chars(messages)), self._config.max_tokens)

    def _open(self) -> requests.Session:
        session = requests.Session()
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

    def _call(self, messages: Sequence[Mapping[str, str]], level: int) -> Reply:
        most = self.most_used(messages)
        if not self.meter.reserve(most):
            raise NoBudgetError
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
        reply = read_reply(body, secret=self._key)
        self.answered = True
        return reply

    def _body(self, messages: Sequence[Mapping[str, str]], level: int) -> dict[str, Any]:
        body = {**self._config.request_parameters, "model": self._config.model, "messages": list(messages)}
        kind = FORMATS[level]
        if kind == "json_schema":
            schema = {"name": "annotations", "strict": True, "schema": self._schema}
            body["response_format"] = {"type": kind, "json_schema": schema}
        elif kind:
            body["response_format"] = {"type": kind}
        return body

    def _post(self, body: dict[str, Any]) -> tuple[int, Mapping[str, str], bytes]:
        limit = self._config.timeout_seconds
        deadline = time.monotonic() + limit
        try:
            with (
                self._open() as session,
                session.post(
                    self._url,
                    json=body,
                    timeout=(min(CONNECT_SECONDS, limit), limit),
                    stream=True,
                    allow_redirects=False,
                ) as response,
            ):
                return response.status_code, response.headers, _read_until(response, deadline)
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
            raise EndpointError(
                f"the request cannot be sent ({type(error).__name__})", where=self._config.base_url
            ) from None

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


def _read_until(response: requests.Response, deadline: float) -> bytes:
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise CallFailedError("the answer is packed", is_server=True)
    # urllib3 1 takes half an answer for a whole one unless it is told.
    response.raw.enforce_content_length = True
    # The time limit of requests is for the next bytes, not for the whole answer.
    content = bytearray()
    for chunk in response.iter_content(CHUNK_BYTES):
        content += chunk
        if time.monotonic() > deadline:
            raise requests.Timeout
        if len(content) > MAX_ANSWER_BYTES:
            raise CallFailedError("the answer is too long", may_split=True)
    return bytes(content)


def _last(error: Exception) -> str:
    # The outermost text repeats the whole address; the kind of the innermost says what happened.
    inner: BaseException = error
    while (cause := inner.__cause__ or inner.__context__) is not None:
        inner = cause
    return type(inner).__name__
