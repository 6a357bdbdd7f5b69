"""Actors of a Ray cluster that take no core of their own, on all nodes that have cores."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


def start_actors(ray: Any, kind: type, arguments: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Start an actor with each of these arguments, on one node after the other.

    One that is lost begins again, where its node is gone on another, and is asked again. Because it takes no core it
    can do so while all of them are taken.
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
