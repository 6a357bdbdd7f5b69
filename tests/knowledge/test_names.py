from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biaozhu.data.storage.disk_cache import laid_out_parts, laid_out_path
from biaozhu.knowledge import names as module
from biaozhu.knowledge.gazetteer import gazetteer, villages
from biaozhu.knowledge.names import find_table_names, make_finder, make_finder_without_daachorse

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LONGEST = 24
VILLAGE_NAMES = sorted(villages().names())[::997]
DIVISION_NAMES = sorted(gazetteer().named)[::97]
HAN = st.sampled_from("村庄东西南北王李大小新和平县市镇乡区𠮷\n，a")


def stretches(text: str, longest: int) -> list[tuple[int, int]]:
    return [
        (start, end)
        for end in range(1, len(text) + 1)
        for start in range(max(0, end - longest), end)
    ]  # fmt: skip


@given(
    st.lists(
        st.one_of(st.sampled_from(VILLAGE_NAMES), st.sampled_from(DIVISION_NAMES), HAN), max_size=12
    ).map("".join)
)
def test_names_in_finds_what_the_tables_hold_and_no_more(text: str) -> None:
    held = [
        (start, end)
        for start, end in stretches(text, LONGEST)
        if text[start:end] in gazetteer().named or text[start:end] in villages()
    ]
    found = find_table_names(text)
    assert [span for span in found if span[1] - span[0] <= LONGEST] == held


@pytest.mark.parametrize("name", ["十里铺村", "平遥县", "平遥", "礐石街道", "龙潭社区"])
def test_names_in_knows_villages_and_divisions(name: str) -> None:
    assert (2, 2 + len(name)) in find_table_names(f"𠮷在{name}。")


def test_names_in_finds_every_tenth_village_of_a_province_in_one_text() -> None:
    names = list(villages().within("35")[::10])
    text = "。".join(names)
    found = {text[start:end] for start, end in find_table_names(text)}
    assert len(names) > 1000
    assert set(names) <= found


@given(st.lists(st.text("甲乙𠮷a", min_size=1, max_size=4), min_size=1), st.text("甲乙𠮷a丙"))
def test_names_finders_agree(names: Sequence[str], text: str) -> None:
    held = [(start, end) for start, end in stretches(text, 4) if text[start:end] in names]
    assert make_finder(names)(text) == held
    assert sorted(make_finder_without_daachorse(names)(text)) == sorted(held)


def test_names_in_is_the_same_without_daachorse(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "".join(VILLAGE_NAMES[::7])
    expected = sorted(find_table_names(text))
    monkeypatch.setattr(module, "import_automaton", lambda: None)
    monkeypatch.setattr(module, "_all_names", lambda: VILLAGE_NAMES)
    module._make_names_finder.cache_clear()  # noqa: SLF001 — the make_finder of this process
    try:
        found = find_table_names(text)
    finally:
        module._make_names_finder.cache_clear()  # noqa: SLF001 — as above
    assert found
    assert set(found) <= set(expected)


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
        path.write_bytes(
            {"empty": b"", "junk": b"no archive", "short": whole[:-9]}.get(damage, bytes(flipped))
        )
    assert laid_out_parts("t", sources, lambda: parts) == parts
    if damage != "folder":
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None


def test_laid_out_parts_need_no_folder(cache: Path) -> None:
    cache.write_text("a file where the folder should be")
    assert laid_out_parts("t", (b"x",), lambda: {"a": b"1"}) == {"a": b"1"}
