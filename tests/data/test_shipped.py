"""Labels, guideline and configs outside a checkout."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from biaozhu.data.labels import DEFAULT, read_labels
from biaozhu.data.shipped import find_shipped

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).parents[2]


def test_shipped_files_are_found_where_the_working_folder_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("configs/labels.toml", "configs/ner.cfg", "annotations/guideline.md"):
        assert find_shipped(Path(name)).read_bytes() == (ROOT / name).read_bytes()
    assert find_shipped(Path("configs/none.cfg")) == Path("configs/none.cfg")
    assert [label.id for label in read_labels()] == ["PLACE", "PERSON", "AMOUNT"]


def test_shipped_files_of_the_working_folder_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    DEFAULT.parent.mkdir()
    DEFAULT.write_text(
        '[[label]]\nid = "CROP"\nname = "作物"\ncolor = "#112233"\nshortcut = "c"\ndefinition = "x"\n',
        "utf-8",
    )
    assert [label.id for label in read_labels()] == ["CROP"]
    assert find_shipped(DEFAULT) == DEFAULT
