"""Commands: project create, pull, enter, status and accounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

from biaozhu.commands.console import finish, print_json, print_table, progress, quote, say
from biaozhu.commands.doccano import specs
from biaozhu.commands.options import LABELS, LOCAL, AsJson, Home, LabelsFile, folder_name
from biaozhu.curation.status import check_project, status_path, write_status
from biaozhu.data.diff import describe_round_trip
from biaozhu.data.errors import MissingFileError
from biaozhu.data.files import hold_folder, write_json
from biaozhu.data.layers import read_named_layers, write_layer
from biaozhu.data.ledger import Entry, write_ledger
from biaozhu.data.outputs import check_output, check_outputs
from biaozhu.doccano import assignment as assigning

if TYPE_CHECKING:
    from biaozhu.doccano.team import AnnotatorLayer

PLANS = Path("annotations/projects")
ROUND_TRIP = ".round-trip.json"
# Headings in tables, where the key alone says too little.
HEADINGS = {"blind": "without pre-annotation", "edited": "edited only"}

Project = Annotated[
    str, Option("--project", help="Name of the project of all annotators: best that of the articles' folder.")
]
ProjectArgument = Annotated[str, Argument(metavar="NAME", help="Name of the project of all annotators.")]
Plans = Annotated[Path, Option("--plans", help="Folder of the files that say who got which sentence.")]


def create(
    layers: specs.LayerPaths,
    *,
    annotators: Annotated[str, Option(help="Names of the annotators, with commas between them.")],
    project: Project,
    overlap: Annotated[
        int | None, Option(help="How many annotators each sentence gets; else 2, or 1 where there is one.")
    ] = None,
    blind: Annotated[float, Option(help="Share of each one's sentences without pre-annotations, 0 to 1.")] = 0.0,
    labels: LabelsFile = LABELS,
    guideline: specs.GuidelineFile = specs.GUIDELINE,
    plans: Plans = PLANS,
    dry_run: Annotated[bool, Option("--dry-run", help="Only print the shares.")] = False,
    home: Home = LOCAL,
    as_json: AsJson = False,
) -> None:
    """Make accounts and a Doccano project for each annotator, and share the sentences out evenly.

    Generated passwords go to accounts.json in the home folder, which only you can read. Run again with further
    layers or annotators, it only adds: what was assigned stays.
    """
    from biaozhu.doccano.local.state import ACCOUNTS_FILE
    from biaozhu.doccano.team import create_projects

    names = [name.strip() for name in annotators.split(",")]
    overlap = min(2, len(names)) if overlap is None else overlap
    assigning.check_names(project, names, overlap, blind)
    spec = specs.read_spec(project, labels, guideline)
    read = read_named_layers(layers, labels=spec.names)
    sentences = [sentence for _, found in read for sentence in found]
    path = plans / f"{project}.json"
    if path.exists():
        # A damaged plan is told before anybody logs in.
        assigning.read_assignment(path)
    connection = None if dry_run else specs.log_in(home)
    with hold_folder(plans) if connection else nullcontext():
        previous = assigning.read_assignment(path) if path.exists() else None
        assign = partial(assigning.assign_sentences, overlap=overlap, blind=blind, previous=previous)
        assignment = assign(project, sentences, names)
        if connection:
            # Written before anything is sent: after an interruption the same shares are sent.
            assigning.write_assignment(path, assignment)
    rows = assigning.count_shares(assignment, sentences)
    losses = []
    if connection:
        with progress("create", sum(row["sentences"] for row in rows)) as tick:
            reports = create_projects(connection, read, spec, assignment, home=home, tick=tick)
        for row in rows:
            report = reports[row["annotator"]]
            row |= {"added": report.added, "url": report.url}
            losses += report.losses
        if any(report.guideline_changed for report in reports.values()):
            say("the guideline in Doccano was brought up to date; who has it open loads the page again")
    _say_who_gets_none(rows, names, overlap)
    if previous:
        _say_what_stays(previous, {one.id for one in sentences}, blind)
    if as_json:
        print_json({"project": project, "plan": str(path), "dry_run": dry_run, "shares": rows})
    else:
        columns = [key for key in rows[0] if key != "url"]
        headings = [HEADINGS.get(key, key) for key in columns]
        print_table(f"shares of {project}", headings, [[row[key] for key in columns] for row in rows])
        if not dry_run:
            for row in rows:
                say(f"{row['annotator']}: {row['url']}")
            say(f"the generated passwords are in {home / ACCOUNTS_FILE}, which only you can read")
    finish(losses)


def pull(
    *,
    project: Project,
    output: Annotated[
        Path,
        Option("-o", "--output", callback=folder_name, help="Folder of the layers: <annotator>/<article>.jsonl in it."),
    ] = Path("annotations/layers"),
    labels: LabelsFile = LABELS,
    plans: Plans = PLANS,
    ledger: specs.LedgerFile = None,
    home: Home = LOCAL,
    as_json: AsJson = False,
) -> None:
    """Bring every annotator's work back as a layer of their own.

    A layer holds the sentences that its annotator confirmed or worked on; the status file beside it tells who did
    what and when, and which sentences are untouched. Where no work is left a layer of an earlier pull is removed. Each
    project needs a folder of its own where two of them have the same article.
    NAME.round-trip.json beside the folders says whether all came back as it was sent, for the report.
    """
    from biaozhu.doccano.team import pull_layers

    spec = specs.read_spec(project, labels)
    trip = output / f"{project}{ROUND_TRIP}"
    check_outputs((ledger, "ledger"), (trip, "round-trip"))
    assignment = _read_plan(plans, project)
    with progress("pull", sum(len(given) for given in assignment.annotators.values())) as tick:
        found = pull_layers(specs.log_in(home), spec, assignment, tick=tick)
    with hold_folder(output):
        _check_layers(found, output, project)
        for one in found:
            _write_annotator_layers(one, output, project)
    rows = []
    for one in found:
        states = {state: one.count(state) for state in ("confirmed", "edited", "untouched")}
        spans = sum(len(s.spans) for layer in one.layers.values() for s in layer)
        comments = sum(len(s.comments) for status in one.status.values() for s in status)
        counts = {"spans": spans, "comments": comments, "losses": len(one.losses)}
        rows.append({"annotator": one.annotator, **states, **counts, "consistent": one.consistent})
        if not (one.consistent or as_json):
            say(f"{one.annotator} was working during the pull: pull again later")
    losses = [entry for one in found for entry in one.losses]
    if ledger is not None:
        write_ledger(ledger, losses)
    # Each annotator's copy went there and back; what is counted are sentences.
    back = {state.sentence for one in found for states in one.status.values() for state in states}
    changes, consistent = [change for one in found for change in one.changes], all(one.consistent for one in found)
    write_json(trip, describe_round_trip(changes, losses, sentences=len(back), consistent=consistent))
    headings = list(rows[0]) if as_json else [HEADINGS.get(key, key) for key in rows[0]]
    print_table(f"layers of {project}", headings, [list(row.values()) for row in rows], as_json=as_json)
    if not as_json:
        _say_what_follows(found, assignment, output, losses)
    finish(losses)


def _say_what_follows(
    found: Sequence[AnnotatorLayer], assignment: assigning.Assignment, output: Path, losses: Sequence[Entry]
) -> None:
    given = [one for one in found if assignment.annotators[one.annotator]]
    if not all(any(one.layers.values()) for one in given):
        status = f"biaozhu project status {quote(assignment.project)}"
        say(f"next: pull again when each has confirmed sentences; `{status}` shows it")
    elif not losses and assignment.overlap > 1:
        layers = quote(*(output / one.annotator for one in given))
        say(f"next: `biaozhu agree {layers} --common`")
    elif not losses:
        for one in given:
            say(f"next: `biaozhu adjudicate {quote(output / one.annotator)} -o annotations/gold`")


def _say_who_gets_none(rows: Sequence[Mapping[str, Any]], names: Sequence[str], overlap: int) -> None:
    for name in [row["annotator"] for row in rows if row["annotator"] in names and not row["sentences"]]:
        say(f"{name} gets no sentence: each is given to {overlap} already; a greater --overlap adds one")


def _say_what_stays(previous: assigning.Assignment, given: set[str], blind: float) -> None:
    """Say what another `create` leaves as it was, where that may not be what was meant."""
    before = set().union(*previous.annotators.values())
    if others := len(before - given):
        say(f"{others} sentences that are in the project are not in these layers, and stay with their annotators")
        if len(given - before):
            say("of an article whose text was edited both versions are annotated then")
    if previous.blind != blind:
        say(f"--blind was {previous.blind:g} before: what was handed out stays as it was, the rest follows {blind:g}")


def _write_annotator_layers(one: AnnotatorLayer, output: Path, project: str) -> None:
    for article, sentences in one.layers.items():
        path = output / one.annotator / f"{article}.jsonl"
        # An empty layer would mean that there is nothing to annotate in the article.
        if sentences:
            write_layer(path, sentences)
        elif path.exists():
            path.unlink()
            say(f"removed {path}: {one.annotator} has no work on it any more")
        write_status(status_path(path), project, one.annotator, one.status[article])


def _check_layers(found: Sequence[AnnotatorLayer], output: Path, project: str) -> None:
    """Check before anything is written that the layers of a pull and their status files take nobody's work away."""
    for one in found:
        specs.check_file_names(one.layers, "Rename the article, and create the project again")
        for article, sentences in one.layers.items():
            path = output / one.annotator / f"{article}.jsonl"
            check_output(path, "annotations")
            check_output(status_path(path), "status")
            check_project(path, project, has_work=bool(sentences))


