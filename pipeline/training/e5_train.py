"""Training the accurate model: AdamW, lower rates for lower layers, a time budget, averaged weights, checkpoints."""

from __future__ import annotations

import copy
import math
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from pipeline.errors import TrainingError
from pipeline.training.base_data import IGNORED, padded, plan, well_formed
from pipeline.training.base_network import Shape
from pipeline.training.base_train import Vocabulary, strict_scores, tagging_loss
from pipeline.training.checkpoints import read_checkpoint, write_checkpoint
from pipeline.training.e5_network import E5Network

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pipeline.training.base_data import Batch, Example
    from pipeline.training.e5_start import Transformer

# The CRF's scores and the new layers begin with nothing, and may move faster than what was trained before.
NEW, CHAIN = ("narrow.", "emit"), ("start", "stop", "transitions")
NEW_RATE, CHAIN_RATE = 3.0, 10.0
CHECKPOINT = "checkpoint.pt"


@dataclass(frozen=True, slots=True)
class Settings:
    """How to train; see configs/e5.cfg for what each does."""

    seed: int = 1
    layers: int = 6
    epochs: int = 3
    minutes: float = 0.0
    batch: int = 1500
    rate: float = 3e-4
    lower: float = 0.9
    decay: float = 0.01
    warm_up: float = 0.08
    dropout: float = 0.1
    unseen: float = 0.02
    word_loss: float = 0.2
    average: float = 0.998
    clip: float = 1.0
    keep: float = 4.0


@dataclass(slots=True)
class _Run:
    settings: Settings
    network: E5Network
    average: E5Network
    optimizer: torch.optim.Optimizer
    state: dict[str, Any]


def build_network(settings: Settings, vocabulary: Vocabulary, start: Transformer) -> E5Network:
    """Return the network: the transformer's weights, and the new layers as the seed draws them."""
    torch.manual_seed(settings.seed)
    shape = Shape(0, 0, 0, 0, len(vocabulary.tags), max(1, len(vocabulary.words)), 0)
    return E5Network(
        start, shape, *well_formed(vocabulary.tags), dropout=settings.dropout, unseen=settings.unseen
    )


def train(  # noqa: PLR0913 — keyword-only
    settings: Settings,
    vocabulary: Vocabulary,
    start: Transformer,
    *,
    examples: Callable[[int], Sequence[Example]],
    dev: Sequence[Example],
    folder: Path,
    watch: Callable[[dict[str, Any]], None] = lambda _: None,
) -> tuple[E5Network, dict[str, Any]]:
    """Train until the epochs or the minutes are over, or go on from the last checkpoint in `folder`.

    The rate rises to its highest in the first part and then falls to nothing by the end, whichever end comes first.

    Args:
        settings: how.
        vocabulary: what the numbers mean.
        start: the pretrained transformer.
        examples: epoch (from 0) -> the examples of that epoch, of nearly the same number each time.
        dev: examples that are looked at after each epoch and at the end; they choose nothing.
        folder: holds the checkpoint; the settings it was made with must be the same.
        watch: called with a record of each epoch, and of each checkpoint.

    Returns:
        The averaged weights, and what was done: steps, characters and minutes of training, a record of each epoch.

    Raises:
        TrainingError: the checkpoint belongs to other settings, or the loss is no number.
    """
    run = _begin(settings, vocabulary, start)
    path = folder / CHECKPOINT
    if path.is_file():
        _restore(run, path)
    while run.state["epoch"] < settings.epochs and not run.state["over"]:
        # What is drawn depends on the seed and the epoch alone, not on when a run was killed.
        epoch = run.state["epoch"]
        material = examples(epoch)
        todo = plan(material, settings.batch, np.random.default_rng((settings.seed, epoch)))
        _epoch(run, vocabulary, [[material[index] for index in group] for group in todo], path, watch)
        record = {
            "epoch": run.state["epoch"],
            **_progress(run),
            **strict_scores([run.average], vocabulary, dev),
        }
        run.state["history"].append(record)
        _save(run, path)
        watch(record)
    done = {name: run.state[name] for name in ("steps", "per_epoch", "characters", "history")}
    return run.average.eval(), {**done, "minutes": round(run.state["seconds"] / 60, 1)}


def _begin(settings: Settings, vocabulary: Vocabulary, start: Transformer) -> _Run:
    network = build_network(settings, vocabulary, start)
    state = {
        "epoch": 0, "done": 0, "steps": 0, "seconds": 0.0, "characters": 0, "over": False, "loss": 0.0, "history": [],
    }  # fmt: skip
    return _Run(settings, network, copy.deepcopy(network).eval(), _optimizer(network, settings), state)


