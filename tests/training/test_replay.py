"""What a custom model keeps of its start in other text: soft labels of sentences that are replayed beside the gold."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import spacy

from biaozhu.annotators.network.crf_decoding import FORBIDDEN
from biaozhu.data.strict_counts import StrictCounts
from biaozhu.nlp.base_encoder import base_encoder
from biaozhu.nlp.crf import encode_spans, make_tags
from biaozhu.nlp.crf_model import crf_model
from biaozhu.nlp.encoders import class_encoder
from biaozhu.nlp.tokenizer import make_char_tokenizer
from biaozhu.training.choosing import Learned, choose_hold, compare_with_start
from biaozhu.training.descent import START, CrfProblem, Hold, predict, read_gold, solve_problem
from biaozhu.training.replay import MIN_TOKENS, REPLAYED, count_kept, make_replay, read_sample, replay_problem
from recipes.corpora.replay_sample import PASSAGES, draw_sentences

if TYPE_CHECKING:
    from spacy.language import Language

LABELS = ("PLACE",)
# The start takes 青岛 for the place; the gold has 青岛市. Other text has the same characters.
TEXT, OTHER = "他到青岛市了。", "我到青岛市了。"
SUFFIXES = [chr(0x4E00 + at) for at in range(20)]
ALPHABET = sorted({*TEXT, *OTHER, *SUFFIXES})
FREE, HELD = Hold(1.0, (0.1,)), Hold(1.0, (0.1,), 1000.0)


@pytest.fixture(scope="module")
def nlp() -> Language:
    found = spacy.blank("zh")
    found.tokenizer = make_char_tokenizer()(found)
    return found


def begin(new: str) -> tuple[Any, tuple[str, ...]]:
    """Return a model that begins as the pre-annotation, with a label of its own, and its labels."""
    model = crf_model(class_encoder(0), prior=base_encoder(part="scores", beside="large"), prior_weight=1.0)
    model.attrs.update(labels=[new, "PLACE"], borrowed={})
    return model, (new, "PLACE")


def problem_of(nlp: Language, texts: list[str], *, end: int) -> CrfProblem:
    """Return texts whose place ends at `end`, and for the start before 市; of the features only the character counts."""
    rows = [np.eye(len(ALPHABET), dtype=np.float32)[[ALPHABET.index(one) for one in text]] for text in texts]
    prior = [2 * np.eye(len(make_tags(LABELS)))[encode_spans(LABELS, len(one), [(2, 4, "PLACE")])] for one in texts]
    path = [encode_spans(LABELS, len(text), [(2, end, "PLACE")]) for text in texts]
    joined = np.concatenate(rows), np.concatenate(prior).astype(np.float32), np.concatenate(path)
    lengths = np.array([len(text) for text in texts])
    return CrfProblem(tuple(map(nlp.make_doc, texts)), LABELS, joined[:1], *joined[1:], lengths)


def test_replay_keeps_what_the_start_says_of_other_text_and_how_surely(nlp: Language) -> None:
    problem = replace(problem_of(nlp, [TEXT] * 9, end=5), replay=problem_of(nlp, [OTHER] * 9, end=4))
    assert problem.replay is not None
    (before, *_) = predict(problem.replay, START, None)
    for hold, kept in ((FREE, False), (HELD, True)):
        flat = solve_problem(problem, hold, iterations=300, tolerance=1e-12)
        (after, *_) = predict(problem.replay, hold, flat)
        assert ([one[:3] for one in after] == [one[:3] for one in before]) is kept
    # Hard labels would have made it surer than the start.
    assert after[0].score == pytest.approx(before[0].score, abs=0.02)


def test_replay_of_a_start_that_is_right_changes_nothing(nlp: Language) -> None:
    other = problem_of(nlp, [OTHER] * 9, end=4)
    # No gold speaks against it: a weight of the gold that counts for nothing beside the replay's.
    problem = replace(problem_of(nlp, [TEXT], end=4), replay=other)
    flat = solve_problem(problem, Hold(1.0, (0.1,), 1e6), iterations=300, tolerance=1e-12)
    (before, *_), (after, *_) = predict(other, START, None), predict(other, Hold(1.0, (0.1,)), flat)
    assert after[0].score == pytest.approx(before[0].score, abs=1e-3)


@pytest.mark.parametrize(("against", "chosen"), [(False, 0), (True, 1)])
def test_choosing_forgets_only_what_the_gold_speaks_against(nlp: Language, against: bool, chosen: int) -> None:  # noqa: FBT001 — a parameter
    texts = [f"{TEXT}{one}" for one in SUFFIXES]
    gold = problem_of(nlp, texts, end=5)
    # What is replayed has nothing to do with the gold, or it says the opposite in the same words.
    other = problem_of(nlp, texts[:9] if against else ["".join(SUFFIXES[:7])] * 9, end=4)
    holds = [Hold(1.0, (0.1,), 100.0), Hold(1.0, (0.1,))]
    problem = replace(gold, replay=other)
    hold, *_ = choose_hold(problem, holds, [""] * len(texts), lambda _: problem.prior)
    assert hold == holds[chosen]


def test_replay_says_nothing_of_labels_that_the_start_lacks(nlp: Language) -> None:
    model, labels = begin("FIRM")
    docs = [nlp.make_doc("他在青岛市的海尔集团公司工作。")]
    said = model.get_ref("prior").predict(docs)
    problem = replay_problem(model, labels, docs, [np.zeros((len(docs[0]), 1), np.float32)], said)
    new = [at for at, tag in enumerate(make_tags(labels)) if tag.startswith("FIRM")]
    assert (problem.prior[:, new] == FORBIDDEN).all()
    assert [docs[0][one.start : one.end].text for one in predict(problem, START, None)[0]] == ["青岛市"]


@pytest.mark.parametrize(("text", "kept"), [("他在青岛市工作。", (1, 1, 1)), ("青岛市政府门口。", (1, 0, 0))])
def test_replay_counts_what_the_start_says_and_the_model_keeps(nlp: Language, text: str, kept: tuple[int, ...]) -> None:
    # A label of its own takes the place that its spans begin with, which is forgetting, too.
    model, labels = begin("FIRM")
    said = model.get_ref("prior").predict([nlp.make_doc(text)])
    problem = replay_problem(model, labels, [nlp.make_doc(text)], [np.ones((len(text), 1), np.float32)], said)
    flat = np.zeros(sum(problem.sizes))
    if not kept[1]:
        flat[make_tags(labels).index("FIRM-S")] = 50.0
    counts = count_kept(problem, model, START, flat, said)
    assert (counts.gold, counts.predicted, counts.correct) == kept


@pytest.mark.parametrize("tokens", [1, MIN_TOKENS + 1, 10**9])
def test_replay_has_about_as_many_tokens_as_the_gold(nlp: Language, tokens: int) -> None:
    again, apart = make_replay(nlp.make_doc, tokens)
    assert len(apart) == len(read_sample()) - REPLAYED
    assert {doc.text for doc in again}.isdisjoint(doc.text for doc in apart)
    sizes = [len(doc) for doc in again]
    assert sum(sizes) >= max(tokens, MIN_TOKENS) or len(again) == REPLAYED
    assert sum(sizes[:-1]) < max(tokens, MIN_TOKENS)


def test_learned_says_what_is_kept_of_other_text(nlp: Language) -> None:
    problem = problem_of(nlp, [TEXT, OTHER], end=4)
    start = predict(problem, START, None)
    same = compare_with_start(problem, read_gold(problem), start, start)
    said = str(Learned(FREE, same, same, kept=StrictCounts(9, 8, 7)))
    assert "of 9 spans of its start in other text it keeps 7 and adds 1" in said
    assert "other text" not in str(Learned(None, same, same, kept=StrictCounts(9, 9, 9)))


@pytest.mark.skipif(not PASSAGES.is_file(), reason="the passages are in the checkout only")
def test_replay_sample_is_drawn_from_the_passages_of_the_corpus() -> None:
    assert draw_sentences() == list(read_sample())
