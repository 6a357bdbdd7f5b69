"""Values of options that the fuzzer of options found to end in a traceback (`tests/fuzz/options.py`)."""

from __future__ import annotations

import json
import os
import shlex
import shutil
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest
from bad_files import ARTICLE, refuse

from biaozhu.cli import run
from biaozhu.data.layers import read_layer

if TYPE_CHECKING:
    from pathlib import Path

# A name as an archive of another system leaves it: GB18030, which is not UTF-8.
FOREIGN = os.fsdecode("春耕".encode("gb18030"))


@pytest.mark.parametrize(
    "arguments",
    [
        ["read", "a\0b"],
        ["new", "a\0b"],
        ["loop", "new", "--pool", "good.jsonl", "--annotators", "a\0b"],
        ["report", "--layer", "a=good.jsonl\0", "-o", "out"],
    ],
)
def test_options_a_nul_character_is_a_line(
    workplace: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    refuse(workplace, capsys, shlex.join(arguments), "BZ002 ")


@pytest.mark.parametrize(
    "arguments",
    [
        ["new", "circle"],
        ["agree", "anna", "circle", "-o", "agree.json"],
        ["doccano", "up", "--home", "circle"],
        ["doccano", "down", "--home", "circle"],
        ["doccano", "status", "--home", "circle"],
        ["doccano", "backup", "out.zip", "--home", "circle"],
        ["doccano", "backup", "circle", "--home", "home"],
        ["loop", "circle", "--pool", "good.jsonl", "--annotators", "ann,bo"],
        ["run", "circle"],
        ["history", "circle", "-o", "history.html"],
        ["predict", "circle", "good.txt", "-o", "out.jsonl"],
    ],
)
def test_options_a_link_that_leads_to_itself_is_a_line(
    workplace: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    (workplace / "circle").symlink_to("circle")
    refuse(workplace, capsys, shlex.join(arguments), "BZ")


@pytest.mark.parametrize(
    "arguments",
    [
        ["loop", "astray", "--pool", "good.jsonl", "--annotators", "ann,bo"],
        ["preannotate", "good.txt", "--shards", "astray"],
    ],
)
def test_options_a_link_that_leads_nowhere_is_a_line(
    workplace: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    (workplace / "astray").symlink_to("nowhere/at/all")
    refuse(workplace, capsys, shlex.join(arguments), "BZ")


def test_options_a_folder_in_place_of_a_file_is_a_line(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refuse(workplace, capsys, "select good.jsonl -n 1 --random 1 -o .", "BZ")


def test_options_a_name_that_is_not_utf8_is_written_and_read(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        (workplace / f"{FOREIGN}.txt").write_text(ARTICLE, encoding="utf-8")
    except OSError:
        pytest.skip("the file system has no such names")
    layer = f"{FOREIGN}.jsonl"
    assert run(["preannotate", f"{FOREIGN}.txt", "-o", layer, "--model", "fast"]) == 0
    assert read_layer(workplace / layer)
    assert run(["new", FOREIGN]) == 0
    assert "\\udc" in (workplace / FOREIGN / "README.md").read_text("utf-8")
    shutil.copytree("anna", f"{FOREIGN}.anna")
    assert run(["agree", f"{FOREIGN}.anna", "bert", "-o", "agree.json"]) == 0
    assert "\ufffd" in json.loads((workplace / "agree.json").read_text("utf-8"))["annotators"][0]
    assert run(["evaluate", "--gold", "good.jsonl", "--layer", f"{FOREIGN}={layer}", "-o", "scores.json"]) == 0
    for ending in ("csv", "parquet") if find_spec("pyarrow") else ("csv",):
        assert run(["table", f"{FOREIGN}.txt", "-o", f"table.{ending}"]) == 0
    assert "\ufffd" in (workplace / "table.csv").read_text("utf-8-sig")
    assert "Traceback" not in capsys.readouterr().err
