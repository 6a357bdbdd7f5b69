from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from training_material import SMALL_CONFIG, made_article

from biaozhu.cli import run
from biaozhu.data.errors import ConfigError, TrainingError
from biaozhu.data.layers import read_layer, write_layer
from biaozhu.data.model import Span
from biaozhu.reading.holdout import _merged, group_sentences
from biaozhu.reading.sentences import section_of
from biaozhu.training import crossval
from biaozhu.training.crossval import crossvalidate, mark_config
from biaozhu.training.train import fit, read_config

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "small.cfg"
    path.write_text(SMALL_CONFIG, encoding="utf-8")
    return path


def test_crossval_learns_nothing_from_what_it_leaves_out(tmp_path: Path, config: Path) -> None:
    article, gold = made_article(tmp_path)
    groups = group_sentences([article], gold)
    assert len(set(groups.values())) == 3
    before, _ = crossvalidate(read_config(config), gold, groups, source="x")
    # Gold of one group that is plain wrong must leave the predictions for that group as they are.
    chosen = sorted(set(groups.values()))[1]
    wrong = [
        replace(one, spans=(Span(0, 1, "PLACE"), Span(1, 3, "AMOUNT"))) if groups[one.id] == chosen else one
        for one in gold
    ]
    after, _ = crossvalidate(read_config(config), wrong, groups, source="x")
    kept = [(one, other) for one, other in zip(before, after, strict=True) if groups[one.id] == chosen]
    assert kept
    assert all(one == other for one, other in kept)
    assert before != after
    assert [one.id for one in before] == [one.id for one in gold]


def test_crossval_groups_by_section_and_by_article(tmp_path: Path) -> None:
    article, gold = made_article(tmp_path)
    groups = group_sentences([article], gold)
    sections = section_of(article, gold)
    # The headline alone is too small for a group of its own.
    assert {groups[one.id] for one in gold if sections[one.id] == 0} <= {
        groups[one.id] for one in gold if sections[one.id] == 1
    }
    other, more = made_article(tmp_path, sections=2, name="other")
    both = group_sentences([article, other], [*gold, *more])
    assert set(both.values()) == {"made", "other"}
    assert set(group_sentences([article], gold, by="article").values()) == {"made"}
    by_section = group_sentences([article, other], [*gold, *more], by="section")
    assert len(set(by_section.values())) == len(set(groups.values())) + 2
    assert {by_section[one.id] for one in gold} == set(groups.values())
    with pytest.raises(TrainingError, match=other.id):
        group_sentences([article], [*gold, *more])


