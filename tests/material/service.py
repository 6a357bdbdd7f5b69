"""A real service on loopback: in a thread of the tests, or as the command itself."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import requests

from biaozhu.serving.app import Limits, make_app
from biaozhu.serving.predictor import Predictor
from biaozhu.serving.server import address_of, bind, listen, make_server

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from biaozhu.data.model import Span

TOKEN = "a-token-of-the-tests"  # noqa: S105 — it opens nothing but the services of these tests
WITH_TOKEN = {"Authorization": f"Bearer {TOKEN}"}


@contextmanager
def running(predictor: Predictor, limits: Limits | None = None) -> Iterator[str]:
    listening = bind("127.0.0.1", 0)
    listen(listening)
    limits = limits or Limits()
    server = make_server(make_app(predictor, token=TOKEN, limits=limits), limits, drain=limits.answering)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield address_of(listening)
    finally:
        server.should_exit = True
        thread.join(30)


def slow(seconds: float) -> Predictor:
    """Finds nothing, in that time."""

    def predict(texts: Sequence[str]) -> list[tuple[Span, ...]]:
        time.sleep(seconds)
        return [() for _ in texts]

    return Predictor("slow", predict)


@contextmanager
def command(token_file: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run `biaozhu serve` on a free port; yields the process and the address of /predict."""
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "biaozhu",
            "serve",
            "--port",
            "0",
            "--token-file",
            str(token_file),
            *arguments,
        ],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        assert "load the model" in process.stderr.readline()
        line = process.stderr.readline()
        assert "answers at http://127.0.0.1:" in line, line
        url = line.split("answers at ")[1].split(";")[0]
        health = requests.get(url.replace("/predict", "/health"), timeout=10)
        assert health.json() == {"status": "ok"}
        yield process, url
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
