"""The table of articles: how much of each is gold, and each layer's strict scores on it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from biaozhu.reporting.content import ReportContent
    from biaozhu.scoring.breakdown import ClassScore


@dataclass(frozen=True, slots=True)
class ArticlePlace:
    """Place of an article in a report: the prefix of its anchors, its file (empty: the report itself), its title."""

    anchor: str
    page: str
    title: str


@dataclass(frozen=True, slots=True)
class ArticleRow:
    """One article: its place, how many of its sentences have gold (0: no score), and each layer's strict scores.

    `sentences` is the most that the gold or a layer has of it; `found` is each layer's number of spans.
    """

    place: ArticlePlace
    gold: int
    sentences: int
    spans: int
    scores: tuple[ClassScore | None, ...]
    found: tuple[int, ...]


def make_article_rows(content: ReportContent, places: Mapping[str, ArticlePlace]) -> list[ArticleRow]:
    """Return a row for each article, those with gold first; `places` is by article id."""
    gold = Counter(sentence.article for sentence in content.given.gold)
    spans = Counter(sentence.article for sentence in content.given.gold for _ in sentence.spans)
    layers = [
        (
            Counter(sentence.article for sentence in layer),
            Counter(sentence.article for sentence in layer for _ in sentence.spans),
        )
        for layer in content.given.layers.values()
    ]
    evaluations = content.scores.evaluations if content.scores else ()
    classes = [{one.key: one for one in evaluation.breakdowns["article"]} for evaluation in evaluations]
    rows = [
        ArticleRow(
            place,
            gold[article],
            max(gold[article], *(counts[article] for counts, _ in layers), 0),
            spans[article],
            tuple(found.get(article) for found in classes),
            tuple(found[article] for _, found in layers),
        )
        for article, place in places.items()
    ]
    return sorted(rows, key=lambda row: not row.gold)
