"""The HTTP service: a page at `/`, `/predict`, `/meaning`, `/health` and `/metrics`, with limits on what a client can make large.

A request takes a place before its body is read, and keeps it until the work on it has really ended: so there are never
more threads or bodies than places. Without a free place the answer is 429, at once. Large requests have a part of the
places and of the workers only, and so has each client, so that neither shuts out the others.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from biaozhu.data.errors import BiaozhuError, RequestError, bug_from
from biaozhu.serving.messages import answer, read_texts
from biaozhu.serving.metrics import Metrics
from biaozhu.serving.page import read_page
from biaozhu.serving.predictor import predict_explained
from biaozhu.serving.workers import PATH

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from concurrent.futures import Future

    from starlette.requests import Request

    from biaozhu.serving.predictor import Predictor

UNAUTHORIZED, SLOW_CLIENT, TOO_LARGE = 401, 408, 413
REFUSED, BUSY, FAILED, TOO_SLOW = 422, 429, 500, 503
AGAIN = {"Retry-After": "1"}
LARGE_BYTES = 64 * 1024
"""Bytes of a body beyond which a request is a large one, and so it is where it does not say its length."""
FEWER = "Send shorter texts, or fewer at once"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of a request: bytes, texts, seconds to arrive and to be answered; and how many at once.

    `workers` are worked on at the same time, `waiting` wait for one of these; `client` are those of one address at once.
    """

    body: int = 1024 * 1024
    texts: int = 256
    arriving: float = 10.0
    answering: float = 30.0
    workers: int = 2
    waiting: int = 16
    client: int = 12


def make_app(predictor: Predictor, *, token: str, limits: Limits | None = None) -> Starlette:
    """Return the application.

    `token` is what a request must carry as `Authorization: Bearer …`; `/` and `/health` need none, and say nothing.
    """
    service = _Service(predictor, token.encode("utf-8"), limits or Limits())
    return Starlette(
        routes=[
            Route("/", service.show_page, methods=["GET"]),
            Route("/predict", partial(service.respond, is_explained=False), methods=["POST"]),
            Route("/meaning", partial(service.respond, is_explained=True), methods=["POST"]),
            Route("/health", _say_healthy, methods=["GET"]),
            Route("/metrics", service.show_metrics, methods=["GET"]),
        ],
        lifespan=service.lifespan,
    )


