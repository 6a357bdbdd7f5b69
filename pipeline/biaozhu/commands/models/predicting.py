"""Commands: predict, segmenter."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 — typer reads the annotations when it runs
from typing import TYPE_CHECKING, Annotated

import typer

from biaozhu.commands.console import print_table, progress_of_steps, say
from biaozhu.commands.options import (  # noqa: TC001 — as above
    AsJson,
    LayerFile,
    SentenceFiles,
)
from biaozhu.data.errors import bug_from
from biaozhu.data.layers import name_articles, read_layers, read_named_layers, write_layer
from biaozhu.data.outputs import check_output

if TYPE_CHECKING:
    from collections.abc import Sequence


def register(app: typer.Typer) -> None:
    """Add the commands of this area."""
    app.command("predict")(predict)
    app.command("segmenter")(segmenter)


def predict(
    model: Annotated[Path, typer.Argument(help="A model's folder.")],
    files: SentenceFiles,
    *,
    output: LayerFile,
    keep: Annotated[
        list[Path],
        typer.Option(
            "--keep",
            help="A layer or folder whose articles are taken over as they are, such as what `crossval` wrote. Repeatable.",
        ),
    ] = [],  # noqa: B006 — typer copies the default
) -> None:
    """Annotate articles, or the sentences of layers, with a trained model."""
    from biaozhu.annotators.trained import annotate_sentences, load_trained
    from biaozhu.reading.sources import list_layer_sources, read_sentences

    check_output(output, "layer", [model, *keep, *list_layer_sources(files)], articles=files)
    kept = read_layers(keep)
    there = {sentence.article for sentence in kept}
    sentences = [sentence for sentence in read_sentences(files) if sentence.article not in there]
    with progress_of_steps("predicting"):
        annotated, failed = annotate_sentences(load_trained(model), sentences) if sentences else ([], {})
    write_layer(output, (*kept, *annotated))
    taken = f", {len(kept)} sentences kept" if keep else ""
    say(f"{output}: {sum(len(one.spans) for one in annotated)} spans in {len(annotated)} sentences{taken}")
    names = _article_names(files) if failed else {}
    for article, error in failed.items():
        say(f"failed: {bug_from(error, where=names[article])}")
    if failed:
        raise typer.Exit(1)


def _article_names(files: Sequence[Path]) -> dict[str, str]:
    from biaozhu.reading.article import read_articles
    from biaozhu.reading.sources import divide_sources

    layers, articles = divide_sources(files)
    names = name_articles(read_named_layers(layers))
    return names | {article.id: article.name for article in read_articles(articles)}


def segmenter(
    *,
    words: Annotated[
        Path, typer.Option("--words", help="A layer, or a folder, whose spans are words, to learn from.")
    ],
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
    from biaozhu.training.segmentation import segmenter_folder, train_segmenter

    with progress_of_steps("segmentation"):
        folder = output or segmenter_folder()
        done = train_segmenter(
            read_layers([words])[:sentences], read_layers([dev]), folder, iterations=iterations
        )
    print_table(
        "Word segmentation, on --dev",
        ("folder", "precision", "recall"),
        [(str(folder), done.precision, done.recall)],
        as_json=as_json,
    )
