"""Commands: doccano, push and pull."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from biaozhu.commands.console import finish, print_json, print_table, progress, say, show
from biaozhu.commands.doccano.backups import backup, restore
from biaozhu.commands.models.serving import suggest
from biaozhu.commands.options import LOCAL, AsJson, Home, LabelsFile, target

if TYPE_CHECKING:
    from collections.abc import Iterable

    from biaozhu.data.diff import Change
    from biaozhu.doccano.local.server import Status
    from biaozhu.doccano.project import Setting
    from biaozhu.doccano.pull import Pulled
    from biaozhu.doccano.push import PushReport

SHOWN = 50

ProjectName = Annotated[str, typer.Option("--project", help="Name of the Doccano project.")]

LABELS = Path("configs/labels.toml")
GUIDELINE = Path("annotations/guideline.md")


def register(app: typer.Typer) -> None:
    """Add the commands of this area."""
    local = typer.Typer(help="Start, stop and see a Doccano of one's own, on loopback.", no_args_is_help=True)
    local.command("up")(up)
    local.command("down")(down)
    local.command("status")(status)
    local.command("backup")(backup)
    local.command("restore")(restore)
    local.command("suggest")(suggest)
    app.add_typer(local, name="doccano")
    app.command("push")(push)
    app.command("pull")(pull)


def up(
    *,
    home: Home = LOCAL,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port on 127.0.0.1; else a free one.")
    ] = None,
    venv: Annotated[
        Path | None,
        typer.Option(help="Doccano's environment; else BIAOZHU_DOCCANO_VENV, else .venv-doccano."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Start Doccano on 127.0.0.1 and wait until it works; start only what is missing.

    Annotations go to SQLite in the home folder, or where DATABASE_URL names a PostgreSQL (?sslmode=disable where it
    has no TLS), there: an empty database, or the one that this home folder began with. No other is touched.
    """
    from biaozhu.doccano.local.server import start

    _print_status(start(home=home, port=port, venv=venv), as_json=as_json)


def down(*, home: Home = LOCAL, as_json: AsJson = False) -> None:
    """Stop Doccano with all its processes. What was annotated stays."""
    from biaozhu.doccano.local.server import stop
    from biaozhu.doccano.local.state import state_path

    ended = stop(home=home)
    if as_json:
        print_json({"ended": ended})
    else:
        say(f"{len(ended)} processes ended" if ended else "nothing was running")
        if not state_path(home).exists():
            say(_nothing_in(home.resolve()))


def status(*, home: Home = LOCAL, as_json: AsJson = False) -> None:
    """Say where Doccano runs, its processes, its health and its logs; exit status 1 when it is not healthy."""
    from biaozhu.doccano.local.server import status as look

    found = look(home=home)
    _print_status(found, as_json=as_json)
    if not found.url:
        say(_nothing_in(found.home))
    if not found.healthy:
        raise typer.Exit(1)


def _nothing_in(home: Path) -> str:
    # Most often the command was only run in another folder than `up`.
    return f"no Doccano has been started with the folder {home}: if yours has another, name it with --home"


def push(
    layers: Annotated[
        list[Path],
        typer.Argument(metavar="LAYER...", help="Layers (.jsonl) to annotate, in order, or folders."),
    ],
    *,
    project: ProjectName = "biaozhu",
    labels: LabelsFile = LABELS,
    guideline: Annotated[
        Path | None, typer.Option(help="Guideline in Markdown, shown to annotators.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print what would be done.")] = False,
    break_lock: Annotated[
        bool, typer.Option("--break-lock", help="Take the lock of a push that is gone.")
    ] = False,
    home: Home = LOCAL,
    as_json: AsJson = False,
) -> None:
    """Bring a Doccano project to what the layers say, and read every text and span back.

    New sentences are added, unchanged ones skipped; a changed pre-annotation replaces the old one only where nobody
    has touched it. Pushing twice changes nothing, and a push that was killed is finished by pushing again.
    """
    from biaozhu.data.layers import find_layers, read_layer
    from biaozhu.doccano.connection import connect, find_account
    from biaozhu.doccano.push import push as push_layers

    setting = make_setting(project, labels, guideline or GUIDELINE, given=guideline is not None)
    read = [(path.stem, read_layer(path, labels=setting.names)) for path in find_layers(layers)]
    connection = connect(find_account(home=home))
    total = sum(len(sentences) for _, sentences in read)
    with progress("push", total) as tick:
        report = push_layers(connection, read, setting, dry_run=dry_run, break_lock=break_lock, tick=tick)
    if as_json:
        print_json({"dry_run": dry_run, **asdict(report)})
    else:
        _print_push(report, dry_run=dry_run)
    finish(report.losses)


