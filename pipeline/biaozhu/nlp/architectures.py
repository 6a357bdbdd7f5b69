"""The model under `biaozhu_ner`: a linear layer over any tok2vec, with the scores of a chain, and its optimum."""

# Annotations are evaluated here, not postponed: confection checks a config's values by them.
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import minimize
from spacy.tokens import Doc
from thinc.api import Model
from threadpoolctl import threadpool_limits

from biaozhu.nlp.base_encoder import as_chain, as_emissions
from biaozhu.nlp.crf import Rows, Tagging, loss_and_gradients

# L-BFGS remembers so many steps; it ends where a step gains less than this share of the loss.
MEMORY, TOLERANCE = 10, 1e-5
FREQUENCY_PENALTY = 100.0


def crf_model(
    tok2vec: Model[list[Doc], list[np.ndarray]],
    start: Model[list[Doc], list[np.ndarray]] | None = None,
    trust: float = 0.0,
) -> Model[list[Doc], list[np.ndarray]]:
    """Return a linear layer from a tok2vec to the tags' emissions, with the chain's scores beside it.

    Parameters: `W` (tags, width), `b` (tags,), `chain` (2 + tags, tags; start, stop, steps [from, to]).

    Args:
        tok2vec: what the linear layer learns from.
        start: where learning starts from: untrained, the model says what this says, and the penalty on the parameters
            holds it there until the gold has enough against it. A `LayerEncoder` of one layer without window starts
            from its marks, a `BaseEncoder` of scores from the base model's scores and chain. None starts from nothing.
        trust: of a layer, the emission of a mark with a score of 1, and of O where there is none; of the base model,
            what its scores are multiplied with (its chain is taken as it is).
    """
    return Model(
        "biaozhu_crf",
        _forward,
        init=_init,
        layers=[tok2vec] if start is None else [tok2vec, start],
        dims={"nO": None, "nI": None},
        params={"W": None, "b": None, "chain": None},
        refs={"tok2vec": tok2vec, "start": start},
        attrs={"labels": [], "trust": float(trust)},
    )


def starting_emissions(model: Any, docs: list[Doc]) -> list[np.ndarray]:
    """Return what the layer that a `crf_model` starts from says, as emissions of shape (tokens, tags) for each Doc."""
    start, labels = model.get_ref("start") if model.has_ref("start") else None, model.attrs["labels"]
    tags = model.get_dim("nO")
    if start is None:
        return [np.zeros((len(doc), tags), np.float32) for doc in docs]
    if start.attrs.get("starts"):
        scores = as_emissions(start.attrs["folder"], labels, start.predict(docs))
        return [one * np.float32(model.attrs["trust"]) for one in scores]
    known = start.attrs["labels"]
    found = []
    for marks in start.predict(docs):
        emissions = np.zeros((len(marks), tags), np.float32)
        emissions[:, 0] = 1 - marks.sum(axis=1)
        for position, label in enumerate(labels):
            if label in known:
                # B, I, E and S of a label, in both.
                column = 4 * known.index(label)
                emissions[:, 1 + 4 * position : 5 + 4 * position] = marks[:, column : column + 4]
        found.append(emissions * np.float32(model.attrs["trust"]))
    return found


def starting_chain(model: Any) -> np.ndarray:
    """Return the chain that a `crf_model` starts from, float64 of shape (2 + tags, tags); zeros but for a base model."""
    start, tags = model.get_ref("start") if model.has_ref("start") else None, model.get_dim("nO")
    if start is None or not start.attrs.get("starts"):
        return np.zeros((2 + tags, tags))
    return as_chain(start.attrs["folder"], model.attrs["labels"])


