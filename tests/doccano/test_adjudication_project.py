"""How a disagreement is put to the adjudicator, and how the answer is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from biaozhu.curation.adjudication import Dispute
from biaozhu.data.errors import LabelError
from biaozhu.data.labels import read_labels
from biaozhu.data.model import Sentence, Span
from biaozhu.doccano.adjudication_project import (
    HOW_TO_ANSWER,
    ask_adjudicator,
    parse_answers,
    phrase_questions,
    read_adjudication,
)
from biaozhu.doccano.project import ProjectSpec

if TYPE_CHECKING:
    from pathlib import Path

    from biaozhu.doccano.connection import Connection

NAMES = {label.id: label.name for label in read_labels()}
TEXT = "去灵山镇买三斤茶"


def layer(*spans: tuple[int, int, str]) -> list[Sentence]:
    return [Sentence("0" * 12, 0, len(TEXT), TEXT, tuple(Span(*span) for span in spans))]


def test_adjudicating_question_shows_both_versions() -> None:
    first = layer((1, 3, "PLACE"), (3, 4, "PLACE"), (5, 7, "AMOUNT"))
    dispute = Dispute(first, layer((1, 4, "PLACE"), (5, 7, "AMOUNT")), ("a", "b"))
    (items,) = dispute.group_disagreements().values()
    assert phrase_questions(dispute.names, items, NAMES) == [
        "【分歧1】“灵山镇”(第2–4字,边界不同);a:地点“灵山”|地点“镇”;b:地点“灵山镇”"
    ]
    (agreed,) = dispute.list_agreed().values()
    assert agreed.spans == (Span(5, 7, "AMOUNT", "a+b"),)


@pytest.mark.parametrize(
    ("comments", "count", "answers"),
    [
        ([], 1, {}),
        (["N3 泛指"], 1, {1: ("N3", "泛指")}),
        (["n3:泛指\n不标"], 1, {1: ("N3", "泛指\n不标")}),
        (["P1、P4 合为一处"], 1, {1: ("P1", "P4 合为一处")}),
        (["A1 一", "2 N3 二"], 2, {1: ("A1", "一"), 2: ("N3", "二")}),
        (["2 N3 二", "A1 一"], 2, {1: ("A1", "一"), 2: ("N3", "二")}),
        (["2. N3 二"], 2, {2: ("N3", "二")}),
        (["3 N3 三"], 2, {1: ("N3", "三"), 2: ("N3", "三")}),
        (["0 三"], 1, {1: ("", "0 三")}),
        # Regression tests: a number too large dropped the reason, and the full-width signs were not known.
        (["2 N3 泛指"], 1, {1: ("N3", "泛指")}),
        (["1 A1 一", "3 N3 三"], 2, {1: ("A1", "一"), 2: ("N3", "三")}),
        (["2：N3，泛指"], 2, {2: ("N3", "泛指")}),
        (["2、N3：泛指"], 2, {2: ("N3", "泛指")}),
        (["P4：机构名"], 1, {1: ("P4", "机构名")}),
        (["P4, 机构名"], 1, {1: ("P4", "机构名")}),
        (["N3 先", "N4 后"], 1, {1: ("N4", "后")}),
        (["【分歧1】“三斤”(第6–7字,只有前者标);a:数量“三斤”;b:不标", HOW_TO_ANSWER, " "], 1, {}),
        (["随便"], 2, {1: ("", "随便"), 2: ("", "随便")}),
        (["随便", "N3"], 1, {1: ("N3", "")}),
        (["2 泛指"], 2, {2: ("", "泛指")}),
        (["2020 年的说法"], 1, {1: ("", "2020 年的说法")}),
    ],
)
def test_adjudicating_reads_the_reason(comments: list[str], count: int, answers: dict[int, tuple[str, str]]) -> None:
    assert parse_answers(comments, count) == answers


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ([(1, 4, "XX")], [(1, 4, "PLACE")]),
        ([], [(1, 4, "XX")]),
        ([(1, 4, "PLACE"), (5, 7, "XX")], [(5, 7, "XX")]),
    ],
)
def test_adjudicating_refuses_an_unknown_label_before_anything_is_sent(
    tmp_path: Path, first: list[tuple[int, int, str]], second: list[tuple[int, int, str]]
) -> None:
    # A regression test: a KeyError came after the push. With this connection, whatever is sent fails otherwise.
    nobody, spec = cast("Connection", object()), ProjectSpec("p", read_labels())
    dispute = Dispute(layer(*first), layer(*second), ("a", "b"))
    with pytest.raises(LabelError):
        ask_adjudicator(nobody, dispute, spec, home=tmp_path)
    with pytest.raises(LabelError):
        read_adjudication(nobody, dispute, spec)
