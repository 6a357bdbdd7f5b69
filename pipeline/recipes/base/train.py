"""Training the base model: AdamW with warm-up and a cosine decay, averaged weights, a checkpoint each epoch; then calibration.

Several members that differ in nothing but the seed are trained side by side on the same sentences: LAC's states, which
take a good part of the time, are then made once for all of them.

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
from dataclasses import asdict, dataclass, replace
from operator import itemgetter
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
from recipes.base.data import IGNORED, MICRO, Batch, Example, f1_by_label, padded, plan, tagged_spans
from recipes.base.graph import BaseWeights, Head
from recipes.base.network import BaseNetwork, chain_loss, gru_layer

DEV_BATCH = 20_000
# From sharper to flatter by an eighth each.
TEMPERATURES = tuple(round(0.8 * 1.125**step, 3) for step in range(8))
MIN_SCORES = (0.0, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6)
_SMALLEST = 1e-6
# What of a run in training PyTorch knows how to keep.
STATEFUL = ("network", "average", "optimizer")


@dataclass(frozen=True, slots=True)
class Settings:
    """Training settings; see configs/base.cfg for what each does."""

    seed: int = 1
    members: int = 1
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
    blind: float = 0.0
    word_loss: float = 0.3
    auxiliary_loss: float = 0.5
    ema_decay: float = 0.999
    clip: float = 5.0
    begin: str = ""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Tags of names, words and the auxiliary corpus, code point -> row, width of the states, the LAC that learns.

    `earlier` is the model that training begins with.
    """

    tags: tuple[str, ...]
    words: tuple[str, ...]
    rows: np.ndarray
    states: int
    others: tuple[str, ...] = ()
    tuned: LacWeights | None = None
    earlier: Earlier | None = None


def build_network(settings: Settings, vocabulary: Vocabulary) -> BaseNetwork:
    """Return the network as the seed draws it."""
    torch.manual_seed(settings.seed)
    network = BaseNetwork(settings, vocabulary)
    if vocabulary.earlier is not None:
        begin_with(network, vocabulary.earlier, vocabulary.tags)
    return network


def weights_of(
    networks: Sequence[BaseNetwork], lacs: tuple[LacWeights, ...], lexicon: int = 0, temperature: float = 1.0
) -> BaseWeights:
    """Return the members' arrays as the ONNX graph wants them: after the frozen LACs and `lexicon` columns.

    All emissions are divided by the temperature.
    """
    return BaseWeights(lacs, tuple(_head(network, temperature) for network in networks), lexicon)


def _head(network: BaseNetwork, temperature: float) -> Head:
    arrays = {name: value.detach().numpy() for name, value in network.state_dict().items()}
    return Head(
        arrays["bigrams.weight"],
        (arrays["narrow.weight"].T, arrays["narrow.bias"]),
        gru_layer(arrays),
        (arrays["emit.weight"].T / temperature, arrays["emit.bias"] / temperature),
        None if network.tuned is None else network.tuned.arrays(),
    )


def scores_of(networks: Sequence[BaseNetwork], temperature: float = 1.0) -> dict[str, np.ndarray]:
    """Return the mean of the members' CRF scores: `start` and `stop` of shape (tags,), `transitions` [from, to]."""
    return {
        name: np.mean([getattr(network, name).detach().numpy() for network in networks], axis=0) / temperature
        for name in ("start", "stop", "transitions")
    }


@dataclass(slots=True)
class _Run:
    """A member in training: all that a checkpoint must hold."""

    settings: Settings
    network: BaseNetwork
    average: BaseNetwork
    optimizer: torch.optim.Optimizer
    rng: np.random.Generator
    best: dict[str, Any]
    state: dict[str, Any]