def test_crossval_goes_on_with_the_folds_that_a_killed_run_left(
    tmp_path: Path, config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, gold = made_article(tmp_path)
    write_layer(tmp_path / "gold.jsonl", gold)
    whole, layer, trained = tmp_path / "whole.jsonl", tmp_path / "layer.jsonl", []
    command = ["crossval", str(config), "--gold", str(tmp_path / "gold.jsonl"), "--article", str(tmp_path / "made.txt")]
    assert run([*command, "-o", str(whole)]) == 0

    def fit_and_die(*given: object, die_at: int, **more: object) -> object:
        trained.append(given)
        if len(trained) == die_at:
            raise KeyboardInterrupt
        return fit(*given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(crossval, "fit", partial(fit_and_die, die_at=3))
    assert run([*command, "-o", str(layer)]) != 0
    assert not layer.exists()
    # With another config nothing of it counts, and neither run takes the other's folds.
    monkeypatch.setattr(crossval, "fit", partial(fit_and_die, die_at=4))
    assert run([*command, "-o", str(layer), "--set", "training.seed=7"]) != 0
    capsys.readouterr()
    monkeypatch.setattr(crossval, "fit", partial(fit_and_die, die_at=0))
    assert run([*command, "-o", str(layer)]) == 0
    assert len(trained) == 5
    assert layer.read_bytes() == whole.read_bytes()
    assert capsys.readouterr().err.count("before") == 2
    assert not list(tmp_path.glob(".*"))


@given(st.lists(st.integers(0, 6), min_size=1, max_size=40), st.integers(1, 8))
def test_crossval_groups_are_whole_sections_of_the_size_asked(sections: list[int], at_least: int) -> None:
    named = {str(place): section for place, section in enumerate(sections)}
    merged = _merged(named, at_least)
    assert set(merged) == set(named)
    of_section: dict[int, set[int]] = {}
    for key, group in merged.items():
        of_section.setdefault(named[key], set()).add(group)
    assert all(len(groups) == 1 for groups in of_section.values())
    sizes = [list(merged.values()).count(group) for group in set(merged.values())]
    assert min(sizes) >= at_least or len(sizes) == 1


def test_crossval_needs_two_groups(config: Path, tmp_path: Path) -> None:
    article, gold = made_article(tmp_path, sections=1)
    with pytest.raises(TrainingError, match="one group only"):
        crossvalidate(read_config(config), gold[:9], group_sentences([article], gold[:9]), source="x")


def test_crossval_leaves_out_stretches_of_a_single_section(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_layer(tmp_path / "gold.jsonl", made_article(tmp_path, sections=1)[1])
    given = ["--gold", str(tmp_path / "gold.jsonl"), "--article", str(tmp_path / "made.txt"), "--at-least", "2"]
    assert run(["crossval", str(config), *given, "-o", str(tmp_path / "out.jsonl")]) == 0
    said = capsys.readouterr()
    assert "made sentences 1-" in said.err
    assert "Each stretch held out" in said.out


def test_crossval_refuses_a_variable_that_names_itself(config: Path, tmp_path: Path) -> None:
    article, gold = made_article(tmp_path)
    text = config.read_text(encoding="utf-8").replace("[nlp]", "[loop]\nround = ${loop.round}\n\n[nlp]")
    config.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError):
        crossvalidate(read_config(config), gold, group_sentences([article], gold), source="x")


def test_crossval_command_writes_a_layer_that_train_puts_on_the_card(
    tmp_path: Path, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, gold = made_article(tmp_path)
    write_layer(tmp_path / "gold.jsonl", gold)
    common = ["--gold", str(tmp_path / "gold.jsonl")]
    layer = tmp_path / "layer.jsonl"
    article = ["--article", str(tmp_path / "made.txt")]
    assert run(["crossval", str(config), *common, *article, "-o", str(layer), "--name", "tiny", "--json"]) == 0
    rows = {row["label"]: row for row in json.loads(capsys.readouterr().out)}
    predicted = read_layer(layer)
    assert [one.id for one in predicted] == [one.id for one in gold]
    assert {span.source for one in predicted for span in one.spans} == {mark_config("tiny", read_config(config))}
    assert all(span.score is not None for one in predicted for span in one.spans)
    assert rows["all"]["there"] == sum(len(one.spans) for one in gold)
    assert rows["all"]["found"] == sum(len(one.spans) for one in predicted)
    held = ["--held-out", str(layer)]
    assert run(["train", str(config), *common, *held, "-o", str(tmp_path / "model")]) == 0
    # A regression test: the scores that were shown were those of the training data.
    assert f"{rows['all']['recall']:.4f}" in capsys.readouterr().out
    card = (tmp_path / "model" / "README.md").read_text(encoding="utf-8")
    assert f"| all | {rows['all']['precision']:.4f} | {rows['all']['recall']:.4f} |" in card
    assert "Held-out" in card
    # A regression test: the card showed the held-out scores of another config as its own.
    for setting, status in (("training.seed=7", 0), ("components.ner.iterations=9", 2)):
        capsys.readouterr()
        assert run(["train", str(config), *common, *held, "-o", str(tmp_path / "model"), "--set", setting]) == status
        assert ("BZ002" in capsys.readouterr().err) is bool(status)
    write_layer(layer, predicted[1:])
    assert run(["train", str(config), *common, *held, "-o", str(tmp_path / "model")]) == 2
    assert "have no prediction" in capsys.readouterr().err
