"""Commands: project create, pull and enter."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from biaozhu.commands.console import finish, print_json, print_table, progress, say
from biaozhu.commands.doccano.server import GUIDELINE, LABELS, check_file_names, make_setting
from biaozhu.commands.options import LOCAL, AsJson, Home, LabelsFile, target

PLANS = Path("annotations/projects")

Project = Annotated[str, typer.Option("--project", help="Name of the project of all annotators.")]
Plans = Annotated[Path, typer.Option("--plans", help="Folder of the files that say who got which sentence.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this area."""
    team = typer.Typer(help="Several annotators, each with a layer of their own.", no_args_is_help=True)
    team.command("create")(create)
    team.command("pull")(pull)
    team.command("enter")(enter)
    app.add_typer(team, name="project")


def create(
    layers: Annotated[
        list[Path],
        typer.Argument(metavar="LAYER...", help="Layers (.jsonl) to annotate, in order, or folders."),
    ],
    *,
    annotators: Annotated[str, typer.Option(help="Names of the annotators, with commas between them.")],
    project: Project,
    overlap: Annotated[int, typer.Option(help="How many annotators each sentence gets.")] = 2,
    blind: Annotated[
        float, typer.Option(help="Share of each one's sentences without pre-annotations, 0 to 1.")
    ] = 0.0,
    labels: LabelsFile = LABELS,
    guideline: Annotated[
        Path | None, typer.Option(help="Guideline in Markdown, shown to annotators.")
    ] = None,
    plans: Plans = PLANS,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print the shares.")] = False,
    home: Home = LOCAL,
    as_json: AsJson = False,
) -> None:
    """Make accounts and a Doccano project for each annotator, and share the sentences out evenly.

    Generated passwords go to accounts.json in the home folder, which only you can read. Run again with further
    layers or annotators, it only adds: what was assigned stays.
    """
    from biaozhu.data.layers import find_layers, read_layer
    from biaozhu.doccano.accounts import accounts_path
    from biaozhu.doccano.assignment import check_names, make_plan, read_plan, shares, write_plan
    from biaozhu.doccano.connection import connect, find_account
    from biaozhu.doccano.team import create_projects

    names = [name.strip() for name in annotators.split(",")]
    check_names(project, names, overlap, blind)
    setting = make_setting(project, labels, guideline or GUIDELINE, given=guideline is not None)
    read = [(path.stem, read_layer(path, labels=setting.names)) for path in find_layers(layers)]
    sentences = [sentence for _, found in read for sentence in found]
    path = plans / f"{project}.json"
    previous = read_plan(path) if path.exists() else None
    plan = make_plan(project, sentences, names, overlap=overlap, blind=blind, previous=previous)
    rows = [asdict(share) for share in shares(plan, sentences)]
    losses = []
    if not dry_run:
        connection = connect(find_account(home=home))
        # Kept before anything is sent: a run that is cut off is then finished with the same shares.
        write_plan(path, plan)
        with progress("create", sum(row["sentences"] for row in rows)) as tick:
            reports = create_projects(connection, read, setting, plan, home=home, tick=tick)
        rows = [
            {**row, "added": reports[row["annotator"]].added, "url": reports[row["annotator"]].url}
            for row in rows
        ]
        losses = [entry for report in reports.values() for entry in report.losses]
    if as_json:
        print_json({"project": project, "plan": str(path), "dry_run": dry_run, "shares": rows})
    else:
        columns = [key for key in rows[0] if key != "url"]
        print_table(f"shares of {project}", columns, [[row[key] for key in columns] for row in rows])
        for row in rows if not dry_run else ():
            say(f"{row['annotator']}: {row['url']}")
        if not dry_run:
            say(f"generated passwords stand in {accounts_path(home)}, which only you can read")
    finish(losses)


def pull(
    *,
    project: Project,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder of the layers: <annotator>/<article>.jsonl in it.")
    ] = Path("annotations/layers"),
    labels: LabelsFile = LABELS,
    plans: Plans = PLANS,
    ledger: Annotated[
        Path | None,
        typer.Option(callback=target, help="Write what could not be brought back to this file."),
    ] = None,
    home: Home = LOCAL,
    as_json: AsJson = False,
) -> None:
    """Bring every annotator's work back as a layer of their own.

    A layer holds the sentences that its annotator confirmed or worked on; the status file beside it tells who did
    what and when, and which sentences are untouched.
    """
    from biaozhu.curation.status import status_path, write_status
    from biaozhu.data.layers import write_layer
    from biaozhu.data.ledger import write_ledger
    from biaozhu.doccano.assignment import read_plan
    from biaozhu.doccano.connection import connect, find_account
    from biaozhu.doccano.team import pull_layers

    setting = make_setting(project, labels, None, given=False)
    plan = read_plan(plans / f"{project}.json")
    with progress("pull", sum(len(given) for given in plan.annotators.values())) as tick:
        found = pull_layers(connect(find_account(home=home)), setting, plan, tick=tick)
    for one in found:
        check_file_names(one.layers)
    rows = []
    for one in found:
        for article, sentences in one.layers.items():
            path = output / one.annotator / f"{article}.jsonl"
            # Nothing of an article that nobody has begun: an empty layer would read as `nothing to find`.
            if sentences:
                write_layer(path, sentences)
            write_status(status_path(path), project, one.annotator, one.status[article])
        rows.append(
            {
                "annotator": one.annotator,
                **{state: one.count(state) for state in ("confirmed", "edited", "untouched")},
                "spans": sum(len(s.spans) for layer in one.layers.values() for s in layer),
                "comments": sum(len(s.comments) for status in one.status.values() for s in status),
                "losses": len(one.losses),
                "consistent": one.consistent,
            }
        )
    losses = [entry for one in found for entry in one.losses]
    if ledger is not None:
        write_ledger(ledger, losses)
    if as_json:
        print_json(rows)
    else:
        print_table(f"layers of {project}", list(rows[0]), [list(row.values()) for row in rows])
        for one in found:
            if not one.consistent:
                say(f"{one.annotator} was working during the pull: pull again later")
    finish(losses)


def enter(
    layers: Annotated[
        list[Path], typer.Argument(metavar="LAYER...", help="The annotator's layers (.jsonl), or a folder.")
    ],
    *,
    annotator: Annotated[str, typer.Option(help="Whose work it is.")],
    project: Project,
    labels: LabelsFile = LABELS,
    home: Home = LOCAL,
    as_json: AsJson = False,
) -> None:
    """Enter a layer that was made elsewhere as that annotator's own work, logged in as them, and confirm it."""
    from biaozhu.data.layers import find_layers, read_layer
    from biaozhu.doccano.accounts import find_password
    from biaozhu.doccano.connection import connect, find_account
    from biaozhu.doccano.team import enter_layer

    setting = make_setting(project, labels, None, given=False)
    sentences = [s for path in find_layers(layers) for s in read_layer(path, labels=setting.names)]
    account = find_password(home, find_account(home=home).url, annotator)
    with progress("enter", len(sentences)) as tick:
        done = enter_layer(connect(account), sentences, setting, tick=tick)
    if as_json:
        print_json(asdict(done))
    else:
        print_table(f"entered for {annotator}", ("what", "count"), list(asdict(done).items()))
