"""Files are there whole or not at all; ledgers read back what they wrote."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from biaozhu.annotators.trained import load_trained
from biaozhu.curation.adjudication import read_decisions, write_decisions
from biaozhu.curation.bias import read_work
from biaozhu.curation.frozen import check_frozen, freeze_gold, read_version
from biaozhu.curation.joint_gold import read_joint_gold
from biaozhu.data import files as module
from biaozhu.data.errors import FormatError, FrozenError, LockedError, MissingFileError, OutputError, WriteError
from biaozhu.data.files import (
    MAX_ARTICLE_BYTES,
    ONLY_HERE,
    check_target,
    descriptor_of,
    hold_folder,
    is_file_name,
    parse_json,
    parse_json_as,
    read_bytes,
    scratch_database,
    sha256_of,
    to_unicode,
    write_bytes,
    write_json,
    write_lines,
    write_stream,
    write_text,
)
from biaozhu.data.labels import read_labels
from biaozhu.data.layers import read_layer, read_layers, read_named_layers, write_layer
from biaozhu.data.ledger import Entry, read_ledger, write_ledger
from biaozhu.data.model import Sentence
from biaozhu.data.outputs import check_output, check_output_folder
from biaozhu.data.storage.manifest import check_unchanged, list_gone, read_manifest
from biaozhu.formats.convert import read_documents
from biaozhu.normalization.table import write_table
from biaozhu.reading.article import find_articles, read_article, read_articles, read_sentences
from biaozhu.reporting.history import read_reports
from biaozhu.scoring.scores_document import read_scores, write_scores
from biaozhu.training.train import read_config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

READERS = (
    *(
        read_article,
        read_articles,
        read_sentences,
        read_layer,
        read_layers,
        read_named_layers,
        read_ledger,
        read_scores,
    ),
    *(read_labels, read_config, load_trained, check_frozen),
    *(read_decisions, read_version, read_manifest, read_work, read_reports),
)


@pytest.mark.parametrize("read", READERS, ids=lambda read: read.__name__)
def test_files_path_may_be_text(read: Callable[[str], object], tmp_path: Path) -> None:
    # A regression test: it gave an AttributeError, and of text where several paths are taken each character was one.
    with pytest.raises(MissingFileError) as caught:
        read(str(tmp_path / "none.txt"))
    assert "none.txt" in caught.value.where


def test_files_written_by_text_are_read_by_text(tmp_path: Path) -> None:
    # A regression test: of a folder with articles `read_articles` said that it had none.
    layer, article = (Sentence("0123456789ab", 0, 1, "风"),), tmp_path / "one.txt"
    article.write_text("风吹过来。", "utf-8")
    assert find_articles(str(tmp_path)) == find_articles([str(article)]) == (article,)
    assert [one.name for one in read_articles(str(tmp_path))] == ["one"]
    for name, write in (("x.jsonl", write_layer), ("l.ledger.jsonl", write_ledger), ("t.csv", write_table)):
        write(str(tmp_path / name), layer if write is write_layer else ())
    write_scores(str(tmp_path / "scores.json"), {"format": ""})
    assert {path.name for path in tmp_path.iterdir()} == {
        "one.txt",
        "x.jsonl",
        "l.ledger.jsonl",
        "t.csv",
        "scores.json",
    }
    assert read_layers(str(tmp_path)) == layer
    assert list(freeze_gold(str(tmp_path))) == ["x.jsonl"]
    write_decisions(str(tmp_path / "q.jsonl"), (), (), names=("a", "b"))
    assert read_joint_gold(str(tmp_path / "x.jsonl")).sentences == layer
    with pytest.raises(FormatError):
        read_documents(str(tmp_path / "one.txt"), "conll", names={}, renamed={})


def test_files_checks_see_a_path_of_text(tmp_path: Path) -> None:
    # A regression test: they passed it as an address that holds no file of ours.
    path = tmp_path / "x.jsonl"
    write_layer(path, [Sentence("0123456789ab", 0, 1, "风")])
    freeze_gold(tmp_path)
    path.write_bytes(path.read_bytes() * 2)
    with pytest.raises(FrozenError):
        check_unchanged(str(path))
    with pytest.raises(OutputError):
        check_output(str(path), "layer")
    with pytest.raises(OutputError):
        check_output_folder(str(tmp_path), [path])
    path.unlink()
    assert len(list_gone(str(tmp_path))) == 1


def test_files_pipe_is_written_into_and_not_replaced(tmp_path: Path) -> None:
    pipe, got = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_text("utf-8")))
    reader.start()
    write_text(pipe, "标注")
    reader.join(10)
    assert got == ["标注"]
    assert pipe.is_fifo()


def test_files_device_is_not_replaced() -> None:
    write_text(Path("/dev/null"), "标注")
    assert Path("/dev/null").is_char_device()
    with pytest.raises(WriteError, match="BZ004"):
        write_text(Path("/dev/full"), "标注" * 100_000)


def test_files_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_text(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_ledger_reads_back_line_separators_in_texts(tmp_path: Path) -> None:
    entries = (Entry("pull", "loss", "dropped", "x:0-3", 0, 2, "PLACE", "云\u2028岭\x85"),)
    write_ledger(tmp_path / "ledger.jsonl", entries)
    assert read_ledger(tmp_path / "ledger.jsonl") == entries


@pytest.mark.parametrize(("redirect", "status"), [("/dev/full", 2), ("/dev/null", 0)])
def test_cli_full_disk_under_stdout_is_no_loss(redirect: str, status: int) -> None:
    seed = Path(__file__).parents[2] / "seeds/handan-2020-07-02.txt"
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    with Path(redirect).open("wb") as out:
        done = subprocess.run(
            [sys.executable, "-m", "biaozhu", "read", str(seed), "--json"],
            stdout=out, stderr=subprocess.PIPE, env=environment, check=False,
        )  # fmt: skip
    assert done.returncode == status
    assert b"Traceback" not in done.stderr


def test_files_of_any_kind_are_read_whole_or_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ENDLESS", 1000)
    large = tmp_path / "large"
    large.write_bytes(b"x" * 1000)
    assert read_bytes(large) == b"x" * 1000
    assert sha256_of(large) == hashlib.sha256(b"x" * 1000).hexdigest()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(b"y" * 999))
    writer.start()
    assert read_bytes(pipe) == b"y" * 999
    writer.join(10)
    for path in (tmp_path, tmp_path / "none", Path("/dev/zero")):
        with pytest.raises(MissingFileError) as caught:
            read_bytes(path)
        assert caught.value.where == str(path)
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(MissingFileError):
            sha256_of(path)


def test_files_limits_are_those_that_are_said() -> None:
    assert (MAX_ARTICLE_BYTES, module.ENDLESS) == (33_554_432, 268_435_456)


@pytest.mark.parametrize(("name", "advised"), [("s3:/bucket/x", True), ("x", False)])
def test_files_address_is_no_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, *, advised: bool) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MissingFileError) as missing:
        read_bytes(Path(name))
    assert (missing.value.next_step == ONLY_HERE) == advised
    if advised:
        with pytest.raises(WriteError):
            write_bytes(Path(name), b"")
        (tmp_path / "s3:").mkdir()
    write_bytes(Path(name), b"x")
    assert read_bytes(Path(name)) == b"x"


@pytest.mark.parametrize(
    ("umask", "before", "asked", "mode"),
    [
        (0o022, None, None, 0o644),
        (0o077, None, None, 0o600),
        (0o002, None, None, 0o664),
        (0o022, 0o600, None, 0o600),
        (0o077, 0o444, None, 0o444),
        (0o002, None, 0o600, 0o600),
        (0o022, 0o644, 0o600, 0o600),
    ],
)
def test_files_have_the_mode_of_the_umask_or_of_the_file_before(
    tmp_path: Path, umask: int, before: int | None, asked: int | None, mode: int
) -> None:
    path = tmp_path / "a"
    if before is not None:
        path.touch()
        path.chmod(before)
    old = os.umask(umask)
    try:
        write_text(path, "x", mode=asked)
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_files_of_lines_end_each_of_them(tmp_path: Path) -> None:
    write_lines(tmp_path / "c", ["甲", "乙"])
    assert (tmp_path / "c").read_text("utf-8") == "甲\n乙\n"


def test_files_that_cannot_be_made_whole_leave_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "new" / "x"
    write_bytes(path, b"old")

    def parts() -> Iterator[bytes]:
        yield b"new"
        raise KeyError

    with pytest.raises(KeyError):
        write_stream(path, parts())
    assert [(one.name, one.read_bytes()) for one in path.parent.iterdir()] == [("x", b"old")]


def test_files_target_is_checked_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    for path in (Path("x"), Path("file"), tmp_path / "a" / "b" / "x"):
        check_target(path)
    long = f"{'长' * 85}x"
    for path in (tmp_path, tmp_path / "file" / "x", Path("file/a/x"), Path(long), Path(long, "x"), Path("a", long)):
        with pytest.raises(WriteError) as caught:
            check_target(path)
        assert caught.value.where == str(path)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(WriteError):
        check_target(Path("x"))


@pytest.mark.parametrize("data", ['{"a": ["\\u4e91", 1]}', b'\xef\xbb\xbf{"a": ["\\u4e91", 1]}'])
def test_files_json_is_parsed(data: bytes | str) -> None:
    assert parse_json(data) == {"a": ["云", 1]}


@pytest.mark.parametrize("data", ["{", '"\\ud800"', "[" * 100_000, b"\xff", b"", '[{"a": 1, "a": 1}]'])
def test_files_json_that_cannot_be_kept_is_refused(data: bytes | str) -> None:
    for parse in (parse_json, partial(parse_json_as, kind=object)):
        with pytest.raises(ValueError, match=r".") as caught:
            parse(data)
        assert type(caught.value) is not UnicodeDecodeError, "the codec's words were shown"


def test_files_folder_is_held_by_one_command_at_a_time(tmp_path: Path) -> None:
    folder, done = tmp_path / "new" / "x", []

    def add(name: str) -> None:
        with hold_folder(folder):
            done.append(name)

    with hold_folder(folder):
        other = threading.Thread(target=add, args=["second"])
        other.start()
        with pytest.raises(LockedError) as refused, hold_folder(folder, wait=False):
            raise AssertionError
        assert "--break-lock" not in refused.value.next_step  # for a push alone
        done.append("first")
    other.join(10)
    assert done == ["first", "second"]
    with hold_folder(folder, wait=False):
        assert list(folder.iterdir()) == []
    with pytest.raises(WriteError), hold_folder(Path("/dev/null/x")):
        raise AssertionError


@pytest.mark.parametrize(("patience", "times"), [(0.01, 1), (60, 0)])
def test_files_folder_that_is_waited_for_long_is_named_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, patience: float, times: int
) -> None:
    monkeypatch.setattr(module, "PATIENCE_SECONDS", patience)
    begun = threading.Event()

    def hold() -> None:
        with hold_folder(tmp_path):
            begun.set()
            time.sleep(0.5)

    other = threading.Thread(target=hold)
    other.start()
    begun.wait(10)
    with hold_folder(tmp_path):
        other.join(10)
    assert caplog.text.count(str(tmp_path)) == times


def test_files_scratch_database_keeps_little_in_memory_and_nothing_on_disk() -> None:
    with scratch_database(cache=64) as database:
        assert database.execute("PRAGMA cache_size").fetchone() == (-64,)
        assert database.execute("PRAGMA synchronous").fetchone() == (0,)
        assert database.execute("PRAGMA journal_mode").fetchone() == ("off",)


@pytest.mark.parametrize(
    ("path", "number"),
    [
        ("-", 1),
        ("/dev/stdin", 0),
        ("/dev/stdout", 1),
        ("/proc/self/fd/12", 12),
        ("/dev/stderr", 2),
        ("/dev/fd/3", 3),
        ("/dev/fd/12345", None),
        ("/dev/fd/3x", None),
        ("dev/fd/3", None),
        ("x", None),
    ],
)
def test_files_descriptors_are_told_from_paths(path: str, number: int | None) -> None:
    assert descriptor_of(Path(path)) == number


@pytest.mark.parametrize(
    ("name", "is_name"),
    [("a", True), ("a.b", True), ("...", True), *((name, False) for name in ("", ".", "..", "a/b", "/a", "a/", "a\0"))],
)
def test_files_name_alone_leads_to_no_other_folder(name: str, *, is_name: bool) -> None:
    assert is_file_name(name) == is_name


def test_files_text_that_no_utf_8_carries_is_escaped() -> None:
    assert to_unicode("云\ud800") == "云\\ud800"


def test_files_json_is_laid_out_and_may_hold_no_number(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    write_json(path, {"云": [float("nan")]})
    assert path.read_text("utf-8") == '{\n  "云": [\n    NaN\n  ]\n}\n'
    with pytest.raises(ValueError, match="JSON"):
        write_json(path, float("nan"), allow_nan=False)
