from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

import pytest

from biaozhu.cli import list_all_commands, run
from biaozhu.commands.help_pages import DocumentedCommand, list_commands
from biaozhu.data.layers import write_layer
from biaozhu.data.model import Sentence, Span

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "command",
    [
        "preannotate a.txt",
        "preannotate a.txt --jobs 2",
        "preannotate a.jsonl",
        "predict model a.txt",
        "base annotate a.txt",
        "crossval c.cfg --gold g.jsonl --article a.txt",
        "adjudicate a b",
        "import f --format conll --article a.txt",
        "split a.txt",
        "select a.jsonl -n 1",
        "doubt a.jsonl",
        "llm a.txt --config c.toml",
        "pull",
    ],
)
def test_options_a_ledgers_name_for_a_layer_is_refused_before_any_work(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run([*shlex.split(command), "-o", "x.ledger.jsonl"]) == 2
    assert capsys.readouterr().err == (
        "BZ002 x.ledger.jsonl: a name in .ledger.jsonl or .failed.jsonl is for ledgers and failures, "
        "no layer is read from it. Name it NAME.jsonl.\n"
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "command",
    [
        "evaluate --gold g --layer l --fail-under",
        "select l -n 1 -o o --random",
        "loop rounds --worth",
        "serve --timeout",
        "project create l --project p --annotators a,b --blind",
    ],
)
def test_options_take_nan_for_no_number(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run([*shlex.split(command), "nan"]) == 2
    said = capsys.readouterr().err
    # A newer typer refuses it in words of its own.
    assert said.startswith("BZ002 ")
    assert command.rsplit(maxsplit=1)[-1] in said
    assert not list(tmp_path.iterdir())


def test_options_of_every_command_are_read_in_one_way() -> None:
    commands = [one for _, one in list_commands(list_all_commands()) if not hasattr(one, "commands")]
    assert all(isinstance(one, DocumentedCommand) for one in commands)


@pytest.mark.parametrize("name", ["out.json", "out.TXT", "out.csv", "out.html", "out.jsonl.gz", "out/a.parquet"])
@pytest.mark.parametrize(
    "command",
    ["preannotate a.txt", "llm a.txt --config l.toml", "adjudicate a b", "pull", "project pull --project p",
     "report --layer a.jsonl", "train ner.cfg"],
)  # fmt: skip
def test_options_a_files_name_for_a_folder_is_refused_before_any_work(
    command: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run([*shlex.split(command), "-o", name]) == 2
    assert capsys.readouterr().err.startswith(f"BZ002 {name}: ")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["v1.2", "there.txt"])
def test_options_a_folder_with_a_dot_is_one_and_is_named(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.txt").mkdir()
    (tmp_path / "a.txt").write_text("李明周一来到镇里。\n", "utf-8")
    assert run(["preannotate", "a.txt", "-o", name, "--model", "fast"]) == 0
    assert (tmp_path / name / "a.jsonl").is_file()
    assert name in capsys.readouterr().err


MADE = Sentence(article="0123456789ab", start=0, end=4, text="李明周一", spans=(Span(0, 2, "PERSON"),))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with an article and layers."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("李明周一来到镇里。\n", "utf-8")
    for path in ("anna/a.jsonl", "ben/a.jsonl"):
        write_layer(tmp_path / path, [MADE])
    return tmp_path


@pytest.mark.parametrize("command", ["split a.txt", "preannotate a.txt --model fast", "export anna -f csv"])
def test_options_a_dash_is_standard_output(command: str, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    there = sorted(folder.iterdir())
    assert run([*shlex.split(command), "-o", "-"]) == 0
    assert "李明" in capfd.readouterr().out
    assert sorted(folder.iterdir()) == there


@pytest.mark.parametrize(
    "command",
    [
        "llm a.txt --config l.toml -o -",
        "adjudicate anna ben -o -",
        "pull -o -",
        "train ner.cfg -o -",
        "segmenter --words anna --dev ben -o -",
        "preannotate a.txt --layers -",
        "preannotate a.txt --ledger -o -",
        "select anna -n 1 --random 1 -o -",
        # With --json nothing else goes there.
        "evaluate --gold anna --layer ben --json -o -",
        "export anna -f csv --json -o /dev/stdout",
        # Nothing would be printed, which is not JSON.
        "preannotate a.txt --json",
        "preannotate a.txt --json -o b.jsonl",
        "preannotate a.txt --json -o b.jsonl --jobs 2",
        "preannotate a.txt --json --shards b",
    ],
)
def test_options_what_standard_output_cannot_take_is_refused_before_any_work(
    command: str, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    there = sorted(folder.rglob("*"))
    assert run(shlex.split(command)) == 2
    said = capfd.readouterr()
    assert said.err.startswith("BZ002 ")
    assert said.out == ""
    assert sorted(folder.rglob("*")) == there


@pytest.mark.parametrize(
    "command",
    [
        "doctor", "labels", "configs", "read a.txt", "table a.txt", "export anna -f csv -o a.csv", "agree anna ben",
        "adjudicate anna ben", "adjudicate anna ben -o gold", "gold diff anna ben", "evaluate --gold anna --layer ben",
        "compare a=anna b=ben --gold anna", "doccano status", "doccano down",
    ],
)  # fmt: skip
def test_options_json_is_one_document(command: str, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert folder
    assert run([*shlex.split(command), "--json"]) in (0, 1)
    json.loads(capfd.readouterr().out)
