"""Frozen vectors for the tokens of a Doc, as thinc models that a config stacks: LAC, annotators, character classes.

Each is a `Model[list[Doc], list[Floats2d]]` without parameters, so it can stand wherever spaCy wants a tok2vec, and
thinc's `concatenate.v1` joins them. Names as `biaozhu.LacEncoder.v1` are given in pyproject.toml. Vectors are made for code points; a token of several takes their mean.
"""

# Annotations are evaluated here, not postponed: confection checks a config's values by them.
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, lru_cache
from hashlib import blake2b
from typing import Any

import numpy as np
from spacy.tokens import Doc
from thinc.api import Model

from biaozhu.annotators.combine import combine_rows
from biaozhu.annotators.network.lac import Lac, load_lac
from biaozhu.annotators.network.lac_data import Size
from biaozhu.annotators.preannotate import DEFAULT_ANNOTATORS, annotate
from biaozhu.data.errors import ConfigError
from biaozhu.data.model import Span
from biaozhu.nlp.bounds import NonNegativeInt

# What makes the parts of a vector weigh about alike in a linear model with one penalty for all of them.
STATES_SCALE, SCORES_SCALE, TAGS_SCALE, CLASS_SCALE, LOWEST_SCORE = 0.1, 0.05, 0.25, 0.3, -20.0
STATES = 256
NUMERALS = "零〇一二两三四五六七八九十百千万亿壹贰叁肆伍陆柒捌玖拾佰仟"
VAGUE = "几数余多来"
CLASSES = 8
ANNOTATORS = tuple(one.name for one in DEFAULT_ANNOTATORS)
# All of them brought together, as pre-annotation does it.
COMBINED = "combined"

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


def lac_encoder(size: Size, window: NonNegativeInt) -> Model[list[Doc], list[np.ndarray]]:
    """Return LAC's network as a frozen encoder, in ONNX Runtime.

    A vector is made of the last hidden states (256), the scores of LAC's tags, and the tags' probabilities here and
    at the characters up to `window` away.

    Args:
        size: `large` or `small`; the weights stay in the package they come in (see `biaozhu.annotators.network.lac_data`).
        window: how many neighbours' tags a character sees on each side.
    """
    lac = _lac(size)

    def vectors(texts: Sequence[str]) -> list[np.ndarray]:
        found = []
        for states in lac.states(texts):
            scores = states[:, STATES:]
            if len(scores):
                scores = np.maximum(scores - scores.max(axis=1, keepdims=True), LOWEST_SCORE)
            likely = np.exp(scores)
            likely /= likely.sum(axis=1, keepdims=True)
            found.append(
                np.concatenate(
                    [
                        states[:, :STATES] * STATES_SCALE,
                        scores * SCORES_SCALE,
                        spread(likely * TAGS_SCALE, window),
                    ],
                    axis=1,
                )
            )
        return found

    tags = len(lac.chain.kinds)
    kept = remembered(vectors, "lac", size, window)
    return frozen("lac_encoder", kept, STATES + tags + tags * (2 * window + 1))


def layer_encoder(
    size: Size, layers: list[str], labels: list[str], window: NonNegativeInt
) -> Model[list[Doc], list[np.ndarray]]:
    """Return annotators as a frozen encoder: what each of them marked, as B, I, E or S of each label.

    A mark has the value of the span's score, 1 where there is none.

    Args:
        size: the LAC that they lean on, `large` or `small`.
        layers: names of annotators, or `combined` for what pre-annotation makes of them all.
        labels: the labels to look at.
        window: how many neighbours' marks a character sees on each side.

    Raises:
        ConfigError: there is no such annotator.
    """
    unknown = [name for name in layers if name not in (*ANNOTATORS, COMBINED)]
    if unknown:
        raise ConfigError(
            f"no annotator {', '.join(unknown)}; there are {', '.join((*ANNOTATORS, COMBINED))}",
            where="LayerEncoder",
        )
    columns = {label: 4 * position for position, label in enumerate(labels)}
    width = 4 * len(labels)

    def vectors(texts: Sequence[str]) -> list[np.ndarray]:
        found = _annotated(size, tuple(texts))
        marked = [found[name] for name in layers]
        return [
            spread(
                np.concatenate([_marks(len(text), layer[row], columns, width) for layer in marked], axis=1),
                window,
            )
            for row, text in enumerate(texts)
        ]

    kept = remembered(vectors, "layers", size, tuple(layers), tuple(labels), window)
    model = frozen("layer_encoder", kept, len(layers) * width * (2 * window + 1))
    model.attrs["labels"] = list(labels)
    return model


def class_encoder(window: NonNegativeInt) -> Model[list[Doc], list[np.ndarray]]:
    """Return what kind of character each is (digit, numeral, Latin, mark, space …), with `window` neighbours."""

    def vectors(texts: Sequence[str]) -> list[np.ndarray]:
        return [spread(_classes(text), window) for text in texts]

    return frozen("class_encoder", vectors, CLASSES * (2 * window + 1))


