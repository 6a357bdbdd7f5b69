"""Text to distil from: sentences of a folder of documents, without the documents that dev and test are cut from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from biaozhu.data.errors import CorpusError
from biaozhu.reading.sentences import split_text
from recipes.corpora.modern import OFFSETS, Documents, read_corpus_file, read_offsets

HELD_OUT_PARTS = ("dev", "test")
MIN_CHARS, MAX_CHARS, MIN_HAN = 8, 200, 5
SHINGLE_CHARS, MAX_SHARED = 8, 0.3
HAN = re.compile("[\u4e00-\u9fff]")


def distil_texts(folder: Path, files: Sequence[str], *, characters: int, seed: int) -> list[str]:
    """Return sentences of the folder's documents in a random order, each once, up to so many characters.

    The files, without `.jsonl.gz`, hold one document a line; each gives an equal share of the characters while it has them.
    The modern corpus's dev and test documents, and sentences that share three in ten shingles with theirs,
    are left out.
    """
    held = [row for part in HELD_OUT_PARTS for _, row in read_offsets(OFFSETS / f"{part}.jsonl")]
    held_out = {(row["file"], row["path"]) for row in held}
    cut = filter(None, map(Documents((folder,)).sentence, held))
    held_shingles = {shingle for text in cut for shingle in shingles(text)}
    rng = np.random.default_rng(seed)
    seen: set[str] = set()
    chosen: list[str] = []
    left = characters
    for number, name in enumerate(files):
        share = left // (len(files) - number)
        file = folder / f"{name}.jsonl.gz"
        if not file.is_file():
            raise CorpusError("this file of texts is missing", where=str(file))
        documents = [text for path, text in read_corpus_file(file) if (name, path) not in held_out]
        for at in rng.permutation(len(documents)).tolist():
            if share <= 0:
                break
            for text in _usable(documents[at], held_shingles):
                if text not in seen:
                    seen.add(text)
                    chosen.append(text)
                    share -= len(text)
                    left -= len(text)
    return [chosen[at] for at in rng.permutation(len(chosen)).tolist()]


def shingles(text: str) -> set[str]:
    """Return the stretches of eight characters of a text."""
    return {text[at : at + SHINGLE_CHARS] for at in range(max(1, len(text) - SHINGLE_CHARS + 1))}


def _usable(document: str, held: set[str]) -> Iterator[str]:
    for start, end in split_text(document):
        text = document[start:end]
        if MIN_CHARS <= len(text) <= MAX_CHARS and len(HAN.findall(text)) >= MIN_HAN:
            found = shingles(text)
            if len(found & held) <= MAX_SHARED * len(found):
                yield text
