"""Names that a model has seen in training, on which it scores better than on others."""

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
class SeenNames:
    """The groups in which each name occurs, `ALWAYS` for what no fold leaves out, and each sentence's group."""

    places: Mapping[str, AbstractSet[str]]
    groups: Mapping[str, str]

    def knows(self, identifier: str, name: str) -> bool:
        """Tell whether the model that annotated a sentence has seen this name."""
        return not self.places.get(name, frozenset()) <= {self.groups.get(identifier)}


def collect_seen(
    trained: Iterable[Sequence[Sentence]],
    *,
    held_out: Sequence[Sentence] = (),
    groups: Mapping[str, str] | None = None,
) -> SeenNames:
    """Return the names in layers that a model was trained on, and in gold that it was cross-validated on.

    `groups` holds the group of each sentence of `held_out` by its id: each one's model has seen the other groups.
    """
    places: defaultdict[str, set[str]] = defaultdict(set)
    groups = groups or {}
    for sentence, group in [
        *((sentence, ALWAYS) for layer in trained for sentence in layer),
        *((sentence, groups[sentence.id]) for sentence in held_out),
    ]:
        for span in sentence.spans:
            places[sentence.text[span.start : span.end]].add(group)
    return SeenNames(places, groups)
