"""The features of the character CRF: n-grams of the characters around each, and of their kinds, as sparse rows."""

# Annotations are evaluated here, not postponed: confection checks a config's values by them.
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from spacy.tokens import Doc
from thinc.api import Model

from biaozhu.nlp.bounds import NgramLength, PositiveInt
from biaozhu.nlp.encoders import CLASSES, class_of
from biaozhu.reading.simplified import to_half_width

# Where an n-gram begins, seen from the character, and its length.
GRAMS = ((-2, 1), (-1, 1), (0, 1), (1, 1), (2, 1), (-2, 2), (-1, 2), (0, 2), (1, 2), (-2, 3), (-1, 3), (0, 3))
CLASS_GRAMS = ((-2, 1), (-1, 1), (0, 1), (1, 1), (2, 1), (-1, 2), (0, 2), (-1, 3), (-2, 5))
REACH = 2
ENCODER = "ngram_encoder"


def ngram_encoder(
    longest: NgramLength = 3,
    classes: bool = True,  # noqa: FBT001, FBT002 — confection calls by name
    at_least: PositiveInt = 1,
    most: PositiveInt | None = None,
) -> Model[list[Doc], list[csr_matrix]]:
    """Return n-grams as sparse rows; which ones there are is set by the Docs that it is initialized with.

    `longest` bounds the n-grams of characters; `classes` adds those of the kinds of characters. N-grams that occur less than
    `at_least` times are left out, and of more than `most` the rarest.
    """
    given: dict[str, Any] = {"longest": longest, "classes": classes, "at_least": at_least, "most": most}
    return Model(ENCODER, _forward, init=_collect, dims={"nO": None}, attrs={**given, "columns": {}})


def ngrams_of(text: str, *, longest: int = 3, classes: bool = True) -> list[list[str]]:
    """Return the n-grams of each code point; digits count as 0, full width as half width."""
    plain = "".join("0" if one.isdecimal() else one for one in to_half_width(text))
    found = [
        [f"{at}:{window[REACH + at : REACH + at + size]}" for at, size in GRAMS if size <= longest]
        for window in _windows(plain, "\n")
    ]
    if classes:
        kinds = "".join(str(class_of(one)) for one in text)
        for features, window in zip(found, _windows(kinds, str(CLASSES)), strict=True):
            features += [f"k{at}:{window[REACH + at : REACH + at + size]}" for at, size in CLASS_GRAMS]
    return found


def _windows(text: str, edge: str) -> Iterator[str]:
    padded = edge * REACH + text + edge * REACH
    return (padded[place : place + 2 * REACH + 1] for place in range(len(text)))


def _features(model: Any, doc: Doc) -> list[list[str]]:
    of = ngrams_of(doc.text, longest=model.attrs["longest"], classes=model.attrs["classes"])
    # A token of several characters has those of its first one.
    return of if len(of) == len(doc) else [of[token.idx] for token in doc]


def _collect(model: Any, X: list[Doc] | None = None, Y: Any = None) -> None:  # noqa: ARG001, N803 — thinc calls it by these names
    counts = Counter(one for doc in X or () for some in _features(model, doc) for one in some)
    common = sorted(counts, key=lambda one: (-counts[one], one))[: model.attrs["most"]]
    kept = sorted(one for one in common if counts[one] >= model.attrs["at_least"])
    model.attrs["columns"] = {one: column for column, one in enumerate(kept)}
    model.set_dim("nO", len(kept), force=True)


def _forward(model: Any, docs: list[Doc], is_train: bool) -> tuple[list[csr_matrix], Any]:  # noqa: ARG001, FBT001 — thinc calls it so
    columns = model.attrs["columns"]
    found = []
    for doc in docs:
        rows = [[columns[one] for one in some if one in columns] for some in _features(model, doc)]
        ends = np.cumsum([0, *map(len, rows)])
        at = [column for some in rows for column in some]
        ones = np.ones(len(at), np.float32)
        found.append(csr_matrix((ones, at, ends), shape=(len(rows), len(columns))))
    return found, lambda _: []
