from __future__ import annotations

import numpy as np
import spacy

from biaozhu.annotators.trained import annotate_with
from biaozhu.data.model import Sentence, Span
from biaozhu.nlp.architectures import crf_model
from biaozhu.nlp.encoders import class_encoder, layer_encoder
from biaozhu.nlp.ner_component import CharNer
from biaozhu.nlp.tokenizer import make_char_tokenizer
from biaozhu.training.gold import make_examples

LABELS = ["PLACE", "PERSON", "AMOUNT"]
# CROP is a label that no annotator knows.
GOLD = Sentence(
    "a" * 12, 0, 15, "王小明在青岛市买了3斤小麦。。", (Span(9, 11, "AMOUNT"), Span(11, 13, "CROP"))
)
TEXT = "李秀英在桐庐县卖了120元的小麦。"


def started(penalty: float, least: float = 0.0) -> tuple[spacy.Language, CharNer]:
    nlp = spacy.blank("zh")
    nlp.tokenizer = make_char_tokenizer()(nlp)
    start = layer_encoder("small", ["combined"], LABELS, 0)
    model = crf_model(class_encoder(1), start, trust=6.0)
    part = CharNer(nlp.vocab, model, "ner", penalty=penalty, iterations=50, least=least)
    examples, _ = make_examples(nlp, [GOLD])
    part.initialize(lambda: examples, nlp=nlp, labels=[*LABELS, "CROP"])
    return nlp, part


def test_architectures_start_from_what_the_annotators_say() -> None:
    nlp, part = started(1.0)
    doc = nlp.make_doc(TEXT)
    part.set_annotations([doc], part.predict([doc]))
    assert [(span.text, span.label_) for span in doc.ents] == [
        ("李秀英", "PERSON"),
        ("桐庐县", "PLACE"),
        ("120元", "AMOUNT"),
    ]


def test_architectures_learn_from_gold_against_the_start() -> None:
    nlp, part = started(0.01)
    part.fit(make_examples(nlp, [GOLD])[0])
    doc = nlp.make_doc(GOLD.text)
    part.set_annotations([doc], part.predict([doc]))
    # The gold says that the names are none and that there is a crop: enough of it outweighs the annotators.
    assert [(span.start, span.end, span.label_) for span in doc.ents] == [(9, 11, "AMOUNT"), (11, 13, "CROP")]


def test_architectures_penalty_holds_the_model_at_its_start() -> None:
    nlp, part = started(1e6)
    part.fit(make_examples(nlp, [GOLD])[0])
    assert float(np.abs(part.model.get_param("W")).max()) < 1e-3
    doc = nlp.make_doc(TEXT)
    part.set_annotations([doc], part.predict([doc]))
    assert len(doc.ents) == 3
    assert annotate_with(nlp, [TEXT], source="blank") == [()]


def test_architectures_least_leaves_out_what_is_less_likely() -> None:
    nlp, part = started(1.0)
    doc = nlp.make_doc(TEXT)
    (everything,) = part.predict([doc])
    scores = sorted(score for *_, score in everything)
    assert len(scores) == 3
    _, bounded = started(1.0, least=scores[1])
    (kept,) = bounded.predict([doc])
    assert kept == [span for span in everything if span[-1] >= scores[1]]
    assert 0 < len(kept) < 3
