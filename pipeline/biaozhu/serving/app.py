"""The HTTP service: a page at `/`, `/predict`, `/meaning`, `/health` and `/metrics`, with limits on what a client can make large.

A request takes a place, or is answered by 429, before its body is read, and keeps it until the work on it has ended: there
are never more threads or bodies than places. Large requests, and each client, have only a part of the places and workers.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import re
import time
from base64 import b64encode
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any

import prometheus_client as prometheus
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from biaozhu.data.errors import BiaozhuError, RequestError, bug_from
from biaozhu.data.files import parse_json
from biaozhu.data.model import Span
from biaozhu.data.offsets import Utf16Offsets
from biaozhu.serving.predictor import PATH, Found, Meanings, Predictor

UNAUTHORIZED, SLOW_CLIENT, TOO_LARGE = 401, 408, 413
REFUSED, BUSY, FAILED, TOO_SLOW = 422, 429, 500, 503
CLOSE = {"Connection": "close"}  # what is left of the body is not read
AGAIN = {"Retry-After": "1"}
REFUSAL_HEADERS = {
    UNAUTHORIZED: {"WWW-Authenticate": "Bearer", **CLOSE},
    BUSY: {**AGAIN, **CLOSE},
    TOO_SLOW: AGAIN,
    **dict.fromkeys((SLOW_CLIENT, TOO_LARGE), CLOSE),
}
LARGE_BYTES = 64 * 1024  # beyond which a request is a large one, as is one without its length
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
PAGE = Path(__file__).with_name("page.html")
FEWER = "Send shorter texts, or fewer at once"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of a request: bytes, texts, seconds; and how many requests are worked on, wait, and are of one client at once."""

    body: int = 1024 * 1024
    texts: int = 256
    arriving: float = 10.0
    answering: float = 30.0
    workers: int = 2
    waiting: int = 16
    client: int = 12


def make_app(predictor: Predictor, *, token: str, limits: Limits | None = None) -> Starlette:
    """Return the application, whose requests carry the token as `Authorization: Bearer …`, except to `/` and `/health`."""
    service = _Service(predictor, token.encode("utf-8"), limits or Limits())
    app = Starlette(
        routes=[
            Route("/", _read_page(), methods=["GET"]),
            Route("/predict", partial(service.respond, is_explained=False), methods=["POST"]),
            Route("/meaning", partial(service.respond, is_explained=True), methods=["POST"]),
            Route("/health", service.show_health, methods=["GET"]),
            Route("/metrics", service.show_metrics, methods=["GET"]),
        ],
        lifespan=service.lifespan,
        exception_handlers={_RefusedError: lambda _request, refused: refused.response},
    )
    # It would send the client to whatever host the client names.
    app.router.redirect_slashes = False
    return app


