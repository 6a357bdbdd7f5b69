"""A model's folder from a stranger: what could run code is refused before anything is loaded."""

from __future__ import annotations

import io
import json
import pickle
import shutil
from typing import TYPE_CHECKING

import pytest
import spacy
from training_material import invented_gold, small_project

from biaozhu.annotators.network.model_folder import FACTORIES, FUNCTIONS, META_KEY, SCHEMA, check_model
from biaozhu.annotators.trained import load_trained
from biaozhu.cli import run
from biaozhu.data.errors import BiaozhuError, ManyProblemsError, ModelDataError
from biaozhu.data.layers import write_layer
from biaozhu.training.train import train

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CALLED: list[str] = []


@spacy.registry.architectures("stranger.Bomb.v1")  # type: ignore[misc]
@spacy.registry.callbacks("stranger.Bomb.v1")  # type: ignore[misc]
@spacy.registry.loggers("stranger.Bomb.v1")  # type: ignore[misc]
@spacy.registry.tokenizers("stranger.Bomb.v1")  # type: ignore[misc]
def bomb() -> None:
    CALLED.append("bomb")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    config, _ = small_project(folder)
    return train(config, folder / "tiny").folder


@pytest.fixture
def model(trained: Path, tmp_path: Path) -> Path:
    return shutil.copytree(trained, tmp_path / "tiny")


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_model_folder_of_training_is_let_through(model: Path) -> None:
    check_model(model)
    assert load_trained(model).name == "tiny"


def test_model_folder_of_an_annotator_component_is_let_through(tmp_path: Path) -> None:
    nlp = spacy.blank("zh")
    nlp.add_pipe("biaozhu_amounts")
    nlp.meta[META_KEY] = {"schema": SCHEMA}
    nlp.to_disk(tmp_path / "amounts")
    ((span,),) = load_trained(tmp_path / "amounts")(["买了3斤米。"])
    assert span.key == (2, 4, "AMOUNT")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("before_creation = null", 'before_creation = {"@callbacks":"stranger.Bomb.v1"}', "@callbacks = 'stranger.Bomb.v1'"),
        ("after_pipeline_creation = null", 'after_pipeline_creation = {"@callbacks":"spacy.copy_from_base_model.v1"}', "spacy.copy_from_base_model.v1"),
        ("biaozhu.CharTokenizer.v1", "stranger.Bomb.v1", "@tokenizers = 'stranger.Bomb.v1'"),
        ("biaozhu.Crf.v1", "stranger.Bomb.v1", "@architectures = 'stranger.Bomb.v1'"),
        ("concatenate.v1", "PyTorchLSTM.v1", "@layers = 'PyTorchLSTM.v1'"),
        ('factory = "biaozhu_ner"', 'factory = "entity_ruler"', "factory = 'entity_ruler'"),
        ('factory = "biaozhu_ner"', 'source = "../elsewhere"', "factory = None"),
        ('factory = "biaozhu_ner"', 'factory = "biaozhu_ner"\nsource = "../elsewhere"', "another model, '../elsewhere'"),
        ('lang = "zh"', 'lang = "xx"', "lang = 'xx'"),
        ("window = 2", 'window = 2\nnested = [{"@callbacks":"stranger.Bomb.v1"}]', "stranger.Bomb.v1"),
        # What a variable stands for counts, not that it is one.
        ('"biaozhu.Crf.v1"', "${paths.bomb}", "stranger.Bomb.v1"),
    ],
)  # fmt: skip
def test_model_folder_with_foreign_functions_is_refused(model: Path, old: str, new: str, says: str) -> None:
    edit(model / "config.cfg", old, new)
    edit(model / "config.cfg", "[paths]", '[paths]\nbomb = "stranger.Bomb.v1"')
    with pytest.raises(ModelDataError) as caught:
        load_trained(model)
    assert says in str(caught.value)
    assert str(caught.value).startswith("BZ020 ")
    assert CALLED == []


