"""Commands: read, split, table, export and import; and hints about articles that will not be annotated well."""

from __future__ import annotations

import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

from biaozhu.annotators.network.models import DEFAULT_MODEL, load_model
from biaozhu.commands.console import finish, print_json, print_table, say
from biaozhu.commands.options import LABELS, AsJson, LabelsFile, LayerFile, layer_name
from biaozhu.data.errors import (
    BiaozhuError,
    DuplicateError,
    MissingFileError,
    UsageError,
    VersionError,
    raise_collected,
)
from biaozhu.data.files import write_bytes, write_lines, write_text
from biaozhu.data.labels import read_labels
from biaozhu.data.layers import (
    find_layers,
    join_layers,
    ledger_path,
    name_articles,
    read_layer,
    read_named_layers,
    write_layer,
)
from biaozhu.data.ledger import Entry, write_ledger
from biaozhu.data.model import Article, Sentence, check_against_raw, sentence_to_line
from biaozhu.data.outputs import check_distinct, check_output
from biaozhu.formats.documents import Format, OffsetUnit

if TYPE_CHECKING:
    from biaozhu.normalization.addresses import Place
    from biaozhu.normalization.table import Meaning

CHINESE = re.compile("[㐀-䶿一-鿿豈-﫿\U00020000-\U0003ffff]")
KANA = re.compile("[ぁ-ヿ]")
# Of the letters; an article about a company has many Latin ones.
MIN_CHINESE_SHARE, MAX_KANA_SHARE = 0.3, 0.1
_SHOWN = 60
# Of the places that are not resolved, a summary names so many.
_NAMED = 5
METADATA, BLOCK = attrgetter("title", "source", "author", "time"), attrgetter("section", "kind", "start", "end")
Sources = Annotated[list[Path], Argument(metavar="FILE", help="Articles, plain text or HTML, or folders of them.")]
SavedText = Annotated[Path | None, Option(help="Save the text that offsets count in (for HTML: the extracted text).")]
AMOUNTS = ("place", "about", "amount", "low", "high", "unit", "sentence")
UNRESOLVED = ("place", "times", "status", "under", "may be", "sentence")


def is_chinese(text: str) -> bool:
    """Tell whether most letters of a text are Chinese characters, and hardly any are Japanese."""
    letters, chinese, kana = sum(map(str.isalpha, text)), len(CHINESE.findall(text)), len(KANA.findall(text))
    return not letters or (chinese >= MIN_CHINESE_SHARE * letters and kana <= MAX_KANA_SHARE * letters)


def say_where_not_chinese(articles: Iterable[Article]) -> None:
    """Name the articles whose text is not Chinese."""
    for article in articles:
        if not is_chinese(article.raw):
            say(f"hint: {article.name} is not Chinese text; biaozhu finds little in it")


def read(
    files: Sources,
    *,
    text: SavedText = None,
    as_json: Annotated[bool, Option("--json", help="Print JSON, with full texts and offsets.")] = False,
) -> None:
    """Show the blocks of articles (furniture, title, headings, captions, paragraphs), their metadata, what is left out."""
    articles, problems = _read_all(files, text)
    if as_json:
        print_json([_as_json(article) for article in articles])
    else:
        _print_articles(articles)
    finish((), left_out=problems)


def _print_articles(articles: Sequence[Article]) -> None:
    rows: list[tuple[object, ...]] = []
    for one in articles:
        sections = 1 + sum(block.kind == "heading" for block in one.blocks)
        named = (_shown(one.name), one.id, one.encoding, *map(_shown, METADATA(one.metadata)))
        rows.append((*named, len(one.raw), sections))
    metadata = ("title", "source", "author", "time")
    print_table("articles", ("article", "id", "encoding", *metadata, "code points", "sections"), rows)
    for article in articles:
        name, raw = _shown(article.name), article.raw
        cells = [(*BLOCK(one), _shown(raw[one.start : one.end])) for one in article.blocks]
        print_table(name, ("section", "kind", "start", "end", "text"), cells)
        if article.left_out:
            left_out = [(one.reason, _shown(one.text)) for one in article.left_out]
            print_table(f"{name}: left out of the page", ("reason", "text"), left_out)


