"""Errors that gather others."""

from __future__ import annotations

import pytest

from biaozhu.data.errors import ManyProblemsError, UsageError


@pytest.mark.parametrize(("count", "lines"), [(1, 2), (20, 21), (21, 22), (500, 22)])
def test_errors_show_twenty_problems_and_how_many_more(count: int, lines: int) -> None:
    problems = [UsageError(f"wrong {number}") for number in range(count)]
    shown = str(ManyProblemsError(problems)).splitlines()
    assert len(shown) == lines
    assert shown[: min(count, 20)] == [str(one) for one in problems[:20]]
    assert (count > 20) == (shown[-2] == f"… and {count - 20} more.")
