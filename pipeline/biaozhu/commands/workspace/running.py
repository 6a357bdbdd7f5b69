"""Command: run, the whole job on one's own articles, whose steps are redone only where something has changed."""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, redirect_stdout, suppress
from dataclasses import dataclass
from functools import partial
from glob import escape
from itertools import chain, count
from pathlib import Path
from typing import Annotated, Any, Literal

from typer import Argument, Option

from biaozhu.annotators.network.models import DEFAULT_MODEL, weights_mark
from biaozhu.commands.articles.files import say_where_not_read, table
from biaozhu.commands.articles.preannotating import LANGUAGE_MODEL, Annotators, NetworkName, list_sources, preannotate
from biaozhu.commands.console import drop_copies, finish, print_json, quote, say
from biaozhu.commands.curation.adjudicating import GOLD
from biaozhu.commands.models import crossval, predict, train
from biaozhu.commands.options import AsJson, Yes
from biaozhu.commands.scores import Language, print_reports, report
from biaozhu.commands.workspace import next_steps
from biaozhu.commands.workspace.steps import LAYERS, PRE, DoneStep, StepRecord, hash_inputs, read_steps
from biaozhu.data.errors import BiaozhuError, MissingFileError, OutputError, TrainingError, UsageError
from biaozhu.data.files import hold_folder, is_file_name, write_bytes
from biaozhu.data.labels import read_labels
from biaozhu.data.layers import count_layers, find_layers, is_beside, ledger_path, read_layer
from biaozhu.data.model import Article
from biaozhu.data.shipped import find_shipped
from biaozhu.reading.article import find_articles, read_readable
from biaozhu.reporting.authorship import ABOUT

CONFIG = Path("configs/ner.cfg")
# Layers of PRE that somebody else wrote or changed, before they are made again.
KEPT = Path("annotations/kept")
# Articles of which pre-annotation keeps a record together.
AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Job:
    """Inputs and outputs of a run: articles by file, gold about them, pre-annotated layers, and where its results go.

    `dropped` is gold of these articles that takes no part. `annotators` are those given beside the package's own, `sources`
    the names of the layers that all of them make.
    """

    name: str
    articles: Mapping[Path, Article]
    gold_folder: Path
    gold: tuple[Path, ...]
    covered: frozenset[str]
    dropped: tuple[Path, ...]
    config: Path
    model: str
    annotators: Sequence[str]
    sources: frozenset[str]
    layers: list[Path]
    report: Path
    steps: Path
    predicted: Path