def train(
    settings: Settings,
    vocabulary: Vocabulary,
    *,
    examples: Callable[[int], Sequence[Example]],
    dev: Sequence[Example],
    folder: Path,
    watch: Callable[[dict[str, Any]], None] = lambda _: None,
) -> tuple[list[BaseNetwork], list[dict[str, Any]]]:
    """Train, or go on from `checkpoint.pt` in the folder, which must have been made with the same settings.

    `examples` gives those of an epoch (from 0), of nearly the same number each time; dev chooses the epoch; `watch` gets a
    record after each member's epoch. Returned are the members, each with the averaged weights of its best epoch, and all
    records; another checkpoint, or a loss that is not a number, raises TrainingError.
    """
    seeds = range(settings.seed, settings.seed + settings.members)
    runs = [_begin(replace(settings, seed=seed), vocabulary) for seed in seeds]
    path = folder / "checkpoint.pt"
    if path.is_file():
        _restore(runs, settings, path)
    for epoch in range(settings.epochs):
        behind = [run for run in runs if run.state["epoch"] == epoch]
        material = examples(epoch) if behind else ()
        for run in behind:
            record = _advance(run, vocabulary, material, dev)
            _save(runs, settings, path)
            watch(record)
    for run in runs:
        run.average.load_state_dict(run.best)
    history = [record for run in runs for record in run.state["history"]]
    return [run.average.eval() for run in runs], sorted(history, key=itemgetter("epoch", "seed"))


def _advance(run: _Run, vocabulary: Vocabulary, examples: Sequence[Example], dev: Sequence[Example]) -> dict[str, Any]:
    # What is drawn depends on the seed and the epoch alone: neither on other members nor on when a run was killed.
    torch.manual_seed(run.settings.seed * 1_000_003 + run.state["epoch"])
    loss = _epoch(run, vocabulary, examples)
    scores = strict_scores([run.average], vocabulary, dev)
    run.state["epoch"] += 1
    record = {"seed": run.settings.seed, "epoch": run.state["epoch"], "loss": loss, **scores}
    run.state["history"].append(record)
    if scores["micro"] > run.state["best"]:
        run.state["best"], run.best = scores["micro"], copy.deepcopy(run.average.state_dict())
    return record


def _begin(settings: Settings, vocabulary: Vocabulary) -> _Run:
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
        batch = padded([examples[index] for index in group_of], vocabulary.rows)
        rate = _rate(run.state["step"], settings.warm_up, steps)
        for group in run.optimizer.param_groups:
            group["lr"] = settings.learn_rate * rate * group["share"]
        loss = _loss(run.network, batch, settings)
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
    networks: Sequence[BaseNetwork], vocabulary: Vocabulary, examples: Sequence[Example]
) -> Iterator[tuple[Batch, np.ndarray]]:
    """Yield batches and the mean of the members' emissions, float32 of shape (time, batch, tags)."""
    for group in plan(examples, DEV_BATCH):
        batch = padded([examples[index] for index in group], vocabulary.rows)
        with torch.no_grad():
            emissions = [network(*_tensors(batch))[0].numpy() for network in networks]
        yield batch, np.mean(emissions, axis=0)


def strict_scores(
    networks: Sequence[BaseNetwork], vocabulary: Vocabulary, examples: Sequence[Example]
) -> dict[str, float]:
    """Return strict F1 of each label and `micro`, of one member or of several together."""
    chain = make_chain(vocabulary.tags, **scores_of(networks))
    gold, found = set(), set()
    for number, (batch, emissions) in enumerate(emissions_of(networks, vocabulary, examples)):
        gold |= {(number, *span) for span in gold_spans(batch, vocabulary.tags)}
        found |= {(number, *span) for span, _ in found_spans(chain, batch, emissions)}
    return f1_by_label(gold, found)


def found_spans(chain: Chain, batch: Batch, emissions: np.ndarray) -> Iterator[tuple[tuple[int, int, int, str], float]]:
    """Yield the spans that a batch's best sequences hold, as `gold_spans` has them, and their probabilities."""
    found = decode(chain, emissions, batch.lengths)
    columns = (found.sentence, found.start, found.end, found.tag, found.score)
    for sentence, start, end, tag, score in zip(*columns, strict=True):
        if chain.kinds[tag] != "O":
            yield (int(sentence), int(start), int(end), chain.kinds[tag]), float(score)


def gold_spans(batch: Batch, tags: Sequence[str]) -> set[tuple[int, int, int, str]]:
    """Return a batch's right spans: position in the batch, start, end, label."""
    return {
        (sentence, *span)
        for sentence, length in enumerate(batch.lengths.tolist())
        for span in tagged_spans(batch.tags[:length, sentence], tags)
    }