def _optimizer(network: E5Network, settings: Settings) -> torch.optim.Optimizer:
    groups = []
    top = len(network.layers)
    for name, value in network.named_parameters():
        height = int(name.split(".")[1]) + 1 if name.startswith("layers.") else 0
        factor = settings.lower ** (top - height)
        if name.startswith(NEW):
            factor = NEW_RATE
        elif name in CHAIN:
            factor = CHAIN_RATE
        decay = settings.decay if value.dim() > 1 and name not in CHAIN else 0.0
        groups.append({"params": [value], "weight_decay": decay, "factor": factor})
    return torch.optim.AdamW(groups, lr=settings.rate, fused=True)


def _epoch(
    run: _Run,
    vocabulary: Vocabulary,
    groups: Sequence[Sequence[Example]],
    path: Path,
    watch: Callable[[dict[str, Any]], None],
) -> None:
    """Train on the groups of this epoch that are still to be done."""
    settings, state = run.settings, run.state
    total = state.setdefault("per_epoch", len(groups)) * settings.epochs
    run.network.train()
    begun, before, kept = time.monotonic(), state["seconds"], time.monotonic()
    for number, group in enumerate(groups):
        if number < state["done"]:
            continue
        done = state["steps"] / max(1, total)
        if settings.minutes:
            done = max(done, state["seconds"] / 60 / settings.minutes)
        if done >= 1:
            state["over"] = True
            break
        batch = padded(group, vocabulary.rows)
        loss = _step(run, batch, done)
        state["done"], state["steps"] = number + 1, state["steps"] + 1
        state["characters"] += int(batch.lengths.sum())
        state["loss"] = 0.98 * state["loss"] + 0.02 * loss if state["steps"] > 1 else loss
        state["seconds"] = before + time.monotonic() - begun
        if time.monotonic() - kept > settings.keep * 60:
            _save(run, path)
            watch(_progress(run))
            kept = time.monotonic()
    state["epoch"], state["done"] = state["epoch"] + 1, 0


def _step(run: _Run, batch: Batch, done: float) -> float:
    settings = run.settings
    torch.manual_seed(settings.seed * 1_000_003 + run.state["steps"])
    for group in run.optimizer.param_groups:
        group["lr"] = settings.rate * group["factor"] * _share(done, settings.warm_up)
    emissions, words = run.network(
        torch.from_numpy(batch.states), torch.from_numpy(batch.ids), torch.from_numpy(batch.lengths)
    )
    loss = run.network.loss(emissions, torch.from_numpy(batch.tags), torch.from_numpy(batch.lengths))
    if settings.word_loss and bool((batch.words != IGNORED).any()):
        loss = loss + settings.word_loss * tagging_loss(words, batch)
    # A character counts as much in a long sentence as in a short one.
    loss = loss * len(batch.lengths) / int(batch.lengths.sum())
    found = float(loss.item())
    if not math.isfinite(found):
        raise TrainingError(f"the loss is {found} in step {run.state['steps']}", next_step="Lower the rate")
    run.optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(run.network.parameters(), settings.clip)
    run.optimizer.step()
    # In the first steps the average follows at once: it began with weights of no use.
    steps = run.state["steps"]
    share = 1 - min(settings.average, (1 + steps) / (10 + steps))
    with torch.no_grad():
        torch._foreach_lerp_(list(run.average.parameters()), list(run.network.parameters()), share)
    return found


def _share(done: float, warm_up: float) -> float:
    return max(0.01, done / warm_up) if done < warm_up else max(0.0, (1 - done) / (1 - warm_up))


def _progress(run: _Run) -> dict[str, Any]:
    state = run.state
    return {
        "steps": state["steps"],
        "characters": state["characters"],
        "minutes": round(state["seconds"] / 60, 1),
        "loss": state["loss"],
    }


def _save(run: _Run, path: Path) -> None:
    write_checkpoint(
        path,
        {
            "settings": asdict(run.settings),
            "network": run.network.state_dict(),
            "average": run.average.state_dict(),
            "optimizer": run.optimizer.state_dict(),
            "state": run.state,
        },
    )


def _restore(run: _Run, path: Path) -> None:
    saved = read_checkpoint(path, run.settings)
    run.network.load_state_dict(saved["network"])
    run.average.load_state_dict(saved["average"])
    run.optimizer.load_state_dict(saved["optimizer"])
    run.state = saved["state"]