def enter(
    layers: Annotated[list[Path], Argument(metavar="LAYER", help="The annotator's layers (.jsonl), or a folder.")],
    *,
    annotator: Annotated[str, Option(help="Whose work it is.")],
    project: Project,
    labels: LabelsFile = LABELS,
    home: Home = LOCAL,
    as_json: AsJson = False,
) -> None:
    """Enter a layer that was made elsewhere as that annotator's own work, logged in as them, and confirm it."""
    from biaozhu.doccano.connection import connect, find_account
    from biaozhu.doccano.team import enter_layer, find_password

    spec = specs.read_spec(project, labels)
    read = read_named_layers(layers, labels=spec.names)
    sentences = [sentence for _, found in read for sentence in found]
    account = find_password(home, find_account(home=home).url, annotator)
    with progress("enter", len(sentences)) as tick:
        done = enter_layer(connect(account), sentences, spec, tick=tick)
    specs.print_values(f"entered for {annotator}", done, as_json=as_json)


def status(name: ProjectArgument, *, plans: Plans = PLANS, home: Home = LOCAL, as_json: AsJson = False) -> None:
    """Show how far each annotator is: sentences, confirmed ones, the share, and their page."""
    from biaozhu.doccano.team import count_progress

    found = count_progress(specs.log_in(home), name, _read_plan(plans, name))
    rows = [(one, total, done, f"{done / total:.0%}" if total else "–", url) for one, total, done, url in found]
    print_table(f"progress of {name}", ("annotator", "sentences", "confirmed", "share", "page"), rows, as_json=as_json)
    if all(done == total for _, total, done, _ in found):
        say(f"everybody is done: `biaozhu project pull --project {quote(name)}`")


def accounts(name: ProjectArgument, *, plans: Plans = PLANS, home: Home = LOCAL, as_json: AsJson = False) -> None:
    """List a project's annotators: their page, and whether their password is kept. No password is printed."""
    from biaozhu.doccano.connection import find_account
    from biaozhu.doccano.local.state import ACCOUNTS_FILE
    from biaozhu.doccano.team import read_accounts

    url = find_account(home=home).url
    _, kept = read_accounts(home, url)
    given = _read_plan(plans, name).annotators
    rows = [(one, f"{name}@{one}", url, "yes" if one in kept else "no") for one in given]
    print_table(f"accounts of {name}", ("annotator", "project", "page", "password kept"), rows, as_json=as_json)
    say(f"generated passwords are in {home / ACCOUNTS_FILE}, which only you can read")


def _read_plan(plans: Path, project: str) -> assigning.Assignment:
    path = plans / f"{project}.json"
    if not path.exists():
        there = ", ".join(sorted(one.stem for one in plans.glob("*.json")))
        advice = f"Projects created here: {there}" if there else "Make it with `biaozhu project create`"
        raise MissingFileError("no such file", where=path, next_step=advice)
    return assigning.read_assignment(path)
