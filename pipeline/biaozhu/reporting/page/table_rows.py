"""The rows of the report's tables: scores by label, by class and by article; values of amounts and places."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from typing import Any

from biaozhu.data.model import Article
from biaozhu.normalization.names import place_tree
from biaozhu.normalization.table import Row, article_meaning, in_words, place_in_words
from biaozhu.reading.sentences import split_article
from biaozhu.reporting.content import ReportContent
from biaozhu.reporting.page.overlay import ArticlePlace, name_article
from biaozhu.reporting.page.strings import Words
from biaozhu.scoring.breakdown import ASPECTS, NO_SCORE, OF_PREDICTIONS, Aspect, ClassScore, sort_classes
from biaozhu.scoring.evaluation import Comparison, Evaluation
from biaozhu.scoring.layer_scoring import Layer
from biaozhu.scoring.scores import Scheme

SIGNIFICANT = 0.05
FEW_ROWS = 5
MOST_ROWS = 30
ClassRow = tuple[str, int, tuple[ClassScore | None, ...]]
# More would make a page that nobody reads; `biaozhu table` gives all.
MOST_ARTICLES = 20
AMOUNT = "AMOUNT"
OPEN_ROWS = 12  # of a table of amounts; a longer one is folded up


def make_score_rows(
    evaluations: Sequence[Evaluation], comparisons: Sequence[Comparison], groups: Iterable[tuple[str, Scheme]]
) -> list[dict[str, Any]]:
    """Return a layer's scores for each label (or ALL) and scheme, with the test against the first layer."""
    tests = [{}, *({one.metric: one for one in compared.differences} for compared in comparisons)]
    rows = []
    for (label, scheme), (kind, one) in product(groups, enumerate(evaluations)):
        test = tests[kind].get(f"{label} {scheme} f1")
        sure = test is not None and test.p_holm is not None and test.p_holm < SIGNIFICANT
        row = {"label": label, "scheme": scheme, "kind": kind, "layer": one.name, "test": test, "significant": sure}
        rows.append({**row, "scores": one.scores_of(label)[scheme]})
    return rows


def make_breakdowns(evaluations: Sequence[Evaluation], words: Words, *, single: bool) -> list[dict[str, Any]]:
    """Return a table for each aspect but the article that has at least two classes; `single`: there is one article.

    Of each class it has the name, gold spans, and each layer's scores, None where a layer has none of the class; `perfect`
    are the classes without an error, which the page folds up; `more` counts those that are left out.
    """
    tables = []
    for aspect in (one for one in ASPECTS if one != "article"):
        by_layer = [{row.key: row for row in one.breakdowns[aspect]} for one in evaluations]
        keys = sort_classes(aspect, dict.fromkeys(key for rows in by_layer for key in rows))
        if len(keys) < 2:  # noqa: PLR2004 — one class says what the total says
            continue
        rows: list[ClassRow] = []
        for key in keys:
            cells = tuple(found.get(key) for found in by_layer)
            gold = next((cell.gold or 0 for cell in cells if cell), 0)
            rows.append((_name_class(aspect, key, words, single=single), gold, cells))
        if aspect == "section" and len(rows) > FEW_ROWS:
            rows.sort(key=lambda row: min((one.f1 for one in row[2] if one and one.f1 is not None), default=2.0))
        perfect = [row for row in rows if all(cell is None or _is_perfect(cell) for cell in row[2])]
        others = [row for row in rows if row not in perfect]
        more = len(others[MOST_ROWS:]) + len(perfect[MOST_ROWS:])
        table = {"aspect": aspect, "has_gold": aspect not in OF_PREDICTIONS, "more": more}
        tables.append({**table, "rows": others[:MOST_ROWS], "perfect": perfect[:MOST_ROWS]})
    return tables


def _name_class(aspect: Aspect, key: str, words: Words, *, single: bool) -> str:
    if aspect == "section":
        shown = "§" + key.partition("§")[2] if single else key
        return words("section.first", section=shown) if f"{shown} ".partition("§")[2].startswith("0 ") else shown
    if aspect == "surface":
        return words(f"surface.{key}")
    return words("no_score") if aspect == "confidence" and key == NO_SCORE else key or words("no_source")


def _is_perfect(cell: ClassScore) -> bool:
    return cell.correct == cell.predicted and cell.gold in (None, cell.correct)


@dataclass(frozen=True, slots=True)
class ArticleRow:
    """One article: its sentences with gold (0: no score), all it has, each layer's strict scores.

    All that an article has is what its file holds, where it was given, else the most that gold or a layer has.
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
    layers = content.given.layers.values()
    counts = [gold, *(Counter(sentence.article for sentence in layer) for layer in layers)]
    counts.append(Counter({one.id: len(split_article(one)) for one in content.given.articles}))
    found = [Counter(sentence.article for sentence in layer for _ in sentence.spans) for layer in layers]
    evaluations = content.scores.evaluations if content.scores else ()
    classes = [{one.key: one for one in evaluation.breakdowns["article"]} for evaluation in evaluations]
    rows = []
    for one, place in places.items():
        scores, spans_found = (tuple(of.get(one) for of in classes), tuple(of[one] for of in found))
        rows.append(ArticleRow(place, gold[one], max(count[one] for count in counts), spans[one], scores, spans_found))
    return sorted(rows, key=lambda row: not row.gold)


def make_value_view(content: ReportContent, words: Words) -> dict[str, Any]:
    """Return the values of the section on amounts and places; from the gold, or the first layer without gold."""
    source = content.given.gold or next(iter(content.given.layers.values()), ())
    covered = {sentence.article for sentence in source}
    articles = [article for article in content.given.articles if article.id in covered]
    read = [_read_values(article, source) for article in articles[:MOST_ARTICLES]]
    scores = []
    for score in content.scores.document.get("values", ()) if content.scores else ():
        name = words(f"values.field.{score['field'].replace(' ', '_')}")
        scores.append({**score, "layer": score["layer"] or words("gold"), "name": name})
    return {
        "open_rows": OPEN_ROWS,
        "article_values": [one for one in read if one["rows"] or one["tree"]["count"]],
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


def _read_values(article: Article, source: Layer) -> dict[str, Any]:
    """Return an article's title, amounts by place (path, what about, in words, value), and tree of places."""
    meaning = article_meaning(article, [one for one in source if one.article == article.id])
    order = {place: at for at, place in enumerate(dict.fromkeys(row.place for row in meaning.rows))}
    rows = sorted(meaning.rows, key=lambda row: order[row.place])
    cells = [(place_in_words(row), row.about, in_words(row), _format_value(row)) for row in rows]
    return {"title": name_article(article), "rows": cells, "tree": place_tree(meaning.places)}


def _format_value(row: Row) -> str:
    if row.low is None or row.high is None:
        return ""
    # Three of the unit 1/4 are 3/4; "3 1/4" would be more than three.
    unit = row.unit[1:] if row.unit.startswith("1/") else ""
    numbers = (f"{Decimal(number):,f}{unit}" for number in dict.fromkeys((row.low, row.high)))
    return "–".join(numbers) + ("" if unit else f" {row.unit}")
