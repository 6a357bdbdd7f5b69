"""The engine on a real cluster, which a process of its own drives: this file, run with a corpus and a folder."""

from __future__ import annotations

import gzip
import hashlib
import json
import logging
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest
import zstandard

from biaozhu import __version__
from biaozhu.cli import run
from biaozhu.data.errors import ModelDataError
from biaozhu.scale.batch import DIGEST_BYTES
from biaozhu.scale.cluster import ON_LOOPBACK, PRIVATE, make_on_node, write_shards_on_ray
from biaozhu.scale.cluster_reading import Duplicates
from biaozhu.scale.corpus_stream import read_sources
from biaozhu.scale.shard_folders import place
from biaozhu.scale.shards import ShardPlan, write_shards

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NODES = 3
TOWNS = ("成都市", "杭州市", "青岛市", "昆明市", "厦门市")
FAMILIES = ("王", "李", "欧阳", "郑")


def _text(number: int) -> str:
    town, family = TOWNS[number % len(TOWNS)], FAMILIES[number % len(FAMILIES)]
    return "".join(
        f"{town}的{family}建国在第{number}号果园里收了{number * line + 2}斤樱桃，卖了{line + 1}万元。\n"
        for line in range(4 + number % 7)
    )


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of all kinds of files, with duplicates across them and within, bad articles and a bad file."""
    folder = tmp_path_factory.mktemp("corpus")
    lines = [json.dumps({"name": f"a{number}", "text": _text(number)}) for number in range(100)]
    lines[50:50] = ["", '{"name": "bad"}', json.dumps({"name": "again", "text": _text(3)})]
    (folder / "a.jsonl").write_text("\n".join(lines), encoding="utf-8")
    for name, pack, first in (("b.jsonl.gz", gzip.compress, 95), ("c.jsonl.zst", zstandard.compress, 130)):
        lines = [json.dumps({"name": f"{name}{n}", "text": _text(n)}) for n in range(first, first + 40)]
        (folder / name).write_bytes(pack("".join(f"{line}\n" for line in lines).encode()))
    rows = range(165, 200)
    table = {"name": [f"d{n}" for n in rows], "text": ["\x00" if n == 170 else _text(n) for n in rows]}
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pyarrow.table(table), folder / "d.parquet", row_group_size=8)
    for number in range(198, 230):
        (folder / f"e{number}.txt").write_text(_text(number), encoding="utf-8")
    for number in (230, 230, 231):
        page = (
            f"<html><head><title>樱桃</title></head><body><article><p>{_text(number) * 3}</p></article></body></html>"
        )
        (folder / f"f{len(list(folder.iterdir()))}.html").write_text(page, encoding="utf-8")
    (folder / "g.parquet").write_bytes(b"no table")
    (folder / "h.jsonl.gz").write_bytes((folder / "b.jsonl.gz").read_bytes()[:-30])
    (folder / "i.txt").write_bytes(b"\x00\x01")
    return folder


@pytest.fixture(scope="module")
def whole(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("whole")
    list(write_shards(read_sources([corpus]), folder, ShardPlan(size=4000)))
    return _sums(folder)


def _sums(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


@pytest.mark.ray
def test_cluster_loses_a_node_and_gives_the_bytes_of_one_machine(
    corpus: Path, whole: dict[str, str], tmp_path: Path
) -> None:
    # In a process of its own: Ray's settings are read when it is imported.
    done = subprocess.run(
        [sys.executable, __file__, str(corpus), str(tmp_path / "out"), str(tmp_path / "told.json")],
        env=os.environ | PRIVATE | ON_LOOPBACK,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads((tmp_path / "told.json").read_bytes())
    assert told["nodes"] == NODES + 1
    assert told["left"] == NODES
    # Some were made before the node's end, and others after it.
    assert NODES <= told["before"] < len(told["files"])
    assert len(set(told["files"])) == len(told["files"])
    assert _sums(tmp_path / "out") == whole
    assert told["strangers"] == []
    assert len(set(told["readers"])) > 1
    assert told["known"] == told["known_again"] == {"7": [0, True]}
    failed = (tmp_path / "out" / "failed.jsonl").read_text(encoding="utf-8")
    assert {json.loads(line)["reason"][:5] for line in failed.splitlines()} == {
        "BZ003",
        "BZ010",
        "BZ013",
        "BZ017",
    }
    assert f"h.jsonl.gz:1: the same text as {corpus}/a.jsonl:99" in failed


@pytest.mark.ray
def test_cluster_of_this_machine_goes_on_where_a_run_stopped(
    corpus: Path, whole: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    made = write_shards(read_sources([corpus]), folder, ShardPlan(size=4000))
    for _ in range(5):
        next(made)
    made.close()
    before = {path: path.stat().st_mtime_ns for path in folder.glob("part-*")}
    (folder / "part-00002.jsonl.gz").write_bytes(b"half")
    del before[folder / "part-00002.jsonl.gz"], before[folder / "part-00002.json"]
    command = [sys.executable, "-m", "biaozhu", "preannotate", str(corpus), "--shards", str(folder)]
    command += ["--shard-size", "4000", "--engine", "ray", "--jobs", "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 1, done.stderr
    failures = (folder / "failed.jsonl").read_text(encoding="utf-8").count("\n")
    assert f"lost in all: {failures} articles" in done.stderr
    assert "Traceback" not in done.stderr
    assert _sums(folder) == whole
    assert {path: path.stat().st_mtime_ns for path in before} == before


@pytest.mark.ray
def test_cluster_that_is_not_there_is_one_line(corpus: Path, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "biaozhu",
        "preannotate",
        str(corpus),
        "--shards",
        str(tmp_path / "out"),
    ]
    command += ["--engine", "ray", "--ray-address", "127.0.0.1:9"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 2
    assert done.stderr.startswith("BZ006 127.0.0.1:9: no Ray cluster"), done.stderr
    assert "Traceback" not in done.stderr


def test_cluster_refuses_a_node_with_another_fast_model(tmp_path: Path) -> None:
    for version, mark, reason in ((__version__, "0" * 64, "another fast model"), ("0", "", "biaozhu")):
        with pytest.raises(ModelDataError, match=reason):
            make_on_node(0, (), (tmp_path, ShardPlan("fast"), version, mark))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "options",
    [["--engine", "ray"], ["--ray-address", "h:1", "--shards", "s"], ["--shard-format", "parquet"]],
)
def test_cluster_options_that_do_not_go_together(
    corpus: Path, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["preannotate", str(corpus), *options]) == 2
    assert "BZ002" in capsys.readouterr().err


def _listeners() -> Iterator[str]:
    """Yield the addresses other than loopback on which Ray's processes listen."""
    for process in psutil.Process().children(recursive=True):
        try:
            connections = process.net_connections(kind="tcp")
        except psutil.Error:
            continue
        for one in connections:
            if one.status == psutil.CONN_LISTEN and "127.0.0.1" not in one.laddr.ip and one.laddr.ip != "::1":
                yield f"{process.name()} {one.laddr.ip}:{one.laddr.port}"


