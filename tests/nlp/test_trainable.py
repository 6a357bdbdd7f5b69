"""LAC's network in PyTorch: the same as the frozen one until it is trained, and kept without pickles."""

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
from training_material import SMALL_CONFIG, invented_gold, small_project

from biaozhu.annotators.network.lac import load_lac
from biaozhu.annotators.trained import load_trained
from biaozhu.data.errors import ConfigError, ModelDataError
from biaozhu.data.layers import read_layer
from biaozhu.nlp.encoders import STATES_SCALE, lac_encoder
from biaozhu.nlp.tokenizer import make_char_tokenizer
from biaozhu.nlp.torch_encoders.trainable import trainable_lac
from biaozhu.training.train import fit, read_config, train

if TYPE_CHECKING:
    from thinc.api import Model

torch = pytest.importorskip("torch")
from biaozhu.nlp.torch_encoders.torch_layer import as_bytes, from_bytes  # noqa: E402 — PyTorch is an extra

torch.set_num_threads(1)
CONFIG = Path(__file__).parents[2] / "configs" / "finetune.cfg"
NLP = spacy.blank("zh")
CHARACTERS = make_char_tokenizer()(NLP)
TEXTS = ["王小明在青岛市买了30斤苹果。", "", " 他走了", "雅" * 450, "“全角”——ＡＢＣ１２３𠮷"]
STATES = 256


@pytest.fixture(scope="module")
def layer() -> Model:
    return trainable_lac("large", 0.3)


def test_trainable_lac_begins_as_the_frozen_one(layer: Model) -> None:
    docs = [CHARACTERS(text) for text in TEXTS]
    found = layer.predict(docs)
    for rows, states, frozen in zip(
        found, load_lac("large").states(TEXTS), lac_encoder("large", 0).predict(docs), strict=True
    ):
        assert rows.dtype == np.float32
        np.testing.assert_allclose(rows, states[:, :STATES], atol=1e-4)
        np.testing.assert_allclose(rows, frozen[:, :STATES] / STATES_SCALE, atol=1e-4)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), max_size=4))
def test_trainable_lac_gives_a_row_a_code_point(layer: Model, texts: list[str]) -> None:
    rows = layer.predict([CHARACTERS(text) for text in texts])
    assert [one.shape for one in rows] == [(len(text), STATES) for text in texts]
    for one, states in zip(rows, load_lac("large").states(texts), strict=True):
        np.testing.assert_allclose(one, states[:, :STATES], atol=1e-4)


def gradients(layer: Model, doc: Doc, given: np.ndarray) -> np.ndarray:
    network = layer.shims[0]._model  # noqa: SLF001 — thinc has no other way to it
    network.zero_grad()
    _, back = layer.begin_update([doc])
    assert back([given]) == []
    return np.asarray(network.layers.embedding.weight.grad.numpy()).copy()


def test_trainable_lac_gives_a_word_the_mean_of_its_characters_and_they_share_its_gradient() -> None:
    layer = trainable_lac("large", 0.0)
    words = Doc(NLP.vocab, words=["青岛市", "有", "海"], spaces=[False, True, False])
    sizes = np.array([3, 2, 1])
    characters = CHARACTERS(words.text)
    (by_word,), (by_character,) = layer.predict([words]), layer.predict([characters])
    np.testing.assert_allclose(by_word[1], by_character[3:5].mean(axis=0), atol=1e-5)
    given = np.random.default_rng(1).normal(size=by_word.shape).astype(np.float32)
    spread = np.repeat(given / sizes[:, None].astype(np.float32), sizes, axis=0)
    found = gradients(layer, words, given)
    assert np.abs(found).sum() > 0
    np.testing.assert_allclose(found, gradients(layer, characters, spread), atol=1e-5)


def test_trainable_lac_config_learns_and_comes_back_without_pickle(tmp_path: Path) -> None:
    _, gold = small_project(tmp_path)
    sentences = read_layer(gold)
    rate = "training.optimizer.learn_rate"
    steps = {"training.max_steps": 40, f"{rate}.warmup_steps": 5, f"{rate}.initial_rate": 0.01}
    done = train(CONFIG, tmp_path / "model", overrides={"paths.train": [str(gold)], **steps})
    counts = done.scores["all"]
    assert counts.gold == 75
    assert counts.correct >= 60
    # load_trained refuses pickles that are files; within the file of the network there must be none either.
    state = srsly.msgpack_loads((tmp_path / "model" / "ner" / "model").read_bytes())
    shims = [one for node in state["shims"] for one in node]
    assert len(shims) == 1
    arrays = srsly.msgpack_loads(srsly.msgpack_loads(shims[0])["state"])
    assert {kind for kind, _, _ in arrays.values()} == {"<f4"}
    spans = load_trained(tmp_path / "model")([one.text for one in sentences])
    kept = sum(
        len({span.key for span in one.spans} & {span.key for span in ours})
        for one, ours in zip(sentences, spans, strict=True)
    )
    assert kept == counts.correct


def test_trainable_lac_learns_under_our_own_component_by_descent(tmp_path: Path) -> None:
    text = SMALL_CONFIG.replace('@layers = "concatenate.v1"', '@architectures = "biaozhu.TrainableLac.v1"')
    text = text[: text.index("[components.ner.model.tok2vec.*.classes]")] + text[text.index("[corpora]") :]
    (tmp_path / "own.cfg").write_text(text, encoding="utf-8")
    before = trainable_lac("large", 0.0).shims[0]._model.state_dict()["layers.ahead.0.weight_hh_l0"]  # noqa: SLF001 — as above
    config = read_config(tmp_path / "own.cfg", {"training.max_steps": 2, "training.max_epochs": 0})
    steps: list[int] = []
    done = fit(config, invented_gold(10), on_step=lambda step, *_: steps.append(step))
    (learned,) = [node for node in done.nlp.get_pipe("ner").model.walk() if node.shims]
    assert steps == [1, 2]
    assert not torch.equal(learned.shims[0]._model.state_dict()["layers.ahead.0.weight_hh_l0"], before)  # noqa: SLF001 — as above


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


def test_trainable_lac_refuses_a_dropout_of_everything() -> None:
    with pytest.raises(ConfigError, match=r"a dropout of 1\.0"):
        trainable_lac("large", 1.0)
