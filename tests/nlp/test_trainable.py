"""The default's transformer in PyTorch: the same as the frozen one until it is trained, and kept without pickles."""

from __future__ import annotations

import pickletools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import spacy
import srsly
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc
from training_material import invented_gold, small_project

from biaozhu.annotators.trained import load_trained
from biaozhu.data.errors import ConfigError, ModelDataError
from biaozhu.data.layers import read_layer
from biaozhu.nlp.base_encoder import STATES_SCALE, base_encoder
from biaozhu.nlp.tokenizer import make_char_tokenizer
from biaozhu.nlp.torch_encoders.trainable import trainable_deep
from biaozhu.training.train import fit, read_config, train

if TYPE_CHECKING:
    from thinc.api import Model

torch = pytest.importorskip("torch")
from biaozhu.nlp.torch_encoders.deep_layers import STATES_SCALE as DEEP_SCALE  # noqa: E402 — PyTorch is an extra
from biaozhu.nlp.torch_encoders.torch_layer import as_bytes, from_bytes  # noqa: E402 — PyTorch is an extra

torch.set_num_threads(1)
CONFIG = Path(__file__).parents[2] / "configs" / "finetune.cfg"
NLP = spacy.blank("zh")
CHARACTERS = make_char_tokenizer()(NLP)
TEXTS = ["王小明在青岛市买了30斤苹果。", "", " 他走了", "雅" * 450, "“全角”——ＡＢＣ１２３𠮷"]


@pytest.fixture(scope="module")
def layer() -> Model:
    return trainable_deep()


def network_of(layer: Model) -> Any:
    return layer.shims[0]._model  # noqa: SLF001 — thinc has no other way to it


def test_trainable_deep_begins_as_the_frozen_one(layer: Model) -> None:
    docs = [CHARACTERS(text) for text in TEXTS]
    frozen = base_encoder("deep", "states").predict(docs)
    for rows, states in zip(layer.predict(docs), frozen, strict=True):
        assert rows.dtype == np.float32
        assert len(rows) == len(states)
        # The frozen one multiplies in 8 bits.
        ours, theirs = rows / DEEP_SCALE, states[:, : rows.shape[1]] / STATES_SCALE
        assert np.square(ours - theirs).sum() <= 0.01 * np.square(theirs).sum()


@settings(max_examples=15, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), max_size=4))
def test_trainable_deep_gives_a_row_a_code_point(layer: Model, texts: list[str]) -> None:
    rows = layer.predict([CHARACTERS(text) for text in texts])
    assert [one.shape for one in rows] == [(len(text), layer.get_dim("nO")) for text in texts]
    for text, one in zip(texts, rows, strict=True):
        # Whatever else is in the batch.
        np.testing.assert_allclose(one, layer.predict([CHARACTERS(text)])[0], atol=1e-3)


def gradients(layer: Model, doc: Doc, given: np.ndarray) -> np.ndarray:
    network = network_of(layer)
    network.zero_grad()
    _, back = layer.begin_update([doc])
    assert back([given]) == []
    return np.asarray(network.learning[0].ask.weight.grad.numpy()).copy()


def test_trainable_deep_gives_a_word_the_mean_of_its_characters_and_they_share_its_gradient() -> None:
    layer = trainable_deep(dropout=0.0)
    words = Doc(NLP.vocab, words=["青岛市", "有", "海"], spaces=[False, True, False])
    sizes = np.array([3, 2, 1])
    characters = CHARACTERS(words.text)
    (by_word,), (by_character,) = layer.predict([words]), layer.predict([characters])
    np.testing.assert_allclose(by_word[1], by_character[3:5].mean(axis=0), atol=1e-5)
    given = np.random.default_rng(1).normal(size=by_word.shape).astype(np.float32)
    spread = np.repeat(given / sizes[:, None].astype(np.float32), sizes, axis=0)
    found = gradients(layer, words, given)
    assert np.abs(found).sum() > 0
    np.testing.assert_allclose(found, gradients(layer, characters, spread), atol=1e-4)


