"""Numbers that come twice are found, also when most of them lie on the disk; a full disk is said."""

from __future__ import annotations

import random
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biaozhu.data.errors import WriteError
from biaozhu.data.storage import layer_stream as module
from biaozhu.data.storage.layer_stream import once


@given(st.lists(st.integers(0, 2**48 - 1) | st.integers(0, 5)))
def test_once_knows_exactly_what_has_come(numbers: list[int]) -> None:
    seen: set[int] = set()
    with once() as is_new:
        for number in numbers:
            assert is_new(number) == (number not in seen)
            seen.add(number)


def test_once_knows_what_lies_on_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    # Twenty pages of 4 KiB stay in memory, of some two hundred.
    monkeypatch.setattr(module, "CACHE", 80)
    numbers = random.Random(1).sample(range(2**48), 50_000)  # noqa: S311 — test data
    with once() as is_new:
        assert all(map(is_new, numbers))
        assert not any(map(is_new, numbers[::100]))


def test_once_says_that_the_disk_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = sqlite3.connect

    def small(name: str, *, isolation_level: None) -> sqlite3.Connection:
        found = connect(name, isolation_level=isolation_level)
        found.execute("PRAGMA max_page_count = 4")
        return found

    monkeypatch.setattr(sqlite3, "connect", small)
    with pytest.raises(WriteError, match="full"), once() as is_new:
        all(map(is_new, range(10_000)))
