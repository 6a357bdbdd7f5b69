"""JioNLP's rules, and the tagger jiojio that it requires, for worker.py.

jionlp is under Apache-2.0, jiojio under GPL-3.0; both carry their tables and models, so neither needs a network. The
rules here do without the tagger: jionlp's own recognition of places counts the tagger's, and says no offsets. It has no
rule that finds persons, only one that says whether a string could be a name.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Spans = list[tuple[int, int]]


def load_rules() -> Callable[[str], tuple[Spans, Spans]]:
    """Return what finds places and money: (start, end) in code points, half open.

    Places are found by jionlp's lexicon matcher over its own tables: provinces, cities and counties with their short
    names, and countries with their capitals and large cities.
    """
    jio = import_module("jionlp")
    names = names_in([jio.china_location_loader(), *jio.world_location_loader().values()])
    places, money = jio.ner.LexiconNER({"PLACE": sorted(names)}), jio.ner.extract_money

    def found(text: str) -> tuple[Spans, Spans]:
        return _offsets(places(text)), _offsets(money(text, with_parsing=False))

    return found


def load_tagger() -> Callable[[str], list[tuple[str, str]]]:
    """Return what cuts a text into words with the tags of PFR."""
    tagger = import_module("jiojio")
    tagger.init(pos_rule=True, pos=True)

    def words(text: str) -> list[tuple[str, str]]:
        return list(tagger.cut(text)) if text else []  # it cannot cut an empty one

    return words


def names_in(table: Any) -> set[str]:
    """Return all names in nested tables, keys and values; what is ASCII is a field's name or a code."""
    if isinstance(table, str):
        return set() if table.isascii() else {table}
    if isinstance(table, dict):
        return names_in([*table, *table.values()])
    return set().union(*map(names_in, table or ()))


def _offsets(found: list[dict[str, Any]]) -> Spans:
    return [(start, end) for start, end in (one["offset"] for one in found)]
