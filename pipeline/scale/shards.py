"""A corpus into a folder of shards that a kill at any moment neither loses from nor repeats in.

A shard is a fixed stretch of the stream of sources. Its lines go to `part-00000.jsonl.gz`, and only then its
receipt to `part-00000.json`: checksums of what went in and of what came out, counts, and what failed. Both are
written whole or not at all, so a shard without a fitting receipt is made again, to the same bytes, and one with it
is passed over. At the end `MANIFEST.json` names all shards and `failed.jsonl` all articles that gave none.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from pipeline import __version__
from pipeline.errors import LockedError
from pipeline.files import sha256_of, write_bytes, write_lines, write_text
from pipeline.scale.batch import Failure, annotate_sources, batches, run_in_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from pipeline.annotators.lac import Lac
    from pipeline.annotators.lac_pair import LacPair
    from pipeline.scale.batch import Weights
    from pipeline.scale.sources import Source

MANIFEST, FAILED, LOCK = "MANIFEST.json", "failed.jsonl", ".lock"
SHARD_BYTES = 4 << 20
COUNTS = ("articles", "sentences", "characters", "spans")


@dataclass(frozen=True, slots=True)
class Shard:
    """A shard to make: its number, its sources, and their checksum together with what they are annotated by."""

    number: int
    sources: tuple[Source, ...]
    checksum: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What is known of a finished shard; `sha256` is that of the file's bytes, `input` that of the sources."""

    file: str
    sha256: str
    input: str
    articles: int
    sentences: int
    characters: int
    spans: int
    failed: tuple[Failure, ...]


def write_shards(
    sources: Iterable[Source],
    folder: Path,
    *,
    weights: Weights,
    jobs: int = 1,
    threads: int | None = None,
    size: int = SHARD_BYTES,
) -> Iterator[Receipt]:
    """Annotate a stream into shards, and yield each one's receipt in order; the manifest comes after the last.

    Run again after a kill with the same arguments, it passes over what is finished. With other sources or weights
    it makes again what differs. The files are the same whatever `jobs` is and however often it was killed.

    Args:
        sources: the corpus.
        folder: where the shards go; it is made if it is not there.
        weights: of the network.
        jobs: processes.
        threads: of the network in each process.
        size: bytes of source text in a shard; it decides where the shards' borders are.

    Raises:
        LockedError: another run is at work in this folder.
        WriteError: a file cannot be written.
        ModelDataError, WorkerError: see `run_in_order`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise LockedError(
            "another run is writing shards here", where=str(folder), next_step="Wait for it to end"
        ) from None
    try:
        yield from _written(sources, folder, weights, jobs, threads, size)
    finally:
        lock.release()


def make_shard(shard: Shard, *, folder: Path, model: Lac | LacPair) -> Receipt:
    """Make a shard unless a fitting receipt says that it is there."""
    known = read_receipt(folder, shard)
    if known is not None:
        return known
    batch = annotate_sources(shard.sources, model=model)
    content = "".join(f"{line}\n" for line in batch.lines).encode("utf-8")
    # Without a time in its header: the same lines must be the same bytes.
    packed = gzip.compress(content, compresslevel=6, mtime=0)
    path = folder / f"{_stem(shard.number)}.jsonl.gz"
    write_bytes(path, packed)
    receipt = Receipt(
        file=path.name,
        sha256=hashlib.sha256(packed).hexdigest(),
        input=shard.checksum,
        articles=batch.articles,
        sentences=len(batch.lines),
        characters=batch.characters,
        spans=batch.spans,
        failed=batch.failed,
    )
    write_text(path.with_name(f"{_stem(shard.number)}.json"), _json(asdict(receipt)))
    return receipt


def read_receipt(folder: Path, shard: Shard) -> Receipt | None:
    """Return the receipt of a shard that was made from these sources and whose file is as it was written, or None."""
    path = folder / f"{_stem(shard.number)}.json"
    try:
        value = json.loads(path.read_bytes())
        failed = tuple(Failure(**one) for one in value.pop("failed"))
        receipt = Receipt(**value, failed=failed)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    file = folder / f"{_stem(shard.number)}.jsonl.gz"
    fits = receipt.input == shard.checksum and receipt.file == file.name and file.is_file()
    return receipt if fits and sha256_of(file) == receipt.sha256 else None


def _written(
    sources: Iterable[Source], folder: Path, weights: Weights, jobs: int, threads: int | None, size: int
) -> Iterator[Receipt]:
    for left in folder.glob(".part-*"):
        # What a killed run was writing.
        left.unlink(missing_ok=True)
    (folder / MANIFEST).unlink(missing_ok=True)
    totals = dict.fromkeys((*COUNTS, "failed"), 0)
    number = 0
    work = partial(make_shard, folder=folder)
    for receipt in run_in_order(
        work, _shards(sources, weights, size), weights=weights, jobs=jobs, threads=threads
    ):
        number += 1
        for name in COUNTS:
            totals[name] += getattr(receipt, name)
        totals["failed"] += len(receipt.failed)
        yield receipt
    for path in (*folder.glob("part-*.json"), *folder.glob("part-*.jsonl.gz")):
        # An earlier, longer corpus had more.
        if int(path.name.removeprefix("part-").split(".")[0]) >= number:
            path.unlink()
    _finish(folder, number, {"biaozhu": __version__, "lac": weights, "shards": number, **totals})


def _finish(folder: Path, count: int, facts: dict[str, Any]) -> None:
    failed: list[str] = []
    shards: list[dict[str, Any]] = []
    for number in range(count):
        receipt = json.loads((folder / f"{_stem(number)}.json").read_bytes())
        failed += [json.dumps(one, ensure_ascii=False) for one in receipt.pop("failed")]
        shards.append(receipt)
    write_lines(folder / FAILED, failed)
    write_text(folder / MANIFEST, _json({**facts, "files": shards}))


def _shards(sources: Iterable[Source], weights: Weights, size: int) -> Iterator[Shard]:
    for number, group in enumerate(batches(sources, size)):
        yield Shard(number, group, _checksum(group, weights))


def _checksum(sources: Sequence[Source], weights: Weights) -> str:
    digest = hashlib.sha256(f"{__version__} {weights}".encode())
    for source in sources:
        head = json.dumps([source.name, source.where, len(source.data), source.page, source.problem])
        digest.update(head.encode("ascii"))
        digest.update(source.data)
    return digest.hexdigest()


def _stem(number: int) -> str:
    return f"part-{number:05}"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"
