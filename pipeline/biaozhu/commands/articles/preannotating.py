"""Command: preannotate; a few articles at once, or a corpus as a stream to one file or to shards."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

from typer import Argument, Option

from biaozhu.annotators.network.models import DEFAULT_MODEL, load_model, whole_name
from biaozhu.commands.articles.files import say_where_little_is_found, say_where_not_read
from biaozhu.commands.articles.language_models import ask_models, check_distinct_names, check_records, write_answers
from biaozhu.commands.console import LOSSES_SHOWN, finish, progress, say
from biaozhu.commands.options import LABELS, MAX_PROCESSES, LabelsFile, Yes, folder_name, stdout_or_output
from biaozhu.data.errors import BiaozhuError, ConfigError, EmptyArticleError, LabelError, UsageError
from biaozhu.data.files import descriptor_of, write_lines, write_stream
from biaozhu.data.labels import advise_on_label, read_labels
from biaozhu.data.layers import FAILED_SUFFIX, count_layers, ledger_path, write_layer
from biaozhu.data.ledger import Entry, write_ledger
from biaozhu.data.model import Article, Span, sentence_to_line
from biaozhu.data.outputs import check_distinct, check_output, check_output_folder, check_outputs
from biaozhu.data.shipped import find_shipped
from biaozhu.llm.config import read_model_config
from biaozhu.reading.article import find_articles, list_left_out, read_readable
from biaozhu.scale.corpus_stream import expand_globs, is_stream, read_sources
from biaozhu.scale.shard_folders import is_remote, place

if TYPE_CHECKING:
    from biaozhu.annotators.preannotate import Preannotation
    from biaozhu.annotators.registry import Annotator
    from biaozhu.annotators.words import NameModel
    from biaozhu.llm.work import Outcome
    from biaozhu.scale.batch import AnnotatedBatch, Failure
    from biaozhu.scale.shards import Receipt, ShardPlan

NetworkName = Annotated[
    str, Option(help="deep, accurate, fast, or the folder of a network of `base build` or `base distil`.")
]
Annotators = Annotated[
    list[str],
    Option(
        "--annotator",
        metavar="NAME",
        help="Also an annotator of another package, of a Python file (.py), or a language model that a file (.toml) "
        "describes, as a layer of its own. Repeatable.",
    ),
]
LANGUAGE_MODEL = ".toml"


def preannotate(
    files: Annotated[list[str], Argument(metavar="FILE")],
    *,
    output: Annotated[Path | None, Option("--output", "-o", metavar="OUT", callback=stdout_or_output)] = None,
    layers: Annotated[Path | None, Option(metavar="DIR", callback=folder_name)] = None,
    ledger: Annotated[bool, Option("--ledger")] = False,
    model: NetworkName = DEFAULT_MODEL,
    annotator: Annotators = [],  # noqa: B006 — typer copies the default
    labels: LabelsFile = LABELS,
    threads: Annotated[int | None, Option(min=1, max=MAX_PROCESSES)] = None,
    shards: Annotated[str | None, Option(metavar="DIR")] = None,
    shard_size: Annotated[int | None, Option(min=1, metavar="BYTES")] = None,
    shard_format: Literal["jsonl", "jsonl.zst", "parquet", "docbin"] | None = None,
    jobs: Annotated[int | None, Option("--jobs", "-j", min=1, max=MAX_PROCESSES)] = None,
    engine: Literal["local", "ray"] = "local",
    ray_address: Annotated[str | None, Option(metavar="HOST:PORT")] = None,
    yes: Yes = False,
    as_json: Annotated[bool, Option("--json")] = False,
) -> None:
    """Find places, persons and amounts in articles: sentence lines with spans.

    Options:
        files: Articles (text or HTML), folders, patterns; JSONL or Parquet with name and text; .gz, .zst; - for stdin;
            s3://….
        output: A .jsonl file, or a folder for a file by article; else stdout.
        layers: Also write each annotator's layer to DIR/<source>/<article>.jsonl.
        ledger: Also write what the combination decided to OUT.ledger.jsonl.
        threads: Threads of the network; as many as processors by default.
        shards: Write shards and a manifest to DIR (or s3://…), and go on there after a stop.
        shard_size: Source text in a shard; 4 MiB by default.
        shard_format: What a shard's file is; jsonl (packed by gzip) by default.
        jobs: Processes, each with one thread: 1; with Ray, one for each core.
        engine: Who makes shards: processes of this machine, or Ray (extra `ray`).
        ray_address: A running Ray cluster; else one of this machine is started.
        as_json: Print what language models used as JSON; needs one, and --output.
    """
    paths = list(expand_globs(place(file) for file in files))
    remote = any(is_remote(path) for path in paths)
    if shards is None and (shard_size is not None or shard_format is not None):
        raise UsageError("--shard-size and --shard-format need --shards")
    if engine == "ray" and shards is None:
        raise UsageError("--engine ray needs --shards", next_step="Give a folder that all nodes can write to")
    if ray_address is not None and engine != "ray":
        raise UsageError("--ray-address needs --engine ray")
    if as_json:
        _check_json(annotator, output)
    streamed = shards is not None or (jobs or 1) > 1 or remote or any(is_stream(path) for path in paths)
    say_where_not_read((path for path in paths if not is_remote(path)), stream=streamed)
    if streamed:
        if layers is not None or ledger or annotator:
            raise UsageError("--layers, --ledger and --annotator are for a few articles, not for a stream")
        without = _list_lacking(labels)
        network = whole_name(model)  # before any worker starts: each would only say again that there is none
        if shards is None:
            _annotate_stream(paths, output, network, without, jobs or 1, threads)
            return
        if output is not None:
            raise UsageError("--shards and --output are two places", next_step="Give one of them")
        from biaozhu.scale.shards import SHARD_BYTES, ShardPlan

        plan = ShardPlan(network, shard_size or SHARD_BYTES, shard_format or "jsonl", without)
        _write_shards(paths, place(shards), plan, jobs, threads, ray=engine == "ray", address=ray_address)
        return
    if ledger and output is None:
        raise UsageError("--ledger needs a name", next_step="Give --output OUT.jsonl")
    ask = partial(ask_models, labels=labels, yes=yes, as_json=as_json)
    load = partial(load_model, model, threads=threads)
    _annotate_articles(paths, output, layers, ledger=ledger, load=load, given=annotator, labels=labels, ask=ask)


def _check_json(annotators: Sequence[str], output: Path | None) -> None:
    if not any(name.endswith(LANGUAGE_MODEL) for name in annotators):
        raise UsageError("--json prints what language models used, and none is asked", next_step="Leave it out")
    if output is None:
        raise UsageError("--json needs --output: the layer goes to stdout without it")


def list_sources(given: Sequence[str]) -> frozenset[str]:
    """Return the names of all layers that pre-annotation makes with the given annotators beside the package's own."""
    from biaozhu.annotators.preannotate import DEFAULT_ANNOTATORS
    from biaozhu.annotators.registry import find_annotators

    models = [read_model_config(Path(name)).name for name in given if name.endswith(LANGUAGE_MODEL)]
    found = [one for name in given if not name.endswith(LANGUAGE_MODEL) for one in find_annotators(name)]
    return frozenset([*(one.name for one in (*DEFAULT_ANNOTATORS, *found)), *models])


def _annotate_articles(
    files: Sequence[Path],
    output: Path | None,
    layers: Path | None,
    *,
    ledger: bool,
    load: Callable[[], NameModel],
    given: Sequence[str],
    labels: Path,
    ask: Callable[[Sequence[Path], Sequence[Article]], list[Outcome]],
) -> None:
    from biaozhu.annotators.preannotate import preannotate_articles

    is_folder = output is not None and output.suffix != ".jsonl" and descriptor_of(output) is None
    folder, file = (output, None) if is_folder else (None, output)
    if output is not None:
        _check_outputs([output], files, ledger=ledger and folder is None)
    read, problems = read_readable(find_articles(files), count_layers([folder] if folder else []))
    articles = list(read.values())
    say_where_little_is_found(articles)
    names = [f"{article.name}.jsonl" for article in articles]
    own = [folder / name for name in names] if folder else []
    made = [layers / source / name for source in list_sources(given) for name in names] if layers else []
    _check_outputs(own, files, ledger=ledger)
    _check_outputs(made, files, ledger=False)
    if layers is not None or folder:
        check_distinct_names(names)
    check_distinct(*own, file, *made)
    configs = [Path(name) for name in given if name.endswith(LANGUAGE_MODEL)]
    check_records(configs, [*([file] if file else own), *(layers / "*" / name for name in names if layers)])
    asked = ask(configs, articles) if configs else []
    annotators = _list_annotators([name for name in given if not name.endswith(LANGUAGE_MODEL)], labels, asked)
    done: list[Preannotation] = []
    failures: list[BiaozhuError] = []
    annotate = partial(preannotate_articles, model=load(), annotators=annotators)
    with progress("annotating", len(articles)) as tick:
        for one in annotate(articles, on_failure=lambda _, error: failures.append(error)):
            done.append(one)
            tick(1)
    if layers is not None:
        _write_source_layers(done, layers, asked)
    parts = [([one], folder / f"{one.article.name}.jsonl") for one in done] if folder else [(done, file)]
    for some, path in parts:
        _write(some, path, asked, ledger=ledger)
    sentences = [sentence for one in done for sentence in one.sentences]
    spans = sum(len(sentence.spans) for sentence in sentences)
    count = f"{len(done)} {'article' if len(done) == 1 else 'articles'}"
    say(f"{spans} spans in {len(sentences)} sentences of {count}" + (f" written to {output}" if output else ""))
    for failure in failures:
        say(f"failed: {failure}")
    finish(_list_entries(done, asked), left_out=problems, failed=bool(failures))


def _list_entries(done: Sequence[Preannotation], asked: Sequence[Outcome]) -> list[Entry]:
    found: list[Entry] = []
    for one in done:
        lost = [entry for model in asked for entry in model.losses_of(one.sentences)]
        found += (*list_left_out(one.article), *one.entries, *lost)
    return found


def _write_source_layers(done: Sequence[Preannotation], folder: Path, asked: Sequence[Outcome]) -> None:
    models = {model.plan.config.name: model for model in asked}
    for one in done:
        hidden = _proposed_without(one, models) if models else {}
        for source, layer in one.layers.items():
            path = folder / source / f"{one.article.name}.jsonl"
            if source in models:
                write_answers(path, one.sentences, models[source], hidden)
            else:
                write_layer(path, layer)


def _proposed_without(one: Preannotation, names: Collection[str]) -> dict[str, tuple[Span, ...]]:
    from biaozhu.annotators.combine import combine_rows

    found = {name: rows for name, rows in one.found.items() if name not in names}
    rows = combine_rows(found, [other for other in one.annotators if other.name not in names])
    return {sentence.id: row for sentence, row in zip(one.sentences, rows, strict=True)}


def _check_outputs(paths: Sequence[Path], inputs: Sequence[Path], *, ledger: bool) -> None:
    for path in paths:
        check_output(path, "layer", articles=inputs)
        check_output(ledger_path(path) if ledger else None, "ledger", articles=inputs)


def _write(done: list[Preannotation], path: Path | None, asked: Sequence[Outcome], *, ledger: bool) -> None:
    sentences = [sentence for one in done for sentence in one.sentences]
    if path is None:
        sys.stdout.writelines(f"{sentence_to_line(sentence)}\n" for sentence in sentences)
        return
    write_layer(path, sentences)
    for model in asked:
        model.write_record(path, [one.article.id for one in done])
    if ledger:
        write_ledger(ledger_path(path), _list_entries(done, asked))


def _list_lacking(labels: Path) -> tuple[str, ...]:
    """Return biaozhu's own labels that a label set lacks."""
    from biaozhu.annotators.preannotate import DEFAULT_ANNOTATORS

    known = {label.id for label in read_labels(labels)}
    return tuple(sorted({label for one in DEFAULT_ANNOTATORS for label in one.proposes} - known))


def _list_annotators(names: Sequence[str], labels: Path, asked: Sequence[Outcome]) -> tuple[Annotator, ...]:
    from biaozhu.annotators.preannotate import default_annotators
    from biaozhu.annotators.registry import find_annotators

    more = [one for name in names for one in find_annotators(name)]
    known = {label.id for label in read_labels(labels)}
    for one in more:
        if unknown := sorted(set(one.proposes) - known):
            what = f"{', '.join(unknown)} of annotator {one.name} is not in it"
            raise LabelError(what, where=find_shipped(labels), next_step=advise_on_label(labels))
    found = {one.name: one for one in (*default_annotators(without=_list_lacking(labels)), *more)}
    for model in asked:
        if model.plan.config.name in found:
            raise ConfigError("another layer has this name", where=model.plan.config.name)
    return (*found.values(), *(one.annotator for one in asked))


Part = TypeVar("Part", "AnnotatedBatch", "Receipt")


def _write_shards(
    files: Sequence[Path],
    folder: Path,
    plan: ShardPlan,
    jobs: int | None,
    threads: int | None,
    *,
    ray: bool,
    address: str | None,
) -> None:
    """Annotate a stream into shards: in one process by default, with Ray in one for each core."""
    from biaozhu.scale import corpus_stream, shards

    if ray and "-" in map(str, files):
        raise UsageError("--engine ray reads no standard input", next_step="Save it to a file")
    check_output_folder(folder, files)
    shards.find_own_files(folder)  # before the folder is made
    earlier = shards.read_receipt(shards.receipt_path(folder))
    if why := earlier and shards.explain_remaking(earlier, plan):
        say(f"the finished shards in {folder} are made again: {why}")
    counts = Counter[str]()
    if ray:
        from biaozhu.scale import cluster

        receipts = cluster.write_shards_on_ray(files, folder, plan, address=address, workers=jobs)
    else:
        receipts = shards.write_shards(corpus_stream.read_sources(files), folder, plan, jobs=jobs or 1, threads=threads)
    for number, receipt in enumerate(_counted(receipts, counts)):
        if not number and not why and earlier and (why := shards.explain_remaking(earlier, plan, receipt)):
            say(f"the finished shards in {folder} are made again: {why}")
    _end(counts, folder / shards.FAILED)


def _annotate_stream(
    files: Sequence[Path], output: Path | None, weights: str, without: Sequence[str], jobs: int, threads: int | None
) -> None:
    from biaozhu.scale.batch import annotate_stream

    if output is not None and output.suffix != ".jsonl":
        raise UsageError("a stream goes to one file", next_step="Give --output OUT.jsonl, or --shards DIR")
    failed: list[Failure] = []
    counts = Counter[str]()

    def parts() -> Iterator[bytes]:
        batches = annotate_stream(read_sources(files), weights=weights, without=without, jobs=jobs, threads=threads)
        for batch in _counted(batches, counts):
            failed.extend(batch.failed)
            yield "".join(f"{line}\n" for line in batch.lines).encode("utf-8")
        if not counts["articles"]:
            raise EmptyArticleError(f"no article could be read, {len(failed)} failed", where=", ".join(map(str, files)))

    dead = None if output is None else output.with_suffix(FAILED_SUFFIX)
    check_outputs((output, "layer"), (dead, "failures"), inputs=files)
    if output is None or dead is None:
        sys.stdout.writelines(part.decode("utf-8") for part in parts())
    else:
        write_stream(output, parts())
        dead.unlink(missing_ok=True)
        if failed:
            write_lines(dead, (json.dumps(asdict(one), ensure_ascii=False) for one in failed))
    _end(counts, dead)


def _counted(found: Iterator[Part], counts: Counter[str]) -> Iterator[Part]:
    """Pass on what comes of a stream, with a bar, the first failures by name, and the counts of all."""
    with progress("annotating") as tick:
        for one in found:
            tick(one.characters)
            for failure in one.failed[: max(0, LOSSES_SHOWN - counts["failed"])]:
                say(f"failed: {failure.name or failure.where}: {failure.reason}")
            counts.update(spans=one.spans, articles=one.articles, failed=len(one.failed))
            yield one


def _end(counts: Counter[str], dead: Path | None) -> None:
    spans, articles, failed = (counts[name] for name in ("spans", "articles", "failed"))
    say(f"{spans} spans in {articles} {'article' if articles == 1 else 'articles'}")
    if failed:
        say(f"lost in all: {failed} articles{'' if dead is None else f', see {dead}'}")
    finish((), failed=bool(failed))