def bigram_encoder(width: int) -> Model[list[Doc], list[np.ndarray]]:
    """Return the hash of the pair with the character before and with the one after, each as `width` signs.

    Signs drawn by a hash are a random projection of one column a pair: near-orthogonal, without a dictionary.
    """
    if width < 1 or width % 8 or width > 512:  # noqa: PLR2004 — the bits of BLAKE2b
        raise ConfigError(f"a width of {width} is no multiple of 8 up to 512", where="BigramEncoder")

    def vectors(texts: Sequence[str]) -> list[np.ndarray]:
        return [_bigrams(text, width) for text in texts]

    return frozen("bigram_encoder", vectors, 2 * width)


def spread(rows: np.ndarray, window: int) -> np.ndarray:
    """Set beside each row the `window` rows before and after it; shape (n, width) -> (n, width * (2 window + 1))."""
    if not window:
        return rows
    edge = np.zeros((window, rows.shape[1]), rows.dtype)
    padded = np.concatenate([edge, rows, edge])
    return np.concatenate([padded[shift : shift + len(rows)] for shift in range(2 * window + 1)], axis=1)


def remembered(
    vectors: Callable[[Sequence[str]], list[np.ndarray]], *key: object
) -> Callable[[Sequence[str]], list[np.ndarray]]:
    """Return the same function, which keeps what it gave within `remembering`, by the key and the text."""

    def found(texts: Sequence[str]) -> list[np.ndarray]:
        memory = _memory.get()
        if memory is None:
            return vectors(texts)
        new = list(dict.fromkeys(text for text in texts if (*key, text) not in memory))
        memory.update(zip(((*key, text) for text in new), vectors(new) if new else (), strict=True))
        return [memory[*key, text] for text in texts]

    return found


def check_pin(found: str, sha256: str, *, kind: str, folder: str, where: str) -> None:
    """Check that a model which an encoder reads is the one that was trained with; an empty `sha256` takes any.

    Args:
        found: the checksum of what lies in the folder.
        sha256: the checksum that a config names.
        kind: of the model, in words.
        folder: the model's.
        where: the encoder's architecture.

    Raises:
        ConfigError: it is another.
    """
    if sha256 and found != sha256:
        raise ConfigError(
            f"the {kind} in {folder} is not the one that this model was trained on",
            where=where,
            next_step=f"Train this model again, or put the old {kind} back",
        )


def frozen(
    name: str, vectors: Callable[[Sequence[str]], list[np.ndarray]], width: int
) -> Model[list[Doc], list[np.ndarray]]:
    """Return a model without parameters: texts to arrays of shape (code points, width), tokens taking their mean."""

    def forward(
        _model: Model[Any, Any],
        docs: list[Doc],
        is_train: bool,  # noqa: ARG001, FBT001 — thinc calls it by this name
    ) -> tuple[list[np.ndarray], Callable[[Any], list[Doc]]]:
        # Frozen: nothing flows back.
        return [
            _by_token(doc, rows.astype(np.float32))
            for doc, rows in zip(docs, vectors([doc.text for doc in docs]), strict=True)
        ], lambda _: []

    return Model(name, forward, dims={"nO": width})


def _by_token(doc: Doc, rows: np.ndarray) -> np.ndarray:
    if len(doc) == len(rows):
        return rows
    starts = np.array([token.idx for token in doc], np.int64)
    sizes = np.diff(np.append(starts, len(rows)))
    # A token keeps the space behind it: the mean takes it in, which is where it is heard.
    return np.add.reduceat(rows, starts, axis=0) / sizes[:, None].astype(np.float32)


# One batch back: a model's start and its features ask for the same texts one after the other.
@lru_cache(maxsize=1)
def _annotated(size: Size, texts: tuple[str, ...]) -> dict[str, list[tuple[Span, ...]]]:
    found = annotate(texts, model=_lac(size))
    return {**found, COMBINED: [tuple(row) for row in combine_rows(found, DEFAULT_ANNOTATORS)]}


def _marks(length: int, spans: Sequence[Span], columns: dict[str, int], width: int) -> np.ndarray:
    found = np.zeros((length, width), np.float32)
    for span in spans:
        if span.label in columns:
            first = columns[span.label]
            score = 1.0 if span.score is None else span.score
            found[span.start + 1 : span.end - 1, first + 1] = score
            if span.start < span.end - 1:
                found[span.start, first] = found[span.end - 1, first + 2] = score
            else:
                found[span.start, first + 3] = score
    return found


def _classes(text: str) -> np.ndarray:
    rows = np.zeros((len(text), CLASSES), np.float32)
    for position, character in enumerate(text):
        rows[position, class_of(character)] = CLASS_SCALE
    return rows


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


def _bigrams(text: str, width: int) -> np.ndarray:
    if not text:
        return np.zeros((0, 2 * width), np.float32)
    padded = f"\n{text}\n"
    signs = np.stack([_signs(padded[start : start + 2], width) for start in range(len(text) + 1)])
    return np.concatenate([signs[:-1], signs[1:]], axis=1)


@cache
def _signs(pair: str, width: int) -> np.ndarray:
    digest = blake2b(pair.encode("utf-8", "surrogatepass"), digest_size=width // 8).digest()
    bits = np.unpackbits(np.frombuffer(digest, np.uint8)).astype(np.float32)
    return np.asarray((2 * bits - 1) / np.sqrt(np.float32(width)))


@cache
def _lac(size: Size) -> Lac:
    return load_lac(size)
