"""Errors that gather others, and what errors of the library advise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from biaozhu.annotators.network.models import load_model
from biaozhu.data.errors import (
    AnnotatorError,
    BiaozhuError,
    BugError,
    ManyProblemsError,
    MissingExtraError,
    MissingFileError,
    ModelDataError,
    OffsetError,
    ScoringError,
    UsageError,
    bug_from,
    extra_advice,
    needing_extra,
    printable,
    raise_collected,
)
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


@pytest.mark.parametrize(("length", "cut"), [(BiaozhuError.longest, False), (BiaozhuError.longest + 1, True)])
def test_errors_show_so_much_of_what_a_file_says(length: int, *, cut: bool) -> None:
    assert ("…" in str(UsageError("x" * length))) == cut
    assert str(UsageError("x" * length)).count("x") == BiaozhuError.longest


def test_errors_of_a_loop_are_raised_together() -> None:
    raise_collected([])
    one, other = UsageError("one"), ScoringError("other")
    with pytest.raises(UsageError) as single:
        raise_collected([one])
    assert single.value is one
    with pytest.raises(ManyProblemsError) as both:
        raise_collected([one, other])
    assert both.value.problems == (one, other)


def test_errors_of_a_package_that_is_missing_say_how_to_install_it() -> None:
    with pytest.raises(MissingExtraError) as caught, needing_extra("table", "no table", where="x"):
        raise ModuleNotFoundError
    assert (caught.value.what, caught.value.where) == ("no table", "x")
    assert caught.value.next_step == extra_advice("table")
    with pytest.raises(ValueError, match="else"), needing_extra("table", "no table"):
        raise ValueError("else")


@pytest.mark.parametrize(
    ("error", "kind", "what"),
    [
        (BugError("wrong", where="orgs.py"), BugError, "annotator orgs.py: wrong"),
        (AnnotatorError("wrong", where="orgs.py"), AnnotatorError, "annotator orgs.py: wrong"),
        (UsageError("wrong", where="x:1"), BugError, "UsageError: wrong at x:1"),
        (ValueError("two\n  lines"), BugError, "ValueError: two lines"),
    ],
)
def test_errors_of_an_article_become_bugs_that_name_it(error: Exception, kind: type[BiaozhuError], what: str) -> None:
    found = bug_from(error, where="0123456789ab")
    assert (type(found), found.where, found.what) == (kind, "0123456789ab", what)


@pytest.mark.parametrize("error", [ModelDataError("gone"), MissingFileError("gone")])
def test_errors_that_are_no_bugs_stay_as_they_are(error: BiaozhuError) -> None:
    assert bug_from(error, where="0123456789ab") is error


def test_errors_name_the_line_that_raised_them() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        _ = 1 // len(())
    (frame,) = caught.traceback
    line = f"({frame.path.name}:{frame.lineno + 1})"  # type: ignore[union-attr]
    assert line in bug_from(caught.value, where="").what


def test_errors_show_what_cannot_be_seen_by_its_number() -> None:
    assert printable("a\nb\x1b") == "a\\u000ab\\u001b"
    assert printable("a\nb\x1b", keep="\n") == "a\nb\\u001b"