def pull(
    *,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="A .jsonl file, or a folder for a file by article.")
    ] = None,
    compare: Annotated[
        list[Path] | None,
        typer.Option("--compare", help="A layer that was sent, or a folder: list what differs."),
    ] = None,
    confirmed: Annotated[
        bool, typer.Option("--confirmed", help="Only the sentences that somebody has confirmed.")
    ] = False,
    project: ProjectName = "biaozhu",
    labels: LabelsFile = LABELS,
    ledger: Annotated[
        Path | None,
        typer.Option(callback=target, help="Write what could not be brought back to this file."),
    ] = None,
    result: Annotated[
        Path | None, typer.Option(callback=target, help="Write what was found as JSON, for the report.")
    ] = None,
    home: Home = LOCAL,
    as_json: AsJson = False,
) -> None:
    """Bring a Doccano project's sentences back, and list what people changed.

    Changes are no losses; a sentence or a span that cannot be brought back is one, and makes the exit status 1. What
    other makers put into a shared project is listed, and left there.
    """
    from biaozhu.data.diff import NOT_BY_PEOPLE, compare_layers
    from biaozhu.data.errors import UsageError
    from biaozhu.data.files import write_text
    from biaozhu.data.layers import find_layers, read_layer
    from biaozhu.data.ledger import write_ledger
    from biaozhu.doccano.connection import connect, find_account
    from biaozhu.doccano.pull import pull as pull_project

    if output is None and not compare:
        raise UsageError("say where the layer goes with -o, or what to compare it with by --compare")
    setting = make_setting(project, labels, None, given=False)
    sent = [sentence for path in find_layers(compare or ()) for sentence in read_layer(path)]
    pulled = pull_project(connect(find_account(home=home)), setting, confirmed=confirmed)
    if confirmed:
        sent = [sentence for sentence in sent if sentence.id in pulled.confirmed]
    if output is not None:
        _write(pulled, output)
    if ledger is not None:
        write_ledger(ledger, pulled.losses)
    changes = compare_layers(sent, pulled.sentences) if compare else list(pulled.changes)
    found = _pulled_json(pulled, changes)
    if result is not None:
        write_text(result, json.dumps(found, ensure_ascii=False, indent=2) + "\n")
    if as_json:
        print_json(found)
    else:
        _print_pulled(pulled, changes, compared=len(sent) if compare else len(pulled.sentences))
    finish(pulled.losses)
    if compare and any(change.kind in NOT_BY_PEOPLE for change in changes):
        raise typer.Exit(1)


def make_setting(project: str, labels: Path, guideline: Path | None, *, given: bool) -> Setting:
    """Read the label set and the guideline; one that was not `given` by name may be missing."""
    from biaozhu.data.errors import EncodingError
    from biaozhu.data.files import read_bytes
    from biaozhu.data.labels import read_labels
    from biaozhu.data.shipped import find_shipped
    from biaozhu.doccano.project import Setting

    if guideline is None:
        return Setting(project, read_labels(labels))
    guideline = guideline if given else find_shipped(guideline)
    if not given and not guideline.exists():
        say(f"no guideline: there is no {guideline}")
        return Setting(project, read_labels(labels))
    try:
        text = read_bytes(guideline).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise EncodingError("the guideline is not UTF-8", where=f"{guideline}@{error.start}") from None
    return Setting(project, read_labels(labels), text)


