"""Commands: select, what to annotate next; doubt, what to look at again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote

from typer import Argument, Option

from biaozhu.commands.console import print_json, print_table, say
from biaozhu.commands.doccano.specs import log_in
from biaozhu.commands.options import LOCAL, AsJson, Home, layer_name
from biaozhu.curation.adjudication import judge_against
from biaozhu.curation.doubts import Doubt, apply_doubts, count_by_check, doubted_spans, rank_doubts
from biaozhu.curation.frozen import read_gold
from biaozhu.data.errors import DuplicateError, UsageError
from biaozhu.data.layers import find_layers, read_layer, read_layers, write_layer
from biaozhu.data.model import Sentence, Span
from biaozhu.data.outputs import check_output

# As in `biaozhu.curation.select`, which is imported when the command runs.
Aim = Literal["both", "uncertainty", "diversity"]
CONTEXT_CHARS = 12


def select(
    layers: Annotated[list[str], Argument(metavar="LAYER...")],
    *,
    number: Annotated[int, Option("--number", "-n", min=1, help="How many sentences to select.")],
    output: Annotated[Path, Option("--output", "-o", metavar="OUT")],
    aim: Aim = "both",
    marginals: Annotated[bool, Option("--marginals")] = False,
    against: Annotated[list[Path], Option(metavar="LAYER")] = [],  # noqa: B006 — typer copies the default
    share: Annotated[float, Option("--random", min=0, max=1)] = 0.2,
    seed: Annotated[int, Option("--seed", min=0, help="Seed of that draw.")] = 1,
) -> None:
    """Select the sentences to annotate next: uncertain, unlike each other, balanced over labels and articles.

    Near-duplicates are left out; some are drawn at random. `push` shows annotators why each was selected.

    Options:
        layers: Pre-annotated layers or shards, or folders of them: .jsonl, .gz, .zst; patterns.
        output: The layer to write; OUT.reasons.json says why.
        aim: Uncertain ones that are unlike each other, or only one of the two.
        marginals: Ask the default network how sure it is; else the spans' scores say it.
        against: Take the sentences where this layer, such as a language model's, differs. Repeatable.
        share: Share that is drawn at random instead, from all sentences.
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
        advice = "Leave out --marginals and --against"
        raise UsageError("--aim diversity asks no model and no layer", next_step=advice)
    judge = None
    if against:
        judge = judge_against({one.id: one for one in read_layers(against)})
    elif marginals:
        from biaozhu.annotators.network.models import load_tagger
        from biaozhu.curation.probabilities import make_judge

        judge = make_judge(load_tagger())
    files = find_pool(given)
    selected = select_sentences(stream_files(files), number, share=share, seed=seed, aim=aim, judge=judge)
    if not selected:
        lacking = "the layers do not differ there" if against else "no span there has a score"
        advice = "Give a pre-annotated layer, --marginals, or --random 1"
        raise UsageError(f"{lacking}, and no sentence is drawn at random", next_step=advice)
    write_layer(output, [one.sentence for one in selected])
    write_reasons(output, selected)
    articles = {one.sentence.article for one in selected}
    labels = Counter(label for one in selected for label in {span.label for span in one.sentence.spans})
    counts = ", ".join(f"{count} × {label}" for label, count in sorted(labels.items()))
    say(f"{len(selected)} sentences of {len(articles)} articles{f' ({counts})' if counts else ''}")


def find_pool(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Return the layers and shards among files, and in folders by name; MissingFileError where there is none."""
    from biaozhu.scale.shard_folders import is_remote

    return find_layers(
        paths,
        suffixes=(".jsonl", ".jsonl.gz", ".jsonl.zst"),
        # An address is a file's: to ask the store whether it is a folder fails as reading it does, and later.
        is_folder=lambda path: not is_remote(path) and path.is_dir(),
    )


def doubt(
    layers: Annotated[list[Path], Argument(metavar="GOLD_OR_LAYER…")],
    *,
    number: Annotated[int, Option("-n", "--number", min=1, help="How many to show and write.")] = 200,
    output: Annotated[Path | None, Option("-o", "--output", metavar="LAYER", callback=layer_name)] = None,
    held_out: list[Path] | None = None,
    project: Annotated[str, Option(help="Link to this Doccano project.")] = "",
    home: Home = LOCAL,
    as_json: AsJson = False,
) -> None:
    """Rank the likely errors of gold or a layer: rules of the guideline, like places, a model's probabilities.

    Probabilities are those of --held-out, else of the default network. Decide on what is found with `adjudicate LAYER
    OUTPUT`, where OUTPUT is what -o wrote into a folder of its own.

    Options:
        layers: Gold or layers (.jsonl), or folders.
        output: Write the layer as it would be if all of them were right.
        held_out: Held-out predictions of the same sentences (`crossval -o`). Repeatable.
    """
    from biaozhu.curation.lint import lint_layer
    from biaozhu.curation.probabilities import find_improbable, read_by_layer, read_by_network
    from biaozhu.curation.surfaces import find_inconsistent

    check_output(output, "layer", [*layers, *(held_out or ())])
    layer = _read_once(layers)
    address = ""
    if project:
        from biaozhu.doccano.project import require_project

        address = require_project(log_in(home), project).url
    if held_out:
        readings = read_by_layer(layer, [one for file in find_layers(held_out) for one in read_layer(file)])
    else:
        from biaozhu.annotators.network.models import load_tagger

        readings = read_by_network(layer, load_tagger())
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
                what = f"{sentence.id} is in another file too"
                raise DuplicateError(what, where=str(file), next_step="Give one layer of each article")
            found[sentence.id] = sentence
    return tuple(found.values())


def _make_row(one: Doubt, sentence: Sentence, address: str) -> Mapping[str, object]:
    text, start, end = sentence.text, one.start, one.end
    # Doccano finds the sentence by its text: its own order of examples is not unique.
    link = f"{address}&q={quote(text)}" if address else ""
    return {
        **{key: getattr(one, key) for key in ("score", "reason", "by", "sentence", "start", "end")},
        "text": f"{text[max(0, start - CONTEXT_CHARS) : start]}【{text[start:end]}】{text[end : end + CONTEXT_CHARS]}",
        "now": _show(doubted_spans(sentence, one), text),
        "right": _show(one.right, text),
        "link": link,
    }


def _show(spans: Sequence[Span], text: str) -> list[dict[str, object]]:
    found = ((one.start, one.end, one.label, text[one.start : one.end]) for one in spans)
    return [dict(zip(("start", "end", "label", "text"), each, strict=True)) for each in found]
