"""The pipeline components `biaozhu_ner` and `biaozhu_crf`: one recognizer, a linear-chain CRF, over two kinds of features.

`biaozhu_ner` takes any tok2vec, `biaozhu_crf` n-grams of characters. Where the features have no parameters of their own
the rest is a convex problem, which `biaozhu train` solves outright; `spacy train` descends by `update`.
"""

# Annotations are evaluated here, not postponed: confection checks a config's values by them.
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

import numpy as np
from spacy.language import Language
from spacy.pipeline import TrainablePipe
from spacy.tokens import Doc, Span
from spacy.training import Example
from thinc.api import Model, Optimizer

from biaozhu.nlp import crf
from biaozhu.nlp.bounds import NonNegativeFloat, PositiveInt, Probability
from biaozhu.nlp.crf_model import ARCHITECTURE, blocks_of
from biaozhu.nlp.encoders import WORD_TAGS, find_words
from biaozhu.nlp.ngrams import ENCODER as NGRAMS
from biaozhu.nlp.scorer import SCORER, keep_spans

# As spaCy's span categorizer has it: doc.spans[key].attrs["scores"][i] is the probability of doc.spans[key][i].
SPANS_KEY = "biaozhu_ner"
INITIAL_SAMPLE = 10
LABEL_SAMPLE, CONTRADICTED = 1000, 5
# A tag is borrowed only if it has so many of the label's spans in the gold, and at least this strict F1 there.
MIN_AGREED, MIN_F1 = 2, 0.25
# Of parts of speech more: that nouns are a label's in a few sentences says nothing of the nouns of other texts.
MIN_AGREED_OF = {"m": 20, "n": 20, "q": 20}
# Beside those of the class.
DEFAULTS: dict[str, dict[str, Any]] = {
    "biaozhu_ner": {
        "model": {
            "@architectures": ARCHITECTURE,
            "tok2vec": {"@architectures": "biaozhu.LacEncoder.v1", "size": "large", "window": 2},
        },
    },
    "biaozhu_crf": {
        "algorithm": "crfsuite",
        "iterations": 100,
        "l1": 0.1,
        "l2": 0.01,
        "model": {"@architectures": ARCHITECTURE, "tok2vec": {"@architectures": "biaozhu.NgramEncoder.v1"}},
    },
}
Scorer = Callable[..., dict[str, Any]] | None


