"""Training of our recognizer outright, over features that do not learn: by L-BFGS (see `descent`), or by CRFsuite.

Both find the best parameters of all examples at once. CRFsuite (Okazaki 2007, package python-crfsuite, MIT) is read once, right after
training, as a table of numbers, so a saved model does not need it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
from spacy.tokens import Doc
from spacy.training import Example

from biaozhu.data.errors import TrainingError, extra_advice
from biaozhu.nlp.crf_model import blocks_of, prior_scores, tag_scores
from biaozhu.nlp.ner_component import CrfNer
from biaozhu.nlp.ngrams import ENCODER as NGRAMS
from biaozhu.training import descent
from biaozhu.training.choosing import Learned, choose_hold, compare_with_start
from biaozhu.training.replay import count_kept, make_replay, replay_problem

# CRFsuite's algorithms, and which of our settings each takes under which name.
ALGORITHMS: Mapping[str, Mapping[str, str]] = {
    "crfsuite": {"c1": "l1", "c2": "l2", "max_iterations": "iterations"},
    "ap": {"max_iterations": "iterations"},
}

OnLoss = Callable[[float], None]


def can_solve(component: Any) -> TypeGuard[CrfNer]:
    """Tell whether a component is our recognizer and its features have nothing to learn."""
    # A shim is a network of another library, such as PyTorch, whose parameters thinc does not name.
    return isinstance(component, CrfNer) and not any(
        node.param_names or node.shims for node in component.model.get_ref("tok2vec").walk()
    )


def solve(
    component: CrfNer,
    examples: Sequence[Example],
    groups: Sequence[str],
    *,
    make_doc: Callable[[str], Doc] | None = None,
    on_step: OnLoss = lambda _: None,
) -> Learned | None:
    """Set the parameters of least loss of an initialized component, and return what it learned against its start, if it has one.

    `groups` are the examples' articles, for the choice among `holds`, of which those with a replay need `make_doc` of the pipeline;
    `on_step` is called after each step with the loss. TrainingError says that there is nothing to learn from, or that python-crfsuite is
    not installed.
    """
    if not component.labels:
        raise TrainingError("the gold has no spans to learn from", next_step="Give gold with spans")
    model, settings, docs = component.model, component.cfg, [example.predicted for example in examples]
    holds = _read_holds(settings["holds"], len(blocks_of(model)), where=f"components.{component.name}.holds")
    holds = holds if model.maybe_get_ref("prior") is not None else []
    lengths = np.array([len(doc) for doc in docs])
    again, apart = ([], []) if make_doc is None or not holds else make_replay(make_doc, int(lengths.sum()))
    features, said = _read_texts(model, list(filter(None, (docs, again, apart))))
    if settings["algorithm"] in ALGORITHMS:
        _solve_by_crfsuite(component, features[0], examples, on_step)
        return None
    blocks, places, shares = zip(*map(descent.merge_columns, features), strict=True)
    cuts = np.cumsum([lengths.sum(), *(sum(map(len, some)) for some in (again, apart))])
    gold, *others = ([block[begin:end] for block in blocks] for begin, end in zip([0, *cuts], cuts, strict=False))
    scores = tag_scores(model, said[: len(docs)], model.attrs["borrowed"]) if said else prior_scores(model, docs)
    prior, path = np.concatenate(scores), component.read_path(examples)
    problem = descent.CrfProblem(tuple(docs), component.labels, tuple(gold), prior, path, lengths)
    if again:
        of_apart = said[len(docs) + len(again) :]
        replayed = replay_problem(model, component.labels, again, others[0], said[len(docs) : -len(apart)])
        watched = replay_problem(model, component.labels, apart, others[1], of_apart)
        problem = replace(problem, replay=replayed)

    def prior_from(texts: Sequence[int]) -> np.ndarray:
        # Tags are borrowed by what the gold says, which a held-out sentence must not tell.
        borrowed = component.borrow_tags([examples[at].reference for at in texts])
        if borrowed == model.attrs["borrowed"]:
            return prior
        return np.concatenate(tag_scores(model, said[: len(docs)], borrowed))

    hold: descent.Hold | None = descent.Hold(model.attrs["prior_weight"], (settings["l2"],) * len(blocks))
    comparison = None
    if holds:
        hold, comparison, parts = choose_hold(problem, holds, groups, prior_from)
    flat = np.zeros(sum(problem.sizes))
    if hold is not None:
        model.attrs["prior_weight"] = hold.prior_weight
        flat = descent.solve_problem(problem, hold, iterations=settings["iterations"], on_step=on_step)
    merged, bias, chain = descent.unpack(problem, flat.astype(np.float32))
    weights = [(one[:, at] * share).astype(np.float32) for one, at, share in zip(merged, places, shares, strict=True)]
    for name, value in (("W", np.concatenate(weights, axis=1)), ("b", bias), ("chain", chain)):
        model.set_param(name, value)
    if comparison is None:
        return None
    own = descent.predict(problem, hold or descent.START, flat)
    changed = compare_with_start(
        problem, descent.read_gold(problem), descent.predict(problem, descent.START, None), own
    )
    kept = count_kept(watched, model, hold or descent.START, flat, of_apart) if again else None
    return Learned(hold, changed, comparison, dict(model.attrs["borrowed"]), parts, kept)


def _read_texts(model: Any, groups: Sequence[list[Doc]]) -> tuple[list[list[Any]], list[np.ndarray]]:
    """Return the features of all texts for each block, and what the prior says of them, nothing where there is none.

    Each group by itself: a name is looked for again in all texts that are read together, and the networks keep what they read last.
    """
    prior = model.maybe_get_ref("prior")
    read = [
        ([block.predict(docs) for block in blocks_of(model)], prior.predict(docs) if prior is not None else [])
        for docs in groups
    ]
    features, said = zip(*read, strict=True)
    return [list(chain.from_iterable(rows)) for rows in zip(*features, strict=True)], list(chain.from_iterable(said))


def _solve_by_crfsuite(
    component: CrfNer, features: Sequence[Any], examples: Sequence[Example], on_step: OnLoss
) -> None:
    model, settings, algorithm = component.model, component.cfg, component.cfg["algorithm"]
    if model.get_ref("tok2vec").name != NGRAMS:
        raise TrainingError("CRFsuite takes n-grams only", where=component.name, next_step='Take algorithm = "lbfgs"')
    try:
        import pycrfsuite  # noqa: PLC0415 — an extra
    except ModuleNotFoundError:
        raise TrainingError("python-crfsuite is not installed", next_step=extra_advice("crf")) from None

    class Watched(pycrfsuite.Trainer):  # type: ignore[misc]  # its way to be told of each iteration
        def message(self, message: str) -> None:
            if self.logparser.feed(message) == "iteration":
                on_step(float(self.logparser.last_iteration.get("loss") or 0.0))

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
    weights, chain = np.zeros_like(model.get_param("W")), np.zeros_like(model.get_param("chain"))
    for (feature, tag), weight in found.state_features.items():
        weights[int(tag), int(feature)] = weight
    for (one, other), weight in found.transitions.items():
        chain[2 + int(one), int(other)] = weight
    model.set_param("W", weights)
    model.set_param("chain", chain)


def _read_holds(given: Sequence[Sequence[float]], blocks: int, *, where: str) -> list[descent.Hold]:
    for one in given:
        if len(one) - blocks not in (1, 2) or one[0] <= 0 or min(one) < 0:
            what = f"{one} needs a prior weight above 0 and {blocks} values of l2, then at most the weight of what is replayed, none below 0"
            raise TrainingError(what, where=where, next_step="Correct it")
    return [descent.Hold(one[0], tuple(one[1 : 1 + blocks]), sum(one[1 + blocks :])) for one in given]
