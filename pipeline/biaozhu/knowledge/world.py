"""Names beyond the gazetteer, by kind: places abroad, former divisions, foreign names, persons of history, well-known names.

The well-known ones are persons, places, and what is neither (brands, works, organizations, species). NOTICE names the
sources; `recipes.world` builds the tables.
"""

from __future__ import annotations

import lzma
from functools import cache

from biaozhu.knowledge.gazetteer import read_packed

WORLD, PEOPLE, WELL_KNOWN = TABLES = "world.txt.xz", "people.txt.xz", "well_known.txt.xz"
COUNTRY, FOREIGN_REGION, FOREIGN_CITY, FORMER_DIVISION, TOWN = 1, 2, 4, 8, 16
PLACE_KINDS = COUNTRY | FOREIGN_REGION | FOREIGN_CITY | FORMER_DIVISION | TOWN
FOREIGN_NAME, HISTORIC_PERSON = 32, 64
KNOWN_PERSON, KNOWN_PLACE, NEITHER = 128, 256, 512
WELL_KNOWN_KINDS = KNOWN_PERSON | KNOWN_PLACE | NEITHER
KINDS = 10


@cache
def world_names() -> dict[str, int]:
    """Return the kinds of each name, as bits."""
    names: dict[str, int] = {}
    for table in TABLES:
        for line in lzma.decompress(read_packed(table)).decode("utf-8").splitlines():
            name, _, kinds = line.partition("\t")
            names[name] = names.get(name, 0) | int(kinds)
    return names
