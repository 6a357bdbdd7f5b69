from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from training_material import small_project

from biaozhu.cli import run
from biaozhu.curation.loop_state import LoopState, read_loop_state, write_loop_state
from biaozhu.data.errors import LineError
from biaozhu.data.layers import read_layer, write_layer
from biaozhu.training.curves.stopping import (
    RoundScore,
    count_round,
    describe_outlook,
    expect_gain,
    read_round,
    write_round,
)

if TYPE_CHECKING:
    from pathlib import Path

GROWING = [0.95 - 2.5 * (50 * number) ** -0.5 for number in range(1, 6)]


def _rounds(f1: list[float], *, units: int = 2000) -> list[RoundScore]:
    """Rounds of 50 sentences, of whose test spans such a share is right; what is right once stays so."""
    luck = np.random.default_rng(1).random((units, 3))
    rights = [(luck < share).sum(axis=1).tolist() for share in f1]
    return [
        RoundScore(50 * number, {str(at): (3, 3, right) for at, right in enumerate(row)})
        for number, row in enumerate(rights, start=1)
    ]


@pytest.mark.parametrize(
    ("f1", "worth", "advice"),
    [
        (GROWING, 0.005, "go on"),
        (GROWING, 0.2, "stop"),
        ([0.6, 0.7, 0.72, 0.725, 0.726], 0.02, "stop"),
        ([0.3, 0.4, 0.47], 0.005, "unknown"),
        ([], 0.005, "unknown"),
    ],
)
def test_stopping_follows_the_interval_of_the_gain(f1: list[float], worth: float, advice: str) -> None:
    outlook = expect_gain(_rounds(f1), more=50, worth=worth)
    assert outlook.advice == advice
    assert (outlook.gain is None) == (advice == "unknown") == bool(outlook.failure)
    assert asdict(outlook)["advice"] == advice
    words = {"go on": "go on", "stop": "you can stop", "unknown": "cannot be told"}
    assert words[advice] in describe_outlook(outlook)


def test_stopping_is_open_where_the_interval_holds_the_worth() -> None:
    rounds = _rounds(GROWING)
    gain = expect_gain(rounds, more=50).gain
    assert gain is not None
    assert expect_gain(rounds, more=50, worth=gain.gain).advice == "open"


def test_stopping_leaves_out_rounds_scored_on_another_test() -> None:
    rounds = _rounds([0.3, 0.4, 0.47, 0.53])
    rounds[0] = replace(rounds[0], counts={"other": (1, 1, 1)})
    assert expect_gain(rounds, more=50).advice == "unknown"


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"sentences": 1, "counts": {"a": [1, 2]}}'])
def test_stopping_refuses_a_damaged_score(tmp_path: Path, content: str) -> None:
    path = tmp_path / "score.json"
    path.write_text(content)
    with pytest.raises(LineError):
        read_round(path)
    write_round(path, _rounds([0.5], units=3)[0])
    assert read_round(path) == _rounds([0.5], units=3)[0]


def test_loop_says_after_the_fourth_round_what_another_is_worth(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, gold = small_project(tmp_path)
    folder = tmp_path / "loop"
    sentences = read_layer(gold)
    write_layer(folder / "gold" / "round-01.jsonl", sentences)
    for number, kept in enumerate((1, 2, 2), start=1):
        found = [replace(one, spans=one.spans[:kept]) for one in sentences]
        score = count_round(sentences, found, sentences=5 * number)
        assert sum(right for _, _, right in score.counts.values()) == kept * len(sentences)
        write_round(folder / f"round-{number:02}" / "score.json", score)
    state = LoopState(("pool",), ("ann", "bo"), str(config), 5, str(gold), 4, "train", f1=(0.5, 0.8, 0.8))
    write_loop_state(folder, state)
    assert run(["loop", str(folder), "--json"]) == 0
    shown = capsys.readouterr()
    told = json.loads(shown.out)
    assert (told["round"], len(told["f1"])) == (4, 4)
    assert told["outlook"]["worth"] == 0.005
    assert told["outlook"]["advice"] == "unknown"
    assert "cannot be told yet" in shown.err
    assert read_round(folder / "round-04" / "score.json").sentences == len(sentences)
    after = read_loop_state(folder)
    assert after is not None
    assert (after.round, after.step) == (5, "select")
