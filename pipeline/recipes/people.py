"""Build the table of foreign names and persons of history: `python -m recipes.people FOLDER`.

FOLDER holds the lists that NOTICE names: `cedpane.txt` (CedPane), `nrf.txt` (HanLP), `ancient.txt` (Chinese-Names-Corpus)
and `historic.txt` (THUOCL).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from biaozhu.knowledge.world import FOREIGN_NAME, HISTORIC_PERSON, PEOPLE
from biaozhu.reading.simplified import to_simplified
from recipes.world import read_tsv, write_table

# A capitalised word alone: a name, and no phrase, language or place that needs an explanation.
NAME = re.compile(r"[A-Z][\w'’-]+(?: \((?:sur|given |family )?name[^)]*\))?")


def read_people(folder: Path) -> Iterator[tuple[str, int]]:
    """Yield every name of the lists with its kind."""
    for english, simplified, *_ in (row for row in read_tsv(folder / "cedpane.txt") if len(row) > 1):
        if NAME.fullmatch(english):
            yield simplified, FOREIGN_NAME
    for name in (folder / "nrf.txt").read_text("utf-8").split():
        yield name, FOREIGN_NAME
    for name in (folder / "ancient.txt").read_text("utf-8-sig").split()[2:]:
        yield to_simplified(name), HISTORIC_PERSON
    for row in read_tsv(folder / "historic.txt"):
        yield row[0].strip("\ufeff "), HISTORIC_PERSON


if __name__ == "__main__":
    write_table(read_people(Path(sys.argv[1])), PEOPLE)
