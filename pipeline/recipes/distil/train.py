"""Training the student on what the teacher said: cross-entropy against its shares, AdamW, a cosine decay to nothing."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from biaozhu.annotators.network.char_rows import EDGE, PairTable
from recipes.base.data import grouped
from recipes.base.lac_layers import both_ways
from recipes.distil.teacher import Taught
from recipes.recipe_config import Watch


@dataclass(frozen=True, slots=True)
class DistilSettings:
    """Training settings; see configs/fast.cfg for what each does."""

    seed: int = 1
    epochs: int = 4
    batch: int = 8000
    learn_rate: float = 4e-3
    decay: float = 0.0
    warm_up: int = 200
    dropout: float = 0.05
    unseen: float = 0.1
    width: int = 64
    hidden: int = 96
    pairs: int = 120000
    clip: float = 2.0
    # At most so many minutes, however far it is then; 0 sets no bound. The rate falls to nothing by then.
    minutes: float = 0.0


class StudentNetwork(nn.Module):  # type: ignore[misc]  # PyTorch may be absent here
    """Logits of a padded batch.

    `vectors` are what the characters' vectors begin with, float of shape (rows, width); `settings.dropout` is the share of the
    input's units dropped while training, `unseen` that of the pairs, so that a pair that no text held does no harm.
    """

    def __init__(self, settings: DistilSettings, vectors: torch.Tensor, pairs: int, tags: int) -> None:
        super().__init__()
        self.unseen = settings.unseen
        self.chars = nn.Embedding.from_pretrained(vectors, freeze=False)
        # Row 0 stands for pairs that are in no table.
        self.pairs = nn.Embedding(pairs, settings.width // 2)
        nn.init.normal_(self.pairs.weight, std=0.05)
        width, hidden = settings.width, settings.hidden
        self.ahead, self.behind = nn.GRU(width, hidden), nn.GRU(width, hidden)
        self.dropout = nn.Dropout(settings.dropout)
        self.emit = nn.Linear(2 * hidden, tags)

    def forward(self, chars: torch.Tensor, pairs: torch.Tensor, back: torch.Tensor) -> torch.Tensor:
        """Return logits, float of shape (time, batch, tags).

        `chars` are rows of characters, int of (time, batch); `pairs` rows of the pairs before, between and after them, int of
        (time + 1, batch); `back` for each place the one that a reversed sentence has there, int of (time, batch).
        """
        if self.training and self.unseen:
            pairs = pairs * (torch.rand(pairs.shape) >= self.unseen)
        sides = self.pairs(pairs)
        state = self.dropout(self.chars(chars) + torch.cat([sides[:-1], sides[1:]], dim=-1))
        return self.emit(both_ways(self.ahead, self.behind, state, back[..., None]))


@dataclass(frozen=True, slots=True)
class Numbers:
    """Taught pieces as rows: `chars` and `pairs` of shape (characters,) and (characters + pieces,), and where they end."""

    chars: np.ndarray
    pairs: np.ndarray
    ends: np.ndarray
    shares: np.ndarray


def numbered(taught: Taught, rows: np.ndarray, table: PairTable) -> Numbers:
    """Look up the rows of all pieces."""
    chars = rows[taught.points].astype(np.int64)
    pairs = table.rows_of(with_edges(chars, taught.ends))
    return Numbers(chars, pairs, taught.ends, taught.shares)


def with_edges(chars: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return the rows with EDGE before, between and after the pieces."""
    return np.insert(chars, np.concatenate([[0], ends]), EDGE)


