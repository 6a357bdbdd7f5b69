"""What the amounts and places of the articles mean, as the report shows it: a table and a tree of places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from biaozhu.normalization.addresses import place_tree
from biaozhu.normalization.table import article_meaning, in_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from biaozhu.data.model import Article
    from biaozhu.normalization.table import Row
    from biaozhu.reporting.inputs import Layer, Material

    Words = Callable[..., str]

# More would make a page that nobody reads; `biaozhu table` gives all.
ARTICLES_SHOWN = 20
NUMBER, UNIT = "{:,}", " {}"


@dataclass(frozen=True, slots=True)
class ShownAmount:
    """A row: last step of the place's path, what it is about, the amount in words, its value, and the full path."""

    place: str
    path: str
    about: str
    amount: str
    value: str


@dataclass(frozen=True, slots=True)
class ShownMeaning:
    """One article: its title, its rows grouped by place in the order of the text, and the tree of its places."""

    title: str
    rows: tuple[ShownAmount, ...]
    tree: dict[str, Any]
    unresolved: int


def meaning_view(material: Material, words: Words) -> dict[str, Any]:
    """Return the values of the section on meaning; from the gold, or the first layer where there is no gold."""
    source = material.gold or next(iter(material.layers.values()), ())
    covered = {sentence.article for sentence in source}
    articles = [article for article in material.articles if article.id in covered]
    shown = [_shown(article, source) for article in articles[:ARTICLES_SHOWN]]
    return {
        "meanings": [one for one in shown if one.rows or one.tree["count"]],
        "meanings_more": max(0, len(articles) - ARTICLES_SHOWN),
        "meant": [
            (
                {**row, "layer": row["layer"] or words("gold")},
                words(f"meaning.field.{row['field'].replace(' ', '_')}"),
            )
            for row in material.meant
        ],
        "meanings_from": "" if material.gold else next(iter(material.layers), ""),
    }


def _shown(article: Article, source: Layer) -> ShownMeaning:
    meaning = article_meaning(article, [one for one in source if one.article == article.id])
    order = {place: at for at, place in enumerate(dict.fromkeys(row.place for row in meaning.rows))}
    rows = sorted(meaning.rows, key=lambda row: order[row.place])
    return ShownMeaning(
        article.metadata.title or article.name,
        tuple(
            ShownAmount(row.place.rpartition("/")[2], row.place, row.about, in_words(row), _value(row))
            for row in rows
        ),
        place_tree(meaning.places),
        sum(place.status in ("ambiguous", "unknown") for place in meaning.places),
    )


def _value(row: Row) -> str:
    if row.low is None or row.high is None:
        return ""
    ends = [_grouped(row.low)] if row.low == row.high else [_grouped(row.low), _grouped(row.high)]
    return "–".join(ends) + UNIT.format(row.unit)


def _grouped(number: str) -> str:
    whole, point, rest = number.partition(".")
    return NUMBER.format(int(whole)) + point + rest