def test_model_folder_functions_of_other_sections_are_not_called(model: Path) -> None:
    edit(model / "config.cfg", "spacy.ConsoleLogger.v1", "stranger.Bomb.v1")
    edit(model / "config.cfg", "before_update = null", 'before_update = {"@callbacks":"stranger.Bomb.v1"}')
    edit(model / "config.cfg", "after_init = null", 'after_init = {"@callbacks":"stranger.Bomb.v1"}')
    edit(model / "config.cfg", "progress_bar = false", "")
    load_trained(model)
    assert CALLED == []


def test_model_folder_allows_only_what_exists() -> None:
    nlp = spacy.blank("zh")
    assert all(nlp.has_factory(name) for name in FACTORIES)
    kinds = ((kind.removeprefix("@"), name) for kind, names in FUNCTIONS.items() for name in names)
    assert [(kind, name) for kind, name in kinds if not spacy.registry.has(kind, name)] == []


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("ner/model", lambda: pickle.dumps({"a": 1})),
        ("vocab/vectors", lambda: pickle.dumps([1], protocol=2)),
        ("tokenizer/features.pkl", lambda: pickle.dumps([1])),
        ("ner/code.py", lambda: b"print(1)"),
        ("setup.so", lambda: b"\x7fELF"),
        ("model.safetensors.bin", lambda: b"x"),
    ],
)
def test_model_folder_with_pickles_or_code_is_refused(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, make: Callable[[], bytes]
) -> None:
    (model / name).parent.mkdir(exist_ok=True)
    (model / name).write_bytes(make())
    write_layer(tmp_path / "some.jsonl", invented_gold(1))
    assert run(["predict", str(model), str(tmp_path / "some.jsonl"), "-o", str(tmp_path / "out.jsonl")]) == 2
    line = capsys.readouterr().err
    assert line.startswith(f"BZ020 {model / name}: ")
    assert line.count("\n") == 1
    assert "the model is not loaded" in line
    assert not (tmp_path / "out.jsonl").exists()


def test_model_folder_with_a_link_is_refused(model: Path) -> None:
    (model / "ner" / "cfg").unlink()
    (model / "ner" / "cfg").symlink_to("/etc/passwd")
    with pytest.raises(ModelDataError, match="a link"):
        check_model(model)


def test_model_folder_arrays_of_objects_are_not_read(model: Path) -> None:
    np = pytest.importorskip("numpy")
    buffer = io.BytesIO()
    np.save(buffer, np.array([{}], dtype=object), allow_pickle=True)
    (model / "vocab" / "vectors").write_bytes(buffer.getvalue())
    with pytest.raises(ModelDataError, match=r"does not load.*allow_pickle=False"):
        load_trained(model)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda meta: meta.pop("biaozhu"), "no model of `biaozhu train`, or one of an older version"),
        (lambda meta: meta.update(biaozhu={"schema": 1}), "a model of schema 1, this version reads 4"),
        (lambda meta: meta["biaozhu"].update(sentences=1), "not the description of a model"),
        (lambda meta: meta.update(spacy_version=">=3.0.0,<3.1.0"), "made for spaCy >=3.0.0,<3.1.0"),
    ],
)
def test_model_folder_of_another_version_is_refused_with_what_to_run(
    model: Path, change: Callable[[dict[str, object]], object], says: str
) -> None:
    meta = json.loads((model / "meta.json").read_text(encoding="utf-8"))
    change(meta)
    (model / "meta.json").write_text(json.dumps(meta), encoding="utf-8")
    with pytest.raises(BiaozhuError) as caught:
        load_trained(model)
    assert says in str(caught.value)
    assert "Train it again with `biaozhu train`." in str(caught.value)


def test_model_folder_problems_are_reported_together(model: Path) -> None:
    (model / "a.py").write_text("", encoding="utf-8")
    (model / "b.py").write_text("", encoding="utf-8")
    with pytest.raises(ManyProblemsError) as caught:
        check_model(model)
    assert len(caught.value.problems) == 2
