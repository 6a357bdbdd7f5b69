"""Build the table of foreign places and former divisions: `python -m recipes.world FOLDER`.

FOLDER holds the lexicons that NOTICE names: iso-codes and CLDR (countries, their parts, cities of time zones), GeoNames
(cities of 5,000 people and more), JioNLP (countries, capitals, cities) and areacodes (counties of China since 1980).
"""

from __future__ import annotations

import csv
import lzma
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from biaozhu.knowledge.world import COUNTRY, FOREIGN_CITY, FOREIGN_REGION, FORMER_DIVISION, TOWN, WORLD

HAN = re.compile("[\u4e00-\u9fff]{2,8}")
PAIR = 2


def read_tsv(path: Path) -> list[list[str]]:
    """Read the rows of a tab-separated file."""
    return [line.split("\t") for line in path.read_text("utf-8").splitlines() if line]


def read_names(folder: Path) -> Iterator[tuple[str, int]]:
    """Yield every name of the lexicons with one of its kinds."""
    for name, _, kind in read_tsv(folder / "iso_codes_4.15_zh.tsv"):
        yield name, FOREIGN_REGION if kind == "subdivision" else COUNTRY
    for name, *_ in read_tsv(folder / "cldr_48.2_territories_zh.tsv"):
        yield name, COUNTRY
    for name, *_ in read_tsv(folder / "cldr_48.2_cities_zh.tsv"):
        yield name, FOREIGN_CITY
    for name, country, *_ in read_tsv(folder / "geonames_cities5000_han.tsv"):
        yield name, TOWN if country == "CN" else FOREIGN_CITY
    for row in read_tsv(folder / "jionlp_world_location.txt"):
        for column, cell in enumerate(row):
            yield from ((name, COUNTRY if column < PAIR else FOREIGN_CITY) for name in cell.split("/"))
    with (folder / "areacodes_1980_2025.csv").open(encoding="utf-8-sig", newline="") as file:
        yield from ((row["名称"], FORMER_DIVISION) for row in csv.DictReader(file) if row["状态"] != "在用")


def write_table(names: Iterable[tuple[str, int]], file: str, pattern: re.Pattern[str] = HAN) -> None:
    """Write the names that the pattern matches whole, one a line with all of its kinds as bits; print how many."""
    target = Path(__file__).resolve().parents[1] / "biaozhu" / "knowledge" / file
    kinds: dict[str, int] = {}
    for name, kind in names:
        if pattern.fullmatch(name):
            kinds[name] = kinds.get(name, 0) | kind
    lines = "".join(f"{name}\t{bits}\n" for name, bits in sorted(kinds.items()))
    target.write_bytes(lzma.compress(lines.encode("utf-8"), preset=9 | lzma.PRESET_EXTREME))
    sys.stdout.write(f"{target}: {len(kinds)} names\n")


if __name__ == "__main__":
    write_table(read_names(Path(sys.argv[1])), WORLD)
