"""Training the base model: AdamW with warm-up and a cosine decay, averaged weights, a checkpoint each epoch."""

from __future__ import annotations

import copy
import io
import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from pipeline.annotators.base_graph import BaseWeights
from pipeline.annotators.decoding import Chain, decode, make_chain
from pipeline.errors import TrainingError
from pipeline.files import write_bytes
from pipeline.training.base_data import IGNORED, Example, batches, padded, plan, well_formed
from pipeline.training.base_network import BaseNetwork, Shape

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pipeline.annotators.base_graph import LacWeights
    from pipeline.training.base_data import Batch

DEV_BATCH = 20_000


@dataclass(frozen=True, slots=True)
class Settings:
    """How to train; see configs/base.cfg for what each does."""

    seed: int = 1
    epochs: int = 12
    batch: int = 3000
    rate: float = 2e-3
    decay: float = 0.01
    warm_up: int = 200
    dropout: float = 0.3
    unseen_bigrams: float = 0.3
    buckets: int = 65536
    bigram: int = 16
    narrow: int = 128
    word_loss: float = 0.3
    average: float = 0.999
    clip: float = 5.0


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What the network's numbers mean: tags of names, tags of words, code point -> row; and how wide LAC's states are."""

    tags: tuple[str, ...]
    words: tuple[str, ...]
    rows: np.ndarray
    states: int


def build_network(settings: Settings, vocabulary: Vocabulary) -> BaseNetwork:
    """Return the network as the seed draws it."""
    torch.manual_seed(settings.seed)
    shape = Shape(
        vocabulary.states,
        settings.narrow,
        settings.buckets,
        settings.bigram,
        len(vocabulary.tags),
        max(1, len(vocabulary.words)),
    )
    return BaseNetwork(
        shape, *well_formed(vocabulary.tags), dropout=settings.dropout, unseen=settings.unseen_bigrams
    )


def weights_of(network: BaseNetwork, lacs: tuple[LacWeights, ...]) -> BaseWeights:
    """Return the network's arrays, and LAC's before them, as the ONNX graph wants them."""
    arrays = {name: value.detach().numpy() for name, value in network.state_dict().items()}

    def both(array: str) -> np.ndarray:
        return np.stack([_to_onnx(arrays[f"{name}.{array}_l0"]) for name in ("ahead", "behind")])

    return BaseWeights(
        lacs,
        arrays["bigrams.weight"],
        (arrays["narrow.weight"].T, arrays["narrow.bias"]),
        (both("weight_ih"), both("weight_hh"), np.concatenate([both("bias_ih"), both("bias_hh")], axis=1)),
        (arrays["emit.weight"].T, arrays["emit.bias"]),
    )


def chain_of(network: BaseNetwork, tags: Sequence[str]) -> Chain:
    """Return the network's CRF for decoding."""
    start, stop, transitions = (
        getattr(network, name).detach().numpy() for name in ("start", "stop", "transitions")
    )
    return make_chain(tags, start=start, stop=stop, transitions=transitions)


@dataclass(slots=True)
class _Run:
    """A training run: all that a checkpoint must hold."""

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
) -> tuple[BaseNetwork, list[dict[str, Any]]]:
    """Train, or go on from the last checkpoint in `folder`.

    Args:
        settings: how.
        vocabulary: what the numbers mean.
        examples: epoch (from 0) -> the examples of that epoch, of nearly the same number each time.
        dev: the examples that choose the epoch.
        folder: holds `checkpoint.pt`; the settings it was made with must be the same.
        watch: called after each epoch with its record.

    Returns:
        The network with the averaged weights of the best epoch on dev, and a record of each epoch.

    Raises:
        TrainingError: the checkpoint belongs to other settings, or the loss is no number.
    """
    run = _begin(settings, build_network(settings, vocabulary))
    path = folder / "checkpoint.pt"
    if path.is_file():
        _restore(run, path)
    while run.state["epoch"] < settings.epochs:
        loss = _epoch(run, vocabulary, examples(run.state["epoch"]))
        scores = strict_scores(run.average, vocabulary, dev)
        run.state["epoch"] += 1
        record = {"epoch": run.state["epoch"], "loss": loss, **scores}
        run.state["history"].append(record)
        if scores["micro"] > run.state["best"]:
            run.state["best"], run.best = scores["micro"], copy.deepcopy(run.average.state_dict())
        _save(run, path)
        watch(record)
    run.average.load_state_dict(run.best)
    return run.average.eval(), run.state["history"]


def _begin(settings: Settings, network: BaseNetwork) -> _Run:
    average = copy.deepcopy(network).eval()
    return _Run(
        settings,
        network,
        average,
        _optimizer(network, settings),
        np.random.default_rng(settings.seed),
        copy.deepcopy(average.state_dict()),
        {"epoch": 0, "step": 0, "best": -1.0, "history": []},
    )


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
            group["lr"] = settings.rate * rate
        loss = _loss(run.network, batch, settings)
        if not math.isfinite(loss.item()):
            raise TrainingError(
                f"the loss is {loss.item()} in step {run.state['step']}", next_step="Lower the rate"
            )
        run.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(run.network.parameters(), settings.clip)
        run.optimizer.step()
        # In the first steps the average follows at once: it began with weights of no use.
        _mix(
            run.average,
            run.network,
            min(settings.average, (1 + run.state["step"]) / (10 + run.state["step"])),
        )
        run.state["step"] += 1
        total += loss.item()
    return total / max(1, len(todo))


