"""Training of our recognizer outright, over features that do not learn: L-BFGS of our own, or CRFsuite.

Both find the best parameters of all examples at once. L-BFGS starts from zero: no learning rate, no seed, the same
result each time (Liu and Nocedal 1989). CRFsuite (Okazaki 2007, package python-crfsuite, MIT) is read once, right after
training, as a table of numbers, so a saved model does not need it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
from scipy import sparse
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from biaozhu.data.errors import TrainingError, extra_advice
from biaozhu.nlp.crf import build_chain, make_tags, pad_batches, sum_losses
from biaozhu.nlp.crf_model import prior_chain, prior_emissions
from biaozhu.nlp.ner_component import CrfNer
from biaozhu.nlp.ngrams import ENCODER as NGRAMS

if TYPE_CHECKING:
    from spacy.training import Example

# L-BFGS remembers so many steps; it ends where a step gains less than this share of the loss.
MEMORY, TOLERANCE = 10, 1e-5
# The bias and the chain say how frequent tags are, which one article tells little of the next one's.
FREQUENCY_PENALTY = 100.0
# CRFsuite's algorithms, and which of our settings each takes under which name.
ALGORITHMS: Mapping[str, Mapping[str, str]] = {
    "crfsuite": {"c1": "l1", "c2": "l2", "max_iterations": "iterations"},
    "ap": {"max_iterations": "iterations"},
}

OnLoss = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Solution:
    """Steps of a solver, and the loss at its end."""

    steps: int
    loss: float


def can_solve(component: Any) -> TypeGuard[CrfNer]:
    """Tell whether a component is our recognizer and its features have nothing to learn."""
    # A shim is a network of another library, such as PyTorch, whose parameters thinc does not name.
    return isinstance(component, CrfNer) and not any(
        node.param_names or node.shims for node in component.model.get_ref("tok2vec").walk()
    )


def solve(component: CrfNer, examples: Sequence[Example], *, on_step: OnLoss = lambda _: None) -> Solution:
    """Set the parameters of least loss.

    Args:
        component: initialized.
        examples: the training data; empty ones are passed over.
        on_step: called after each step with the loss.

    Raises:
        TrainingError: there is nothing to learn from, or python-crfsuite is not installed.
    """
    chosen = [example for example in examples if len(example.predicted)]
    if not chosen or not component.labels:
        raise TrainingError("the gold has no spans to learn from", next_step="Give gold with spans")
    tok2vec = component.model.get_ref("tok2vec")
    features = tok2vec.predict([example.predicted for example in chosen])
    if component.cfg.get("algorithm") in ALGORITHMS:
        if tok2vec.name != NGRAMS:
            raise TrainingError(
                "CRFsuite takes n-grams only", where=component.name, next_step='Take algorithm = "lbfgs"'
            )
        return _solve_by_crfsuite(component, features, chosen, on_step)
    # One thread: the products are small, waiting for each other costs more than it gains, and the order of the sums,
    # so the result, does not hang on the machine's number of cores.
    with threadpool_limits(1):
        return _solve_by_descent(component, features, chosen, on_step)


def _solve_by_descent(
    component: CrfNer, features: Sequence[Any], examples: Sequence[Example], on_step: OnLoss
) -> Solution:
    model = component.model
    tags, width = len(make_tags(component.labels)), features[0].shape[1]
    batches = pad_batches([one.shape[0] for one in features])
    rows = sparse.vstack(features, "csr") if sparse.issparse(features[0]) else np.concatenate(features)
    path = component.read_path(examples)
    prior = np.concatenate(prior_emissions(model, [example.predicted for example in examples]))
    start = prior_chain(model)
    chain = build_chain(component.labels, start)
    cuts = tags * width, tags * width + tags
    penalties = np.full(cuts[1] + start.size, component.cfg["l2"])
    penalties[cuts[0] :] *= FREQUENCY_PENALTY
    losses = [0.0]

    def unpack(flat: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        weights, bias, steps = np.split(flat, cuts)
        return weights.reshape(tags, width), bias, steps.reshape(start.shape)

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weights, bias, steps = unpack(flat)
        moved = replace(
            chain, start=chain.start + steps[0], stop=chain.stop + steps[1],
            transitions=chain.transitions + steps[2:],
        )  # fmt: skip
        emissions = (rows @ weights.astype(np.float32).T).astype(np.float64) + bias + prior
        value, by_emission, by_chain = sum_losses(moved, emissions, path, batches)
        by_weight = (by_emission.astype(np.float32).T @ rows).astype(np.float64)
        gradient = np.concatenate([by_weight.ravel(), by_emission.sum(axis=0), by_chain.ravel()])
        losses[0] = value + float((penalties * flat) @ flat) / 2
        return losses[0], gradient + penalties * flat

    result = minimize(
        loss,
        np.zeros(len(penalties)),
        jac=True,
        method="L-BFGS-B",
        callback=lambda _: on_step(losses[0]),
        options={"maxiter": component.cfg["iterations"], "maxcor": MEMORY, "ftol": TOLERANCE},
    )
    weights, bias, steps = unpack(result.x.astype(np.float32))
    for name, value in (("W", weights), ("b", bias), ("chain", start + steps)):
        model.set_param(name, value)
    return Solution(int(result.nit), float(result.fun))


def _solve_by_crfsuite(
    component: CrfNer,
    features: Sequence[Any],
    examples: Sequence[Example],
    on_step: OnLoss,
) -> Solution:
    try:
        import pycrfsuite  # noqa: PLC0415 — an extra
    except ModuleNotFoundError:
        raise TrainingError("python-crfsuite is not installed", next_step=extra_advice("train")) from None
    losses: list[float] = []

    class Watched(pycrfsuite.Trainer):  # type: ignore[misc]  # its way to be told of each iteration
        def message(self, message: str) -> None:
            if self.logparser.feed(message) == "iteration":
                losses.append(float(self.logparser.last_iteration.get("loss") or 0.0))
                on_step(losses[-1])

    settings, algorithm = component.cfg, component.cfg["algorithm"]
    given = {name: settings[ours] for name, ours in ALGORITHMS[algorithm].items()}
    trainer = Watched(algorithm=algorithm.replace("crfsuite", "lbfgs"), params=given, verbose=False)
    for rows, example in zip(features, examples, strict=True):
        # Numbers in place of the n-grams: what CRFsuite tells of its model must be easy to read back.
        numbered = [list(map(str, some)) for some in np.split(rows.indices, rows.indptr[1:-1])]
        trainer.append(numbered, list(map(str, component.read_path([example]))))
    with tempfile.TemporaryDirectory(prefix="biaozhu-") as folder:
        file = str(Path(folder) / "crf")
        trainer.train(file)
        tagger = pycrfsuite.Tagger()
        tagger.open(file)
        found = tagger.info()
        tagger.close()
    model = component.model
    weights, chain = np.zeros_like(model.get_param("W")), np.zeros_like(model.get_param("chain"))
    for (feature, tag), weight in found.state_features.items():
        weights[int(tag), int(feature)] = weight
    for (one, other), weight in found.transitions.items():
        chain[2 + int(one), int(other)] = weight
    model.set_param("W", weights)
    model.set_param("chain", chain)
    return Solution(len(losses), losses[-1] if losses else 0.0)
