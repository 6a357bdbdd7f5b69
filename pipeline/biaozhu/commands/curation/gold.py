"""Commands: gold freeze, gold check and gold diff."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from biaozhu.commands.console import print_table, say
from biaozhu.commands.options import AsJson  # noqa: TC001 — typer reads the annotations when it runs
from biaozhu.curation.frozen import check_frozen, diff_gold, freeze_gold
from biaozhu.data.layers import read_layers

gold_app = typer.Typer(no_args_is_help=True, help="Freeze the gold, check it, and show what changed.")

GoldFolder = Annotated[Path, typer.Argument(help="The folder of the gold files.")]
GOLD = Path("annotations/gold")


def register(app: typer.Typer) -> None:
    """Add the commands of this area."""
    app.add_typer(gold_app, name="gold")


@gold_app.command("freeze")
def gold_freeze(folder: GoldFolder = GOLD) -> None:
    """Write the checksums of the gold: from now on a changed file is an error."""
    for name, file in freeze_gold(folder).items():
        spans = sum(file.spans.values())
        say(f"frozen: {name}, {file.sentences} sentences, {spans} spans, {file.sha256[:12]}")


@gold_app.command("check")
def gold_check(folder: GoldFolder = GOLD) -> None:
    """Check the gold against its checksums."""
    say(f"{len(check_frozen(folder))} gold files are as they were frozen")


@gold_app.command("diff")
def gold_diff(
    old: Annotated[Path, typer.Argument(help="A gold file, or a folder.")],
    new: Annotated[Path, typer.Argument(help="Another version of it.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Show the spans that only one of two versions of a gold file has."""
    changes = diff_gold(read_layers([old]), read_layers([new]))
    if not changes and not as_json:
        say("no span differs")
        return
    rows = [(one.kind, one.sentence, one.start, one.end, one.label, one.text) for one in changes]
    columns = ("change", "sentence", "start", "end", "label", "text")
    print_table("Gold changes", columns, rows, as_json=as_json)
    if changes:
        raise typer.Exit(1)
