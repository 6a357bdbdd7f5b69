"""Every name of the tables in a text: one automaton of all divisions, their short forms, and all villages.

The automaton is daachorse's (a double array of characters), takes half a second to build and is kept in the cache
folder. Where daachorse has no wheel (Linux on ARM) ahocorasick-rs finds the same, and each process builds its own.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from biaozhu.data.storage.disk_cache import laid_out_parts
from biaozhu.knowledge.gazetteer import DIVISIONS, VILLAGES, gazetteer, read_packed, villages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# Counts up whenever the names are chosen otherwise.
LAYOUT = b"1"


def find_table_names(text: str) -> list[tuple[int, int]]:
    """Return where names of `gazetteer().named` and `villages()` stand, in the order of their ends; half open.

    They overlap, and many are also words (新村, 和平): the caller decides what a name means where it stands.
    """
    return _make_names_finder()(text)


def make_finder(names: Iterable[str]) -> Callable[[str], list[tuple[int, int]]]:
    """Return a function that finds these names in a text as `find_table_names` does."""
    patterns = sorted(set(names))
    automaton = import_automaton()
    return _finds(automaton(patterns)) if automaton else make_finder_without_daachorse(patterns)


def make_finder_without_daachorse(names: Iterable[str]) -> Callable[[str], list[tuple[int, int]]]:
    """Return what `make_finder` returns where there is no daachorse."""
    from ahocorasick_rs import AhoCorasick  # noqa: PLC0415 — installed only where it is needed

    find = AhoCorasick(sorted(set(names)), store_patterns=False).find_matches_as_indexes
    return lambda text: [(start, end) for _, start, end in find(text, overlapping=True)]


@cache
def _make_names_finder() -> Callable[[str], list[tuple[int, int]]]:
    automaton = import_automaton()
    if not automaton:
        return make_finder(_all_names())
    sources = (read_packed(DIVISIONS), read_packed(VILLAGES), LAYOUT, version("daachorse").encode())
    parts = laid_out_parts("names", sources, lambda: {"automaton": automaton(_all_names()).serialize()})
    return _finds(automaton.deserialize(parts["automaton"]))


def import_automaton() -> Any:
    """Return the automaton's class, None where it is not built for the machine."""
    try:
        from daachorse import CharwiseDoubleArrayAhoCorasick  # noqa: PLC0415 — see the module's docstring
    except ImportError:
        return None
    return CharwiseDoubleArrayAhoCorasick


def _finds(automaton: Any) -> Callable[[str], list[tuple[int, int]]]:
    find = automaton.find_overlapping
    return lambda text: [(start, end) for start, end, _ in find(text)]


def _all_names() -> list[str]:
    return sorted(villages().names().union(gazetteer().named))
