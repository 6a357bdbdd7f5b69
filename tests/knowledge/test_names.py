from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biaozhu.data.storage.disk_cache import laid_out_parts, laid_out_path
from biaozhu.knowledge.names import make_finder, make_finder_without_daachorse

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def stretches(text: str, longest: int) -> list[tuple[int, int]]:
    return [
        (start, end)
        for end in range(1, len(text) + 1)
        for start in range(max(0, end - longest), end)
    ]  # fmt: skip


@given(st.lists(st.text("甲乙𠮷a", min_size=1, max_size=4), min_size=1), st.text("甲乙𠮷a丙"))
def test_names_finders_agree(names: Sequence[str], text: str) -> None:
    held = [(start, end) for start, end in stretches(text, 4) if text[start:end] in names]
    assert make_finder(names)(text) == held
    numbered = sorted(set(names))
    without = make_finder_without_daachorse(numbered)(text)
    assert sorted((start, end) for start, end, _ in without) == sorted(held)
    assert all(text[start:end] == numbered[number] for start, end, number in without)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BIAOZHU_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_laid_out_parts_are_built_once(cache: Path) -> None:
    built: list[int] = []

    def build() -> dict[str, bytes]:
        built.append(1)
        return {"a": b"1", "b": bytes(1000)}

    for _ in range(3):
        assert laid_out_parts("t", (b"x",), build) == {"a": b"1", "b": bytes(1000)}
    assert len(built) == 1
    assert laid_out_parts("t", (b"y",), build)["a"] == b"1"
    assert len(built) == 2
    assert len(list(cache.iterdir())) == 2


@pytest.mark.parametrize("damage", ["empty", "junk", "short", "flipped", "folder"])
def test_laid_out_parts_replace_a_damaged_file(cache: Path, damage: str) -> None:
    sources, parts = (b"x",), {"a": bytes(range(256)) * 40}
    laid_out_parts("t", sources, lambda: parts)
    path = laid_out_path("t", sources)
    assert path.parent == cache
    whole = path.read_bytes()
    if damage == "folder":
        path.unlink()
        path.mkdir()
    else:
        flipped = bytearray(whole)
        flipped[len(whole) // 2] ^= 1
        path.write_bytes({"empty": b"", "junk": b"no archive", "short": whole[:-9]}.get(damage, bytes(flipped)))
    assert laid_out_parts("t", sources, lambda: parts) == parts
    if damage != "folder":
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None


def test_laid_out_parts_need_no_folder(cache: Path) -> None:
    cache.write_text("a file where the folder should be")
    assert laid_out_parts("t", (b"x",), lambda: {"a": b"1"}) == {"a": b"1"}
