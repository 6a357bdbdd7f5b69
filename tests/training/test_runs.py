"""Several seeds, scores on what training did not see, and going on after a kill."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from training_material import invented_gold, small_project

from biaozhu.annotators.trained import load_trained
from biaozhu.cli import run
from biaozhu.data.errors import TrainingError, UsageError, WriteError
from biaozhu.data.layers import write_layer
from biaozhu.data.ledger import Entry
from biaozhu.training import seed_runs as module
from biaozhu.training.seed_runs import train_seeds
from biaozhu.training.train import train

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path) -> tuple[Path, Path]:
    config, _ = small_project(tmp_path)
    other = tmp_path / "other.jsonl"
    write_layer(other, invented_gold(30, article="b" * 12)[25:])
    return config, other


def test_runs_train_each_seed_and_the_card_tells_all(project: tuple[Path, Path], tmp_path: Path) -> None:
    config, other = project
    told: list[tuple[int, bool]] = []
    entries, runs = train_seeds(
        config, tmp_path / "model", seeds=3, scored=[other], on_seed=lambda *one: told.append(one)
    )
    assert entries == ()
    assert told == [(1, False), (2, False), (3, False)]
    assert [one.seed for one in runs] == [1, 2, 3]
    # A convex problem has one solution: the seed must not change it.
    assert runs[0].scores == runs[1].scores
    assert list(runs[0].scores[str(other)]["ALL"]) == [1.0, pytest.approx(0.78, abs=0.2), 1.0]
    card = (tmp_path / "model" / "README.md").read_text(encoding="utf-8")
    assert "## Seeds" in card
    assert card.count("\n| mean | 1.0000 |") == 1
    assert "| standard deviation | 0.0000 |" in card
    assert "characters/s" in card
    load_trained(tmp_path / "model")
    # Nothing but the model is left.
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "gold.jsonl", "model", "other.jsonl", "small.cfg",
    ]  # fmt: skip


def test_runs_go_on_after_a_kill(project: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config, other = project
    trained: list[int] = []

    def killed(*args: object, **kwargs: dict[str, int]) -> object:
        if len(trained) == 1:
            raise KeyboardInterrupt
        trained.append(kwargs["overrides"]["system.seed"])
        return train(*args, **kwargs)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr(module, "train", killed)
    with pytest.raises(KeyboardInterrupt):
        train_seeds(config, tmp_path / "model", seeds=2, scored=[other])
    assert not (tmp_path / "model").exists()
    monkeypatch.undo()
    told: list[tuple[int, bool]] = []
    _, runs = train_seeds(config, tmp_path / "model", seeds=2, scored=[other], on_seed=lambda *one: told.append(one))
    assert told == [(1, True), (2, False)]
    assert len(runs) == 2
    assert (tmp_path / "model" / "meta.json").is_file()


def test_runs_killed_at_the_end_go_on(
    project: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, other = project

    move = module._move  # noqa: SLF001 — the moment after it is what matters

    def killed(model: Path, output: Path) -> None:
        move(model, output)
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "_move", killed)
    with pytest.raises(KeyboardInterrupt):
        train_seeds(config, tmp_path / "model", seeds=2, scored=[other])
    monkeypatch.undo()
    told: list[tuple[int, bool]] = []
    train_seeds(config, tmp_path / "model", seeds=2, scored=[other], on_seed=lambda *one: told.append(one))
    assert told == [(1, False), (2, True)]
    load_trained(tmp_path / "model")


def test_runs_that_were_there_still_tell_what_was_lost(
    project: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, other = project
    lost = Entry("train", "loss", "not on the borders of tokens", "a:0-1", 0, 1, "PLACE", "甲")

    def trained(*args: object, **kwargs: object) -> object:
        return replace(train(*args, **kwargs), entries=(lost,))  # type: ignore[arg-type]  # passed on as it came

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "train", trained)
    monkeypatch.setattr(module, "_move", killed)
    with pytest.raises(KeyboardInterrupt):
        train_seeds(config, tmp_path / "model", seeds=1, scored=[other])
    monkeypatch.undo()
    entries, _ = train_seeds(config, tmp_path / "model", seeds=1, scored=[other])
    assert entries == (lost,)


def test_runs_train_again_where_the_data_are_others(project: tuple[Path, Path], tmp_path: Path) -> None:
    config, other = project
    train_seeds(config, tmp_path / "model", seeds=1, scored=[other])
    write_layer(tmp_path / "gold.jsonl", invented_gold(20))
    told: list[tuple[int, bool]] = []
    train_seeds(config, tmp_path / "model", seeds=1, scored=[other], on_seed=lambda *one: told.append(one))
    assert told == [(1, False)]


def test_runs_refuse_what_makes_no_sense(project: tuple[Path, Path], tmp_path: Path) -> None:
    config, other = project
    with pytest.raises(UsageError, match="trained on"):
        train_seeds(config, tmp_path / "model", seeds=1, scored=[tmp_path / "gold.jsonl"])
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("[system]\nseed = 1\n", "[system]\n").replace("${system.seed}", "1"))
    with pytest.raises(TrainingError, match=r"system\.seed"):
        train_seeds(config, tmp_path / "model", seeds=1, scored=[other])
    config.write_text(text, encoding="utf-8")
    (tmp_path / "model").mkdir()
    with pytest.raises(WriteError, match="BZ004"):
        train_seeds(config, tmp_path / "model", seeds=1, scored=[other])


def test_train_command_takes_seeds_and_layers(
    project: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, other = project
    command = ["train", str(config), "-o", str(tmp_path / "model"), "--seeds", "2", "--score", str(other)]
    assert run([*command, "--json"]) == 0
    out, err = capsys.readouterr()
    rows = json.loads(out)
    assert {(row["seed"], row["label"]) for row in rows} >= {(1, "ALL"), (2, "PLACE")}
    assert "seed 2" in err
    # One solution, whatever the seed.
    assert "stability" in err


def test_runs_score_several_layers_also_together(project: tuple[Path, Path], tmp_path: Path) -> None:
    config, other = project
    more = tmp_path / "more.jsonl"
    write_layer(more, invented_gold(20, article="c" * 12)[15:])
    _, (one,) = train_seeds(config, tmp_path / "model", seeds=1, scored=[other, more])
    assert list(one.scores) == [str(other), str(more), module.TOTAL]
    assert one.scores[module.TOTAL].keys() == one.scores[str(other)].keys()
    assert "On all layers:" in (tmp_path / "model" / "README.md").read_text("utf-8")
