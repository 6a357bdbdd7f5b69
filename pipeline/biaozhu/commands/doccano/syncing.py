"""Commands: push and pull."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from biaozhu.commands.console import finish, print_json, print_table, progress, say, show_line
from biaozhu.commands.doccano import specs
from biaozhu.commands.options import LABELS, LOCAL, AsJson, Home, LabelsFile, layer_or_folder, target
from biaozhu.curation.select import read_reasons
from biaozhu.data.diff import NOT_BY_PEOPLE, Change, compare_layers, describe, describe_round_trip
from biaozhu.data.errors import UsageError
from biaozhu.data.files import write_json
from biaozhu.data.layers import find_layers, read_layers, read_named_layers, write_layer
from biaozhu.data.ledger import write_ledger
from biaozhu.data.outputs import check_output, check_outputs

if TYPE_CHECKING:
    from biaozhu.doccano.pull import PulledProject
    from biaozhu.doccano.push import PushReport

MAX_SHOWN = 50

ProjectName = Annotated[str, Option("--project", help="Name of the Doccano project.")]


def push(
    layers: specs.LayerPaths,
    *,
    project: ProjectName = "biaozhu",
    labels: LabelsFile = LABELS,
    guideline: specs.GuidelineFile = specs.GUIDELINE,
    dry_run: Annotated[bool, Option("--dry-run", help="Only print what would be done.")] = False,
    break_lock: Annotated[bool, Option("--break-lock", help="Take the lock of a push that is gone.")] = False,
    home: Home = LOCAL,
    as_json: AsJson = False,
) -> None:
    """Make a Doccano project hold what the layers say, and read every text and span back.

    New sentences are added, unchanged ones skipped; a changed pre-annotation replaces the old one only where nobody
    has touched it. Pushing twice changes nothing, and a push that was killed is finished by pushing again.
    """
    from biaozhu.doccano.push import push as push_layers

    spec = specs.read_spec(project, labels, guideline)
    read = read_named_layers(layers, labels=spec.names)
    spec = replace(spec, reasons={sid: why for path in find_layers(layers) for sid, why in read_reasons(path).items()})
    connection = specs.log_in(home)
    with progress("push", sum(len(sentences) for _, sentences in read)) as tick:
        report = push_layers(connection, read, spec, dry_run=dry_run, break_lock=break_lock, tick=tick)
    if as_json:
        print_json({"dry_run": dry_run, **asdict(report)})
    else:
        _print_push(report, dry_run=dry_run)
    finish(report.losses)


def pull(
    *,
    output: Annotated[Path | None, Option("-o", "--output", callback=layer_or_folder)] = None,
    compare: Annotated[list[Path] | None, Option(help="A layer that was sent, or a folder: list what differs.")] = None,
    confirmed: Annotated[bool, Option("--confirmed", help="Only the sentences that somebody has confirmed.")] = False,
    project: ProjectName = "biaozhu",
    labels: LabelsFile = LABELS,
    ledger: specs.LedgerFile = None,
    result: Annotated[Path | None, Option(callback=target)] = None,
    home: Home = LOCAL,
    as_json: AsJson = False,
) -> None:
    """Bring a Doccano project's sentences back, and list what people changed.

    Changes are not losses; a sentence or a span that cannot be brought back is one, and makes the exit status 1, as does a
    layer without a sentence, which is not written. What other programs put into a shared project is listed, and stays there.

    Options:
        output: A .jsonl file, or a folder for a file by article.
        result: Write what was found as JSON, for the report.
    """
    from biaozhu.doccano.pull import pull as pull_project

    if output is None and not compare:
        raise UsageError("there is neither -o for the layer nor --compare for one to compare it with")
    check_outputs((output, "layer"), (ledger, "ledger"), (result, "round-trip"), inputs=compare or ())
    spec = specs.read_spec(project, labels)
    sent = read_layers(compare or ())
    pulled = pull_project(specs.log_in(home), spec, confirmed=confirmed)
    if confirmed:
        sent = tuple(sentence for sentence in sent if sentence.id in pulled.confirmed)
    is_empty = output is not None and not pulled.sentences
    if output is not None and not is_empty:
        _write_pulled_layers(pulled, output, compare or ())
    if ledger is not None:
        write_ledger(ledger, pulled.losses)
    changes = compare_layers(sent, pulled.sentences) if compare else pulled.changes
    found = _describe_pulled(pulled, changes)
    if result is not None:
        write_json(result, found)
    if as_json:
        print_json(found)
    else:
        _print_pulled(pulled, changes, compared=len(sent) if compare else len(pulled.sentences))
    if is_empty:
        say(f"no sentence to write: {output} is left as it was")
    differs = bool(compare) and any(change.kind in NOT_BY_PEOPLE for change in changes)
    finish(pulled.losses, failed=is_empty or differs)


def _write_pulled_layers(pulled: PulledProject, output: Path, inputs: Iterable[Path]) -> None:
    if output.suffix == ".jsonl":
        write_layer(output, pulled.sentences)
        return
    specs.check_file_names(pulled.layers, "Give -o a .jsonl file")
    for name in pulled.layers:
        check_output(output / f"{name}.jsonl", "layer", inputs)
    for name, sentences in pulled.layers.items():
        write_layer(output / f"{name}.jsonl", sentences)
        if name.endswith(f".{sentences[0].article}"):
            say(f"an earlier article of the same name: its {len(sentences)} sentences are in {name}.jsonl")


def _print_push(report: PushReport, *, dry_run: bool) -> None:
    rows = [
        ("sentences", report.sentences),
        ("to add" if dry_run else "added", report.added),
        ("unchanged", report.unchanged),
        ("to update" if dry_run else "updated", report.updated),
        ("left alone, touched by people", len(report.kept)),
        ("no longer in the layers", len(report.removed)),
        ("copies and half imports removed", report.healed),
        ("worked on by people", report.worked_on),
        ("of other articles", report.others),
    ]
    print_table(f"push to {report.project}", ("what", "sentences"), rows)
    _say_first("left alone", report.kept)
    _say_first("no longer in the layers", report.removed)
    if report.url:
        say(report.url)


def _print_pulled(pulled: PulledProject, changes: Sequence[Change], *, compared: int) -> None:
    differing = {change.sentence for change in changes if change.kind != "new sentence"}
    for change in changes:
        show_line(describe(change))
    show_line(f"{compared - len(differing)} of {compared} sentences identical")
    commented, lost = len(pulled.comments), len(pulled.losses)
    say(f"{len(pulled.confirmed)} confirmed, {commented} with comments, {lost} losses")
    if pulled.unconfirmed:
        say(f"{pulled.unconfirmed} not confirmed, left out")
    others = [f"example {other.id} {other.text[:MAX_SHOWN]}" for other in pulled.others]
    _say_first("of another program, left there", others)
    if not pulled.consistent:
        say("people were editing during the pull: pull again when they have stopped")


def _say_first(title: str, items: Sequence[str]) -> None:
    for item in items[:MAX_SHOWN]:
        say(f"{title}: {item}")
    if len(items) > MAX_SHOWN:
        say(f"{title}: … and {len(items) - MAX_SHOWN} more")


def _describe_pulled(pulled: PulledProject, changes: Sequence[Change]) -> dict[str, Any]:
    size = len(pulled.sentences)
    return describe_round_trip(changes, pulled.losses, sentences=size, consistent=pulled.consistent) | {
        "confirmed": sorted(pulled.confirmed),
        "comments": {sid: list(comments) for sid, comments in pulled.comments.items()},
        "others": [{"example": one.id, "text": one.text} for one in pulled.others],
        "unconfirmed": pulled.unconfirmed,
    }
