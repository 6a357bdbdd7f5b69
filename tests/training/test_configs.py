"""The configs of the repository say nothing that the code does not know."""

from __future__ import annotations

from pathlib import Path

import pytest

from biaozhu.training.train import read_config

CONFIGS = Path(__file__).parents[2] / "configs"
RECIPES = {"base", "fast", "deep"}
NAMES = sorted({path.stem for path in CONFIGS.glob("*.cfg")} - RECIPES)


@pytest.mark.parametrize("name", NAMES)
def test_configs_of_train_are_spelt_right(name: str) -> None:
    assert read_config(CONFIGS / f"{name}.cfg")["nlp"]["pipeline"] == ["ner"]


def test_configs_of_base_build_are_spelt_right() -> None:
    pytest.importorskip("torch")
    from recipes.base.build import read_base_config  # noqa: PLC0415 — after the skip

    assert len(read_base_config(CONFIGS / "base.cfg").labels) == 3