def run(
    folder: Annotated[Path, Argument(help="The folder of the articles.")] = Path("seeds"),
    *,
    gold: Annotated[Path, Option("--gold", help="The folder of the gold.")] = GOLD,
    config: Annotated[Path, Option(callback=find_shipped)] = CONFIG,
    name: Annotated[str, Option(help="Name of the report; else that of the folder.")] = "",
    model: NetworkName = DEFAULT_MODEL,
    annotator: Annotators = [],  # noqa: B006 — typer copies the default
    lang: Language = "zh",
    training: Annotated[bool, Option("--train/--no-train")] = True,
    yes: Yes = False,
    force: Annotated[bool, Option("--force")] = False,
    as_json: AsJson = False,
) -> None:
    """Do the whole job on a folder of articles, redo only what changed, and say what comes next.

    The articles are pre-annotated, their amounts and names tabled (of the gold: `biaozhu table --layer`); with gold, a model is
    cross-validated, trained and scored.
    Give the same --annotator each time: spans of one that is not given are not replaced without --force. The report goes to reports/NAME, and the scores of each run stay for `biaozhu history`.

    Work in annotations/layers and annotations/gold. What you changed in annotations/pre or in the tables is kept in
    annotations/kept where it is made again; other files in models and reports are just replaced.

    Options:
        config: The training config, used as soon as there is gold.
        training: With gold, cross-validate and train a model, which can take minutes.
        force: Redo every step; also replace what annotators that are not given found.
    """
    from biaozhu.reporting.history import read_reports, summarize_report

    name = name or folder.resolve().name
    if not is_file_name(name):
        raise UsageError(f"{name!r} cannot name a folder in reports/", next_step="Give --name NAME, without a folder")
    if not folder.exists():
        advice = "Give your folder of articles: `biaozhu run FOLDER`"
        raise MissingFileError("no such file", where=folder, next_step=advice)
    say_where_not_read([folder])
    # Of two copies of an article that one goes on which has been worked on.
    articles, problems = read_readable(find_articles([folder]), count_layers((PRE, gold, *LAYERS.glob("*"))))
    job = _plan_job(name, articles, gold, config, model, annotator)
    record = StepRecord(job.steps / "done.json", force=force)
    tables = redirect_stdout(sys.stderr) if as_json else nullcontext()
    with hold_folder(folder if folder.is_dir() else folder.parent, wait=False), tables:
        record.done = read_steps(record.path)
        _preannotate_changed(job, record, yes=yes)
        files, amounts, names = list(job.articles), job.report / "amounts.csv", job.report / "names.csv"
        do, inputs = partial(table, files, layer=job.layers, output=amounts, names=names), [*files, *job.layers]
        made = record.done.get("table")
        theirs = [path for path in (amounts, names) if made and not made.is_as_made() and path.is_file()]
        with _keep_changed(theirs, (), gold):
            for path in theirs:
                path.unlink()
            title = "tables of pre-annotated amounts and names"
            record.run_step("table", title, do, hash_inputs(inputs), [amounts, names])
        trained = training and _train_model(job, record)
        annotators = next_steps.list_annotator_folders(job.articles.values())
        _report_scores(job, record, annotators, trained=trained, lang=lang)
    scored = [one for one in read_reports(job.report) if one.name == job.report.resolve().name] if job.gold else []
    if scored and not as_json:
        print_reports(scored)
    say(f"report: {job.report / 'index.html'}")
    for one in scored if trained else ():
        next_steps.say_how_to_use(job, summarize_report(one)["scores"])
    given = {"--name": name, "--gold": gold, "--config": config, "--model": model, "--lang": lang}
    usual = (folder.resolve().name, GOLD, find_shipped(CONFIG), DEFAULT_MODEL, "zh")
    options = [
        *(item for item, other in zip(given.items(), usual, strict=True) if item[1] != other),
        *(("--annotator", one) for one in annotator),
        *(() if training else (("--no-train",),)),
    ]
    again = quote("biaozhu", "run", folder, *chain(*options))
    record.say_failed(again)
    changed, commands = next_steps.say_next_steps(job, annotators, again)
    failed = bool(record.failed or changed or job.dropped)
    if as_json:
        unreadable = drop_copies(problems)
        print_json(
            {
                "status": int(failed or bool(unreadable)),
                "report": str(job.report / "index.html"),
                "articles": len(job.articles),
                "without_gold": [str(path) for path, one in job.articles.items() if one.id not in job.covered],
                "unreadable": [one.where for one in unreadable],
                "copies": [one.where for one in problems if one not in unreadable],
                "lossy_steps": record.failed,
                "changed": list(map(str, changed)),
                "gold_dropped": list(map(str, job.dropped)),
                "next": commands,
                "scores": [summarize_report(one) for one in scored],
            }
        )
    finish((), left_out=problems, failed=failed)


def _plan_job(
    name: str, articles: Mapping[Path, Article], gold: Path, config: Path, model: str, annotators: Sequence[str]
) -> Job:
    names = [article.name for article in articles.values()]
    if twice := sorted(one for one, count in Counter(names).items() if count > 1):
        what = f"two articles have the same file name: {', '.join(twice)}"
        raise UsageError(what, next_step="Rename one of the files")
    ids = {article.id for article in articles.values()}
    found = find_layers([gold]) if any(gold.glob("*.jsonl")) or gold.is_file() else ()
    about = {path: {sentence.article for sentence in read_layer(path)} for path in found}
    files = tuple(path for path in found if about[path] <= ids)
    covered = frozenset(chain.from_iterable(about[path] for path in files))
    lacking = {article.id: article.name for article in articles.values() if article.id not in covered}
    dropped = next_steps.say_unused_gold({path: about[path] for path in found if path not in files}, lacking)
    layers, steps = [PRE / f"{one}.jsonl" for one in names], Path("reports") / name / "steps"
    places = (layers, steps.parent, steps, steps / f"{config.stem}.all.jsonl")
    sources = list_sources(annotators)
    return Job(name, articles, gold, files, covered, dropped, config, model, annotators, sources, *places)


