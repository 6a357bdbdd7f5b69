"""A service that nobody can block: long texts, clients that never finish, workers that die, SIGTERM under load."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests
from predictors import BAD, ENDLESS, GOOD, make_nothing, make_sleeper
from service import TOKEN, WITH_TOKEN, running

from biaozhu.data.errors import BugError, ServiceError
from biaozhu.serving.app import Limits
from biaozhu.serving.predictor import WorkerProcesses
from biaozhu.serving.server import CONNECTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

LONG = {"text": ENDLESS + "文" * 100_000}


@contextmanager
def sleeper(limits: Limits) -> Iterator[str]:
    predictor = WorkerProcesses(make_sleeper, size=limits.workers, seconds=limits.answering)
    with closing(predictor), running(predictor, limits) as url:
        yield url


def post(url: str, data: object) -> int:
    return requests.post(url, json=data, headers=WITH_TOKEN, timeout=30).status_code


def test_serving_answers_good_requests_beside_twenty_that_never_end() -> None:
    with sleeper(Limits(workers=2, answering=1.5)) as url, ThreadPoolExecutor(20) as pool:
        attacks = [pool.submit(post, url, LONG) for _ in range(20)]
        good = []
        while not all(one.done() for one in attacks):
            good.append(post(url, {"text": GOOD}))
            time.sleep(0.02)
        good += [post(url, {"texts": [GOOD] * 50}) for _ in range(10)]
        assert good.count(200) >= 0.95 * len(good)
        # None was answered, and none held its place for longer than its time.
        assert {one.result() for one in attacks} <= {429, 503}


def test_serving_answers_good_requests_beside_headers_that_never_end() -> None:
    with sleeper(Limits(workers=1, arriving=2.0)) as url:
        host, port = url.split("/")[2].split(":")
        clients = [socket.create_connection((host, int(port)), timeout=10) for _ in range(CONNECTIONS)]
        try:
            for client in clients:
                client.sendall(b"POST /predict HTTP/1.1\r\nX: ")
            assert [post(url, {"text": GOOD}) for _ in range(10)] == [200] * 10
            # A byte now and then gains no time: it counts from the first.
            until = time.monotonic() + 8
            left = set(clients)
            while left and time.monotonic() < until:
                left = {client for client in left if _drips(client)}
                time.sleep(0.2)
            assert not left
            assert post(url, {"text": GOOD}) == 200
        finally:
            for client in clients:
                client.close()


def _drips(client: socket.socket) -> bool:
    client.settimeout(0.001)
    try:
        client.sendall(b"x")
        return client.recv(1) != b""
    except TimeoutError:
        return True
    except OSError:
        return False


def test_serving_gives_the_second_request_of_a_connection_a_deadline_too() -> None:
    with sleeper(Limits(workers=1, arriving=0.5)) as url:
        host, port = url.split("/")[2].split(":")
        with socket.create_connection((host, int(port)), timeout=10) as client:
            client.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = b""
            while not answer.endswith(b"}"):
                answer += client.recv(1000)
            assert answer.startswith(b"HTTP/1.1 200 ")
            client.sendall(b"GET /health HTTP/1.1\r\nX: ")
            begun = time.monotonic()
            with suppress(ConnectionResetError):
                assert client.recv(1000) == b""
            assert time.monotonic() - begun < 4


def test_serving_limits_the_requests_of_one_address() -> None:
    limits = Limits(workers=1, waiting=9, client=2, answering=1.0)
    with sleeper(limits) as url, ThreadPoolExecutor(6) as pool:
        answers = sorted(pool.map(lambda _: post(url, {"text": ENDLESS}), range(6)))
        assert answers == [429] * 4 + [503] * 2


def test_serving_goes_on_after_a_worker_that_is_killed_or_fails() -> None:
    workers = WorkerProcesses(make_sleeper, size=1, seconds=20)
    with closing(workers):
        (first,) = _children()
        with pytest.raises(BugError):
            workers.answer([BAD])
        assert _children() == {first}
        assert workers.is_ready
        os.kill(first, signal.SIGKILL)
        while first in _children() or workers.is_ready:
            time.sleep(0.01)
        # A process that is just ending may still be given one request.
        with suppress(ServiceError):
            workers.answer([GOOD])
        assert workers.answer([GOOD]) == [((), None)]
        assert workers.is_ready
        assert workers.answer([GOOD], is_explained=True) == [((), ())]
        assert first not in _children()
    with pytest.raises(BugError):
        WorkerProcesses(make_nothing, size=1, seconds=1)


def _children() -> set[int]:
    """Return the worker processes that this one has started."""
    found = set()
    for children in Path("/proc/self/task").glob("*/children"):
        for child in children.read_text(encoding="ascii").split():
            command = Path(f"/proc/{child}/cmdline")
            if command.exists() and b"spawn_main" in command.read_bytes():
                found.add(int(child))
    return found


SERVICE = f"""
import signal
from predictors import make_sleeper
from biaozhu.serving.app import Limits, make_app
from biaozhu.serving.predictor import WorkerProcesses
from biaozhu.serving.server import address_of, bind, run
if __name__ == "__main__":
    limits = Limits(workers=2, answering=600)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as the command line does
    listening = bind("127.0.0.1", 0)
    app = make_app(WorkerProcesses(make_sleeper, size=2, seconds=600), token="{TOKEN}", limits=limits)
    run(app, listening, limits=limits, drain=1, ready=lambda: print(address_of(listening), flush=True))
"""


def test_serving_ends_on_sigterm_within_its_time_whatever_runs(tmp_path: Path) -> None:
    script = tmp_path / "service_of_the_test.py"
    script.write_text(SERVICE, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(one for one in sys.path if one)}
    process = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env=environment)
    with process, ThreadPoolExecutor(8) as pool:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="ascii").split()
        sent = [pool.submit(_try_to_post, url, data) for data in (LONG, {"text": ENDLESS}) for _ in range(4)]
        while _busy(url) < 8:
            assert process.poll() is None
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        # The second that was begun may take, the one that uvicorn adds, and what ending takes on a busy machine.
        assert time.monotonic() - begun < 8
        assert all(one.result(10) != 200 for one in sent)
        # That which tidies up after them ends by itself.
        until = time.monotonic() + 5
        while any(Path(f"/proc/{child}/cmdline").exists() for child in children):
            assert time.monotonic() < until
            time.sleep(0.05)


def _try_to_post(url: str, data: object) -> int:
    try:
        return post(url, data)
    except requests.RequestException:
        return 0


def _busy(url: str) -> float:
    metrics = requests.get(url.replace("/predict", "/metrics"), headers=WITH_TOKEN, timeout=10).text
    (line,) = [line for line in metrics.splitlines() if line.startswith("biaozhu_busy ")]
    return float(line.split()[1])
