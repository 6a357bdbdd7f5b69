"""Commands: train, crossval, curve, predict, segmenter."""

from __future__ import annotations

import glob
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from biaozhu.commands.console import finish, print_json, print_table, progress_of_steps, say
from biaozhu.commands.options import AsJson, GoldLayers, LayerFile, SentenceFiles, shipped, target

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Config = Annotated[Path, typer.Argument(callback=shipped, help="A training config, such as configs/ner.cfg.")]
Settings = Annotated[
    list[str],
    typer.Option(
        "--set", help="SECTION.KEY=VALUE in place of the config's own; VALUE as JSON or plain text."
    ),
]
Articles = Annotated[
    list[Path], typer.Option("--article", help="An article that the gold was made from. Repeatable.")
]
Ledger = Annotated[
    Path | None, typer.Option("--ledger", callback=target, help="Write the ledger of lost spans here.")
]


def register(app: typer.Typer) -> None:
    """Add the commands of this area."""
    app.command("train")(train)
    app.command("crossval")(crossval)
    app.command("curve")(curve)
    app.command("predict")(predict)
    app.command("segmenter")(segmenter)


def train(
    config: Config,
    *,
    output: Annotated[Path, typer.Option("-o", "--output", help="The model's folder, such as models/NAME.")],
    gold: Annotated[
        list[Path],
        typer.Option("--gold", help="Gold to train on, in place of the config's paths.train. Repeatable."),
    ] = [],  # noqa: B006 — typer copies the default
    held_out: Annotated[
        list[Path],
        typer.Option(
            "--held-out", help="A layer from `crossval` on the gold, for the model card. Repeatable."
        ),
    ] = [],  # noqa: B006 — typer copies the default
    seeds: Annotated[
        int,
        typer.Option(
            min=1, max=100, help="Train with so many seeds; the first one's model stays, the card tells all."
        ),
    ] = 1,
    score: Annotated[
        list[Path],
        typer.Option(
            "--score", help="A gold layer that is not trained on, scored with each seed. Repeatable."
        ),
    ] = [],  # noqa: B006 — as above
    settings: Settings = [],  # noqa: B006 — as above
    ledger: Ledger = None,
    as_json: AsJson = False,
) -> None:
    """Train the model of a config; the result loads with spacy.load.

    With --seeds or --score a run that was killed goes on with the seeds that are missing when it is started again.
    """
    from biaozhu.data.outputs import check_output, check_output_folder
    from biaozhu.training.train import train as run

    check_output_folder(output, [config, *gold, *held_out, *score])
    check_output(ledger, "ledger", [config, *gold, *held_out, *score])
    overrides = _overrides(settings, gold)
    if seeds > 1 or score:
        _train_runs(config, output, (seeds, score, held_out), overrides, ledger, as_json=as_json)
        return
    with progress_of_steps("training") as bar:
        done = run(
            config,
            output,
            overrides=overrides,
            held_out=_held_out_counts(config, overrides, held_out) if held_out else None,
            on_step=lambda step, most, loss: bar(step, most, f"training, loss {loss:.1f}"),
        )
    say(
        f"{output}: {done.spans} spans in {done.sentences} sentences, {done.steps} steps, loss {done.loss:.3f}"
    )
    some = f", its first {done.counted} sentences" if done.counted < done.sentences else ""
    _print_counts(f"On the training data itself (in-sample){some}", done.counts, as_json=as_json)
    _close(done.entries, ledger)


def _train_runs(
    config: Path,
    output: Path,
    wanted: tuple[int, Sequence[Path], Sequence[Path]],
    overrides: Mapping[str, Any],
    ledger: Path | None,
    *,
    as_json: bool,
) -> None:
    from biaozhu.training.seed_runs import train_runs

    seeds, score, held_out = wanted
    with progress_of_steps("training") as bar:
        entries, runs = train_runs(
            config,
            output,
            seeds=seeds,
            scored=score,
            overrides=overrides,
            held_out=_held_out_counts(config, overrides, held_out) if held_out else None,
            on_seed=lambda seed, was: say(f"seed {seed}{' was trained before' if was else ''}"),
            on_step=lambda step, most, loss: bar(step, most, f"training, loss {loss:.1f}"),
        )
    rows = [
        (run.seed, path, label, *figures)
        for run in runs
        for path, labels in run.scores.items()
        for label, figures in labels.items()
    ]
    print_table(
        f"{output}, strict", ("seed", "layer", "label", "F1", "95 % from", "to"), rows, as_json=as_json
    )
    _close(entries, ledger)