def train_student(
    settings: DistilSettings, vectors: np.ndarray, data: Numbers, dev: Numbers, *, watch: Watch = lambda _: None
) -> tuple[StudentNetwork, list[dict[str, Any]]]:
    """Train from the start, and return the network and a record of each epoch.

    `vectors`, of each row of the dictionary in both LACs, is float of shape (rows, any width). A record has the losses, and
    the share of dev's characters whose likeliest tag is the teacher's.
    """
    torch.manual_seed(settings.seed)
    rng = np.random.default_rng(settings.seed)
    start = torch.from_numpy(narrowed(vectors, settings.width))
    network = StudentNetwork(settings, start, int(data.pairs.max()) + 1, data.shares.shape[1])
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=settings.learn_rate, weight_decay=settings.decay, betas=(0.9, 0.98), fused=True
    )
    epochs = [_plan(data.ends, settings.batch, rng) for _ in range(settings.epochs)]
    steps = sum(map(len, epochs))
    step = 0
    history: list[dict[str, Any]] = []
    began = time.monotonic()
    for number, groups in enumerate(epochs, 1):
        network.train()
        losses = []
        for group in groups:
            step += 1
            elapsed = (time.monotonic() - began) / 60 / settings.minutes if settings.minutes else 0.0
            done = max(step / steps, elapsed)
            if done > 1:
                break
            for one in optimiser.param_groups:
                one["lr"] = settings.learn_rate * min(1, step / settings.warm_up) * (1 + math.cos(math.pi * done)) / 2
            loss, _ = _loss(network, data, group)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), settings.clip)
            optimiser.step()
            losses.append(loss.item())
        if not losses:
            break
        record = {"epoch": number, "steps": len(losses), "loss": float(np.mean(losses)), **score(network, dev)}
        history.append(record)
        watch(record)
    return network, history


def narrowed(vectors: np.ndarray, width: int) -> np.ndarray:
    """Return the vectors' first principal components, of variance 1 each together, float32 of shape (rows, width)."""
    centred = vectors - vectors.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    found = centred @ axes[:, ::-1][:, :width]
    scaled: np.ndarray = (found / found.std()).astype(np.float32)
    return scaled


def score(network: StudentNetwork, dev: Numbers) -> dict[str, float]:
    """Return the loss on dev and how many of its characters have the teacher's likeliest tag."""
    network.eval()
    lengths, loss, right = np.diff(dev.ends, prepend=0), 0.0, 0.0
    with torch.no_grad():
        for group in _plan(dev.ends, 20000, None):
            found, agreeing = _loss(network, dev, group)
            loss += found.item() * int(lengths[group].sum())
            right += agreeing
    return {"dev_loss": loss / len(dev.chars), "dev_same_tag": right / len(dev.chars)}


def _plan(ends: np.ndarray, size: int, rng: np.random.Generator | None) -> list[list[int]]:
    return grouped(np.diff(ends, prepend=0), size, rng, spread=0.05)


def _loss(network: StudentNetwork, data: Numbers, group: list[int]) -> tuple[torch.Tensor, float]:
    chosen = np.array(group)
    ends = data.ends[chosen]
    starts = np.where(chosen > 0, data.ends[chosen - 1], 0)
    lengths = ends - starts
    time = np.arange(int(lengths.max()))[:, None]
    live = time < lengths
    places = np.where(live, starts + time, 0)
    # Before the pairs of a piece stand those of the pieces before it, one more each than characters.
    around = np.arange(int(lengths.max()) + 1)[:, None]
    pairs = np.where(around <= lengths, data.pairs[np.minimum(starts + chosen + around, len(data.pairs) - 1)], 0)
    chars = np.where(live, data.chars[places], 0)
    back = np.where(live, lengths - 1 - time, time)
    logits = network(torch.from_numpy(chars), torch.from_numpy(pairs), torch.from_numpy(back))
    mask = torch.from_numpy(live)
    target = torch.from_numpy(data.shares[places[live]].astype(np.float32))
    target /= target.sum(dim=1, keepdim=True)
    found = torch.log_softmax(logits[mask], dim=1)
    agreeing = float((found.argmax(dim=1) == target.argmax(dim=1)).sum())
    return -(target * found).sum() / int(lengths.sum()), agreeing
