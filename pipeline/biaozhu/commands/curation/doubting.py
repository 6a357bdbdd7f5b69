"""Command: doubt."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 — typer reads the annotations when it runs
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import typer

from biaozhu.commands.console import print_json, print_table, say
from biaozhu.commands.options import LOCAL, AsJson, Home, layer_name
from biaozhu.curation.doubts import apply_doubts, count_by_check, doubted_spans, rank_doubts
from biaozhu.curation.frozen import read_gold
from biaozhu.data.errors import DuplicateError
from biaozhu.data.layers import find_layers, read_layer, write_layer
from biaozhu.data.outputs import check_output

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from biaozhu.curation.doubts import Doubt
    from biaozhu.data.model import Sentence, Span

CONTEXT_CHARS = 12


def register(app: typer.Typer) -> None:
    """Add the command of this area."""
    app.command()(doubt)


def doubt(
    layers: Annotated[
        list[Path], typer.Argument(metavar="GOLD_OR_LAYER…", help="Gold or layers (.jsonl), or folders.")
    ],
    *,
    number: Annotated[int, typer.Option("-n", "--number", min=1, help="How many to show and write.")] = 200,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="LAYER",
            callback=layer_name,
            help="Write the layer as it would be if all of them were right.",
        ),
    ] = None,
    held_out: Annotated[
        list[Path] | None,
        typer.Option(help="Held-out predictions of the same sentences (`crossval -o`). Repeatable."),
    ] = None,
    project: Annotated[str, typer.Option(help="Link to this Doccano project.")] = "",
    home: Home = LOCAL,
    as_json: AsJson = False,
) -> None:
    """Rank the likely errors of gold or a layer: rules of the guideline, like places, a model's probabilities.

    Probabilities are those of --held-out, else of the default network. Decide on what is found with `adjudicate LAYER
    OUTPUT`, where OUTPUT is what -o wrote into a folder of its own.
    """
    from biaozhu.curation.lint import lint_layer
    from biaozhu.curation.probabilities import find_improbable, read_by_layer, read_by_network
    from biaozhu.curation.surfaces import find_inconsistent

    check_output(output, "layer", [*layers, *(held_out or ())])
    layer = _read_once(layers)
    address = _find_project(project, home) if project else ""
    if held_out:
        readings = read_by_layer(layer, [one for file in find_layers(held_out) for one in read_layer(file)])
    else:
        from biaozhu.annotators.network.base import load_base

        readings = read_by_network(layer, load_base())
    every = rank_doubts((*lint_layer(layer), *find_inconsistent(layer), *find_improbable(layer, readings)))
    by_id = {sentence.id: sentence for sentence in layer}
    rows = [_make_row(one, by_id[one.sentence], address) for one in every[:number]]
    if output is not None:
        write_layer(output, apply_doubts(layer, every[:number]))
    if as_json:
        print_json(rows)
    else:
        columns = [key for key in ("score", "reason", "sentence", "text", "link") if key != "link" or address]
        print_table("Likely errors", columns, [[row[key] for key in columns] for row in rows])
    found = ", ".join(f"{count} × {name}" for name, count in count_by_check(every).items())
    say(f"{len(every)} doubts in {len(layer)} sentences{f' ({found})' if found else ''}, {len(rows)} shown")


def _read_once(paths: Sequence[Path]) -> tuple[Sentence, ...]:
    found: dict[str, Sentence] = {}
    for file in find_layers(paths):
        for sentence in read_gold(file):
            if sentence.id in found:
                raise DuplicateError(
                    f"{sentence.id} is in another file too",
                    where=str(file),
                    next_step="Give one layer of each article",
                )
            found[sentence.id] = sentence
    return tuple(found.values())


def _find_project(name: str, home: Path) -> str:
    from biaozhu.commands.doccano.specs import log_in
    from biaozhu.doccano.project import require_project

    return require_project(log_in(home), name).url


def _make_row(one: Doubt, sentence: Sentence, address: str) -> Mapping[str, object]:
    text, start, end = sentence.text, one.start, one.end
    # Doccano finds the sentence by its text: its own order of examples is not unique.
    link = f"{address}&q={quote(text)}" if address else ""
    return {
        "score": one.score,
        "reason": one.reason,
        "by": list(one.by),
        "sentence": one.sentence,
        "start": start,
        "end": end,
        "text": f"{text[max(0, start - CONTEXT_CHARS) : start]}【{text[start:end]}】{text[end : end + CONTEXT_CHARS]}",
        "now": _show(doubted_spans(sentence, one), text),
        "right": _show(one.right, text),
        "link": link,
    }


def _show(spans: Sequence[Span], text: str) -> list[dict[str, object]]:
    return [
        {"start": span.start, "end": span.end, "label": span.label, "text": text[span.start : span.end]}
        for span in spans
    ]
