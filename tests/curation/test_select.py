from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biaozhu.cli import run
from biaozhu.curation.select import select_sentences
from biaozhu.data.errors import UsageError
from biaozhu.data.layers import write_layer
from biaozhu.data.model import Sentence, Span

if TYPE_CHECKING:
    from pathlib import Path

scores = st.lists(st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=3), min_size=1, max_size=40)


def _layer(drawn: list[list[float | None]]) -> list[Sentence]:
    return [
        Sentence(
            f"{number:012x}",
            0,
            6,
            "甲乙丙丁戊己",
            tuple(Span(at * 2, at * 2 + 1, "PLACE", "x", score) for at, score in enumerate(one)),
        )
        for number, one in enumerate(drawn)
    ]


def _surety(sentence: Sentence) -> float | None:
    return min((span.score for span in sentence.spans if span.score is not None), default=None)


@given(scores, st.integers(1, 50))
def test_select_takes_the_least_sure(drawn: list[list[float | None]], count: int) -> None:
    layer = _layer(drawn)
    chosen = select_sentences(layer, count, share=0)
    scored = [_surety(one) for one in layer if _surety(one) is not None]
    assert len(chosen) == min(count, len(scored))
    assert sorted(_surety(one) for one in chosen) == sorted(scored)[: len(chosen)]
    assert set(chosen) <= set(layer)


@given(scores, st.integers(1, 50), st.floats(0, 1), st.randoms())
def test_select_depends_on_no_order(
    drawn: list[list[float | None]], count: int, share: float, random: object
) -> None:
    layer = _layer(drawn)
    chosen = select_sentences(layer, count, share=share)
    assert len({one.id for one in chosen}) == len(chosen) <= count
    shuffled = layer[:]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert select_sentences(shuffled, count, share=share) == chosen
    if share == 1:
        assert len(chosen) == min(count, len(layer))


def test_select_refuses_what_makes_no_sense() -> None:
    with pytest.raises(UsageError):
        select_sentences([], 0)
    with pytest.raises(UsageError):
        select_sentences([], 5, share=1.5)


def test_select_command_writes_a_layer(tmp_path: Path) -> None:
    layer = _layer([[0.9], [0.2, 0.8], [], [0.5]])
    write_layer(tmp_path / "layer.jsonl", layer)
    output = tmp_path / "chosen.jsonl"
    command = ["select", str(tmp_path / "layer.jsonl"), "-n", "2", "--random", "0", "-o", str(output)]
    assert run(command) == 0
    # The name of version 0.1 still works, but --help does not show it.
    assert run(["worth", *command[1:]]) == 0
    found = [json.loads(line)["id"] for line in output.read_text(encoding="utf-8").splitlines()]
    assert found == [layer[1].id, layer[3].id]


def test_select_refuses_an_article_of_two_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    layer = _layer([[0.9], [0.2, 0.8]])
    for name, sentences in (("a", layer[:1]), ("b", layer)):
        write_layer(tmp_path / f"{name}.jsonl", sentences)
    first, second, output = (str(tmp_path / f"{name}.jsonl") for name in ("a", "b", "out"))
    for other in (second, first):
        assert run(["select", first, other, "-n", "5", "-o", output]) == 2
        assert capsys.readouterr().err.startswith(f"BZ017 {other}: ")
        assert not (tmp_path / "out.jsonl").exists()


def test_select_writes_no_empty_layer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_layer(tmp_path / "layer.jsonl", _layer([[None], [], [None, None]]))
    command = ["select", str(tmp_path / "layer.jsonl"), "-n", "2", "-o", str(tmp_path / "out.jsonl")]
    assert run(command) == 2
    assert capsys.readouterr().err.startswith("BZ002 ")
    assert not (tmp_path / "out.jsonl").exists()
    assert run([*command, "--random", "1"]) == 0
