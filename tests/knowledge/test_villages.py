from __future__ import annotations

import lzma
from typing import TYPE_CHECKING

import pytest

from biaozhu.data.errors import ModelDataError
from biaozhu.knowledge import gazetteer
from biaozhu.knowledge.gazetteer import Villages

if TYPE_CHECKING:
    from pathlib import Path

PACKED = lzma.compress("3 4 5 6\n\n\n东村\t西村\t东村\t𠮷村".encode())


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BIAOZHU_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(autouse=True)
def packed(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not cache.exists()
    monkeypatch.setattr(gazetteer, "read_packed", lambda _name: PACKED)


def codes(table: Villages, name: str) -> list[int]:
    return [int(one.code) for one in table.lookup(name)]


def test_villages_finds_codes_by_name() -> None:
    for _ in range(2):  # laid out, and then from the cache
        table = Villages()
        assert len(table.within("")) == 4
        assert [codes(table, name) for name in ("东村", "西村", "𠮷村", "南村", "", "东", "\ud800")] == [
            [3, 12], [7], [18], [], [], [], [],
        ]  # fmt: skip
        assert table.within("00000000") == ("东村", "西村", "东村", "𠮷村")


@pytest.mark.parametrize("content", [b"", b"no archive"])
def test_villages_replaces_a_damaged_file(cache: Path, content: bytes) -> None:
    Villages()
    (path,) = cache.iterdir()
    path.write_bytes(content)
    assert codes(Villages(), "东村") == [3, 12]


def test_villages_replaces_a_file_cut_short(cache: Path) -> None:
    Villages()
    (path,) = cache.iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[:-3])
    assert codes(Villages(), "东村") == [3, 12]
    assert path.read_bytes() == whole


def test_villages_works_where_the_cache_takes_no_file(cache: Path) -> None:
    cache.write_text("a file where the folder should be")
    assert codes(Villages(), "西村") == [7]


@pytest.mark.parametrize(
    "content",
    [lzma.compress(b"1 2\n\n\nonly one"), lzma.compress(b"1\n"), lzma.compress(b"\xff\n\n\none"), b"no archive"],
)
def test_villages_of_a_damaged_package_is_an_error(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gazetteer, "read_packed", lambda _name: content)
    with pytest.raises(ModelDataError, match="missing or damaged"):
        Villages()
