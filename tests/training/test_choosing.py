"""How strongly a model is held to its start: what is learned, what is refused, and what is said of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from biaozhu.data.layers import read_layer
from biaozhu.nlp.crf import encode_spans, make_tags
from biaozhu.nlp.tokenizer import make_char_tokenizer
from biaozhu.training.choosing import MOST_LOST, Learned, choose_hold, compare_with_start
from biaozhu.training.descent import CrfProblem, Hold, merge_columns, predict, read_gold, solve_problem
from biaozhu.training.train import fit, read_config

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from biaozhu.training.choosing import StartComparison

GOLD = Path("annotations/gold/handan-2020-07-02.jsonl")
LABELS = ("PLACE",)
# A place is what stands before 市; the start takes 市 for no part of it, or is right.
TEXT = "他到青岛市了。"
HOLDS = [Hold(1.0, (30.0,)), Hold(0.5, (0.1,))]


def vary(count: int) -> list[str]:
    """Return so many texts that differ after the place: copies count once."""
    return [f"{TEXT}{chr(0x4E00 + at)}" for at in range(count)]


def problem_of(texts: list[str], *, right: bool) -> CrfProblem:
    nlp = spacy.blank("zh")
    nlp.tokenizer = make_char_tokenizer()(nlp)
    end = 5 if right else 4
    path = [encode_spans(LABELS, len(text), [(2, 5, "PLACE")]) for text in texts]
    prior = [np.eye(len(make_tags(LABELS)))[encode_spans(LABELS, len(one), [(2, end, "PLACE")])] for one in texts]
    alphabet = sorted(set("".join(texts)))
    rows = [np.eye(len(alphabet), dtype=np.float32)[[alphabet.index(one) for one in text]] for text in texts]
    return CrfProblem(
        tuple(nlp.make_doc(text) for text in texts),
        LABELS,
        (np.concatenate(rows),),
        np.concatenate(prior).astype(np.float32),
        np.concatenate(path),
        np.array([len(text) for text in texts]),
    )


def choose(
    problem: CrfProblem,
    holds: list[Hold],
    groups: list[str] | None = None,
    prior_from: Callable[[Sequence[int]], np.ndarray] | None = None,
) -> tuple[Hold | None, StartComparison, str]:
    """Choose with one article of all texts, and the problem's own prior, where nothing else is said."""
    of_text = groups or [""] * len(problem.docs)
    return choose_hold(problem, holds, of_text, prior_from or (lambda _: problem.prior))


@pytest.mark.parametrize("groups", [[], [str(at % 7) for at in range(20)]], ids=["sentences", "articles"])
def test_choosing_learns_what_the_held_out_sentences_confirm(groups: list[str]) -> None:
    hold, found, _ = choose(problem_of(vary(20), right=False), HOLDS, groups)
    assert hold == HOLDS[1]
    assert (found.mended, found.broken, found.start.f1, found.model.f1) == (40, 0, 0, 1)
    assert found.p is not None
    assert found.p < 0.05
    assert {str(one) for one in found.examples} == {"+青岛市 (PLACE)", "−青岛 (PLACE)"}
    # A regression test: additions were counted among the start's spans, and a small p was "0.000".
    assert "it drops 20 of 20 spans and adds 20 on its own gold" in str(Learned(hold, found, found))
    assert "p < 0.001" in str(found)


def test_choosing_says_that_there_is_nothing_to_learn() -> None:
    problem = problem_of(vary(8), right=True)
    hold, found, _ = choose(problem, HOLDS)
    assert hold == HOLDS[0]
    assert (found.changed, found.start, found.start.f1) == (0, found.model, 1)
    assert "no certain gain" in str(Learned(hold, found, found))


def test_choosing_takes_the_start_where_every_hold_does_harm() -> None:
    # One of three sentences contradicts the others, of the same characters.
    texts = [TEXT, "到他青岛市了。", "他到青岛市。了"]
    right, wrong = problem_of(texts, right=True), problem_of(texts, right=True)
    wrong.path[:] = 0
    ends = right.lengths[0]
    path = np.concatenate([wrong.path[:ends], right.path[ends:]])
    problem = CrfProblem(right.docs, LABELS, right.blocks, right.prior, path, right.lengths)
    hold, found, _ = choose(problem, [Hold(0.01, (1e-3,))])
    assert found.broken > found.mended
    assert hold is None


@pytest.mark.parametrize("copies", [1, 40])
@pytest.mark.parametrize("articles", [1, 40])
def test_choosing_with_one_text_is_its_start_and_says_why(copies: int, articles: int) -> None:
    # A regression test: what nothing could be tried on was learned, and said to have been tried; copies were tried on each other.
    groups = [str(at % articles) for at in range(copies)]
    hold, found, parts = choose(problem_of([TEXT] * copies, right=False), HOLDS, groups)
    assert (hold, parts, found.changed) == (None, "", 0)
    said = str(Learned(hold, found, found, {}, parts))
    assert "nothing can be left out" in said
    assert "tried" not in said


