"""Command: bias."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path  # noqa: TC003 — typer reads the annotations when it runs
from typing import TYPE_CHECKING, Annotated

import typer

from biaozhu.commands.console import print_json, print_table
from biaozhu.commands.options import AsJson  # noqa: TC001 — typer reads the annotations when it runs

if TYPE_CHECKING:
    from biaozhu.curation.bias import Bias, Contrast, Rate


def register(app: typer.Typer) -> None:
    """Add the command of this area."""
    app.command()(bias)


def bias(
    annotators: Annotated[
        list[Path],
        typer.Argument(help="Folders layers/<annotator>/ from `project pull`.", metavar="FOLDER..."),
    ],
    *,
    gold: Annotated[
        list[Path] | None, typer.Option("--gold", help="Gold of the same sentences, or its folder.")
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write the figures as JSON.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure how far annotators follow the pre-annotation: acceptance, edits, and the blind control slice."""
    from json import dumps

    from biaozhu.curation.bias import FORMAT, measure_bias, read_work
    from biaozhu.curation.frozen import read_gold
    from biaozhu.data.files import write_text
    from biaozhu.data.layers import find_layers

    work = [item for folder in annotators for item in read_work(folder)]
    truth = [sentence for path in find_layers(gold or ()) for sentence in read_gold(path)]
    result = measure_bias(work, gold=truth)
    if output is not None:
        write_text(output, dumps({"format": FORMAT, **asdict(result)}, ensure_ascii=False, indent=2) + "\n")
    if as_json:
        print_json(asdict(result))
    else:
        _print(result)


def _print(result: Bias) -> None:
    rows = [
        _row("sentences accepted unchanged", result.accepted),
        *(_row(f"… by {name}", rate) for name, rate in result.accepted_by_annotator.items()),
        _row("shown spans edited", result.edited),
        *(_row(f"… {label}", rate) for label, rate in result.edited_by_label.items()),
        *(_row(f"… score {band}", rate) for band, rate in result.edited_by_score.items() if rate.of),
    ]
    print_table("Pre-annotations and annotators", ("what", "count", "of", "rate"), rows)
    contrasts = {
        "agreement with the pre-annotation (strict F1)": result.agreement,
        "the model's errors taken over": result.errors_taken,
        "the model's omissions taken over": result.omissions_taken,
    }
    print_table(
        f"Shown ({result.sentences['shown']} sentences) and blind ({result.sentences['blind']})",
        ("what", "shown", "blind", "difference", "95 % from", "to"),
        [_contrast(name, value) for name, value in contrasts.items() if value is not None],
    )
    typer.echo("shown spans: " + ", ".join(f"{count} {fate}" for fate, count in result.fates.items()))


def _row(name: str, rate: Rate) -> tuple[object, ...]:
    return name, rate.count, rate.of, rate.rate


def _contrast(name: str, value: Contrast) -> tuple[object, ...]:
    low, high = value.interval or (None, None)
    return name, value.shown.rate, value.blind.rate, value.difference, low, high
