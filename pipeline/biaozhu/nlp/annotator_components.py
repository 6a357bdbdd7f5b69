"""Annotators as spaCy components: `nlp.add_pipe("biaozhu_network")`, or `biaozhu_annotator` for one of your own.

A Doc is an article. A component keeps what it finds in `doc.spans[spans_key]`, with the scores in its attributes, and adds
to `doc.ents` what overlaps nothing there: the component that stands first in the pipeline wins.
"""

# Annotations are evaluated here, not postponed: confection checks a config's values by them.
import warnings
from dataclasses import dataclass
from functools import lru_cache

from spacy.language import Language
from spacy.tokens import Doc

from biaozhu.annotators.network.models import DEFAULT_MODEL
from biaozhu.annotators.preannotate import DEFAULT_ANNOTATORS
from biaozhu.annotators.registry import Annotator, find_annotators
from biaozhu.annotators.words import LacWord
from biaozhu.data.errors import ConfigError
from biaozhu.nlp.encoders import load_network
from biaozhu.nlp.scorer import keep_spans
from biaozhu.reading.sentences import split_text

ASSIGNS = ["doc.ents", "token.ent_iob", "token.ent_type", "doc.spans"]
SETTINGS = {"model": DEFAULT_MODEL, "spans_key": None, "set_ents": True}


@dataclass(frozen=True, slots=True)
class AnnotatorComponent:
    """A component of one annotator.

    `model` is the network whose names the annotator reads, if it reads any, as of `preannotate --model`; `spans_key` that of the
    span group, by default the annotator's name; `set_ents` says whether to add to `doc.ents`, too.
    """

    annotator: Annotator
    model: str
    spans_key: str
    set_ents: bool

    def __call__(self, doc: Doc) -> Doc:
        """Annotate a Doc; for errors see `Annotator.annotate`."""
        text = doc.text  # spaCy joins all tokens each time
        cuts = split_text(text)
        texts = tuple(text[start:end] for start, end in cuts)
        words = _words(self.model, texts) if self.annotator.reads_words else ()
        aligned = [
            (doc.char_span(offset + span.start, offset + span.end, label=span.label), span.score)
            for (offset, _), row in zip(cuts, self.annotator.annotate(texts, words), strict=True)
            for span in row
        ]
        found, scores = [one for one, _ in aligned if one], [score for one, score in aligned if one]
        if missed := len(aligned) - len(found):
            warnings.warn(
                f"{missed} spans of {self.annotator.name} do not begin and end with tokens and are left out; the tokenizer "
                "biaozhu.CharTokenizer.v1 loses none",
                stacklevel=2,
            )
        keep_spans(doc, found, scores, self.spans_key, set_ents=self.set_ents)
        return doc


def make_annotator(
    nlp: Language,  # noqa: ARG001 — spaCy passes it to every factory
    name: str,
    annotator: str,
    model: str,
    spans_key: str | None,
    set_ents: bool,  # noqa: FBT001 — a config names it
) -> AnnotatorComponent:
    """Make a component of the annotator that is registered under a name; AnnotatorError if there is none.

    A file's name raises ConfigError: a config runs no files, their code comes with `--code` of spaCy's commands.
    """
    if annotator.endswith(".py"):
        raise ConfigError("a config names an annotator, no file", where=f"components.{name}.annotator")
    (found,) = find_annotators(annotator)
    return AnnotatorComponent(found, model, spans_key or found.name, set_ents)


# Entry points name them so.
make_network = make_repeated = make_amounts = make_annotator
Language.factory("biaozhu_annotator", assigns=ASSIGNS, default_config=SETTINGS, func=make_annotator)
for _one in DEFAULT_ANNOTATORS:
    _settings = {**SETTINGS, "annotator": _one.name}
    Language.factory(f"biaozhu_{_one.name}", assigns=ASSIGNS, default_config=_settings, func=make_annotator)


# Several components read the words of the same Doc, one after the other.
@lru_cache(maxsize=1)
def _words(model: str, texts: tuple[str, ...]) -> list[tuple[LacWord, ...]]:
    return load_network(model).words(texts)
