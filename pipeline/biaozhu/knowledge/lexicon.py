"""Dictionary features of each character of a text: the words that could be there, by kind, as columns of 0 and 1.

Words and their parts of speech are those of jieba 0.42.1 (`jieba/dict.txt`, 349,046 words, MIT); divisions those of the
gazetteer; surnames those of `word_tables`. jieba's author counted words in the segmented People's Daily of 1998, among
others, so some words of that month are in the dictionary because they are in that month: a figure on it may flatter.
Lattice and lexicon features: Zhang and Yang 2018, https://arxiv.org/abs/1805.02023; Ma et al. 2020,
https://arxiv.org/abs/1908.05969.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Callable, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from biaozhu.data.errors import ModelDataError
from biaozhu.data.files import LONE_SURROGATE, read_bytes
from biaozhu.data.storage.disk_cache import laid_out_parts
from biaozhu.knowledge.gazetteer import DIVISIONS, gazetteer, read_packed
from biaozhu.knowledge.names import import_automaton, make_finder_without_daachorse
from biaozhu.knowledge.word_tables import COMPOUND_SURNAMES, SURNAMES
from biaozhu.knowledge.world import KINDS as WORLD_KINDS
from biaozhu.knowledge.world import TABLES, world_names

# Kinds of words by jieba's tag; of a tag that is not named here its first letter decides.
TAGS = {
    "nr": 0, "nrfg": 0, "nrt": 1, "ns": 2, "nt": 3, "nz": 4, "m": 5, "mq": 5, "mg": 5, "q": 6, "t": 7, "tg": 7,
    "i": 8, "l": 8, "j": 9, "f": 10, "s": 10,
}  # fmt: skip
FIRST_LETTERS = dict(zip("nvazbdcpruy", (11, 12, 13, 13, 13, 14, 14, 14, 14, 14, 14), strict=True))
OTHER, DIVISION = 15, 16
# Then two for each level from province to village: as a short form, and with its unit word; then the kinds of `world`.
FOREIGN = DIVISION + 2 * 5
KINDS = FOREIGN + WORLD_KINDS
SHORTEST, LONGEST = 2, 8
# Of each kind: a word begins here, ends here, goes on here; then a surname of one character, and both of one of two.
SURNAME_COLUMNS = 3
WIDTH = 3 * KINDS + SURNAME_COLUMNS
# Counts up whenever the columns or what is laid out change.
LAYOUT = b"4"
SHA256 = "7197c3211ddd98962b036cdf40324d1ea2bfaa12bd028e68faa70111a88e12a8"
# Stands in no word, and so may part texts that are looked through at once.
PART = "\n"

CODE_POINTS = 0x110000
NEXT_STEP = "Install it again with `make run`"


def lexicon_columns(texts: Sequence[str]) -> list[np.ndarray]:
    """Return for each text a uint8 array of shape (code points, WIDTH), 0 or 1; for errors see `read_jieba`."""
    find, kinds = loaded_lexicon()
    joined = PART.join(texts)
    marks = np.zeros((len(joined), 3), np.uint64)
    # The automaton reads UTF-8, which has no lone surrogates, nor does any word.
    found = np.array(find(LONE_SURROGATE.sub("\ufffd", joined)), np.int64).reshape(-1, 3)
    starts, ends, bits = found[:, 0], found[:, 1], kinds[found[:, 2]]
    np.bitwise_or.at(marks[:, 0], starts, bits)
    np.bitwise_or.at(marks[:, 1], ends - 1, bits)
    inner = ends - starts - 2
    # Places 1, 2, … within each word, one word after the other.
    steps = np.arange(inner.sum()) - np.repeat(np.cumsum(inner) - inner, inner) + 1
    np.bitwise_or.at(marks[:, 2], np.repeat(starts, inner) + steps, np.repeat(bits, inner))
    columns = ((marks[:, :, None] >> np.arange(KINDS, dtype=np.uint64)) & 1).astype(np.uint8)
    every = np.concatenate([columns.reshape(len(joined), 3 * KINDS), _surnames(joined)], axis=1)
    reached = np.cumsum([0, *(len(text) + len(PART) for text in texts)])
    return [every[first : first + len(text)] for first, text in zip(reached[:-1], texts, strict=True)]


def lexicon_facts() -> dict[str, str | int]:
    """Return what a model that was trained on these columns must find again: version of the columns, width, checksum."""
    checksums = {
        f"{table.partition('.')[0]}_sha256": hashlib.sha256(read_packed(table)).hexdigest()
        for table in (DIVISIONS, *TABLES)
    }
    return {"layout": LAYOUT.decode(), "width": WIDTH, "words_sha256": SHA256, **checksums}


def code_points(text: str) -> np.ndarray:
    """Return the code points of a text, uint32."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")


