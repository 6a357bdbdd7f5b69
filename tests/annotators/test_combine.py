from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biaozhu.annotators.combine import combine_rows, list_losses
from biaozhu.annotators.registry import Annotator
from biaozhu.data.ledger import Entry
from biaozhu.data.model import Sentence, Span, check_sentence, with_spans

TEXT = "王小明在青石镇种了三百亩桃树，收入二十万元。"
SENTENCE = Sentence("0123456789ab", 5, 5 + len(TEXT), TEXT)
LEAST = 0.9
BASE = Annotator("base", list, proposes={"PERSON": 20}, min_score=LEAST)
ANNOTATORS = (
    Annotator("lac", list),
    Annotator("places", list, proposes={"PLACE": 10}),
    Annotator("persons", list, proposes={"PERSON": 30}),
    Annotator("amounts", list, proposes={"AMOUNT": 40}),
    BASE,
)
SOURCES = (*(one.name for one in ANNOTATORS), "trained")
LABELS = ("PLACE", "PERSON", "AMOUNT", "CROP")


def _layer(name: str, *spans: tuple[int, int, str, float | None]) -> list[Sentence]:
    return [with_spans(SENTENCE, [Span(start, end, label, name, score) for start, end, label, score in spans])]


def combine(
    sentences: Sequence[Sentence], layers: Mapping[str, Sequence[Sentence]], annotators: Iterable[Annotator]
) -> tuple[list[Sentence], list[Entry]]:
    annotators = tuple(annotators)
    found = {"none": [()] * len(sentences)} | {name: [one.spans for one in layer] for name, layer in layers.items()}
    rows = combine_rows(found, annotators)
    assert rows == [tuple(sorted(row, key=lambda span: span.start)) for row in rows]
    combined = [with_spans(one, row) for one, row in zip(sentences, rows, strict=True)]
    return combined, list_losses(combined, found, annotators)


@st.composite
def _layers(draw: st.DrawFn) -> dict[str, list[Sentence]]:
    layers = {}
    for name in draw(st.lists(st.sampled_from(SOURCES), unique=True, max_size=5)):
        cuts = draw(st.lists(st.integers(0, len(TEXT)), unique=True, max_size=10).map(sorted))
        spans = [
            (
                start,
                end,
                draw(st.sampled_from(LABELS)),
                draw(st.none() | st.floats(0, 1, allow_nan=False)),
            )
            for start, end in zip(cuts[::2], cuts[1::2], strict=False)
        ]
        layers[name] = _layer(name, *spans)
    return layers


@given(layers=_layers())
def test_combine_loses_nothing_and_overlaps_nowhere(layers: dict[str, list[Sentence]]) -> None:
    (combined,), entries = combine([SENTENCE], layers, ANNOTATORS)
    check_sentence(combined)
    kept = {(span.start, span.end, span.label) for span in combined.spans}
    dropped = Counter((entry.source, entry.start, entry.end, entry.label) for entry in entries)
    given_spans = {
        (name, span.start, span.end, span.label) for name, sentences in layers.items() for span in sentences[0].spans
    }
    for one in given_spans:
        assert dropped[one] == (0 if one[1:] in kept else 1)
    assert set(dropped) <= given_spans
    assert {(span.source, span.start, span.end, span.label) for span in combined.spans} <= given_spans
    assert all(entry.severity == "decision" for entry in entries)
    assert all(entry.text == TEXT[entry.start : entry.end] for entry in entries)


@given(layers=_layers(), shuffled=st.randoms(use_true_random=False))
def test_combine_does_not_ask_for_the_order_of_layers(layers: dict[str, list[Sentence]], shuffled: object) -> None:
    names = list(layers)
    shuffled.shuffle(names)  # type: ignore[attr-defined]
    assert combine([SENTENCE], layers, ANNOTATORS) == combine(
        [SENTENCE], {name: layers[name] for name in names}, reversed(ANNOTATORS)
    )


def test_combine_takes_the_deciding_layer_and_names_what_lost() -> None:
    layers = {
        "lac": _layer("lac", (0, 3, "PERSON", 0.8), (4, 12, "PLACE", 0.5)),
        "places": _layer("places", (4, 7, "PLACE", 0.9)),
        "persons": _layer("persons", (0, 3, "PERSON", 0.6)),
    }
    (combined,), entries = combine([SENTENCE], layers, ANNOTATORS)
    assert combined.spans == (
        Span(0, 3, "PERSON", "persons", 0.92),
        Span(4, 7, "PLACE", "places", 0.9),
    )
    assert [(entry.source, entry.text, entry.reason) for entry in entries] == [
        ("lac", TEXT[4:12], "places has PLACE there")
    ]


def test_combine_does_not_let_a_veto_come_back() -> None:
    (combined,), entries = combine(
        [SENTENCE], {"lac": _layer("lac", (4, 7, "PERSON", 0.4)), "persons": _layer("persons")}, ANNOTATORS
    )
    assert combined.spans == ()
    assert [entry.reason for entry in entries] == ["persons decide on PERSON"]


