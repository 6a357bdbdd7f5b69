"""Commands: read, split and table; and hints about articles that will not be annotated well."""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

from biaozhu.annotators.network.models import DEFAULT_MODEL, load_model
from biaozhu.commands.console import finish, name_first, print_json, print_table, say
from biaozhu.commands.options import layer_name
from biaozhu.data.errors import BiaozhuError, MissingFileError, UsageError, VersionError, raise_collected
from biaozhu.data.files import write_lines, write_text
from biaozhu.data.layers import find_layers, join_layers, read_layer
from biaozhu.data.model import Article, Sentence, check_against_raw, sentence_to_line
from biaozhu.data.outputs import check_distinct, check_output, check_outputs
from biaozhu.reading.article import count_passed_over, find_articles, find_unread, read_readable
from biaozhu.reading.sentences import split_article

if TYPE_CHECKING:
    from biaozhu.normalization.places import Place
    from biaozhu.normalization.table import Meaning, Row

CHINESE, KANA = "[㐀-䶿一-鿿豈-﫿\U00020000-\U0003ffff]", "[ぁ-ヿ]"
# Of the letters; an article about a company has many Latin ones.
MIN_CHINESE_SHARE, MAX_KANA_SHARE = 0.3, 0.1
_SHOWN = 60
# Of the places that are not resolved, a summary names so many.
_NAMED = 5
METADATA, BLOCK = attrgetter("title", "source", "author", "time"), attrgetter("section", "kind", "start", "end")
Sources = Annotated[
    list[Path], Argument(metavar="FILE", help="Articles, plain text or HTML, or folders of them; - for stdin.")
]
SavedText = Annotated[Path | None, Option(help="Save the text that offsets count in (for HTML: the extracted text).")]
AMOUNTS = ("place", "about", "amount", "low", "high", "unit", "sentence")
UNRESOLVED = ("place", "times", "status", "under", "may be", "sentence")


def is_chinese(text: str) -> bool:
    """Tell whether most letters of a text are Chinese characters, and hardly any are Japanese."""
    letters, chinese, kana = sum(map(str.isalpha, text)), len(re.findall(CHINESE, text)), len(re.findall(KANA, text))
    return not letters or (chinese >= MIN_CHINESE_SHARE * letters and kana <= MAX_KANA_SHARE * letters)


def say_where_little_is_found(articles: Iterable[Article]) -> None:
    """Name the articles whose text is not Chinese, or is furniture for the most part."""
    for article in articles:
        furniture = sum(block.end - block.start for block in article.blocks if block.kind == "furniture")
        if 2 * furniture > sum(block.end - block.start for block in article.blocks):
            say(f"hint: more than half of {article.name} is left out as page furniture; `biaozhu read` shows it")
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
        named = (_shorten_cell(one.name), one.id, one.encoding, *map(_shorten_cell, METADATA(one.metadata)))
        rows.append((*named, len(one.raw), 1 + sum(block.kind == "heading" for block in one.blocks)))
    metadata = ("title", "source", "author", "time")
    print_table("articles", ("article", "id", "encoding", *metadata, "code points", "sections"), rows)
    for article in articles:
        name, raw = _shorten_cell(article.name), article.raw
        cells = [(*BLOCK(one), _shorten_cell(raw[one.start : one.end])) for one in article.blocks]
        print_table(name, ("section", "kind", "start", "end", "text"), cells)
        if article.left_out:
            left_out = [(one.reason, _shorten_cell(one.text)) for one in article.left_out]
            print_table(f"{name}: left out of the page", ("reason", "text"), left_out)


def say_where_not_read(paths: Iterable[Path], *, stream: bool = False) -> None:
    """Count the files of a folder that are no articles, and name the subfolders with articles: only those directly in it are read.

    A stream reads JSONL, tables and packed files of a folder, too.
    """
    paths = list(paths)
    for folder in paths:
        if folder.is_dir() and (passed := count_passed_over(folder, stream=stream)):
            kinds = ", ".join(f"{count} × {kind}" for kind, count in passed.most_common())
            say(
                f"hint: not read in {folder}, since they are not articles (.txt, .html): {kinds}; save documents as .txt or .html"
            )
            if passed[".jsonl"]:
                say("hint: a .jsonl file beside articles is read only where a command is given its path")
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
    check_output(output, "layer", articles=files)
    check_distinct(output, text)
    articles, problems = _read_all(files, text)
    sentences = [sentence for article in articles for sentence in split_article(article)]
    lines = [sentence_to_line(sentence) for sentence in sentences]
    if output is None:
        sys.stdout.writelines(f"{line}\n" for line in lines)
    else:
        write_lines(output, lines)
    say(f"{len(lines)} sentences of {len(articles)} {'article' if len(articles) == 1 else 'articles'}")
    finish((), left_out=problems)


def _read_all(files: list[Path], text: Path | None) -> tuple[list[Article], tuple[BiaozhuError, ...]]:
    """Read every file before anything is written, and return the articles and what is wrong with the rest."""
    say_where_not_read(files)
    files = list(find_articles(files))
    if text is not None and len(files) > 1:
        raise UsageError("--text saves the text of one article", next_step="Give one FILE")
    articles, problems = read_readable(files)
    say_where_little_is_found(articles.values())
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
    fields = asdict(article)
    raw = fields.pop("raw")
    blocks = [{**one, "text": raw[one["start"] : one["end"]]} for one in fields["blocks"]]
    return {**fields, "blocks": blocks, "code_points": len(raw)}


