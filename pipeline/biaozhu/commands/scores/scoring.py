"""Commands: evaluate and compare."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from biaozhu.commands.console import print_json, print_table, say

if TYPE_CHECKING:
    from biaozhu.scoring.evaluation import Scored
    from biaozhu.scoring.run import Run
    from biaozhu.scoring.significance import Interval

Gold = Annotated[Path, typer.Option("--gold", help="The gold: a layer (.jsonl), or a folder of them.")]
Articles = Annotated[
    list[Path],
    typer.Option("--article", help="An article that the gold was made from; gives sections. Repeatable."),
]
Train = Annotated[
    list[Path],
    typer.Option("--train", help="A layer that training saw; tells seen from unseen names. Repeatable."),
]
HeldOut = Annotated[
    bool,
    typer.Option(
        "--held-out", help="Layers from `crossval` on this gold: seen is what its other sections have."
    ),
]
Missing = Annotated[
    Literal["error", "empty"],
    typer.Option(
        "--missing", help="A gold sentence that a layer lacks: `error`, or `empty` (counts as found empty)."
    ),
]
Labels = Annotated[Path | None, typer.Option("--labels", help="Labels file; orders the labels.")]
Resamples = Annotated[int, typer.Option("--resamples", min=100, max=1_000_000, help="Bootstrap samples.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of the random draws.")]
Stream = Annotated[
    bool,
    typer.Option(
        "--stream",
        help="Read gold and layers side by side, in the same order (.jsonl, .gz, .zst): more than fits into memory.",
    ),
]
Output = Annotated[Path | None, typer.Option("-o", "--output", help="Write scores.json here.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the scores.json document instead of a table.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this area."""
    app.command("evaluate")(evaluate)
    app.command("compare")(compare)


def evaluate(
    *,
    gold: Gold,
    layer: Annotated[
        list[str], typer.Option("--layer", help="PATH or NAME=PATH of a layer or a folder. Repeatable.")
    ],
    article: Articles = [],  # noqa: B006 — typer copies the default
    train: Train = [],  # noqa: B006 — as above
    held_out: HeldOut = False,
    missing: Missing = "error",
    stream: Stream = False,
    values: Annotated[
        Path | None,
        typer.Option(
            "--values", help="Gold values of the amounts (file or folder): what they mean is scored, too."
        ),
    ] = None,
    places: Annotated[
        Path | None,
        typer.Option(
            "--places", help="Gold paths of the places (file or folder): where they lie is scored, too."
        ),
    ] = None,
    labels: Labels = None,
    resamples: Resamples = 10_000,
    seed: Seed = 1,
    fail_under: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Exit with status 1 when the strict micro F1 of any layer is lower or undefined.",
        ),
    ] = None,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Score layers against the gold: strict, exact, partial, type; per label; with 95 % intervals."""
    from biaozhu.data.errors import UsageError
    from biaozhu.scoring.run import Request, run_evaluation

    if stream and (values is not None or places is not None):
        raise UsageError("--stream goes without --values and --places")
    run = run_evaluation(
        Request(
            verb="evaluate",
            gold=gold,
            layers=tuple(layer),
            articles=tuple(article),
            train=tuple(train),
            held_out=held_out,
            missing=missing,
            labels=labels,
            resamples=resamples,
            seed=seed,
            stream=stream,
        )
    )
    meant = _meant(run, values, places, article)
    if meant:
        run.document["values"] = meant
    _hand_out(run, output, as_json)
    if not as_json:
        print_table(
            f"Scores on {gold} (intervals: BCa over {run.evaluations[0].units.kind}s)",
            ("layer", "label", "scheme", "P", "R", "F1", "F1 95 %", "COR", "INC", "PAR", "MIS", "SPU"),
            _score_rows(run),
        )
    if meant and not as_json:
        print_table(
            "What spans mean, over all of the gold",
            ("spans of", "field", "correct", "of", "accuracy"),
            [(one["layer"] or "the gold itself", *list(one.values())[1:]) for one in meant],
        )
    _notes(run)
    if fail_under is None:
        return
    failed = False
    for one in run.evaluations:
        reached = one.overall["strict"].score.f1
        if reached is None or reached < fail_under:
            shown = "undefined" if reached is None else f"{reached:.4f}"
            say(f"too low: strict F1 of {one.name} is {shown}, under {fail_under}")
            failed = True
    if failed:
        raise typer.Exit(1)


def compare(
    a: Annotated[str, typer.Argument(help="PATH or NAME=PATH of the first layer, or its folder.")],
    b: Annotated[str, typer.Argument(help="PATH or NAME=PATH of the second layer, or its folder.")],
    *,
    gold: Gold,
    article: Articles = [],  # noqa: B006 — typer copies the default
    train: Train = [],  # noqa: B006 — as above
    held_out: HeldOut = False,
    missing: Missing = "error",
    stream: Stream = False,
    labels: Labels = None,
    resamples: Resamples = 10_000,
    seed: Seed = 1,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Compare two layers on the gold: differences b - a with intervals, p by approximate randomisation, Holm."""
    from biaozhu.scoring.run import Request, run_evaluation

    run = run_evaluation(
        Request(
            verb="compare",
            gold=gold,
            layers=(a, b),
            articles=tuple(article),
            train=tuple(train),
            held_out=held_out,
            missing=missing,
            labels=labels,
            resamples=resamples,
            seed=seed,
            stream=stream,
        )
    )
    _hand_out(run, output, as_json)
    if not as_json:
        compared = run.comparisons[0]
        print_table(
            f"{compared.b} - {compared.a} on {gold} (over {compared.units.kind}s)",
            ("metric", "a", "b", "b - a", "95 %", "p", "p (Holm)"),
            [
                (
                    one.metric,
                    one.a,
                    one.b,
                    one.difference.value,
                    _range(one.difference.best),
                    one.p,
                    one.p_holm,
                )
                for one in compared.differences
            ],
        )
    _notes(run)