def _preannotate_changed(job: Job, record: StepRecord, *, yes: bool) -> None:
    """Pre-annotate the articles that are new or changed, and remove the layers of those that are gone."""
    names = {path: f"pre {article.name}" for path, article in job.articles.items()}
    mark, files = weights_mark(job.model), [Path(one) for one in job.annotators if Path(one).is_file()]
    labels = read_labels()
    stale: dict[Path, tuple[str, Callable[[], list[Path]]]] = {}
    for path, article in job.articles.items():
        inputs = hash_inputs([path, *files], job.model, mark, labels, *job.annotators)
        if not record.is_current(names[path], inputs):
            before = {file: _identify(file) for file in _list_layers(article.name)}
            stale[path] = (inputs, partial(_list_written, article.name, before))
    if not record.force:
        _check_sources([PRE / f"{job.articles[path].name}.jsonl" for path in stale], job.sources)
    now = set(names.values())
    gone = [name for name in record.done if name.startswith("pre ") and name not in now]
    records = [path for path in Path("reports").glob("*/steps/done.json") if gone and path != record.path]
    taken = {file for path in records for step in read_steps(path).values() for file in step.files}
    for name in gone:
        _remove_layers(record.done.pop(name), taken)
    if not stale:
        say("pre-annotation: unchanged")
        return
    say(f"pre-annotation of {len(stale)} of {len(names)} articles …")
    made_by: dict[str, Any] = {"model": job.model, "annotator": list(job.annotators), "yes": yes}
    # So that a run that is killed goes on; language models say once for all articles what they cost, and keep their answers.
    at_once = len(stale) if any(one.endswith(LANGUAGE_MODEL) for one in job.annotators) else AT_ONCE
    paths = list(stale)
    for first in range(0, len(paths), at_once):
        if first:
            say(f"pre-annotation: {first} of {len(paths)} articles done …")
        some = paths[first : first + at_once]
        do = partial(preannotate, list(map(str, some)), output=PRE, layers=PRE / "layers", ledger=True, **made_by)
        made = [record.done[names[path]] for path in some if names[path] in record.done]
        own = {Path(file) for step in made if step.is_as_made() for file in step.files}
        others = [file for path in some for file in _list_layers(job.articles[path].name) if file not in own]
        recorded = {Path(file) for step in made for file in step.files}
        with _keep_changed(others, recorded, job.gold_folder):
            record.keep({names[path]: stale[path] for path in some}, do)


def _check_sources(layers: Iterable[Path], sources: Collection[str]) -> None:
    """Raise OutputError if spans of annotators who do not run now would be replaced."""
    found: Counter[str] = Counter()
    for path in layers:
        # Nothing reads a damaged layer: making it anew mends it.
        with suppress(BiaozhuError):
            spans = (span for one in read_layer(path) for span in one.spans)
            found.update(span.source for span in spans if span.source and span.source not in sources)
    if found:
        counts = ", ".join(f"{count} × {name}" for name, count in sorted(found.items()))
        what = f"spans of annotators that are not given would be replaced ({counts})"
        raise OutputError(what, where=PRE, next_step="Give each with --annotator, or --force to replace them")


def _list_layers(name: str) -> list[Path]:
    layer = PRE / f"{name}.jsonl"
    files = [layer, ledger_path(layer), *sorted(PRE.glob(f"layers/*/{escape(name)}.jsonl"))]
    return [file for file in files if file.is_file()]


def _identify(file: Path) -> tuple[int, int]:
    """Return what changes whenever a file is written, though it has the same content."""
    found = file.stat()
    return found.st_ino, found.st_mtime_ns


def _list_written(name: str, before: Mapping[Path, tuple[int, int]]) -> list[Path]:
    """Return the layers of an article that were written since; others in their folders belong to somebody else."""
    return [file for file in _list_layers(name) if before.get(file) != _identify(file)]


def _remove_layers(step: DoneStep, taken: set[str]) -> None:
    """Remove the layers of an article that is gone, but none that was changed or that is `taken` by another run."""
    files = [Path(file) for file in step.files]
    if taken.isdisjoint(step.files) and step.is_as_made():
        for file in files:
            file.unlink(missing_ok=True)
    elif files and files[0].is_file():
        say(f"{files[0]} stays, though its article is gone: it is not as this run made it, or another run's too")


