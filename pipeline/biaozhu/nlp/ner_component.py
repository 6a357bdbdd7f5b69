"""The pipeline component `biaozhu_ner`: emissions from any tok2vec, a CRF over them, spans with probabilities.

Where the tok2vec has no parameters of its own the rest is a convex problem, which `fit` solves with L-BFGS from
zero: no learning rate, no seed, the same result each time. `update` takes part in spaCy's own training as well.
"""

# Annotations are evaluated here, not postponed: confection checks a config's values by them.
from collections.abc import Callable, Iterable, Sequence, Sized
from typing import Any

import numpy as np
import spacy
from spacy.language import Language
from spacy.pipeline import TrainablePipe
from spacy.tokens import Doc, SpanGroup
from spacy.training import Example
from spacy.vocab import Vocab
from thinc.api import Model, Optimizer

from biaozhu.data.errors import TrainingError
from biaozhu.nlp.architectures import least_loss, starting_chain, starting_emissions
from biaozhu.nlp.bounds import Probability
from biaozhu.nlp.crf import (
    Tagging,
    best_path,
    decode,
    encode,
    forward_backward,
    loss_and_gradients,
    make_rows,
    make_tagging,
    span_probabilities,
)

# The key of doc.spans where the spans stand with their probabilities, as spaCy's span categorizer has it:
# doc.spans[SPANS_KEY].attrs["scores"][i] is that of doc.spans[SPANS_KEY][i].
SPANS_KEY = "biaozhu_ner"
DEFAULT_MODEL = """
[model]
@architectures = "biaozhu.Crf.v1"

[model.tok2vec]
@architectures = "biaozhu.LacEncoder.v1"
size = "large"
window = 2
"""
DEFAULTS = spacy.util.load_config_from_str(DEFAULT_MODEL)


class CharNer(TrainablePipe):  # type: ignore[misc]
    """A named entity recognizer with a linear-chain CRF; sets `doc.ents` and `doc.spans["biaozhu_ner"]`.

    Args:
        vocab: the pipeline's.
        model: a `biaozhu.Crf.v1`.
        name: of this component.
        penalty: weight of the squared norm of all parameters in the loss of `fit`.
        iterations: at most so many steps of L-BFGS.
        least: a span of the best path is given if its probability is at least this.
    """

    def __init__(
        self,
        vocab: Vocab,
        model: Model[Any, Any],
        name: str,
        *,
        penalty: float,
        iterations: int,
        least: float = 0.0,
    ) -> None:
        self.vocab = vocab
        self.model: Any = model
        self.name = name
        self.cfg: dict[str, Any] = {
            "labels": [],
            "penalty": penalty,
            "iterations": iterations,
            "least": least,
        }

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, sorted."""
        return tuple(self.cfg["labels"])

    @property
    def label_data(self) -> list[str]:
        """What `initialize` takes as `labels`."""
        return list(self.labels)

    @property
    def tagging(self) -> Tagging:
        """The tags of the labels."""
        return make_tagging(self.labels)

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,  # noqa: ARG002 — spaCy passes it to every component
        labels: Sequence[str] | None = None,
    ) -> None:
        """Set the labels, from the examples where none are given, and parameters of zero."""
        found = {span.label_ for example in get_examples() for span in example.reference.ents}
        self.cfg["labels"] = sorted(found if labels is None else labels)
        self.model.set_dim("nO", len(self.tagging.tags))
        self.model.attrs["labels"] = list(self.labels)
        sample = [example.reference for example in list(get_examples())[:10]]
        self.model.initialize(X=sample)

    def predict(self, docs: Iterable[Doc]) -> list[list[tuple[int, int, str, float]]]:
        """Return for each Doc its spans: token, token after the last, label, probability."""
        docs = list(docs)
        if not docs or not self.labels:
            return [[] for _ in docs]
        found = scored_spans(
            self.labels, self.model.get_param("chain").astype(np.float64), self.model.predict(docs)
        )
        # A model that was saved before there was such a bound has none.
        least = self.cfg.get("least", 0.0)
        return [[span for span in spans if span[-1] >= least] for spans in found]

    def set_annotations(
        self, docs: Iterable[Doc], scores: Sequence[Sequence[tuple[int, int, str, float]]]
    ) -> None:
        """Set `doc.ents` and the span group with the probabilities."""
        annotate_docs(docs, scores)

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,  # noqa: ARG002 — spaCy passes it; a linear layer drops nothing
        sgd: Optimizer | None = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Take one step of gradient descent, through the tok2vec where that can learn."""
        losses = {} if losses is None else losses
        examples = list(examples)
        order = _longest_first([example.predicted for example in examples])
        losses.setdefault(self.name, 0.0)
        if not order:
            return losses
        chosen = [examples[index] for index in order]
        emissions, backprop = self.model.begin_update([example.predicted for example in chosen])
        rows = make_rows([len(example.predicted) for example in chosen])
        loss, by_emission, by_chain = loss_and_gradients(
            self.tagging,
            self.model.get_param("chain").astype(np.float64),
            np.concatenate(emissions).astype(np.float64),
            rows,
            self._gold(chosen),
        )
        self.model.inc_grad("chain", by_chain.astype(np.float32))
        backprop(np.split(by_emission.astype(np.float32), rows.firsts[1:]))
        if sgd is not None:
            self.finish_update(sgd)
        losses[self.name] += loss
        return losses

    def fit(
        self, examples: Iterable[Example], *, on_step: Callable[[float], None] | None = None
    ) -> dict[str, float]:
        """Find the parameters with the least penalised loss, the tok2vec staying as it is.

        Args:
            examples: the training data; empty ones are passed over.
            on_step: called after each step with the loss.

        Returns:
            `loss`, `steps` and `tokens`.

        Raises:
            TrainingError: there is nothing to learn from.
        """
        examples = list(examples)
        chosen = [examples[index] for index in _longest_first([example.predicted for example in examples])]
        if not chosen or not self.labels:
            raise TrainingError("the gold has no spans to learn from", next_step="Give gold with spans")
        docs = [example.predicted for example in chosen]
        vectors = np.concatenate(self.model.get_ref("tok2vec").predict(docs))
        rows = make_rows([len(example.predicted) for example in chosen])
        found, loss, steps = least_loss(
            self.tagging,
            vectors,
            rows,
            self._gold(chosen),
            start=np.concatenate(starting_emissions(self.model, docs)),
            chain=starting_chain(self.model),
            penalty=self.cfg["penalty"],
            iterations=self.cfg["iterations"],
            on_step=on_step,
        )
        for name, value in found.items():
            self.model.set_param(name, value)
        return {"loss": loss, "steps": float(steps), "tokens": float(len(vectors))}

    @property
    def is_frozen_below(self) -> bool:
        """Whether the tok2vec has nothing to learn, so that `fit` finds all there is to find."""
        # A shim is a network of another library, such as PyTorch, whose parameters thinc does not name.
        return not any(node.param_names or node.shims for node in self.model.get_ref("tok2vec").walk())

    def _gold(self, examples: Sequence[Example]) -> np.ndarray:
        tagging = self.tagging
        return np.concatenate([gold_path(tagging, example) for example in examples])