class _Service:
    def __init__(self, predictor: Predictor, token: bytes, limits: Limits) -> None:
        self.predictor = predictor
        self.token = token
        self.limits = limits
        self.metrics = _Metrics()
        self.taken = 0
        self.large = 0
        self.clients: Counter[str] = Counter()
        # Of several workers one is left to the others, whatever the large requests do: their pool is the second.
        self.pools = [ThreadPoolExecutor(size) for size in (limits.workers, max(1, limits.workers - 1))]

    @asynccontextmanager
    async def lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        yield
        for pool in self.pools:
            pool.shutdown(wait=False, cancel_futures=True)
        self.predictor.close()

    async def show_health(self, _request: Request) -> Response:
        if not self.predictor.is_ready:
            raise _RefusedError(TOO_SLOW, "no process is ready", "Send it again later")
        return JSONResponse({"status": "ok"})

    async def show_metrics(self, request: Request) -> Response:
        self._check_token(request)
        headers = {"Content-Type": prometheus.CONTENT_TYPE_LATEST}
        return Response(prometheus.generate_latest(self.metrics.registry), headers=headers)

    async def respond(self, request: Request, *, is_explained: bool) -> Response:
        begun = time.perf_counter()
        try:
            response: Response = JSONResponse(await self._answered(request, is_explained=is_explained))
            self.metrics.seconds.observe(time.perf_counter() - begun)
        except _RefusedError as refused:
            response = refused.response
        self.metrics.requests.labels(str(response.status_code)).inc()
        return response

    async def _answered(self, request: Request, *, is_explained: bool) -> dict[str, Any]:
        self._check_token(request)
        stated = request.headers.get("content-length", "")
        is_large = is_explained or not stated.isdecimal() or int(stated) > LARGE_BYTES
        place = (request.client.host if request.client else "", is_large)
        self._check_room(*place)
        self._take(1, *place)
        try:
            texts, many = await self._received(request)
            predict = partial(self.predictor.answer, is_large=is_large, is_explained=is_explained)
            work = self.pools[is_large].submit(predict, texts)
        except BaseException:
            self._take(-1, *place)
            raise
        # The place is free when the thread is, not when the client has gone.
        loop = asyncio.get_running_loop()

        def free_place(_work: Future[list[Found]]) -> None:
            with suppress(RuntimeError):  # what ends after the service has no loop any more
                loop.call_soon_threadsafe(self._take, -1, *place)

        work.add_done_callback(free_place)
        found = await self._found(work)
        self.metrics.characters.inc(sum(map(len, texts)))
        for span in chain.from_iterable(spans for spans, _ in found):
            self.metrics.spans.labels(span.label).inc()
        return answer(texts, found, model=self.predictor.name, many=many)

    async def _received(self, request: Request) -> tuple[list[str], bool]:
        try:
            body = await asyncio.wait_for(self._body(request), self.limits.arriving)
            return read_texts(body, most=self.limits.texts)
        except TimeoutError:
            raise _RefusedError(SLOW_CLIENT, "the request does not arrive in time") from None
        except ClientDisconnect:
            raise _RefusedError(SLOW_CLIENT, "the client has gone") from None
        except RequestError as error:
            raise _RefusedError(REFUSED, error) from None

    async def _found(self, work: Future[list[Found]]) -> list[Found]:
        try:
            return await asyncio.wait_for(asyncio.wrap_future(work), self.limits.answering)
        except TimeoutError:
            raise _RefusedError(TOO_SLOW, "it takes too long", FEWER) from None
        except asyncio.CancelledError:
            # It was asked to end, and what was begun has had its time.
            raise _RefusedError(TOO_SLOW, "the service ends", "Send it again later") from None
        except Exception as error:  # noqa: BLE001 — whatever a text brings about, the service lives on
            _log.exception("a text could not be annotated")
            said = isinstance(error, BiaozhuError) and error.where == PATH
            raise _RefusedError(FAILED, error if said else bug_from(error, where=PATH)) from None  # type: ignore[arg-type]

    async def _body(self, request: Request) -> bytes:
        too_large = _RefusedError(TOO_LARGE, f"more than {self.limits.body} bytes", FEWER)
        stated = request.headers.get("content-length", "0")
        if stated.isdecimal() and int(stated) > self.limits.body:
            raise too_large
        chunks = bytearray()
        async for chunk in request.stream():
            chunks += chunk
            if len(chunks) > self.limits.body:
                raise too_large
        return bytes(chunks)

    def _check_token(self, request: Request) -> None:
        scheme, _, sent = request.headers.get("authorization", "").partition(" ")
        # Compared in constant time; headers are Latin-1.
        right = hmac.compare_digest(sent.strip().encode("latin-1", "replace"), self.token)
        if not right or scheme.lower() != "bearer":
            raise _RefusedError(UNAUTHORIZED, "no token, or a wrong one", "Send it as `Authorization: Bearer …`")

    def _check_room(self, client: str, is_large: bool) -> None:  # noqa: FBT001 — one of the two things a place is of
        places = self.limits.workers + self.limits.waiting
        is_full = self.taken >= places or (is_large and self.large >= max(1, places // 2))
        if is_full or self.clients[client] >= self.limits.client:
            raise _RefusedError(BUSY, "too many requests at once", "Send it again in a second")

    def _take(self, change: int, client: str, is_large: bool) -> None:  # noqa: FBT001 — as above
        self.taken += change
        self.large += change * is_large
        self.clients[client] += change
        if not self.clients[client]:
            del self.clients[client]
        self.metrics.busy.set(self.taken)


class _Metrics:
    """Figures for Prometheus, in a registry of their own; of a text they reveal no more than its length."""

    def __init__(self) -> None:
        own = self.registry = prometheus.CollectorRegistry()
        prometheus.ProcessCollector(registry=own)
        said = "Requests to /predict, by HTTP status."
        self.requests = prometheus.Counter("biaozhu_requests", said, ["status"], registry=own)
        said = "From a request's first byte to its answer, of those answered with 200."
        self.seconds = prometheus.Histogram("biaozhu_predict_seconds", said, buckets=SECONDS, registry=own)
        self.busy = prometheus.Gauge("biaozhu_busy", "Requests that are worked on or wait for it.", registry=own)
        self.characters = prometheus.Counter("biaozhu_characters", "Code points annotated.", registry=own)
        self.spans = prometheus.Counter("biaozhu_spans", "Spans found, by label.", ["label"], registry=own)


class _RefusedError(Exception):
    """A request that is answered by a status and one line."""

    def __init__(self, status: int, error: BiaozhuError | str, next_step: str = "") -> None:
        said = RequestError(error, next_step=next_step) if isinstance(error, str) else error
        self.response = JSONResponse({"error": str(said)}, status, REFUSAL_HEADERS.get(status))


def _read_page() -> Response:
    """Return the page; the browser runs nothing in it that is not in the file."""
    text = PAGE.read_text("utf-8")
    policy = (
        f"default-src 'none'; script-src {_allow(text, 'script')}; style-src {_allow(text, 'style')}; "
        "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
    return Response(text, headers=headers)


def _allow(text: str, tag: str) -> str:
    parts = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
    return " ".join(f"'sha256-{b64encode(sha256(part.encode()).digest()).decode()}'" for part in parts)


def read_texts(body: bytes, *, most: int) -> tuple[list[str], bool]:
    """Return the texts of `{"text": "…"}` or of `{"texts": ["…", …]}`, at most `most`, and whether it was a list."""
    try:
        data = parse_json(body)
    except UnicodeDecodeError as error:
        raise RequestError("not UTF-8", where=f"body@{error.start}") from None
    except ValueError as error:
        raise RequestError(f"not JSON ({error})", where="body") from None
    if not isinstance(data, dict) or len(data) != 1 or next(iter(data)) not in ("text", "texts"):
        raise RequestError("it is an object with text or texts, and nothing else", where="body")
    many = "texts" in data
    texts = data["texts"] if many else [data["text"]]
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise RequestError("a text is a string", where="body")
    if len(texts) > most:
        raise RequestError(f"{len(texts)} texts, {most} are allowed", where="body", next_step="Send fewer at once")
    return texts, many


def answer(texts: Sequence[str], found: Sequence[Found], *, model: str, many: bool) -> dict[str, Any]:
    """Return the answer: `entities` for one text, `results` of such objects for a list.

    `start` and `end` count code points, `start_offset` and `end_offset` UTF-16 units, as Doccano's page does.
    """
    results = [{"entities": _entities(text, *each)} for text, each in zip(texts, found, strict=True)]
    return {"model": model, "results": results} if many else {"model": model, **results[0]}


def _entities(text: str, spans: Sequence[Span], meanings: Meanings | None) -> list[dict[str, Any]]:
    to_units, entities = Utf16Offsets(text).to_units, list[dict[str, Any]]()
    for span in spans:
        units = {"start_offset": to_units(span.start), "end_offset": to_units(span.end)}
        entities.append({**asdict(span), **units, "text": text[span.start : span.end]})
    if meanings is None:
        return entities
    return [{**entity, "meaning": meaning} for entity, meaning in zip(entities, meanings, strict=True)]
