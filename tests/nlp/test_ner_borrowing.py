"""A label that the network does not have begins from LAC's tag that agrees with the gold, and from nothing where none does."""

from __future__ import annotations

import pytest
import spacy

from biaozhu.data.errors import TrainingError
from biaozhu.data.model import Sentence, Span
from biaozhu.nlp.base_encoder import base_encoder
from biaozhu.nlp.crf_model import crf_model
from biaozhu.nlp.encoders import class_encoder
from biaozhu.nlp.ner_component import CrfNer
from biaozhu.nlp.tokenizer import make_char_tokenizer
from biaozhu.training.gold import make_examples
from biaozhu.training.solving import solve

NEW = "FIRM"
SENTENCES = (("清华大学位于青岛市。", "清华大学"), ("他去年在中国科学院工作。", "中国科学院"))
UNSEEN = "李秀英毕业于南开大学。"


def mark(label: str, *, shift: int = 0) -> list[Sentence]:
    found = []
    for number, (text, name) in enumerate(SENTENCES):
        start = text.index(name)
        spans = (Span(start + shift, start + len(name) + shift, label),)
        found.append(Sentence(f"{number:012}", 0, len(text), text, spans))
    return found


def begin(gold: list[Sentence]) -> tuple[spacy.Language, CrfNer]:
    nlp = spacy.blank("zh")
    nlp.tokenizer = make_char_tokenizer()(nlp)
    prior = base_encoder(part="scores", beside="large")
    part = CrfNer(nlp, "ner", crf_model(class_encoder(1), prior=prior, prior_weight=1.0), l2=1.0)
    part.initialize(lambda: make_examples(nlp, gold)[0], nlp=nlp)
    return nlp, part


def names_of(nlp: spacy.Language, part: CrfNer, text: str) -> list[tuple[str, str]]:
    (spans,) = part.predict([nlp.make_doc(text)])
    return [(text[one.start : one.end], one.label) for one in spans]


def test_borrowed_tag_gives_a_new_label_before_anything_is_learned() -> None:
    nlp, part = begin(mark(NEW))
    assert part.model.attrs["borrowed"] == {NEW: "ORG"}
    assert names_of(nlp, part, UNSEEN) == [("南开大学", NEW)]


def test_borrowed_tag_is_told() -> None:
    nlp, part = begin(mark(NEW))
    part.cfg["holds"] = [[1.0, 30.0]]
    learned = solve(part, make_examples(nlp, mark(NEW))[0], [""] * len(mark(NEW)))
    assert learned is not None
    assert learned.borrowed == {NEW: "ORG"}
    assert str(learned).startswith(f"{NEW} begins from LAC's ORG; ")
    assert learned.start == "the pre-annotation with LAC's words"


@pytest.mark.parametrize(
    "hold", [[], [1.0], [0.0, 1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0, -1.0], [1.0, 1.0, 1.0, 1.0]]
)
def test_ner_refuses_a_hold_that_means_nothing(hold: list[float]) -> None:
    # A regression test: a negative l2 gave a model.
    nlp, part = begin(mark(NEW))
    part.cfg["holds"] = [hold]
    with pytest.raises(TrainingError, match="prior weight"):
        solve(part, make_examples(nlp, mark(NEW))[0], [""] * len(mark(NEW)))


@pytest.mark.parametrize(
    ("marked", "labels"),
    [
        ([NEW], [NEW]),  # of other labels alone: the prior's are not asked for
        ([NEW, "PLACE"], ["AMOUNT", NEW, "PERSON", "PLACE"]),
        (["PLACE"], ["AMOUNT", "PERSON", "PLACE"]),
        ([], ["AMOUNT", "PERSON", "PLACE"]),
        (["PERSON"] * 5, ["AMOUNT", "PERSON", "PLACE"]),  # copies of a text without its place count once
    ],
)
def test_ner_labels_are_those_of_the_gold_and_what_it_does_not_contradict(marked: list[str], labels: list[str]) -> None:
    _, part = begin([one for label in marked for one in mark(label)])
    assert list(part.labels) == labels


@pytest.mark.parametrize("gold", [mark(NEW, shift=1), mark("PLACE"), mark(NEW)[:1], mark(NEW)[:1] * 2])
def test_borrowed_tag_is_none_where_the_gold_does_not_show_it(gold: list[Sentence]) -> None:
    nlp, part = begin(gold)
    assert part.model.attrs["borrowed"] == {}
    assert (UNSEEN[-5:-1], NEW) not in names_of(nlp, part, UNSEEN)


@pytest.mark.parametrize(("count", "borrowed"), [(3, {}), (20, {"CROP": "n"})])
def test_borrowed_tag_of_all_nouns_needs_more_of_the_gold(count: int, borrowed: dict[str, str]) -> None:
    # A regression test: three spans, and every noun of other texts was one.
    names = ("小麦", "玉米", "花生", "大豆")
    texts = [f"今年第{number}次种了{names[number % 4]}。" for number in range(count)]
    gold = [
        Sentence(f"{number:012}", 0, len(text), text, (Span(len(text) - 3, len(text) - 1, "CROP"),))
        for number, text in enumerate(texts)
    ]
    assert begin(gold)[1].model.attrs["borrowed"] == borrowed


def test_borrowed_tag_is_kept_with_the_model() -> None:
    _, written = begin(mark(NEW))
    nlp, read = begin(mark(NEW, shift=1))
    read.from_bytes(written.to_bytes())
    assert names_of(nlp, read, UNSEEN) == [("南开大学", NEW)]
