"""Rows of counts, one for each unit of resampling; the articles of a long stream are put together in groups.

Layers in memory have a row for each unit, a stream one for each article, up to 10,000 articles. Above that the
articles are dealt by a hash of their ids to 10,000 groups, of which each is then a unit: memory and the time of a
resample no longer grow. Sums over random groups have in expectation the variance that the articles have (random groups:
Hansen, Hurwitz and Madow 1953; Wolter 2007, chapter 2), so they are resampled, left out one by one (Kott 2001) and
swapped between two layers as articles are. With 10,000 groups a standard error is known to 1 / sqrt(2 * 10,000) =
0.7 %, which is as much as 10,000 resamples leave open too.
"""

from __future__ import annotations

import hashlib
from array import array
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

MOST_ARTICLES = GROUPS = 10_000
_ID_BYTES = 6  # an article's id holds them in hex


@dataclass(frozen=True, slots=True)
class UnitCounts:
    """Counts by unit, one row a unit, shape (units, columns); where articles are in groups, each group is one.

    `units` are the rows' names, none for groups; `number` is of units or articles; `digest` is of the articles' ids in their
    order, for groups only; `sentences` is the number by article of a stream without groups.
    """

    units: tuple[str, ...]
    counts: NDArray[np.int64]
    number: int
    digest: str = ""
    sentences: Mapping[str, int] | None = None


class UnitRows:
    """A row of `width` columns for each unit, whose sentences may come in any order."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._rows: defaultdict[str, list[int]] = defaultdict(lambda: [0] * width)

    def find_row(self, unit: str) -> list[int]:
        """Return the row to which the next sentence's counts are added."""
        return self._rows[unit]

    def finish(self) -> UnitCounts:
        """Return all rows, in the order in which the units came."""
        counts = np.array(list(self._rows.values()), dtype=np.int64).reshape(len(self._rows), self._width)
        return UnitCounts(tuple(self._rows), counts, len(self._rows))


class ArticleRows:
    """A row for each article of a stream, whose sentences come together; above `MOST_ARTICLES`, for each group."""

    def __init__(self, width: int) -> None:
        self._width = width + 1  # the last column counts sentences
        self._article = ""
        self._row: list[int] = []
        self._number = 0
        self._ids = array("Q")
        self._rows = array("q")
        self._groups: NDArray[np.int64] | None = None
        self._digest = hashlib.sha256()

    def find_row(self, article: str) -> list[int]:
        """Return the row to which the next sentence's counts are added."""
        if article != self._article:
            self._close()
            self._article, self._row = article, [0] * self._width
        self._row[-1] += 1
        return self._row

    def finish(self) -> UnitCounts:
        """Return all rows, in the order in which the articles came."""
        self._close()
        if self._groups is not None:
            return UnitCounts((), self._groups[:, :-1], self._number, self._digest.hexdigest())
        units = tuple(f"{key:0{2 * _ID_BYTES}x}" for key in self._ids)
        counts = np.array(self._rows, dtype=np.int64).reshape(-1, self._width)
        sentences = dict(zip(units, counts[:, -1].tolist(), strict=True))
        return UnitCounts(units, counts[:, :-1], self._number, sentences=sentences)

    def _close(self) -> None:
        """Add the row of the current article to the others."""
        if not self._article:
            return
        key = int(self._article, 16)
        self._number += 1
        self._digest.update(key.to_bytes(_ID_BYTES, "big"))
        if self._groups is not None:
            self._groups[find_group(key)] += self._row
        else:
            self._ids.append(key)
            self._rows.extend(self._row)
            if self._number > MOST_ARTICLES:
                self._groups = np.zeros((GROUPS, self._width), dtype=np.int64)
                groups = np.array([find_group(article) for article in self._ids])
                np.add.at(self._groups, groups, np.array(self._rows).reshape(-1, self._width))
                self._ids, self._rows = array("Q"), array("q")
        self._article = ""


def find_group(article: int) -> int:
    """Return the number of an article's group, by a hash: ids need not be checksums and may have a period."""
    digest = hashlib.blake2b(article.to_bytes(_ID_BYTES, "big"), digest_size=8).digest()
    return int.from_bytes(digest, "big") % GROUPS
