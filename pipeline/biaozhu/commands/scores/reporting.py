"""Commands: report, summary and history."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from biaozhu.commands.console import finish, print_json, print_table, say
from biaozhu.commands.options import AsJson  # noqa: TC001 — typer reads the annotations when it runs

Language = Annotated[Literal["zh", "en"], typer.Option("--lang", help="Language of the report.")]
Reports = Annotated[Path, typer.Argument(help="The folder of the reports, one folder each.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this area."""
    app.command("report")(report)
    app.command("summary")(summary)
    app.command("history")(history)


def report(
    *,
    layer: Annotated[
        list[str],
        typer.Option(
            "--layer", help="NAME=FILE or NAME=FOLDER; scored, compared with the first. Repeatable."
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write: reports/NAME.")],
    article: Annotated[
        list[Path], typer.Option("--article", help="An article, or a folder. Repeatable.")
    ] = [],  # noqa: B006 — typer copies the default
    gold: Annotated[list[Path], typer.Option("--gold", help="A gold layer, or a folder. Repeatable.")] = [],  # noqa: B006 — as above
    annotator: Annotated[
        list[str], typer.Option("--annotator", help="NAME=FILE or FOLDER; shown, not scored. Repeatable.")
    ] = [],  # noqa: B006 — as above
    train: Annotated[
        list[Path], typer.Option("--train", help="A layer that training saw; tells seen from unseen.")
    ] = [],  # noqa: B006 — as above
    held_out: Annotated[
        bool,
        typer.Option(
            "--held-out", help="Layers from `crossval` on this gold: seen is what its other sections have."
        ),
    ] = False,
    ledger: Annotated[list[Path], typer.Option("--ledger", help="A ledger. Repeatable.")] = [],  # noqa: B006 — as above
    round_trip: Annotated[
        Path | None, typer.Option("--round-trip", help="From `pull --compare LAYER --result`.")
    ] = None,
    agreement: Annotated[Path | None, typer.Option("--agreement", help="From `agree -o`.")] = None,
    curve: Annotated[Path | None, typer.Option("--curve", help="From `curve -o`.")] = None,
    bias: Annotated[Path | None, typer.Option("--bias", help="From `bias -o`.")] = None,
    values: Annotated[
        Path | None,
        typer.Option(
            "--values", help="Gold values of the amounts, file or folder; else GOLD/values, where it is."
        ),
    ] = None,
    places: Annotated[
        Path | None,
        typer.Option(
            "--places", help="Gold paths of the places, file or folder; else GOLD/places, where it is."
        ),
    ] = None,
    labels: Annotated[Path, typer.Option("--labels", help="Labels file.")] = Path("configs/labels.toml"),
    lang: Language = "zh",
    resamples: Annotated[int, typer.Option(min=100, max=1_000_000, help="Bootstrap samples.")] = 10_000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random draws.")] = 1,
) -> None:
    """Score layers and write the report: index.html, scores.json, summary.md and checks.json."""
    import sys

    from biaozhu.data.layers import find_layers
    from biaozhu.reading.article import find_articles
    from biaozhu.reporting.inputs import Request, gather, is_whole
    from biaozhu.reporting.report import write_report

    material = gather(
        Request(
            layers=tuple(layer),
            articles=find_articles(article),
            gold=find_layers(gold),
            annotators=tuple(annotator),
            train=find_layers(train),
            held_out=held_out,
            ledgers=tuple(ledger),
            round_trip=round_trip,
            agreement=agreement,
            curve=curve,
            bias=bias,
            values=values or _beside(gold, "values"),
            places=places or _beside(gold, "places"),
            labels=labels,
            resamples=resamples,
            seed=seed,
            command=("biaozhu", *sys.argv[1:]),
        )
    )
    write_report(output, material, language=lang)
    say(f"report written to {output / 'index.html'}")
    differs = material.round_trip is not None and not is_whole(material.round_trip)
    if differs:
        say("the round trip differs")
    finish(material.ledger or ())
    if differs:
        raise typer.Exit(1)


def _beside(gold: list[Path], name: str) -> Path | None:
    found = [folder / name for folder in gold if any((folder / name).glob("*.jsonl"))]
    return found[0] if len(found) == 1 else None


def summary(
    reports: Reports = Path("reports"),
    *,
    as_json: AsJson = False,
) -> None:
    """Print what every report in a folder found: scores with intervals, round trip, losses."""
    from biaozhu.reporting.history import COLUMNS, read_runs, summary_cells

    runs = read_runs(reports)
    if as_json:
        print_json([run.as_json() for run in runs])
        return
    print_table("Reports", COLUMNS, [row for run in runs for row in summary_cells(run)])


def history(
    reports: Reports = Path("reports"),
    *,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write table and chart (HTML).")
    ] = None,
    lang: Language = "zh",
    as_json: AsJson = False,
) -> None:
    """Collect the runs of a folder by time, with the change of strict F1 from one to the next."""
    from dataclasses import asdict

    from biaozhu.reporting.history import history_rows, read_runs, write_history

    rows = history_rows(read_runs(reports))
    if output is not None:
        write_history(output, rows, language=lang)
    if as_json:
        print_json([asdict(row) for row in rows])
        return
    print_table(
        "History",
        ("date", "run", "layer", "gold spans", "P", "R", "strict F1", "95 %", "change", "gold"),
        [
            (
                row.date,
                row.run,
                row.layer,
                row.gold,
                row.precision,
                row.recall,
                row.f1,
                row.shown,
                row.change,
                row.gold_sha,
            )
            for row in rows
        ],
    )