def test_choosing_counts_copies_of_a_text_once() -> None:
    texts = vary(3)
    _, found, _ = choose(problem_of(texts * 5, right=False), HOLDS)
    _, once, _ = choose(problem_of(texts, right=False), HOLDS)
    assert (found.start.gold, found.start.predicted) == (once.start.gold, once.start.predicted) == (3, 3)


def test_choosing_weakens_no_start_whose_labels_the_gold_lacks() -> None:
    # A regression test: gold of 25 sentences without a place made the model forget all places.
    problem = problem_of(vary(20), right=False)
    labels = ("PERSON", "PLACE")
    path = np.array([make_tags(labels).index(make_tags(LABELS)[tag]) for tag in problem.path])
    prior = np.zeros((len(path), len(make_tags(labels))), np.float32)
    prior[:, [make_tags(labels).index(tag) for tag in make_tags(LABELS)]] = problem.prior
    whole = CrfProblem(problem.docs, labels, problem.blocks, prior, path, problem.lengths)
    assert choose(problem, HOLDS)[0] == HOLDS[1]
    hold, *_ = choose(whole, HOLDS)
    assert hold is None or hold.prior_weight == HOLDS[0].prior_weight


def test_choosing_asks_for_the_prior_of_what_is_learned_from_alone() -> None:
    # A regression test: the tag that a label borrows was chosen on held-out sentences, too.
    problem, seen = problem_of(vary(10), right=True), []

    def prior_from(texts: Sequence[int]) -> np.ndarray:
        seen.append(list(texts))
        return np.zeros_like(problem.prior)

    _, found, _ = choose(problem, HOLDS[:1], prior_from=prior_from)
    assert sorted(at for texts in seen for at in set(range(10)) - set(texts)) == list(range(10))
    assert found.start.predicted == 0


@pytest.mark.parametrize(
    ("groups", "parts"), [(["a", "b"], "stretches of sentences"), (["a", "b", "c"], "whole articles")]
)
def test_choosing_says_what_was_left_out(groups: list[str], parts: str) -> None:
    # A regression test: two held-out scores of one model differed, and nothing said that they measure different things.
    _, found, said = choose(problem_of(vary(6), right=True), HOLDS, groups * (6 // len(groups)))
    assert said == parts
    assert f"with {parts} left out" in str(Learned(None, found, found, {}, said))


def test_choosing_leaves_out_whole_articles_where_there_are_three() -> None:
    # A regression test: with fewer articles than folds, stretches put an article on both sides.
    seen: list[set[int]] = []
    problem, groups = problem_of(vary(12), right=True), [str(at % 3) for at in range(12)]

    def prior_from(texts: Sequence[int]) -> np.ndarray:
        seen.append({int(groups[at]) for at in range(12) if at not in texts} & {int(groups[at]) for at in texts})
        return problem.prior

    choose(problem, HOLDS[:1], groups, prior_from=prior_from)
    assert seen == [set()] * 3


def test_choosing_takes_the_hold_that_scores_best_where_the_strongest_does_harm() -> None:
    # A regression test: a looser hold had to be better than a stronger one that was worse than the start.
    hold, found, _ = choose(problem_of(vary(20), right=False), [Hold(1.0, (1e6,)), *HOLDS])
    assert hold == HOLDS[1]
    assert found.mended == 40


def test_choosing_leaves_a_start_that_is_often_wrong_where_nothing_betters_it() -> None:
    hold, found, _ = choose(problem_of(vary(2), right=False), HOLDS[:1])
    assert (found.start.f1, hold) == (0, None)


def test_choosing_counts_mended_and_broken_spans() -> None:
    problem = problem_of([TEXT, TEXT], right=True)
    gold, start = read_gold(problem), predict(problem, Hold(1.0, ()), None)
    assert compare_with_start(problem, gold, start, start).changed == 0
    found = compare_with_start(problem, gold, start, [start[0], []])
    assert (found.mended, found.broken) == (0, 1)
    assert str(found.examples[0]).endswith("青岛市 (PLACE)")


@given(seed=st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_descent_of_merged_columns_gives_the_same_emissions(seed: int) -> None:
    rng = np.random.default_rng(seed)
    problem = problem_of(vary(2), right=False)
    patterns = rng.integers(0, 2, (len(problem.path), 4))
    block = sparse.csr_matrix(patterns[:, rng.integers(0, 4, 12)].astype(np.float32))
    merged, place, share = merge_columns([block])
    assert merged.shape[1] <= 4
    hold, emissions = Hold(1.0, (1.0,)), []
    for one in (block, merged):
        whole = CrfProblem(problem.docs, LABELS, (one,), problem.prior, problem.path, problem.lengths)
        flat = solve_problem(whole, hold, iterations=200, tolerance=1e-12)
        emissions.append(flat[: whole.sizes[0]].reshape(whole.tags, -1))
    np.testing.assert_allclose(emissions[1][:, place] * share, emissions[0], atol=2e-3)


def test_choosing_ner_config_says_all_that_the_seed_gold_says() -> None:
    done = fit(read_config(Path("configs/ner.cfg")), read_layer(GOLD))
    assert done.learned is not None
    assert (done.learned.own.model.f1 or 0) >= 0.995
    held_out = done.learned.held_out
    assert held_out.broken - held_out.mended <= MOST_LOST * held_out.start.gold
