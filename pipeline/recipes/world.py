"""Build a table of names beyond the gazetteer: `python -m recipes.world TABLE FOLDER`.

TABLE is world.txt.xz (foreign places and former divisions), people.txt.xz (foreign names and persons of history) or
well_known.txt.xz, and FOLDER holds its lists, which NOTICE names; those of the last are in recipes/well_known.
"""

from __future__ import annotations

import csv
import lzma
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from biaozhu.knowledge import world
from biaozhu.reading.simplified import to_simplified

HAN = re.compile("[\u4e00-\u9fff]{2,8}")
# Of well-known names: two characters and more, at least one of them Han.
MIXED = re.compile(r"(?=.*[\u4e00-\u9fff])[\u3400-\u9fffA-Za-z0-9·-]{2,12}")
# A capitalised word alone: a name, and no phrase, language or place that needs an explanation.
ENGLISH_NAME = re.compile(r"[A-Z][\w'’-]+(?: \((?:sur|given |family )?name[^)]*\))?")
PAIR = 2
LISTS = {"persons.txt": world.KNOWN_PERSON, "places.txt": world.KNOWN_PLACE, "neither.txt": world.NEITHER}


def read_tsv(path: Path) -> list[list[str]]:
    """Read the rows of a tab-separated file."""
    return [line.split("\t") for line in path.read_text("utf-8").splitlines() if line]


def read_world(folder: Path) -> Iterator[tuple[str, int]]:
    """Yield every name of the lexicons with one of its kinds."""
    for name, _, kind in read_tsv(folder / "iso_codes_4.15_zh.tsv"):
        yield name, world.FOREIGN_REGION if kind == "subdivision" else world.COUNTRY
    for name, *_ in read_tsv(folder / "cldr_48.2_territories_zh.tsv"):
        yield name, world.COUNTRY
    for name, *_ in read_tsv(folder / "cldr_48.2_cities_zh.tsv"):
        yield name, world.FOREIGN_CITY
    for name, country, *_ in read_tsv(folder / "geonames_cities5000_han.tsv"):
        yield name, world.TOWN if country == "CN" else world.FOREIGN_CITY
    for row in read_tsv(folder / "jionlp_world_location.txt"):
        for column, cell in enumerate(row):
            yield from ((name, world.COUNTRY if column < PAIR else world.FOREIGN_CITY) for name in cell.split("/"))
    with (folder / "areacodes_1980_2025.csv").open(encoding="utf-8-sig", newline="") as file:
        yield from ((row["名称"], world.FORMER_DIVISION) for row in csv.DictReader(file) if row["状态"] != "在用")


def read_people(folder: Path) -> Iterator[tuple[str, int]]:
    """Yield every name of the lists with its kind."""
    for english, simplified, *_ in (row for row in read_tsv(folder / "cedpane.txt") if len(row) > 1):
        if ENGLISH_NAME.fullmatch(english):
            yield simplified, world.FOREIGN_NAME
    for name in (folder / "nrf.txt").read_text("utf-8").split():
        yield name, world.FOREIGN_NAME
    for name in (folder / "ancient.txt").read_text("utf-8-sig").split()[2:]:
        yield to_simplified(name), world.HISTORIC_PERSON
    for row in read_tsv(folder / "historic.txt"):
        yield row[0].strip("\ufeff "), world.HISTORIC_PERSON


def read_well_known(folder: Path) -> Iterator[tuple[str, int]]:
    """Yield every name of the lists with its kind."""
    for name, kind in LISTS.items():
        yield from ((to_simplified(line), kind) for line in (folder / name).read_text("utf-8").split())


READERS = {world.WORLD: (read_world, HAN), world.PEOPLE: (read_people, HAN), world.WELL_KNOWN: (read_well_known, MIXED)}


def pack_names(table: str, folder: Path) -> None:
    """Write the names that the table's pattern matches whole, one a line with all of its kinds as bits; print how many."""
    target = Path(world.__file__).with_name(table)
    read, pattern = READERS[table]
    kinds: dict[str, int] = {}
    for name, kind in read(folder):
        if pattern.fullmatch(name):
            kinds[name] = kinds.get(name, 0) | kind
    lines = "".join(f"{name}\t{bits}\n" for name, bits in sorted(kinds.items()))
    target.write_bytes(lzma.compress(lines.encode("utf-8"), preset=9 | lzma.PRESET_EXTREME))
    sys.stdout.write(f"{target}: {len(kinds)} names\n")


if __name__ == "__main__":
    pack_names(sys.argv[1], Path(sys.argv[2]))
