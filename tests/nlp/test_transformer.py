"""configs/transformer.cfg: a BERT is loaded from a local folder in the files that it is published in, learns and is kept."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from training_material import small_project

from biaozhu.annotators.trained import load_trained
from biaozhu.cli import run
from biaozhu.data.errors import BiaozhuError
from biaozhu.data.layers import read_layer
from biaozhu.nlp.tokenizer import make_char_tokenizer
from biaozhu.nlp.torch_encoders.trainable import bert

if TYPE_CHECKING:
    from thinc.api import Model

torch = pytest.importorskip("torch")
pytest.importorskip("curated_transformers")
safetensors = pytest.importorskip("safetensors.torch")

torch.set_num_threads(1)
CONFIG = Path(__file__).parents[2] / "configs" / "transformer.cfg"
NLP = spacy.blank("zh")
CHARACTERS = make_char_tokenizer()(NLP)
WIDTH, LAYERS, PLACES = 32, 2, 24
COMMON = (
    "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定行学法所"
    "民得经十三之进着等部度家电力里如水化高自二理起小物现实加量都两体制机当使点从业本去把性好应开它合还因"
)


def write_bert(folder: Path, characters: str, *, pickled: bool = False) -> dict[str, Any]:
    """Write a folder as BERTs are published, names of arrays too; returns the arrays."""
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *sorted(set(characters))]
    folder.mkdir()
    (folder / "vocab.txt").write_text("".join(f"{one}\n" for one in pieces), encoding="utf-8")
    sizes = {
        "hidden_size": WIDTH,
        "intermediate_size": 2 * WIDTH,
        "num_attention_heads": 2,
        "num_hidden_layers": LAYERS,
        "vocab_size": len(pieces),
        "max_position_embeddings": PLACES,
        "type_vocab_size": 2,
    }
    (folder / "config.json").write_text(json.dumps({"model_type": "bert", **sizes}), encoding="utf-8")
    generator = torch.Generator().manual_seed(1)

    def draw(*shape: int) -> Any:
        return torch.randn(*shape, generator=generator) * 0.2

    arrays = {
        "embeddings.word_embeddings.weight": draw(len(pieces), WIDTH),
        "embeddings.position_embeddings.weight": draw(PLACES, WIDTH),
        "embeddings.token_type_embeddings.weight": draw(2, WIDTH),
        "pooler.dense.weight": draw(WIDTH, WIDTH),
    }
    norms = ["embeddings.LayerNorm"]
    for layer in range(LAYERS):
        place = f"encoder.layer.{layer}"
        for name, rows, columns in (
            *((f"attention.self.{one}", WIDTH, WIDTH) for one in ("query", "key", "value")),
            ("attention.output.dense", WIDTH, WIDTH),
            ("intermediate.dense", 2 * WIDTH, WIDTH),
            ("output.dense", WIDTH, 2 * WIDTH),
        ):
            arrays[f"{place}.{name}.weight"], arrays[f"{place}.{name}.bias"] = draw(rows, columns), draw(rows)
        norms += [f"{place}.attention.output.LayerNorm", f"{place}.output.LayerNorm"]
    for norm in norms:
        arrays[f"{norm}.weight"], arrays[f"{norm}.bias"] = torch.ones(WIDTH), torch.zeros(WIDTH)
    arrays = {f"bert.{name}": array for name, array in arrays.items()}
    if pickled:
        # As files from before 2019 name the norms.
        old = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
        renamed = {
            next((name.replace(now, was) for now, was in old.items() if name.endswith(now)), name): array
            for name, array in arrays.items()
        }
        torch.save(renamed, folder / "pytorch_model.bin")
    else:
        safetensors.save_file(arrays, folder / "model.safetensors")
    return arrays


@pytest.fixture(scope="module")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Model:
    folder = tmp_path_factory.mktemp("published") / "bert"
    write_bert(folder, COMMON[:100])
    model = bert(str(folder), WIDTH)
    model.initialize()
    return model


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.text(st.sampled_from("在青岛市 买了30斤ＡＢ\n𠮷é") | st.sampled_from(COMMON), max_size=60),
        max_size=4,
    )
)
def test_transformer_gives_a_row_a_code_point(layer: Model, texts: list[str]) -> None:
    rows = layer.predict([CHARACTERS(text) for text in texts])
    assert [one.shape for one in rows] == [(len(text), WIDTH) for text in texts]
    for text, one in zip(texts, rows, strict=True):
        np.testing.assert_allclose(one, layer.predict([CHARACTERS(text)])[0], atol=1e-4)


@pytest.mark.parametrize("pickled", [False, True], ids=["safetensors", "pytorch_model.bin"])
def test_transformer_computes_what_bert_is(tmp_path: Path, pickled: bool) -> None:  # noqa: FBT001 — a parameter
    arrays = write_bert(tmp_path / "bert", COMMON[:100], pickled=pickled)
    model = bert(str(tmp_path / "bert"), WIDTH)
    model.initialize()
    text = "中国人口"
    (found,) = model.predict([CHARACTERS(text)])
    pieces = (tmp_path / "bert" / "vocab.txt").read_text(encoding="utf-8").split("\n")
    known = {piece: row for row, piece in enumerate(pieces)}
    rows = [known["[CLS]"], *(known.get(one, known["[UNK]"]) for one in text), known["[SEP]"]]
    np.testing.assert_allclose(found, reference(arrays, rows)[1:-1], atol=1e-4)


def reference(arrays: dict[str, Any], rows: list[int]) -> np.ndarray:
    """BERT in NumPy, written from the paper: post-norm layers, attention of two heads, GELU."""
    erf = np.vectorize(math.erf)
    given = {name.removeprefix("bert."): array.numpy().astype(np.float64) for name, array in arrays.items()}

    def norm(x: np.ndarray, name: str) -> np.ndarray:
        scaled = (x - x.mean(axis=-1, keepdims=True)) / np.sqrt(x.var(axis=-1, keepdims=True) + 1e-12)
        return np.asarray(scaled * given[f"{name}.weight"] + given[f"{name}.bias"])

    def linear(x: np.ndarray, name: str) -> np.ndarray:
        return np.asarray(x @ given[f"{name}.weight"].T + given[f"{name}.bias"])

    table = "embeddings.{}_embeddings.weight"
    x = given[table.format("word")][rows] + given[table.format("position")][: len(rows)]
    x = norm(x + given[table.format("token_type")][0], "embeddings.LayerNorm")
    for layer in range(LAYERS):
        place = f"encoder.layer.{layer}"
        query, key, value = (
            linear(x, f"{place}.attention.self.{one}").reshape(len(rows), 2, -1).transpose(1, 0, 2)
            for one in ("query", "key", "value")
        )
        weights = np.exp(query @ key.transpose(0, 2, 1) / np.sqrt(WIDTH / 2))
        seen = (weights / weights.sum(axis=-1, keepdims=True) @ value).transpose(1, 0, 2).reshape(len(rows), -1)
        x = norm(x + linear(seen, f"{place}.attention.output.dense"), f"{place}.attention.output.LayerNorm")
        inner = linear(x, f"{place}.intermediate.dense")
        inner = inner * (1 + erf(inner / np.sqrt(2))) / 2
        x = norm(x + linear(inner, f"{place}.output.dense"), f"{place}.output.LayerNorm")
    return x


def test_transformer_config_learns_and_comes_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, gold = small_project(tmp_path)
    sentences = read_layer(gold)
    published = write_bert(tmp_path / "bert", "".join(one.text for one in sentences).replace(" ", "") + COMMON[:60])
    settings = {
        "paths.transformer": tmp_path / "bert",
        "components.ner.model.tok2vec.width": WIDTH,
        "components.ner.model.tok2vec.dropout": 0.0,
        "training.dropout": 0.0,
        "training.max_steps": 60,
        "training.optimizer.learn_rate.warmup_steps": 5,
        "training.optimizer.learn_rate.initial_rate": 0.002,
    }
    options = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    model = tmp_path / "model"
    assert run(["train", str(CONFIG), "-o", str(model), "--gold", str(gold), "--json", *options]) == 0
    (told,) = [row for row in json.loads(capsys.readouterr().out) if row["label"] == "all"]
    # A random network of width 32 learns little in so few steps; that it learns at all is what counts here.
    assert told["right"] > 0
    # Its weights are in the model: the folder that it came from is not asked for again.
    (tmp_path / "bert").rename(tmp_path / "elsewhere")
    loaded = load_trained(model)
    found = loaded([one.text for one in sentences])
    right = sum(
        len({span.key for span in one.spans} & {span.key for span in spans})
        for one, spans in zip(sentences, found, strict=True)
    )
    assert right == told["right"]
    for one, spans in zip(sentences, found, strict=True):
        assert all(0 <= span.start < span.end <= len(one.text) for span in spans)
    (layer,) = [node for node in loaded.nlp.get_pipe("ner").model.walk() if node.shims]
    arrays = layer.shims[0]._model.state_dict()  # noqa: SLF001 — thinc has no other way to it
    for name, was in (
        ("ffn.intermediate.weight", "intermediate.dense.weight"),
        ("attn_output_layernorm.bias", "attention.output.LayerNorm.bias"),
    ):
        before = published[f"bert.encoder.layer.0.{was}"]
        assert not torch.equal(arrays[f"curated_encoder.layers.0.{name}"], before)


def test_transformer_config_is_trained_by_spacy_train(tmp_path: Path) -> None:
    _, gold = small_project(tmp_path)
    write_bert(tmp_path / "bert", COMMON[:100])
    settings = {
        "paths.train": gold,
        "paths.dev": gold,
        "paths.transformer": tmp_path / "bert",
        "components.ner.model.tok2vec.width": WIDTH,
        "training.max_steps": 2,
        "training.eval_frequency": 1,
    }
    options = [word for name, value in settings.items() for word in (f"--{name}", str(value))]
    command = [sys.executable, "-m", "spacy", "train", str(CONFIG), "--output", str(tmp_path / "made"), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ENTS_F" in done.stdout
    assert len(spacy.load(tmp_path / "made" / "model-last")("去年孙丽在雅安市卖了120元。")) > 0


def harmed_config(folder: Path, **changes: Any) -> None:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | changes), encoding="utf-8")


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (lambda folder: (folder / "vocab.txt").unlink(), "vocab.txt"),
        (lambda folder: (folder / "model.safetensors").unlink(), "model.safetensors"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"\x80\x04."), "not a BERT"),
        (lambda folder: (folder / "config.json").write_text("{"), "not a BERT"),
        (lambda folder: harmed_config(folder, model_type="gpt2"), "gpt2"),
        (lambda folder: harmed_config(folder, num_hidden_layers=10**9), "num_hidden_layers is 1000000000"),
        (lambda folder: harmed_config(folder, hidden_size=64), "its width is 64, not 32"),
        (lambda folder: harmed_config(folder, vocab_size=8), "vocabulary"),
        (lambda folder: harmed_config(folder, num_hidden_layers=3), "not a BERT"),
    ],
)
def test_transformer_refuses_a_folder_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], harm: Any, says: str
) -> None:
    _, gold = small_project(tmp_path)
    write_bert(tmp_path / "bert", COMMON[:50])
    harm(tmp_path / "bert")
    options = [
        *("--set", f"paths.transformer={tmp_path / 'bert'}"),
        *("--set", f"components.ner.model.tok2vec.width={WIDTH}"),
    ]
    assert run(["train", str(CONFIG), "-o", str(tmp_path / "model"), "--gold", str(gold), *options]) == 2
    line = capsys.readouterr().err
    assert line.startswith("BZ0")
    assert line.count("\n") == 1
    assert says in line
    assert not (tmp_path / "model").exists()


def test_transformer_reads_no_other_pickle(tmp_path: Path) -> None:
    write_bert(tmp_path / "bert", COMMON[:50], pickled=True)

    class Harmful:
        def __reduce__(self) -> tuple[Any, tuple[str]]:
            return (Path.touch, (tmp_path / "touched",))  # type: ignore[return-value]

    torch.save({"bert.x": Harmful()}, tmp_path / "bert" / "pytorch_model.bin")
    with pytest.raises(BiaozhuError, match="not a BERT"):
        bert(str(tmp_path / "bert"), WIDTH).initialize()
    assert not (tmp_path / "touched").exists()
