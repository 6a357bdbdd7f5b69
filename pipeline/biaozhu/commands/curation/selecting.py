"""Command: select."""

from __future__ import annotations

from collections import Counter
from pathlib import Path  # noqa: TC003 — typer reads the annotations when it runs
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from biaozhu.commands.console import say
from biaozhu.data.errors import UsageError
from biaozhu.data.layers import find_layers, read_layers, write_layer
from biaozhu.data.outputs import check_output

if TYPE_CHECKING:
    from collections.abc import Iterable

# As in `biaozhu.curation.select`, which is imported when the command runs.
Aim = Literal["both", "uncertainty", "diversity"]


def register(app: typer.Typer) -> None:
    """Add the command of this area."""
    app.command("select")(select)
    # Its name in version 0.1.
    app.command("worth", hidden=True)(select)


def select(
    layers: Annotated[
        list[str],
        typer.Argument(
            metavar="LAYER...",
            help="Pre-annotated layers or shards, or folders of them: .jsonl, .gz, .zst; patterns.",
        ),
    ],
    *,
    number: Annotated[int, typer.Option("--number", "-n", min=1, help="How many sentences to select.")],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="OUT", help="The layer to write; OUT.reasons.json says why."),
    ],
    aim: Annotated[
        Aim, typer.Option(help="Uncertain ones that are unlike each other, or only one of the two.")
    ] = "both",
    marginals: Annotated[
        bool,
        typer.Option(
            "--marginals", help="Ask the default network how sure it is; else the spans' scores say it."
        ),
    ] = False,
    against: Annotated[
        list[Path],
        typer.Option(
            metavar="LAYER",
            help="Take the sentences where this layer, such as a language model's, differs. Repeatable.",
        ),
    ] = [],  # noqa: B006 — typer copies the default
    share: Annotated[
        float,
        typer.Option(
            "--random", min=0, max=1, help="Share that is drawn at random instead, from all sentences."
        ),
    ] = 0.2,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of that draw.")] = 1,
) -> None:
    """Select the sentences to annotate next: uncertain, unlike each other, balanced over labels and articles.

    Near-duplicates are left out; some are drawn at random. `push` shows annotators why each was selected.
    """
    from biaozhu.curation.select import reasons_path, select_sentences, stream_files, write_reasons
    from biaozhu.scale.corpus_stream import expand_globs
    from biaozhu.scale.shard_folders import place

    given = expand_globs(place(layer) for layer in layers)
    check_output(output, "layer", [*given, *against])
    check_output(reasons_path(output), "reasons", [*given, *against])
    if marginals and against:
        raise UsageError("--marginals and --against are two ways to judge", next_step="Give one of them")
    if aim == "diversity" and (marginals or against):
        raise UsageError(
            "--aim diversity asks no model and no layer", next_step="Leave out --marginals and --against"
        )
    judge = None
    if against:
        from biaozhu.curation.disagreements import judge_against

        judge = judge_against({one.id: one for one in read_layers(against)})
    elif marginals:
        from biaozhu.annotators.network.base import load_base
        from biaozhu.curation.uncertainty import make_judge

        judge = make_judge(load_base())
    files = find_pool(given)
    selected = select_sentences(stream_files(files), number, share=share, seed=seed, aim=aim, judge=judge)
    if not selected:
        raise UsageError(
            "the layers do not differ there, and no sentence is drawn at random"
            if against
            else "no span there has a score, and no sentence is drawn at random",
            next_step="Give a pre-annotated layer, --marginals, or --random 1",
        )
    write_layer(output, [one.sentence for one in selected])
    write_reasons(output, selected)
    articles = {one.sentence.article for one in selected}
    labels = Counter(label for one in selected for label in {span.label for span in one.sentence.spans})
    counts = ", ".join(f"{count} × {label}" for label, count in sorted(labels.items()))
    say(f"{len(selected)} sentences of {len(articles)} articles{f' ({counts})' if counts else ''}")


def find_pool(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Return the layers and shards among files, and in folders by name; ledgers and failures are left out.

    Raises:
        MissingFileError: a folder holds none, or only ledgers are named.
    """
    from biaozhu.scale.shard_folders import is_remote

    return find_layers(
        paths,
        suffixes=(".jsonl", ".jsonl.gz", ".jsonl.zst"),
        # An address is a file's: to ask the store whether it is a folder fails as reading it does, and later.
        is_folder=lambda path: not is_remote(path) and path.is_dir(),
    )
