"""Training the base model: AdamW with warm-up and a cosine decay, averaged weights, a checkpoint each epoch; then calibration.

Temperature: Guo et al. 2017, "On Calibration of Modern Neural Networks". All scores are divided by it, so the best
sequence stays the best one and only the probabilities of the spans change. Least probability: the best sequence also
holds spans that are more likely wrong than right, where several others share the rest; F1 is highest when they are left
out (Lipton, Elkan and Narayanaswamy 2014, "Optimal Thresholding of Classifiers to Maximize F1 Measure").
"""

from __future__ import annotations

import copy
import io
import json
import math
import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from biaozhu.annotators.network.crf_decoding import Chain, decode, make_chain
from biaozhu.annotators.network.lac_data import LacWeights
from biaozhu.data.errors import TrainingError
from biaozhu.data.files import write_bytes
from recipes.base.begin import Earlier, begin_with
from recipes.base.data import MICRO, Example, TrainingBatch, f1_by_label, pad_examples, plan, tagged_spans
from recipes.base.graph import BaseWeights
from recipes.base.network import BaseNetwork, chain_loss, gru_layer
from recipes.recipe_config import Watch

DEV_BATCH = 20_000
# From sharper to flatter by an eighth each.
TEMPERATURES = tuple(round(0.8 * 1.125**step, 3) for step in range(8))
MIN_SCORES = (0.0, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6)
_SMALLEST = 1e-6
# What of a run in training PyTorch knows how to keep.
STATEFUL = ("network", "average", "optimizer")


@dataclass(frozen=True, slots=True)
class BaseSettings:
    """Training settings; see configs/base.cfg for what each does."""

    seed: int = 1
    epochs: int = 12
    batch: int = 3000
    learn_rate: float = 2e-3
    decay: float = 0.01
    warm_up: int = 200
    dropout: float = 0.3
    unseen_bigrams: float = 0.3
    buckets: int = 65536
    bigram: int = 16
    projection_dim: int = 128
    encoder_lr_factor: float = 0.0
    lexicon: bool = False
    ema_decay: float = 0.999
    clip: float = 5.0
    begin: str = ""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Tags of names, code point -> row, width of the states, the LAC that learns, the model that training begins with."""

    tags: tuple[str, ...]
    rows: np.ndarray
    states: int
    tuned: LacWeights | None = None
    earlier: Earlier | None = None


def build_network(settings: BaseSettings, vocabulary: Vocabulary) -> BaseNetwork:
    """Return the network as the seed draws it."""
    torch.manual_seed(settings.seed)
    network = BaseNetwork(settings, vocabulary)
    if vocabulary.earlier is not None:
        advice = "Take its buckets, bigram, projection_dim, lexicon and labels"
        begin_with(network, vocabulary.earlier, vocabulary.tags, advice=advice)
    return network


def weights_of(
    network: BaseNetwork, lacs: tuple[LacWeights, ...], lexicon: int = 0, temperature: float = 1.0
) -> BaseWeights:
    """Return the network's arrays as the ONNX graph wants them: after the frozen LACs and `lexicon` columns.

    All emissions are divided by the temperature.
    """
    arrays = {name: value.detach().numpy() for name, value in network.state_dict().items()}
    return BaseWeights(
        lacs,
        arrays["bigrams.weight"],
        (arrays["narrow.weight"].T, arrays["narrow.bias"]),
        gru_layer(arrays),
        (arrays["emit.weight"].T / temperature, arrays["emit.bias"] / temperature),
        None if network.tuned is None else network.tuned.arrays(),
        lexicon,
    )


def scores_of(network: nn.Module, temperature: float = 1.0) -> dict[str, np.ndarray]:
    """Return the CRF's scores: `start` and `stop` of shape (tags,), `transitions` [from, to]."""
    return {name: getattr(network, name).detach().numpy() / temperature for name in ("start", "stop", "transitions")}


@dataclass(slots=True)
class _Run:
    """A network in training: all that a checkpoint must hold."""

    settings: BaseSettings
    network: BaseNetwork
    average: BaseNetwork
    optimizer: torch.optim.Optimizer
    rng: np.random.Generator
    best: dict[str, Any]
    state: dict[str, Any]


