"""The pieces of a corpus, read apart from each other, against the stream of one machine; no cluster is needed."""

from __future__ import annotations

import gzip
import json
from io import BytesIO
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from biaozhu.data.errors import WorkerError
from biaozhu.data.files import MAX_ARTICLE_BYTES
from biaozhu.scale.batch import DIGEST_BYTES, batches, take_text
from biaozhu.scale.cluster_reading import Checksums, Stretch, actor_of, cut_shards, read_block, sources_of
from biaozhu.scale.corpus_pieces import pieces_of, read_piece, require_files, unpack_piece
from biaozhu.scale.corpus_stream import Source, read_sources
from biaozhu.scale.shard_folders import place, write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

SIZES = (50, 333, 1 << 20)


def _in_pieces(paths: Sequence[Path], size: int) -> tuple[list[Source], int]:
    """Return what all pieces give in order, with lines counted through each file, and how many blocks they are."""
    found: list[Source] = []
    lines = blocks = 0
    for piece in pieces_of(paths, size):
        for number, chunk in enumerate(unpack_piece(piece, size) if piece.is_chunked else [None]):
            block, index = read_block(piece, chunk)
            lines = lines if piece.start or number else 0
            found += sources_of(Stretch(None, 0, len(block), lines, {}), block)
            articles = [found[len(found) - len(block) + row] for row in index.rows]
            places = [piece.where(one + lines) for one in index.numbers.tolist()]
            assert [one.where for one in articles] == places
            assert [one.problem for one in articles] == [""] * len(articles)
            lines += index.lines
            blocks += 1
    return found, blocks


def _line(number: int, more: str = "") -> bytes:
    text = f"宁波市第{number}村收了{number + 3}斤茶叶。{more}"
    return json.dumps({"name": f"a{number}", "text": text}, ensure_ascii=number % 2 == 0).encode()


LINES = b"\n".join(
    [b"", _line(1), b"no json", b"  ", *map(_line, range(2, 20)), b'{"name": "\\ud800"}', b"", b"", _line(20)]
)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("end", [b"", b"\n", b"\n\n\n", b"\nbroken"])
@pytest.mark.parametrize(
    ("name", "pack"),
    [("a.jsonl", bytes), ("a.jsonl.gz", gzip.compress), ("a.jsonl.zst", zstandard.compress)],
)
def test_pieces_of_lines_are_the_stream(
    tmp_path: Path, size: int, end: bytes, name: str, pack: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / name
    path.write_bytes(pack(LINES + end))
    found, blocks = _in_pieces([path], size)
    assert found == [take_text(one) for one in read_sources([path])]
    assert (blocks > 3) == (size < 1000)


def test_pieces_of_lines_are_the_stream_at_every_size(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\n\n".join(map(_line, range(3))) + b"\n{}\n")
    wanted = list(read_sources([path]))
    for size in range(1, path.stat().st_size + 2):
        assert _in_pieces([path], size)[0] == wanted, size


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_pieces_refuse_a_line_that_is_too_long(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    path = tmp_path / ("a.jsonl" if pack is bytes else "a.jsonl.gz")
    path.write_bytes(pack(_line(1) + b"\n" + b" " * (MAX_ARTICLE_BYTES * 2 + 3) + b"\n" + _line(2)))
    found, _ = _in_pieces([path], 4 << 20)
    assert found == list(read_sources([path]))
    assert [one.where.rpartition(":")[2] for one in found] == ["1", "2", "3"]


@pytest.mark.parametrize("size", SIZES)
def test_pieces_of_a_table_are_the_stream(tmp_path: Path, size: int) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = {"name": [f"r{n}" for n in range(40)], "text": [f"第{n}行。" * (n % 7) for n in range(40)]}
    path = tmp_path / "a.parquet"
    parquet.write_table(pyarrow.table(rows), path, row_group_size=6)
    assert _in_pieces([path], size)[0] == list(read_sources([path]))
    path.write_bytes(b"no table")
    assert _in_pieces([path], 1 << 20)[0] == list(read_sources([path]))


@pytest.mark.parametrize("size", SIZES)
def test_pieces_of_remote_files_are_the_stream(size: int) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    folder = place(f"memory://pieces/{size}")
    rows = {"name": [f"r{n}" for n in range(40)], "text": [f"第{n}行。" for n in range(40)]}
    packed = BytesIO()
    parquet.write_table(pyarrow.table(rows), packed, row_group_size=6)
    for name, content in (
        ("a.jsonl", LINES),
        ("b.jsonl.gz", gzip.compress(LINES)),
        ("c.txt", "杭州市。".encode()),
        ("d.parquet", packed.getvalue()),
    ):
        write_whole(folder / name, content)
    paths = [folder, folder / "gone.jsonl"]
    assert _in_pieces(paths, size)[0] == list(read_sources(paths))


@pytest.mark.parametrize("size", SIZES)
def test_pieces_of_files_are_the_stream(tmp_path: Path, size: int) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(9):
        (folder / f"{number}.txt").write_text(f"第{number}篇。\n", encoding="utf-8")
    (folder / "bad.txt").write_bytes(b"\x00\x01")
    (folder / "page.html").write_text(f"<html><body><p>{'宁波市的茶。' * 30}</p></body></html>", encoding="utf-8")
    (folder / "packed.txt.gz").write_bytes(gzip.compress("杭州市。\n".encode()))
    (folder / "half.jsonl.gz").write_bytes(gzip.compress(LINES * 50)[:-200])
    (folder / "k.jsonl").write_bytes(LINES)
    (tmp_path / "empty").mkdir()
    paths = [tmp_path / "empty", folder, tmp_path / "gone.jsonl", folder / "k.jsonl"]
    assert _in_pieces(paths, size)[0] == [take_text(one) for one in read_sources(paths)]


def test_pieces_of_a_file_that_a_node_does_not_see_are_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("宁波市。", encoding="utf-8")
    (piece,) = pieces_of([path], 100)
    require_files(piece)
    path.unlink()
    with pytest.raises(WorkerError):
        require_files(piece)
    (gone,) = pieces_of([path], 100)
    require_files(gone)
    assert "BZ003" in next(read_piece(gone)).problem


@given(st.lists(st.lists(st.integers(0, 9), max_size=6), max_size=8), st.integers(1, 12))
def test_pieces_are_cut_where_one_machine_cuts(blocks: list[list[int]], size: int) -> None:
    sources = [[Source(f"{i}.{j}", "", b"x" * n) for j, n in enumerate(some)] for i, some in enumerate(blocks)]
    given_blocks = [
        (np.array([len(one.data) for one in some], np.int64), Stretch(some, 0, len(some), 0, {})) for some in sources
    ]
    found = [tuple(chain(*(sources_of(one, one.block) for one in shard))) for shard in cut_shards(given_blocks, size)]
    assert found == list(batches(chain(*sources), size))


def test_pieces_checksums_answer_the_same_when_asked_again() -> None:
    pytest.importorskip("ray")
    digests = np.arange(6 * DIGEST_BYTES, dtype=np.uint8).reshape(6, DIGEST_BYTES).copy()
    digests[4] = digests[1]
    digests[5] = digests[1]
    digests[5, -1] += 1  # the same article id, and another text
    orders = np.arange(6, dtype=np.int64) + (7 << 32)
    assert actor_of(digests, 3).max() < 3
    actor: Any = Checksums(0, 1)
    assert actor.find(digests, orders) is None
    actor.begin([])
    wanted = [(orders[4], orders[1], True), (orders[5], orders[1], False)]
    assert actor.find(digests, orders) == actor.find(digests, orders) == wanted
