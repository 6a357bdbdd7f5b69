"""Commands: report, summary and history."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

from typer import Argument, Exit, Option

from biaozhu.commands.console import finish, print_json, print_table, say
from biaozhu.commands.options import AsJson  # noqa: TC001 — typer reads the annotations when it runs
from biaozhu.commands.scores.scoring import HeldOut, Labels, Places, Resamples, Seed, Train, Values  # noqa: TC001 — as above
from biaozhu.data.outputs import check_output

Language = Annotated[Literal["zh", "en"], Option("--lang", help="Language of the report.")]
Reports = Annotated[Path, Argument(help="The folder of the reports, one folder each.")]


def report(
    *,
    layer: Annotated[
        list[str],
        Option(
            "--layer", help="PATH or NAME=PATH of a layer or a folder; compared with the first. Repeatable."
        ),
    ],
    output: Annotated[Path, Option("-o", "--output", help="Folder to write: reports/NAME.")],
    article: Annotated[list[Path], Option("--article", help="An article, or a folder. Repeatable.")] = [],  # noqa: B006 — typer copies the default
    gold: Annotated[list[Path], Option("--gold", help="A gold layer, or a folder. Repeatable.")] = [],  # noqa: B006 — as above
    annotator: Annotated[
        list[str], Option("--annotator", help="NAME=FILE or FOLDER; shown, not scored. Repeatable.")
    ] = [],  # noqa: B006 — as above
    train: Train = [],  # noqa: B006 — as above
    held_out: HeldOut = False,
    ledger: Annotated[list[Path], Option("--ledger", help="A ledger. Repeatable.")] = [],  # noqa: B006 — as above
    round_trip: Annotated[
        Path | None, Option("--round-trip", help="From `pull --compare LAYER --result`.")
    ] = None,
    agreement: Annotated[Path | None, Option("--agreement", help="From `agree -o`.")] = None,
    curve: Annotated[Path | None, Option("--curve", help="From `curve -o`.")] = None,
    bias: Annotated[Path | None, Option("--bias", help="From `bias -o`.")] = None,
    values: Values = None,
    places: Places = None,
    labels: Labels = None,
    lang: Language = "zh",
    resamples: Resamples = 10_000,
    seed: Seed = 1,
) -> None:
    """Score layers and write the report: index.html, scores.json, summary.md and checks.json.

    Gold values and paths are those of --values and --places, else of GOLD/values and GOLD/places, where these are.
    """
    from biaozhu.reporting.content import ReportRequest, gather_content
    from biaozhu.reporting.report import FILES, list_text_pages, write_report
    from biaozhu.scoring.layer_scoring import ScoringRequest
    from biaozhu.scoring.significance import Sampling

    read = (*layer, *gold, *annotator, *train, *ledger, round_trip, agreement, curve, bias, values, places)
    check_output(output, "page", read, articles=article)
    for name, kind in FILES.items():
        check_output(output / name, kind, read, articles=article)
    for page in list_text_pages(output):
        check_output(page, "page", read, articles=article)
    scoring = ScoringRequest(
        gold=tuple(gold),
        layers=tuple(layer),
        articles=tuple(article),
        train=tuple(train),
        held_out=held_out,
        values=values or _find_beside(gold, "values"),
        places=places or _find_beside(gold, "places"),
        labels=labels,
        sampling=Sampling(resamples=resamples, seed=seed),
        command=("biaozhu", *sys.argv[1:]),
    )
    content = gather_content(
        ReportRequest(
            scoring,
            annotators=tuple(annotator),
            ledgers=tuple(ledger),
            round_trip=round_trip,
            agreement=agreement,
            curve=curve,
            bias=bias,
        )
    )
    write_report(output, content, language=lang)
    say(f"report written to {output / 'index.html'}")
    differs = content.round_trip is not None and not content.round_trip.whole
    if differs:
        say("the round trip differs")
    finish(content.ledger or ())
    if differs:
        raise Exit(1)


def _find_beside(gold: list[Path], name: str) -> Path | None:
    found = [folder / name for folder in gold if any((folder / name).glob("*.jsonl"))]
    return found[0] if len(found) == 1 else None


def summary(reports: Reports = Path("reports"), *, as_json: AsJson = False) -> None:
    """Print what every report in a folder found: scores with intervals, round trip, losses."""
    from biaozhu.reporting.history import COLUMNS, list_cells, read_reports, summarize_report

    # What `biaozhu run` keeps of earlier runs is for `history`.
    found = [one for one in read_reports(reports) if "runs" not in one.name.split("/")[:-1]]
    if as_json:
        print_json([summarize_report(one) for one in found])
        return
    print_table("Reports", COLUMNS, [row for one in found for row in list_cells(one)])


def history(
    reports: Reports = Path("reports"),
    *,
    output: Annotated[Path | None, Option("-o", "--output", help="Write table and chart (HTML).")] = None,
    lang: Language = "zh",
    as_json: AsJson = False,
) -> None:
    """Collect the reports of a folder by time, with the change of strict F1 from one to the next."""
    from biaozhu.reporting.history import list_history, read_reports, write_history

    check_output(output, "history")
    rows = list_history(read_reports(reports))
    if output is not None:
        write_history(output, rows, language=lang)
    if as_json:
        print_json([asdict(row) for row in rows])
        return
    if not rows:
        say("no report has scores yet: they need gold")
        return
    columns = ("date", "run", "layer", "gold spans", "P", "R", "strict F1", "95 %", "change", "gold")
    fields = ("date", "run", "layer", "gold", "precision", "recall", "f1", "interval", "change", "gold_sha")
    print_table("History", columns, [[getattr(row, field) for field in fields] for row in rows])