def train_base(
    settings: BaseSettings,
    vocabulary: Vocabulary,
    *,
    examples: Callable[[int], Sequence[Example]],
    dev: Sequence[Example],
    folder: Path,
    watch: Watch = lambda _: None,
) -> tuple[BaseNetwork, list[dict[str, Any]]]:
    """Train, or go on from `checkpoint.pt` in the folder, which must have been made with the same settings.

    `examples` gives those of an epoch (from 0), of nearly the same number each time; dev chooses the epoch; `watch` gets a
    record after each epoch. Returned are the network with the averaged weights of its best epoch, and all records; another
    checkpoint, or a loss that is not a number, raises TrainingError.
    """
    run = _begin_run(settings, vocabulary)
    path = folder / "checkpoint.pt"
    if path.is_file():
        _restore(run, path)
    for epoch in range(run.state["epoch"], settings.epochs):
        record = _advance(run, vocabulary, examples(epoch), dev)
        _save(run, path)
        watch(record)
    run.average.load_state_dict(run.best)
    return run.average.eval(), run.state["history"]


def _advance(run: _Run, vocabulary: Vocabulary, examples: Sequence[Example], dev: Sequence[Example]) -> dict[str, Any]:
    # What is drawn depends on the seed and the epoch alone, not on when a run was killed.
    torch.manual_seed(run.settings.seed * 1_000_003 + run.state["epoch"])
    loss = _epoch(run, vocabulary, examples)
    scores = strict_scores(run.average, vocabulary, dev)
    run.state["epoch"] += 1
    record = {"epoch": run.state["epoch"], "loss": loss, **scores}
    run.state["history"].append(record)
    if scores["micro"] > run.state["best"]:
        run.state["best"], run.best = scores["micro"], copy.deepcopy(run.average.state_dict())
    return record


def _begin_run(settings: BaseSettings, vocabulary: Vocabulary) -> _Run:
    network = build_network(settings, vocabulary)
    average = copy.deepcopy(network).eval()
    optimizer, rng = _optimizer(network, settings), np.random.default_rng(settings.seed)
    state = {"epoch": 0, "step": 0, "best": -1.0, "history": []}
    return _Run(settings, network, average, optimizer, rng, copy.deepcopy(average.state_dict()), state)


def _epoch(run: _Run, vocabulary: Vocabulary, examples: Sequence[Example]) -> float:
    """Train on each example once and return the mean loss of the batches."""
    settings = run.settings
    run.network.train()
    todo = plan(examples, settings.batch, run.rng)
    steps = run.state.setdefault("per_epoch", len(todo)) * settings.epochs
    total = 0.0
    for group_of in todo:
        batch = pad_examples([examples[index] for index in group_of], vocabulary.rows)
        rate = _learn_rate(run.state["step"], settings.warm_up, steps)
        for group in run.optimizer.param_groups:
            group["lr"] = settings.learn_rate * rate * group["share"]
        emissions = run.network(*_tensors(batch))
        tags, lengths = torch.from_numpy(batch.tags), torch.from_numpy(batch.lengths)
        loss = chain_loss(run.network, emissions, tags, lengths).mean()
        if not math.isfinite(loss.item()):
            raise TrainingError(f"the loss is {loss.item()} in step {run.state['step']}", next_step="Lower the rate")
        run.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(run.network.parameters(), settings.clip)
        run.optimizer.step()
        # In the first steps the average follows at once: it began with weights of no use.
        step = run.state["step"]
        decay = min(settings.ema_decay, (1 + step) / (10 + step))
        with torch.no_grad():
            for mean, value in zip(run.average.parameters(), run.network.parameters(), strict=True):
                mean.lerp_(value, 1 - decay)
        run.state["step"] += 1
        total += loss.item()
    return total / max(1, len(todo))


def emissions_of(
    network: BaseNetwork, vocabulary: Vocabulary, examples: Sequence[Example]
) -> Iterator[tuple[TrainingBatch, np.ndarray]]:
    """Yield batches and their emissions, float32 of shape (time, batch, tags)."""
    for group in plan(examples, DEV_BATCH):
        batch = pad_examples([examples[index] for index in group], vocabulary.rows)
        with torch.no_grad():
            yield batch, network(*_tensors(batch)).numpy()


def strict_scores(network: BaseNetwork, vocabulary: Vocabulary, examples: Sequence[Example]) -> dict[str, float]:
    """Return strict F1 of each label and `micro`."""
    chain = make_chain(vocabulary.tags, **scores_of(network))
    gold, found = set(), set()
    for number, (batch, emissions) in enumerate(emissions_of(network, vocabulary, examples)):
        gold |= {(number, *span) for span in gold_spans(batch, vocabulary.tags)}
        found |= {(number, *span) for span, _ in found_spans(chain, batch, emissions)}
    return f1_by_label(gold, found)


