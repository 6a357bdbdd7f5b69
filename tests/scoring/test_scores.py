"""Counts and scores of written sentences with known answers, and what must hold for any layers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scoring_layers import LABELS, disjoint, layer_pairs, marked

from biaozhu.data.errors import BiaozhuError, OverlapError, ScoringError, VersionError
from biaozhu.data.model import Sentence, Span
from biaozhu.scoring.scores import SCHEMES, Counts, Tally, count_scheme, pair_layers, tally_spans

Layers = tuple[tuple[Sentence, ...], tuple[Sentence, ...]]

# The scenarios of the SemEval-2013 evaluation: the figures are worked out by hand from its definitions.
GOLD = "[清河镇|PLACE]的[王小明|PERSON]和[李大力|PERSON]在[桃源村|PLACE]种了[三亩|AMOUNT]桃"
FOUND = "[清河镇|PLACE]的[王小明|PLACE]和李[大力|PERSON]在桃源[村种|AMOUNT]了三亩[桃|AMOUNT]"


@pytest.mark.parametrize(
    ("scheme", "counts", "precision"),
    [
        ("strict", Counts(cor=1, inc=3, par=0, mis=1, spu=1, possible=5, actual=5), 1 / 5),
        ("exact", Counts(cor=2, inc=2, par=0, mis=1, spu=1, possible=5, actual=5), 2 / 5),
        ("partial", Counts(cor=2, inc=0, par=2, mis=1, spu=1, possible=5, actual=5), 3 / 5),
        ("type", Counts(cor=2, inc=2, par=0, mis=1, spu=1, possible=5, actual=5), 2 / 5),
    ],
)
def test_scores_of_the_written_case(scheme: str, counts: Counts, precision: float) -> None:
    score = count_scheme(tally_spans(marked(GOLD).spans, marked(FOUND).spans), scheme)  # type: ignore[arg-type]
    assert score == counts
    assert (score.precision, score.recall, score.f1) == pytest.approx((precision, precision, precision))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_scores_are_none_where_there_is_no_denominator(scheme: str) -> None:
    place = Span(0, 2, "PLACE")

    def figures(gold: list[Span], predicted: list[Span]) -> tuple[float | None, ...]:
        score = count_scheme(tally_spans(gold, predicted), scheme)  # type: ignore[arg-type]
        return score.precision, score.recall, score.f1

    assert figures([], []) == (None, None, None)
    assert figures([place], []) == (None, 0, 0)
    assert figures([], [place]) == (0, None, 0)
    assert figures([place], [place]) == (1, 1, 1)


@given(disjoint(), disjoint())
def test_scores_swap_precision_and_recall_when_the_sides_swap(
    gold: tuple[Span, ...], predicted: tuple[Span, ...]
) -> None:
    there, back = tally_spans(gold, predicted), tally_spans(predicted, gold)
    for scheme in SCHEMES:
        one, other = count_scheme(there, scheme), count_scheme(back, scheme)
        assert (one.precision, one.recall, one.f1) == (other.recall, other.precision, other.f1)
        assert (one.mis, one.spu) == (other.spu, other.mis)


@given(disjoint(), disjoint(), st.sampled_from(LABELS))
def test_scores_never_gain_precision_by_a_wrong_span(
    gold: tuple[Span, ...], predicted: tuple[Span, ...], label: str
) -> None:
    wrong = Span(50, 52, label)  # beyond all others
    for scheme in SCHEMES:
        before = count_scheme(tally_spans(gold, predicted), scheme)
        after = count_scheme(tally_spans(gold, [*predicted, wrong]), scheme)
        assert (after.precision or 0) <= (1 if before.precision is None else before.precision)
        assert after.recall == before.recall


@given(disjoint(), disjoint(), st.integers(0, 12), st.integers(1, 5), st.sampled_from(LABELS))
def test_scores_never_gain_strict_precision_by_any_wrong_span(
    gold: tuple[Span, ...], predicted: tuple[Span, ...], start: int, length: int, label: str
) -> None:
    wrong = Span(start, start + length, label)
    assume(wrong.key not in {one.key for one in gold})
    assume(all(one.end <= start or wrong.end <= one.start for one in predicted))
    before = count_scheme(tally_spans(gold, predicted), "strict").precision
    after = count_scheme(tally_spans(gold, [*predicted, wrong]), "strict").precision
    assert after is not None
    assert after <= (1 if before is None else before)


@given(disjoint(), disjoint())
def test_scores_never_lose_by_a_missed_span_that_is_found(gold: tuple[Span, ...], predicted: tuple[Span, ...]) -> None:
    found = Span(50, 52, "PLACE")
    for scheme in SCHEMES:
        before = count_scheme(tally_spans([*gold, found], predicted), scheme)
        after = count_scheme(tally_spans([*gold, found], [*predicted, found]), scheme)
        assert (after.f1 or 0) >= (before.f1 or 0)


@given(layer_pairs())
def test_scores_of_layers_add_up_over_sentences(layers: Layers) -> None:
    total = Tally()
    for gold, found in zip(*layers, strict=True):
        total += tally_spans(gold.spans, found.spans)
    for scheme in SCHEMES:
        counts = count_scheme(total, scheme)
        assert counts.cor + counts.inc + counts.par + counts.mis == counts.possible
        assert counts.cor + counts.inc + counts.par + counts.spu == counts.actual
        assert counts.possible == sum(len(sentence.spans) for sentence in layers[0])
        assert counts.actual == sum(len(sentence.spans) for sentence in layers[1])
        assert min(counts.cor, counts.inc, counts.par, counts.mis, counts.spu) >= 0


def test_pair_layers_pairs_by_id_in_the_order_of_the_gold() -> None:
    gold = [marked("一", start=0), marked("二", start=9), marked("三", start=20)]
    layer = [gold[2], gold[0], gold[1]]
    assert pair_layers(gold, layer) == tuple(zip(gold, gold, strict=True))


def test_pair_layers_refuses_a_sentence_that_the_gold_has_not() -> None:
    gold = [marked("一")]
    with pytest.raises(ScoringError, match="BZ050"):
        pair_layers(gold, [*gold, marked("二", start=9)], missing="empty", name="model")


def test_pair_layers_refuses_or_counts_a_sentence_that_the_layer_lacks() -> None:
    gold = [marked("[清河镇|PLACE]"), marked("[桃源村|PLACE]", start=9)]
    with pytest.raises(ScoringError, match="BZ050"):
        pair_layers(gold, gold[:1])
    pairs = pair_layers(gold, gold[:1], missing="empty")
    assert pairs[1] == (gold[1], replace(gold[1], spans=()))
    with pytest.raises(ScoringError, match=r"BZ050 .*1 more"):
        pair_layers(gold, [])
    assert [theirs.spans for _, theirs in pair_layers(gold, [], missing="empty")] == [(), ()]


@pytest.mark.parametrize(
    ("gold", "layer", "error"),
    [
        ([], [marked("一")], ScoringError),
        ([marked("一")] * 2, [marked("一")], ScoringError),
        ([marked("一")], [marked("一")] * 2, ScoringError),
        ([marked("一")], [marked("二")], VersionError),
        ([replace(marked("一二"), spans=(Span(0, 2, "A"), Span(0, 2, "A")))], [marked("一二")], OverlapError),
        ([marked("一二")], [replace(marked("一二"), spans=(Span(0, 2, "A"), Span(1, 2, "A")))], OverlapError),
    ],
    ids=["no gold", "gold twice", "layer twice", "other text", "duplicate spans", "overlapping spans"],
)
def test_pair_layers_refuses_what_cannot_be_scored(
    gold: list[Sentence], layer: list[Sentence], error: type[BiaozhuError]
) -> None:
    with pytest.raises(error):
        pair_layers(gold, layer)
