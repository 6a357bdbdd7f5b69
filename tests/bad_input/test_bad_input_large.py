"""Input that is larger than it looks, or never ends: refused in one line, without filling the memory."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import zstandard
from bad_files import make_workplace, snapshot

from biaozhu.cli import run
from biaozhu.scale.corpus_stream import read_sources

if TYPE_CHECKING:
    from collections.abc import Callable

MIB = 1 << 20


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in where everything is right."""
    make_workplace(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(workplace: Path, capsys: pytest.CaptureFixture[str], command: str, expected: str) -> None:
    before = snapshot(workplace)
    assert run(command.split()) == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert said.err.startswith(expected)
    assert snapshot(workplace) == before


def zstd_bomb(content: bytes) -> bytes:
    # The size is not told: nobody could refuse it by its head.
    return zstandard.ZstdCompressor(write_content_size=False).compress(content)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "pack", "size"),
    [("a.txt.gz", gzip.compress, 64), ("a.txt.zst", zstd_bomb, 320), ("a.jsonl.zst", zstd_bomb, 320)],
)
def test_bad_input_small_file_that_unpacks_to_very_much(
    tmp_path: Path, name: str, pack: Callable[[bytes], bytes], size: int
) -> None:
    file = tmp_path / name
    file.write_bytes(pack(bytes(size * MIB)))
    assert file.stat().st_size < MIB
    tracemalloc.start()
    try:
        (source,) = read_sources([file])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "more than 32 MiB" in source.problem
    assert peak < 200 * MIB


@pytest.mark.slow
def test_bad_input_docbin_that_unpacks_to_very_much(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (workplace / "bad.spacy").write_bytes(zlib.compress(bytes(257 * MIB), 1))
    refused(
        workplace,
        capsys,
        "import bad.spacy --format spacy -o out.jsonl",
        "BZ060 bad.spacy: it unpacks to more than 256 MiB. ",
    )


@pytest.mark.parametrize(
    "command",
    [
        "export /dev/zero --format conll -o out.conll",
        "evaluate --gold /dev/zero --layer good.jsonl",
        "train /dev/zero -o new",
        "export good.jsonl --format conll --labels /dev/zero -o out.conll",
        "split /dev/zero -o out.jsonl",
        "evaluate --stream --gold /dev/zero --layer good.jsonl",
        "select /dev/zero -n 1 -o out.jsonl",
    ],
)
@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs a device that never ends")
def test_bad_input_device_that_never_ends(workplace: Path, capsys: pytest.CaptureFixture[str], command: str) -> None:
    if "split" in command:
        expected = "BZ010 /dev/zero: more than 32 MiB"
    elif "--stream" in command or "select" in command:
        expected = "BZ013 /dev/zero:1: a line of more than 32 MiB"
    else:
        expected = "BZ003 /dev/zero: this is not a regular file"
    refused(workplace, capsys, command, expected)


@pytest.mark.slow
def test_bad_input_single_line_of_500_mb(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # A file of 500 MB that takes no room on the disk.
    for name in ("bad.txt", "bad.jsonl"):
        with (workplace / name).open("wb") as file:
            file.truncate(500_000_000)
    before = {path.name for path in workplace.iterdir()}
    for command, expected in (
        (
            "split bad.txt -o out.jsonl",
            "BZ010 bad.txt: more than 32 MiB, which is too large for an article. ",
        ),
        ("export bad.jsonl --format conll -o out.conll", "BZ013 bad.jsonl:1: not JSON "),
        ("import bad.jsonl --format doccano -o out.jsonl", "BZ060 bad.jsonl: more than 256 MiB. "),
    ):
        assert run(command.split()) == 2
        said = capsys.readouterr()
        assert (said.out, said.err.count("\n")) == ("", 1)
        assert said.err.startswith(expected)
    assert {path.name for path in workplace.iterdir()} == before
