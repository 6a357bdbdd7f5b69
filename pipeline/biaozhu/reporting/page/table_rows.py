"""The rows of the report's tables, from evaluations and comparisons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from biaozhu.reporting.page.verdict import SIGNIFICANT, differences_by_name
from biaozhu.scoring.breakdown import ASPECTS, NO_SCORE, first_of
from biaozhu.scoring.evaluation import ALL
from biaozhu.scoring.match import SCHEMES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from biaozhu.scoring.breakdown import Aspect, Row
    from biaozhu.scoring.evaluation import Comparison, Evaluation, Scored
    from biaozhu.scoring.significance import Difference, Estimate, Interval

FEW_ROWS = 5
_ORDERS: dict[Aspect, Callable[[str], int | str]] = {
    "length": first_of,
    "sentence_length": first_of,
    # "none" and "unseen" come last in the alphabet, too.
    "confidence": str,
    "surface": str,
}

NOTHING = "–"
SMALLEST_P = 0.001  # as journals print it


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """One layer's figures for one label or scheme, and how it differs from the first layer."""

    key: str
    name: str
    color: str
    layer: str
    kind: int
    span: int
    gold: int
    found: int
    precision: float | None
    recall: float | None
    f1: float | None
    interval: Interval
    counts: tuple[int, int, int, int, int]
    difference: Estimate | None
    difference_interval: Interval | None
    p: float | None
    p_holm: float | None

    @property
    def first(self) -> bool:
        """It is the first row of its label or scheme."""
        return self.kind == 0

    @property
    def significant(self) -> bool:
        """The difference holds after Holm's correction."""
        return self.p_holm is not None and self.p_holm < SIGNIFICANT


@dataclass(frozen=True, slots=True)
class BreakdownRow:
    """One class of an aspect, and what each layer scores in it; None where a layer has nothing of it."""

    name: str
    gold: int
    cells: tuple[Row | None, ...]


@dataclass(frozen=True, slots=True)
class BreakdownTable:
    """The classes of one aspect; `has_gold` is False where a class is a property of predictions only."""

    aspect: str
    has_gold: bool
    rows: tuple[BreakdownRow, ...]


def p_value(value: float | None, *, sign: bool = False) -> str:
    """Return a p-value, a small one by its bound; in a sentence, after the letter p, with its sign."""
    if value is None:
        return NOTHING
    if value < SMALLEST_P:
        return f"< {SMALLEST_P}"
    return f"= {value:.3f}" if sign else f"{value:.3f}"


def label_rows(
    evaluations: Sequence[Evaluation],
    comparisons: Sequence[Comparison],
    *,
    names: Mapping[str, str],
    colors: Mapping[str, str],
) -> tuple[ScoreRow, ...]:
    """Return strict figures, for all labels together (`names[ALL]`) and for each label, layer under layer."""
    tests = [differences_by_name(comparison) for comparison in comparisons]
    rows = []
    for key in (ALL, *evaluations[0].labels):
        for kind, one in enumerate(evaluations):
            scored = (one.overall if key == ALL else one.labels[key])["strict"]
            test = tests[kind - 1].get(f"{key} strict f1") if kind else None
            layer = (kind, one.name, len(evaluations))
            rows.append(_row(key, (names[key], colors.get(key, "")), layer, scored, test))
    return tuple(rows)


def scheme_rows(evaluations: Sequence[Evaluation], comparisons: Sequence[Comparison]) -> tuple[ScoreRow, ...]:
    """Return the figures of all labels together under each scheme, layer under layer."""
    tests = [differences_by_name(comparison) for comparison in comparisons]
    return tuple(
        _row(
            scheme,
            (scheme, ""),
            (kind, one.name, len(evaluations)),
            one.overall[scheme],
            tests[kind - 1].get(f"{ALL} {scheme} f1") if kind else None,
        )
        for scheme in SCHEMES
        for kind, one in enumerate(evaluations)
    )


def breakdown_tables(
    evaluations: Sequence[Evaluation], *, names: Mapping[str, str], words: Callable[..., str]
) -> tuple[BreakdownTable, ...]:
    """Return a table for each aspect that has at least two classes.

    Args:
        evaluations: of the layers.
        names: article id -> its title.
        words: the translator.
    """
    tables = []
    for aspect in ASPECTS:
        by_layer = [{row.key: row for row in one.breakdowns[aspect]} for one in evaluations]
        keys = list(dict.fromkeys(key for rows in by_layer for key in rows))
        if len(keys) < 2:  # noqa: PLR2004 — one class says what the total says
            continue
        if aspect in _ORDERS:
            # The first layer may lack a class that stands between two others.
            keys.sort(key=_ORDERS[aspect])
        rows = tuple(
            BreakdownRow(
                _class_name(aspect, key, names, words),
                next((row.gold or 0 for found in by_layer if (row := found.get(key))), 0),
                tuple(found.get(key) for found in by_layer),
            )
            for key in keys
        )
        if aspect in ("article", "section") and len(rows) > FEW_ROWS:
            rows = tuple(sorted(rows, key=_worst))
        has_gold = any(row.gold is not None for found in by_layer for row in found.values())
        tables.append(BreakdownTable(aspect, has_gold, rows))
    return tuple(tables)


def _row(
    key: str,
    shown: tuple[str, str],
    layer: tuple[int, str, int],
    scored: Scored,
    test: Difference | None,
) -> ScoreRow:
    counts = scored.score.counts
    return ScoreRow(
        key=key,
        name=shown[0],
        color=shown[1],
        layer=layer[1],
        kind=layer[0],
        span=layer[2],
        gold=counts.possible,
        found=counts.actual,
        precision=scored.score.precision,
        recall=scored.score.recall,
        f1=scored.score.f1,
        interval=scored.f1.best,
        counts=(counts.cor, counts.inc, counts.par, counts.mis, counts.spu),
        difference=test.difference if test else None,
        difference_interval=test.difference.best if test else None,
        p=test.p if test else None,
        p_holm=test.p_holm if test else None,
    )


def _class_name(aspect: str, key: str, names: Mapping[str, str], words: Callable[..., str]) -> str:
    if aspect == "article":
        return names.get(key, key)
    if aspect == "section" and len(names) == 1:
        return "§" + key.partition("§")[2]
    if aspect == "surface":
        return words(f"surface.{key}")
    return words("no_score") if aspect == "confidence" and key == NO_SCORE else key or words("no_source")


def _worst(row: BreakdownRow) -> float:
    return min((cell.f1 for cell in row.cells if cell and cell.f1 is not None), default=2.0)
