"""Reading a corpus on a Ray cluster: actors read pieces, the driver, which holds no text, cuts them into shards."""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import count, cycle, islice
from pathlib import Path
from typing import Any

import numpy as np

from biaozhu import __version__
from biaozhu.data.errors import ModelDataError
from biaozhu.data.files import scratch_database
from biaozhu.scale.batch import CACHE, DIGEST_BYTES, Seen, as_duplicate, digest_of, take_text
from biaozhu.scale.corpus_pieces import Chunk, CorpusPiece, move_line, read_piece, require_files, unpack_piece
from biaozhu.scale.corpus_stream import Source

JOURNAL_ARTICLES = 1 << 16  # that are put into the object store together: 1.5 MiB


class Checksums:
    """An actor that knows the checksums that `actor_of` gives its number."""

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
            mine = actor_of(digests, self._parts) == self._part
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
        parts = actor_of(digests, len(self.actors))
        mine = [(actor, parts == part) for part, actor in enumerate(self.actors) if (parts == part).any()]
        asked = [(actor, digests[rows], orders[rows]) for actor, rows in mine]
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


def actor_of(digests: Any, parts: int) -> Any:
    """Return which actor knows each checksum; those that share an article id have the same."""
    return (digests[:, 0].astype(np.int64) * 256 + digests[:, 1]) % parts