def test_finetune_config_learns_and_comes_back_without_pickle(tmp_path: Path) -> None:
    _, gold = small_project(tmp_path)
    sentences = read_layer(gold)
    steps: list[tuple[int, int]] = []
    overrides = {"paths.train": [str(gold)], "training.max_epochs": 3}
    done = train(CONFIG, tmp_path / "model", overrides=overrides, on_step=lambda *step: steps.append(step[:2]))
    counts = done.scores["all"]
    assert counts.gold == 75
    assert counts.correct >= 60
    # The rate ends with the epochs: the steps are known before.
    assert len(steps) == steps[0][1] < 100
    # load_trained refuses pickles that are files; within the file of the network there must be none either.
    state = srsly.msgpack_loads((tmp_path / "model" / "ner" / "model").read_bytes())
    shims = [one for node in state["shims"] for one in node]
    assert len(shims) == 1
    arrays = srsly.msgpack_loads(srsly.msgpack_loads(shims[0])["state"])
    assert {kind for kind, _, _ in arrays.values()} == {"<f4"}
    # What does not learn is not kept.
    assert not [name for name in arrays if not name.startswith("learning.")]
    spans = load_trained(tmp_path / "model")([one.text for one in sentences])
    kept = sum(
        len({span.key for span in one.spans} & {span.key for span in ours})
        for one, ours in zip(sentences, spans, strict=True)
    )
    assert kept == counts.correct


def test_finetune_changes_the_layers_that_learn_and_no_other(layer: Model) -> None:
    before = {name: one.clone() for name, one in network_of(layer).whole[0].state_dict().items()}
    config = read_config(CONFIG, {"training.max_steps": 4})
    steps: list[int] = []
    done = fit(config, invented_gold(10), on_step=lambda step, *_: steps.append(step))
    (learned,) = [node for node in done.nlp.get_pipe("ner").model.walk() if node.shims]
    assert steps == [1, 2, 3, 4]
    after = network_of(learned).whole[0].state_dict()
    changed = {".".join(name.split(".")[:2]) for name, one in after.items() if not torch.equal(one, before[name])}
    assert changed >= {"layers.6", "layers.11"}
    assert not changed & {"words.weight", "positions", "layers.0", "layers.5", "chars.weight"}


def changed(content: bytes, name: str, value: Any) -> bytes:
    return bytes(srsly.msgpack_dumps({**srsly.msgpack_loads(content), name: value}))


@pytest.mark.parametrize(
    "harm",
    [
        lambda _: b"\x80\x04.",
        lambda content: content[:-20],
        lambda content: changed(content, "weight", ["|O", [1, 1], b"\x80\x04N."]),
        lambda content: changed(content, "weight", ["<f4", [2, 2], b"\0" * 16]),
        lambda content: changed(content, "weight", ["<f4", [9], b"\0" * 16]),
        lambda content: changed(content, "weight", 3),
        lambda content: changed(content, "more", ["<f4", [1], b"\0" * 4]),
        lambda _: srsly.msgpack_dumps([1]),
    ],
)
def test_torch_layer_refuses_arrays_that_are_not_its_own(harm: Any) -> None:
    network = torch.nn.Linear(1, 1)
    content = as_bytes(network)
    with pytest.raises(ModelDataError, match="not the arrays of this network"):
        from_bytes(network, harm(content), "cpu")
    other = from_bytes(torch.nn.Linear(1, 1), content, "cpu")
    assert torch.equal(other.weight, network.weight)


def test_torch_layer_keeps_no_pickle() -> None:
    content = as_bytes(torch.nn.Linear(1, 1))
    with pytest.raises(Exception):  # noqa: B017, PT011 — whatever the reader of pickles raises: it is none
        list(pickletools.genops(content))


@pytest.mark.parametrize("wrong", [{"dropout": 1.0}, {"sha256": "0" * 64}])
def test_trainable_deep_refuses_a_dropout_of_everything_and_another_network(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        trainable_deep(**wrong)
