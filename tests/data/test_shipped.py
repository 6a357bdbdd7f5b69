"""Labels, guideline and configs outside a checkout."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from biaozhu.data import shipped
from biaozhu.data.labels import DEFAULT, read_labels
from biaozhu.data.shipped import describe_extra_install, find_owner, find_shipped, list_configs

if TYPE_CHECKING:
    from collections.abc import Collection

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


def test_shipped_configs_of_the_working_folder_come_before_those_of_the_same_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    own = {path.name: path for path in list_configs()}
    Path("configs").mkdir()
    for name in ("ner.cfg", "0.cfg", "labels.toml"):
        Path("configs", name).touch()
    found = list_configs()
    assert [path.name for path in found] == sorted({*own, "0.cfg"})
    assert {path.name: path for path in found} == {
        **own,
        **{name: Path("configs", name) for name in ("ner.cfg", "0.cfg")},
    }


@pytest.mark.parametrize(
    ("sections", "owner"),
    [
        ({"nlp", "drawn", "text"}, "train"),
        ({"drawn", "text", "corpus"}, "base deepen"),
        ({"text", "corpus"}, "base distil"),
        ({"corpus"}, "base build"),
        ((), "train"),
    ],
)
def test_shipped_config_belongs_to_the_command_of_its_sections(sections: Collection[str], owner: str) -> None:
    assert find_owner(sections) == owner


def test_shipped_extra_is_installed_from_the_checkout_where_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert str(ROOT) in describe_extra_install("table")
    monkeypatch.setattr(shipped, "PACKAGE", tmp_path / "lib" / "packages" / "biaozhu")
    assert str(tmp_path) not in describe_extra_install("table")