@pytest.mark.parametrize(
    ("span", "kept", "reason"),
    [
        ((0, 3, "PERSON", LEAST), True, ""),
        ((0, 3, "PERSON", LEAST - 0.01), False, "base proposes only what it gives 0.9 or more"),
        ((0, 3, "PERSON", None), False, "base proposes only what it gives 0.9 or more"),
        ((4, 7, "PLACE", 1.0), False, "places decide on PLACE"),
    ],
)
def test_combine_takes_from_base_the_persons_that_it_is_sure_of(
    span: tuple[int, int, str, float | None], *, kept: bool, reason: str
) -> None:
    layers = {"base": _layer("base", span), "persons": _layer("persons"), "places": _layer("places")}
    (combined,), entries = combine([SENTENCE], layers, ANNOTATORS)
    assert [(*one.key, one.source) for one in combined.spans] == ([(*span[:3], "base")] if kept else [])
    assert [entry.reason for entry in entries] == ([] if kept else [reason])


@pytest.mark.parametrize(("score", "kept"), [(0.95, True), (0.85, False)])
def test_combine_asks_for_the_min_score_of_a_label(score: float, *, kept: bool) -> None:
    sure = Annotator("sure", list, proposes={"PERSON": 9, "CROP": 9}, min_score={"CROP": LEAST})
    layers = {"sure": _layer("sure", (0, 3, "PERSON", 0.1), (8, 11, "CROP", score))}
    (combined,), entries = combine([SENTENCE], layers, [sure])
    assert [span.label for span in combined.spans] == ["PERSON", "CROP"][: 1 + kept]
    assert [entry.reason for entry in entries] == ["sure proposes only what it gives 0.9 or more"] * (not kept)


def test_combine_lets_base_confirm_what_others_propose() -> None:
    layers = {
        "base": _layer("base", (4, 7, "PLACE", 0.5), (0, 2, "PERSON", 1.0)),
        "places": _layer("places", (4, 7, "PLACE", 0.8)),
        "persons": _layer("persons", (0, 3, "PERSON", 0.1)),
    }
    (combined,), entries = combine([SENTENCE], layers, ANNOTATORS)
    assert combined.spans == (Span(0, 3, "PERSON", "persons", 0.1), Span(4, 7, "PLACE", "places", 0.9))
    assert [entry.reason for entry in entries] == ["persons has PERSON there"]


def test_combine_takes_a_layer_of_no_annotator_for_a_label_that_none_claims() -> None:
    layers = {
        "trained": _layer("trained", (0, 3, "PERSON", 1.0), (12, 14, "CROP", None)),
        "other": _layer("other", (3, 5, "CROP", 1.0), (9, 14, "CROP", 0.7)),
        "places": _layer("places", (4, 7, "PLACE", 0.1)),
        "amounts": _layer("amounts", (5, 7, "CROP", 1.0), (7, 8, "CROP", 1.0)),
    }
    (combined,), entries = combine([SENTENCE], layers, ANNOTATORS)
    assert combined.spans == (Span(4, 7, "PLACE", "places", 0.1), Span(9, 14, "CROP", "other", 0.7))
    assert {(entry.source, entry.reason) for entry in entries} == {
        ("amounts", "places has PLACE there"),
        ("amounts", "amounts does not propose CROP"),
        ("other", "places has PLACE there"),
        ("trained", "other has CROP there"),
        ("trained", "persons decide on PERSON"),
    }


@pytest.mark.parametrize(("priority", "winner"), [(9, "PLACE"), (11, "CROP")])
def test_combine_goes_by_the_priorities_that_annotators_state(priority: int, winner: str) -> None:
    layers = {"places": _layer("places", (0, 7, "PLACE", 1.0)), "crops": _layer("crops", (2, 4, "CROP", 0.1))}
    crops = Annotator("crops", list, proposes={"CROP": priority})
    (combined,), _ = combine([SENTENCE], layers, (*ANNOTATORS, crops))
    assert [span.label for span in combined.spans] == [winner]


def test_combine_gives_amounts_before_persons_before_places() -> None:
    layers = {
        "places": _layer("places", (0, 7, "PLACE", 1.0), (8, 11, "PLACE", 1.0)),
        "persons": _layer("persons", (0, 3, "PERSON", 0.1), (9, 12, "PERSON", 1.0)),
        "amounts": _layer("amounts", (10, 14, "AMOUNT", 0.1)),
    }
    (combined,), _ = combine([SENTENCE], layers, ANNOTATORS)
    assert [span.key for span in combined.spans] == [(0, 3, "PERSON"), (10, 14, "AMOUNT")]


