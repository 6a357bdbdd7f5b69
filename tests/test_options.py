from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest

from biaozhu.cli import run

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