def _on_cluster(corpus: str, folder: str, report: str) -> None:
    import ray  # noqa: PLC0415 — takes seconds, and the settings of this process
    from ray.cluster_utils import Cluster  # noqa: PLC0415 — as above

    store = {"object_store_memory": 128 << 20, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **store})
    nodes = [cluster.add_node(num_cpus=1, object_store_memory=128 << 20) for _ in range(NODES)]
    ray.init(cluster.address, log_to_driver=False)
    told: dict[str, object] = {"nodes": sum(node["Alive"] for node in ray.nodes())}
    told["strangers"] = sorted(_listeners())
    told["readers"] = readers = list[str]()
    reading = logging.getLogger("biaozhu.scale.cluster_reading")
    reading.setLevel(logging.DEBUG)
    reading.addFilter(lambda record: readers.append(record.args[1]) or False)
    told["known"], told["known_again"] = _find_before_and_after_a_loss(ray)
    receipts = write_shards_on_ray([place(corpus)], place(folder), ShardPlan(size=4000))
    files = [next(receipts).file for _ in range(NODES)]
    told["before"] = len(list(place(folder).glob("part-*.json")))
    cluster.remove_node(nodes[0], allow_graceful=False)
    files += [receipt.file for receipt in receipts]
    told["files"] = files
    limit = time.monotonic() + 60
    while sum(node["Alive"] for node in ray.nodes()) > NODES and time.monotonic() < limit:
        time.sleep(0.2)
    told["left"] = sum(node["Alive"] for node in ray.nodes())
    ray.shutdown()
    cluster.shutdown()
    place(report).write_text(json.dumps(told), encoding="utf-8")


def _find_before_and_after_a_loss(ray: Any) -> list[dict[int, tuple[int, bool]]]:
    """Return what is found to be a duplicate before all actors of checksums are lost, and after it."""
    digests = np.arange(6 * DIGEST_BYTES, dtype=np.uint8).reshape(6, DIGEST_BYTES)
    duplicates = Duplicates(ray, 2)
    duplicates.find(digests[:3], np.arange(3))
    found = [duplicates.find(digests[:1], np.array([7]))]
    for actor in duplicates.actors:
        ray.kill(actor, no_restart=False)
    return [*found, duplicates.find(digests[:1], np.array([7]))]


if __name__ == "__main__":
    _on_cluster(*sys.argv[1:])