@contextmanager
def _keep_changed(files: Sequence[Path], recorded: Collection[Path], gold: Path) -> Iterator[None]:
    """Copy layers aside that a person may have written, and drop the copies of those that come out the same.

    Only those of `recorded`, which a run had made in another way, have been changed for certain.
    """
    copies = {file: _copy_aside(file) for file in files if not is_beside(file)}
    try:
        yield
    finally:
        for file, copy in copies.items():
            if file.is_file() and copy.read_bytes() == file.read_bytes():
                copy.unlink()
                # Only folders in which nothing else is kept go.
                with suppress(OSError):
                    for folder in copy.relative_to(KEPT).parents:
                        (KEPT / folder).rmdir()
            else:
                say(f"{file} was not as this run had made it: what stood there is kept as {copy}")
                if file.parent == PRE and file not in recorded:
                    say("only what a person corrected in it belongs into the gold: machines' spans alone are no gold")
                elif file.parent == PRE:
                    into = gold / file.name
                    copying = f"`{quote('mkdir', '-p', gold)} && {quote('cp', copy, into)}`"
                    how = into if into.exists() else copying
                    say(f"corrections of yours belong into the gold, which no run replaces: {how}")


def _copy_aside(file: Path) -> Path:
    for number in count(1):
        copy = KEPT / str(number) / (file.relative_to(PRE) if file.is_relative_to(PRE) else file.name)
        if not copy.exists():
            write_bytes(copy, file.read_bytes())
        if copy.read_bytes() == file.read_bytes():
            break
    return copy


def _train_model(job: Job, record: StepRecord) -> bool:
    """Cross-validate, train and predict where there is gold enough, and return whether there is a model."""
    if not job.gold:
        return False
    held_out, model = job.steps / f"{job.config.stem}.jsonl", Path("models") / job.config.stem
    gold, files, lost = list(job.gold), list(job.articles), ledger_path(held_out)
    covered = [path for path, article in job.articles.items() if article.id in job.covered]

    def do_crossval() -> None:
        say("this can take minutes; --no-train leaves it and the training out")
        crossval(job.config, gold=gold, article=covered, output=held_out, ledger=lost)

    try:
        title, inputs = f"cross-validation of {job.config.stem}", hash_inputs([*gold, *covered, job.config])
        record.run_step("crossval", title, do_crossval, inputs, [held_out, lost])
    except TrainingError as error:
        say(f"no model: {error.what}; annotate more, then run again")
        return False
    do = partial(train, job.config, output=model, gold=gold, held_out=[held_out])
    record.run_step("train", f"training of {model}", do, hash_inputs([*gold, job.config, held_out]), [model])
    do = partial(predict, model, files, output=job.predicted, keep=[held_out])
    inputs = hash_inputs([*files, model, held_out])
    record.run_step("predict", "prediction for every article", do, inputs, [job.predicted])
    return True


def _report_scores(
    job: Job, record: StepRecord, annotators: Sequence[Path], *, trained: bool, lang: Literal["zh", "en"]
) -> None:
    from biaozhu.reporting.report import FILES

    layers = [f"pre={path}" for path in job.layers]
    ledgers = [path for layer in job.layers if (path := ledger_path(layer)).is_file()]
    read: list[Path] = [*job.articles, *job.layers, *ledgers, *job.gold]
    beside = dict.fromkeys(path.parent for path in job.gold)
    read += [folder / name for folder in beside for name in (ABOUT, "values", "places")]
    if trained:
        ledgers.append(ledger_path(job.steps / f"{job.config.stem}.jsonl"))
        layers.append(f"{job.config.stem}={job.predicted}")
        read.append(job.predicted)
    round_trip = next_steps.find_round_trip(job.name, annotators, [article.name for article in job.articles.values()])
    read += [round_trip] if round_trip else []
    outputs = [job.report / name for name in FILES if job.gold or name != "scores.json"]

    def write_report() -> None:
        _keep_scores(job.report)
        report(
            layer=layers,
            output=job.report,
            article=list(job.articles),
            gold=list(job.gold),
            annotator=[f"{folder.name}={folder}" for folder in annotators],
            held_out=trained,
            ledger=ledgers,
            round_trip=round_trip,
            lang=lang,
        )

    inputs = hash_inputs([*read, *annotators], *layers, lang)
    record.run_step("report", "page of the report", write_report, inputs, outputs)


def _keep_scores(folder: Path) -> None:
    """Move the scores of the run before to runs/<when they were made>/, where `history` finds them."""
    from biaozhu.reporting.history import read_reports

    if not (folder / "scores.json").is_file():
        return
    (last,) = [one for one in read_reports(folder) if one.name == folder.resolve().name]
    kept = folder / "runs" / last.date.replace(":", "-")
    kept.mkdir(parents=True, exist_ok=True)
    for name in ("scores.json", "checks.json"):
        if (folder / name).is_file():
            shutil.move(folder / name, kept / name)