def crossval(
    config: Config,
    *,
    gold: GoldLayers,
    article: Articles,
    output: LayerFile,
    name: Annotated[
        str, typer.Option("--name", help="The source of the spans; the config's name if empty.")
    ] = "",
    at_least: Annotated[
        int, typer.Option("--at-least", min=1, help="Smaller sections join the next one.")
    ] = 5,
    settings: Settings = [],  # noqa: B006 — as above
    ledger: Ledger = None,
    as_json: AsJson = False,
) -> None:
    """Predict each section (article, where there are several) by a model trained on the others only."""
    from biaozhu.data.layers import find_layers, write_layer
    from biaozhu.data.outputs import check_output
    from biaozhu.reading.article import find_articles, read_articles
    from biaozhu.reading.holdout import group_sentences
    from biaozhu.training.card import count_strictly
    from biaozhu.training.crossval import crossvalidate
    from biaozhu.training.gold import GoldCorpus
    from biaozhu.training.train import read_config

    check_output(output, "layer", [config, *gold], articles=article)
    check_output(ledger, "ledger", [config, *gold], articles=article)
    gold = list(find_layers(gold))
    sentences = GoldCorpus(tuple(glob.escape(str(path)) for path in gold)).sentences()
    groups = group_sentences(read_articles(find_articles(article)), sentences, at_least=at_least)
    with progress_of_steps("cross-validation") as bar:
        done = crossvalidate(
            read_config(config, _overrides(settings, gold)),
            sentences,
            groups,
            source=name or config.stem,
            on_fold=lambda number, most: bar(number, most, f"fold {number + 1} of {most}"),
        )
    write_layer(output, done.sentences)
    for group, size in done.folds:
        say(f"held out: {group} ({size} sentences)")
    _print_counts("Held out", count_strictly(sentences, done.sentences), as_json=as_json)
    _close(done.entries, ledger)


def curve(
    config: Config,
    *,
    gold: GoldLayers,
    article: Articles,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Write the curve here (JSON), for `report --curve`.")
    ],
    held_out_by: Annotated[
        Literal["section", "article"] | None,
        typer.Option(help="What is held out together; without it articles, or sections where there is one."),
    ] = None,
    sizes: Annotated[int, typer.Option(min=2, max=50, help="How many shares to train on.")] = 6,
    seeds: Annotated[int, typer.Option(min=1, max=100, help="How many draws of each share.")] = 5,
    folds: Annotated[int, typer.Option(min=2, max=100, help="Parts to hold out in turn, at most.")] = 5,
    resamples: Annotated[int, typer.Option(min=100, max=100_000, help="Draws for bands and gain.")] = 1000,
    settings: Settings = [],  # noqa: B006 — as above
    ledger: Ledger = None,
    as_json: AsJson = False,
) -> None:
    """Train on growing shares of the gold, and say what another 100 sentences are worth."""
    from biaozhu.data.layers import find_layers
    from biaozhu.data.outputs import check_output
    from biaozhu.reading.article import find_articles, read_articles
    from biaozhu.reading.holdout import group_sentences
    from biaozhu.reading.sections import sections_of
    from biaozhu.scoring.significance import Sampling, choose_units
    from biaozhu.training.curve import Plan, curve_document, learning_curve, write_curve
    from biaozhu.training.gold import GoldCorpus
    from biaozhu.training.train import read_config

    check_output(output, "curve", [config, *gold], articles=article)
    check_output(ledger, "ledger", [config, *gold], articles=article)
    gold, paths = list(find_layers(gold)), find_articles(article)
    sentences = GoldCorpus(tuple(glob.escape(str(path)) for path in gold)).sentences()
    articles = read_articles(paths)
    groups = group_sentences(articles, sentences, by=held_out_by)
    of = {sentence.id: sentence.article for sentence in sentences}
    units = choose_units(of, sections_of([one for one in articles if one.id in of.values()], sentences))
    plan = Plan(sizes, seeds, folds, Sampling(resamples=resamples))
    with progress_of_steps("learning curve") as bar:
        done = learning_curve(
            read_config(config, _overrides(settings, gold)),
            sentences,
            groups,
            units,
            plan=plan,
            on_training=lambda number, most: bar(number, most, f"training {number + 1} of {most}"),
        )
    document = curve_document(done, plan=plan, files=(config, *gold, *paths), command=_command())
    write_curve(output, document)
    say(f"{done.trainings} models, each scored on what it was not trained on")
    say(f"bands resample {units.count} {units.kind}s and {seeds} seeds: {units.reason}")
    if as_json:
        print_json(document)
    else:
        print_table(
            "Held-out strict F1 by annotated sentences",
            ("sentences", "F1", "95 % from", "to"),
            [(one.sentences, one.mean, one.low, one.high) for one in done.outlook.points],
        )
    say(_worth(document))
    _close(done.entries, ledger)


