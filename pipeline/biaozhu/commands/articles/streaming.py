"""Corpora in `preannotate`: streams to one file or to shards, with a file of failures beside it."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from typer import Exit

from biaozhu.commands.console import LOSSES_SHOWN, progress, say
from biaozhu.data.errors import EmptyArticleError, UsageError
from biaozhu.data.files import write_lines, write_stream
from biaozhu.data.layers import FAILED_SUFFIX
from biaozhu.data.outputs import check_output, check_output_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from biaozhu.scale.batch import Batch, Failure
    from biaozhu.scale.shards import Form, Plan, Receipt

Part = TypeVar("Part", "Batch", "Receipt")


@dataclass(frozen=True, slots=True)
class Run:
    """Settings of the annotation: `jobs` None is one process, with Ray one for each core; a shard has `size` bytes of text."""

    weights: str
    jobs: int | None
    threads: int | None
    ray: bool = False
    address: str | None = None
    size: int | None = None
    form: Form | None = None


def annotate_corpus(files: Sequence[Path], *, output: Path | None, folder: Path | None, run: Run) -> None:
    """Annotate a stream of articles to stdout, one file or a folder of shards; exit with status 1 when some failed."""
    from biaozhu.scale.shards import FAILED, SHARD_BYTES, Plan, find_own_files

    if folder is None:
        if output is not None and output.suffix != ".jsonl":
            advice = "Give --output OUT.jsonl, or --shards DIR"
            raise UsageError("a stream goes to one file", next_step=advice)
        _stream(files, output, run)
        return
    if output is not None:
        raise UsageError("--shards and --output are two places", next_step="Give one of them")
    if run.ray and "-" in map(str, files):
        raise UsageError("--engine ray reads no standard input", next_step="Save it to a file")
    check_output_folder(folder, files)
    find_own_files(folder)  # before a lock is put there
    spans = articles = failed = 0
    plan = Plan(run.weights, run.size or SHARD_BYTES, run.form or "jsonl")
    for receipt in _counted(_receipts(files, folder, plan, run)):
        spans, articles = spans + receipt.spans, articles + receipt.articles
        _tell(islice(receipt.failed, max(0, LOSSES_SHOWN - failed)))
        failed += len(receipt.failed)
    _end(spans, articles, failed, folder / FAILED)


def _receipts(files: Sequence[Path], folder: Path, plan: Plan, run: Run) -> Iterator[Receipt]:
    if run.ray:
        from biaozhu.scale.cluster import write_shards_on_ray

        return write_shards_on_ray(files, folder, plan, address=run.address, workers=run.jobs)
    from biaozhu.scale.corpus_stream import read_sources
    from biaozhu.scale.shards import write_shards

    return write_shards(read_sources(files), folder, plan, jobs=run.jobs or 1, threads=run.threads)


def _stream(files: Sequence[Path], output: Path | None, run: Run) -> None:
    from biaozhu.scale.batch import annotate_stream
    from biaozhu.scale.corpus_stream import read_sources

    failed: list[Failure] = []
    counts = {"spans": 0, "articles": 0}

    def parts() -> Iterator[bytes]:
        sources, jobs = read_sources(files), run.jobs or 1
        found = annotate_stream(sources, weights=run.weights, jobs=jobs, threads=run.threads)
        for batch in _counted(found):
            failed.extend(batch.failed)
            counts["spans"] += batch.spans
            counts["articles"] += batch.articles
            yield "".join(f"{line}\n" for line in batch.lines).encode("utf-8")
        if not counts["articles"]:
            _tell(failed[:LOSSES_SHOWN])
            what = f"no article could be read, {len(failed)} failed"
            raise EmptyArticleError(what, where=", ".join(map(str, files)))

    dead = None if output is None else output.with_suffix(FAILED_SUFFIX)
    check_output(output, "layer", files)
    check_output(dead, "failures", files)
    if output is None or dead is None:
        for part in parts():
            sys.stdout.write(part.decode("utf-8"))
    else:
        write_stream(output, parts())
        dead.unlink(missing_ok=True)
        if failed:
            write_lines(dead, (json.dumps(asdict(one), ensure_ascii=False) for one in failed))
    _tell(failed[:LOSSES_SHOWN])
    _end(counts["spans"], counts["articles"], len(failed), dead)


def _tell(failed: Iterable[Failure]) -> None:
    for one in failed:
        say(f"failed: {one.name or one.where}: {one.reason}")


def _end(spans: int, articles: int, failed: int, dead: Path | None) -> None:
    say(f"{spans} spans in {articles} {'article' if articles == 1 else 'articles'}")
    if failed:
        say(f"lost in all: {failed} articles{'' if dead is None else f', see {dead}'}")
        raise Exit(1)


def _counted(found: Iterator[Part]) -> Iterator[Part]:
    with progress("annotating") as tick:
        for one in found:
            tick(one.characters)
            yield one
