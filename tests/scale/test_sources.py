from __future__ import annotations

import gzip
import io
import json
import sys
from typing import TYPE_CHECKING

import pytest
import zstandard

from biaozhu.cli import run
from biaozhu.data.errors import MissingExtraError, MissingFileError
from biaozhu.scale.corpus_stream import expand_globs, is_stream, read_sources

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ARTICLES = [("berries", "成都市的草莓熟了。\n"), ("tea", "杭州市收了30吨茶叶。\n")]
LINES = "".join(json.dumps({"name": name, "text": text}) + "\n" for name, text in ARTICLES).encode()


def _read(*paths: Path) -> list[tuple[str, str]]:
    return [(one.name, one.data.decode()) for one in read_sources(paths)]


@pytest.mark.parametrize(
    ("name", "pack"),
    [("a.jsonl", bytes), ("a.jsonl.gz", gzip.compress), ("a.jsonl.zst", zstandard.compress)],
)
def test_sources_reads_lines_compressed_or_not(tmp_path: Path, name: str, pack: Callable[[bytes], bytes]) -> None:
    path = tmp_path / name
    path.write_bytes(pack(LINES))
    assert is_stream(path)
    assert _read(path) == ARTICLES
    assert _read(tmp_path) == ARTICLES


def test_sources_reads_folders_by_name_and_packed_articles(tmp_path: Path) -> None:
    (tmp_path / "tea.txt.gz").write_bytes(gzip.compress(ARTICLES[1][1].encode()))
    (tmp_path / "berries.txt").write_text(ARTICLES[0][1], encoding="utf-8")
    (tmp_path / "notes.md").write_text("no article", encoding="utf-8")
    assert _read(tmp_path) == ARTICLES
    assert not is_stream(tmp_path / "berries.txt")
    assert not is_stream(tmp_path)


def test_sources_reads_parquet(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = {"name": [name for name, _ in ARTICLES], "text": [text for _, text in ARTICLES], "more": [1, 2]}
    path = tmp_path / "a.parquet"
    parquet.write_table(pyarrow.table(table), path)
    assert _read(path) == ARTICLES
    parquet.write_table(pyarrow.table({"text": ["甲"]}), path)
    (refused,) = read_sources([path])
    assert "columns name and text" in refused.problem
    path.write_bytes(b"no table")
    (refused,) = read_sources([path])
    assert "BZ003" in refused.problem


def test_sources_names_the_extra_that_parquet_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match="pyarrow"):
        list(read_sources([tmp_path / "a.parquet"]))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "not JSON"),
        ('{"name": "x", "text": "茶", "text": "莓"}'.encode(), "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[1]", "no JSON object"),
        (b'{"name": "", "text": "x"}', "name and text"),
        (b'{"name": "x"}', "name and text"),
        (b'{"name": "x", "text": "\\ud800"}', "surrogate"),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_sources_goes_on_after_a_bad_line(tmp_path: Path, line: bytes, reason: str) -> None:
    path = tmp_path / "a.jsonl"
    first, second = LINES.splitlines(keepends=True)
    path.write_bytes(first + line + b"\n\n" + second)
    good, bad, other = read_sources([path])
    assert [good.name, other.name] == ["berries", "tea"]
    assert reason in bad.problem
    assert bad.where == f"{path}:2"
    assert not bad.data


@pytest.mark.parametrize(
    ("suffix", "pack"),
    # Stored or in several frames: the first lines are whole although the file ends early.
    [
        (".gz", lambda data: gzip.compress(data, compresslevel=0)),
        (".zst", lambda data: zstandard.compress(data) * 2),
    ],
)
def test_sources_keeps_what_stands_before_a_break(tmp_path: Path, suffix: str, pack: Callable[[bytes], bytes]) -> None:
    path = tmp_path / f"a.jsonl{suffix}"
    path.write_bytes(pack(LINES * 500)[:-20])
    *good, bad = read_sources([path])
    assert [one.name for one in good[:2]] == ["berries", "tea"]
    assert not any(one.problem for one in good)
    assert "cannot be read to its end" in bad.problem


@pytest.mark.parametrize(("content", "names"), [(LINES, ["berries", "tea"]), ("草莓。".encode(), ["stdin"])])
def test_sources_reads_standard_input(
    monkeypatch: pytest.MonkeyPatch, content: bytes, names: list[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    dash = tmp_path.__class__("-")
    assert is_stream(dash)
    assert [one.name for one in read_sources([dash])] == names


@pytest.mark.parametrize("command", ["read", "split", "table"])
def test_sources_of_one_article_may_be_standard_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("草莓三斤。".encode())))
    assert run([command, "-"]) == 0
    assert "三斤" in capsys.readouterr().out
    # Nothing is left to be read.
    assert run([command, "-"]) == 2
    assert "BZ011" in capsys.readouterr().err


def test_sources_expands_patterns(tmp_path: Path) -> None:
    for name in ("b/2.txt", "a/1.txt", "[x].txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("草莓。", encoding="utf-8")
    assert [path.name for path in expand_globs([tmp_path / "*" / "*.txt"])] == ["1.txt", "2.txt"]
    # A file that is there is no pattern, whatever its name.
    assert expand_globs([tmp_path / "[x].txt"]) == (tmp_path / "[x].txt",)
    with pytest.raises(MissingFileError, match="nothing matches"):
        expand_globs([tmp_path / "*.none"])
    assert [bool(one.problem) for one in read_sources([tmp_path / "none.txt", tmp_path / "c"])] == [
        True,
        True,
    ]
