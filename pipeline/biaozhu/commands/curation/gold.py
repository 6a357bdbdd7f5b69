"""Commands: agree and gold."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from biaozhu.commands.console import print_json, print_table, say
from biaozhu.commands.options import AsJson  # noqa: TC001 — typer reads the annotations when it runs

gold_app = typer.Typer(no_args_is_help=True, help="Freeze the gold, check it, and show what changed.")

GoldFolder = Annotated[Path, typer.Argument(help="The folder of the gold files.")]
GOLD = Path("annotations/gold")


def register(app: typer.Typer) -> None:
    """Add the commands of this area."""
    app.command()(agree)
    app.add_typer(gold_app, name="gold")


def agree(
    layers: Annotated[list[Path], typer.Argument(help="Two or more: layers/<annotator>/ or one file of it.")],
    *,
    common: Annotated[
        bool, typer.Option("--common", help="Compare each two annotators on the sentences that both have.")
    ] = False,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write the figures as JSON.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure how well annotators agree: pairwise F1, Krippendorff's alpha, kinds of disagreement."""
    from dataclasses import asdict
    from json import dumps

    from biaozhu.curation.agreement import FORMAT, measure_agreement
    from biaozhu.curation.annotator_layers import read_annotator, read_times
    from biaozhu.data.files import write_text

    read = [(read_annotator(path), read_times(path)) for path in layers]
    result = measure_agreement(
        dict(found for found, _ in read), common=common, times={name: times for (name, _), times in read}
    )
    if output is not None:
        write_text(output, dumps({"format": FORMAT, **asdict(result)}, ensure_ascii=False, indent=2) + "\n")
    if as_json:
        print_json(asdict(result))
        return
    rows: list[list[object]] = [
        [f"{pair.first} – {pair.second}", label, pair.strict[label], pair.partial[label], None]
        for pair in result.pairs
        for label in pair.strict
    ]
    rows.append(["all", "micro", result.mean_strict, result.mean_partial, result.alpha])
    rows += [["all", label, None, None, alpha] for label, alpha in result.alpha_by_label.items()]
    print_table("Agreement", ["annotators", "label", "strict F1", "partial F1", "alpha (characters)"], rows)
    for title, groups in (("month", result.by_month), ("article", result.by_article)):
        # One article says what the total says; one month still says when.
        if len(groups) > (title == "article"):
            lines = [[name, group.comparisons, group.strict] for name, group in groups.items()]
            print_table(f"Agreement by {title}", [title, "comparisons", "strict F1"], lines)
    for pair in result.pairs:
        kinds = ", ".join(f"{count} × {kind}" for kind, count in pair.disagreements.items()) or "none"
        say(f"disagreements of {pair.first} and {pair.second} in {pair.sentences} sentences: {kinds}")


@gold_app.command("freeze")
def gold_freeze(folder: GoldFolder = GOLD) -> None:
    """Write the checksums of the gold: from now on a changed file is an error."""
    from biaozhu.curation.frozen import freeze_gold

    for name, file in freeze_gold(folder).items():
        say(
            f"frozen: {name}, {file.sentences} sentences, {sum(file.spans.values())} spans, {file.sha256[:12]}"
        )


@gold_app.command("check")
def gold_check(folder: GoldFolder = GOLD) -> None:
    """Check the gold against its checksums."""
    from biaozhu.curation.frozen import check_frozen

    say(f"{len(check_frozen(folder))} gold files are as they were frozen")


@gold_app.command("diff")
def gold_diff(
    old: Annotated[Path, typer.Argument(help="A gold file.")],
    new: Annotated[Path, typer.Argument(help="Another version of it.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Show the spans that only one of two versions of a gold file holds."""
    from biaozhu.curation.frozen import diff_gold
    from biaozhu.data.layers import read_layer

    changes = diff_gold(read_layer(old), read_layer(new))
    if not changes and not as_json:
        say("no span differs")
        return
    rows = [
        [change.kind, change.sentence, change.start, change.end, change.label, change.text]
        for change in changes
    ]
    print_table(
        "Gold changes", ["change", "sentence", "start", "end", "label", "text"], rows, as_json=as_json
    )
    if changes:
        raise typer.Exit(1)
