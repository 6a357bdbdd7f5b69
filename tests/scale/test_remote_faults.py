"""An object store that refuses, breaks off, hangs or is not there: one line, status 2, nothing written."""

from __future__ import annotations

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import fsspec.config
import pytest
import s3fs

from biaozhu.cli import run
from biaozhu.data.model import Sentence, Span, sentence_to_line

if TYPE_CHECKING:
    from collections.abc import Iterator


LABELS = Path(__file__).parents[2] / "configs" / "labels.toml"
ARTICLE = "0123456789ab"
TEXTS = [f"江山市第{n}苗圃育了{n}株树苗。" for n in range(400)]
DENIED = b'<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>'
NO_FOLDER = b'<?xml version="1.0"?><ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>'
CONNECT = r"Check the address, the rights and the connection, then run again\."


def layer() -> bytes:
    lines, at = [], 0
    for text in TEXTS:
        spans = (Span(0, 3, "PLACE", "made", 0.5),)
        lines.append(sentence_to_line(Sentence(ARTICLE, at, at + len(text), text, spans)))
        at += len(text)
    return "".join(f"{line}\n" for line in lines).encode()


class Store(BaseHTTPRequestHandler):
    """One object in every bucket, which it shows as `fault` says."""

    protocol_version = "HTTP/1.1"
    content = layer()
    fault = ""
    over = threading.Event()

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 — the name that http.server has
        pass

    def do_HEAD(self) -> None:
        if self.fault == "denied":
            self._answer(403, b"")
            return
        self._head(200, len(self.content))

    def do_GET(self) -> None:
        if self.fault == "denied":
            self._answer(403, DENIED)
            return
        if "list-type" in self.path:
            self._answer(200, NO_FOLDER)
            return
        self._head(206, len(self.content))
        self.wfile.write(self.content[: len(self.content) // 2])
        self.wfile.flush()
        if self.fault == "hangs":
            self.over.wait(30)
        self.close_connection = True
        if self.fault == "whole":
            self.wfile.write(self.content[len(self.content) // 2 :])

    def _head(self, status: int, length: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.send_header("Content-Range", f"bytes 0-{length - 1}/{length}")
        self.send_header("ETag", '"one"')
        self.send_header("Last-Modified", "Tue, 24 Nov 2026 10:00:00 GMT")
        self.end_headers()

    def _answer(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[type[Store]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Store)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    limits = {"read_timeout": 1, "connect_timeout": 1, "retries": {"max_attempts": 1}}
    monkeypatch.setitem(fsspec.config.conf, "s3", {"config_kwargs": limits})
    monkeypatch.setattr(s3fs.S3FileSystem, "retries", 1)
    monkeypatch.chdir(tmp_path)
    s3fs.S3FileSystem.clear_instance_cache()
    monkeypatch.setattr(Store, "over", threading.Event())
    yield Store
    Store.over.set()
    s3fs.S3FileSystem.clear_instance_cache()
    server.shutdown()
    server.server_close()


SELECT = "select s3://corpus/a.jsonl -n 3 -o out.jsonl"


@pytest.mark.slow
@pytest.mark.parametrize(
    "case",
    [
        ("denied", SELECT, rf"BZ003 s3://corpus/a\.jsonl: cannot be read to its end \(Forbidden\)\. {CONNECT}"),
        ("denied", "select s3://corpus/*.jsonl -n 3 -o out.jsonl", rf"BZ003 s3://corpus/\*\.jsonl: cannot be listed \(Access Denied\)\. {CONNECT}"),
        ("denied", "preannotate s3://corpus/a.jsonl --shards s3://corpus/out", r"BZ004 s3://corpus/out: cannot be listed \(Access Denied\)\."),
        ("breaks off", SELECT, rf"BZ003 s3://corpus/a\.jsonl: cannot be read to its end \(.*not completed.*\)\. {CONNECT}"),
        ("hangs", SELECT, rf"BZ003 s3://corpus/a\.jsonl: cannot be read to its end \(.*[Tt]ime.*\)\. {CONNECT}"),
        ("gone", SELECT, rf"BZ003 s3://corpus/a\.jsonl: cannot be read to its end \(Could not connect.*\)\. {CONNECT}"),
        ("gone", "select s3://corpus/*.jsonl -n 3 -o out.jsonl", r"BZ003 s3://corpus/\*\.jsonl: cannot be listed \(Could not connect"),
        ("gone", "preannotate s3://corpus/a.jsonl --shards s3://corpus/out", r"BZ004 s3://corpus/out: cannot be listed \(Could not connect"),
        ("nobody", SELECT, rf"BZ003 s3://corpus/a\.jsonl: cannot be read to its end \(Unable to locate credentials\)\. {CONNECT}"),
    ],
)  # fmt: skip
def test_remote_store_that_fails_is_one_line(
    store: type[Store],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    case: tuple[str, str, str],
) -> None:
    fault, command, expected = case
    monkeypatch.setattr(store, "fault", fault)
    if fault == "gone":
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    if fault == "nobody":
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    assert run(command.split()) == 2
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert re.match(expected, line), line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_remote_store_that_works_is_read_to_its_end(
    store: type[Store], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "fault", "whole")
    assert run(SELECT.split()) == 0
    assert (tmp_path / "out.jsonl").read_bytes().count(b"\n") == 3


@pytest.mark.slow
def test_remote_source_that_breaks_off_is_named_and_the_others_are_annotated(
    store: type[Store], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "fault", "breaks off")
    (tmp_path / "here.txt").write_text("江山市育了9株树苗。\n", encoding="utf-8")
    assert run(["preannotate", "s3://corpus/a.txt", "here.txt", "-o", "out.jsonl"]) == 1
    said = capsys.readouterr().err
    assert "failed: a: BZ003 s3://corpus/a.txt: cannot be read (" in said
    assert "2 spans in 1 article" in said
    assert (tmp_path / "out.jsonl").read_bytes().count(b"\n") == 1


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("evaluate --stream --gold s3://corpus/g.jsonl --layer a.jsonl --labels labels.toml", "BZ003 s3:/corpus/g.jsonl: no such file. Addresses are read by `preannotate` and `select`"),
        ("export s3://corpus/g.jsonl --format conll -o out.conll --labels labels.toml", "BZ003 s3:/corpus/g.jsonl: no such file. Addresses are read"),
        ("select a.jsonl -n 3 -o s3://corpus/out.jsonl", "BZ004 s3:/corpus/out.jsonl: this is an address, no path. Addresses are read"),
        ("split a.txt -o s3://corpus/out.jsonl", "BZ004 s3:/corpus/out.jsonl: this is an address, no path. Addresses are read"),
    ],
)  # fmt: skip
def test_remote_addresses_where_none_is_taken_make_no_folder(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    expected: str,
) -> None:
    (tmp_path / "a.jsonl").write_bytes(layer())
    (tmp_path / "a.txt").write_text("江山市育了9株树苗。\n", encoding="utf-8")
    (tmp_path / "labels.toml").write_bytes(LABELS.read_bytes())
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    assert run(command.split()) == 2
    assert capsys.readouterr().err.startswith(expected)
    assert sorted(tmp_path.iterdir()) == before
