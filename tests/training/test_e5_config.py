"""What configs/e5.cfg may say, and how a config of the accurate model is told from one of the base model."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from pipeline.errors import ConfigError, TrainingError
from pipeline.training.e5_build import is_e5, read_e5_config

CONFIGS = Path(__file__).parents[2] / "configs"
HAS_TORCH = importlib.util.find_spec("torch") is not None
CORPUS = '[corpus]\nname = "tiny"\nlabels = ["PLACE"]\n'


@pytest.mark.parametrize(
    ("name", "accurate"), [("e5", True), ("msra_e5", True), ("base", False), ("uner", False)]
)
def test_is_e5_tells_the_configs_apart(name: str, *, accurate: bool) -> None:
    assert is_e5(CONFIGS / f"{name}.cfg") is accurate


@pytest.mark.skipif(HAS_TORCH, reason="PyTorch is here")
def test_read_e5_config_needs_pytorch() -> None:
    with pytest.raises(TrainingError, match="PyTorch"):
        read_e5_config(CONFIGS / "e5.cfg")


@pytest.mark.skipif(not HAS_TORCH, reason="no PyTorch")
@pytest.mark.parametrize(
    ("name", "labels"), [("e5", ("PLACE", "PERSON", "AMOUNT")), ("msra_e5", ("PLACE", "PERSON", "ORG"))]
)
def test_read_e5_config_reads_what_is_there(name: str, labels: tuple[str, ...]) -> None:
    config = read_e5_config(CONFIGS / f"{name}.cfg")
    assert (config.settings.layers, config.labels) == (6, labels)


@pytest.mark.skipif(not HAS_TORCH, reason="no PyTorch")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (CORPUS + "[transformer]\n", "it needs the sections"),
        (CORPUS + "[transformer]\n[augmentation]\n[more]\n", "and no other"),
        (CORPUS + "[transformer]\nlayer = 3\n[augmentation]\n", "unknown key 'layer'"),
        (CORPUS + "[transformer]\nlayers = 2.5\n[augmentation]\n", "layers must be a int"),
        ('[corpus]\nname = "tiny"\n[transformer]\n[augmentation]\n', "needs name and labels"),
    ],
    ids=["section", "more", "key", "type", "labels"],
)
def test_read_e5_config_says_what_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "x.cfg"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=said):
        read_e5_config(path)


def test_is_e5_refuses_what_is_no_config(tmp_path: Path) -> None:
    path = tmp_path / "x.cfg"
    path.write_text("[corpus\nname", encoding="utf-8")
    with pytest.raises(ConfigError, match="not a config"):
        is_e5(path)