def _surnames(text: str) -> np.ndarray:
    points = code_points(text)
    columns = np.zeros((len(text), SURNAME_COLUMNS), np.uint8)
    columns[:, 0] = np.isin(points, _SINGLE)
    pairs = points[:-1].astype(np.int64) * CODE_POINTS + points[1:]
    places = np.flatnonzero(np.isin(pairs, _COMPOUND))
    columns[places, 1] = columns[places + 1, 2] = 1
    return columns


_SINGLE = np.array([ord(name) for name in SURNAMES - COMPOUND_SURNAMES])
_COMPOUND = np.array([ord(name[0]) * CODE_POINTS + ord(name[1]) for name in sorted(COMPOUND_SURNAMES)])


@cache
def loaded_lexicon() -> tuple[Callable[[str], list[tuple[int, int, int]]], np.ndarray]:
    """Return what finds words (start, end, number), and the kinds of each word as bits."""
    content, automaton = read_jieba(), import_automaton()
    made_by = version("daachorse").encode() if automaton else b""
    parts = laid_out_parts(
        "lexicon",
        (content, read_packed(DIVISIONS), *map(read_packed, TABLES), LAYOUT, made_by),
        lambda: _lay_out_words(content, automaton),
    )
    if automaton:
        find = automaton.deserialize(parts["automaton"]).find_overlapping
    else:
        find = make_finder_without_daachorse(parts["words"].decode("utf-8").split(PART))
    return find, np.frombuffer(parts["kinds"], np.uint64)


def _lay_out_words(content: bytes, automaton: Any) -> dict[str, bytes]:
    kinds: dict[str, int] = {}
    for line in content.decode("utf-8").splitlines():
        word, _, tag = line.rsplit(" ", 2)
        if SHORTEST <= len(word) < LONGEST + 1:
            kinds[word] = kinds.get(word, 0) | 1 << TAGS.get(tag, FIRST_LETTERS.get(tag[0], OTHER))
    for name, meaning in gazetteer().named.items():
        if len(name) >= SHORTEST:
            bit = DIVISION + 2 * (meaning.level - 1) + meaning.full
            kinds[name] = kinds.get(name, 0) | 1 << bit
    for name, bits in world_names().items():
        kinds[name] = kinds.get(name, 0) | bits << FOREIGN
    words = sorted(kinds)
    return {
        "automaton": automaton(words).serialize() if automaton else b"",
        # Only what keeps no automaton needs the words again.
        "words": b"" if automaton else PART.join(words).encode("utf-8"),
        "kinds": np.array([kinds[word] for word in words], np.uint64).tobytes(),
    }


def read_jieba() -> bytes:
    """Return jieba's dictionary; ModelDataError where it is missing or another one."""
    # Where jieba lies, without an import of it.
    found = importlib.util.find_spec("jieba")
    path = Path((found.origin if found else None) or "jieba").parent / "dict.txt"
    if not path.is_file():
        raise ModelDataError("jieba's dictionary is missing", where=str(path), next_step=NEXT_STEP)
    content = read_bytes(path)
    if hashlib.sha256(content).hexdigest() != SHA256:
        what = "jieba's dictionary is not that of jieba 0.42.1"
        raise ModelDataError(what, where=str(path), next_step=NEXT_STEP)
    return content