class CrfNer(TrainablePipe):  # type: ignore[misc]
    """A named entity recognizer with a linear-chain CRF, that a config names as `biaozhu_ner` or `biaozhu_crf`.

    Args:
        model: a `biaozhu.Crf.v1`.
        algorithm: of `biaozhu train`: `lbfgs` is our own; `crfsuite`, and `ap`, its averaged perceptron, which is quick
            and has no use for penalties, take n-grams only.
        iterations: at most so many.
        l1: weight of the sum of the weights' magnitudes in the loss, of `crfsuite` only.
        l2: weight of the sum of their squares (`lbfgs`: half of it).
        holds: of `lbfgs`: how strongly the model may be held to its prior, the strongest first: `prior_weight`, `l2` of the
            tok2vec and of the surface. Cross-validation over the training data chooses; empty takes the values above.
        min_score: a span of the best path is given if its probability is at least this.
        spans_key: the group in `doc.spans` that gets the spans, with their probabilities.
        set_ents: whether to add to `doc.ents`, too, what overlaps nothing there.
        scorer: a `biaozhu.ner_scorer.v1`.
    """

    def __init__(  # noqa: PLR0913 — the settings of a config
        self,
        nlp: Language,
        name: str,
        model: Model[list[Doc], list[np.ndarray]],
        *,
        algorithm: Literal["lbfgs", "crfsuite", "ap"] = "lbfgs",
        iterations: PositiveInt = 200,
        l1: NonNegativeFloat = 0.0,
        l2: NonNegativeFloat = 0.3,
        holds: list[list[float]] = [],  # noqa: B006 — never changed
        min_score: Probability = 0.0,
        spans_key: str = SPANS_KEY,
        set_ents: bool = True,
        scorer: Scorer = None,
    ) -> None:
        self.vocab, self.name, self.scorer = nlp.vocab, name, scorer
        self.model: Any = model
        self.cfg: dict[str, Any] = {
            "labels": [],
            "min_score": min_score,
            "spans_key": spans_key or SPANS_KEY,
            "set_ents": set_ents,
            "algorithm": algorithm,
            "iterations": iterations,
            "l1": l1,
            "l2": l2,
            "holds": holds,
        }

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, sorted."""
        return tuple(self.cfg["labels"])

    @property
    def label_data(self) -> list[str]:
        """The value that `initialize` takes as `labels`."""
        return list(self.labels)

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,  # noqa: ARG002 — spaCy passes it to every component
        labels: Sequence[str] | None = None,
    ) -> None:
        """Set the labels, from the examples where none are given, and parameters of zero."""
        references = [example.reference for example in get_examples()]
        self.cfg["labels"] = sorted(self._find_labels(references) if labels is None else labels)
        self.model.set_dim("nO", len(crf.make_tags(self.labels)), force=True)
        self.model.attrs["labels"] = list(self.labels)
        self.model.attrs["borrowed"] = self.borrow_tags(references)
        everything = any(block.name == NGRAMS for block in blocks_of(self.model))
        self.model.initialize(X=references if everything else references[:INITIAL_SAMPLE])

    def _find_labels(self, docs: list[Doc]) -> set[str]:
        """Return the labels of the gold, and those of the prior that the gold does not contradict.

        It does where it has spans of other labels alone, and where the prior marks one `CONTRADICTED` times that the gold never
        has: then the gold's guideline has no such label.
        """
        found = {span.label_ for doc in docs for span in doc.ents}
        prior = self.model.maybe_get_ref("prior")
        if prior is None:
            return found
        tags = prior.attrs["tags"]
        begun = [column for column, tag in enumerate(tags) if tag.endswith(("-B", "-S"))]
        labels = {tags[column][:-2] for column in begun}
        if found and found.isdisjoint(labels):
            return found
        marked: Counter[str] = Counter()
        for rows in prior.predict(_sample_texts(docs)):
            best = rows[:, : len(tags)].argmax(axis=1)
            marked.update(tags[column][:-2] for column in best[np.isin(best, begun)].tolist())
        return found | {label for label in labels if marked[label] < CONTRADICTED}

    def borrow_tags(self, docs: Sequence[Doc]) -> dict[str, str]:
        """Choose for each label that the prior lacks the tag of LAC's whose words agree best with the gold, if one does.

        LAC tags organisations, works and times, so such a label need not begin from nothing.
        """
        prior = self.model.maybe_get_ref("prior")
        if prior is None or not prior.attrs["beside"]:
            return {}
        new = [label for label in self.labels if f"{label}-B" not in prior.attrs["tags"]]
        if not new:
            return {}
        docs = _sample_texts(docs)
        gold: Counter[str] = Counter()
        found: Counter[str] = Counter()
        agreed: Counter[tuple[str, str]] = Counter()
        for doc, words in zip(docs, find_words(prior.attrs["beside"], [doc.text for doc in docs]), strict=True):
            spans = {(span.start_char, span.end_char): span.label_ for span in doc.ents}
            gold.update(spans.values())
            found.update(word.tag for word in words)
            agreed.update((spans[word.start, word.end], word.tag) for word in words if (word.start, word.end) in spans)
        chosen = {}
        for label in new:
            enough = [tag for tag in WORD_TAGS if agreed[label, tag] >= MIN_AGREED_OF.get(tag, MIN_AGREED)]
            scores = {tag: 2 * agreed[label, tag] / (gold[label] + found[tag]) for tag in enough}
            best = max(enough, key=scores.__getitem__, default="")
            if best and scores[best] >= MIN_F1:
                chosen[label] = best
        return chosen

    def predict(self, docs: Iterable[Doc]) -> list[list[crf.TokenSpan]]:
        """Return the spans of each Doc, with their probabilities."""
        docs = list(docs)
        if not docs or not self.labels:
            return [[] for _ in docs]
        chain = crf.build_chain(self.labels, self.model.get_param("chain"))
        found = crf.find_spans(chain, self.model.predict(docs))
        return [[span for span in spans if span.score >= self.cfg["min_score"]] for spans in found]

    def set_annotations(self, docs: Iterable[Doc], scores: Sequence[Sequence[crf.TokenSpan]]) -> None:
        """Keep the spans in `doc.spans`, with their probabilities, and add to `doc.ents` what overlaps nothing there."""
        for doc, found in zip(docs, scores, strict=True):
            spans = [Span(doc, one.start, one.end, label=one.label) for one in found]
            keep_spans(doc, spans, [one.score for one in found], self.cfg["spans_key"], set_ents=self.cfg["set_ents"])

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,  # noqa: ARG002 — spaCy passes it; a linear layer drops nothing
        sgd: Optimizer | Literal[False] | None = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Take one step of gradient descent, through the tok2vec where that can learn."""
        losses = {} if losses is None else losses
        losses.setdefault(self.name, 0.0)
        examples = [example for example in examples if len(example.predicted)]
        if not examples:
            return losses
        emissions, backprop = self.model.begin_update([example.predicted for example in examples])
        lengths = [len(one) for one in emissions]
        loss, by_emission, by_chain = crf.sum_losses(
            crf.build_chain(self.labels, self.model.get_param("chain")),
            np.concatenate(emissions),
            self.read_path(examples),
            crf.pad_batches(lengths),
        )
        self.model.inc_grad("chain", by_chain.astype(np.float32))
        backprop(np.split(by_emission.astype(np.float32), np.cumsum(lengths)[:-1]))
        if sgd:
            self.finish_update(sgd)
        losses[self.name] += loss
        return losses

    def read_path(self, examples: Iterable[Example]) -> np.ndarray:
        """Return the right tag of each token of the examples' predictions, one after the other."""
        found = [np.zeros(0, np.int64)]
        for example in examples:
            spans = example.get_aligned_spans_y2x(example.reference.ents)
            keys = [(one.start, one.end, one.label_) for one in spans]
            found.append(crf.encode_spans(self.labels, len(example.predicted), keys))
        return np.concatenate(found)


def _sample_texts(docs: Iterable[Doc]) -> list[Doc]:
    """Return a Doc of each of the first texts: copies are no further evidence."""
    return list({doc.text: doc for doc in docs}.values())[:LABEL_SAMPLE]


# Entry points name it so.
make_ner = CrfNer
for _name, _defaults in DEFAULTS.items():
    Language.factory(
        _name,
        assigns=["doc.ents", "token.ent_iob", "token.ent_type", "doc.spans"],
        default_config={**_defaults, "scorer": {"@scorers": SCORER}},
        default_score_weights={"ents_f": 1.0, "ents_p": 0.0, "ents_r": 0.0, "ents_per_type": None},
        func=make_ner,
    )
