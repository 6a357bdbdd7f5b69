"""Compressed files: read to their end, or refused."""

from __future__ import annotations

import gzip
from io import BytesIO
from typing import TYPE_CHECKING, Any, cast

import pytest
import zstandard

from biaozhu.data.errors import MissingFileError
from biaozhu.data.storage.compression import CHUNK, SLICE, advice_on, opened, reason_of

if TYPE_CHECKING:
    from pathlib import Path

TEXT = "".join(f"{number} 云溪县石桥乡\n" for number in range(20_000)).encode()


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


@pytest.mark.parametrize(
    ("packing", "data", "content"),
    [
        ("", TEXT, TEXT),
        (".gz", gzip.compress(TEXT), TEXT),
        (".gz", gzip.compress(TEXT) + gzip.compress(b"end\n"), TEXT + b"end\n"),
        (".zst", zstd(TEXT), TEXT),
        (".zst", zstd(TEXT) + zstd(b"end\n"), TEXT + b"end\n"),
        (".zst", zstd(b"0" * (1 << 22)), b"0" * (1 << 22)),
        (".zst", zstd(b""), b""),
        (".zst", b"", b""),
    ],
)
def test_compression_gives_the_whole_content(tmp_path: Path, packing: str, data: bytes, content: bytes) -> None:
    path = tmp_path / f"x{packing}"
    path.write_bytes(data)
    with opened(path, packing) as file:
        assert file.read() == content
    with opened(path, packing) as file:
        first = file.readline(5)
        assert first == content[:5].split(b"\n")[0] + b"\n" * (b"\n" in content[:5])
        assert first + file.read() == content


@pytest.mark.parametrize("packing", [".gz", ".zst"])
@pytest.mark.parametrize("keep", [5, -1, -9])
def test_compression_file_that_breaks_off_is_refused(tmp_path: Path, packing: str, keep: int) -> None:
    path = tmp_path / f"x{packing}"
    path.write_bytes((gzip.compress(TEXT) if packing == ".gz" else zstd(TEXT))[:keep])
    with pytest.raises(MissingFileError) as caught, opened(path, packing) as file:
        file.read()
    assert caught.value.where == str(path)


@pytest.mark.parametrize("packing", ["", ".gz", ".zst"])
def test_compression_file_that_is_not_there_is_refused(tmp_path: Path, packing: str) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(MissingFileError) as caught, opened(path, packing):
            pass
        assert caught.value.where == str(path)


def test_compression_of_other_bytes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(TEXT)
    for packing in (".gz", ".zst"):
        with pytest.raises(MissingFileError), opened(path, packing) as file:
            file.read()


def test_compression_reads_in_pieces() -> None:
    # What a packed file says of its size must not decide how much comes at once.
    assert (CHUNK, SLICE) == (16_384, 2_048)


def test_compression_reason_is_that_of_the_file_system() -> None:
    inner = OSError("no such bucket")
    outer = TypeError("'NoneType' is not callable")
    outer.__context__ = inner
    assert reason_of(outer) == "no such bucket"
    assert reason_of(TypeError("odd")) == "odd"
    assert reason_of(TypeError("")) == "TypeError"
    caused = ValueError("in handling")
    caused.__cause__ = PermissionError("forbidden")
    caused.__context__ = OSError("other")
    assert reason_of(caused) == "forbidden"


class Remote(BytesIO):
    """A path of an object store and its file in one; `fault` is raised where the file is opened or read."""

    def __init__(self, content: bytes, fault: Exception | None = None, *, late: bool = False) -> None:
        super().__init__(content)
        self.fault, self.late, self.options = fault, late, dict[str, int]()

    def __str__(self) -> str:
        return "s3://bucket/x"

    def open(self, mode: str, **options: int) -> Remote:
        assert mode == "rb"
        self.options = options
        if self.fault and not self.late:
            raise self.fault
        return self

    def read(self, size: int | None = -1, /) -> bytes:
        if self.fault:
            raise self.fault
        return super().read(size)


def open_remote(remote: Remote, packing: str = "", *, ahead: int | None = None) -> Any:
    return opened(cast("Path", remote), packing, ahead=ahead)


@pytest.mark.parametrize(("packing", "pack"), [("", bytes), (".gz", gzip.compress), (".zst", zstd)])
def test_compression_remote_file_is_read_as_one_of_this_machine(packing: str, pack: Any) -> None:
    remote = Remote(pack(TEXT))
    with open_remote(remote, packing) as file:
        assert file.readline(3) == TEXT[:3]
        assert TEXT[:3] + file.read() == TEXT
        assert not remote.closed
    assert remote.closed
    assert remote.options == {}


def test_compression_remote_file_is_sought_in_and_fetched_in_blocks() -> None:
    remote = Remote(TEXT)
    with open_remote(remote, ahead=99) as file:
        assert file.seekable()
        assert file.seek(7) == file.tell() == 7
        assert file.read(3) == TEXT[7:10]
        assert file.seek(-4, 2) == len(TEXT) - 4
        assert file.read() == TEXT[-4:]
    assert remote.options == {"block_size": 99}


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize(
    ("fault", "is_there"),
    [
        (FileNotFoundError(2, "none"), False),
        (IsADirectoryError(21, "folder"), False),
        (PermissionError(13, "no"), True),
        (RuntimeError("the store's own"), True),
    ],
)
def test_compression_remote_file_that_fails_is_refused(fault: Exception, *, is_there: bool, late: bool) -> None:
    remote = Remote(TEXT, fault, late=late)
    with pytest.raises(MissingFileError) as caught, open_remote(remote) as file:
        file.read()
    assert caught.value.where == "s3://bucket/x"
    assert caught.value.next_step == (advice_on(cast("Path", remote)) if is_there else MissingFileError.advice)


def test_compression_advises_on_the_connection_of_remote_files_alone(tmp_path: Path) -> None:
    assert advice_on(cast("Path", Remote(b"")))
    assert not advice_on(tmp_path)
