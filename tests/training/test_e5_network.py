"""The accurate model where PyTorch is installed: parity with ONNX, training, going on, and a whole tiny build."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from e5_models import HIDDEN, tiny_source

from pipeline.annotators.base import load_base
from pipeline.annotators.base_rows import rows_of
from pipeline.annotators.lac import make_session
from pipeline.cli import run as run_command
from pipeline.errors import TrainingError
from pipeline.training.base_data import Example, name_tags, padded
from pipeline.training.corpora.fetch import pfr_parts
from pipeline.training.corpora.store import write_corpus
from pipeline.training.e5_build import build_e5
from pipeline.training.e5_graph import build_e5_graph
from pipeline.training.e5_start import read_transformer

if TYPE_CHECKING:
    from pathlib import Path

torch = pytest.importorskip("torch")
from pipeline.training.base_train import Vocabulary  # noqa: E402 — only where PyTorch is
from pipeline.training.e5_export import weights_of  # noqa: E402 — as above
from pipeline.training.e5_train import Settings, build_network, train  # noqa: E402 — as above

pytestmark = pytest.mark.slow

torch.set_num_threads(1)
TAGS = name_tags(["PLACE"])


def small(**changes: Any) -> Any:
    plain = {
        "layers": 2,
        "epochs": 4,
        "batch": 60,
        "rate": 3e-3,
        "average": 0.8,
        "dropout": 0.0,
        "word_loss": 0.0,
    }
    return Settings(**{**plain, **changes})


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return read_transformer(2, places=40, source=tiny_source(tmp_path_factory.mktemp("tiny")))


@pytest.fixture(scope="module")
def vocabulary(start: Any) -> Any:
    return Vocabulary(TAGS, (), rows_of(start.dictionary), 0)


def corpus(count: int, seed: int) -> list[Example]:
    """Return sentences in which two characters before 县 or 村 are a place together with it."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        before = "".join(rng.choice(list("在去来好"), int(rng.integers(1, 4))))
        text = before + "".join(rng.choice(list("山河周青"), 2)) + str(rng.choice(["县", "村"]))
        tags = np.array([0] * len(before) + [1, 2, 2])
        points = np.array([ord(one) for one in text])
        made.append(Example(points, tags, np.full(len(text), -100), np.zeros((len(text), 0), np.float16)))
    return made


def emissions_of(network: Any, batch: Any) -> np.ndarray:
    with torch.no_grad():
        found, _ = network(*map(torch.from_numpy, (batch.states, batch.ids, batch.lengths)))
    return np.asarray(found.numpy())


def test_network_and_onnx_agree_and_neighbours_change_nothing(start: Any, vocabulary: Any) -> None:
    network = build_network(small(), vocabulary, start).eval()
    session = make_session(build_e5_graph(weights_of(network, start)), 1)
    examples = corpus(12, 5)
    batch = padded(examples, vocabulary.rows)
    inputs = {"ids": batch.ids.astype(np.int32), "lengths": batch.lengths.astype(np.int32)}
    found, states = session.run(["emissions", "states"], inputs)
    expected = emissions_of(network, batch)
    assert states.shape == (*batch.ids.shape, 256)
    for column, length in enumerate(batch.lengths):
        # 8 bits of a matrix: half a step of 127 for each number.
        np.testing.assert_allclose(found[:length, column], expected[:length, column], atol=0.03)
        alone = {
            "ids": inputs["ids"][:length, column : column + 1],
            "lengths": inputs["lengths"][column : column + 1],
        }
        (only,) = session.run(["emissions"], alone)
        np.testing.assert_allclose(only[:, 0], found[:length, column], atol=1e-5)
    assert np.abs(expected).max() > 0.1
    # Divided by a temperature, all emissions are.
    cooler = make_session(build_e5_graph(weights_of(network, start, 2.0)), 1)
    np.testing.assert_allclose(cooler.run(["emissions"], inputs)[0] * 2, found, atol=1e-5)


def test_network_takes_over_what_was_pretrained(start: Any, vocabulary: Any) -> None:
    network = build_network(small(), vocabulary, start)
    np.testing.assert_array_equal(network.embedding.weight.detach().numpy(), start.embedding)
    layer, arrays = network.layers[1], start.layers[1]
    np.testing.assert_array_equal(
        layer.attend.weight.detach().numpy()[HIDDEN : 2 * HIDDEN], arrays["key"][0].T
    )
    np.testing.assert_array_equal(layer.narrow_norm.bias.detach().numpy(), arrays["narrow_norm"][1])


