"""Tree of an article's places, from the provinces down."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from biaozhu.normalization.addresses import Place


def place_tree(places: Iterable[Place]) -> dict[str, Any]:
    """Return the places as a tree: name, count of mentions at or below it, and children in order of their codes.

    An unknown place hangs under the one around it, or is at the level of the provinces; `unknown` marks it.
    """
    ways = []
    for place in places:
        unknown = place.status in ("ambiguous", "unknown")
        ways.append(((*place.under, place.text) if unknown else place.path or (place.text,), unknown))
    return _branch("", ways)


def _branch(name: str, ways: Sequence[tuple[tuple[str, ...], bool]]) -> dict[str, Any]:
    children: dict[str, list[tuple[tuple[str, ...], bool]]] = {}
    for steps, unknown in ways:
        if steps:
            children.setdefault(steps[0], []).append((steps[1:], unknown))
    below = [_branch(step, some) for step, some in children.items()]
    return {"name": name, "count": len(ways), "unknown": ways[:1] == [((), True)], "children": below}
