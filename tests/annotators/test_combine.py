from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biaozhu.annotators.combine import LEAST, PRECEDENCE, combine
from biaozhu.data.errors import DuplicateError, VersionError
from biaozhu.data.model import Sentence, Span, check_sentence, with_spans

TEXT = "王小明在青石镇种了三百亩桃树，收入二十万元。"
SENTENCE = Sentence("0123456789ab", 5, 5 + len(TEXT), TEXT)
SOURCES = ("lac", "places", "persons", "amounts", "base", "trained")
LABELS = ("PLACE", "PERSON", "AMOUNT", "CROP")


def _layer(name: str, *spans: tuple[int, int, str, float | None]) -> list[Sentence]:
    return [
        with_spans(SENTENCE, [Span(start, end, label, name, score) for start, end, label, score in spans])
    ]


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
    (combined,), entries = combine([SENTENCE], layers)
    check_sentence(combined)
    kept = {(span.start, span.end, span.label) for span in combined.spans}
    dropped = Counter((entry.source, entry.start, entry.end, entry.label) for entry in entries)
    given_spans = {
        (name, span.start, span.end, span.label)
        for name, sentences in layers.items()
        for span in sentences[0].spans
    }
    for one in given_spans:
        assert dropped[one] == (0 if one[1:] in kept else 1)
    assert set(dropped) <= given_spans
    assert {(span.source, span.start, span.end, span.label) for span in combined.spans} <= given_spans
    assert all(entry.severity == "decision" for entry in entries)
    assert all(entry.text == TEXT[entry.start : entry.end] for entry in entries)


@given(layers=_layers(), shuffled=st.randoms(use_true_random=False))
def test_combine_does_not_ask_for_the_order_of_layers(
    layers: dict[str, list[Sentence]], shuffled: object
) -> None:
    names = list(layers)
    shuffled.shuffle(names)  # type: ignore[attr-defined]
    assert combine([SENTENCE], layers) == combine([SENTENCE], {name: layers[name] for name in names})


def test_combine_takes_the_deciding_layer_and_names_what_lost() -> None:
    layers = {
        "lac": _layer("lac", (0, 3, "PERSON", 0.8), (4, 12, "PLACE", 0.5)),
        "places": _layer("places", (4, 7, "PLACE", 0.9)),
        "persons": _layer("persons", (0, 3, "PERSON", 0.6)),
    }
    (combined,), entries = combine([SENTENCE], layers)
    assert combined.spans == (
        Span(0, 3, "PERSON", "persons", 0.92),
        Span(4, 7, "PLACE", "places", 0.9),
    )
    assert [(entry.source, entry.text, entry.reason) for entry in entries] == [
        ("lac", TEXT[4:12], "places has PLACE there")
    ]


def test_combine_does_not_let_a_veto_come_back() -> None:
    (combined,), entries = combine(
        [SENTENCE], {"lac": _layer("lac", (4, 7, "PERSON", 0.4)), "persons": _layer("persons")}
    )
    assert combined.spans == ()
    assert [entry.reason for entry in entries] == ["persons decide on PERSON"]


@pytest.mark.parametrize(
    ("span", "kept", "reason"),
    [
        ((0, 3, "PERSON", LEAST["base"]), True, ""),
        ((0, 3, "PERSON", LEAST["base"] - 0.01), False, "base proposes only what it gives 0.9 or more"),
        ((0, 3, "PERSON", None), False, "base proposes only what it gives 0.9 or more"),
        ((4, 7, "PLACE", 1.0), False, "places decide on PLACE"),
    ],
)
def test_combine_takes_from_base_the_persons_that_it_is_sure_of(
    span: tuple[int, int, str, float | None], *, kept: bool, reason: str
) -> None:
    layers = {"base": _layer("base", span), "persons": _layer("persons"), "places": _layer("places")}
    (combined,), entries = combine([SENTENCE], layers)
    assert [(*one.key, one.source) for one in combined.spans] == ([(*span[:3], "base")] if kept else [])
    assert [entry.reason for entry in entries] == ([] if kept else [reason])


def test_combine_lets_base_confirm_what_others_propose() -> None:
    layers = {
        "base": _layer("base", (4, 7, "PLACE", 0.5), (0, 2, "PERSON", 1.0)),
        "places": _layer("places", (4, 7, "PLACE", 0.8)),
        "persons": _layer("persons", (0, 3, "PERSON", 0.1)),
    }
    (combined,), entries = combine([SENTENCE], layers)
    assert combined.spans == (Span(0, 3, "PERSON", "persons", 0.1), Span(4, 7, "PLACE", "places", 0.9))
    assert [entry.reason for entry in entries] == ["persons has PERSON there"]


def test_combine_takes_all_layers_for_a_label_without_precedence() -> None:
    layers = {
        "trained": _layer("trained", (12, 14, "CROP", None)),
        "amounts": _layer("amounts", (9, 14, "CROP", 0.7)),
    }
    (combined,), entries = combine([SENTENCE], layers)
    assert combined.spans == (Span(9, 14, "CROP", "amounts", 0.7),)
    assert [entry.source for entry in entries] == ["trained"]


def test_combine_goes_by_the_order_of_labels() -> None:
    assert tuple(PRECEDENCE) == ("AMOUNT", "PERSON", "PLACE")
    layers = {
        "places": _layer("places", (0, 7, "PLACE", 1.0)),
        "persons": _layer("persons", (0, 3, "PERSON", 0.1)),
    }
    (combined,), _ = combine([SENTENCE], layers)
    assert [span.label for span in combined.spans] == ["PERSON"]


def test_combine_refuses_foreign_and_repeated_sentences() -> None:
    foreign = Sentence("0123456789ab", 0, 1, "王")
    with pytest.raises(VersionError):
        combine([SENTENCE], {"lac": [foreign]})
    with pytest.raises(DuplicateError):
        combine([SENTENCE], {"lac": [SENTENCE, SENTENCE]})
