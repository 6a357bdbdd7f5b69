"""Which surface forms a model has seen in training: on names it knows it scores better than on others."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from biaozhu.data.model import Sentence

ALWAYS = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """The groups in which each surface form stands, `ALWAYS` for what no fold leaves out, and each sentence's group."""

    places: Mapping[str, AbstractSet[str]]
    groups: Mapping[str, str]

    def knows(self, identifier: str, surface: str) -> bool:
        """Say whether the model that annotated a sentence has seen this surface form."""
        return not self.places.get(surface, frozenset()) <= {self.groups.get(identifier)}


def seen_by(
    trained: Iterable[Sequence[Sentence]],
    *,
    held_out: Sequence[Sentence] = (),
    groups: Mapping[str, str] | None = None,
) -> Seen:
    """Return what a model has seen.

    Args:
        trained: layers that it was trained on.
        held_out: gold that it was cross-validated on: of it each sentence's model has seen the other groups.
        groups: the group of each sentence of `held_out`, by sentence id.
    """
    places: defaultdict[str, set[str]] = defaultdict(set)
    for layer in trained:
        for surface in _surfaces(layer):
            places[surface].add(ALWAYS)
    of = groups or {}
    for sentence in held_out:
        for surface in _surfaces([sentence]):
            places[surface].add(of[sentence.id])
    return Seen(places, of)


def _surfaces(layer: Sequence[Sentence]) -> Iterable[str]:
    return (sentence.text[span.start : span.end] for sentence in layer for span in sentence.spans)