def say_where_not_read(paths: Iterable[Path]) -> None:
    """Name the subfolders whose articles are not read: only those directly in a folder are."""
    from biaozhu.reading.article import find_unread

    for folder in find_unread(paths):
        say(f"hint: the articles in {folder} are not read: only those directly in a folder that is named are")


def split(
    files: Sources,
    *,
    output: Annotated[
        Path | None,
        Option("--output", "-o", metavar="OUT.jsonl", callback=layer_name, help="Write here instead of to stdout."),
    ] = None,
    text: SavedText = None,
) -> None:
    """Cut articles into sentences: one JSON line each, with offsets into the article's text."""
    from biaozhu.reading.sentences import split_checked

    check_output(output, "layer", articles=files)
    check_distinct(output, text)
    articles, problems = _read_all(files, text)
    sentences = [sentence for article in articles for sentence in split_checked(article)]
    lines = [sentence_to_line(sentence) for sentence in sentences]
    if output is None:
        sys.stdout.writelines(f"{line}\n" for line in lines)
    else:
        write_lines(output, lines)
    say(f"{len(lines)} sentences of {len(articles)} {'article' if len(articles) == 1 else 'articles'}")
    finish((), left_out=problems)


def _read_all(files: list[Path], text: Path | None) -> tuple[list[Article], tuple[BiaozhuError, ...]]:
    """Read every file before anything is written, and return the articles and what is wrong with the rest."""
    from biaozhu.reading.article import find_articles, read_readable

    say_where_not_read(files)
    files = list(find_articles(files))
    if text is not None and len(files) > 1:
        raise UsageError("--text saves the text of one article", next_step="Give one FILE")
    articles, problems = read_readable(files)
    say_where_not_chinese(articles.values())
    hint = f"saved as {text}" if text else "--text OUT.txt saves it"
    for path, article in articles.items():
        form, _, encoding = article.encoding.rpartition(":")
        if form == "html":
            say(f"{path}: HTML ({encoding}); offsets are those of the extracted text ({hint})")
        elif form == "joined":
            say(f"{path}: hard-wrapped lines joined; offsets are those of the joined text ({hint})")
        elif encoding != "utf-8":
            say(f"{path}: decoded as {encoding}")
    if text is not None:
        raw = next(iter(articles.values())).raw
        check_output(text, "text", articles=files, content=raw.encode("utf-8"))
        write_text(text, raw)
    return list(articles.values()), problems


def _as_json(article: Article) -> dict[str, Any]:
    return {
        **{key: getattr(article, key) for key in ("id", "name", "sha256", "encoding")},
        "code_points": len(article.raw),
        "metadata": asdict(article.metadata),
        "blocks": [{**asdict(one), "text": article.raw[one.start : one.end]} for one in article.blocks],
        "left_out": [asdict(one) for one in article.left_out],
    }


def _shown(text: str) -> str:
    """Return a cell's text: cut, and without what would move the terminal's cursor or reorder its line."""
    cut = text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
    return "".join(c if c.isprintable() else "\u00b7" if c.isspace() else f"\\u{ord(c):04x}" for c in cut)


