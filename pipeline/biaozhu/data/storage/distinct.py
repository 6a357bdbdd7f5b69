"""An exact set of numbers in flat memory, kept in a temporary SQLite database."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from biaozhu.data.errors import WriteError
from biaozhu.data.files import scratch_database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# KiB of the database that stay in memory; the rest is on disk, some 10 bytes a number.
CACHE = 1024


@contextmanager
def once() -> Iterator[Callable[[int], bool]]:
    """Give a function that takes a number below 2^63 and says whether it comes for the first time.

    Raises:
        WriteError: the database finds no room on the disk.
    """
    with scratch_database(cache=CACHE) as seen:
        seen.execute("CREATE TABLE seen (number INTEGER PRIMARY KEY)")

        def is_new(number: int) -> bool:
            try:
                return seen.execute("INSERT OR IGNORE INTO seen VALUES (?)", (number,)).rowcount == 1
            except sqlite3.Error as error:
                raise WriteError(
                    f"the temporary database of the articles seen: {error}",
                    next_step="Make room in the folder that TMPDIR names, or name another, and run again",
                ) from None

        yield is_new
