from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from biaozhu.cli import run
from biaozhu.commands.curation import rounds
from biaozhu.curation.loop_state import FILE, STEPS, LoopState, advance, read_loop_state, write_loop_state
from biaozhu.data.errors import LineError
from biaozhu.data.layers import read_layer, write_layer
from biaozhu.data.model import Sentence, Span

if TYPE_CHECKING:
    from pathlib import Path

BEGUN = LoopState(("pool.jsonl",), ("ann", "bo"), "ner.cfg")


def test_loop_state_goes_through_all_steps_and_begins_again(tmp_path: Path) -> None:
    assert read_loop_state(tmp_path) is None
    state = replace(BEGUN, asked=True, f1=(0.5, None))
    for step in STEPS:
        assert state.step == step
        write_loop_state(tmp_path, state)
        assert read_loop_state(tmp_path) == state
        state = advance(state)
    assert (state.round, state.step, state.asked) == (2, "select", False)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": "biaozhu.loop.v1"}'])
def test_loop_state_that_is_damaged_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content)
    with pytest.raises(LineError):
        read_loop_state(tmp_path)


def test_loop_state_of_another_version_is_refused(tmp_path: Path) -> None:
    write_loop_state(tmp_path, replace(BEGUN, format="biaozhu.loop.v9"))
    with pytest.raises(LineError):
        read_loop_state(tmp_path)


@pytest.mark.parametrize(
    "options", [[], ["--pool", "a"], ["--annotators", "a,b"], ["--pool", "a", "--annotators", "a"]]
)
def test_loop_needs_a_pool_and_two_annotators(
    tmp_path: Path, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["loop", str(tmp_path / "loop"), *options]) == 2
    assert capsys.readouterr().err.startswith("BZ002 ")
    assert not (tmp_path / "loop").exists()


@pytest.mark.parametrize(("step", "asked", "waits_at"), [("adjudicate", True, "adjudicate"), ("push", False, "pull")])
def test_loop_prints_where_it_waits_for_people_as_json(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    step: Any,
    asked: bool,  # noqa: FBT001 — pytest gives it
    waits_at: str,
) -> None:
    write_loop_state(tmp_path, replace(BEGUN, step=step))
    monkeypatch.setattr(rounds, "_take_step", lambda state, *_: replace(state, asked=asked))
    assert run(["loop", str(tmp_path), "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == {"round": 1, "step": waits_at, "f1": [], "outlook": None}


def test_loop_that_has_begun_takes_no_other_pool(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_loop_state(tmp_path, BEGUN)
    assert run(["loop", str(tmp_path), "--pool", "b"]) == 2
    assert capsys.readouterr().err.startswith("BZ002 ")
    assert read_loop_state(tmp_path) == BEGUN


def _layer(article: str, *texts: str) -> list[Sentence]:
    spans = (Span(0, 2, "PLACE", "x", 0.5),)
    return [Sentence(article * 12, 100 * at, 100 * at + len(text), text, spans) for at, text in enumerate(texts)]


@pytest.mark.parametrize(
    ("others", "chosen"),
    [
        # A regression test: all were chosen, and F1 was that of sentences that the model had learned.
        (("湖东的果园收了苹果", "河西有人来过"), ["河西有人来过"]),
        ((), ["林大有在山里种地", "明天下雨"]),
        (("湖东的果园收了苹果",), []),
    ],
)
def test_loop_selects_nothing_of_its_test(
    tmp_path: Path, others: tuple[str, ...], chosen: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    tested = _layer("a", "湖东的果园收了苹果", "林大有在山里种地", "明天下雨")
    write_layer(tmp_path / "test.jsonl", tested[:1])
    write_layer(tmp_path / "pool" / "a.jsonl", tested)
    if others:
        write_layer(tmp_path / "pool" / "b.jsonl", _layer("b", *others))
    command = ["loop", str(tmp_path / "loop"), "--pool", str(tmp_path / "pool"), "--annotators", "ann,bo"]
    # It ends at the next step, which needs a Doccano.
    assert run([*command, "--test", str(tmp_path / "test.jsonl"), "--home", str(tmp_path / "home")]) == 2
    said, path = capsys.readouterr().err, tmp_path / "loop" / "round-01" / "chosen.jsonl"
    assert [one.text for one in read_layer(path)] == chosen if chosen else not path.exists()
    assert ("BZ002 " in said) == (not chosen)
    assert ("is in the test too" in said) == (not others)