def check_file_names(articles: Iterable[str]) -> None:
    """Check names that come from the server: none may lead out of the folder.

    Raises:
        RoundTripError: one is no plain file name.
    """
    from biaozhu.data.errors import RoundTripError

    for name in articles:
        if not name or "\0" in name or name.startswith(".") or Path(name).name != name:
            raise RoundTripError(
                f"the article's name {name!r} is no file name", next_step="Give -o a .jsonl file"
            )


def _write(pulled: Pulled, output: Path) -> None:
    from biaozhu.data.layers import write_layer

    if output.suffix == ".jsonl":
        write_layer(output, pulled.sentences)
        return
    check_file_names(pulled.layers)
    for name, sentences in pulled.layers.items():
        write_layer(output / f"{name}.jsonl", sentences)
        article = sentences[0].article
        if name.endswith(f".{article}"):
            say(f"an earlier article of the same name: its {len(sentences)} sentences are in {name}.jsonl")


def _print_status(found: Status, *, as_json: bool) -> None:
    data = {
        "url": found.url or None,
        "running": found.running,
        "healthy": found.healthy,
        "database": found.database or None,
        "username": found.username or None,
        "state": str(found.home / "state.json"),
        "processes": {process.name: process.pid for process in found.processes},
        "not running": list(found.dead),
        "health": found.health,
        "logs": [str(log) for log in found.logs],
    }
    if as_json:
        print_json(data)
        return
    rows = [
        (key, ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else _words(value))
        for key, value in data.items()
    ]
    print_table("Doccano", ("what", "value"), rows)
    if found.running:
        say(f"the password stands in {found.home / 'state.json'}, which only you can read")


def _words(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "\n".join(map(str, value)) if isinstance(value, list) else str(value if value is not None else "–")


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
    for title, ids in (("left alone", report.kept), ("no longer in the layers", report.removed)):
        for sid in ids[:SHOWN]:
            say(f"{title}: {sid}")
        if len(ids) >= SHOWN + 1:
            say(f"{title}: … and {len(ids) - SHOWN} more")
    if report.url:
        say(report.url)


def _print_pulled(pulled: Pulled, changes: list[Change], *, compared: int) -> None:
    from biaozhu.data.diff import describe

    differing = {change.sentence for change in changes if change.kind != "new sentence"}
    for change in changes:
        show(describe(change))
    show(f"{compared - len(differing)} of {compared} sentences identical")
    say(
        f"{len(pulled.confirmed)} confirmed, {len(pulled.comments)} with comments, {len(pulled.losses)} losses"
    )
    if pulled.unconfirmed:
        say(f"{pulled.unconfirmed} not confirmed, left out")
    for other in pulled.others[:SHOWN]:
        say(f"of another maker, left there: example {other.example} {other.text[:SHOWN]}")
    if len(pulled.others) >= SHOWN + 1:
        say(f"of other makers: … and {len(pulled.others) - SHOWN} more")
    if not pulled.consistent:
        say("people were editing during the pull: pull again when they have stopped")


def _pulled_json(pulled: Pulled, changes: list[Change]) -> dict[str, Any]:
    from biaozhu.data.diff import FORMAT

    return {
        "format": FORMAT,
        "sentences": len(pulled.sentences),
        "confirmed": sorted(pulled.confirmed),
        "comments": {sid: list(comments) for sid, comments in pulled.comments.items()},
        "others": [asdict(other) for other in pulled.others],
        "unconfirmed": pulled.unconfirmed,
        "consistent": pulled.consistent,
        "identical": all(change.kind == "new sentence" for change in changes),
        "changes": [asdict(change) for change in changes],
        "losses": [asdict(entry) for entry in pulled.losses],
    }
