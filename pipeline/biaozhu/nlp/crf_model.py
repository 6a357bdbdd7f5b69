"""The model under `biaozhu_ner` and `biaozhu_crf`: a linear layer over any features, with the scores of a chain."""

# Annotations are evaluated here, not postponed: confection checks a config's values by them.
from collections.abc import Callable
from typing import Any

import numpy as np
from spacy.tokens import Doc
from thinc.api import Model

from biaozhu.data.errors import ConfigError
from biaozhu.nlp.crf import OUTSIDE, make_tags

ARCHITECTURE = "biaozhu.Crf.v1"


def crf_model(
    tok2vec: Model[list[Doc], list[Any]],
    prior: Model[list[Doc], list[np.ndarray]] | None = None,
    prior_weight: float = 0.0,
) -> Model[list[Doc], list[np.ndarray]]:
    """Return a linear layer from features to the tags' emissions, with the chain's scores beside it.

    Parameters: `W` (tags, width), `b` (tags,), `chain` (2 + tags, tags; start, stop, steps [from, to]).

    Args:
        tok2vec: gives the features, as arrays or sparse rows.
        prior: where learning begins: untrained, the model says what this says, and `l2` holds it there until the gold
            has enough against it. A `LayerEncoder` of one layer without window, or a `BaseEncoder` of scores.
        prior_weight: what the prior's scores are multiplied with; its chain is taken as it is.
    """
    if prior is not None and len(prior.attrs.get("tags", ())) != prior.get_dim("nO"):
        raise ConfigError(
            "the prior gives no scores of tags",
            where=ARCHITECTURE,
            next_step='Take a LayerEncoder of one layer without window, or a BaseEncoder with part = "scores"',
        )
    return Model(
        "biaozhu_crf",
        _forward,
        init=_initialize,
        layers=[tok2vec] if prior is None else [tok2vec, prior],
        dims={"nO": None, "nI": None},
        params={"W": None, "b": None, "chain": None},
        refs={"tok2vec": tok2vec, "prior": prior},
        attrs={"labels": [], "prior_weight": float(prior_weight)},
    )


def prior_emissions(model: Any, docs: list[Doc]) -> list[np.ndarray]:
    """Return what the prior says, as emissions of shape (tokens, tags) for each Doc."""
    prior, tags = model.maybe_get_ref("prior"), make_tags(model.attrs["labels"])
    if prior is None:
        return [np.zeros((len(doc), len(tags)), np.float32) for doc in docs]
    columns, known = _columns_of(prior, tags)
    found = []
    for scores in prior.predict(docs):
        emissions = np.where(known, scores[:, columns], np.float32(prior.attrs["unknown"]))
        if OUTSIDE not in prior.attrs["tags"]:
            emissions[:, 0] = 1 - scores.sum(axis=1)
        found.append(emissions * np.float32(model.attrs["prior_weight"]))
    return found


def prior_chain(model: Any) -> np.ndarray:
    """Return the chain that the prior has, of shape (2 + tags, tags); zeros where it has none."""
    prior, tags = model.maybe_get_ref("prior"), make_tags(model.attrs["labels"])
    found = np.zeros((2 + len(tags), len(tags)), np.float32)
    if prior is not None and "chain" in prior.attrs:
        columns, known = _columns_of(prior, tags)
        chain = prior.attrs["chain"]
        found[:2] = np.where(known, chain[:2, columns], 0)
        found[2:] = np.where(known[:, None] & known, chain[2:][np.ix_(columns, columns)], 0)
    return found


def _columns_of(prior: Any, tags: tuple[str, ...]) -> tuple[list[int], np.ndarray]:
    # Of B and I tags alone each well-formed path is one of ours, and the other way round.
    there = {tag: column for column, tag in enumerate(prior.attrs["tags"])}
    shorter = [tag[:-1] + {"S": "B", "E": "I"}.get(tag[-1], tag[-1]) for tag in tags]
    found = [there.get(tag, there.get(other, -1)) for tag, other in zip(tags, shorter, strict=True)]
    return found, np.array(found) >= 0


def _initialize(model: Any, X: list[Doc] | None = None, Y: Any = None) -> None:  # noqa: ARG001, N803 — thinc calls it by these names
    tok2vec = model.get_ref("tok2vec")
    tok2vec.initialize(X=X)
    width, tags = tok2vec.get_dim("nO"), model.get_dim("nO")
    model.set_dim("nI", width, force=True)
    model.set_param("W", np.zeros((tags, width), np.float32))
    model.set_param("b", np.zeros(tags, np.float32))
    model.set_param("chain", prior_chain(model))


def _forward(
    model: Any,
    docs: list[Doc],
    is_train: bool,  # noqa: FBT001 — thinc calls it so
) -> tuple[list[np.ndarray], Callable[[list[np.ndarray]], Any]]:
    features, back = model.get_ref("tok2vec")(docs, is_train)
    weights, bias = model.get_param("W"), model.get_param("b")
    emissions = [
        rows @ weights.T + bias + prior
        for rows, prior in zip(features, prior_emissions(model, docs), strict=True)
    ]

    def backprop(gradients: list[np.ndarray]) -> Any:
        model.inc_grad("W", sum(part.T @ rows for part, rows in zip(gradients, features, strict=True)))
        model.inc_grad("b", sum(part.sum(axis=0) for part in gradients))
        return back([part @ weights for part in gradients])

    return emissions, backprop
