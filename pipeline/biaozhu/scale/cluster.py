"""The shards of a corpus on a Ray cluster: the same code for a batch, the same files as one machine writes.

Actors read the corpus in pieces, others know the checksums of what was read before; the driver sees sizes and
checksums, cuts the shards by them and holds no text. A task for each core takes its blocks from the object store,
annotates them and writes the shard where it belongs, so only a receipt comes back. A node may be lost: Ray asks others
again, and a shard is written whole or not at all, to the same bytes.

The corpus and the folder of the shards must be where every node finds them.
"""

from __future__ import annotations

import logging
import os
import socket
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

from biaozhu import __version__
from biaozhu.annotators.network.models import load_model, weights_mark
from biaozhu.annotators.words import NameModel
from biaozhu.data.errors import BiaozhuError, ModelDataError, WorkerError, needing_extra
from biaozhu.scale.cluster_reading import Duplicates, Stretch, cut_shards, nodes_with_cores, read_in_order, sources_of
from biaozhu.scale.corpus_pieces import pieces_of
from biaozhu.scale.corpus_stream import Source, read_sources
from biaozhu.scale.shard_folders import held
from biaozhu.scale.shards import Receipt, ShardPlan, check_form, collect, make_shard, require_readable

STORE = 512 << 20  # bytes of the object store of a Ray that is started here; a running cluster has its own
BLOCKS = 4  # in the object store for each reader: unpacked, read, and in a shard that is made
MOST_ACTORS = 16  # that know checksums
REACHED = 20  # seconds in which a cluster's address must answer
# Read before Ray is imported: no statistics are sent, what its C++ side logs goes to its files.
PRIVATE = dict.fromkeys(("RAY_USAGE_STATS_ENABLED", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"), "0")
PRIVATE["RAY_BACKEND_LOG_LEVEL"] = "fatal"
# A Ray that is started here listens on loopback only, which it does where it takes itself to be no cluster. Its workers
# are what the machine is for: by default they would give way to everything else.
ON_LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_worker_niceness": "0"}

# The shards' folder and plan, the driver's version and the mark of its weights.
Orders = tuple[Path, ShardPlan, str, str]


def write_shards_on_ray(
    paths: Sequence[Path], folder: Path, plan: ShardPlan, *, address: str | None = None, workers: int | None = None
) -> Iterator[Receipt]:
    """Annotate files into shards on a Ray cluster, and yield each one's receipt as it is finished.

    As `write_shards`; WorkerError says that the cluster cannot be reached, a node does not see the corpus, or work on it
    failed. Standard input is not among the paths; the folder is on a file system that all nodes share, or remote; without
    an address a Ray of this machine is started and ended; `workers` shards are made at once, a core each: None takes all.
    """
    check_form(plan.form)
    require_readable(read_sources(paths))
    with held(folder), connect_to_ray(address, workers) as ray:
        cores = int(ray.cluster_resources().get("CPU", 0))
        if cores < 1:
            raise WorkerError("the cluster has no core", next_step="Add nodes to it")
        try:
            yield from collect(_made(ray, paths, folder, plan, min(workers or cores, cores)), folder, plan)
        except ray.exceptions.RayError as error:
            raise _find_error(error) from None


def make_on_node(number: int, stretches: Sequence[Stretch], orders: Orders, *blocks: Sequence[Source]) -> Receipt:
    """Make a shard of stretches of these blocks; ModelDataError where version or weights are not the driver's."""
    folder, plan, version, mark = orders
    model = _load_on_node(plan.weights, version, mark)
    sources = tuple(chain(*(sources_of(*one) for one in zip(stretches, blocks, strict=True))))
    return make_shard((number, sources), folder=folder, plan=plan, mark=mark, model=model)


@lru_cache(maxsize=1)
def _load_on_node(weights: str, version: str, mark: str) -> NameModel:
    if version != __version__:
        raise ModelDataError(f"a node has biaozhu {__version__}, the driver {version}")
    if mark != weights_mark(weights):
        raise ModelDataError(f"a node has another {weights} model than the driver")
    return load_model(weights, threads=1)


def _made(ray: Any, paths: Sequence[Path], folder: Path, plan: ShardPlan, workers: int) -> Iterator[Receipt]:
    orders: Orders = folder.absolute(), plan, __version__, weights_mark(plan.weights)
    make = ray.remote(make_on_node).options(num_cpus=1, max_retries=-1)
    # One reader for each worker, where a quarter of the object store takes the blocks that wait.
    room = ray.cluster_resources().get("object_store_memory", STORE) / 4
    blocks = read_in_order(
        ray,
        pieces_of(paths, plan.size),
        Duplicates(ray, min(len(nodes_with_cores(ray)), MOST_ACTORS)),
        readers=max(1, min(workers, int(room / (BLOCKS * plan.size)))),
        size=plan.size,
    )
    waiting: list[Any] = []
    for number, stretches in enumerate(cut_shards(blocks, plan.size)):
        references = [one.block for one in stretches]
        waiting.append(make.remote(number, [replace(one, block=None) for one in stretches], orders, *references))
        del references, stretches
        while len(waiting) >= workers:
            done, waiting = ray.wait(waiting)
            yield from ray.get(done)
    while waiting:
        done, waiting = ray.wait(waiting)
        yield from ray.get(done)


@contextmanager
def connect_to_ray(address: str | None, workers: int | None) -> Iterator[Any]:
    """Connect to a cluster, or start a Ray of so many cores on this machine; both end at the end."""
    for name, value in (PRIVATE if address else PRIVATE | ON_LOOPBACK).items():
        os.environ.setdefault(name, value)
    # It says that Ray's next version needs pydantic 2, which is why this is not the next version.
    warnings.filterwarnings("ignore", message="Pydantic v1 is deprecated", category=FutureWarning)
    with needing_extra("ray", "the engine ray needs the package ray"):
        import ray  # noqa: PLC0415 — an extra
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    here = ray.is_initialized()
    try:
        if address and not here:
            # Ray itself tries for minutes.
            host, colon, port = address.rpartition(":")
            if colon and port.isdecimal():
                socket.create_connection((host.removeprefix("ray://"), int(port)), timeout=REACHED).close()
            ray.init(address, **quiet)
        elif not here:
            # "local": without an address it would join a cluster that happens to run here.
            ray.init("local", num_cpus=workers, include_dashboard=False, object_store_memory=STORE, **quiet)
    except Exception as error:  # noqa: BLE001 — Ray raises plain exceptions here
        what = f"no Ray cluster ({' '.join(str(error).split())})"
        advice = "Start one with `ray start --head`, or leave --ray-address out"
        raise WorkerError(what, where=address or "", next_step=advice) from None
    try:
        yield ray
    finally:
        if not here:
            ray.shutdown()


def _find_error(error: BaseException) -> BiaozhuError:
    """Return the error of biaozhu that is at the bottom of what Ray raises, or one that says what Ray says."""
    at: BaseException | None = error
    while at is not None:
        for inner in (at, getattr(at, "cause", None)):
            if isinstance(inner, BiaozhuError):
                return inner
        at = at.__cause__
    last = str(error).strip().splitlines()[-1:]
    return WorkerError(f"work on the cluster failed ({''.join(last)})")
