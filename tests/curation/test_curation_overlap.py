"""Annotators who have different sentences, and gold that remembers the model behind a kept span."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from biaozhu.curation.adjudication import (
    Decision,
    adjudicate,
    find_disagreements,
    keep_common,
    read_decisions,
    write_decisions,
)
from biaozhu.curation.agreement import GroupAgreement, measure_agreement
from biaozhu.data.errors import GoldError, LineError
from biaozhu.data.model import Sentence, Span

if TYPE_CHECKING:
    from pathlib import Path

TOWN = Span(1, 4, "PLACE", "lac", 0.75)
TEA = Span(5, 7, "AMOUNT")


def sentence(number: int, *spans: Span) -> Sentence:
    return Sentence("0" * 12, number * 10, number * 10 + 10, "去灵山镇买三斤茶。啊", spans)


def test_agreement_compares_each_two_on_what_both_have() -> None:
    layers = {
        "a": [sentence(0, TOWN), sentence(1, TOWN)],
        "b": [sentence(1, TOWN), sentence(2, TOWN)],
        "c": [sentence(2, TEA), sentence(0, TOWN)],
    }
    with pytest.raises(GoldError, match="BZ041"):
        measure_agreement(layers)
    result = measure_agreement(layers, common=True)
    assert [(p.first, p.second, p.sentences, p.strict["micro"]) for p in result.pairs] == [
        ("a", "b", 1, 1.0),
        ("a", "c", 1, 1.0),
        ("b", "c", 1, 0.0),
    ]
    assert result.mean_strict == pytest.approx(2 / 3)
    assert result.alpha is not None
    assert 0 < result.alpha < 1
    # A fourth who shares nothing changes nothing; two who share nothing cannot be compared.
    lonely = measure_agreement({**layers, "d": [sentence(9, TEA)]}, common=True)
    assert (lonely.pairs, lonely.alpha) == (result.pairs, result.alpha)
    with pytest.raises(GoldError, match="BZ041"):
        measure_agreement({"a": layers["a"], "d": [sentence(9)]}, common=True)


def test_agreement_alpha_with_gaps_is_that_of_what_two_have() -> None:
    both = {"a": [sentence(0, TOWN), sentence(1, TEA)], "b": [sentence(0, TEA), sentence(1, TEA)]}
    gaps = {name: [*layer, sentence(number, TOWN)] for number, (name, layer) in enumerate(both.items(), 5)}
    assert measure_agreement(gaps, common=True).alpha == measure_agreement(both).alpha


def test_disagreements_in_common_keeps_order() -> None:
    mine, theirs = keep_common([sentence(2), sentence(0), sentence(1)], [sentence(1), sentence(2), sentence(3)])
    assert [s.start for s in mine] == [20, 10]
    assert [s.start for s in theirs] == [10, 20]


def test_adjudication_keeps_model_score_and_decider(tmp_path: Path) -> None:
    amount = Span(5, 7, "AMOUNT", "rule", 0.5)
    mine = [sentence(0, TOWN, amount)]
    theirs = [sentence(0, Span(1, 4, "PLACE", "b"))]
    decided = Decision(mine[0].id, 5, 7, (Span(*amount.key),), "A1", "数词加量词", "chen", "2026-01-02T03:04:05Z")
    path = tmp_path / "decisions.jsonl"
    write_decisions(path, find_disagreements(mine, theirs), [decided], names=("a", "b"))
    assert read_decisions(path) == (decided,)
    gold = adjudicate(mine, theirs, read_decisions(path), names=("a", "b"))
    assert gold[0].spans == (
        Span(1, 4, "PLACE", "lac>a+b", 0.75),
        Span(5, 7, "AMOUNT", "rule>adjudicated:a/chen", 0.5),
    )


def test_agreement_by_month_is_when_the_later_one_confirmed() -> None:
    layers = {
        "a": [sentence(0, TOWN), sentence(1, TOWN), sentence(2, TOWN)],
        "b": [sentence(0, TOWN), sentence(1, TEA), sentence(2, TOWN)],
    }
    ids = [s.id for s in layers["a"]]
    times = {
        "a": {ids[0]: "2026-01-30T08:00:00Z", ids[1]: "2026-01-30T09:00:00Z", ids[2]: "2026-03-01T08:00:00Z"},
        "b": {ids[0]: "2026-01-02T08:00:00Z", ids[1]: "2026-02-02T08:00:00Z"},
    }
    by_month = measure_agreement(layers, times=times).by_month
    assert by_month == {"2026-01": GroupAgreement(1, 1.0), "2026-02": GroupAgreement(1, 0.0)}
    assert measure_agreement(layers).by_month == {}
    assert measure_agreement(layers).by_article == {"0" * 12: GroupAgreement(3, pytest.approx(2 / 3))}


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16", "utf-8"])
def test_adjudication_decisions_that_are_no_lines_in_utf_8_are_one_error(tmp_path: Path, encoding: str) -> None:
    # Regression tests: the codec's words were shown, and an error for each line of a list.
    path = tmp_path / "decisions.jsonl"
    path.write_bytes('[\n{"note": "通名归地名"},\n{"note": "泛指"}]\n'.encode(encoding))
    with pytest.raises(LineError):
        read_decisions(path)
