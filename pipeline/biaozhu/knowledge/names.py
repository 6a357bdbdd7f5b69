"""Every name of the tables in a text: one automaton of all divisions, their short forms, and all villages.

The automaton is daachorse's (a double array, character by character). It takes half a second to build, and so lies in
the cache folder after the first time. Where no daachorse is built for the machine (Linux on ARM), ahocorasick-rs
finds the same, but cannot be kept: there each process builds its own.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from biaozhu.data.disk_cache import laid_out_parts
from biaozhu.knowledge.gazetteer import DIVISIONS, VILLAGES, gazetteer, packed, villages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# Counts up whenever the names are chosen otherwise.
LAYOUT = b"1"


def names_in(text: str) -> list[tuple[int, int]]:
    """Return where names stand, overlapping ones too, in the order of their ends.

    A name is what `gazetteer().named` or `villages()` holds. Many are also words (新村, 和平), and short ones stand
    inside longer ones: what a name means where it stands is for the caller to decide.

    Args:
        text: any text, of any length.

    Returns:
        Code points, half open.
    """
    return _all_names_finder()(text)


def finder(names: Iterable[str]) -> Callable[[str], list[tuple[int, int]]]:
    """Return a function that finds these names in a text as `names_in` does."""
    patterns = sorted(set(names))
    automaton = daachorse()
    return _finds(automaton(patterns)) if automaton else finder_without_daachorse(patterns)


def finder_without_daachorse(names: Iterable[str]) -> Callable[[str], list[tuple[int, int]]]:
    """Return what `finder` returns where there is no daachorse."""
    from ahocorasick_rs import AhoCorasick  # noqa: PLC0415 — installed only where it is needed

    find = AhoCorasick(sorted(set(names)), store_patterns=False).find_matches_as_indexes
    return lambda text: [(start, end) for _, start, end in find(text, overlapping=True)]


@cache
def _all_names_finder() -> Callable[[str], list[tuple[int, int]]]:
    automaton = daachorse()
    if not automaton:
        return finder(_all_names())
    sources = (packed(DIVISIONS), packed(VILLAGES), LAYOUT, version("daachorse").encode())
    parts = laid_out_parts("names", sources, lambda: {"automaton": automaton(_all_names()).serialize()})
    return _finds(automaton.deserialize(parts["automaton"]))


def daachorse() -> Any:
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
