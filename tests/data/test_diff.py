from __future__ import annotations

from dataclasses import replace

import pytest
from doccano_layers import make_layer
from hypothesis import given
from hypothesis import strategies as st

from biaozhu.data.diff import FORMAT, Change, compare_layers, compare_spans, describe, describe_round_trip
from biaozhu.data.ledger import Entry
from biaozhu.data.model import Sentence, Span

BASE = Sentence(
    "0" * 12,
    0,
    10,
    "白水县林小满有3万元",
    (Span(0, 3, "PLACE", "lac", 0.5), Span(3, 6, "PERSON", "lac", 0.5)),
)


@pytest.mark.parametrize(
    ("spans", "kinds"),
    [
        (BASE.spans, []),
        (BASE.spans[:1], ["removed"]),
        ((*BASE.spans, Span(7, 10, "AMOUNT", "doccano")), ["added"]),
        ((Span(0, 2, "PLACE", "doccano"), BASE.spans[1]), ["moved"]),
        ((Span(0, 3, "PERSON", "doccano"), BASE.spans[1]), ["relabelled"]),
        ((Span(0, 3, "PLACE", "lac", 0.25), BASE.spans[1]), ["provenance"]),
        ((Span(0, 3, "PLACE", "doccano", 0.5), BASE.spans[1]), ["provenance"]),
        ((Span(0, 2, "AMOUNT", "doccano"), BASE.spans[1]), ["added", "removed"]),
        ((), ["removed", "removed"]),
    ],
)
def test_changes_name_what_a_person_did(spans: tuple[Span, ...], kinds: list[str]) -> None:
    assert sorted(change.kind for change in compare_spans(BASE, replace(BASE, spans=spans))) == kinds


def test_changes_tell_lost_new_and_edited_sentences() -> None:
    first, second, third = make_layer("changes", 3)
    edited = replace(second, text="在" * len(second.text), spans=())
    found = compare_layers([first, second], [edited, third])
    assert [(c.sentence, c.kind) for c in found] == [
        (first.id, "missing sentence"),
        (second.id, "text"),
        (third.id, "new sentence"),
    ]
    assert all(change.sentence in describe(change) for change in found)


def test_changes_come_in_the_order_of_the_text() -> None:
    after = (Span(0, 1, "PERSON", "doccano"), Span(3, 6, "PERSON", "lac", 0.5), Span(7, 10, "AMOUNT", "doccano"))
    found = compare_spans(BASE, replace(BASE, spans=after))
    places = [(change.before or change.after) for change in found]
    assert [span and (span.start, span.end) for span in places] == [(0, 1), (0, 3), (7, 10)]


@given(st.integers(0, 50), st.randoms(use_true_random=False))
def test_changes_account_for_every_span_once(seed: int, chance: object) -> None:
    for sentence in make_layer("count", 4, seed=seed):
        kept = tuple(span for span in sentence.spans if chance.random() < 0.5)  # type: ignore[attr-defined]
        found = compare_spans(sentence, replace(sentence, spans=kept))
        assert {change.before for change in found} == set(sentence.spans) - set(kept)
        assert all(change.kind == "removed" for change in found)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (Change("s", "removed", BASE.spans[0]), ["0-3 PLACE"]),
        (Change("s", "added", None, Span(7, 10, "AMOUNT", "doccano")), ["7-10 AMOUNT (doccano)"]),
        (Change("s", "added", None, Span(7, 10, "AMOUNT")), ["7-10 AMOUNT"]),
        (Change("s", "moved", BASE.spans[0], Span(0, 2, "PLACE", "doccano")), ["0-3 PLACE", "→ 0-2 PLACE (doccano)"]),
    ],
)
def test_changes_show_both_sides(change: Change, said: list[str]) -> None:
    shown = describe(change)
    assert shown.startswith(f"s {change.kind}")
    assert all(one in shown for one in said)
    assert shown.count("→") == (len(said) > 1)
    assert ("(" in shown) == ("(" in said[-1])


def test_changes_of_a_round_trip_are_none_where_a_sentence_is_only_new() -> None:
    new, loss = Change("s", "new sentence", text="风"), Entry("pull", "loss", "overlap", "s", 0, 1, "PLACE", "风")
    found = describe_round_trip([new], [loss], sentences=3, consistent=False)
    assert (found["format"], found["sentences"], found["consistent"]) == (FORMAT, 3, False)
    assert found["identical"]
    assert [one["kind"] for one in found["changes"]] == ["new sentence"]
    assert [one["reason"] for one in found["losses"]] == ["overlap"]
    assert not describe_round_trip([new, Change("s", "text")], [], sentences=3, consistent=True)["identical"]
