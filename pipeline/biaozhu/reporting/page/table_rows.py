"""The rows of the report's tables: scores by label, by class and by article."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from biaozhu.reporting.page.verdict import SIGNIFICANT
from biaozhu.scoring.breakdown import ASPECTS, NO_SCORE, OF_PREDICTIONS, sort_classes
from biaozhu.scoring.evaluation import ALL

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from biaozhu.reporting.content import ReportContent
    from biaozhu.reporting.page.strings import Words
    from biaozhu.scoring.breakdown import Aspect, ClassScore
    from biaozhu.scoring.evaluation import Comparison, Evaluation
    from biaozhu.scoring.match import Scheme
    from biaozhu.scoring.significance import Difference

FEW_ROWS = 5
MOST_ROWS = 30


ClassRow = tuple[str, int, tuple["ClassScore | None", ...]]


@dataclass(frozen=True, slots=True)
class BreakdownTable:
    """The classes of one aspect: name, gold spans, and each layer's scores, None where a layer has none of the class.

    `perfect` are the classes without an error, which the page folds up; `more` counts the classes that are left out.
    """

    aspect: Aspect
    has_gold: bool
    rows: tuple[ClassRow, ...]
    perfect: tuple[ClassRow, ...]
    more: int


def make_score_rows(
    evaluations: Sequence[Evaluation], comparisons: Sequence[Comparison], groups: Iterable[tuple[str, Scheme]]
) -> list[dict[str, Any]]:
    """Return a layer's scores for each label (or ALL) and scheme, layer under layer, and how they differ from the first's.

    `kind` is the layer's number; a `significant` difference holds after Holm's correction.
    """
    tests: list[dict[str, Difference]] = [
        {},
        *({one.metric: one for one in c.differences} for c in comparisons),
    ]
    rows = []
    for label, scheme in groups:
        for kind, one in enumerate(evaluations):
            test = tests[kind].get(f"{label} {scheme} f1")
            sure = test is not None and test.p_holm is not None and test.p_holm < SIGNIFICANT
            scores = (one.overall if label == ALL else one.labels[label])[scheme]
            row = {"label": label, "scheme": scheme, "kind": kind, "layer": one.name, "scores": scores}
            rows.append({**row, "test": test, "significant": sure})
    return rows


def make_breakdowns(
    evaluations: Sequence[Evaluation], *, titles: Mapping[str, str], words: Words
) -> list[BreakdownTable]:
    """Return a table for each aspect but the article that has at least two classes; `titles` is by article."""
    tables = []
    for aspect in (one for one in ASPECTS if one != "article"):
        by_layer = [{row.key: row for row in one.breakdowns[aspect]} for one in evaluations]
        keys = sort_classes(aspect, dict.fromkeys(key for rows in by_layer for key in rows))
        if len(keys) < 2:  # noqa: PLR2004 — one class says what the total says
            continue
        rows = [
            (
                _name_class(aspect, key, titles, words),
                next((row.gold or 0 for found in by_layer if (row := found.get(key))), 0),
                tuple(found.get(key) for found in by_layer),
            )
            for key in keys
        ]
        if aspect == "section" and len(rows) > FEW_ROWS:
            rows.sort(key=lambda row: _find_worst(row[2]))
        perfect = [row for row in rows if all(cell is None or _is_perfect(cell) for cell in row[2])]
        others = [row for row in rows if row not in perfect]
        more = len(others[MOST_ROWS:]) + len(perfect[MOST_ROWS:])
        tables.append(
            BreakdownTable(
                aspect,
                aspect not in OF_PREDICTIONS,
                tuple(others[:MOST_ROWS]),
                tuple(perfect[:MOST_ROWS]),
                more,
            )
        )
    return tables


def _name_class(aspect: Aspect, key: str, titles: Mapping[str, str], words: Words) -> str:
    if aspect == "section" and len(titles) == 1:
        return "§" + key.partition("§")[2]
    if aspect == "surface":
        return words(f"surface.{key}")
    return words("no_score") if aspect == "confidence" and key == NO_SCORE else key or words("no_source")


def _is_perfect(cell: ClassScore) -> bool:
    return cell.correct == cell.predicted and cell.gold in (None, cell.correct)


def _find_worst(cells: Iterable[ClassScore | None]) -> float:
    return min((cell.f1 for cell in cells if cell and cell.f1 is not None), default=2.0)


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
