"""Settings under their old names: read for one version more, in configs, overrides and models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from training_material import SMALL_CONFIG

from biaozhu.data.renamed import RECIPE, rename_keys, rename_network_keys, rename_training_keys
from biaozhu.training.train import read_config

if TYPE_CHECKING:
    from pathlib import Path

OLD = SMALL_CONFIG.replace("l2 = 0.1", "penalty = 0.1\nleast = 0.4").replace(
    '"biaozhu.Crf.v1"\n',
    """"biaozhu.Crf.v1"
trust = 6.0

[components.ner.model.start]
@architectures = "biaozhu.LayerEncoder.v1"
size = "small"
layers = ["combined"]
labels = ["PLACE"]
window = 0
""",
)
OLD_CRF = {"factory": "biaozhu_crf", "longest": 2, "classes": False, "algorithm": "lbfgs", "l2": 0.5}


def test_renamed_settings_of_a_config_are_read(tmp_path: Path) -> None:
    (tmp_path / "old.cfg").write_text(OLD, encoding="utf-8")
    ner = read_config(tmp_path / "old.cfg")["components"]["ner"]
    assert (ner["l2"], ner["min_score"], ner["model"]["prior_weight"]) == (0.1, 0.4, 6.0)
    assert ner["model"]["prior"]["layers"] == ["combined"]
    assert not {"penalty", "least", "trust", "start"} & {*ner, *ner["model"]}


@pytest.mark.parametrize("text", [OLD, SMALL_CONFIG])
@pytest.mark.parametrize("key", ["penalty", "l2"])
def test_renamed_settings_of_overrides_win(tmp_path: Path, text: str, key: str) -> None:
    (tmp_path / "some.cfg").write_text(text, encoding="utf-8")
    ner = read_config(tmp_path / "some.cfg", {f"components.ner.{key}": 7})["components"]["ner"]
    assert ner["l2"] == 7
    assert "penalty" not in ner


def test_renamed_settings_of_others_stay() -> None:
    schedule = {"@schedules": "compounding.v1", "start": 1, "stop": 2, "compound": 1.1}
    config: dict[str, Any] = {
        "training": {"learn_rate": dict(schedule)},
        "components": {"ner": {"penalty": 1}},
    }
    rename_training_keys(config)
    assert config["training"]["learn_rate"] == schedule
    assert config["components"]["ner"] == {"penalty": 1}


def test_renamed_crf_has_its_ngrams_as_an_encoder() -> None:
    config = {"ner": dict(OLD_CRF)}
    rename_training_keys(config)
    assert config["ner"] == {
        "factory": "biaozhu_crf",
        "algorithm": "crfsuite",
        "l2": 0.5,
        "model": {
            "@architectures": "biaozhu.Crf.v1",
            "tok2vec": {"@architectures": "biaozhu.NgramEncoder.v1", "classes": False, "longest": 2},
        },
    }


def test_renamed_settings_of_a_network_are_read() -> None:
    config = {"least": 0.5, "training": {"rate": 0.1, "narrow": 8, "tuned": 0.2, "average": 0.9, "seed": 1}}
    rename_network_keys(config)
    assert config == {
        "min_score": 0.5,
        "training": {
            "learn_rate": 0.1, "projection_dim": 8, "encoder_lr_factor": 0.2, "ema_decay": 0.9, "seed": 1,
        },
    }  # fmt: skip
    again = {"learn_rate": 0.1}
    rename_keys(again, RECIPE)
    assert again == {"learn_rate": 0.1}
