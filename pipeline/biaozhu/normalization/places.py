"""Meaning of a place name as it is handed out: its path, its level, and what else it may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["known", "ambiguous", "unknown", "natural"]
# That of 亚洲 and 东非.
REGION = "region"
LEVELS = ("country", "province", "city", "county", "township", "village")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A division that a name can mean, its path from the province down, and its probability."""

    code: str
    path: tuple[str, ...]
    score: float


@dataclass(frozen=True, slots=True)
class Place:
    """Meaning of a place name, whose offsets are code points into the text of its sentence.

    `status` is known, ambiguous (the tables have the name, and nothing near says which of `candidates`, the likeliest first, or whether any
    of them, is meant), unknown (no table has it where the text puts it; no candidates), or natural (a river, a plain, a region such as 华东).
    Names in traditional characters are looked up in simplified ones, which `path` has. `level` is one of LEVELS, region (亚洲, 东非) or
    natural; by its unit word where it is unknown. `path` has the names from the province down, as the article writes its own, and `code`
    the statistical code of the division (of its township where a village has been divided); both are empty unless it is known. `under` is
    the path of what an unknown place is part of, empty where nothing says it: the place written right before it, else the division that the
    text is at, where that holds a candidate or the unit word is a village's or a township's.
    """

    sentence: str
    start: int
    end: int
    text: str
    status: Status
    level: str
    path: tuple[str, ...] = ()
    code: str = ""
    candidates: tuple[Candidate, ...] = ()
    under: tuple[str, ...] = ()
