"""Places outside China and former divisions of China, by kind; NOTICE names the sources, `recipes.world` builds the table."""

from __future__ import annotations

import lzma
from functools import cache

from biaozhu.knowledge.gazetteer import read_packed

WORLD = "world.txt.xz"
COUNTRY, FOREIGN_REGION, FOREIGN_CITY, FORMER_DIVISION, TOWN = 1, 2, 4, 8, 16
KINDS = 5


@cache
def world_names() -> dict[str, int]:
    """Return the kinds of each name, as bits."""
    lines = lzma.decompress(read_packed(WORLD)).decode("utf-8").splitlines()
    return {name: int(kinds) for name, _, kinds in (line.partition("\t") for line in lines)}
