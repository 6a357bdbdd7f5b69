"""Corpora and shards on an S3 server: moto's, on loopback, which holds what it is given in memory."""

from __future__ import annotations

import gzip
import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
import s3fs
from moto.server import ThreadedMotoServer

from biaozhu.cli import run
from biaozhu.data.errors import MissingExtraError, WriteError
from biaozhu.scale.corpus_stream import expand_globs, read_sources
from biaozhu.scale.shard_folders import is_remote, names_in, place, write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LINES = [
    json.dumps({"name": f"a{n}", "text": f"宁波市第{n}茶园收了{n + 3}斤茶叶。\n"}, ensure_ascii=False)
    for n in range(30)
]


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    s3fs.S3FileSystem.clear_instance_cache()
    files = s3fs.S3FileSystem()
    files.mkdir("corpus")
    yield files
    s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


@pytest.mark.slow
def test_remote_shards_are_those_of_a_disk(bucket: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = "".join(f"{line}\n" for line in LINES).encode()
    bucket.pipe_file("corpus/in/b.jsonl", content)
    bucket.pipe_file("corpus/in/a.jsonl.gz", gzip.compress(b'{"name": "tea", "text": "\xe8\x8c\xb6\xe3\x80\x82"}\n'))
    local = tmp_path / "s3:" / "corpus" / "in"
    local.mkdir(parents=True)
    (local / "b.jsonl").write_bytes(content)
    options = ["--shard-size", "400"]
    there = ["preannotate", "s3://corpus/in/*.jsonl", "--shards", "s3://corpus/out", *options]
    assert run(there) == 0, capsys.readouterr().err
    assert run(["preannotate", str(local / "b.jsonl"), "--shards", str(tmp_path / "out"), *options]) == 0
    wanted = {path.name: path.read_bytes() for path in (tmp_path / "out").glob("*.jsonl.gz")}
    found = {name: bucket.cat_file(f"corpus/out/{name}") for name in wanted}
    assert found == wanted
    manifest = json.loads(bucket.cat_file("corpus/out/MANIFEST.json"))
    assert manifest["articles"] == len(LINES)
    for entry in manifest["files"]:
        assert hashlib.sha256(found[entry["file"]]).hexdigest() == entry["sha256"]
    # It goes on: one shard is damaged, one gone, all others stay as they are.
    first, second = sorted(wanted)[:2]
    bucket.pipe_file(f"corpus/out/{first}", b"half")
    bucket.rm_file(f"corpus/out/{second}")
    bucket.pipe_file("corpus/out/part-00099.jsonl.gz", b"of a longer corpus")
    receipt = json.loads(bucket.cat_file("corpus/out/part-00000.json")) | {"file": "part-00099.jsonl.gz"}
    bucket.pipe_file("corpus/out/part-00099.json", json.dumps(receipt).encode())
    stays = bucket.info(f"corpus/out/{sorted(wanted)[2]}")["LastModified"]
    bucket.invalidate_cache()
    assert run(there) == 0
    bucket.invalidate_cache()
    assert {name: bucket.cat_file(f"corpus/out/{name}") for name in wanted} == wanted
    assert not bucket.exists("corpus/out/part-00099.jsonl.gz")
    assert bucket.info(f"corpus/out/{sorted(wanted)[2]}")["LastModified"] == stays
    # A folder and a missing file.
    names = [source.name for source in read_sources([place("s3://corpus/in")])]
    assert names[:2] == ["tea", "a0"]
    assert len(names) == 1 + len(LINES)
    (gone,) = read_sources([place("s3://corpus/in/gone.jsonl")])
    assert "BZ003" in gone.problem
    with pytest.raises(WriteError, match="cannot be written"):
        write_whole(place("s3://nobucket/x"), b"x")


def test_remote_places_are_told_from_paths(tmp_path: Path) -> None:
    assert not is_remote(place(str(tmp_path)))
    assert not is_remote(place("-"))
    there = place("memory://corpus/in")
    assert is_remote(there)
    assert names_in(there) == ()
    write_whole(there / "b.txt", "宁波市。".encode())
    write_whole(there / "a.txt", "杭州市。".encode())
    assert names_in(there) == ("a.txt", "b.txt")
    assert [one.data.decode() for one in read_sources([there])] == ["杭州市。", "宁波市。"]
    (found,) = expand_globs([place("memory://corpus/in/b*")])
    assert found.read_bytes() == "宁波市。".encode()
    with pytest.raises(MissingExtraError, match="no package for this kind"):
        place("nosuch://bucket/x")