@Language.factory(
    "biaozhu_ner",
    assigns=["doc.ents", "token.ent_iob", "token.ent_type", "doc.spans"],
    default_config={"model": DEFAULTS["model"], "penalty": 0.3, "iterations": 200, "least": 0.0},
    default_score_weights={"ents_f": 1.0, "ents_p": 0.0, "ents_r": 0.0, "ents_per_type": None},
)
def make_ner(
    nlp: Language,
    name: str,
    model: Model[list[Doc], list[np.ndarray]],
    penalty: float,
    iterations: int,
    least: Probability,
) -> CharNer:
    """Make the component a config names as `biaozhu_ner`."""
    return CharNer(nlp.vocab, model, name, penalty=penalty, iterations=iterations, least=least)


def scored_spans(
    labels: Sequence[str], chain: np.ndarray, emissions: Sequence[np.ndarray]
) -> list[list[tuple[int, int, str, float]]]:
    """Return the spans of the best paths: token, token after the last, label, probability.

    Args:
        labels: sorted.
        chain: see `crf.forward_backward`.
        emissions: for each Doc, float of shape (tokens, tags).
    """
    found: list[list[tuple[int, int, str, float]]] = [[] for _ in emissions]
    filled = _longest_first(emissions)
    if not filled or not labels:
        return found
    tagging = make_tagging(labels)
    joined = np.concatenate([emissions[index] for index in filled]).astype(np.float64)
    rows = make_rows([len(emissions[index]) for index in filled])
    path = best_path(tagging, chain, joined, rows)
    passed = forward_backward(tagging, chain, joined, rows)
    for index, first, length in zip(filled, rows.firsts.tolist(), rows.lengths.tolist(), strict=True):
        spans = decode(tagging, path[first : first + length])
        scores = span_probabilities(
            tagging, chain, passed, path, [(first + start, first + end) for start, end, _ in spans]
        )
        found[index] = [(*span, score) for span, score in zip(spans, scores, strict=True)]
    return found


def annotate_docs(docs: Iterable[Doc], scores: Sequence[Sequence[tuple[int, int, str, float]]]) -> None:
    """Set `doc.ents` and the span group with the probabilities of each Doc."""
    for doc, spans in zip(docs, scores, strict=True):
        made = [spacy.tokens.Span(doc, start, end, label=label) for start, end, label, _ in spans]
        doc.set_ents(made)
        doc.spans[SPANS_KEY] = SpanGroup(
            doc, name=SPANS_KEY, spans=made, attrs={"scores": [score for *_, score in spans]}
        )


def gold_path(tagging: Tagging, example: Example) -> np.ndarray:
    """Return the tag of each token of an example's prediction, int of shape (tokens,)."""
    spans = example.get_aligned_spans_y2x(example.reference.ents)
    return encode(tagging, len(example.predicted), [(one.start, one.end, one.label_) for one in spans])


def _longest_first(docs: Sequence[Sized]) -> list[int]:
    order = sorted(range(len(docs)), key=lambda index: -len(docs[index]))
    return [index for index in order if len(docs[index])]
