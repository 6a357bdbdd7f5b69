"""Names found in a text by an automaton: daachorse's, or where it has no wheel (Linux on ARM) that of ahocorasick-rs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any


def make_finder(names: Iterable[str]) -> Callable[[str], list[tuple[int, int]]]:
    """Return what finds these names in a text in the order of their ends, half open; they may overlap."""
    patterns, automaton = sorted(set(names)), import_automaton()
    find = automaton(patterns).find_overlapping if automaton else make_finder_without_daachorse(patterns)
    return lambda text: [(start, end) for start, end, _ in find(text)]


def make_finder_without_daachorse(names: list[str]) -> Callable[[str], list[tuple[int, int, int]]]:
    """Return what finds names (start, end, number of the name) where there is no daachorse."""
    from ahocorasick_rs import AhoCorasick  # noqa: PLC0415 — installed only where it is needed

    find = AhoCorasick(names, store_patterns=False).find_matches_as_indexes
    return lambda text: [(start, end, number) for number, start, end in find(text, overlapping=True)]


def import_automaton() -> Any:
    """Return the automaton's class, None where it is not built for the machine."""
    try:
        from daachorse import CharwiseDoubleArrayAhoCorasick  # noqa: PLC0415 — see the module's docstring
    except ImportError:
        return None
    return CharwiseDoubleArrayAhoCorasick
