from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import pytest

from biaozhu.cli import run
from biaozhu.commands.articles.files import is_chinese
from biaozhu.data.layers import write_layer
from biaozhu.data.model import Sentence, Span

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "chinese"),
    [
        ("去青岛买三斤茶", True),
        ("2020-07-02 12:00", True),
        ("𠮷林的OPPO、vivo和华为Mate", True),
        ("Only a line of English, with 青岛 in it", False),
        ("東京でりんごを三つ買いました", False),
        ("Привет, мир", False),
    ],
)
def test_hints_tell_chinese_text(text: str, chinese: bool) -> None:  # noqa: FBT001 — parametrised
    assert is_chinese(text) is chinese


def test_hints_name_the_article_that_is_not_chinese(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "english.txt").write_text("The mayor visited the town on Monday.\n", "utf-8")
    (tmp_path / "chinese.txt").write_text("市长周一来到镇里。\n", "utf-8")
    assert run(["split", str(tmp_path), "-o", str(tmp_path / "out.jsonl")]) == 0
    hints = [line for line in capsys.readouterr().err.splitlines() if line.startswith("hint: ")]
    assert len(hints) == 1
    assert "english" in hints[0]


@pytest.mark.parametrize("command", ["read", "split", "table", "preannotate --model fast", "run --model fast"])
def test_hints_name_the_subfolder_that_is_not_read(
    tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("mine/a.txt", "mine/north/b.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"李明周一来到镇里。{name}\n", "utf-8")
    assert run([*command.split(), "mine"]) == 0
    hints = [line for line in capsys.readouterr().err.splitlines() if line.startswith("hint: ")]
    assert ["mine/north" in line for line in hints] == [True]


@pytest.mark.parametrize(
    "command",
    ["read mine", "split mine", "table mine", "preannotate --model fast mine", "run --model fast mine",
     "evaluate --gold g.jsonl --layer g.jsonl --article mine", "report --layer g.jsonl --article mine -o out"],
)  # fmt: skip
def test_hints_count_the_files_of_a_folder_that_are_not_read(
    tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    for name in ("a.txt", "a.docx", "b.md", "c.MD", "README.md", ".hidden", "a.jsonl", "a.ann", "LICENSE"):
        (tmp_path / "mine" / name).write_text("李明周一来到镇里。\n", "utf-8")
    assert run(["split", "mine/a.txt", "-o", "g.jsonl"]) == 0
    assert run(command.split()) == 0
    hints = [line for line in capsys.readouterr().err.splitlines() if line.startswith("hint: ")]
    assert ": 2 × .md" in hints[0]
    assert sum(map(int, re.findall(r"(\d+) × ", hints[0]))) == 5
    assert [".jsonl" in hint for hint in hints] == [True, True]


@pytest.mark.parametrize("name", ["ben #2 x", "it's", "a;b", "本 a"])
@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["new", "{}"], ["cd", "{}", "&&", "biaozhu", "run", "articles"]),
        (
            ["agree", "anna", "{}"],
            ["biaozhu", "adjudicate", "anna", "{}", "--common", "--questions", "questions.jsonl"],
        ),
        (
            ["adjudicate", "anna", "{}", "--questions", "{}.jsonl"],
            ["biaozhu", "adjudicate", "anna", "{}", "--decisions", "{}.jsonl", "-o", "annotations/gold"],
        ),
        (
            ["run", "articles", "--model", "fast", "--name", "{}"],
            [
                "biaozhu",
                "project",
                "create",
                "annotations/pre",
                "--project",
                "{}",
                "--annotators",
                "anna,ben",
                "--overlap",
                "2",
                "--blind",
                "1",
            ],
        ),
    ],
)
def test_hints_give_commands_that_can_be_pasted(
    tmp_path: Path,
    name: str,
    command: list[str],
    words: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "articles").mkdir()
    (tmp_path / "articles/a.txt").write_text("李明周一来到镇里。\n", "utf-8")
    for folder, label in (("anna", "PLACE"), (name, "PERSON")):
        write_layer(tmp_path / folder / "a.jsonl", [Sentence("1" * 12, 0, 3, "青岛市", (Span(0, 3, label),))])
    assert run([one.format(name) for one in command]) == 0
    commands = [shlex.split(one) for one in re.findall("`((?:biaozhu|cd) [^`]+)`", capsys.readouterr().err)]
    assert [one.format(name) for one in words] in commands


def test_hints_stream_reads_tables_beside_articles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # A regression test: it was said that they are not read, and they were.
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("苍溪县的林小满种了30亩。\n", "utf-8")
    (tmp_path / "in" / "b.jsonl").write_text('{"name": "b", "text": "王小明到北京市。"}\n', "utf-8")
    # Of these the system's own are not counted.
    for name in ("c.docx", "~$c.docx", "Thumbs.db", "desktop.ini"):
        (tmp_path / "in" / name).write_text("x", "utf-8")
    assert run(["preannotate", "in", "--shards", "out", "--model", "fast"]) == 0
    said = capsys.readouterr().err
    assert "not read in in, since they are not articles (.txt, .html): 1 × .docx; " in said
    assert ".jsonl" not in said
    assert "2 articles" in said
