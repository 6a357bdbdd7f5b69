"""The tutorial, run as it stands in an empty folder; only the two annotators and the adjudicator are played."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from biaozhu.data.layers import find_layers, read_layer, write_layer

ROOT = Path(__file__).parent.parent
TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
ARTICLE = re.search(r"`(articles/\S+)`:\n\n```text\n(.*?)```", TUTORIAL, re.DOTALL)
COMMANDS = [
    line[2:]
    for block in re.findall(r"```console\n(.*?)```", TUTORIAL, re.DOTALL)
    for line in block.splitlines()
    if line.startswith("$ ")
]

ALONE = TUTORIAL.partition("\n### Alone\n")[2].partition("\n## ")[0]


def run(folder: Path, command: str) -> None:
    words = shlex.split(command)
    if words[0] == "biaozhu":
        words[:1] = [sys.executable, "-m", "biaozhu"]
    environment = {
        **os.environ,
        "BIAOZHU_DOCCANO_VENV": str(ROOT / ".venv-doccano"),
        "PYTHONPATH": str(ROOT / "pipeline"),
    }
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


def annotate(folder: Path) -> None:
    """Let anna take the pre-annotation as it is, and ben miss its first span."""
    for name in ("anna", "ben"):
        lines = list(read_layer(*find_layers([folder / "annotations/pre"])))
        if name == "ben":
            at = next(number for number, line in enumerate(lines) if line.spans)
            lines[at] = replace(lines[at], spans=lines[at].spans[1:])
        work = folder / "work" / name / "orchard.jsonl"
        write_layer(work, tuple(lines))
        run(folder, f"biaozhu project enter {work} --annotator {name} --project articles")


def decide(folder: Path) -> None:
    """Take anna's version of each disagreement."""
    path = folder / "questions.jsonl"
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert lines
    for line in lines:
        line.update(spans=line["anna"], rule="P1", note="named place")
    path.write_text("".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines), encoding="utf-8")


def test_tutorial_makes_gold_of_one_annotators_work(tmp_path: Path) -> None:
    in_doccano, by_hand = (block.splitlines() for block in re.findall(r"```bash\n(.*?)```", ALONE, re.DOTALL))
    assert ARTICLE
    (tmp_path / "articles").mkdir()
    (tmp_path / ARTICLE[1]).write_text(ARTICLE[2], encoding="utf-8")
    for command in (COMMANDS[2], *by_hand, *in_doccano[2:]):
        run(tmp_path, command)
    (gold,) = find_layers([tmp_path / "annotations/gold"])
    assert {span.source for line in read_layer(gold) for span in line.spans} == {"network>anna"}


@pytest.mark.server
@pytest.mark.slow
def test_tutorial_goes_from_an_article_to_a_report(tmp_path: Path) -> None:
    assert ARTICLE
    try:
        for command in COMMANDS:
            if command.startswith("biaozhu project pull"):
                annotate(tmp_path)
            if "--decisions" in command:
                decide(tmp_path)
            run(tmp_path, command)
            if command.startswith("mkdir"):
                (tmp_path / ARTICLE[1]).write_text(ARTICLE[2], encoding="utf-8")
    finally:
        run(tmp_path, "biaozhu doccano down")
    page = (tmp_path / "reports/articles/index.html").read_text(encoding="utf-8")
    assert "下一步" in page
    assert "anna" in page
    assert (tmp_path / "annotations/gold/MANIFEST.json").exists()