def test_train_learns_and_a_killed_run_goes_on_as_if_nothing_had_been(
    tmp_path: Path, start: Any, vocabulary: Any
) -> None:
    class Killed(Exception):  # noqa: N818 — stands for a signal
        pass

    def run(folder: Path, stop_after: int | None = None) -> tuple[Any, dict[str, Any]]:
        def watch(record: dict[str, Any]) -> None:
            if record.get("epoch") == stop_after:
                raise Killed

        return train(
            small(), vocabulary, start, examples=lambda epoch: corpus(120, epoch), dev=corpus(40, 99),
            folder=folder, watch=watch,
        )  # fmt: skip

    whole, done = run(tmp_path / "whole")
    with pytest.raises(Killed):
        run(tmp_path / "cut", stop_after=2)
    again, done_again = run(tmp_path / "cut")
    assert done["history"][-1]["micro"] > 0.95
    assert (done["steps"], done["characters"]) == (done_again["steps"], done_again["characters"])
    for name, value in whole.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], value)
    with pytest.raises(TrainingError, match="other settings"):
        train(
            small(seed=2),
            vocabulary,
            start,
            examples=lambda _: corpus(20, 1),
            dev=corpus(5, 2),
            folder=tmp_path / "cut",
        )


def test_train_ends_when_its_minutes_are_over(tmp_path: Path, start: Any, vocabulary: Any) -> None:
    _, done = train(
        small(epochs=1000, minutes=0.02), vocabulary, start, examples=lambda epoch: corpus(60, epoch),
        dev=corpus(5, 99), folder=tmp_path,
    )  # fmt: skip
    assert 0 < done["steps"] < 1000 * done["per_epoch"]
    assert done["characters"] <= done["steps"] * 60


def test_build_e5_writes_a_model_that_annotates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A corpus of 60 lines of made-up places: enough to run every step, not to learn much.
    rng = np.random.default_rng(4)
    lines = []
    for _ in range(60):
        name = "".join(rng.choice(list("山河青石水林"), 2))
        filler = " ".join(f"{word}/n" for word in rng.permutation(list("春夏秋冬风霜雨雪花草树木")))
        lines.append(f"周/nr 青山/nr 在/p {name}县/ns 种/v {filler} 。/w")
    parts, _ = pfr_parts("\n".join(lines))
    facts = {
        "name": "tiny",
        "package": "none 0",
        "package_sha256": "0" * 64,
        "licence": "made up",
        "near_duplicates": {"likeness": 0.7, "left_train": {}},
    }
    write_corpus(tmp_path / "corpora" / "tiny", parts, facts)
    config = tmp_path / "tiny.cfg"
    config.write_text(
        '[corpus]\nname = "tiny"\nlabels = ["PLACE","PERSON"]\n'
        "[transformer]\nlayers = 2\nepochs = 2\nbatch = 300\naverage = 0.5\n[augmentation]\nmarks = 0.5\n",
        encoding="utf-8",
    )
    records: list[dict[str, Any]] = []
    source = tiny_source(tmp_path)
    monkeypatch.setattr("pipeline.training.e5_build.PLACES", 60)
    done = build_e5(
        config,
        output=tmp_path / "model",
        seed=7,
        corpora=tmp_path / "corpora",
        source=source,
        watch=records.append,
    )
    assert [record["epoch"] for record in records] == [1, 2]
    assert done["training"]["seed"] == 7
    assert done["test"]["sentences"] == len(parts["test"].sentences)
    model = load_base(tmp_path / "model", threads=1)
    assert model.labels == ("PLACE", "PERSON")
    assert len(model(["周青山在曲水县种花。"])) == 1
    readme = (tmp_path / "model" / "README.md").read_text(encoding="utf-8")
    assert f"`{source.package.sha256}`" in readme
    assert f"{done['done']['steps']:,} steps over {done['done']['characters']:,} characters" in readme
    assert not list((tmp_path / "e5").glob("*/checkpoint.pt"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["configs/e5.cfg", "--archive", "none.whl"], "BZ003 none.whl"),
        (["configs/base.cfg", "--archive", "none.whl"], "BZ002"),
    ],
)
def test_build_says_in_one_line_what_is_wrong(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    said: str,
) -> None:
    parts, _ = pfr_parts("\n".join(f"周/nr 在/p 青{name}县/ns 。/w" for name in "甲乙丙丁戊己庚辛壬癸"))
    facts = {
        "name": "pfr1998", "package": "none 0", "package_sha256": "0", "licence": "made up", "near_duplicates": {},
    }  # fmt: skip
    write_corpus(tmp_path / "corpora" / "pfr1998", parts, facts)
    monkeypatch.setenv("BIAOZHU_CACHE", str(tmp_path))
    assert run_command(["base", "build", *options, "-o", str(tmp_path / "model")]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "model").exists()
