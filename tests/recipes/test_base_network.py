"""The network in PyTorch, where PyTorch is installed: parity with ONNX, the CRF's loss, training and going on."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from base_models import lac_states, random_weights

from biaozhu.annotators.network.base import load_base
from biaozhu.annotators.network.char_rows import rows_of
from biaozhu.annotators.network.crf_decoding import flat_chain
from biaozhu.annotators.network.lac_data import HIDDEN
from biaozhu.annotators.network.runtime import make_session
from biaozhu.data.errors import TrainingError
from biaozhu.data.model import Span
from recipes.base.data import Example, name_tags
from recipes.base.export import export_base
from recipes.base.graph import build_base_graph
from recipes.corpora.corpus_store import make_part, write_corpus

if TYPE_CHECKING:
    from pathlib import Path

torch = pytest.importorskip("torch")
from recipes.base.begin import read_earlier_base  # noqa: E402 — only where PyTorch is
from recipes.base.build import build_base  # noqa: E402 — as above
from recipes.base.lac_layers import LacLayers  # noqa: E402 — as above
from recipes.base.network import chain_loss  # noqa: E402 — as above
from recipes.base.train import (  # noqa: E402 — as above
    BaseSettings,
    Vocabulary,
    build_network,
    calibrate,
    scores_of,
    strict_scores,
    train_base,
    weights_of,
)

pytestmark = pytest.mark.slow

# Matrices as small as these only wait for a second thread.
torch.set_num_threads(1)
TAGS = name_tags(["PLACE"])
DICTIONARY = ("", "", *"山河周青县村在去来好")


def vocabulary() -> Vocabulary:
    return Vocabulary(TAGS, rows_of(DICTIONARY), 4 * HIDDEN)


def small(**changes: Any) -> Any:
    return BaseSettings(
        **{"buckets": 50, "bigram": 4, "epochs": 3, "warm_up": 5, "batch": 60, "ema_decay": 0.9, **changes}
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
        # In the place of LAC's states: for each character numbers that are always the same.
        states = np.stack([np.random.default_rng(point).normal(size=4 * HIDDEN) for point in points])
        made.append(Example(points, tags, states.astype(np.float16)))
    return made


@pytest.mark.parametrize(("tuned", "lexicon"), [(False, 0), (True, 0), (True, 5)])
def test_network_and_onnx_agree(tuned: bool, lexicon: int) -> None:  # noqa: FBT001 — a parameter of the test
    large, small_one = random_weights(3).lacs
    lacs = (small_one,) if tuned else (large, small_one)
    known = replace(vocabulary(), states=4 * HIDDEN + lexicon, tuned=large if tuned else None)
    network = build_network(small(lexicon=lexicon > 0), known).eval()
    session = make_session(build_base_graph(weights_of(network, lacs, lexicon)), 1)
    ids = np.zeros((7, 3), np.int64)
    lengths = np.array([7, 3, 1])
    columns = np.random.default_rng(4).integers(0, 2, (7, 3, lexicon)).astype(np.uint8)
    states = np.zeros((7, 3, 2 * HIDDEN * len(lacs) + lexicon), np.float32)
    for column, length in enumerate(lengths):
        ids[:length, column] = np.arange(length) % 6 + 2
        shared = lac_states(lacs, ids[:length, column])
        states[:length, column] = np.concatenate([shared, columns[:length, column]], axis=1)
    inputs = {"ids": ids.astype(np.int32), "lengths": lengths.astype(np.int32)}
    if lexicon:
        inputs["lexicon"] = columns
    (found,) = session.run(["emissions"], inputs)
    with torch.no_grad():
        expected = network(torch.from_numpy(states), torch.from_numpy(ids), torch.from_numpy(lengths))
    for column, length in enumerate(lengths):
        # The network's own matrices are not of 8 bits; the graph's are.
        np.testing.assert_allclose(found[:length, column], expected.numpy()[:length, column], atol=2e-2)


@pytest.mark.parametrize("temperature", [1.0, 1.6])
def test_training_begins_with_what_an_earlier_model_says(tmp_path: Path, temperature: float) -> None:
    large, small_one = random_weights(3).lacs
    known = replace(vocabulary(), states=4 * HIDDEN, tuned=large)
    network = build_network(small(), known).eval()
    with torch.no_grad():
        network.transitions.copy_(torch.arange(9.0).reshape(3, 3))
    export_base(
        tmp_path,
        weights_of(network, (small_one,), temperature=temperature),
        scores=scores_of(network, temperature),
        tags=TAGS,
        dictionary=DICTIONARY,
        facts={"temperature": temperature},
    )
    # Its rows are the packages', all else the model's.
    other = replace(random_weights(4).lacs[0], rows=large.rows)
    earlier = read_earlier_base(str(tmp_path), other, DICTIONARY)
    again = build_network(small(seed=9), replace(known, tuned=earlier.lac, earlier=earlier)).eval()
    ids, lengths = torch.arange(2, 9)[:, None], torch.tensor([7])
    states = torch.from_numpy(np.random.default_rng(1).normal(size=(7, 1, 2 * HIDDEN))).float()
    with torch.no_grad():
        expected, found = (one(states, ids, lengths).numpy() for one in (network, again))
    # The model keeps its matrices in 8 bits.
    np.testing.assert_allclose(found, expected, atol=2e-2)
    np.testing.assert_allclose(again.transitions.detach().numpy(), np.arange(9.0).reshape(3, 3), atol=1e-5)
    with pytest.raises(TrainingError):
        read_earlier_base(str(tmp_path), None, DICTIONARY)
    with pytest.raises(TrainingError):
        read_earlier_base(str(tmp_path), other, DICTIONARY[:-1])
    with pytest.raises(TrainingError):
        build_network(small(bigram=5), replace(known, tuned=earlier.lac, earlier=earlier))
    swapped = replace(earlier, tags=earlier.tags[::-1])
    with pytest.raises(TrainingError):
        build_network(small(), replace(known, tuned=earlier.lac, earlier=swapped))


def test_lac_layers_give_back_the_arrays_that_they_were_made_of() -> None:
    weights = random_weights(5).lacs[0]
    back = LacLayers(weights, dropout=0.0).arrays()
    np.testing.assert_array_equal(back.embedding, weights.embedding)
    for layer, other in zip(back.layers, weights.layers, strict=True):
        for one, array in zip(layer, other, strict=True):
            np.testing.assert_array_equal(one, array)


@pytest.mark.parametrize(("share", "changes"), [(0.5, True), (0.0, False)])
def test_train_changes_the_lac_that_learns_as_fast_as_it_is_told(
    tmp_path: Path,
    share: float,
    changes: bool,  # noqa: FBT001 — a parameter of the test
) -> None:
    lac = replace(random_weights(3).lacs[0], rows=np.arange(len(DICTIONARY), dtype=np.int32) % 5)
    known = replace(vocabulary(), states=2 * HIDDEN, tuned=lac)
    bare = [replace(one, states=np.zeros((6, 0), np.float16)) for one in corpus(60, 1)]
    network, history = train_base(
        small(encoder_lr_factor=share, epochs=1),
        known,
        examples=lambda _: bare,
        dev=bare[:20],
        folder=tmp_path,
    )
    assert network.tuned is not None
    same = np.array_equal(network.tuned.arrays().embedding, lac.embedding)
    assert same is not changes
    assert math.isfinite(history[0]["loss"])


def test_loss_is_minus_the_log_of_the_share_of_the_gold_path() -> None:
    chain = flat_chain(TAGS)
    allowed, first = chain.transitions == 0, chain.start == 0
    network = build_network(small(), vocabulary())
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
    assert chain_loss(network, emissions, tags, lengths).mean().item() == pytest.approx(expected / 2, abs=1e-4)


def test_train_learns_and_a_killed_run_goes_on_as_if_nothing_had_been(tmp_path: Path) -> None:
    class Killed(Exception):  # noqa: N818 — stands for a signal
        pass

    def run(folder: Path, stop_after: int | None = None) -> tuple[Any, list[dict[str, Any]]]:
        def watch(record: dict[str, Any]) -> None:
            if record["epoch"] == stop_after:
                raise Killed

        return train_base(
            small(), vocabulary(), examples=lambda epoch: corpus(120, epoch),
            dev=corpus(40, 99), folder=folder, watch=watch,
        )  # fmt: skip

    whole, history = run(tmp_path / "whole")
    with pytest.raises(Killed):
        run(tmp_path / "cut", stop_after=2)
    again, history_again = run(tmp_path / "cut")
    assert history[-1]["micro"] > 0.95
    assert history_again == history
    for name, value in whole.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], value)


def test_train_reads_no_checkpoint_that_would_run_code(tmp_path: Path) -> None:
    class Harmful:
        def __reduce__(self) -> tuple[Any, tuple[str]]:
            return (exec, (f"open({str(tmp_path / 'ran')!r}, 'w')",))

    torch.save({"settings": Harmful()}, tmp_path / "checkpoint.pt")
    with pytest.raises(TrainingError, match="not a checkpoint"):
        train_base(small(epochs=1), vocabulary(), examples=lambda _: corpus(20, 1), dev=corpus(5, 2), folder=tmp_path)
    assert not (tmp_path / "ran").exists()


def test_calibrate_flattens_what_is_too_sure_and_keeps_the_best_sequence(tmp_path: Path) -> None:
    network, _ = train_base(
        small(), vocabulary(), examples=lambda epoch: corpus(60, epoch), dev=corpus(40, 9), folder=tmp_path
    )
    # A third of the gold spans are missing, so a model that is sure of all is too sure.
    dev = [replace(one, tags=one.tags * (number % 3 > 0)) for number, one in enumerate(corpus(90, 5))]
    found = calibrate(network, vocabulary(), dev)
    sure = calibrate(network, vocabulary(), corpus(90, 5))
    assert found.temperature > sure.temperature
    assert sure.scores["micro"] >= strict_scores(network, vocabulary(), corpus(90, 5))["micro"]
    weights = weights_of(network, ())
    halved = weights_of(network, (), temperature=2.0)
    np.testing.assert_allclose(halved.emit[0] * 2, weights.emit[0])


def test_train_refuses_a_checkpoint_of_other_settings(tmp_path: Path) -> None:
    def run(seed: int) -> None:
        train_base(
            small(epochs=1, seed=seed), vocabulary(), examples=lambda _: corpus(20, 1), dev=corpus(5, 2),
            folder=tmp_path,
        )  # fmt: skip

    run(1)
    with pytest.raises(TrainingError, match="other settings"):
        run(2)


def test_build_base_writes_a_model_that_annotates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A corpus of 120 lines of made-up places: enough to run every step, not to learn much.
    rng = np.random.default_rng(4)
    rows = []
    for number in range(120):
        name = "".join(rng.choice(list("山河青石水林"), 2))
        filler = "".join(rng.permutation(list("春夏秋冬风霜雨雪花草树木")))
        text = f"周青山在{name}县种{number:03}亩{filler}。"
        rows.append((text, [Span(0, 3, "PERSON"), Span(4, 7, "PLACE"), Span(8, 12, "AMOUNT")]))
    parts = {"train": make_part(rows[:102]), "dev": make_part(rows[102:108]), "test": make_part(rows[108:])}
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
        '[corpus]\nname = "tiny"\nlabels = ["PLACE","PERSON","AMOUNT"]\n'
        "[training]\nepochs = 2\nwarm_up = 2\nbatch = 300\nbuckets = 64\nema_decay = 0.5\n[augmentation]\nmarks = 0.5\n",
        encoding="utf-8",
    )
    records: list[dict[str, Any]] = []
    monkeypatch.setenv("BIAOZHU_CACHE", str(tmp_path))
    done = build_base(config, output=tmp_path / "model", seed=7, watch=records.append)
    assert [record["epoch"] for record in records] == [1, 2]
    assert done["training"]["seed"] == 7
    assert done["test"]["sentences"] == 12
    model = load_base(tmp_path / "model", threads=1)
    assert model.labels == ("PLACE", "PERSON", "AMOUNT")
    assert len(model(["周青山在曲阳县种30亩花。"])) == 1
    readme = (tmp_path / "model" / "README.md").read_text(encoding="utf-8")
    assert f"| ALL | {done['test']['scores']['ALL']['precision']:.4f} |" in readme
    assert "made up" in readme.split("## Licences")[1]
    assert not list((tmp_path / "base").glob("*/checkpoint.pt"))