def _tensors(batch: Batch) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    return torch.from_numpy(batch.states), torch.from_numpy(batch.ids), torch.from_numpy(batch.lengths)


def _loss(network: BaseNetwork, batch: Batch, settings: Settings) -> torch.Tensor:
    emissions, second = network(*_tensors(batch))
    words, others = second[..., : network.words], second[..., network.words :]
    if not batch.ours:
        return settings.auxiliary_loss * _tagging_loss(others, batch)
    loss = chain_loss(network, emissions, torch.from_numpy(batch.tags), torch.from_numpy(batch.lengths)).mean()
    if settings.word_loss and bool((batch.words != IGNORED).any()):
        loss = loss + settings.word_loss * _tagging_loss(words, batch)
    return loss


def _tagging_loss(logits: torch.Tensor, batch: Batch) -> torch.Tensor:
    known = torch.from_numpy(batch.words)
    total = nn.functional.cross_entropy(logits.flatten(0, 1), known.flatten(), ignore_index=IGNORED, reduction="sum")
    return total / len(batch.lengths)


def _optimizer(network: BaseNetwork, settings: Settings) -> torch.optim.Optimizer:
    tuned = [] if network.tuned is None else list(network.tuned.parameters())
    known = set(map(id, tuned))
    groups: list[dict[str, Any]] = [
        {"params": [one for one in network.parameters() if id(one) not in known], "share": 1.0}
    ]
    if tuned:
        # Decay would pull what LAC knows towards nothing.
        groups.append({"params": tuned, "share": settings.encoder_lr_factor, "weight_decay": 0.0})
    return torch.optim.AdamW(groups, lr=settings.learn_rate, weight_decay=settings.decay)


def _rate(step: int, warm_up: int, steps: int) -> float:
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warm_up) / max(1, steps - warm_up))))


def _save(runs: Sequence[_Run], settings: Settings, path: Path) -> None:
    """Write a checkpoint of tensors and plain values alone, so that reading one runs nothing."""
    members = [
        {
            **{name: getattr(run, name).state_dict() for name in STATEFUL},
            "best_weights": run.best,
            "state": run.state,
            # A generator's state has integers of 128 bits, which JSON can hold.
            "rng": json.dumps(run.rng.bit_generator.state),
        }
        for run in runs
    ]
    buffer = io.BytesIO()
    torch.save({"settings": asdict(settings), "members": members}, buffer)
    write_bytes(path, buffer.getvalue())


def _restore(runs: Sequence[_Run], settings: Settings, path: Path) -> None:
    try:
        saved = torch.load(path, weights_only=True)
        same = saved["settings"] == asdict(settings)
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, TypeError) as error:
        what = f"not a checkpoint of this program ({str(error).splitlines()[0]})"
        raise TrainingError(what, where=str(path), next_step="Remove it") from None
    if not same:
        advice = "Remove it or choose another folder"
        raise TrainingError("the checkpoint was made with other settings", where=str(path), next_step=advice)
    for run, member in zip(runs, saved["members"], strict=True):
        for name in STATEFUL:
            getattr(run, name).load_state_dict(member[name])
        run.best, run.state = member["best_weights"], member["state"]
        run.rng.bit_generator.state = json.loads(member["rng"])


@dataclass(frozen=True, slots=True)
class Calibration:
    """Settings chosen on dev, and strict F1 there with them: of each label, and `micro`."""

    temperature: float
    min_score: float
    scores: dict[str, float]


def calibrate(networks: Sequence[BaseNetwork], vocabulary: Vocabulary, dev: Sequence[Example]) -> Calibration:
    """Choose the temperature by the log-loss of whether a found span is right, then the least probability by F1."""
    batches = list(emissions_of(networks, vocabulary, dev))
    gold = {(at, *span) for at, (batch, _) in enumerate(batches) for span in gold_spans(batch, vocabulary.tags)}

    def find(temperature: float) -> dict[tuple[int, int, int, int, str], float]:
        chain = make_chain(vocabulary.tags, **scores_of(networks, temperature))
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
    return Calibration(temperature, min_score, f1(min_score))
