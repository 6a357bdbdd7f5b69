"""The labels file: what is refused in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from biaozhu.data.errors import BiaozhuError, LabelsFileError, MissingFileError
from biaozhu.data.labels import Label, read_labels

if TYPE_CHECKING:
    from pathlib import Path

ONE = '[[label]]\nid = "A"\nname = "甲"\ncolor = "#11aaFF"\nshortcut = "a"\ndefinition = "x"\n'
TWO = '[[label]]\nid = "B"\nname = "乙"\ncolor = "#000000"\nshortcut = "b"\ndefinition = "y"\n'


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_labels_come_in_the_order_of_the_file(tmp_path: Path, mark: str) -> None:
    path = tmp_path / "labels.toml"
    path.write_text(mark + TWO + ONE, "utf-8")
    assert read_labels(path) == (
        Label("B", "乙", "#000000", "b", "y"),
        Label("A", "甲", "#11aaFF", "a", "x"),
    )


@pytest.mark.parametrize(
    "content",
    [
        b"\xff",
        b"label =",
        b"",
        b"[other]\n",
        b"label = 1",
        b"label = [1]",
        *(ONE.replace(key, f"# {key}").encode() for key in ("id", "name", "color", "shortcut", "definition")),
        ONE.replace('"A"', "7").encode(),
        ONE.replace('"甲"', '""').encode(),
        ONE.replace("#11aaFF", "#11aaF").encode(),
        ONE.replace("#11aaFF", "#11aaFFF").encode(),
        ONE.replace("#11aaFF", "red").encode(),
        *(ONE.replace('"A"', f'"{one}"').encode() for one in ("A B", "A\u3000", "A\u200e", "\u202eA", "A\\u0000")),
        *(ONE.replace('"a"', f'"{one}"').encode() for one in ("ab", "\u200b", " ", "中", "A")),
        # Regression tests: misspelt keys were ignored, and é could be two labels.
        *((ONE + extra).encode() for extra in ('colour = "#11aaFF"\n', "[labels]\n")),
        (ONE.replace('"A"', '"é"') + TWO.replace('"B"', '"e\u0301"')).encode(),
        # The scores of this label would stand under the key of those of all labels.
        *(ONE.replace('"A"', f'"{one}"').encode() for one in ("ALL", "all", "micro", "All", "Micro", "O")),
        (ONE + TWO.replace('"B"', '"A"')).encode(),
        (ONE + TWO.replace('"乙"', '"甲"')).encode(),
        (ONE + TWO.replace('"b"', '"a"')).encode(),
    ],
)
def test_labels_file_that_cannot_be_used_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "labels.toml"
    path.write_bytes(content)
    with pytest.raises(BiaozhuError) as caught:
        read_labels(path)
    assert type(caught.value) is LabelsFileError
    assert caught.value.where == str(path)


def test_labels_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError):
        read_labels(tmp_path / "labels.toml")
