"""The whole evaluation: breakdowns with known answers, consistency between its parts, invariances."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scoring_layers import LABELS, layer_pairs, marked, random_pair

from biaozhu.data.errors import ScoringError
from biaozhu.data.model import Sentence, Span
from biaozhu.scoring.breakdown import SeenNames, name_length_class, sort_classes
from biaozhu.scoring.evaluation import (
    Evaluation,
    EvaluationOptions,
    compare_evaluations,
    evaluate_layer,
    list_occurring,
)
from biaozhu.scoring.scores import SCHEMES, count_scheme, tally_spans
from biaozhu.scoring.significance import Sampling

Layers = tuple[tuple[Sentence, ...], tuple[Sentence, ...]]
QUICK = EvaluationOptions(labels=LABELS, sampling=Sampling(resamples=100))

GOLD = (
    marked("[清河镇|PLACE]的[王小明|PERSON]种桃", article=1),
    marked("[桃源村|PLACE]种了[三亩|AMOUNT]桃", article=1, start=20),
    marked("没有名字", article=2),
)
LAYER = (
    marked("[清河镇|PLACE]的[王小|PERSON]明种桃", article=1, source="words", score=0.95),
    marked("[桃源村|PLACE]种了三亩[桃|AMOUNT]", article=1, start=20, source="rules"),
    marked("没有名字", article=2),
)


def rows(evaluation: Evaluation, aspect: str) -> dict[str, tuple[int | None, int, int]]:
    return {row.key: (row.gold, row.predicted, row.correct) for row in evaluation.breakdowns[aspect]}  # type: ignore[index]


def test_evaluation_gives_the_written_breakdowns() -> None:
    sections = {GOLD[0].id: "一", GOLD[1].id: "二", GOLD[2].id: "二"}
    setting = replace(QUICK, sections=sections, seen=SeenNames([GOLD[:1]]))
    found = evaluate_layer(GOLD, LAYER, name="model", options=setting)
    assert rows(found, "article") == {"000000000001": (4, 4, 2), "000000000002": (0, 0, 0)}
    assert rows(found, "section") == {"一": (2, 2, 1), "二": (2, 2, 1)}
    assert rows(found, "length") == {"1": (0, 1, 0), "2": (1, 1, 0), "3": (3, 2, 2)}
    assert rows(found, "surface") == {"seen": (2, 1, 1), "unseen": (2, 3, 1)}
    assert rows(found, "confidence") == {"0.9-1.0": (None, 2, 1), "none": (None, 2, 1)}
    assert rows(found, "source") == {"rules": (None, 2, 1), "words": (None, 2, 1)}
    assert rows(found, "sentence_length") == {"1-10": (4, 4, 2)}
    assert [row.sentences for row in found.breakdowns["article"]] == [2, 1]
    empty = found.breakdowns["article"][1]
    assert (empty.precision, empty.recall, empty.f1) == (None, None, None)
    assert found.breakdowns["source"][0].recall is None
    strict = {label: by["strict"].counts for label, by in found.labels.items()}
    assert [strict[label].f1 for label in LABELS] == [1, 0, 0]
    assert found.labels["PERSON"]["partial"].counts.f1 == 0.5
    assert found.confusion.labels == ("PLACE", "PERSON", "AMOUNT", "O")
    assert found.confusion.matrix == ((6, 0, 0, 0), (0, 2, 0, 1), (0, 0, 0, 2), (0, 0, 1, 9))
    assert found.characters == sum(len(sentence.text) for sentence in GOLD)
    assert {group.pattern: group.count for group in found.errors} == {
        "boundary_right": 1,
        "missed": 1,
        "invented": 1,
    }
    assert (found.units.kind, found.units.count) == ("sentence", 3)
    assert (found.counts.repeated, found.counts.fresh) == (1, 2)
    assert evaluate_layer(GOLD, LAYER, options=QUICK).counts.fresh is None


def test_evaluation_scores_labels_with_both_sides_restricted_to_them() -> None:
    # Among all labels 0-3 goes with the longer PERSON; within PLACE it still has its partner.
    gold, layer = marked("[清河镇|PLACE]"), marked("[清河|PERSON][镇|PLACE]")
    found = evaluate_layer([gold], [layer], options=QUICK)
    assert found.overall["type"].counts.cor == 0
    assert found.labels["PLACE"]["type"].counts.cor == 1


def test_evaluation_of_empty_layers_is_undefined_not_zero() -> None:
    sentences = (marked("没有名字"),)
    score = evaluate_layer(sentences, sentences, options=QUICK).overall["strict"]
    assert (score.counts.precision, score.counts.recall, score.counts.f1, score.f1.value) == (None,) * 4
    one_side = evaluate_layer((marked("[桃源村|PLACE]"),), (marked("桃源村"),), options=QUICK).overall["strict"].counts
    assert (one_side.precision, one_side.recall, one_side.f1) == (None, 0, 0)


def test_evaluation_counts_a_lacking_sentence_as_found_empty_and_names_it() -> None:
    found = evaluate_layer(GOLD, LAYER[:1], options=replace(QUICK, missing="empty"))
    assert found.missing == (GOLD[1].id, GOLD[2].id)
    assert found.overall["strict"].counts.recall == 1 / 4
    with pytest.raises(ScoringError):
        evaluate_layer(GOLD, LAYER[:2], options=QUICK)


@given(layer_pairs())
@settings(deadline=None, max_examples=40)
def test_evaluation_is_the_sum_of_its_sentences(layers: Layers) -> None:
    gold, layer = layers
    found = evaluate_layer(gold, layer, options=QUICK)
    spans = [[span for sentence in side for span in sentence.spans] for side in layers]
    for scheme in SCHEMES:
        counts = found.overall[scheme].counts
        assert (counts.possible, counts.actual) == (len(spans[0]), len(spans[1]))
        assert found.overall[scheme].f1.value == pytest.approx(found.overall[scheme].counts.f1)
    total = tally_spans((), ())
    for mine, theirs in zip(gold, layer, strict=True):
        total += tally_spans(mine.spans, theirs.spans)
    assert all(found.overall[scheme].counts == count_scheme(total, scheme) for scheme in SCHEMES)
    correct = found.overall["strict"].counts.cor
    for aspect in ("article", "length", "sentence_length", "confidence", "source"):
        assert sum(row.correct for row in found.breakdowns[aspect]) == correct
        assert sum(row.predicted for row in found.breakdowns[aspect]) == len(spans[1])
    assert sum(by["strict"].counts.cor for by in found.labels.values()) == correct
    assert sum(map(sum, found.confusion.matrix)) == sum(len(sentence.text) for sentence in gold)
    wrong = len(spans[0]) + len(spans[1]) - 2 * correct
    shown = [case for group in found.errors for case in group.examples]
    assert sum(len(case.gold) + len(case.predicted) for case in shown) == wrong


@given(layer_pairs(), st.randoms())
@settings(deadline=None, max_examples=40)
def test_evaluation_depends_on_no_order_of_sentences(layers: Layers, rng: random.Random) -> None:
    gold, layer = layers
    mixed = sorted(layer, key=lambda _: rng.random())
    one, other = evaluate_layer(gold, layer, options=QUICK), evaluate_layer(gold, mixed, options=QUICK)
    assert (one.overall, one.labels, one.breakdowns, one.errors) == (
        other.overall,
        other.labels,
        other.breakdowns,
        other.errors,
    )


@pytest.mark.parametrize("order", [LABELS[::-1], tuple(sorted(LABELS))])
def test_evaluation_gives_the_same_intervals_in_any_order_of_labels(order: tuple[str, ...]) -> None:
    # A regression test: `evaluate` and `report` order labels differently, and drew other resamples.
    gold, layer = random_pair(random.Random(1), 20)  # noqa: S311 — no secret
    found = []
    for labels in (LABELS, ("ORG", *order)):
        ours, right = (evaluate_layer(gold, one, options=replace(QUICK, labels=labels)) for one in (layer, gold))
        compared = compare_evaluations(ours, right, sampling=QUICK.sampling).differences
        changes = {one.metric: one.difference for one in compared}
        by_label = [(ours.labels[label], changes[f"{label} strict f1"]) for label in LABELS]
        found.append((ours.overall, by_label))
    assert found[0] == found[1]


@given(layer_pairs())
@settings(deadline=None, max_examples=40)
def test_evaluation_swaps_precision_and_recall_when_the_sides_swap(layers: Layers) -> None:
    gold, layer = layers
    there, back = evaluate_layer(gold, layer, options=QUICK), evaluate_layer(layer, gold, options=QUICK)
    for one, other in [(there.overall, back.overall), *((there.labels[x], back.labels[x]) for x in LABELS)]:
        for scheme in SCHEMES:
            assert one[scheme].counts.precision == other[scheme].counts.recall
            assert one[scheme].counts.f1 == other[scheme].counts.f1
    assert there.confusion.matrix == tuple(zip(*back.confusion.matrix, strict=True))


@pytest.mark.parametrize("copied", [1, 3, 4])
def test_evaluation_is_no_surer_with_copies_of_its_sentences(copied: int) -> None:
    # A regression test: each copy was a unit of resampling, and its spans were trials of the exact interval, then the average copy's.
    gold = [
        Sentence("a" * 12, 9 * at, 9 * at + 2, text, (Span(0, 1, LABELS[0]),) if at < 3 else ())
        for at, text in enumerate(("ab", "cd", "ef", "gh"))
    ]
    copies = [
        replace(one, start=one.start + 99 * at, end=one.end + 99 * at) for at in range(1, 9) for one in gold[:copied]
    ]
    few, many = (evaluate_layer(some, some, options=QUICK) for some in (gold, [*gold, *copies]))
    assert (few.units.count, many.units.count, many.sentences) == (4, 4, 4 + 8 * copied)
    assert many.overall["strict"].f1.best == pytest.approx(few.overall["strict"].f1.best)
    assert few.overall["strict"].f1.best is not None
    # Of equal sides each figure is a share of as many spans.
    assert few.overall["strict"].f1.exact == few.overall["strict"].recall.exact == few.overall["strict"].precision.exact


def test_evaluation_resamples_articles_where_there_are_enough() -> None:
    gold, layer = random_pair(random.Random(41), 60, articles=12)  # noqa: S311 — test data
    found = evaluate_layer(gold, layer, options=QUICK)
    assert (found.units.kind, found.units.count, len(found.counts.rows)) == ("article", 12, 12)
    f1 = found.overall["strict"].f1
    assert f1.percentile[0] < f1.value < f1.percentile[1]


def test_evaluation_of_spans_that_all_have_a_score_keeps_no_others() -> None:
    found = evaluate_layer(GOLD[:1], LAYER[:1], options=QUICK)
    assert found.calibration.unscored == 0
    assert [(one.kept, one.precision, one.recall) for one in found.curve] == [(2, 0.5, 0.5)]


def test_list_occurring_leaves_out_labels_without_a_span() -> None:
    gold = (marked("[桃源村|PLACE]种桃"),)
    same, other = (evaluate_layer(gold, layer, options=QUICK) for layer in (gold, (marked("桃源村种[桃|AMOUNT]"),)))
    assert list_occurring([same]) == ("PLACE",)
    assert list_occurring([same, other]) == ("PLACE", "AMOUNT")
    assert list_occurring([]) == ()


def test_compare_of_evaluations_finds_the_better_layer() -> None:
    rng = random.Random(42)  # noqa: S311 — test data
    gold, worse = random_pair(rng, 80)
    better = (*gold[:60], *worse[60:])
    a, b = (
        evaluate_layer(gold, worse, name="a", options=QUICK),
        evaluate_layer(gold, better, name="b", options=QUICK),
    )
    found = {one.metric: one for one in compare_evaluations(a, b).differences}
    assert set(found) == {
        *(f"ALL {scheme} f1" for scheme in SCHEMES),
        "ALL strict precision",
        "ALL strict recall",
        *(f"{label} strict f1" for label in LABELS),
    }
    headline = found["ALL strict f1"]
    assert headline.a == pytest.approx(a.overall["strict"].counts.f1)
    assert headline.difference.value == pytest.approx(b.overall["strict"].counts.f1 - headline.a)
    assert headline.difference.bca[0] > 0
    assert headline.p <= headline.p_holm < 0.05


def test_compare_aligns_labels_that_only_one_layer_uses() -> None:
    gold = [marked("[清河镇|PLACE]", start=10 * at) for at in range(3)]
    other = [marked("[清河镇|ORG]", start=10 * at) for at in range(3)]
    quick = replace(QUICK, labels=())
    a, b = evaluate_layer(gold, gold, options=quick), evaluate_layer(gold, other, options=quick)
    found = {one.metric: one for one in compare_evaluations(a, b).differences}
    assert (found["ORG strict f1"].a, found["ORG strict f1"].b) == (None, 0)
    assert found["PLACE strict f1"].difference.value == -1


def test_compare_refuses_evaluations_on_different_gold() -> None:
    a = evaluate_layer(GOLD, LAYER, options=QUICK)
    with pytest.raises(ScoringError):
        compare_evaluations(a, evaluate_layer(GOLD[:2], LAYER[:2], options=QUICK))


@pytest.mark.parametrize(("length", "name"), [(1, "1"), (2, "2"), (3, "3-4"), (4, "3-4"), (5, "5+"), (99, "5+")])
def test_length_class_names_every_length(length: int, name: str) -> None:
    assert name_length_class(length, (1, 2, 4)) == name


def test_sort_classes_puts_lengths_in_order_of_size() -> None:
    assert sort_classes("length", ["11+", "2", "6-7", "1"]) == ["1", "2", "6-7", "11+"]
    assert sort_classes("sentence_length", ["101+", "11-20", "1-10"]) == ["1-10", "11-20", "101+"]
    assert sort_classes("confidence", ["none", "0.9-1.0"]) == ["0.9-1.0", "none"]
    assert sort_classes("surface", ["unseen", "seen"]) == ["seen", "unseen"]
    assert sort_classes("article", ["b", "a"]) == ["b", "a"]
