"""The network in PyTorch, where PyTorch is installed: parity with ONNX, the CRF's loss, training and going on."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
import pytest

from pipeline.annotators.base_graph import HIDDEN, build_base_graph
from pipeline.annotators.base_rows import rows_of
from pipeline.errors import TrainingError
from pipeline.training.base_data import Example, name_tags, well_formed
from pipeline.training.base_start import Start

if TYPE_CHECKING:
    from pathlib import Path

torch = pytest.importorskip("torch")
from pipeline.training.base_network import BaseNetwork, Shape  # noqa: E402 — only where PyTorch is
from pipeline.training.base_train import Settings, Vocabulary, build_network, train, weights_of  # noqa: E402 — as above

pytestmark = pytest.mark.slow

# Matrices as small as these only wait for a second thread.
torch.set_num_threads(1)
TAGS = name_tags(["PLACE"])
DICTIONARY = ("", "", *"山河周青县村在去来好")


def start() -> Start:
    rng = np.random.default_rng(5)
    layers = tuple(
        tuple(
            rng.normal(0, 0.2, shape).astype(np.float32)
            for shape in ((2, 384, width), (2, 384, HIDDEN), (2, 768))
        )
        for width in (HIDDEN, 2 * HIDDEN)
    )
    return Start(DICTIONARY, rng.normal(0, 0.5, (len(DICTIONARY), HIDDEN)).astype(np.float32), layers)  # type: ignore[arg-type]


def vocabulary() -> Any:
    return Vocabulary(TAGS, (), rows_of(DICTIONARY), 1)


def small(**changes: Any) -> Any:
    return Settings(
        **{"buckets": 50, "bigram": 4, "epochs": 3, "warm_up": 5, "batch": 60, "average": 0.9, **changes}
    )


def corpus(count: int, seed: int) -> list[Example]:
    """Return sentences in which two characters before 县 or 村 are a place together with it."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        text = (
            "".join(rng.choice(list("在去来好"), 3))
            + "".join(rng.choice(list("山河周青"), 2))
            + str(rng.choice(["县", "村"]))
        )
        points = np.array([ord(one) for one in text])
        tags = np.array([0, 0, 0, 1, 2, 2])
        made.append(Example(points, tags, np.full(6, -100)))
    return made


def test_network_and_onnx_agree_and_begin_as_the_start() -> None:
    network = build_network(small(), vocabulary(), start()).eval()
    session = onnxruntime.InferenceSession(build_base_graph(weights_of(network)))
    ids = np.zeros((7, 3), np.int64)
    lengths = np.array([7, 3, 1])
    for column, length in enumerate(lengths):
        ids[:length, column] = np.arange(length) % 8 + 2
    with torch.no_grad():
        expected, _ = network(torch.from_numpy(ids), torch.from_numpy(lengths))
    (found,) = session.run(["emissions"], {"ids": ids.astype(np.int32), "lengths": lengths.astype(np.int32)})
    for column, length in enumerate(lengths):
        np.testing.assert_allclose(found[:length, column], expected.numpy()[:length, column], atol=5e-3)


def test_loss_is_minus_the_log_of_the_share_of_the_gold_path() -> None:
    allowed, first = well_formed(TAGS)
    network = BaseNetwork(Shape(5, 5, 2, 3, 1), allowed, first, dropout=0.0, unseen=0.0)
    rng = np.random.default_rng(2)
    with torch.no_grad():
        for value in (network.start, network.stop, network.transitions):
            value.copy_(torch.from_numpy(rng.normal(size=tuple(value.shape))))
    emissions = torch.from_numpy(rng.normal(size=(4, 2, 3)).astype(np.float32))
    tags = torch.tensor([[1, 0], [2, 1], [0, 0], [1, 0]])
    lengths = torch.tensor([4, 2])
    expected = 0.0
    for column, length in enumerate((4, 2)):
        scores = {}
        for path in itertools.product(range(3), repeat=length):
            if not first[path[0]] or not all(allowed[a, b] for a, b in itertools.pairwise(path)):
                continue
            score = network.start[path[0]] + network.stop[path[-1]]
            score = score + sum(emissions[at, column, tag] for at, tag in enumerate(path))
            score = score + sum(network.transitions[a, b] for a, b in itertools.pairwise(path))
            scores[path] = float(score.detach())
        gold = scores[tuple(tags[:length, column].tolist())]
        expected += math.log(sum(math.exp(score) for score in scores.values())) - gold
    assert float(network.loss(emissions, tags, lengths)) == pytest.approx(expected / 2, abs=1e-4)


def test_train_learns_and_a_killed_run_goes_on_as_if_nothing_had_been(tmp_path: Path) -> None:
    class Killed(Exception):  # noqa: N818 — stands for a signal
        pass

    def run(folder: Path, stop_after: int | None = None) -> tuple[Any, list[dict[str, Any]]]:
        def watch(record: dict[str, Any]) -> None:
            if record["epoch"] == stop_after:
                raise Killed

        return train(
            small(), vocabulary(), start(), examples=lambda epoch: corpus(120, epoch), dev=corpus(40, 99),
            folder=folder, watch=watch,
        )  # fmt: skip

    whole, history = run(tmp_path / "whole")
    with pytest.raises(Killed):
        run(tmp_path / "cut", stop_after=2)
    again, history_again = run(tmp_path / "cut")
    assert history[-1]["micro"] > 0.95
    assert history_again == history
    for name, value in whole.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], value)


def test_train_refuses_a_checkpoint_of_other_settings(tmp_path: Path) -> None:
    def run(seed: int) -> None:
        train(
            small(epochs=1, seed=seed), vocabulary(), start(), examples=lambda _: corpus(20, 1), dev=corpus(5, 2),
            folder=tmp_path,
        )  # fmt: skip

    run(1)
    with pytest.raises(TrainingError, match="other settings"):
        run(2)
