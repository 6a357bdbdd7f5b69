"""The model under `biaozhu_ner` and `biaozhu_crf`: a linear layer over any features, with the scores of a chain."""

# Annotations are evaluated here, not postponed: confection checks a config's values by them.
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from spacy.tokens import Doc
from thinc.api import Model

from biaozhu.data.errors import ConfigError
from biaozhu.nlp.bounds import NonNegativeFloat
from biaozhu.nlp.crf import make_tags

ARCHITECTURE = "biaozhu.Crf.v1"


def crf_model(
    tok2vec: Model[list[Doc], list[Any]],
    surface: Model[list[Doc], list[Any]] | None = None,
    prior: Model[list[Doc], list[np.ndarray]] | None = None,
    prior_weight: NonNegativeFloat = 0.0,
) -> Model[list[Doc], list[np.ndarray]]:
    """Return a linear layer from features to the tags' emissions, with the chain's scores beside it.

    Parameters: `W` (tags, width), `b` (tags,), `chain` (2 + tags, tags; start, stop, steps [from, to]). `tok2vec` gives the features,
    as arrays or sparse rows, `surface` sparse rows beside those arrays, such as n-grams. Learning begins at `prior`, a `BaseEncoder`
    with part = "scores" whose scores are multiplied by `prior_weight`, and is held there until the gold has enough against it.
    """
    if prior is not None and not prior.attrs.get("tags"):
        advice = 'Take a BaseEncoder with part = "scores"'
        raise ConfigError("the prior gives no scores of tags", where=ARCHITECTURE, next_step=advice)
    return Model(
        "biaozhu_crf",
        _forward,
        init=_initialize,
        layers=[one for one in (tok2vec, surface, prior) if one is not None],
        dims={"nO": None, "nI": None},
        params={"W": None, "b": None, "chain": None},
        refs={"tok2vec": tok2vec, "surface": surface, "prior": prior},
        attrs={"labels": [], "borrowed": {}, "prior_weight": float(prior_weight)},
    )


def blocks_of(model: Any) -> list[Any]:
    """Return the layers whose features are set side by side, in the order of their columns of `W`."""
    return [one for name in ("tok2vec", "surface") if (one := model.maybe_get_ref(name)) is not None]


def prior_scores(model: Any, docs: list[Doc]) -> list[np.ndarray]:
    """Return what the prior says, before its weight, as emissions of shape (tokens, tags) for each Doc."""
    prior = model.maybe_get_ref("prior")
    if prior is None:
        tags = make_tags(model.attrs["labels"])
        return [np.zeros((len(doc), len(tags)), np.float32) for doc in docs]
    return tag_scores(model, prior.predict(docs), model.attrs["borrowed"])


def tag_scores(
    model: Any, said: list[np.ndarray], borrowed: Mapping[str, str], *, unknown: np.float32 | None = None
) -> list[np.ndarray]:
    """Return what the prior said of each Doc as emissions of the model's tags, with the tags that labels borrow.

    Other tags that the prior does not have get `unknown`, or else what its encoder says of such.
    """
    prior, tags = model.get_ref("prior"), make_tags(model.attrs["labels"])
    given = {tag: column for column, tag in enumerate(prior.attrs["tags"])}
    lent = {tag: len(given) + column for column, tag in enumerate(prior.attrs["offered"])}
    parts = (tag.rpartition("-") for tag in tags)
    borrowing = [f"{borrowed.get(label)}-{part}" for label, _, part in parts]
    columns = [given.get(tag, lent.get(other, -1)) for tag, other in zip(tags, borrowing, strict=True)]
    known = np.array(columns) >= 0
    dropped = [column for tag, column in given.items() if tag not in tags]
    lowest = np.float32(prior.attrs["unknown"]) if unknown is None else unknown
    found = []
    for scores in said:
        emissions = np.where(known, scores[:, columns], lowest)
        # What the prior marks with a label that the model does not have is outside.
        emissions[:, 0] = scores[:, [0, *dropped]].max(axis=1)
        found.append(emissions)
    return found


def _initialize(model: Any, X: list[Doc] | None = None, Y: Any = None) -> None:  # noqa: ARG001, N803 — thinc calls it by these names
    blocks, tags = blocks_of(model), model.get_dim("nO")
    for block in blocks:
        block.initialize(X=X)
    width = sum(block.get_dim("nO") for block in blocks)
    model.set_dim("nI", width, force=True)
    model.set_param("W", np.zeros((tags, width), np.float32))
    model.set_param("b", np.zeros(tags, np.float32))
    model.set_param("chain", np.zeros((2 + tags, tags), np.float32))


def _forward(
    model: Any,
    docs: list[Doc],
    is_train: bool,  # noqa: FBT001 — thinc calls it so
) -> tuple[list[np.ndarray], Callable[[list[np.ndarray]], Any]]:
    blocks, weights = blocks_of(model), model.get_param("W")
    made = [block(docs, is_train) for block in blocks]
    parts = np.split(weights, np.cumsum([block.get_dim("nO") for block in blocks])[:-1], axis=1)
    emissions = [
        np.asarray(sum((rows @ part.T for rows, part in zip(row, parts, strict=True)), model.get_param("b")))
        + prior * np.float32(model.attrs["prior_weight"])
        for *row, prior in zip(*(rows for rows, _ in made), prior_scores(model, docs), strict=True)
    ]

    def backprop(gradients: list[np.ndarray]) -> Any:
        by_block = [
            sum(np.asarray(gradient.T @ rows) for gradient, rows in zip(gradients, features, strict=True))
            for features, _ in made
        ]
        model.inc_grad("W", np.concatenate(by_block, axis=1))
        model.inc_grad("b", sum(part.sum(axis=0) for part in gradients))
        # The surface has nothing to learn.
        return made[0][1]([gradient @ parts[0] for gradient in gradients])

    return emissions, backprop
