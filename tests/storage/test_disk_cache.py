"""Parts that take long to make are made once, and made again where the cache is damaged or cannot be written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from biaozhu.data.storage.disk_cache import laid_out_parts, laid_out_path

if TYPE_CHECKING:
    from pathlib import Path

PARTS = {"a": b"\x00" * 100, "b/c": "云溪".encode()}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BIAOZHU_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_disk_cache_builds_once(folder: Path) -> None:
    built: list[int] = []

    def build() -> dict[str, bytes]:
        built.append(1)
        return PARTS

    assert laid_out_parts("x", [b"1"], build) == PARTS == laid_out_parts("x", [b"1"], build)
    assert len(built) == 1
    (path,) = folder.iterdir()
    assert path == laid_out_path("x", [b"1"])
    for damaged in (path.read_bytes()[:-9], path.read_bytes().replace("云溪".encode(), "云岭".encode())):
        path.write_bytes(damaged)
        assert laid_out_parts("x", [b"1"], build) == PARTS
    assert len(built) == 3


@pytest.mark.parametrize("other", [[b"2"], [b"1", b""], [b"", b"1"], [b"11"]])
def test_disk_cache_knows_its_sources_apart(folder: Path, other: list[bytes]) -> None:
    assert laid_out_path("x", [b"1"]) != laid_out_path("x", other)
    assert laid_out_path("x", other).parent == folder


def test_disk_cache_that_takes_no_file_is_done_without(folder: Path) -> None:
    folder.write_bytes(b"")
    assert laid_out_parts("x", [b"1"], lambda: PARTS) == PARTS