def table(
    files: Annotated[list[Path], Argument(metavar="ARTICLE", help="Articles, plain text or HTML, or folders.")],
    *,
    layer: list[Path] = [],  # noqa: B006 — typer copies the default
    output: Annotated[Path | None, Option("-o", "--output")] = None,
    as_json: Annotated[bool, Option("--json")] = False,
) -> None:
    """Print the amounts of articles: value, unit, per what, and about which place.

    Options:
        layer: A layer with the spans, JSONL, or a folder; without one they are found. Repeatable.
        output: Write .csv or .parquet here instead of a table.
        as_json: Print rows, places and people as JSON instead of a table.
    """
    from biaozhu.normalization.table import article_meaning, in_words, place_in_words, write_table
    from biaozhu.reading.article import find_articles, read_readable

    is_parquet = output is not None and output.suffix == ".parquet"
    check_output(output, "parquet" if is_parquet else "csv", layer, articles=files)
    say_where_not_read(files)
    read, problems = read_readable(find_articles(files))
    sentences = _from_layers(list(read.values()), layer) if layer else _found(list(read.values()))
    articles = [article for article in read.values() if article.id in sentences]
    advice = "Give its layer with --layer"
    problems += tuple(
        MissingFileError("no layer given is of this article", where=str(path), next_step=advice)
        for path, article in read.items()
        if article.id not in sentences
    )
    meanings = [article_meaning(article, sentences[article.id]) for article in articles]
    rows = [row for meaning in meanings for row in meaning.rows]
    if output is not None:
        write_table(output, rows)
        say(f"{len(rows)} amounts in {output}")
    if as_json:
        print_json([_document(article, meaning) for article, meaning in zip(articles, meanings, strict=True)])
    elif output is None:
        cells: list[tuple[object, ...]] = []
        for row in rows:
            high = None if row.high == row.low else row.high
            named = (place_in_words(row) or None, row.about or None, in_words(row), row.low, high, row.unit or None)
            cells.append((*named, row.sentence))
        print_table("Amounts", AMOUNTS, cells)
    places = [place for meaning in meanings for place in meaning.places]
    unknown = [place for place in places if place.status in ("unknown", "ambiguous")]
    if unknown and not as_json and output is None:
        print_table("Places not resolved", UNRESOLVED, _unresolved(unknown))
    known = len(places) - len(unknown)
    if names := list(dict.fromkeys(place.text for place in unknown)):
        first = ", ".join(names[:_NAMED]) + " …" * (len(names) > _NAMED)
        say(f"places: {known} of {len(places)} resolved, {len(unknown)} unknown or ambiguous: {first}")
    else:
        say(f"places: {known} of {len(places)} resolved")
    unread = [(row.sentence, row.start, row.end, "AMOUNT", row.text) for row in rows if row.low is None]
    lost = [Entry("table", "loss", "value not read", *place) for place in unread]
    finish(lost, left_out=problems)


def _from_layers(articles: Sequence[Article], layers: Sequence[Path]) -> dict[str, list[Sentence]]:
    by_article: dict[str, list[Sentence]] = {article.id: [] for article in articles}
    problems: list[BiaozhuError] = []
    read = [(path, read_layer(path)) for path in find_layers(layers)]
    for path, sentences in read:
        strange = dict.fromkeys(one.article for one in sentences if one.article not in by_article)
        problems += [VersionError(f"no article given has the id {one}", where=str(path)) for one in strange]
    raise_collected(problems)
    for sentence in join_layers(read):
        by_article[sentence.article].append(sentence)
    for article in articles:
        check_against_raw(by_article[article.id], article.raw)
    return {one: layer for one, layer in by_article.items() if layer}


def _found(articles: Sequence[Article]) -> dict[str, list[Sentence]]:
    from biaozhu.annotators.preannotate import preannotate_articles

    found = preannotate_articles(articles, model=load_model(DEFAULT_MODEL))
    return {one.article.id: list(one.sentences) for one in found}


def _document(article: Article, meaning: Meaning) -> dict[str, Any]:
    from biaozhu.normalization.addresses import place_tree

    rows, places = ([asdict(one) for one in some] for some in (meaning.rows, meaning.places))
    tree, people = place_tree(meaning.places), asdict(meaning.people)
    return {"article": article.name, "rows": rows, "places": places, "tree": tree, "people": people}


