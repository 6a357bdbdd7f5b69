"""Command: select."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 — typer reads the annotations when it runs
from typing import Annotated

import typer

from biaozhu.commands.console import say


def register(app: typer.Typer) -> None:
    """Add the command of this area."""
    app.command("select")(select)
    # Its name in version 0.1.
    app.command("worth", hidden=True)(select)


def select(
    layers: Annotated[
        list[str],
        typer.Argument(
            metavar="LAYER...", help="Pre-annotated layers or shards: .jsonl, .gz, .zst; folders; patterns."
        ),
    ],
    *,
    number: Annotated[int, typer.Option("--number", "-n", min=1, help="How many sentences to select.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="OUT", help="The layer to write.")],
    share: Annotated[
        float,
        typer.Option(
            "--random", min=0, max=1, help="Share that is drawn at random instead, from all sentences."
        ),
    ] = 0.2,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of that draw.")] = 1,
) -> None:
    """Select the sentences to annotate next: the least confident ones, and some at random."""
    from biaozhu.curation.select import select_sentences, stream_files
    from biaozhu.data.errors import UsageError
    from biaozhu.data.layers import find_layers, is_beside, write_layer
    from biaozhu.data.outputs import check_output
    from biaozhu.scale.corpus_stream import expand_globs
    from biaozhu.scale.shard_folders import place

    found = expand_globs(place(layer) for layer in layers)
    files = [file for path in found for file in (find_layers([path]) if path.is_dir() else [path])]
    files = [file for file in files if not is_beside(file)]
    check_output(output, "layer", files)
    selected = select_sentences(stream_files(files), number, share=share, seed=seed)
    if not selected:
        raise UsageError(
            "no span there has a score, and no sentence is drawn at random",
            next_step="Give a pre-annotated layer, or --random 1",
        )
    write_layer(output, selected)
    say(f"{len(selected)} sentences of {len({one.article for one in selected})} articles")