def start_actors(ray: Any, kind: type, arguments: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Start an actor with each of these arguments, on one node after the other.

    It takes no core: one that is lost begins again, also while all cores are taken, and is asked again.
    """
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy  # noqa: PLC0415 — an extra

    # Ray's own SPREAD may put all on one node.
    nodes = cycle(nodes_with_cores(ray))
    remote, found = ray.remote(kind), []
    options = {"num_cpus": 0, "max_restarts": -1, "max_task_retries": -1}
    for some in arguments:
        there = NodeAffinitySchedulingStrategy(next(nodes), soft=True)
        found.append(remote.options(scheduling_strategy=there, **options).remote(*some))
    return found


def nodes_with_cores(ray: Any) -> list[str]:
    """Return the ids of the nodes that have cores: a head node often has none, so that nothing disturbs it."""
    return sorted(node["NodeID"] for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU"))


# An article's order in the corpus: the number of its block, then in so many bits its own in the piece.
NUMBER_BITS = 32
Pieces = Iterable[CorpusPiece]
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Index:
    """Index of a block for the driver: size of each source; row, number and checksum of each article; lines of JSONL.

    `broken` says that the rest of the file cannot be read; `node` read it, which has this `version` of biaozhu.
    """

    sizes: Any
    rows: Any
    numbers: Any
    digests: Any
    lines: int
    broken: bool
    node: str
    version: str = __version__


@dataclass(frozen=True, slots=True)
class Stretch:
    """Rows of a block that are in a shard, after so many `lines`; `twice`: where a duplicate's first is, if same text."""

    block: Any
    start: int
    stop: int
    lines: int
    twice: dict[int, tuple[str, bool]]


class Reader:
    """An actor that reads pieces and unpacks chunks of `size` bytes; relative paths begin in `folder`."""

    def __init__(self, folder: str, size: int) -> None:
        import ray  # noqa: PLC0415 — an extra

        self._size, self._node = size, ray.get_runtime_context().get_node_id()
        self._next: tuple[CorpusPiece, int] | None = None
        self._chunks: Iterator[Chunk] = iter(())
        if os.access(folder, os.X_OK):
            os.chdir(folder)

    def unpack(self, piece: CorpusPiece, number: int) -> tuple[Chunk, bool]:
        """Return a chunk of a piece and whether there is one; the next one is cheap, any other possible."""
        require_files(piece)
        if self._next != (piece, number):
            self._chunks = islice(unpack_piece(piece, self._size), number, None)
        self._next = (piece, number + 1)
        chunk = next(self._chunks, None)
        return (b"", False) if chunk is None else (chunk, True)

    def read(self, piece: CorpusPiece, chunk: Chunk | None) -> tuple[tuple[Source, ...], Index]:
        """Return a piece as a block of sources, or a chunk of it, and its index; a file not seen raises WorkerError."""
        if chunk is None:
            require_files(piece)
        return read_block(piece, chunk, self._node)


def read_block(piece: CorpusPiece, chunk: Chunk | None = None, node: str = "") -> tuple[tuple[Source, ...], Index]:
    """Return a piece as a block of sources, or a chunk of it, and its index."""
    lines = 0

    def read() -> Iterator[Source]:
        nonlocal lines
        lines = yield from read_piece(piece, chunk)

    block = tuple(map(take_text, read()))
    articles = [(row, source) for row, source in enumerate(block) if not source.problem]
    numbers = [int(source.where.rpartition(":")[2]) if piece.holds_records else row for row, source in articles]
    digests = b"".join(digest_of(source) for _, source in articles)
    return block, Index(
        sizes=np.array([len(source.data) for source in block], np.int64),
        rows=np.array([row for row, _ in articles], np.int64),
        numbers=np.array(numbers, np.int64),
        digests=np.frombuffer(digests, np.uint8).reshape(-1, DIGEST_BYTES),
        lines=lines,
        broken=piece.holds_records and bool(block) and block[-1].where == piece.where(None),
        node=node,
    )


def read_in_order(
    ray: Any, pieces: Pieces, duplicates: Duplicates, *, readers: int, size: int
) -> Iterator[tuple[Any, Stretch]]:
    """Yield the blocks of a corpus in order, each with the sizes of its sources; a duplicate has none.

    So many blocks as `readers` are read ahead, in chunks of `size` bytes. A node of another version raises ModelDataError.
    """
    actors = start_actors(ray, Reader, [(str(Path.cwd()), size)] * readers)
    known: list[tuple[CorpusPiece, int]] = []
    lines, broken = 0, False
    for number, (piece, follows, block, answer) in enumerate(_read_ahead(ray, pieces, actors)):
        index: Index = ray.get(answer)
        _log.debug("block %d was read on node %s", number, index.node)
        if index.version != __version__:
            raise ModelDataError(f"a node has biaozhu {index.version}, the driver {__version__}")
        # Not where the blocks before it had no row group: then the last one known is of another file.
        goes_on = follows and bool(known) and known[-1][0].files == piece.files
        before = known[-1][1] + lines if goes_on else 0
        known.append((piece, before))
        lines = index.lines
        if broken and goes_on:
            # One machine, which reads a file from its beginning, does not get that far.
            continue
        broken = index.broken
        orders = (number << NUMBER_BITS) + index.numbers
        found = duplicates.find(index.digests, orders)
        twice: dict[int, tuple[str, bool]] = {}
        for row, order in zip(index.rows.tolist(), orders.tolist(), strict=True) if found else ():
            if order in found:
                first, same = found[order]
                owner, lines_before = known[first >> NUMBER_BITS]
                twice[row] = (owner.where((first & ((1 << NUMBER_BITS) - 1)) + lines_before), same)
        sizes = index.sizes.copy()
        sizes[list(twice)] = 0
        yield sizes, Stretch(block, 0, len(sizes), before, twice)


def _read_ahead(ray: Any, pieces: Pieces, actors: list[Any]) -> Iterator[tuple[CorpusPiece, bool, Any, Any]]:
    """Yield each piece, whether it goes on in the file before it, and references to its block and index, in order."""
    waiting: deque[tuple[CorpusPiece, bool, Any, Any]] = deque()
    turns = cycle(actors)
    for piece, goes_on, chunk in _unpack_ahead(ray, pieces, actors):
        block, index = next(turns).read.options(num_returns=2).remote(piece, chunk)
        waiting.append((piece, goes_on, block, index))
        del block, index
        if len(waiting) > len(actors):
            yield waiting.popleft()
    while waiting:
        yield waiting.popleft()


def _unpack_ahead(ray: Any, pieces: Pieces, actors: list[Any]) -> Iterator[tuple[CorpusPiece, bool, Any]]:
    """Yield pieces as they are, or with a reference to each chunk, where the first one is asked for ahead."""
    opened: deque[tuple[CorpusPiece, Any, Any]] = deque()
    pairs = zip(pieces, cycle(actors), strict=False)
    while True:
        for piece, actor in islice(pairs, len(actors) - len(opened)):
            first = actor.unpack.options(num_returns=2).remote(piece, 0) if piece.is_chunked else None
            opened.append((piece, actor, first))
        if not opened:
            return
        piece, actor, asked = opened.popleft()
        if asked is None:
            yield piece, piece.start > 0, None
            continue
        for number in count(1):
            following = actor.unpack.options(num_returns=2).remote(piece, number)
            chunk, is_there = asked
            if not ray.get(is_there):
                break
            yield piece, piece.start > 0 or number > 1, chunk
            asked = following


def cut_shards(blocks: Iterable[tuple[Any, Stretch]], size: int) -> Iterator[list[Stretch]]:
    """Cut blocks, given with the sizes of their sources, where `batches` cuts the sources."""
    shard: list[Stretch] = []
    reached = 0
    for sizes, block in blocks:
        ends = np.cumsum(sizes + 1)
        start = 0
        while start < len(ends):
            before = int(ends[start - 1]) if start else 0
            stop = int(np.searchsorted(ends, size - reached + before)) + 1
            shard.append(replace(block, start=start, stop=min(stop, len(ends))))
            if stop > len(ends):
                reached += int(ends[-1]) - before
                break
            yield shard
            shard, reached, start = [], 0, stop
    if shard:
        yield shard


def sources_of(stretch: Stretch, block: Sequence[Source]) -> Iterator[Source]:
    """Yield the sources of a stretch as `without_duplicates` gives them on one machine."""
    for row in range(stretch.start, stretch.stop):
        source = move_line(block[row], stretch.lines)
        first = stretch.twice.get(row)
        yield source if first is None else as_duplicate(source, first[0], same=first[1])