def least_loss(  # noqa: PLR0913 — the problem and how hard to try
    tagging: Tagging,
    vectors: np.ndarray,
    rows: Rows,
    path: np.ndarray,
    *,
    start: np.ndarray,
    chain: np.ndarray,
    penalty: float,
    iterations: int,
    on_step: Callable[[float], None] | None = None,
) -> tuple[dict[str, np.ndarray], float, int]:
    """Find the parameters of least penalised negative log-likelihood, from zero (L-BFGS, Liu and Nocedal 1989).

    Args:
        tagging: the tags.
        vectors: float32 of shape (rows, width).
        rows: how the sentences lie in the rows.
        path: the tag of each row.
        start: what is added to the emissions, float32 of shape (rows, tags).
        chain: what is added to the chain, float64 of shape (2 + tags, tags).
        penalty: the loss has this, over two, times the squared norm of all parameters; those that say how frequent
            tags are (the bias and the chain) weigh a hundredfold, as one article tells little of the next one's.
        iterations: at most so many.
        on_step: called with the loss after each.

    Returns:
        The parameters by name as in `crf_model`, the loss, and the number of steps taken.
    """
    tags, width = len(tagging.tags), vectors.shape[1]
    split = tags * width
    losses = [0.0]
    penalties = np.full(split + tags + (2 + tags) * tags, penalty)
    penalties[split:] *= FREQUENCY_PENALTY

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weights, bias, steps = _unpacked(flat, tags, width)
        emissions = (vectors @ weights.astype(np.float32).T).astype(np.float64) + bias + start
        value, by_emission, by_chain = loss_and_gradients(tagging, chain + steps, emissions, rows, path)
        gradient = np.concatenate(
            [
                (by_emission.astype(np.float32).T @ vectors).ravel().astype(np.float64),
                by_emission.sum(axis=0),
                # What is forbidden has no gradient and stays zero.
                np.where(tagging.allowed, by_chain, 0.0).ravel(),
            ]
        )
        losses[0] = value + float((penalties * flat) @ flat) / 2
        return losses[0], gradient + penalties * flat

    # One thread: the products are small, waiting for each other costs more than it gains, and the order of the sums,
    # so the result, does not hang on the machine's number of cores.
    with threadpool_limits(1):
        result = minimize(
            loss,
            np.zeros(len(penalties)),
            jac=True,
            method="L-BFGS-B",
            callback=None if on_step is None else lambda _: on_step(losses[0]),
            options={"maxiter": iterations, "maxcor": MEMORY, "ftol": TOLERANCE},
        )
    weights, bias, steps = _unpacked(result.x.astype(np.float32), tags, width)
    found = {"W": weights, "b": bias, "chain": (chain + steps).astype(np.float32)}
    return found, float(result.fun), int(result.nit)


def _unpacked(flat: np.ndarray, tags: int, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    split = tags * width
    return (
        flat[:split].reshape(tags, width),
        flat[split : split + tags],
        flat[split + tags :].reshape(2 + tags, tags),
    )


def _init(model: Any, X: list[Doc] | None = None, Y: Any = None) -> None:  # noqa: ARG001, N803 — thinc calls it by these names
    tok2vec = model.get_ref("tok2vec")
    tok2vec.initialize(X=X)
    width, tags = tok2vec.get_dim("nO"), model.get_dim("nO")
    model.set_dim("nI", width)
    model.set_param("W", np.zeros((tags, width), np.float32))
    model.set_param("b", np.zeros(tags, np.float32))
    model.set_param("chain", starting_chain(model).astype(np.float32))


def _forward(
    model: Any,
    docs: list[Doc],
    is_train: bool,  # noqa: FBT001 — thinc calls it so
) -> tuple[list[np.ndarray], Callable[[list[np.ndarray]], Any]]:
    vectors, back = model.get_ref("tok2vec")(docs, is_train)
    weights, bias = model.get_param("W"), model.get_param("b")
    emissions = [
        rows @ weights.T + bias + start
        for rows, start in zip(vectors, starting_emissions(model, docs), strict=True)
    ]

    def backprop(gradients: list[np.ndarray]) -> Any:
        model.inc_grad("W", sum(part.T @ rows for part, rows in zip(gradients, vectors, strict=True)))
        model.inc_grad("b", sum(part.sum(axis=0) for part in gradients))
        return back([part @ weights for part in gradients])

    return emissions, backprop
