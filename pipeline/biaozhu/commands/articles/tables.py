"""Commands: table."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path  # noqa: TC003 — typer reads the annotations when it runs
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

from biaozhu.annotators.network.models import load_model
from biaozhu.commands.console import finish, print_json, print_table, say
from biaozhu.data.errors import BiaozhuError, DuplicateError, VersionError, raise_collected
from biaozhu.data.layers import find_layers, read_layer
from biaozhu.data.ledger import Entry
from biaozhu.data.model import check_against_raw
from biaozhu.data.outputs import check_output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from biaozhu.data.model import Article, Sentence
    from biaozhu.normalization.addresses import Place
    from biaozhu.normalization.table import Meaning, Row

SHOWN = ("place", "about", "amount", "low", "high", "unit", "sentence")
UNRESOLVED = ("place", "times", "status", "under", "may be", "sentence")


def table(
    files: Annotated[
        list[Path], Argument(metavar="ARTICLE...", help="Articles, plain text or HTML, or folders.")
    ],
    *,
    layer: Annotated[
        list[Path],
        Option(
            "--layer",
            help="A layer with the spans, JSONL, or a folder; without one they are found. Repeatable.",
        ),
    ] = [],  # noqa: B006 — typer copies the default
    output: Annotated[
        Path | None, Option("-o", "--output", help="Write .csv or .parquet here instead of a table.")
    ] = None,
    as_json: Annotated[
        bool, Option("--json", help="Print rows, places and people as JSON instead of a table.")
    ] = False,
) -> None:
    """Print the amounts of articles: value, unit, per what, and about which place."""
    from biaozhu.normalization.table import article_meaning, write_table
    from biaozhu.reading.article import find_articles, read_readable

    is_parquet = output is not None and output.suffix == ".parquet"
    check_output(output, "parquet" if is_parquet else "csv", layer, articles=files)
    read, problems = read_readable(find_articles(files))
    articles = list(read.values())
    sentences = _from_layers(articles, layer) if layer else _found(articles)
    meanings = [article_meaning(article, sentences[article.id]) for article in articles]
    rows = [row for meaning in meanings for row in meaning.rows]
    if output is not None:
        write_table(output, rows)
        say(f"{len(rows)} amounts in {output}")
    if as_json:
        print_json([_document(article, meaning) for article, meaning in zip(articles, meanings, strict=True)])
    elif output is None:
        print_table("Amounts", SHOWN, [_shown(row) for row in rows])
    places = [place for meaning in meanings for place in meaning.places]
    unknown = [place for place in places if place.status in ("unknown", "ambiguous")]
    if unknown and not as_json and output is None:
        print_table("Places not resolved", UNRESOLVED, _unresolved(unknown))
    say(
        f"places: {len(places) - len(unknown)} of {len(places)} resolved, {len(unknown)} unknown or ambiguous"
    )
    finish(_unread(rows), left_out=problems)


def _from_layers(articles: Sequence[Article], layers: Sequence[Path]) -> dict[str, list[Sentence]]:
    by_article: dict[str, list[Sentence]] = {article.id: [] for article in articles}
    problems: list[BiaozhuError] = []
    seen: set[str] = set()
    for path in find_layers(layers):
        sentences = read_layer(path)
        strange = dict.fromkeys(one.article for one in sentences if one.article not in by_article)
        problems += [VersionError(f"no article given has the id {one}", where=str(path)) for one in strange]
        for sentence in sentences:
            if sentence.article in strange:
                continue
            if sentence.id in seen:
                problems.append(DuplicateError(f"{sentence.id} is in another layer too", where=str(path)))
            else:
                seen.add(sentence.id)
                by_article[sentence.article].append(sentence)
    raise_collected(problems)
    for article in articles:
        check_against_raw(by_article[article.id], article.raw)
    return by_article


def _found(articles: Sequence[Article]) -> dict[str, list[Sentence]]:
    from biaozhu.annotators.preannotate import preannotate_articles

    return {
        one.article.id: list(one.sentences)
        for one in preannotate_articles(articles, model=load_model("accurate"))
    }


def _document(article: Article, meaning: Meaning) -> dict[str, Any]:
    from biaozhu.normalization.addresses import place_tree

    return {
        "article": article.name,
        "rows": [asdict(row) for row in meaning.rows],
        "places": [asdict(place) for place in meaning.places],
        "tree": place_tree(meaning.places),
        "people": asdict(meaning.people),
    }


def _shown(row: Row) -> list[str | None]:
    from biaozhu.normalization.table import in_words

    high = row.high if row.high != row.low else None
    return [
        row.place or None,
        row.about or None,
        in_words(row),
        row.low,
        high,
        row.unit or None,
        row.sentence,
    ]


def _unresolved(places: Sequence[Place]) -> list[list[object]]:
    """Return one row for each name that has no path here: how often it stands, where, and what it may be."""
    by_name: dict[tuple[str, tuple[str, ...]], list[Place]] = {}
    for place in places:
        by_name.setdefault((place.text, place.under), []).append(place)
    return [
        [
            name,
            len(ones),
            ones[0].status,
            "/".join(under) or None,
            "; ".join("/".join(candidate.path) for candidate in ones[0].candidates) or None,
            ones[0].sentence,
        ]
        for (name, under), ones in by_name.items()
    ]


def _unread(rows: Sequence[Row]) -> list[Any]:
    return [
        Entry("table", "loss", "value not read", row.sentence, row.start, row.end, "AMOUNT", row.text)
        for row in rows
        if row.low is None
    ]
