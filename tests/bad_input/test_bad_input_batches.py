"""A batch that one line, one table or one place of its folder cannot stop: dead letters, and one line with status 2."""

from __future__ import annotations

import fcntl
import json
import os
import struct
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from biaozhu.cli import run
from biaozhu.data.errors import EmptyArticleError, WriteError
from biaozhu.data.files import TEMPORARY, scratch_database, temporary_folder, write_bytes
from biaozhu.scale import batch as duplicates_module
from biaozhu.scale.corpus_stream import Source, read_sources
from biaozhu.scale.shards import ShardPlan, find_own_files, write_shards

if TYPE_CHECKING:
    from pathlib import Path

GOOD = "王小明在青岛市买了30斤种子。"
LONG = "名" * 100


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.txt").write_text(GOOD, encoding="utf-8")
    _write_corpus(tmp_path / "good.jsonl", json.dumps({"name": "a", "text": GOOD}))
    for name in ("loop", "loop.txt", "loop.jsonl"):
        (tmp_path / name).symlink_to(name)
    return tmp_path


def _write_corpus(path: Path, *lines: str) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _failed(folder: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in (folder / "failed.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("output", ["shards", "file"])
def test_batch_goes_on_after_a_name_that_is_no_unicode(workplace: Path, output: str) -> None:
    bad = '{"name": "b\\ud800", "text": "%s"}'
    first = json.dumps({"name": "a", "text": GOOD})
    _write_corpus(workplace / "in.jsonl", first, bad % GOOD, bad % "x", first)
    # The name of a file may be no UTF-8 either, and its text the same as before.
    os.rename(workplace / "good.txt", os.fsencode(workplace) + b"/\xff.txt")  # noqa: PTH104 — bytes
    options = ["--shards", "out"] if output == "shards" else ["-o", "out.jsonl"]
    assert run(["preannotate", "in.jsonl", os.fsdecode(b"\xff.txt"), "--model", "fast", *options]) == 1
    failed = workplace / ("out/failed.jsonl" if output == "shards" else "out.failed.jsonl")
    letters = [json.loads(line) for line in failed.read_text(encoding="utf-8").splitlines()]
    assert [one["where"] for one in letters] == ["in.jsonl:2", "in.jsonl:3", "in.jsonl:4", "\\udcff.txt"]
    assert [one["reason"].split()[0] for one in letters] == ["BZ013", "BZ013", "BZ017", "BZ017"]


def test_batch_makes_a_dead_letter_of_whatever_an_article_raises(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = duplicates_module.article_from_bytes

    def breaking(data: bytes, *, name: str, where: str, page: bool) -> object:
        if name != "bad":
            return real(data, name=name, where=where, page=page)
        raise RecursionError("\ud800")

    monkeypatch.setattr(duplicates_module, "article_from_bytes", breaking)
    sources = [Source("bad", "x:1", b"x"), Source("good", "x:2", GOOD.encode())]
    (receipt,) = write_shards(sources, workplace / "out", ShardPlan("fast"))
    assert receipt.articles == 1
    (letter,) = _failed(workplace / "out")
    assert letter["reason"].startswith("BZ007 x:1: ")


def _string_column(*values: bytes) -> object:
    pyarrow = pytest.importorskip("pyarrow")
    ends = [0]
    for value in values:
        ends.append(ends[-1] + len(value))
    offsets = pyarrow.py_buffer(struct.pack(f"<{len(ends)}i", *ends))
    return pyarrow.StringArray.from_buffers(len(values), offsets, pyarrow.py_buffer(b"".join(values)))


def _write_parquet(path: Path, name: object, text: object) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    pytest.importorskip("pyarrow.parquet").write_table(
        pyarrow.table({"name": name, "text": text}), path, compression="zstd"
    )


@pytest.mark.parametrize("bad", ["name", "text"])
def test_batch_goes_on_after_parquet_strings_that_are_no_utf8(workplace: Path, bad: str) -> None:
    names, texts = [b"a", b"b", b"c"], [f"{GOOD}{number}".encode() for number in range(3)]
    (names if bad == "name" else texts)[1] = b"\xff\xfe"
    _write_parquet(workplace / "in.parquet", _string_column(*names), _string_column(*texts))
    assert run(["preannotate", "in.parquet", "--model", "fast", "--shards", "out"]) == 1
    (letter,) = _failed(workplace / "out")
    assert (letter["where"], letter["reason"][:5]) == ("in.parquet:2", "BZ013")


def test_batch_goes_on_after_a_parquet_file_with_a_column_twice(workplace: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    strings = pyarrow.array([GOOD])
    table = pyarrow.table([strings, strings, strings], names=["name", "text", "text"])
    pytest.importorskip("pyarrow.parquet").write_table(table, workplace / "a.parquet")
    assert run(["preannotate", "a.parquet", "good.txt", "--model", "fast", "--shards", "out"]) == 1
    (letter,) = _failed(workplace / "out")
    assert letter["reason"].startswith("BZ013 a.parquet: ")


@pytest.mark.parametrize("kind", ["dictionary", "plain", "nulls"])
def test_batch_reads_a_small_parquet_file_in_small_memory(workplace: Path, kind: str) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    text = "青岛" * (1 << 20)
    rows = 300
    if kind == "dictionary":
        column = pyarrow.DictionaryArray.from_arrays(pyarrow.array([0] * rows, "int32"), pyarrow.array([text]))
    elif kind == "plain":
        rows, column = 40, pyarrow.array([text] * 40)
    else:
        column = pyarrow.nulls(rows, "string")
    table = pyarrow.table({"name": pyarrow.array([str(number) for number in range(rows)]), "text": column})
    path = workplace / "in.parquet"
    parquet.write_table(table, path, compression="zstd", use_dictionary=kind != "plain")
    assert path.stat().st_size < 30_000
    script = (
        "import resource, sys; from pathlib import Path; from biaozhu.scale.corpus_stream import read_sources\n"
        "import pyarrow.parquet; before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "for one in read_sources([Path(sys.argv[1])]): pass\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 120 << 10  # KiB
    found = list(read_sources([path]))
    assert len(found) == (1 if kind == "plain" else rows)
    assert all(bool(one.problem) == (kind != "dictionary") for one in found)


def test_shards_that_are_good_stay_where_no_article_can_be_read(workplace: Path) -> None:
    assert run(["preannotate", "good.jsonl", "--model", "fast", "--shards", "out"]) == 0
    before = {path.name: path.read_bytes() for path in (workplace / "out").iterdir()}
    _write_corpus(workplace / "bad.jsonl", "{", '{"name": "x", "text": "  "}')
    for bad in ("bad.jsonl", "missing.jsonl", "loop.jsonl"):
        assert run(["preannotate", bad, "--model", "fast", "--shards", "out"]) == 2
        assert {path.name: path.read_bytes() for path in (workplace / "out").iterdir()} == before
    with pytest.raises(EmptyArticleError):
        next(write_shards([Source("x", "x")], workplace / "new", ShardPlan("fast")))


@pytest.mark.parametrize(
    "change",
    [
        {"articles": -1},
        {"articles": True},
        {"spans": 10**30},
        {"spans": 0},
        {"characters": "9"},
        {"failed": [{"name": 1, "where": "", "reason": ""}]},
        {"failed": [{"name": "x", "where": "", "reason": ""}]},
        {"failed": None},
        {"checksum": ""},
        {"file": "good.txt"},
    ],
)
def test_shards_check_a_receipt_whole(workplace: Path, change: dict[str, object]) -> None:
    out = workplace / "out"
    command = ["preannotate", "good.jsonl", "--model", "fast", "--shards", "out"]
    assert run(command) == 0
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    receipt = json.loads((out / "part-00000.json").read_bytes())
    (out / "part-00000.json").write_text(json.dumps(receipt | change), encoding="utf-8")
    assert run(command) == 0
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_shards_remove_no_file_that_only_a_forged_receipt_names(workplace: Path) -> None:
    out = workplace / "out"
    assert run(["preannotate", "good.jsonl", "--model", "fast", "--shards", "out"]) == 0
    (out / "notes.txt").write_text("not ours", encoding="utf-8")
    changed = (out / "MANIFEST.json").read_text(encoding="utf-8").replace("part-00000.jsonl.gz", "notes.txt")
    (out / "MANIFEST.json").write_text(changed, encoding="utf-8")
    assert "part-00000.json" in find_own_files(out)
    assert "notes.txt" not in find_own_files(out)


@pytest.mark.parametrize(
    "command",
    [
        f"preannotate {LONG}.txt",
        f"preannotate {LONG}.jsonl -o out.jsonl",
        f"preannotate good.txt -o {LONG}.jsonl",
        f"preannotate good.txt -o {LONG}",
        f"preannotate good.jsonl -o {LONG}.jsonl",
        f"preannotate good.jsonl --shards {LONG}",
        f"preannotate good.txt --layers {LONG}",
        f"read {LONG}.txt",
        f"split good.txt -o {LONG}.jsonl",
        f"table {LONG}.txt",
        f"table good.txt -o {LONG}.csv",
        f"export {LONG}.jsonl --format conll -o out.conll",
        f"evaluate --gold {LONG}.jsonl --layer {LONG}.jsonl",
        f"select {LONG}.jsonl -n 1 -o out.jsonl",
        f"doccano restore {LONG}",
        "preannotate loop",
        "preannotate loop.txt",
        "preannotate loop.jsonl -o out.jsonl",
        "preannotate good.txt -o loop.jsonl",
        "preannotate good.txt -o loop",
        "preannotate good.jsonl --shards loop",
        "split loop.txt",
        "split good.txt -o loop.jsonl",
        "table loop.txt",
        "evaluate --gold loop.jsonl --layer loop.jsonl",
        "doccano restore loop",
        "doccano restore /dev/zero",
        "doccano restore /dev/full",
        "doccano restore .",
        "preannotate good.jsonl -j 2147483648 -o out.jsonl",
        "preannotate good.jsonl --threads 2147483648 -o out.jsonl",
    ],
)
def test_bad_input_place_that_cannot_be_used(workplace: Path, capsys: pytest.CaptureFixture[str], command: str) -> None:
    before = sorted(path.name for path in workplace.rglob("*"))
    assert run(command.split()) == 2
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    assert said.err.startswith(("BZ0", "failed: "))
    assert sorted(path.name for path in workplace.rglob("*")) == before


@pytest.mark.parametrize(
    ("length", "options"),
    [
        (245, "-o out --ledger --layers layers"),
        (251, "-o out"),
        (251, "-o out.jsonl --layers layers"),
        (251, "--layers x"),
    ],
)
def test_bad_input_article_whose_outputs_have_too_long_names(
    workplace: Path, capsys: pytest.CaptureFixture[str], length: int, options: str
) -> None:
    # A regression test: all were annotated, and what had a name short enough was written.
    (workplace / f"{'n' * length}.txt").write_bytes((workplace / "good.txt").read_bytes() + b"!")
    before = sorted(path.name for path in workplace.rglob("*"))
    assert run(["preannotate", "good.txt", f"{'n' * length}.txt", "--model", "fast", *options.split()]) == 2
    assert "BZ004" in capsys.readouterr().err
    assert sorted(path.name for path in workplace.rglob("*")) == before


def test_bad_input_full_folder_for_temporary_files() -> None:
    with pytest.raises(WriteError):
        _fill_scratch_database()


def _fill_scratch_database() -> None:
    with scratch_database(cache=64) as database:
        database.execute("PRAGMA max_page_count = 4")
        database.execute("CREATE TABLE seen (text TEXT)")
        for _ in range(100):
            database.execute("INSERT INTO seen VALUES (?)", ("x" * 9000,))


def test_files_of_the_longest_name_are_written(tmp_path: Path) -> None:
    target = tmp_path / f"{'名' * 83}.jsonl"
    write_bytes(target, b"x")
    assert target.read_bytes() == b"x"


def test_files_left_by_a_killed_writer_go_at_the_next_write(tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"
    script = (
        "import os, sys; from pathlib import Path; from biaozhu.data.files import write_stream, temporary_folder\n"
        "folder = temporary_folder(Path(sys.argv[1])); folder.__enter__()\n"
        "write_stream(Path(sys.argv[1]), (os.kill(os.getpid(), 9) for _ in 'x'))"
    )
    assert subprocess.run([sys.executable, "-c", script, str(target)], check=False).returncode == -9
    left = list(tmp_path.iterdir())
    assert len(left) == 2
    assert all(path.name.endswith(TEMPORARY) for path in left)
    # A stranger's file, one of a writer that is at work, and one of another output.
    (tmp_path / ".out.jsonl.original").write_text("x", encoding="utf-8")
    (tmp_path / f".other.jsonl.x{TEMPORARY}").write_text("x", encoding="utf-8")
    held = os.open(tmp_path / f".out.jsonl.x{TEMPORARY}", os.O_CREAT | os.O_RDWR)
    fcntl.flock(held, fcntl.LOCK_EX)
    with temporary_folder(target) as folder:
        write_bytes(target, b"done")
        assert {path.name for path in tmp_path.iterdir()} == {
            ".out.jsonl.original", f".other.jsonl.x{TEMPORARY}", f".out.jsonl.x{TEMPORARY}", "out.jsonl", folder.name,
        }  # fmt: skip
    os.close(held)


def test_files_taken_for_abandoned_before_they_are_locked_are_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, made = fcntl.flock, []

    def lock_late(handle: int, how: int) -> None:
        made.append(handle)
        if len(made) == 1:
            (left,) = tmp_path.iterdir()
            left.unlink()
        real(handle, how)

    monkeypatch.setattr(fcntl, "flock", lock_late)
    write_bytes(tmp_path / "out.jsonl", b"x")
    assert len(made) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"]
