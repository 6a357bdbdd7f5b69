"""The guideline for Doccano: pictures inside its text, and what the list of projects tells annotators."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest

from biaozhu.commands.doccano.specs import GUIDELINE, read_spec
from biaozhu.data.labels import Label, read_labels
from biaozhu.doccano.project import MAX_PICTURE_BYTES, describe_work, embed_pictures, list_unexplained

ROOT = Path(__file__).parents[2]
LABELS = (ROOT / "configs/labels.toml").read_text("utf-8")
FOURTH = """
[[label]]
id = "ORG"
name = "机构"
color = "#5B3A8E"
shortcut = "z"
definition = "单位。"
"""


def test_guideline_has_its_pictures_inside(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"picture")
    text = "前\n\n![图](a.png)\n\n后 [链接](a.png)"
    data = b64encode(b"picture").decode()
    assert embed_pictures(text, tmp_path) == f"前\n\n![图](data:image/png;base64,{data})\n\n后 [链接](a.png)"


@pytest.mark.parametrize("size", [None, MAX_PICTURE_BYTES + 1])
def test_guideline_leaves_out_a_picture_that_is_missing_or_large(tmp_path: Path, size: int | None) -> None:
    if size:
        (tmp_path / "a.png").write_bytes(b"x" * size)
    assert embed_pictures("前\n\n![图](a.png)\n\n后", tmp_path) == "前\n\n后"


@pytest.mark.parametrize("folder", [ROOT / "annotations", Path("elsewhere/annotations")])
def test_guideline_of_the_package_shows_its_picture_wherever_it_was_copied(folder: Path) -> None:
    text = (ROOT / "annotations/guideline.md").read_text("utf-8")
    assert embed_pictures(text, folder).count("(data:image/png;base64,") == text.count("![") == 1


def test_guideline_names_each_key_in_the_description_of_a_project() -> None:
    labels = read_labels()
    described = describe_work(labels)
    assert all(f"{label.shortcut} {label.name}" in described for label in labels)


@pytest.mark.parametrize(
    ("added", "lacking"),
    [
        ("", ["ORG"]),
        ("- 机构不标\n", ["ORG"]),
        ("## 五、机构\n", []),
        ("**机构**(ORG)：单位的全称。\n", []),
    ],
)
def test_guideline_that_has_nothing_on_a_label_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], added: str, lacking: list[str]
) -> None:
    text = (ROOT / GUIDELINE).read_text("utf-8") + added
    labels = [*read_labels(), Label("ORG", "机构", "#5B3A8E", "z", "单位。")]
    assert [one.id for one in list_unexplained(labels, text)] == lacking
    (tmp_path / "labels.toml").write_text(LABELS + FOURTH, "utf-8")
    (tmp_path / "guideline.md").write_text(text, "utf-8")
    read_spec("p", tmp_path / "labels.toml", tmp_path / "guideline.md")
    assert capsys.readouterr().err.count("ORG") == len(lacking)


def test_guideline_of_the_package_explains_its_labels(capsys: pytest.CaptureFixture[str]) -> None:
    read_spec("p", Path("configs/labels.toml"), GUIDELINE)
    assert capsys.readouterr().err == ""