def predict(
    model: Annotated[Path, typer.Argument(help="A model's folder.")],
    files: SentenceFiles,
    *,
    output: LayerFile,
    keep: Annotated[
        list[Path],
        typer.Option(
            "--keep",
            help="A layer whose articles are taken over as they are, such as what `crossval` wrote. Repeatable.",
        ),
    ] = [],  # noqa: B006 — typer copies the default
) -> None:
    """Annotate articles, or the sentences of layers, with a trained model."""
    from biaozhu.annotators.trained import annotate_sentences, load_trained
    from biaozhu.data.errors import bug_from
    from biaozhu.data.layers import read_layer, write_layer
    from biaozhu.data.outputs import check_output
    from biaozhu.reading.sources import read_sentences

    check_output(output, "layer", [model, *keep], articles=files)
    kept = [sentence for path in keep for sentence in read_layer(path)]
    there = {sentence.article for sentence in kept}
    sentences = [sentence for sentence in read_sentences(files) if sentence.article not in there]
    with progress_of_steps("predicting"):
        annotated, failed = annotate_sentences(load_trained(model), sentences) if sentences else ([], {})
    write_layer(output, [*kept, *annotated])
    taken = f", {len(kept)} sentences kept" if keep else ""
    say(f"{output}: {sum(len(one.spans) for one in annotated)} spans in {len(annotated)} sentences{taken}")
    names = _article_names(files) if failed else {}
    for article, error in failed.items():
        say(f"failed: {bug_from(error, where=names[article])}")
    if failed:
        raise typer.Exit(1)


def _article_names(files: Sequence[Path]) -> dict[str, str]:
    from biaozhu.data.layers import read_layer
    from biaozhu.reading.article import find_articles, read_articles

    found = find_articles(files)
    names = {
        sentence.article: path.stem
        for path in found
        if path.suffix == ".jsonl"
        for sentence in read_layer(path)
    }
    articles = read_articles(path for path in found if path.suffix != ".jsonl")
    return names | {article.id: article.name for article in articles}


def segmenter(
    *,
    words: Annotated[Path, typer.Option("--words", help="A layer whose spans are words, to learn from.")],
    dev: Annotated[Path, typer.Option("--dev", help="Another one, to measure on.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The model's folder; the user's cache if not given.")
    ] = None,
    iterations: Annotated[int, typer.Option("--iterations", min=1, help="Passes over the data.")] = 5,
    sentences: Annotated[
        int | None, typer.Option("--sentences", min=1, help="Learn from the first N only.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Train a word segmentation model for spacy-pkuseg, which ships none."""
    from biaozhu.data.layers import read_layer
    from biaozhu.training.segmentation import segmenter_folder, train_segmenter

    with progress_of_steps("segmentation"):
        done = train_segmenter(
            read_layer(words)[:sentences],
            read_layer(dev),
            output or segmenter_folder(),
            iterations=iterations,
        )
    print_table(
        "Word segmentation, on --dev",
        ("folder", "precision", "recall"),
        [(str(done.folder), done.precision, done.recall)],
        as_json=as_json,
    )


def _overrides(settings: Sequence[str], gold: Sequence[Path]) -> dict[str, Any]:
    from biaozhu.data.errors import UsageError
    from biaozhu.data.layers import find_layers

    found: dict[str, Any] = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals or not key:
            raise UsageError(f"{setting!r} is not SECTION.KEY=VALUE", where="--set")
        try:
            found[key] = json.loads(value)
        except ValueError:
            found[key] = value
    if gold:
        found["paths.train"] = [glob.escape(str(path)) for path in find_layers(gold)]
    return found


def _held_out_counts(
    config: Path, overrides: Mapping[str, Any], layers: Sequence[Path]
) -> dict[str, tuple[int, int, int]]:
    from biaozhu.data.errors import UsageError
    from biaozhu.data.layers import read_layer
    from biaozhu.training.card import count_strictly
    from biaozhu.training.train import gold_of, read_config

    predicted = {sentence.id: sentence for path in layers for sentence in read_layer(path)}
    gold = gold_of(read_config(config, overrides), config).sentences()
    missing = [sentence.id for sentence in gold if sentence.id not in predicted]
    if missing:
        raise UsageError(
            f"{len(missing)} gold sentences have no prediction, {missing[0]} first", where="--held-out"
        )
    return count_strictly(gold, [predicted[sentence.id] for sentence in gold])


def _command() -> list[str]:
    import sys

    return ["biaozhu", *sys.argv[1:]]


def _worth(document: Mapping[str, Any]) -> str:
    if document["worth"] is None:
        return f"what {document['more']} more sentences are worth cannot be told: {document['failure_text']}"
    said = (
        f"another {document['more']} sentences on top of {document['annotated']}: F1 {document['worth']:+.3f}"
    )
    if document["worth_low"] is None:
        return f"{said}, without an interval: too few draws could be fitted"
    verdict = "" if document["distinguishable"] else ", not distinguishable from nothing"
    return f"{said} (95 % {document['worth_low']:+.3f} … {document['worth_high']:+.3f}){verdict}"


def _print_counts(title: str, counts: Mapping[str, tuple[int, int, int]], *, as_json: bool) -> None:
    from biaozhu.training.card import figures

    print_table(
        title,
        ("label", "precision", "recall", "strict F1", "there", "found", "right"),
        [(label, *figures(one), one[1], one[0], one[2]) for label, one in counts.items()],
        as_json=as_json,
    )


def _close(entries: Sequence[Any], ledger: Path | None) -> None:
    from biaozhu.data.ledger import write_ledger

    if ledger is not None:
        write_ledger(ledger, entries)
    finish(entries)