def _meant(run: Run, values: Path | None, places: Path | None, articles: list[Path]) -> list[dict[str, Any]]:
    if values is None and places is None:
        return []
    from biaozhu.reading.article import find_articles, read_articles
    from biaozhu.scoring.value_scores import meaning_rows

    names = [evaluation.name for evaluation in run.evaluations]
    layers = dict(zip(names, run.layers, strict=True))
    return meaning_rows((values, places), run.gold, layers, read_articles(find_articles(articles)))


def _hand_out(run: Run, output: Path | None, as_json: bool) -> None:
    from biaozhu.scoring.scores_document import write_scores

    if output is not None:
        write_scores(output, run.document)
    if as_json:
        print_json(run.document)


def _notes(run: Run) -> None:
    first = run.evaluations[0]
    say(f"intervals resample {first.units.count} {first.units.kind}s: {first.units.reason}")
    for name, count in run.left_out.items():
        say(f"{name}: {count} sentences of articles that the gold lacks take no part")
    for one in run.evaluations:
        if lacking := len(one.missing) + one.missing_more:
            named = f"; the first {len(one.missing)} of them are named" if one.missing_more else ""
            say(
                f"{one.name} lacks {lacking} of {one.sentences} gold sentences, counted as found empty{named}"
            )
        if one.curve_step is not None:
            say(
                f"{one.name}: too many distinct scores, the curve's thresholds are multiples of {one.curve_step:g}"
            )
    if first.units.groups is not None:
        say("so many articles are not broken down one by one")


def _score_rows(run: Run) -> list[tuple[Any, ...]]:
    rows = []
    for one in run.evaluations:
        rows += [_score_row(one.name, "ALL", scheme, scored) for scheme, scored in one.overall.items()]
        rows += [_score_row(one.name, label, "strict", by["strict"]) for label, by in one.labels.items()]
    return rows


def _score_row(name: str, label: str, scheme: str, scored: Scored) -> tuple[Any, ...]:
    score = scored.score
    counts = score.counts
    return (
        *(name, label, scheme, score.precision, score.recall, score.f1, _range(scored.f1.best)),
        *(counts.cor, counts.inc, counts.par, counts.mis, counts.spu),
    )


def _range(interval: Interval) -> str | None:
    if interval.low is None or interval.high is None:
        return None
    return (
        f"{interval.low:.4f}–{interval.high:.4f}"
        if interval.low >= 0
        else f"{interval.low:.4f} … {interval.high:.4f}"
    )
