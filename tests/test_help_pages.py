"""Help pages: groups, examples, completion, and what stands where a command gets nothing."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from typing import Any

import pytest

from biaozhu.cli import list_all_commands, run
from biaozhu.commands.help_pages import EXAMPLES, GROUPS, list_commands

COMMANDS = {path: command for path, command in list_commands(list_all_commands()) if path}


def test_help_pages_have_every_command_in_one_group() -> None:
    listed = [name for names in GROUPS.values() for name in names]
    assert sorted(listed) == sorted({path.partition(" ")[0] for path in COMMANDS})


def test_help_pages_have_two_examples_for_every_command() -> None:
    assert set(EXAMPLES) == set(COMMANDS)
    assert all(len(set(lines)) == 2 for lines in EXAMPLES.values())


@pytest.mark.parametrize("line", sorted({line for lines in EXAMPLES.values() for line in lines}))
def test_help_pages_examples_parse(line: str) -> None:
    command: Any = list_all_commands()
    words = shlex.split(line)
    while hasattr(command, "commands"):
        name = words.pop(0)
        command = command.commands[name]
    command.make_context(name, words)


def test_help_pages_list_the_whole_first_sentence_of_each_command(capsys: pytest.CaptureFixture[str]) -> None:
    # A regression test: at 80 columns most of them ended in "...".
    assert run(["--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "..." not in shown.replace("[ARGS]...", "")
    assert [one.help for path, one in COMMANDS.items() if " " not in path and "redo only" in one.help]


@pytest.mark.parametrize("path", ["evaluate", "doccano up", "gold"])
def test_help_pages_end_with_the_examples(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*path.split(), "--help"]) == 0
    shown = capsys.readouterr().out
    assert all(f"    biaozhu {line}\n" in shown for line in EXAMPLES[path])


@pytest.mark.parametrize("group", ["", "project", "gold", "doccano", "corpus", "base"])
def test_help_pages_come_without_arguments_and_are_no_failure(group: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(group.split()) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("Usage: ")
    assert shown.err == ""


def test_help_pages_a_command_without_its_arguments_is_bad_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate"]) == 2
    assert capsys.readouterr().out == ""


def test_help_pages_complete_commands_in_a_shell() -> None:
    asked = {"_BIAOZHU_COMPLETE": "complete_bash", "COMP_WORDS": "biaozhu pre", "COMP_CWORD": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "biaozhu"], env=os.environ | asked, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["preannotate", "predict"] or set(done.stdout.split()) == {
        "preannotate",
        "predict",
    }


@pytest.mark.parametrize(
    "line", ["run ''", "evaluate --gold '' --layer x", "train configs/ner.cfg --gold '' -o m", "compare a= b --gold g"]
)
def test_help_pages_commands_take_no_empty_path(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    # A regression test: pathlib takes it for the folder that one is in.
    assert run(shlex.split(line)) == 2
    assert capsys.readouterr().err.startswith("BZ002 ")
