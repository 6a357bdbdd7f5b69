"""Read the three lists and write the table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from biaozhu.knowledge.world import KNOWN_PERSON, KNOWN_PLACE, NEITHER, WELL_KNOWN
from biaozhu.reading.simplified import to_simplified
from recipes.world import write_table

LISTS = {"persons.txt": KNOWN_PERSON, "places.txt": KNOWN_PLACE, "neither.txt": NEITHER}
# Two characters and more, at least one of them Han.
NAME = re.compile(r"(?=.*[\u4e00-\u9fff])[\u3400-\u9fffA-Za-z0-9·-]{2,12}")


def read_lists() -> Iterator[tuple[str, int]]:
    """Yield every name with its kind."""
    for name, kind in LISTS.items():
        for line in Path(__file__).with_name(name).read_text("utf-8").split():
            yield to_simplified(line), kind


if __name__ == "__main__":
    write_table(read_lists(), WELL_KNOWN, NAME)
