"""The configs of the repository say nothing that the code does not know."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from biaozhu.training.train import read_config

CONFIGS = Path(__file__).parents[2] / "configs"


@pytest.mark.parametrize(
    "name",
    ["ner", "custom", "transfer", "crf", "cnn", "pkuseg", "stream", "lac_tuned", "transformer", "columns"],
)
def test_configs_of_train_are_spelt_right(name: str) -> None:
    assert read_config(CONFIGS / f"{name}.cfg")["nlp"]["pipeline"] == ["ner"]


@pytest.mark.parametrize(("name", "labels"), [("msra", 3), ("uner", 3), ("base", 3)])
def test_configs_of_base_build_are_spelt_right(name: str, labels: int) -> None:
    pytest.importorskip("torch")
    from recipes.base.build import read_config as read_base_config  # noqa: PLC0415 — after the skip

    assert len(read_base_config(CONFIGS / f"{name}.cfg").labels) == labels


def test_configs_custom_has_the_bound_of_the_base_model_that_it_starts_from() -> None:
    config = read_config(CONFIGS / "custom.cfg")
    base = json.loads((CONFIGS.parent / "models" / "base" / "config.json").read_text(encoding="utf-8"))
    assert config["components"]["ner"]["least"] == base["least"]
