"""Build the table of former names of counties and cities: `python -m recipes.former_divisions AREACODES.csv`.

Source: yescallop/areacodes at eed219a0678d (CC0 1.0), the divisions of county level and above since 1980 with the codes
that took their place. Kept are the names that no division bears today: 开县 is 开州区, 襄樊市 is
襄阳市. A county that was parted is given as the city that holds all its parts.
"""

from __future__ import annotations

import csv
import hashlib
import io
import lzma
import os.path
import sys
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from biaozhu import knowledge
from biaozhu.data.errors import ModelDataError
from biaozhu.data.files import read_bytes, write_bytes
from biaozhu.knowledge.division_names import COUNTY, PROVINCE, short_form
from biaozhu.knowledge.gazetteer import CODE_DIGITS, Division, gazetteer
from biaozhu.normalization.division_lookup import FORMER

SHA256 = "e3b69e8e13fcb3151b5cd6a03674f89e043f301f308dcb67283533f1a8239794"
FOLDER = Path(knowledge.__file__).parent
KEYS = ("代码", "名称", "启用时间", "变更/弃用时间", "新代码")


class _Row(NamedTuple):
    """A division under one name: its code, the years in which it began and ended (empty: never), and what followed."""

    code: str
    name: str
    began: str
    ended: str
    codes: str


def build_former_divisions(content: bytes, folder: Path) -> int:
    """Write the table into the folder, and return how many names it has; raises ModelDataError for another release."""
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise ModelDataError("this is not the areacodes that the table was built from", next_step="Fetch that")
    rows = [_Row(*(row[key] for key in KEYS)) for row in csv.DictReader(io.StringIO(content.decode("utf-8-sig")))]
    by_code: dict[str, list[_Row]] = defaultdict(list)
    for row in rows:
        by_code[row.code].append(row)
    today = {row.name for row in rows if not row.ended}
    names: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row.name not in today and (target := _target(row.name, _codes_today(row, by_code, set()))):
            names[row.name].add(target.code)
    lines = [f"{name}\t{' '.join(_likeliest(name, codes))}" for name, codes in sorted(names.items())]
    packed = lzma.compress("\n".join(lines).encode("utf-8"), preset=9 | lzma.PRESET_EXTREME)
    write_bytes(folder / FORMER, packed)
    return len(lines)


def _codes_today(row: _Row, by_code: dict[str, list[_Row]], passed: set[_Row]) -> set[str]:
    """Return the codes in use today of what took a division's place, by the year in which it ended."""
    if not row.ended:
        return {row.code.removesuffix("00").removesuffix("00")}
    if row in passed:
        return set()
    passed.add(row)
    # What went elsewhere in an earlier year stands with that year in brackets.
    codes = [code for code in row.codes.split(";") if code and "[" not in code] or [row.code]
    following = (one for code in codes for one in by_code.get(code, ()))
    taking = [one for one in following if one.began <= row.ended < (one.ended or "9999")]
    return {found for one in taking for found in _codes_today(one, by_code, passed)}


def _likeliest(name: str, codes: set[str]) -> list[str]:
    """Return the codes of those that begin as the name does (达县: 达川区, not 通川区), else all."""
    found = {code: gazetteer().within(code, CODE_DIGITS.index(len(code)))[0].name for code in sorted(codes)}
    return [code for code in found if found[code][0] == name[0]] or list(found)


def _target(name: str, codes: set[str]) -> Division | None:
    """Return the one of these divisions of today that goes on under the name, else what holds all of them."""
    found = [division for code in codes for division in gazetteer().within(code, CODE_DIGITS.index(len(code)))]
    stem = short_form(name, COUNTY) or name[:-1]
    same = [division for division in found if division.name.startswith(stem)]
    if len(same) == 1 or len(found) == 1:
        return (same or found)[0]
    shared = os.path.commonprefix([division.code for division in found])  # noqa: RUF071 — codes, not paths
    holding = [digits for digits in CODE_DIGITS[PROVINCE : COUNTY + 1] if digits <= len(shared)]
    if not holding:
        return None
    return gazetteer().within(shared[: holding[-1]], CODE_DIGITS.index(holding[-1]))[0]


if __name__ == "__main__":
    number = build_former_divisions(read_bytes(Path(sys.argv[1])), FOLDER)
    sys.stdout.write(f"{number} names\n")