class _Service:
    def __init__(self, predictor: Predictor, token: bytes, limits: Limits) -> None:
        self.predictor = predictor
        self.token = token
        self.limits = limits
        self.metrics = Metrics()
        self.page, self.page_headers = read_page()
        self.taken = 0
        self.large = 0
        self.clients: Counter[str] = Counter()
        self.pool = ThreadPoolExecutor(limits.workers, thread_name_prefix="predict")
        # Of several workers one is left to the others, whatever the large requests do.
        self.large_pool = ThreadPoolExecutor(max(1, limits.workers - 1), thread_name_prefix="predict-large")

    @asynccontextmanager
    async def lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        yield
        self.pool.shutdown(wait=False, cancel_futures=True)
        self.large_pool.shutdown(wait=False, cancel_futures=True)
        self.predictor.close()

    async def show_page(self, _request: Request) -> Response:
        return Response(self.page, headers=self.page_headers)

    async def show_metrics(self, request: Request) -> Response:
        if not self._allowed(request):
            return _refusal(_no_token())
        return Response(generate_latest(self.metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def respond(self, request: Request, *, is_explained: bool) -> Response:
        begun = time.perf_counter()
        try:
            response: Response = JSONResponse(await self._answered(request, is_explained=is_explained))
            self.metrics.seconds.observe(time.perf_counter() - begun)
        except _RefusedError as refused:
            response = _refusal(refused)
        self.metrics.requests.labels(str(response.status_code)).inc()
        return response

    async def _answered(self, request: Request, *, is_explained: bool) -> dict[str, Any]:
        if not self._allowed(request):
            raise _no_token()
        stated = request.headers.get("content-length", "")
        is_large = is_explained or not stated.isdecimal() or int(stated) > LARGE_BYTES
        place = (request.client.host if request.client else "", is_large)
        self._check_room(*place)
        self._take(1, *place)
        try:
            texts, many = await self._received(request)
            work = self._submit(texts, is_large=is_large, is_explained=is_explained)
        except BaseException:
            self._take(-1, *place)
            raise
        # The place is free when the thread is, not when the client has gone.
        loop = asyncio.get_running_loop()
        work.add_done_callback(lambda _: _call_in(loop, self._take, -1, *place))
        found = await self._found(work)
        self.metrics.characters.inc(sum(map(len, texts)))
        spans = [one.spans for one in found] if is_explained else found
        meanings = [one.meanings for one in found] if is_explained else None
        for span in chain.from_iterable(spans):
            self.metrics.spans.labels(span.label).inc()
        return answer(texts, spans, model=self.predictor.name, many=many, meanings=meanings)

    def _submit(self, texts: list[str], *, is_large: bool, is_explained: bool) -> Future[list[Any]]:
        own = self.predictor
        if is_explained:
            explain = own.explain or partial(predict_explained, own.predict)
            return self.large_pool.submit(explain, texts)
        if is_large:
            return self.large_pool.submit(own.predict_large or own.predict, texts)
        return self.pool.submit(own.predict, texts)

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

    async def _found(self, work: Future[list[Any]]) -> list[Any]:
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

    def _allowed(self, request: Request) -> bool:
        scheme, _, sent = request.headers.get("authorization", "").partition(" ")
        # Compared in constant time; headers are Latin-1.
        right = hmac.compare_digest(sent.strip().encode("latin-1", "replace"), self.token)
        return right and scheme.lower() == "bearer"

    def _check_room(self, client: str, is_large: bool) -> None:  # noqa: FBT001 — one of the two things a place is of
        places = self.limits.workers + self.limits.waiting
        if (
            self.taken >= places
            or self.clients[client] >= self.limits.client
            or (is_large and self.large >= max(1, places // 2))
        ):
            raise _RefusedError(BUSY, "too many requests at once", "Send it again in a second")

    def _take(self, change: int, client: str, is_large: bool) -> None:  # noqa: FBT001 — as above
        self.taken += change
        self.large += change * is_large
        self.clients[client] += change
        if not self.clients[client]:
            del self.clients[client]
        self.metrics.busy.set(self.taken)


class _RefusedError(Exception):
    """A request that is answered by a status and one line."""

    def __init__(self, status: int, error: BiaozhuError | str, next_step: str = "") -> None:
        super().__init__(status)
        self.status = status
        self.error = RequestError(error, next_step=next_step) if isinstance(error, str) else error


def _call_in(loop: asyncio.AbstractEventLoop, call: Callable[..., None], *values: Any) -> None:
    # What ends after the service has no loop any more.
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(call, *values)


async def _say_healthy(_request: Request) -> Response:
    return JSONResponse({"status": "ok"})


def _no_token() -> _RefusedError:
    return _RefusedError(UNAUTHORIZED, "no token, or a wrong one", "Send it as `Authorization: Bearer …`")


def _refusal(refused: _RefusedError) -> Response:
    headers = {UNAUTHORIZED: {"WWW-Authenticate": "Bearer"}, BUSY: AGAIN, TOO_SLOW: AGAIN}
    # What is left of the body is not read: the connection ends with the answer.
    closing = (
        {"Connection": "close"} if refused.status in (UNAUTHORIZED, BUSY, SLOW_CLIENT, TOO_LARGE) else {}
    )
    return JSONResponse(
        {"error": str(refused.error)},
        status_code=refused.status,
        headers={**headers.get(refused.status, {}), **closing},
    )