def found_spans(
    chain: Chain, batch: TrainingBatch, emissions: np.ndarray
) -> Iterator[tuple[tuple[int, int, int, str], float]]:
    """Yield the spans that a batch's best sequences hold, as `gold_spans` has them, and their probabilities."""
    found = decode(chain, emissions, batch.lengths)
    columns = (found.sentence, found.start, found.end, found.tag, found.score)
    for sentence, start, end, tag, score in zip(*columns, strict=True):
        if chain.kinds[tag] != "O":
            yield (int(sentence), int(start), int(end), chain.kinds[tag]), float(score)


def gold_spans(batch: TrainingBatch, tags: Sequence[str]) -> set[tuple[int, int, int, str]]:
    """Return a batch's right spans: position in the batch, start, end, label."""
    return {
        (sentence, *span)
        for sentence, length in enumerate(batch.lengths.tolist())
        for span in tagged_spans(batch.tags[:length, sentence], tags)
    }


def _tensors(batch: TrainingBatch) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    return torch.from_numpy(batch.states), torch.from_numpy(batch.ids), torch.from_numpy(batch.lengths)


def _optimizer(network: BaseNetwork, settings: BaseSettings) -> torch.optim.Optimizer:
    tuned = [] if network.tuned is None else list(network.tuned.parameters())
    others = [one for name, one in network.named_parameters() if not name.startswith("tuned.")]
    groups: list[dict[str, Any]] = [{"params": others, "share": 1.0}]
    if tuned:
        # Decay would pull what LAC knows towards nothing.
        groups.append({"params": tuned, "share": settings.encoder_lr_factor, "weight_decay": 0.0})
    return torch.optim.AdamW(groups, lr=settings.learn_rate, weight_decay=settings.decay)


def _learn_rate(step: int, warm_up: int, steps: int) -> float:
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warm_up) / max(1, steps - warm_up))))


def _save(run: _Run, path: Path) -> None:
    """Write a checkpoint of tensors and plain values alone, so that reading one runs nothing."""
    saved = {
        "settings": asdict(run.settings),
        **{name: getattr(run, name).state_dict() for name in STATEFUL},
        "best_weights": run.best,
        "state": run.state,
        # A generator's state has integers of 128 bits, which JSON can hold.
        "rng": json.dumps(run.rng.bit_generator.state),
    }
    buffer = io.BytesIO()
    torch.save(saved, buffer)
    write_bytes(path, buffer.getvalue())


def _restore(run: _Run, path: Path) -> None:
    try:
        saved = torch.load(path, weights_only=True)
        same = saved["settings"] == asdict(run.settings)
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, TypeError) as error:
        what = f"not a checkpoint of this program ({str(error).splitlines()[0]})"
        raise TrainingError(what, where=str(path), next_step="Remove it") from None
    if not same:
        advice = "Remove it or choose another folder"
        raise TrainingError("the checkpoint was made with other settings", where=str(path), next_step=advice)
    for name in STATEFUL:
        getattr(run, name).load_state_dict(saved[name])
    run.best, run.state = saved["best_weights"], saved["state"]
    run.rng.bit_generator.state = json.loads(saved["rng"])


@dataclass(frozen=True, slots=True)
class TemperatureFit:
    """Settings chosen on dev, and strict F1 there with them: of each label, and `micro`."""

    temperature: float
    min_score: float
    scores: dict[str, float]


def calibrate(network: BaseNetwork, vocabulary: Vocabulary, dev: Sequence[Example]) -> TemperatureFit:
    """Choose the temperature by the log-loss of whether a found span is right, then the least probability by F1."""
    batches = list(emissions_of(network, vocabulary, dev))
    gold = {(at, *span) for at, (batch, _) in enumerate(batches) for span in gold_spans(batch, vocabulary.tags)}

    def find(temperature: float) -> dict[tuple[int, int, int, int, str], float]:
        chain = make_chain(vocabulary.tags, **scores_of(network, temperature))
        cooled = ((batch, emissions / np.float32(temperature)) for batch, emissions in batches)
        return {(at, *span): score for at, one in enumerate(cooled) for span, score in found_spans(chain, *one)}

    def f1(min_score: float) -> dict[str, float]:
        return f1_by_label(gold, {span for span, score in tried[temperature].items() if score >= min_score})

    def loss(temperature: float) -> float:
        chances = [score if span in gold else 1 - score for span, score in tried[temperature].items()]
        return float(-np.log(np.maximum(chances, _SMALLEST)).mean()) if chances else 0.0

    tried = {temperature: find(temperature) for temperature in TEMPERATURES}
    temperature = min(TEMPERATURES, key=loss)
    min_score = max(MIN_SCORES, key=lambda one: f1(one)[MICRO])
    return TemperatureFit(temperature, min_score, f1(min_score))
