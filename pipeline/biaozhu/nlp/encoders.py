"""Frozen vectors for the tokens of a Doc, as thinc models that a config stacks: LAC, annotators, character classes.

Each is a `Model[list[Doc], list[Floats2d]]` without parameters, so it can stand wherever spaCy wants a tok2vec, and
thinc's `concatenate.v1` joins them. Vectors are made for code points; a token of several takes their mean.
"""

# Annotations are evaluated here, not postponed: confection checks a config's values by them.
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, lru_cache
from typing import Any

import numpy as np
from spacy.tokens import Doc
from thinc.api import Model

from biaozhu.annotators.combine import combine_rows
from biaozhu.annotators.network.lac import load_lac
from biaozhu.annotators.network.lac_data import Size
from biaozhu.annotators.network.models import load_model, weights_mark
from biaozhu.annotators.preannotate import DEFAULT_ANNOTATORS, annotate_by_layer
from biaozhu.annotators.words import LacWord, NameModel
from biaozhu.data.errors import ConfigError
from biaozhu.data.model import Span
from biaozhu.nlp.bounds import NonNegativeInt
from biaozhu.nlp.crf import encode_spans, make_tags
from biaozhu.reading.simplified import to_simplified

# What makes the parts of a vector weigh about alike in a linear model with one penalty for all of them.
STATES_SCALE, SCORES_SCALE, TAGS_SCALE, CLASS_SCALE, WORDS_SCALE = 0.1, 0.05, 0.25, 0.3, 2.0
LOWEST_SCORE = -20.0
NUMERALS = "零〇一二两三四五六七八九十百千万亿壹贰叁肆伍陆柒捌玖拾佰仟"
VAGUE = "几数余多来"
CLASSES = 8
# LAC's tags whose words an encoder can mark: names, times, nouns, numerals, measure words.
WORD_TAGS = ("LOC", "ORG", "PER", "TIME", "m", "n", "nw", "nz", "q")
# All of them brought together, as pre-annotation does it.
COMBINED = "combined"

Vectors = Callable[[Sequence[str]], list[np.ndarray]]
# Encoder and text -> its vectors, while that is wanted.
_memory: ContextVar[dict[tuple[object, ...], np.ndarray] | None] = ContextVar("memory", default=None)


@contextmanager
def remembering() -> Iterator[None]:
    """Within it, what a frozen encoder has made of a text is kept, for training again and again on the same gold.

    It takes some kilobytes a character, so nothing is kept outside.
    """
    token = _memory.set({})
    try:
        yield
    finally:
        _memory.reset(token)


def lac_encoder(
    size: Size,
    window: NonNegativeInt,
    words: bool = False,  # noqa: FBT001, FBT002 — confection calls by name
) -> Model[list[Doc], list[np.ndarray]]:
    """Return LAC's network: its last hidden states, the scores of its tags, and their probabilities.

    A character sees the probabilities of `window` neighbours on each side. `words` also marks LAC's words of `WORD_TAGS`, with those
    of the next neighbours. The weights stay in the package of their size.
    """
    lac = load_once(size)
    own = lac.states_width

    def vectors(texts: Sequence[str]) -> list[np.ndarray]:
        found = []
        marked = lac.words(texts) if words else [()] * len(texts)
        for states, row in zip(lac.states(texts), marked, strict=True):
            scores = states[:, own:] - states[:, own:].max(axis=1, keepdims=True)
            scores = np.maximum(scores, np.float32(LOWEST_SCORE))
            likely = np.exp(scores)
            likely *= TAGS_SCALE / likely.sum(axis=1, keepdims=True)
            parts = [states[:, :own] * STATES_SCALE, scores * SCORES_SCALE]
            parts.append(set_neighbours_beside(likely, window))
            if words:
                spans = [Span(one.start, one.end, one.tag) for one in row]
                parts.append(set_neighbours_beside(_mark(len(states), spans, WORD_TAGS) * WORDS_SCALE, 1))
            found.append(np.concatenate(parts, axis=1, dtype=np.float32))
        return found

    tags = len(lac.chain.kinds)
    width = own + tags + tags * (2 * window + 1) + words * 3 * len(make_tags(WORD_TAGS)[1:])
    return freeze("lac_encoder", vectors, width, key=(size, window, words))


def layer_encoder(
    size: str, layers: list[str], labels: list[str], window: NonNegativeInt
) -> Model[list[Doc], list[np.ndarray]]:
    """Return what each annotator marked, as B, I, E or S of each label, with the span's score, 1 where there is none.

    `size` is the network, as of `preannotate --model`; `layers` are names of annotators, or `combined` for what pre-annotation makes of
    them all; a character sees the marks of `window` neighbours on each side.
    """
    known = (*(one.name for one in DEFAULT_ANNOTATORS), COMBINED)
    if unknown := [name for name in layers if name not in known]:
        raise ConfigError(f"no annotator {', '.join(unknown)}; there are {', '.join(known)}", where="LayerEncoder")

    def vectors(texts: Sequence[str]) -> list[np.ndarray]:
        found = annotate_once(size, tuple(texts))
        marked = [[_mark(len(text), found[name][at], labels) for name in layers] for at, text in enumerate(texts)]
        return [set_neighbours_beside(np.concatenate(rows, axis=1), window) for rows in marked]

    width = len(layers) * len(make_tags(labels)[1:]) * (2 * window + 1)
    return freeze("layer_encoder", vectors, width, key=(size, tuple(layers), tuple(labels), window))


