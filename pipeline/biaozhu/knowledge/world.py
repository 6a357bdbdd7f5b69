"""Names beyond the gazetteer, by kind: places outside China, former divisions of China, foreign names, persons of history.

NOTICE names the sources; `recipes.world` and `recipes.people` build the tables.
"""

from __future__ import annotations

import lzma
from functools import cache

from biaozhu.knowledge.gazetteer import read_packed

WORLD, PEOPLE = "world.txt.xz", "people.txt.xz"
COUNTRY, FOREIGN_REGION, FOREIGN_CITY, FORMER_DIVISION, TOWN = 1, 2, 4, 8, 16
PLACE_KINDS = COUNTRY | FOREIGN_REGION | FOREIGN_CITY | FORMER_DIVISION | TOWN
FOREIGN_NAME, HISTORIC_PERSON = 32, 64
KINDS = 7


@cache
def world_names() -> dict[str, int]:
    """Return the kinds of each name, as bits."""
    names: dict[str, int] = {}
    for table in (WORLD, PEOPLE):
        for line in lzma.decompress(read_packed(table)).decode("utf-8").splitlines():
            name, _, kinds = line.partition("\t")
            names[name] = names.get(name, 0) | int(kinds)
    return names
