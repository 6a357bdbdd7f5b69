"""The pipeline component `biaozhu_crf`: a character CRF over n-grams, trained by CRFsuite, decoded by ours.

CRFsuite (Okazaki 2007, package python-crfsuite, MIT) finds the weights; what it writes is read once, right after
training, as a table of numbers. A saved model is that table, so loading one neither needs CRFsuite nor parses its
binary format, and spans have probabilities as those of `biaozhu_ner` have.
"""

# Annotations are evaluated here, not postponed: confection checks a config's values by them.
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import srsly
from spacy.language import Language
from spacy.pipeline import Pipe
from spacy.tokens import Doc
from spacy.training import Example
from spacy.vocab import Vocab

from biaozhu.data.errors import TrainingError, extra_advice
from biaozhu.nlp.bounds import NgramLength, NonNegativeFloat, PositiveInt
from biaozhu.nlp.char_features import CharFeatures, emissions_of
from biaozhu.nlp.crf import Tagging, make_tagging
from biaozhu.nlp.ner_component import annotate_docs, gold_path, scored_spans

# CRFsuite's names, and which of our settings each takes.
ALGORITHMS = {"lbfgs": ("c1", "c2", "max_iterations"), "ap": ("max_iterations",)}
FILE = "model"


class CrfsuiteNer(Pipe):
    """A named entity recognizer; sets `doc.ents` and `doc.spans["biaozhu_ner"]`.

    Args:
        vocab: the pipeline's.
        name: of this component.
        settings: see `make_crf`.
    """

    def __init__(self, vocab: Vocab, name: str, settings: dict[str, Any]) -> None:
        self.vocab = vocab
        self.name = name
        self.cfg: dict[str, Any] = {"labels": [], **settings}
        self.columns: dict[str, int] = {}
        self.weights = np.zeros((0, 1), np.float32)
        self.chain = np.zeros((3, 1), np.float32)

    # spaCy looks for it to know what can be trained; ours is trained whole, by `fit`.
    is_frozen_below = True

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, sorted."""
        return tuple(self.cfg["labels"])

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
        """Set the labels, from the examples where none are given, and no features."""
        found = {span.label_ for example in get_examples() for span in example.reference.ents}
        self.cfg["labels"] = sorted(found if labels is None else labels)
        tags = len(self.tagging.tags)
        self.columns, self.weights = {}, np.zeros((0, tags), np.float32)
        self.chain = np.zeros((2 + tags, tags), np.float32)

    def fit(
        self, examples: Iterable[Example], *, on_step: Callable[[float], None] | None = None
    ) -> dict[str, float]:
        """Train on all examples at once.

        Args:
            examples: the training data; empty ones are passed over.
            on_step: called after each iteration with the loss.

        Returns:
            `loss`, `steps` and `tokens`.

        Raises:
            TrainingError: there is nothing to learn from, or python-crfsuite is not installed.
        """
        chosen = [example for example in examples if len(example.predicted)]
        if not chosen or not self.labels:
            raise TrainingError("the gold has no spans to learn from", next_step="Give gold with spans")
        tagging = self.tagging
        features = [self._features(example.predicted) for example in chosen]
        counts = Counter(one for sentence in features for some in sentence for one in some)
        self.columns = {
            one: column
            for column, one in enumerate(
                sorted(one for one, count in counts.items() if count >= self.cfg["at_least"])
            )
        }
        # Numbers in place of the features: what CRFsuite prints of its model must be easy to read back.
        numbered = [
            [[str(self.columns[one]) for one in some if one in self.columns] for some in sentence]
            for sentence in features
        ]
        paths = [[str(tag) for tag in gold_path(tagging, example)] for example in chosen]
        found, losses = _trained(numbered, paths, self.cfg, on_step)
        tags = len(tagging.tags)
        self.weights = np.zeros((len(self.columns), tags), np.float32)
        for (feature, tag), weight in found.state_features.items():
            self.weights[int(feature), int(tag)] = weight
        self.chain = np.zeros((2 + tags, tags), np.float32)
        for (one, other), weight in found.transitions.items():
            self.chain[2 + int(one), int(other)] = weight
        return {
            "loss": losses[-1] if losses else 0.0,
            "steps": float(len(losses)),
            "tokens": float(sum(map(len, paths))),
        }

    def predict(self, docs: Iterable[Doc]) -> list[list[tuple[int, int, str, float]]]:
        """Return for each Doc its spans: token, token after the last, label, probability."""
        docs = list(docs)
        return scored_spans(
            self.labels,
            self.chain.astype(np.float64),
            [emissions_of(self._features(doc), self.columns, self.weights) for doc in docs],
        )

    def set_annotations(self, docs: Iterable[Doc], scores: Sequence[Sequence[Any]]) -> None:
        """Set `doc.ents` and the span group with the probabilities."""
        annotate_docs(docs, scores)

    def __call__(self, doc: Doc) -> Doc:
        """Annotate a Doc, and return it."""
        self.set_annotations([doc], self.predict([doc]))
        return doc

    def to_bytes(self, *, exclude: Sequence[str] = ()) -> bytes:  # noqa: ARG002 — spaCy passes it
        """Return settings, features and weights: lists and raw numbers, nothing that runs."""
        return bytes(
            srsly.msgpack_dumps(
                {
                    "cfg": self.cfg,
                    "features": list(self.columns),
                    "weights": self.weights.astype("<f4").tobytes(),
                    "chain": self.chain.astype("<f4").tobytes(),
                }
            )
        )

    def from_bytes(self, data: bytes, *, exclude: Sequence[str] = ()) -> "CrfsuiteNer":  # noqa: ARG002 — as above
        """Take what `to_bytes` gave."""
        message = srsly.msgpack_loads(data)
        self.cfg = message["cfg"]
        self.columns = {one: column for column, one in enumerate(message["features"])}
        tags = len(self.tagging.tags)
        self.weights = np.frombuffer(message["weights"], "<f4").reshape(len(self.columns), tags)
        self.chain = np.frombuffer(message["chain"], "<f4").reshape(2 + tags, tags)
        return self

    def to_disk(self, path: Path, *, exclude: Sequence[str] = ()) -> None:
        """Write a folder with one file."""
        path.mkdir(parents=True, exist_ok=True)
        (path / FILE).write_bytes(self.to_bytes(exclude=exclude))

    def from_disk(self, path: Path, *, exclude: Sequence[str] = ()) -> "CrfsuiteNer":
        """Read what `to_disk` wrote."""
        return self.from_bytes((Path(path) / FILE).read_bytes(), exclude=exclude)

    def _features(self, doc: Doc) -> list[list[str]]:
        of = CharFeatures(self.cfg["longest"], self.cfg["classes"]).of(doc.text)
        # A token of several characters has those of its first one.
        return of if len(of) == len(doc) else [of[token.idx] for token in doc]


def _trained(
    features: list[list[list[str]]],
    paths: list[list[str]],
    settings: dict[str, Any],
    on_step: Callable[[float], None] | None,
) -> tuple[Any, list[float]]:
    try:
        import pycrfsuite  # noqa: PLC0415 — only training needs it, which is an extra
    except ModuleNotFoundError:
        raise TrainingError("python-crfsuite is not installed", next_step=extra_advice("train")) from None
    losses: list[float] = []

    class Watched(pycrfsuite.Trainer):  # type: ignore[misc]  # its way to be told of each iteration
        def message(self, message: str) -> None:
            if self.logparser.feed(message) == "iteration":
                losses.append(float(self.logparser.last_iteration.get("loss") or 0.0))
                if on_step:
                    on_step(losses[-1])

    given = {"c1": settings["l1"], "c2": settings["l2"], "max_iterations": settings["iterations"]}
    algorithm = settings["algorithm"]
    trainer = Watched(
        algorithm=algorithm, params={name: given[name] for name in ALGORITHMS[algorithm]}, verbose=False
    )
    for rows, path in zip(features, paths, strict=True):
        trainer.append(rows, path)
    with tempfile.TemporaryDirectory(prefix="biaozhu-") as folder:
        file = str(Path(folder) / "crf")
        trainer.train(file)
        tagger = pycrfsuite.Tagger()
        tagger.open(file)
        found = tagger.info()
        tagger.close()
    return found, losses


@Language.factory(
    "biaozhu_crf",
    assigns=["doc.ents", "token.ent_iob", "token.ent_type", "doc.spans"],
    default_config={
        "longest": 3, "classes": True, "at_least": 1,
        "algorithm": "lbfgs", "iterations": 100, "l1": 0.1, "l2": 0.01,
    },
)  # fmt: skip
def make_crf(  # noqa: PLR0913, PLR0917 — the settings of a config
    nlp: Language,
    name: str,
    longest: NgramLength,
    classes: bool,  # noqa: FBT001 — confection calls by name
    at_least: PositiveInt,
    algorithm: Literal["lbfgs", "ap"],
    iterations: PositiveInt,
    l1: NonNegativeFloat,
    l2: NonNegativeFloat,
) -> CrfsuiteNer:
    """Make the component a config names as `biaozhu_crf`.

    Args:
        nlp: the pipeline.
        name: of the component.
        longest: the longest n-gram of characters.
        classes: whether n-grams of the kinds of characters are features, too.
        at_least: features that are rarer are left out.
        algorithm: `lbfgs`, or `ap`, the averaged perceptron, which is quick and has no use for penalties.
        iterations: at most so many.
        l1: weight of the sum of the weights' magnitudes in the loss.
        l2: weight of the sum of their squares.
    """
    return CrfsuiteNer(
        nlp.vocab,
        name,
        {
            "longest": longest,
            "classes": classes,
            "at_least": at_least,
            "algorithm": algorithm,
            "iterations": iterations,
            "l1": l1,
            "l2": l2,
        },
    )
