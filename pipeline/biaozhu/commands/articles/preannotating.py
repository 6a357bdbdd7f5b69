"""Commands: preannotate."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path  # noqa: TC003 — typer reads the annotations when it runs
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from biaozhu.commands.console import finish, progress, say
from biaozhu.commands.options import layer_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from biaozhu.annotators.network.base import Base
    from biaozhu.annotators.network.lac import WordModel
    from biaozhu.annotators.preannotate import Preannotation
    from biaozhu.data.ledger import Entry
    from biaozhu.data.model import Article, Sentence
    from biaozhu.scale.batch import Weights


# Which of LAC's two sets of weights; both means the mean of what they say, in the time of both; fast a small network
# that has learned it from them.
LacSize = Literal["fast", "small", "large", "both"]


class Engine(StrEnum):
    """What works on shards: processes of this machine, or a Ray cluster."""

    local = "local"
    ray = "ray"


class ShardForm(StrEnum):
    """What a shard's file is."""

    jsonl = "jsonl"
    zstd = "jsonl.zst"
    parquet = "parquet"
    docbin = "docbin"


def register(app: typer.Typer) -> None:
    """Add the commands of this area."""
    app.command("preannotate")(preannotate)


def preannotate(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...",
            help="Articles (text or HTML), folders, patterns; JSONL or Parquet with name and text; .gz, .zst; - for stdin; s3://….",
        ),
    ],
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            callback=layer_name,
            help="A .jsonl file, or a folder for a file by article; else stdout.",
        ),
    ] = None,
    layers: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Also write each annotator's layer to DIR/<source>/<article>.jsonl."
        ),
    ] = None,
    ledger: Annotated[
        bool,
        typer.Option("--ledger", help="Also write what the combination decided to OUT.ledger.jsonl."),
    ] = False,
    lac: Annotated[LacSize, typer.Option(help="LAC's weights.")] = "small",
    base: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Also a base model, as the layer `base`. models/base was trained on PFR: for research only.",
        ),
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads of the network; as many as processors by default.")
    ] = None,
    shards: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            help="Write shards and a manifest to DIR (or s3://…), and go on there after a stop.",
        ),
    ] = None,
    shard_size: Annotated[
        int | None, typer.Option(min=1, metavar="BYTES", help="Source text in a shard; 4 MiB by default.")
    ] = None,
    shard_format: Annotated[
        ShardForm | None, typer.Option(help="What a shard's file is; jsonl (packed by gzip) by default.")
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs", "-j", min=1, help="Processes, each with one thread: 1; with Ray, one for each core."
        ),
    ] = None,
    engine: Annotated[
        Engine, typer.Option(help="Who makes shards: processes of this machine, or Ray (extra `ray`).")
    ] = Engine.local,
    ray_address: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="A running Ray cluster; else one of this machine is started."),
    ] = None,
) -> None:
    """Find places, persons and amounts in articles: sentence lines with spans."""
    from biaozhu.commands.articles.streaming import Output, Run, annotate_corpus
    from biaozhu.data.errors import UsageError
    from biaozhu.scale.batch import load_model
    from biaozhu.scale.corpus_stream import expand_globs, is_stream
    from biaozhu.scale.shard_folders import is_remote, place

    paths = list(expand_globs(place(file) for file in files))
    remote = any(is_remote(path) for path in paths)
    if shards is None and (shard_size is not None or shard_format is not None):
        raise UsageError("--shard-size and --shard-format need --shards")
    if engine is Engine.ray and shards is None:
        raise UsageError("--engine ray needs --shards", next_step="Give a folder that all nodes can write to")
    if ray_address is not None and engine is not Engine.ray:
        raise UsageError("--ray-address needs --engine ray")
    if shards is not None or (jobs or 1) > 1 or remote or any(is_stream(path) for path in paths):
        if layers is not None or ledger or base is not None:
            raise UsageError("--layers, --ledger and --base are for a few articles, not for a stream")
        annotate_corpus(
            paths,
            output=Output(
                output,
                None if shards is None else place(shards),
                shard_size,
                None if shard_format is None else shard_format.value,
            ),
            run=Run(_usable(lac), jobs, threads, ray=engine is Engine.ray, address=ray_address),
        )
        return
    _few(
        paths,
        output=output,
        layers=layers,
        ledger=ledger,
        models=lambda: (load_model(lac, threads=threads), _based(base, threads)),
    )


def _few(
    files: Sequence[Path],
    *,
    output: Path | None,
    layers: Path | None,
    ledger: bool,
    models: Callable[[], tuple[WordModel, Base | None]],
) -> None:
    import sys

    from biaozhu.data.errors import UsageError
    from biaozhu.data.layers import write_layer
    from biaozhu.data.model import sentence_to_line
    from biaozhu.reading.article import find_articles, list_left_out, read_readable

    if ledger and output is None:
        raise UsageError("--ledger needs a name", next_step="Give --output OUT.jsonl")
    read, problems = read_readable(find_articles(files))
    articles = list(read.values())
    into_folder = output is not None and output.suffix != ".jsonl"
    names = [article.name for article in articles]
    if (layers is not None or into_folder) and len(set(names)) < len(names):
        raise UsageError(
            "two articles have the same file name, their layers would overwrite each other",
            next_step="Rename one of the files",
        )
    done = _annotated(articles, *models())
    decided = {one.article.id: [*list_left_out(one.article), *one.entries] for one in done}
    entries = [entry for one in decided.values() for entry in one]
    sentences = [sentence for one in done for sentence in one.sentences]
    if layers is not None:
        for one in done:
            for source, layer in one.layers.items():
                write_layer(layers / source / f"{one.article.name}.jsonl", layer)
    if output is None:
        sys.stdout.writelines(f"{sentence_to_line(sentence)}\n" for sentence in sentences)
    elif into_folder:
        for one in done:
            _write(
                output / f"{one.article.name}.jsonl",
                one.sentences,
                decided[one.article.id] if ledger else None,
            )
    else:
        _write(output, sentences, entries if ledger else None)
    spans = sum(len(sentence.spans) for sentence in sentences)
    say(
        f"{spans} spans in {len(sentences)} sentences of {len(articles)} {'article' if len(articles) == 1 else 'articles'}"
    )
    finish(entries, left_out=problems)


def _write(path: Path, sentences: Sequence[Sentence], entries: Sequence[Entry] | None) -> None:
    from biaozhu.data.layers import write_layer
    from biaozhu.data.ledger import write_ledger

    write_layer(path, sentences)
    if entries is not None:
        write_ledger(path.with_suffix(".ledger.jsonl"), entries)


def _annotated(articles: Sequence[Article], model: WordModel, base: Base | None) -> list[Preannotation]:
    from biaozhu.annotators.preannotate import preannotate_articles

    done = []
    with progress("annotating", len(articles)) as tick:
        for one in preannotate_articles(articles, model=model, base=base):
            done.append(one)
            tick(1)
    return done


def _based(folder: Path | None, threads: int | None) -> Base | None:
    from biaozhu.annotators.network.base import load_base

    return None if folder is None else load_base(folder, threads=threads)


def _usable(weights: Weights) -> Weights:
    # Before any worker starts: each would only say again that they are missing.
    from biaozhu.annotators.network.lac_data import lac_folder

    if weights == "fast":
        return weights
    sizes: tuple[Literal["small", "large"], ...] = ("small", "large") if weights == "both" else (weights,)
    for size in sizes:
        lac_folder(size)
    return weights
