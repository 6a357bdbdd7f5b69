"""spaCy's own commands on our configs and models, as its users run them."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import spacy
from training_material import invented_gold, small_project

from biaozhu import __version__
from biaozhu.data.layers import write_layer
from biaozhu.formats.docbin import write_docbin
from biaozhu.training.train import train

if TYPE_CHECKING:
    from collections.abc import Callable

CONFIGS = Path(__file__).parents[2] / "configs"
TORCH = {"finetune", "transformer"}
TEXT = "去年 孙丽在雅安市卖了120元。"


def run_spacy(folder: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "spacy", *words], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    """The invented gold as a layer, and as DocBin beside it."""
    write_layer(tmp_path / "gold.jsonl", invented_gold())
    (tmp_path / "gold.spacy").write_bytes(write_docbin(invented_gold()).files[""])
    return tmp_path


@pytest.fixture
def options(gold: Path, segmenter: Path) -> Callable[[str], list[str]]:
    def of(name: str) -> list[str]:
        file = "gold.spacy" if name == "stream" else "gold.jsonl"
        found = ["--paths.train", str(gold / file), "--paths.dev", str(gold / file)]
        return [*found, *(["--paths.segmenter", str(segmenter)] if name == "pkuseg" else [])]

    return of


def skip_without_torch(name: str) -> None:
    if name in TORCH and importlib.util.find_spec("torch") is None:
        pytest.skip("needs PyTorch, which is not installed")


def test_spacy_evaluate_prints_the_scores_of_a_model(gold: Path) -> None:
    config, _ = small_project(gold)
    train(config, gold / "model")
    out = run_spacy(gold, "evaluate", "model", "gold.spacy", "--output", "scores.json")
    scores = json.loads((gold / "scores.json").read_text(encoding="utf-8"))
    assert [scores[name] for name in ("ents_p", "ents_r", "ents_f")] == [1, 1, 1]
    assert set(scores["ents_per_type"]) == {"PLACE", "PERSON", "AMOUNT"}
    assert "NER F" in out


@pytest.mark.parametrize(
    "name",
    [
        "ner",
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in ("crf", "cnn", "pkuseg", "stream", "finetune", "transformer")
        ),
    ],
)
def test_spacy_debug_config_finds_nothing_wrong(gold: Path, options: Callable[[str], list[str]], name: str) -> None:
    skip_without_torch(name)
    assert "Config is valid" in run_spacy(gold, "debug", "config", str(CONFIGS / f"{name}.cfg"), *options(name))


def test_spacy_debug_config_is_tested_on_every_config() -> None:
    marked = test_spacy_debug_config_finds_nothing_wrong.pytestmark[0].args[1]  # type: ignore[attr-defined]
    tested = {one if isinstance(one, str) else one.values[0] for one in marked}
    assert tested == {path.stem for path in CONFIGS.glob("*.cfg")} - {"base", "fast", "deep"}


# transformer.cfg needs a folder of weights: tests/nlp/test_transformer.py makes a tiny one.
@pytest.mark.slow
@pytest.mark.parametrize("name", ["ner", "crf", "cnn", "pkuseg", "stream", "finetune"])
def test_spacy_train_scores_each_config_and_its_model_loads(
    gold: Path, options: Callable[[str], list[str]], name: str
) -> None:
    skip_without_torch(name)
    steps = ["--training.max_steps", "2", "--training.eval_frequency", "1"]
    out = run_spacy(gold, "train", str(CONFIGS / f"{name}.cfg"), "--output", "made", *options(name), *steps)
    assert "ENTS_F" in out
    assert len(spacy.load(gold / "made" / "model-last")(TEXT)) > 0
    if name == "ner":
        # It starts from the pre-annotation, so its first row of scores is not 0.
        scores = spacy.load(gold / "made" / "model-best").meta["performance"]
        assert scores["ents_f"] > 0.5


@pytest.mark.slow
def test_spacy_train_learns_by_descent_what_train_solves(gold: Path, options: Callable[[str], list[str]]) -> None:
    steps = ["--training.max_steps", "60", "--training.eval_frequency", "20"]
    run_spacy(gold, "train", str(CONFIGS / "crf.cfg"), "--output", "made", *options("crf"), *steps)
    nlp = spacy.load(gold / "made" / "model-best")
    assert nlp.meta["performance"]["ents_f"] == 1
    assert [(one.text, one.label_) for one in nlp(TEXT).ents] == [
        ("孙丽", "PERSON"), ("雅安市", "PLACE"), ("120元", "AMOUNT"),
    ]  # fmt: skip


def test_spacy_package_names_what_a_model_needs(gold: Path) -> None:
    config, _ = small_project(gold)
    train(config, gold / "model")
    (gold / "packages").mkdir()
    run_spacy(gold, "package", "model", "packages", "--build", "none", "--name", "small")
    meta = json.loads(next((gold / "packages").glob("*/meta.json")).read_text(encoding="utf-8"))
    assert [one for one in meta["requirements"] if one.startswith("biaozhu")] == [
        f"biaozhu{spacy.util.get_minor_version_range(__version__)}"
    ]


def test_spacy_components_write_where_their_settings_say(gold: Path) -> None:
    config, _ = small_project(gold)
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("l2 = 0.1", 'l2 = 0.1\nspans_key = "mine"\nset_ents = false'), encoding="utf-8")
    done = train(config, gold / "model")
    doc = spacy.load(done.folder)(TEXT)
    assert doc.ents == ()
    assert list(doc.spans) == ["mine"]
    assert [one.text for one in doc.spans["mine"]] == ["孙丽", "雅安市", "120元"]
    assert all(score > 0.5 for score in doc.spans["mine"].attrs["scores"])
