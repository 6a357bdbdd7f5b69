"""The shards of a corpus on a Ray cluster: the same code for a batch, the same files as one machine writes.

One task on the driver's machine reads the corpus and cuts it into shards, a few ahead of the work; an actor for each
core annotates them and writes them where they belong, so only counts come back. What lets a node be lost is that
Ray gives its shards to another actor, and that a shard is written whole or not at all, to the same bytes.

The corpus is read on the driver's machine; the folder of the shards must be one that every node can write to.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import warnings
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from biaozhu import __version__
from biaozhu.annotators.network.models import load_model, weights_mark
from biaozhu.data.errors import BiaozhuError, MissingExtraError, ModelDataError, WorkerError, extra_advice
from biaozhu.scale.corpus_stream import Source, read_sources
from biaozhu.scale.shard_folders import held
from biaozhu.scale.shard_formats import check_form
from biaozhu.scale.shards import Shard, collect, make_shard, parse_receipt, require_readable, shards_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from biaozhu.scale.shards import Plan, Receipt

# Bytes of the object store of a Ray that is started here; a running cluster has its own.
STORE = 512 << 20
# Shards that wait at each actor, beside the one it works on.
AHEAD = 1
# Seconds in which a cluster's address must answer.
REACHED = 20
# Read before Ray is imported: no statistics are sent, what its C++ side logs goes to its files; and a Ray that is
# started here listens on loopback only, which it does where it takes itself to be no cluster.
PRIVATE = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    # The second version asks an actor for what it may use, and gives up where that is slow to answer; the pool here
    # has a fixed size, so there is nothing to ask.
    "RAY_DATA_CLUSTER_AUTOSCALER": "V1",
}
# Its workers are what the machine is for: by default they would give way to everything else.
ON_LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_worker_niceness": "0"}


def write_shards_on_ray(
    paths: Sequence[Path], folder: Path, plan: Plan, *, address: str | None = None, workers: int | None = None
) -> Iterator[Receipt]:
    """Annotate files into shards on a Ray cluster, and yield each one's receipt as it is finished.

    The shards and the manifest are those of `write_shards`, and so is going on after a stop.

    Args:
        paths: of the corpus, as `read_sources` takes them; standard input is not among them.
        folder: where the shards go: on a file system that all nodes share, or remote.
        plan: of the shards.
        address: of a running cluster; None starts a Ray of this machine and ends it.
        workers: actors, each on a core of its own; None takes all cores of the cluster.

    Raises:
        MissingExtraError: Ray is not installed, or see `check_form`.
        LockedError: another run is active in this folder.
        EmptyArticleError, WriteError, ModelDataError: see `write_shards`.
        WorkerError: the cluster cannot be reached, or work on it failed.
    """
    check_form(plan.form)
    require_readable(read_sources(paths))
    with held(folder), _connected(address, workers) as ray:
        cores = int(ray.cluster_resources().get("CPU", 0))
        if cores < 1:
            raise WorkerError("the cluster has no core", next_step="Add nodes to it")
        try:
            yield from collect(_made(paths, folder, plan, min(workers or cores, cores)), folder, plan)
        except ray.exceptions.RayError as error:
            raise _reason(error) from None


class ShardMaker:
    """An actor: holds the network, makes one shard after the other.

    Args:
        weights: which network.
        folder: where the shards go.
        plan: of the shards.
        version: the driver's; a node with another would write other bytes.
        mark: of the driver's weights, see `weights_mark`.

    Raises:
        ModelDataError: the node has another version, or not the same weights.
    """

    def __init__(
        self,
        *,
        weights: str,
        folder: Path,
        plan: Plan,
        version: str,
        mark: str,
    ) -> None:
        if version != __version__:
            raise ModelDataError(f"a node has biaozhu {__version__}, the driver {version}")
        if mark != weights_mark(weights):
            raise ModelDataError(f"a node has another {weights} model than the driver")
        model = load_model(weights, threads=1)
        self._make = partial(make_shard, folder=folder, form=plan.form, model=model)

    def __call__(self, row: dict[str, Any]) -> dict[str, str]:
        """Make one shard, and return its receipt as JSON."""
        sources = tuple(Source(**source) for source in json.loads(row["heads"]))
        bounds = [0, *np.cumsum(row["lengths"], dtype=np.int64).tolist()] if sources else [0]
        filled = tuple(
            Source(one.name, one.where, row["data"][start:end], one.page, one.problem)
            for one, start, end in zip(sources, bounds[:-1], bounds[1:], strict=True)
        )
        receipt = self._make(Shard(int(row["number"]), filled, str(row["checksum"])))
        return {"receipt": json.dumps(asdict(receipt), ensure_ascii=False)}


def _made(paths: Sequence[Path], folder: Path, plan: Plan, workers: int) -> Iterator[Receipt]:
    import ray.data  # noqa: PLC0415 — an extra
    from ray.data import ActorPoolStrategy, DataContext  # noqa: PLC0415 — as above

    from biaozhu.scale.cluster_source import shard_source  # noqa: PLC0415 — as above

    context = DataContext.get_current()
    context.enable_progress_bars = False
    # A block is a shard: none is gathered with others, none is cut.
    context.target_max_block_size = 1
    context.target_min_block_size = 0
    context.execution_options.resource_limits = context.execution_options.resource_limits.copy(
        object_store_memory=_room(ray.cluster_resources(), plan, workers)
    )
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    done = ray.data.read_datasource(
        shard_source(partial(_rows, tuple(paths), plan)),
        override_num_blocks=1,
        ray_remote_args={"num_cpus": 0},
    ).map(
        ShardMaker,
        fn_constructor_kwargs={
            "weights": plan.weights,
            "folder": folder.absolute(),
            "plan": plan,
            "version": __version__,
            "mark": weights_mark(plan.weights),
        },
        # Not a fixed size: the actor of a lost node begins again on the core that an idle one gives up.
        compute=ActorPoolStrategy(
            min_size=1, max_size=workers, initial_size=workers, max_tasks_in_flight_per_actor=1 + AHEAD
        ),
        num_cpus=1,
    )
    for row in done.iter_rows():
        yield parse_receipt(row["receipt"])


def _rows(paths: Sequence[Path], plan: Plan) -> Iterator[dict[str, Any]]:
    for shard in shards_of(read_sources(paths), plan):
        heads = [
            {"name": one.name, "where": one.where, "page": one.page, "problem": one.problem}
            for one in shard.sources
        ]
        yield {
            "number": shard.number,
            "checksum": shard.checksum,
            "heads": json.dumps(heads),
            "lengths": [len(one.data) for one in shard.sources],
            "data": b"".join(one.data for one in shard.sources),
        }


def _room(resources: Mapping[str, float], plan: Plan, workers: int) -> float:
    """Bytes of the object store that blocks may take: what the actors need, at most half of what there is."""
    wanted = float(max(64 << 20, 4 * plan.size * workers * (1 + AHEAD)))
    return min(wanted, resources.get("object_store_memory", wanted) / 2)


@contextmanager
def _connected(address: str | None, workers: int | None) -> Iterator[Any]:
    for name, value in (PRIVATE if address else PRIVATE | ON_LOOPBACK).items():
        os.environ.setdefault(name, value)
    # It says that Ray's next version needs pydantic 2, which is why this is not the next version.
    warnings.filterwarnings("ignore", message="Pydantic v1 is deprecated", category=FutureWarning)
    warnings.filterwarnings("ignore", message="DefaultClusterAutoscaler", category=DeprecationWarning)
    try:
        import ray  # noqa: PLC0415 — an extra
    except ImportError:
        raise MissingExtraError(
            "the engine ray needs the package ray",
            next_step=extra_advice("ray"),
        ) from None
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    here = ray.is_initialized()
    try:
        if address and not here:
            _knock(address)
            ray.init(address, **quiet)
        elif not here:
            # "local": without an address it would join a cluster that happens to run here.
            ray.init("local", num_cpus=workers, include_dashboard=False, object_store_memory=STORE, **quiet)
    except Exception as error:  # noqa: BLE001 — Ray raises plain exceptions here
        raise WorkerError(
            f"no Ray cluster ({' '.join(str(error).split())})",
            where=address or "",
            next_step="Start one with `ray start --head`, or leave --ray-address out",
        ) from None
    try:
        yield ray
    finally:
        if not here:
            ray.shutdown()


def _knock(address: str) -> None:
    # Ray itself tries for minutes.
    host, colon, port = address.rpartition(":")
    if colon and port.isdecimal():
        socket.create_connection((host.removeprefix("ray://"), int(port)), timeout=REACHED).close()


def _reason(error: BaseException) -> BiaozhuError:
    """Return the error of biaozhu that is at the bottom of what Ray raises, or one that says what Ray says."""
    at: BaseException | None = error
    while at is not None:
        for inner in (at, getattr(at, "cause", None)):
            if isinstance(inner, BiaozhuError):
                return inner
        at = at.__cause__
    last = str(error).strip().splitlines()[-1:]
    return WorkerError(f"work on the cluster failed ({''.join(last)})")
