"""The service over real HTTP: answers, limits, the token, the drain."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from service import TOKEN, WITH_TOKEN, command, running, slow

from biaozhu.annotators.network.models import load_model
from biaozhu.annotators.preannotate import preannotate_articles
from biaozhu.reading.article import read_article
from biaozhu.serving.app import Limits
from biaozhu.serving.predictor import Predictor, rule_predictor

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from biaozhu.data.model import Span

TEXT = "𠮷日，白水县的王小明送来3万元。😀青川县也送来了20余吨大米。"
PIECES = (
    "𠮷",
    "😀",
    "e\u0301",
    "👨‍👩‍👧",
    "\r\n",
    "\u2028",
    " ",
    "\x00",
    "白水县",
    "王小明",
    "3万元",
    "在",
    "。",
    "<b>",
)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running(rule_predictor(load_model("fast"))) as address:
        yield address


def post(url: str, data: object, **options: object) -> requests.Response:
    return requests.post(url, json=data, headers=WITH_TOKEN, timeout=30, **options)


def test_serving_finds_what_preannotate_finds(url: str, tmp_path: Path) -> None:
    path = tmp_path / "article.txt"
    path.write_text(TEXT, encoding="utf-8")
    article = read_article(path)
    (done,) = preannotate_articles([article], model=load_model("fast"))
    expected = [
        (one.start + span.start, one.start + span.end, span.label, span.source, span.score)
        for one in done.sentences
        for span in one.spans
    ]
    found = post(url, {"text": TEXT}).json()
    assert found["model"] == "preannotate"
    assert [(e["start"], e["end"], e["label"], e["source"], e["score"]) for e in found["entities"]] == expected
    assert {"白水县", "王小明", "3万元"} <= {entity["text"] for entity in found["entities"]}


@settings(deadline=None, max_examples=25)
@given(texts=st.lists(st.lists(st.sampled_from(PIECES), max_size=12).map("".join), max_size=4))
def test_serving_offsets_are_true_in_both_units(url: str, texts: list[str]) -> None:
    results = post(url, {"texts": texts}).json()["results"]
    assert len(results) == len(texts)
    for text, result in zip(texts, results, strict=True):
        units = text.encode("utf-16-le")
        for entity in result["entities"]:
            assert text[entity["start"] : entity["end"]] == entity["text"]
            cut = units[2 * entity["start_offset"] : 2 * entity["end_offset"]]
            assert cut.decode("utf-16-le") == entity["text"]
        assert post(url, {"text": text}).json()["entities"] == result["entities"]


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": TOKEN}, {"Authorization": f"Basic {TOKEN}"}, {"Authorization": f"Bearer {TOKEN}x"},
     {"Authorization": "Bearer "}, {"Authorization": "Bearer é"}],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/predict", "/metrics"])
def test_serving_lets_nobody_in_without_the_token(url: str, headers: dict[str, str], path: str) -> None:
    method = "POST" if path == "/predict" else "GET"
    encoded = {name: value.encode("latin-1") for name, value in headers.items()}
    answer = requests.request(method, url.replace("/predict", path), headers=encoded, timeout=10)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert TOKEN not in answer.text


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"\xff", b"{}", b'{"text": 1}', b'{"texts": "x"}', b'{"text": "x", "texts": []}',
     b'{"text": "\\ud83d"}', b'{"text": "x", "more": 1}', b"[" * 200_000, b"9" * 5000, b'{"texts": [' + b'"",' * 300 + b'""]}'],
)  # fmt: skip
def test_serving_refuses_other_bodies_in_one_line(url: str, body: bytes) -> None:
    answer = requests.post(url, data=body, headers=WITH_TOKEN, timeout=30)
    assert answer.status_code == 422
    assert answer.json()["error"].startswith("BZ062 ")
    assert "sys." not in answer.json()["error"]
    assert "\n" not in answer.json()["error"]


@pytest.mark.parametrize("path", ["/predict", "/health"])
def test_serving_refuses_two_ways_to_end_a_request(url: str, path: str) -> None:
    host, port = url.split("/")[2].split(":")
    request = (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 4\r\n"
        "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /health HTTP/1.1\r\nHost: x\r\n\r\n"
    )
    with socket.create_connection((host, int(port)), timeout=10) as client:
        client.sendall(request.encode("ascii"))
        answer = b"".join(iter(lambda: client.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    ("target", "status"),
    [("http://a.example/health", b"200"), ("HTTPS://a:1/health?x", b"200"), ("http://a.example", b"200"),
     ("http://a.example//health", b"404"), ("/health/", b"404"), ("/http://a/health", b"404")],
)  # fmt: skip
def test_serving_takes_a_whole_address_and_sends_nobody_elsewhere(url: str, target: str, status: bytes) -> None:
    host, port = url.split("/")[2].split(":")
    with socket.create_connection((host, int(port)), timeout=10) as client:
        client.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        assert client.recv(100).startswith(b"HTTP/1.1 " + status)


@pytest.mark.parametrize(("size", "status"), [(40_000, b"200"), (100_000, b"400")])
def test_serving_takes_headers_up_to_its_limit(url: str, size: int, status: bytes) -> None:
    host, port = url.split("/")[2].split(":")
    with socket.create_connection((host, int(port)), timeout=10) as client:
        client.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nCookie: " + b"x" * size)
        time.sleep(0.2)  # so that they have not ended when they are first looked at
        with suppress(OSError):
            client.sendall(b"\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 " + status)


def test_serving_refuses_large_bodies_told_or_streamed() -> None:
    with running(slow(0), Limits(body=1000)) as url:
        assert post(url, {"text": "x" * 900}).status_code == 200
        assert post(url, {"text": "x" * 1000}).status_code == 413
        chunks = (b'{"text": "' if number == 0 else b"x" * 300 for number in range(5))
        assert requests.post(url, data=chunks, headers=WITH_TOKEN, timeout=10).status_code == 413


def test_serving_waits_for_no_slow_client() -> None:
    with running(slow(0), Limits(arriving=0.3)) as url:
        host, port = url.split("/")[2].split(":")
        with socket.create_connection((host, int(port)), timeout=10) as client:
            head = f"POST /predict HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 20\r\n\r\n{{"
            client.sendall(head.encode())
            assert client.recv(100).startswith(b"HTTP/1.1 408 ")
        assert post(url, {"text": "x"}).status_code == 200


def test_serving_answers_429_when_all_places_are_taken() -> None:
    release = threading.Event()

    def predict(texts: Sequence[str]) -> list[tuple[Span, ...]]:
        assert release.wait(60)
        return [() for _ in texts]

    limits = Limits(workers=1, waiting=1, answering=60)
    with running(Predictor("held", predict), limits) as url, ThreadPoolExecutor(6) as pool:
        begun = [pool.submit(post, url, {"text": "x"}) for _ in range(6)]
        try:
            # At once: while both places are still held.
            busy = [one.result() for one in islice(as_completed(begun, timeout=30), 4)]
        finally:
            release.set()
        assert [answer.status_code for answer in busy] == [429] * 4
        assert all(answer.headers["Retry-After"] == "1" for answer in busy)
        answers = [one.result() for one in begun]
        assert sorted(answer.status_code for answer in answers) == [200, 200, 429, 429, 429, 429]
        assert post(url, {"text": "x"}).status_code == 200


def test_serving_keeps_the_place_of_work_that_takes_too_long() -> None:
    with running(slow(0.8), Limits(workers=1, waiting=0, answering=0.1)) as url:
        assert post(url, {"text": "x"}).status_code == 503
        assert post(url, {"text": "x"}).status_code == 429  # its thread is still at work
        time.sleep(1.0)
        assert post(url, {"text": "x"}).status_code == 503


def test_serving_counts_for_prometheus(url: str) -> None:
    def read() -> dict[tuple[str, str], float]:
        text = requests.get(url.replace("/predict", "/metrics"), headers=WITH_TOKEN, timeout=10).text
        return {
            (sample.name, sample.labels.get("status", sample.labels.get("label", ""))): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    before = read()
    found = post(url, {"text": TEXT}).json()["entities"]
    requests.post(url, timeout=10)
    after = read()

    def change(name: str, label: str = "") -> float:
        return after[name, label] - before.get((name, label), 0)

    assert change("biaozhu_requests_total", "200") == 1
    assert change("biaozhu_requests_total", "401") == 1
    assert change("biaozhu_characters_total") == len(TEXT)
    assert change("biaozhu_predict_seconds_count") == 1
    places = sum(entity["label"] == "PLACE" for entity in found)
    assert change("biaozhu_spans_total", "PLACE") == places > 0
    assert after["biaozhu_busy", ""] == 0


def test_serving_ends_what_was_begun_on_sigterm(tmp_path: Path) -> None:
    token_file = tmp_path / "token"
    # More than are worked on at once: what waits for its turn has been begun too.
    arguments = ("--workers", "1", "--timeout", "120")
    with command(token_file, *arguments) as (process, url), ThreadPoolExecutor(4) as pool:
        headers = {"Authorization": f"Bearer {token_file.read_text().strip()}"}
        # Long enough that all are there before the first is done, on a busy machine too.
        long = {"texts": [TEXT * 100] * 4}
        sent = [pool.submit(requests.post, url, json=long, headers=headers, timeout=150) for _ in range(4)]
        metrics = url.replace("/predict", "/metrics")
        while "biaozhu_busy 4.0" not in requests.get(metrics, headers=headers, timeout=10).text:
            assert not any(one.done() for one in sent)
        process.send_signal(signal.SIGTERM)
        _wait_until_refused(url)
        assert not all(one.done() for one in sent)  # it was still at work when it stopped to take new ones
        answers = [one.result() for one in sent]
        assert [answer.status_code for answer in answers] == [200] * 4
        assert all(len(answer.json()["results"]) == 4 for answer in answers)
        assert process.wait(30) == 0
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()


def test_serving_that_loads_takes_no_connection_and_ends_well_on_sigterm(tmp_path: Path) -> None:
    # A regression test: connections waited for as long as it loaded, and the status was that of Ctrl-C.
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token_file = tmp_path / "token"
    arguments = ["serve", "--port", str(port), "--token-file", str(token_file)]
    with subprocess.Popen([sys.executable, "-m", "biaozhu", *arguments], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "load the model" in process.stderr.readline()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=5)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert process.stderr.read() == ""
    assert not token_file.exists()


def test_serving_is_not_healthy_where_nothing_can_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    with running(slow(0)) as url:
        health = url.replace("/predict", "/health")
        assert requests.get(health, timeout=10).json() == {"status": "ok"}
        monkeypatch.setattr(Predictor, "is_ready", False)
        answer = requests.get(health, timeout=10)
    assert (answer.status_code, answer.json()["error"].split()[0]) == (503, "BZ062")


def _wait_until_refused(url: str) -> None:
    host, port = url.split("/")[2].split(":")
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            socket.create_connection((host, int(port)), timeout=5).close()
        except ConnectionRefusedError:
            return
        time.sleep(0.02)
    pytest.fail("it still takes connections")
