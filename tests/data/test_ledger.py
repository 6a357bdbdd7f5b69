"""The ledger: what counts as a loss, how often each reason came, and files that are no ledger."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pytest

from biaozhu.data.errors import LineError
from biaozhu.data.ledger import Entry, count_by_reason, losses, read_ledger, write_ledger

if TYPE_CHECKING:
    from pathlib import Path

LOSS = Entry("pull", "loss", "dropped", "0123456789ab:0-3", 0, 2, "PLACE", "易县")
DECISION = Entry("combine", "decision", "covered", "0123456789ab:0-3", 0, 2, "PLACE", "易县", "lac", "by places")


def test_ledger_losses_are_not_decisions() -> None:
    assert losses([LOSS, DECISION, LOSS]) == (LOSS, LOSS)


def test_ledger_counts_reasons_most_first_then_by_name() -> None:
    other = Entry("a", "loss", "cut", "", 0, 1, "", "x")
    counts = count_by_reason([other, DECISION, LOSS, LOSS])
    assert list(counts.items()) == [("pull: dropped", 2), ("a: cut", 1), ("combine: covered", 1)]


def test_ledger_reads_back_what_it_wrote_and_skips_blank_lines(tmp_path: Path) -> None:
    path = tmp_path / "x.ledger.jsonl"
    write_ledger(path, [LOSS, DECISION])
    assert path.read_text("utf-8").count("易县") == 2
    path.write_text(f"\n{path.read_text('utf-8')}  \n", "utf-8")
    assert read_ledger(path) == (LOSS, DECISION)


@pytest.mark.parametrize(
    "change",
    [
        {"severity": "guess"},
        {"start": "0"},
        {"end": None},
        {"label": 7},
        {"detail": None},
        {"more": 1},
        {"text": "\ud800"},
    ],
)
def test_ledger_line_of_another_kind_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    path = tmp_path / "x.ledger.jsonl"
    path.write_text(f"{json.dumps(asdict(LOSS))}\n{json.dumps({**asdict(LOSS), **change})}\n", "utf-8")
    with pytest.raises(LineError) as caught:
        read_ledger(path)
    assert caught.value.where == f"{path}:2"
