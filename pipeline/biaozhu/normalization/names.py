"""Index of the names of articles, a row for each name with how often and in which it stands; and the tree of an article's places."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from biaozhu.data.model import Article, Sentence
from biaozhu.normalization.places import Place
from biaozhu.normalization.table import LABEL as AMOUNT
from biaozhu.normalization.table import Meaning

BETWEEN = "; "


@dataclass(frozen=True, slots=True)
class NameRow:
    """A name, its label, how many spans it has (`times`), and in how many articles and which (`in_articles`, with `; ` between).

    The rest is said of a place, as `Place` has it; paths are joined by `/`, and `may_be` has those of the candidates, the likeliest
    first. A name that means different places has a row for each.
    """

    name: str
    label: str
    times: int
    articles: int
    in_articles: str
    status: str
    level: str
    path: str
    code: str
    under: str
    may_be: str


def index_names(read: Iterable[tuple[Article, Sequence[Sentence], Meaning]]) -> list[NameRow]:
    """Return the names of articles, each with the sentences of one layer and what they mean: by label, the most frequent first."""
    found: dict[tuple[str, ...], Counter[tuple[str, str]]] = defaultdict(Counter)
    for article, sentences, meaning in read:
        places = {(place.sentence, place.start): place for place in meaning.places}
        for sentence in sentences:
            for span in sentence.spans:
                if span.label != AMOUNT:
                    cells = _describe(places.get((sentence.id, span.start)))
                    name = sentence.text[span.start : span.end]
                    found[span.label, name, *cells][article.name, article.id] += 1
    rows = [
        NameRow(name, label, counts.total(), len(counts), BETWEEN.join(sorted(one for one, _ in counts)), *cells)
        for (label, name, *cells), counts in found.items()
    ]
    return sorted(rows, key=lambda row: (row.label, -row.times, row.name, row.path))


def _describe(place: Place | None) -> tuple[str, ...]:
    if place is None:
        return ("",) * 6
    path, under, *may_be = ("/".join(one) for one in (place.path, place.under, *(c.path for c in place.candidates)))
    return place.status, place.level, path, place.code, under, BETWEEN.join(may_be) if not path else ""


def place_tree(places: Iterable[Place]) -> dict[str, Any]:
    """Return the places as a tree: name, count of mentions at or below it, and children in order of their codes.

    An unresolved place hangs under the one around it, or is at the level of the provinces; `unknown` or `ambiguous` marks it.
    """
    ways = []
    for place in places:
        unresolved = place.status in ("ambiguous", "unknown")
        ways.append(((*place.under, place.text) if unresolved else place.path or (place.text,), place.status))
    return _branch("", ways)


def _branch(name: str, ways: Sequence[tuple[tuple[str, ...], str]]) -> dict[str, Any]:
    children: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    for steps, status in ways:
        if steps:
            children.setdefault(steps[0], []).append((steps[1:], status))
    below = [_branch(step, some) for step, some in children.items()]
    marks = {status: ways[:1] == [((), status)] for status in ("unknown", "ambiguous")}
    return {"name": name, "count": len(ways), **marks, "children": below}