def test_combine_ranks_proposals_of_one_priority_by_label_and_layer() -> None:
    rivals = [Annotator(name, list, proposes={"B": 5, "A": 5}) for name in ("second", "first")]
    layers = {
        "first": _layer("first", (0, 4, "B", 1.0), (6, 9, "A", 0.1)),
        "second": _layer("second", (2, 5, "A", 0.1), (7, 10, "A", 1.0)),
    }
    (combined,), _ = combine([SENTENCE], layers, rivals)
    assert [(*span.key, span.source) for span in combined.spans] == [
        (2, 5, "A", "second"),
        (6, 9, "A", "first"),
    ]


def test_combine_keeps_spans_that_touch_and_does_not_blame_them() -> None:
    layers = {
        "amounts": _layer("amounts", (3, 6, "AMOUNT", 0.9)),
        "lac": _layer("lac", (0, 3, "PLACE", 0.9), (6, 9, "PLACE", 0.9)),
        "persons": _layer("persons", (0, 3, "PERSON", 0.9)),
        "places": _layer("places", (6, 8, "PLACE", 0.9)),
    }
    (combined,), entries = combine([SENTENCE], layers, ANNOTATORS)
    assert [span.source for span in combined.spans] == ["persons", "amounts", "places"]
    assert [entry.reason for entry in entries] == ["persons has PERSON there", "places has PLACE there"]
    (_,), entries = combine([SENTENCE], {"amounts": layers["amounts"], "lac": layers["lac"]}, ANNOTATORS)
    assert [entry.reason for entry in entries] == ["places decide on PLACE"] * 2


def test_combine_names_those_who_decide_the_strongest_first() -> None:
    more = [Annotator(name, list, proposes={"PLACE": priority}) for name, priority in (("a", 10), ("z", 50))]
    (_,), entries = combine([SENTENCE], {"lac": _layer("lac", (0, 3, "PLACE", 0.9))}, (*ANNOTATORS, *more))
    assert [entry.reason for entry in entries] == ["z and a and places decide on PLACE"]


@pytest.mark.parametrize(
    ("others", "score"),
    [
        ({"lac": (0, 3, "PERSON", 0.5)}, 0.8),
        ({"lac": (0, 3, "PERSON", None)}, 0.8),  # without a score it counts as one half
        ({"lac": (0, 3, "PLACE", 0.5)}, 0.6),  # another label says nothing of this one
        ({"lac": (0, 2, "PERSON", 0.5)}, 0.6),
        ({"lac": (0, 3, "PERSON", 0.5), "trained": (0, 3, "PERSON", 0.9)}, 0.98),
    ],
)
def test_combine_scores_agreement_on_borders_and_label(
    others: dict[str, tuple[int, int, str, float | None]], score: float
) -> None:
    layers = {name: _layer(name, span) for name, span in others.items()}
    layers["persons"] = _layer("persons", (0, 3, "PERSON", 0.6))
    (combined,), _ = combine([SENTENCE], layers, ANNOTATORS)
    assert combined.spans == (Span(0, 3, "PERSON", "persons", score),)


def test_combine_gives_no_score_where_no_layer_has_one() -> None:
    layers = {name: _layer(name, (0, 3, "PERSON", None)) for name in ("persons", "lac")}
    (combined,), _ = combine([SENTENCE], layers, ANNOTATORS)
    assert combined.spans == (Span(0, 3, "PERSON", "persons", None),)


DOUBTFUL = Annotator("grammar", list, proposes={"AMOUNT": 40}, sure={"AMOUNT": LEAST})
VOUCHER = Annotator("seen", list, proposes={"AMOUNT": 45}, min_score=LEAST)


@pytest.mark.parametrize(
    ("score", "seen", "kept"),
    [
        (LEAST, (), True),
        (LEAST - 0.01, (), False),
        (None, (), False),
        (LEAST - 0.01, ((10, 12, "AMOUNT", 0.1),), True),
        (LEAST - 0.01, ((10, 12, "PLACE", 0.1),), False),
        (LEAST - 0.01, ((13, 14, "AMOUNT", 0.1),), False),
    ],
)
def test_combine_asks_another_annotator_for_what_one_is_not_sure_of(
    score: float | None, seen: tuple[tuple[int, int, str, float], ...], *, kept: bool
) -> None:
    layers = {"grammar": _layer("grammar", (8, 11, "AMOUNT", score)), "seen": _layer("seen", *seen)}
    (combined,), entries = combine([SENTENCE], layers, [DOUBTFUL, VOUCHER])
    assert [span.key for span in combined.spans] == ([(8, 11, "AMOUNT")] if kept else [])
    assert ("grammar" in [entry.source for entry in entries]) is not kept


def test_combine_lets_a_doubtful_span_stand_where_nobody_could_vouch_for_it() -> None:
    layers = {"grammar": _layer("grammar", (8, 11, "AMOUNT", 0.1)), "places": _layer("places", (8, 9, "PLACE", 0.9))}
    (combined,), _ = combine([SENTENCE], layers, [DOUBTFUL, VOUCHER, *ANNOTATORS[1:2]])
    assert [span.key for span in combined.spans] == [(8, 11, "AMOUNT")]
