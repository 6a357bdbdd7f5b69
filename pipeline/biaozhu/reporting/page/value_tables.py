"""The values of amounts and the places of the articles, as the report shows them: a table and a tree of places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from biaozhu.normalization.addresses import place_tree
from biaozhu.normalization.table import article_meaning, in_words

if TYPE_CHECKING:
    from biaozhu.data.model import Article
    from biaozhu.normalization.table import Row
    from biaozhu.reporting.content import ReportContent
    from biaozhu.reporting.page.strings import Words
    from biaozhu.scoring.layer_scoring import Layer

# More would make a page that nobody reads; `biaozhu table` gives all.
MOST_ARTICLES = 20
AMOUNT = "AMOUNT"
OPEN_ROWS = 12  # of a table of amounts; a longer one is folded up


@dataclass(frozen=True, slots=True)
class ArticleValues:
    """One article: its title, its amounts grouped by place in the order of the text, and the tree of its places.

    A row is the path of the place, what the amount is about, the amount in words, and its value.
    """

    title: str
    rows: tuple[tuple[str, str, str, str], ...]
    tree: dict[str, Any]


def make_value_view(content: ReportContent, words: Words) -> dict[str, Any]:
    """Return the values of the section on amounts and places; from the gold, or the first layer without gold."""
    source = content.given.gold or next(iter(content.given.layers.values()), ())
    covered = {sentence.article for sentence in source}
    articles = [article for article in content.given.articles if article.id in covered]
    read = [_read_values(article, source) for article in articles[:MOST_ARTICLES]]
    scores = [
        {
            **score,
            "layer": score["layer"] or words("gold"),
            "name": words(f"values.field.{score['field'].replace(' ', '_')}"),
        }
        for score in (content.scores.document.get("values", ()) if content.scores else ())
    ]
    return {
        "open_rows": OPEN_ROWS,
        "article_values": [one for one in read if one.rows or one.tree["count"]],
        "articles_more": max(0, len(articles) - MOST_ARTICLES),
        "value_scores": [score for score in scores if score["accuracy"] != 1],
        "value_scores_perfect": [score for score in scores if score["accuracy"] == 1],
        "values_covered": words(
            "values.covered",
            of=next((score["of"] for score in scores if score["field"] == "amount value"), 0),
            amounts=sum(span.label == AMOUNT for line in content.given.gold for span in line.spans),
        ),
        "values_from": "" if content.given.gold else next(iter(content.given.layers), ""),
    }


def _read_values(article: Article, source: Layer) -> ArticleValues:
    meaning = article_meaning(article, [one for one in source if one.article == article.id])
    order = {place: at for at, place in enumerate(dict.fromkeys(row.place for row in meaning.rows))}
    return ArticleValues(
        article.metadata.title or article.name,
        tuple(
            (row.place, row.about, in_words(row), _format_value(row))
            for row in sorted(meaning.rows, key=lambda row: order[row.place])
        ),
        place_tree(meaning.places),
    )


def _format_value(row: Row) -> str:
    if row.low is None or row.high is None:
        return ""
    return "–".join(_group_digits(one) for one in dict.fromkeys((row.low, row.high))) + f" {row.unit}"


def _group_digits(number: str) -> str:
    whole, point, rest = number.partition(".")
    return f"{int(whole):,}{point}{rest}"
