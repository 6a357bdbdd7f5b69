"""Commands: export and import, a layer in the format of another tool and back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from biaozhu.commands.console import finish, print_json, say
from biaozhu.commands.options import LABELS, AsJson, LabelsFile, LayerFile
from biaozhu.data.errors import DuplicateError, LabelError, UsageError, raise_collected
from biaozhu.data.files import write_bytes, write_text
from biaozhu.data.labels import advise_on_label, read_labels
from biaozhu.data.layers import ledger_path, name_articles, read_named_layers, write_layer
from biaozhu.data.ledger import Entry, write_ledger
from biaozhu.data.model import Sentence
from biaozhu.data.outputs import check_output, check_outputs
from biaozhu.formats.documents import ExportFormat, Format, OffsetUnit
from biaozhu.reading.article import read_article
from biaozhu.reading.sentences import split_text

# Of the articles that an import made, a summary names so many.
_NAMED = 5
FORMAT = Option("--format", "-f", help="The other format.")


def export(
    layers: Annotated[list[Path], Argument(metavar="LAYER", help="Layers (.jsonl), or folders.")],
    *,
    into: Annotated[ExportFormat, FORMAT],
    output: Annotated[Path, Option("--output", "-o", help="The file; for brat the folder.")],
    labels: LabelsFile = LABELS,
    as_json: AsJson = False,
) -> None:
    """Write layers in the format of another tool, or their spans as a table (csv)."""
    from biaozhu.formats.convert import NOT_CARRIED, export_layer

    names = {label.id: label.name for label in read_labels(labels)}
    named = read_named_layers(layers, labels=names)
    sentences = [sentence for _, layer in named for sentence in layer]
    if twice := [one for one, count in Counter(sentence.id for sentence in sentences).items() if count > 1]:
        raise DuplicateError("two of the layers have it", where=twice[0], next_step="Export them one by one")
    made = export_layer(sentences, into, names=names, articles=name_articles(named))
    written = {output / name if name else output: content for name, content in made.files.items()}
    for path in (output, *written):
        check_output(path, into, layers, content=written.get(path))
    for path, content in written.items():
        write_bytes(path, content)
    spans = sum(len(sentence.spans) for sentence in sentences)
    if as_json:
        _print(sentences, made.entries, {"format": into, "written": spans - len(made.entries)})
    else:
        say(f"{spans - len(made.entries)} of {spans} spans in {len(sentences)} sentences written to {output}")
        if into in NOT_CARRIED:
            say(NOT_CARRIED[into])
    finish(made.entries)


def import_(
    file: Annotated[Path, Argument(metavar="FILE", help="The file; for brat also a folder.")],
    *,
    of: Annotated[Format, FORMAT],
    output: LayerFile,
    article: Annotated[Path | None, Option(metavar="SEED")] = None,
    rename: Annotated[list[str] | None, Option("--map", metavar="THEIRS=OURS")] = None,
    units: OffsetUnit | None = None,
    split: Annotated[bool, Option("--split", help="Cut texts into sentences, never inside a span.")] = False,
    ledger: Annotated[bool, Option("--ledger")] = False,
    labels: LabelsFile = LABELS,
    as_json: AsJson = False,
) -> None:
    """Make a layer of another tool's annotations.

    Texts that do not carry sentence ids of biaozhu become an article of their own, whose raw file is written beside
    the layer.

    Options:
        article: The article whose sentences the file's texts are.
        rename: A label of theirs and what we call it; repeat it.
        units: What the file's offsets count; else what the format's tool counts.
        ledger: Also write what could not come over to LAYER.ledger.jsonl.
    """
    from biaozhu.formats.convert import import_documents, read_documents

    if output.suffix != ".jsonl":
        raise UsageError("a layer is a .jsonl file", where=output, next_step="Give -o LAYER.jsonl")
    lost = ledger_path(output) if ledger else None
    check_outputs((output, "layer"), (lost, "ledger"), inputs=[file], articles=[article])
    label_set = read_labels(labels)
    names = {label.name: label.id for label in label_set}
    known, pairs = {label.id for label in label_set}, set(map(_parse_pair, rename or ()))
    renamed = dict(pairs)
    if twice := [theirs for theirs, count in Counter(theirs for theirs, _ in pairs).items() if count > 1]:
        raise UsageError(f"--map gives {twice[0]} two names", next_step="Give it one")
    advice, there = advise_on_label(labels), ", ".join(sorted(known))
    problems = [
        LabelError(f"unknown label {ours!r}, there are {there}", where=f"--map {theirs}={ours}", next_step=advice)
        for theirs, ours in renamed.items()
        if ours not in known
    ]
    raise_collected(problems)
    documents = read_documents(file, of, names=names, renamed=renamed, unit=units)
    imported = import_documents(documents, article=read_article(article) if article else None, split=split)
    raws = imported.raws
    written = {output.with_suffix(f".{name}.txt" if name else ".txt"): raw for name, raw in raws.items()}
    what = "another text stands where this layer's article would be written"
    advice = "Give another -o, or --article if it is the article of these texts"
    others = [path for path, raw in written.items() if path.exists() and path.read_bytes() != raw.encode()]
    raise_collected([UsageError(what, where=path, next_step=advice) for path in others])
    for path, raw in written.items():
        write_text(path, raw)
    write_layer(output, imported.sentences)
    if lost:
        write_ledger(lost, imported.entries)
    if as_json:
        _print(imported.sentences, imported.entries, {"format": of, "articles": list(map(str, written))})
    else:
        cuts = 0 if split else sum(len(split_text(raw)) for raw in raws.values())
        _say_imported(output, list(written), imported.sentences, known=known, labels=labels)
        if cuts > 2 * len(documents):
            say(f"hint: --split would cut these {len(documents)} texts into {cuts} sentences")
    finish(imported.entries)


def _say_imported(
    output: Path, articles: Sequence[Path], sentences: Sequence[Sentence], *, known: Collection[str], labels: Path
) -> None:
    found = Counter(span.label for sentence in sentences for span in sentence.spans)
    say(f"{found.total()} spans in {len(sentences)} sentences written to {output}")
    for path in articles[:_NAMED]:
        say(f"the article of these sentences: {path}")
    if len(articles) > _NAMED:
        say(f"… and {len(articles) - _NAMED} more articles beside it")
    for one, count in found.most_common():
        if one not in known:
            advice = f"--map {one}=OURS renames it. {advise_on_label(labels)}"
            say(f"{count} spans have a label that the label set lacks: {one!r}; {advice}")


def _parse_pair(pair: str) -> tuple[str, str]:
    theirs, _, ours = pair.rpartition("=")
    if not (theirs and ours):
        raise UsageError(f"--map {pair} names no two labels", next_step="Write --map LOC=PLACE")
    return theirs, ours


def _print(sentences: Sequence[Sentence], entries: Sequence[Entry], more: Mapping[str, object]) -> None:
    spans = sum(len(sentence.spans) for sentence in sentences)
    lost = [asdict(entry) for entry in entries if entry.severity == "loss"]
    print_json({**more, "sentences": len(sentences), "spans": spans, "losses": lost})
