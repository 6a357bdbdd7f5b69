from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from biaozhu.cli import run
from biaozhu.curation.loop_state import FILE, STEPS, LoopState, advance, read_state, write_state
from biaozhu.data.errors import LineError

if TYPE_CHECKING:
    from pathlib import Path

BEGUN = LoopState(("pool.jsonl",), ("ann", "bo"), "ner.cfg")


def test_loop_state_goes_through_all_steps_and_begins_again(tmp_path: Path) -> None:
    assert read_state(tmp_path) is None
    state = replace(BEGUN, asked=True, f1=(0.5, None))
    for step in STEPS:
        assert state.step == step
        write_state(tmp_path, state)
        assert read_state(tmp_path) == state
        state = advance(state)
    assert (state.round, state.step, state.asked) == (2, "select", False)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": "biaozhu.loop.v1"}'])
def test_loop_state_that_is_damaged_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content)
    with pytest.raises(LineError):
        read_state(tmp_path)


def test_loop_state_of_another_version_is_refused(tmp_path: Path) -> None:
    write_state(tmp_path, replace(BEGUN, format="biaozhu.loop.v9"))
    with pytest.raises(LineError):
        read_state(tmp_path)


@pytest.mark.parametrize(
    "options", [[], ["--pool", "a"], ["--annotators", "a,b"], ["--pool", "a", "--annotators", "a"]]
)
def test_loop_needs_a_pool_and_two_annotators(
    tmp_path: Path, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["loop", str(tmp_path / "loop"), *options]) == 2
    assert capsys.readouterr().err.startswith("BZ002 ")
    assert not (tmp_path / "loop").exists()


def test_loop_that_has_begun_takes_no_other_pool(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_state(tmp_path, BEGUN)
    assert run(["loop", str(tmp_path), "--pool", "b"]) == 2
    assert capsys.readouterr().err.startswith("BZ002 ")
    assert read_state(tmp_path) == BEGUN