def class_encoder(window: NonNegativeInt) -> Model[list[Doc], list[np.ndarray]]:
    """Return what kind of character each is (digit, numeral, Latin, mark, space …), with `window` neighbours."""

    def vectors(texts: Sequence[str]) -> list[np.ndarray]:
        kinds = np.eye(CLASSES, dtype=np.float32) * np.float32(CLASS_SCALE)
        rows = (np.array([class_of(one) for one in text], np.int64) for text in texts)
        return [set_neighbours_beside(kinds[one], window) for one in rows]

    return freeze("class_encoder", vectors, CLASSES * (2 * window + 1), key=(window,))


def set_neighbours_beside(rows: np.ndarray, window: int) -> np.ndarray:
    """Set beside each row the `window` rows before and after it; shape (n, width) -> (n, width * (2 window + 1))."""
    padded = np.pad(rows, ((window, window), (0, 0)))
    return np.concatenate([padded[shift : shift + len(rows)] for shift in range(2 * window + 1)], axis=1)


def freeze(name: str, vectors: Vectors, width: int, *, key: tuple[object, ...]) -> Model[list[Doc], list[np.ndarray]]:
    """Return a model without parameters, which remembers what it has made of a text within `remembering`.

    `vectors` makes arrays of shape (code points, width) of texts; `key` is what they depend on beside the text.
    """

    def forward(
        _model: Model[Any, Any],
        docs: list[Doc],
        is_train: bool,  # noqa: ARG001, FBT001 — thinc calls it by this name
    ) -> tuple[list[np.ndarray], Callable[[Any], list[Doc]]]:
        memory = _memory.get()
        memory = {} if memory is None else memory
        keys = [(name, *key, doc.text) for doc in docs]
        if new := list(dict.fromkeys(one for one in keys if one not in memory)):
            memory.update(zip(new, vectors([str(one[-1]) for one in new]), strict=True))
        # Nothing flows back.
        rows = [mean_by_token(memory[one], token_sizes(doc)) for doc, one in zip(docs, keys, strict=True)]
        return rows, lambda _: []

    return Model(name, forward, dims={"nO": width})


def token_sizes(doc: Doc) -> np.ndarray:
    """Return the code points of each token, the space behind it included, int of shape (tokens,)."""
    if len(doc) == len(doc.text):
        return np.ones(len(doc), np.int64)
    return np.diff([*(token.idx for token in doc), len(doc.text)])


def mean_by_token(rows: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Return the mean of the rows of each token's code points, float32; see `token_sizes`."""
    if len(sizes) == len(rows):
        # A copy: what a caller does to it must not reach the memory.
        return rows.astype(np.float32)
    return np.asarray(np.add.reduceat(rows, np.cumsum(sizes) - sizes, axis=0) / sizes[:, None], np.float32)


# Each LAC once in a process.
load_once = cache(load_lac)


def find_words(size: Size, texts: Sequence[str]) -> list[list[LacWord]]:
    """Return the words of each text that LAC gives one of `WORD_TAGS`."""
    rows = load_once(size).words([to_simplified(text) for text in texts])
    return [[word for word in row if word.tag in WORD_TAGS] for row in rows]


# One batch back: a model's prior and its features ask for the same texts one after the other.
@lru_cache(maxsize=1)
def annotate_once(network: str, texts: tuple[str, ...]) -> dict[str, list[tuple[Span, ...]]]:
    """Return each annotator's spans, and under `COMBINED` those of pre-annotation; see `load_network`."""
    found = annotate_by_layer(texts, model=load_network(network))
    return {**found, COMBINED: combine_rows(found, DEFAULT_ANNOTATORS)}


def load_network(network: str) -> NameModel:
    """Load a network as `preannotate --model` names it, once in a process; another one in the same folder is loaded anew."""
    return _load(network, weights_mark(network))


@cache
def _load(network: str, mark: str) -> NameModel:  # noqa: ARG001 — it is part of the cache key
    return load_model(network)


def _mark(length: int, spans: Sequence[Span], labels: Sequence[str]) -> np.ndarray:
    chosen = [span for span in spans if span.label in labels]
    path = encode_spans(labels, length, [span.key for span in chosen])
    marks = np.eye(len(make_tags(labels)), dtype=np.float32)[path, 1:]
    for span in chosen:
        marks[span.start : span.end] *= np.float32(1.0 if span.score is None else span.score)
    return marks


@cache
def class_of(character: str) -> int:
    """Return the kind of a character, from 0 to CLASSES - 1."""
    category = unicodedata.category(character)
    checks = (
        character.isdecimal(),
        character in NUMERALS,
        character in VAGUE,
        character.isalpha() and unicodedata.normalize("NFKC", character).isascii(),
        character in "·•・.．%％‰",
        character.isspace() or category[0] in "ZC",
        category[0] in "PS",
    )
    return checks.index(True) if any(checks) else len(checks)