def _shorten_cell(text: str) -> str:
    """Return a cell's text: cut, and without what would move the terminal's cursor or reorder its line."""
    cut = text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
    return "".join(c if c.isprintable() else "\u00b7" if c.isspace() else f"\\u{ord(c):04x}" for c in cut)


def table(
    files: Annotated[list[Path], Argument(metavar="ARTICLE")],
    *,
    layer: list[Path] = [],  # noqa: B006 — typer copies the default
    output: Annotated[Path | None, Option("-o", "--output")] = None,
    names: Annotated[Path | None, Option("--names", metavar="FILE")] = None,
    as_json: Annotated[bool, Option("--json")] = False,
) -> None:
    """Print the amounts of articles: value, unit, per what, and about which place.

    Options:
        files: Articles, plain text or HTML, or folders; - for stdin.
        layer: A layer with the spans, JSONL, or a folder; without one they are found. Repeatable.
        output: Write .csv or .parquet here instead of a table.
        names: Write each name here, .csv or .parquet: its label, how often and in which articles it stands, a place's path and status.
        as_json: Print rows, places and people as JSON instead of a table.
    """
    from biaozhu.normalization.names import NameRow, index_names
    from biaozhu.normalization.table import article_meaning, find_kind, in_words, place_in_words, write_table

    outputs = [one for one in (output, names) if one is not None]
    check_outputs(*((one, find_kind(one)) for one in outputs), inputs=layer, articles=files)
    say_where_not_read(files)
    read, problems = read_readable(find_articles(files))
    sentences = _from_layers(list(read.values()), layer) if layer else _found(list(read.values()))
    articles = [article for article in read.values() if article.id in sentences]
    lacking = [path for path, article in read.items() if article.id not in sentences]
    what, advice = "no layer given is of this article", "Give its layer with --layer"
    problems += tuple(MissingFileError(what, where=path, next_step=advice) for path in lacking)
    if not articles:
        raise_collected(problems)
    meanings = [article_meaning(article, sentences[article.id]) for article in articles]
    rows = [row for meaning in meanings for row in meaning.rows]
    if output is not None:
        write_table(output, rows)
        say(f"{len(rows)} amounts in {output}")
    if names is not None:
        indexed = index_names(zip(articles, (sentences[one.id] for one in articles), meanings, strict=True))
        write_table(names, indexed, NameRow)
        say(f"{len(indexed)} names in {names}")
    if as_json:
        print_json([_document(article, meaning) for article, meaning in zip(articles, meanings, strict=True)])
    elif not outputs:
        cells: list[tuple[object, ...]] = []
        for row in rows:
            high = None if row.high == row.low else row.high
            named = (place_in_words(row) or None, row.about or None, in_words(row), row.low, high, row.unit or None)
            cells.append((*named, row.sentence))
        print_table("Amounts", AMOUNTS, cells)
    places = [place for meaning in meanings for place in meaning.places]
    unknown = [place for place in places if place.status in ("unknown", "ambiguous")]
    if unknown and not as_json and not outputs:
        print_table("Places not resolved", UNRESOLVED, _unresolved(unknown))
    _say_what_is_open(rows, places, unknown)
    finish((), left_out=problems)


def _say_what_is_open(rows: Sequence[Row], places: Sequence[Place], unknown: Sequence[Place]) -> None:
    """Say which places are not resolved, and which amounts have no value."""
    known = len(places) - len(unknown)
    if lacking := list(dict.fromkeys(place.text for place in unknown)):
        say(
            f"places: {known} of {len(places)} resolved, {len(unknown)} unknown or ambiguous: {name_first(lacking, _NAMED)}"
        )
    else:
        say(f"places: {known} of {len(places)} resolved")
    if unread := [f"{row.text} ({row.article})" for row in rows if row.low is None]:
        first = name_first(unread, _NAMED)
        say(f"amounts: {len(unread)} of {len(rows)} could not be read as a value, which stays empty: {first}")


def _from_layers(articles: Sequence[Article], layers: Sequence[Path]) -> dict[str, list[Sentence]]:
    """Return the sentences of each article; of a folder's layers, or one of several articles, others take no part."""
    by_article: dict[str, list[Sentence]] = {article.id: [] for article in articles}
    read = [(path, read_layer(path)) for path in find_layers(layers)]
    given = [(path, dict.fromkeys(one.article for one in sentences)) for path, sentences in read if path in layers]
    strange = [(path, one) for path, ids in given if ids.keys().isdisjoint(by_article) for one in ids]
    raise_collected([VersionError(f"no article given has the id {one}", where=path) for path, one in strange])
    for sentence in join_layers(read):
        if sentence.article in by_article:
            by_article[sentence.article].append(sentence)
    for article in articles:
        check_against_raw(by_article[article.id], article.raw)
    return {one: layer for one, layer in by_article.items() if layer}


def _found(articles: Sequence[Article]) -> dict[str, list[Sentence]]:
    from biaozhu.annotators.preannotate import preannotate_articles

    found = preannotate_articles(articles, model=load_model(DEFAULT_MODEL))
    return {one.article.id: list(one.sentences) for one in found}


def _document(article: Article, meaning: Meaning) -> dict[str, Any]:
    from biaozhu.normalization.names import place_tree

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
