"""Actors of a Ray cluster, and duplicates of a corpus on it: each actor knows a part of all checksums, the driver asks in order.

What an actor knows is gone with its node. The driver keeps a journal of all checksums in the object store, from
which the actor that takes its place begins.
"""

from __future__ import annotations

from contextlib import ExitStack
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np

from biaozhu.data.files import scratch_database
from biaozhu.scale.duplicates import CACHE, Seen

if TYPE_CHECKING:
    from collections.abc import Sequence

# Articles of the journal that are put into the object store together: 1.5 MiB.
JOURNAL_ARTICLES = 1 << 16
MOST_ACTORS = 16


class Checksums:
    """An actor that knows the checksums that `part_of` gives its number."""

    def __init__(self, part: int, parts: int) -> None:
        self._part, self._parts = part, parts
        self._seen: Seen | None = None
        self._held = ExitStack()

    def begin(self, journal: Sequence[Any]) -> None:
        """Learn what was read before, from references to tables of checksums and orders."""
        import ray  # noqa: PLC0415 — an extra

        self._held.close()
        self._seen = Seen(self._held.enter_context(scratch_database(cache=CACHE)))
        for reference in journal:
            digests, orders = ray.get(reference)
            mine = part_of(digests, self._parts) == self._part
            self.find(digests[mine], orders[mine])

    def find(self, digests: Any, orders: Any) -> list[tuple[int, int, bool]] | None:
        """Return the duplicates (order, order of the first, same text), or None where this new actor must begin first."""
        if self._seen is None:
            return None
        found = []
        for digest, order in zip(digests, orders.tolist(), strict=True):
            first = self._seen.find_first(digest.tobytes(), order)
            if first is not None and first[0] != order:
                found.append((order, int(first[0]), first[1]))
        return found


class Duplicates:
    """The driver's side: asks the `actors`, so many as `parts`, and keeps the journal."""

    def __init__(self, ray: Any, parts: int) -> None:
        self._ray = ray
        self.actors = start_actors(ray, Checksums, [(part, parts) for part in range(parts)])
        self._journal: list[Any] = []
        self._recent: list[tuple[Any, Any]] = []

    def find(self, digests: Any, orders: Any) -> dict[int, tuple[int, bool]]:
        """Return for each order that is a duplicate's that of the first, and whether it has the same text."""
        if sum(len(some) for _, some in self._recent) >= JOURNAL_ARTICLES:
            self._journal.append(self._ray.put(self._joined()))
            self._recent = []
        self._recent.append((digests, orders))
        parts = part_of(digests, len(self.actors))
        asked = [
            (actor, digests[parts == part], orders[parts == part])
            for part, actor in enumerate(self.actors)
            if (parts == part).any()
        ]
        answers = self._ray.get([actor.find.remote(*some) for actor, *some in asked])
        found: dict[int, tuple[int, bool]] = {}
        for (actor, *some), first_answer in zip(asked, answers, strict=True):
            answer = first_answer
            while answer is None:
                self._ray.get(actor.begin.remote([*self._journal, self._ray.put(self._joined())]))
                answer = self._ray.get(actor.find.remote(*some))
            found |= {order: (first, same) for order, first, same in answer}
        return found

    def _joined(self) -> tuple[Any, Any]:
        digests, orders = zip(*self._recent, strict=True)
        return np.concatenate(digests), np.concatenate(orders)


def part_of(digests: Any, parts: int) -> Any:
    """Return which actor knows each checksum; those that share an article id have the same."""
    return (digests[:, 0].astype(np.int64) * 256 + digests[:, 1]) % parts


def start_actors(ray: Any, kind: type, arguments: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Start an actor with each of these arguments, on one node after the other.

    It takes no core: one that is lost begins again, also while all cores are taken, and is asked again.
    """
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy  # noqa: PLC0415 — an extra

    # Ray's own SPREAD may put all on one node.
    nodes = cycle(nodes_with_cores(ray))
    remote = ray.remote(kind)
    options = {"num_cpus": 0, "max_restarts": -1, "max_task_retries": -1}
    return [
        remote.options(
            **options, scheduling_strategy=NodeAffinitySchedulingStrategy(next(nodes), soft=True)
        ).remote(*some)
        for some in arguments
    ]


def nodes_with_cores(ray: Any) -> list[str]:
    """Return the ids of the nodes that have cores: a head node often has none, so that nothing disturbs it."""
    return sorted(node["NodeID"] for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU"))
