from __future__ import annotations

import lzma
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np
import pytest

from biaozhu.knowledge.village_table import load_village_table, village_table_path

if TYPE_CHECKING:
    from pathlib import Path

PACKED = lzma.compress("3 4 5 6\n\n\n东村\t西村\t东村\t𠮷村".encode())


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BIAOZHU_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_village_table_finds_rows_by_name() -> None:
    for _ in range(2):  # laid out, and then mapped
        table = load_village_table(PACKED)
        assert list(table.codes) == [3, 7, 12, 18]
        assert [table.rows(name) for name in ("东村", "西村", "𠮷村", "南村", "", "东", "\ud800")] == [
            [0, 2], [1], [3], [], [], [], [],
        ]  # fmt: skip
        assert [table.name(row) for row in range(4)] == ["东村", "西村", "东村", "𠮷村"]


def test_village_table_is_mapped_from_the_second_time_on() -> None:
    load_village_table(PACKED)
    base = load_village_table(PACKED).text
    while isinstance(base, np.ndarray) and not isinstance(base, np.memmap):
        base = base.base
    assert isinstance(base, np.memmap)


@pytest.mark.parametrize("content", [b"", b"no array", b"\x93NUMPY\x01\x00"])
def test_village_table_replaces_a_damaged_file(content: bytes) -> None:
    load_village_table(PACKED)
    village_table_path(PACKED).write_bytes(content)
    assert load_village_table(PACKED).rows("东村") == [0, 2]


def test_village_table_replaces_a_file_cut_short() -> None:
    load_village_table(PACKED)
    path = village_table_path(PACKED)
    whole = path.read_bytes()
    path.write_bytes(whole[:-3])
    assert load_village_table(PACKED).rows("东村") == [0, 2]
    assert path.read_bytes() == whole


def test_village_table_works_where_the_cache_takes_no_file(cache: Path) -> None:
    cache.write_text("a file where the folder should be")
    assert load_village_table(PACKED).rows("西村") == [1]


def test_village_table_of_a_damaged_package_is_an_error() -> None:
    with pytest.raises((lzma.LZMAError, ValueError)):
        load_village_table(lzma.compress(b"1 2\n\n\nonly one"))
    with pytest.raises(lzma.LZMAError):
        load_village_table(b"no archive")


def test_village_table_of_the_package_answers_the_same_mapped_and_laid_out(cache: Path) -> None:
    packed = files("biaozhu.knowledge").joinpath("villages.txt.xz").read_bytes()
    first = load_village_table(packed)
    assert (cache / village_table_path(packed).name).stat().st_size < 30_000_000
    second = load_village_table(packed)
    names = [first.name(row) for row in range(0, len(first.codes), 5003)]
    assert [first.rows(name) for name in names] == [second.rows(name) for name in names]
    assert all(row in second.rows(name) for row, name in zip(range(0, len(first.codes), 5003), names, strict=True))
