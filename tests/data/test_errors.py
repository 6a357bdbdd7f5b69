"""Errors that gather others, and what errors of the library advise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from biaozhu.annotators.network.models import load_model
from biaozhu.data.errors import BiaozhuError, ManyProblemsError, OffsetError, ScoringError, UsageError
from biaozhu.data.model import Sentence, Span, with_spans
from biaozhu.scoring.evaluation import evaluate_layer
from biaozhu.scoring.significance import choose_units

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST, SECOND = Sentence("0123456789ab", 0, 1, "风"), Sentence("0123456789ab", 1, 2, "雨")


@pytest.mark.parametrize(("count", "lines"), [(1, 2), (20, 21), (21, 22), (500, 22)])
def test_errors_show_twenty_problems_and_how_many_more(count: int, lines: int) -> None:
    problems = [UsageError(f"wrong {number}") for number in range(count)]
    shown = str(ManyProblemsError(problems)).splitlines()
    assert len(shown) == lines
    assert shown[: min(count, 20)] == [str(one) for one in problems[:20]]
    assert (count > 20) == (shown[-2] == f"… and {count - 20} more.")


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (lambda: load_model("quick"), UsageError),
        (lambda: evaluate_layer([FIRST, SECOND], [FIRST]), ScoringError),
        (lambda: choose_units([FIRST, SECOND], {FIRST.id: "1"}), ScoringError),
        (lambda: with_spans(FIRST, [Span(0, 9, "PLACE")]), OffsetError),
    ],
)
def test_errors_of_functions_advise_no_options(call: Callable[[], object], kind: type[BiaozhuError]) -> None:
    # A regression test: they named options of commands, and a span of the caller's own was to be annotated again.
    with pytest.raises(kind) as caught:
        call()
    assert "--" not in str(caught.value)
    assert caught.value.next_step != OffsetError.advice