def strict_scores(
    network: BaseNetwork, vocabulary: Vocabulary, examples: Sequence[Example]
) -> dict[str, float]:
    """Return strict F1 of each label and `micro`."""
    tags = vocabulary.tags
    chain = chain_of(network, tags)
    counts: dict[str, list[int]] = {}
    for batch in batches(examples, vocabulary.rows, DEV_BATCH):
        with torch.no_grad():
            emissions, _ = network(*_tensors(batch))
        found = decode(chain, emissions.numpy(), batch.lengths)
        predicted = {
            (int(s), int(a), int(b), chain.kinds[t])
            for s, a, b, t in zip(found.sentence, found.start, found.end, found.tag, strict=True)
            if tags[t] != "O"
        }
        gold = _gold(batch, tags)
        for name, group in (("right", predicted & gold), ("found", predicted), ("gold", gold)):
            for *_, label in group:
                counts.setdefault(label, [0, 0, 0])[("right", "found", "gold").index(name)] += 1
    counts["micro"] = [sum(column) for column in zip(*counts.values(), strict=True)] if counts else [0, 0, 0]
    return {label: 2 * right / max(1, found + gold) for label, (right, found, gold) in sorted(counts.items())}


def _gold(batch: Batch, tags: Sequence[str]) -> set[tuple[int, int, int, str]]:
    gold = set()
    for sentence, length in enumerate(batch.lengths.tolist()):
        start = -1
        column = [tags[tag] for tag in batch.tags[:length, sentence].tolist()] + ["O"]
        for position, tag in enumerate(column):
            if start >= 0 and not tag.endswith("-I"):
                gold.add((sentence, start, position, column[start][:-2]))
                start = -1
            if tag.endswith("-B"):
                start = position
    return gold


def _tensors(batch: Batch) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    return torch.from_numpy(batch.states), torch.from_numpy(batch.ids), torch.from_numpy(batch.lengths)


def _loss(network: BaseNetwork, batch: Batch, settings: Settings) -> torch.Tensor:
    emissions, words = network(*_tensors(batch))
    loss = network.loss(emissions, torch.from_numpy(batch.tags), torch.from_numpy(batch.lengths))
    known = torch.from_numpy(batch.words)
    if settings.word_loss and bool((known != IGNORED).any()):
        second = nn.functional.cross_entropy(
            words.flatten(0, 1), known.flatten(), ignore_index=IGNORED, reduction="sum"
        )
        loss = loss + settings.word_loss * second / len(batch.lengths)
    return loss


def _optimizer(network: BaseNetwork, settings: Settings) -> torch.optim.Optimizer:
    return torch.optim.AdamW(network.parameters(), lr=settings.rate, weight_decay=settings.decay)


def _rate(step: int, warm_up: int, steps: int) -> float:
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warm_up) / max(1, steps - warm_up))))


def _mix(average: BaseNetwork, network: BaseNetwork, decay: float) -> None:
    with torch.no_grad():
        for mean, value in zip(average.parameters(), network.parameters(), strict=True):
            mean.lerp_(value, 1 - decay)


def _save(run: _Run, path: Path) -> None:
    buffer = io.BytesIO()
    torch.save(
        {
            "settings": asdict(run.settings),
            "network": run.network.state_dict(),
            "average": run.average.state_dict(),
            "optimizer": run.optimizer.state_dict(),
            "best_weights": run.best,
            "state": run.state,
            "rng": run.rng.bit_generator.state,
            "torch_rng": torch.get_rng_state(),
        },
        buffer,
    )
    write_bytes(path, buffer.getvalue())


def _restore(run: _Run, path: Path) -> None:
    # Not weights only: the generators' states are plain Python objects. The file is this program's own.
    saved = torch.load(path, weights_only=False)
    if saved["settings"] != asdict(run.settings):
        raise TrainingError(
            "the checkpoint was made with other settings",
            where=str(path),
            next_step="Remove it or choose another folder",
        )
    run.network.load_state_dict(saved["network"])
    run.average.load_state_dict(saved["average"])
    run.optimizer.load_state_dict(saved["optimizer"])
    run.best, run.state = saved["best_weights"], saved["state"]
    run.rng.bit_generator.state = saved["rng"]
    torch.set_rng_state(saved["torch_rng"])


def _to_onnx(gates: np.ndarray) -> np.ndarray:
    # PyTorch orders the gates r, z, n; ONNX z, r, h.
    reset, update, candidate = np.split(gates, 3)
    return np.concatenate([update, reset, candidate])