def _unresolved(places: Sequence[Place]) -> list[list[object]]:
    """Return one row for each name that has no path here: how often it stands, where, and what it may be."""
    by_name: dict[tuple[str, tuple[str, ...]], list[Place]] = defaultdict(list)
    for place in places:
        by_name[place.text, place.under].append(place)
    rows: list[list[object]] = []
    for (name, under), (first, *more) in by_name.items():
        may_be = "; ".join("/".join(candidate.path) for candidate in first.candidates) or None
        rows.append([name, 1 + len(more), first.status, "/".join(under) or None, may_be, first.sentence])
    return rows


FormatName = Annotated[Format, Option("--format", "-f", help="The other format.")]


def export(
    layers: Annotated[list[Path], Argument(metavar="LAYER", help="Layers (.jsonl), or folders.")],
    *,
    into: FormatName,
    output: Annotated[Path, Option("--output", "-o", help="The file; for brat the folder.")],
    labels: LabelsFile = LABELS,
    as_json: AsJson = False,
) -> None:
    """Write layers in the format of another tool."""
    from biaozhu.formats.convert import NOT_CARRIED, export_layer

    names = {label.id: label.name for label in read_labels(labels)}
    named = read_named_layers(layers, labels=names)
    sentences = [sentence for _, layer in named for sentence in layer]
    if twice := [one for one, count in Counter(sentence.id for sentence in sentences).items() if count > 1]:
        raise DuplicateError("two of the layers have it", where=twice[0], next_step="Export them one by one")
    made = export_layer(sentences, into, names=names, articles=name_articles(named))
    written = {output / name if name else output: content for name, content in made.files.items()}
    for path in (output, *written):
        check_output(path, into, layers)
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
    of: FormatName,
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
    from biaozhu.reading.article import read_article

    if output.suffix != ".jsonl":
        raise UsageError("a layer is a .jsonl file", where=str(output), next_step="Give -o LAYER.jsonl")
    check_output(output, "layer", [file], articles=[article])
    if ledger:
        check_output(ledger_path(output), "ledger", [file], articles=[article])
    label_set = read_labels(labels)
    names = {label.name: label.id for label in label_set}
    documents = read_documents(file, of, names=names, renamed=dict(map(_parse_pair, rename or ())), unit=units)
    imported = import_documents(documents, article=read_article(article) if article else None, split=split)
    raws = imported.raws.items()
    written = {output.with_suffix(f".{name}.txt" if name else ".txt"): raw for name, raw in raws}
    what = "another text stands where this layer's article would be written"
    advice = "Give another -o, or --article if it is the article of these texts"
    others = [path for path, raw in written.items() if path.exists() and path.read_bytes() != raw.encode()]
    raise_collected([UsageError(what, where=str(path), next_step=advice) for path in others])
    for path, raw in written.items():
        write_text(path, raw)
    write_layer(output, imported.sentences)
    if ledger:
        write_ledger(ledger_path(output), imported.entries)
    if as_json:
        more = {"format": of, "articles": [str(one) for one in written]}
        _print(imported.sentences, imported.entries, more)
    else:
        spans = sum(len(sentence.spans) for sentence in imported.sentences)
        say(f"{spans} spans in {len(imported.sentences)} sentences written to {output}")
        for path in written:
            say(f"the article of these sentences: {path}")
        known = {label.id for label in label_set}
        found = [span.label for sentence in imported.sentences for span in sentence.spans]
        for one, count in Counter(label for label in found if label not in known).most_common():
            say(f"{count} spans have a label that the label set lacks: {one!r}; --map {one}=OURS renames it")
    finish(imported.entries)


def _parse_pair(pair: str) -> tuple[str, str]:
    theirs, _, ours = pair.rpartition("=")
    if not (theirs and ours):
        raise UsageError(f"--map {pair} names no two labels", next_step="Write --map LOC=PLACE")
    return theirs, ours


def _print(sentences: Sequence[Sentence], entries: Sequence[Entry], more: Mapping[str, object]) -> None:
    spans = sum(len(sentence.spans) for sentence in sentences)
    lost = [asdict(entry) for entry in entries if entry.severity == "loss"]
    print_json({**more, "sentences": len(sentences), "spans": spans, "losses": lost})
