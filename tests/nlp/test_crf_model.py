"""What a model starts from, and how far it moves from there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import spacy
from spacy.tokens import Span

from biaozhu.data.errors import ConfigError
from biaozhu.data.model import Sentence
from biaozhu.data.model import Span as OurSpan
from biaozhu.nlp.base_encoder import base_encoder
from biaozhu.nlp.crf_model import crf_model
from biaozhu.nlp.encoders import class_encoder, layer_encoder
from biaozhu.nlp.ner_component import SPANS_KEY, CrfNer
from biaozhu.nlp.tokenizer import make_char_tokenizer
from biaozhu.training.gold import make_examples
from biaozhu.training.solving import solve

if TYPE_CHECKING:
    from thinc.api import Model

LABELS = ["PLACE", "PERSON", "AMOUNT"]
# CROP is a label that no annotator knows.
GOLD = Sentence("a" * 12, 0, 15, "王小明在青岛市买了3斤小麦。。", (OurSpan(9, 11, "AMOUNT"), OurSpan(11, 13, "CROP")))
TEXT = "李秀英在桐庐县卖了120元的小麦。"


def begin(l2: float, min_score: float = 0.0) -> tuple[spacy.Language, CrfNer]:
    nlp = spacy.blank("zh")
    nlp.tokenizer = make_char_tokenizer()(nlp)
    model = crf_model(class_encoder(1), prior=base_encoder(part="scores"), prior_weight=1.0)
    part = CrfNer(nlp, "ner", model, algorithm="lbfgs", l2=l2, iterations=50, min_score=min_score)
    examples, _ = make_examples(nlp, [GOLD])
    part.initialize(lambda: examples, nlp=nlp, labels=[*LABELS, "CROP"])
    return nlp, part


def test_crf_model_starts_from_what_the_prior_says() -> None:
    nlp, part = begin(1.0)
    doc = nlp.make_doc(TEXT)
    part.set_annotations([doc], part.predict([doc]))
    assert [(span.text, span.label_) for span in doc.ents] == [
        ("李秀英", "PERSON"),
        ("桐庐县", "PLACE"),
        ("120元", "AMOUNT"),
    ]


def test_crf_model_learns_from_gold_against_the_prior() -> None:
    nlp, part = begin(0.01)
    solve(part, make_examples(nlp, [GOLD])[0], [""])
    doc = nlp.make_doc(GOLD.text)
    part.set_annotations([doc], part.predict([doc]))
    # The gold says that the names are none and that there is a crop: enough of it outweighs the annotators.
    assert [(span.start, span.end, span.label_) for span in doc.ents] == [(9, 11, "AMOUNT"), (11, 13, "CROP")]


def test_crf_model_l2_holds_the_model_at_its_prior() -> None:
    nlp, part = begin(1e6)
    solve(part, make_examples(nlp, [GOLD])[0], [""])
    assert float(np.abs(part.model.get_param("W")).max()) < 1e-3
    doc = nlp.make_doc(TEXT)
    part.set_annotations([doc], part.predict([doc]))
    assert len(doc.ents) == 3


def test_crf_model_min_score_leaves_out_what_is_less_likely() -> None:
    nlp, part = begin(1.0)
    doc = nlp.make_doc(TEXT)
    (everything,) = part.predict([doc])
    scores = sorted(score for *_, score in everything)
    assert len(scores) == 3
    _, bounded = begin(1.0, min_score=scores[1])
    (kept,) = bounded.predict([doc])
    assert kept == [span for span in everything if span[-1] >= scores[1]]
    assert 0 < len(kept) < 3


@pytest.mark.parametrize("prior", [class_encoder(0), layer_encoder("fast", ["combined"], LABELS, 1)])
def test_crf_model_refuses_a_prior_without_scores_of_tags(prior: Model) -> None:
    with pytest.raises(ConfigError, match="no scores of tags"):
        crf_model(class_encoder(1), prior=prior)


def test_crf_model_leaves_entities_that_stand_before_it() -> None:
    nlp, part = begin(1.0)
    doc = nlp.make_doc(TEXT)
    doc.set_ents([Span(doc, 2, 5, label="ORG")])
    part.set_annotations([doc], part.predict([doc]))
    assert [(one.text, one.label_) for one in doc.ents] == [("英在桐", "ORG"), ("120元", "AMOUNT")]
    assert [one.text for one in doc.spans[SPANS_KEY]] == ["李秀英", "桐庐县", "120元"]
