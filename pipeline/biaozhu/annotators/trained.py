"""A trained spaCy pipeline as an annotator: a model that `biaozhu train` wrote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from biaozhu.annotators.characters import with_whole_characters
from biaozhu.annotators.network.model_folder import LEARNED_KEY, META_KEY, check_model
from biaozhu.data.errors import MissingFileError, ModelDataError, OffsetError
from biaozhu.data.model import IN_SAMPLE_MARK, Sentence, Span, with_spans

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc


SCORE_DIGITS = 4


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A loaded model. Called with sentence texts it gives the spans of each, with the model's name as source."""

    name: str
    nlp: Language = field(repr=False)

    def __call__(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        """Return the spans of each text, sorted and disjoint; scores are None where the model gives none."""
        return annotate_with(self.nlp, texts, source=self.name)


def load_trained(folder: str | Path) -> TrainedModel:
    """Load a model from its folder, whose name becomes the source of its spans.

    ModelDataError says that it is of another version, could run code (see `check_model`), or does not load.
    """
    import spacy  # noqa: PLC0415 — half a second, which annotators without a model need not wait

    folder = Path(folder)
    check_model(folder)
    try:
        nlp = spacy.load(folder)
    except Exception as error:  # noqa: BLE001 — what a damaged file raises depends on the file
        what = f"the model does not load ({' '.join(str(error).split())})"
        raise ModelDataError(what, where=str(folder), next_step="Train it again") from None
    return TrainedModel(folder.resolve().name, nlp)


def annotate_sentences(
    model: TrainedModel, sentences: Sequence[Sentence]
) -> tuple[list[Sentence], dict[str, Exception]]:
    """Return the sentences with the model's spans instead, and what it raised by the article that it fails on.

    The source of spans in sentences that the model was trained on ends with `IN_SAMPLE_MARK`.
    """
    learned = frozenset(map(str, model.nlp.meta.get(META_KEY, {}).get(LEARNED_KEY, ())))
    try:
        found = model([sentence.text for sentence in sentences])
        return [
            with_spans(one, [replace(span, source=f"{span.source}{IN_SAMPLE_MARK}") for span in spans])
            if one.id in learned
            else with_spans(one, spans)
            for one, spans in zip(sentences, found, strict=True)
        ], {}
    except (ModelDataError, MissingFileError):
        raise  # no article's fault
    except Exception as error:  # noqa: BLE001 — whatever an article brings about, the others go on
        articles = dict.fromkeys(sentence.article for sentence in sentences)
        if len(articles) == 1:
            return [], dict.fromkeys(articles, error)
    done: list[Sentence] = []
    failed: dict[str, Exception] = {}
    for article in articles:
        some, bad = annotate_sentences(model, [one for one in sentences if one.article == article])
        done, failed = done + some, failed | bad
    return done, failed


def annotate_with(nlp: Language, texts: Sequence[str], *, source: str) -> list[tuple[Span, ...]]:
    """Return the spans that a pipeline gives each text; it raises OffsetError where its tokenizer changes a text."""
    return [_spans(doc, text, source) for doc, text in zip(nlp.pipe(texts), texts, strict=True)]


def _spans(doc: Doc, text: str, source: str) -> tuple[Span, ...]:
    if doc.text != text:
        raise OffsetError("the model's tokenizer changes the text", where=repr(text[:20]))
    # A span group has its probabilities in its attributes, whatever key the component gives it.
    scores: dict[tuple[int, int], float] = {
        (span.start, span.end): round(float(score), SCORE_DIGITS)
        for group in doc.spans.values()
        for span, score in zip(group, group.attrs.get("scores", ()), strict=False)
    }
    found = (
        Span(span.start_char, span.end_char, span.label_, source, scores.get((span.start, span.end)))
        for span in doc.ents
    )
    return tuple(whole for span in found if (whole := with_whole_characters(text, span)))
