"""Training a word segmentation model for spacy-pkuseg, which ships none and would download one."""

from __future__ import annotations

import contextlib
import io
import random
import shutil
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
import spacy_pkuseg

from biaozhu.data.errors import TrainingError
from biaozhu.data.files import cache_folder
from biaozhu.data.model import Sentence
from biaozhu.data.strict_counts import StrictCounts, count_strict_spans, sum_counts
from biaozhu.training.whole_folder import check_replaceable, replace_folder

SEED = 1
SEGMENTER_FILES = ("features.msgpack", "weights.npz")


def segmenter_folder() -> Path:
    """Return where the segmentation model lies: `pkuseg` in BIAOZHU_CACHE, or in the user's cache folder."""
    return cache_folder() / "pkuseg"


def train_segmenter(
    words: Sequence[Sentence], dev: Sequence[Sentence], folder: Path, *, iterations: int = 5
) -> StrictCounts:
    """Train on sentences whose spans are their words, measure on dev, and write the model whole or not at all.

    Characters that no span covers are words of their own. The folder is replaced if it holds such a model; `iterations` are passes over
    the data (Sun et al. 2012, ADF training of a CRF).
    """
    if not any(sentence.spans for sentence in words) or not dev:
        raise TrainingError("there are no words to learn from", next_step="Give layers whose spans are words")
    check_replaceable(folder, mark=SEGMENTER_FILES[0], names=SEGMENTER_FILES)
    try:
        with replace_folder(folder) as made:
            room = made.parent
            for name, layer in (("train", words), ("dev", dev)):
                lines = (" ".join(words_of(sentence)) for sentence in layer)
                (room / name).write_text("".join(f"{line}\n" for line in lines if line), encoding="utf-8")
            # pkuseg draws from the global generators, and prints its progress.
            random.seed(SEED)
            np.random.seed(SEED)  # noqa: NPY002 — the generator that pkuseg uses
            with contextlib.redirect_stdout(io.StringIO()):
                spacy_pkuseg.train(str(room / "train"), str(room / "dev"), str(room / "all"), train_iter=iterations)
            made.mkdir()
            for name in SEGMENTER_FILES:
                shutil.copyfile(room / "all" / name, made / name)
    except ZeroDivisionError:
        advice = "Give a corpus; thousands of sentences are none too many"
        raise TrainingError("too few words to learn from", next_step=advice) from None
    segment = spacy_pkuseg.pkuseg(str(folder))
    found = _keys([segment.cut(one.text) for one in dev])
    return sum_counts(count_strict_spans(_keys(map(words_of, dev)), found).values())


def words_of(sentence: Sentence) -> list[str]:
    """Return a sentence's words without white space: its spans, and what stands between them."""
    cuts = [0, *(place for span in sentence.spans for place in (span.start, span.end)), len(sentence.text)]
    return [word for start, end in pairwise(cuts) for word in sentence.text[start:end].split()]


def _keys(texts: Iterable[Sequence[str]]) -> Iterator[tuple[int, int, int, str]]:
    for number, words in enumerate(texts):
        for start, end in pairwise(accumulate(map(len, words), initial=0)):
            yield number, start, end, "WORD"
