"""Write a report: index.html, scores.json, checks.json and summary.md in one folder."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from biaozhu.data.files import write_text
from biaozhu.data.ledger import losses
from biaozhu.reporting.escaping import shown_html, shown_markdown, shown_plain
from biaozhu.reporting.inputs import is_whole
from biaozhu.reporting.page.strings import translator
from biaozhu.reporting.page.styling import classes_of
from biaozhu.reporting.page.table_rows import NOTHING, p_value
from biaozhu.reporting.page.view import build_view
from biaozhu.scoring.scores_document import write_scores

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from biaozhu.reporting.inputs import Material
    from biaozhu.reporting.page.strings import Language
    from biaozhu.scoring.significance import Interval

CHECKS_FORMAT = "biaozhu.checks.v1"


def render_report(material: Material, *, language: Language = "zh") -> tuple[str, str]:
    """Return the report as one HTML page that needs nothing else, and its summary in Markdown."""
    words = translator(language)
    view = {**build_view(material, words), "t": words, "language": language}
    return render("report.html.j2", view), render("summary.md.j2", view)


def write_report(folder: Path, material: Material, *, language: Language = "zh") -> None:
    """Write index.html, summary.md, checks.json and, where there is gold, scores.json.

    Raises:
        WriteError: the folder does not take it.
    """
    page, summary = render_report(material, language=language)
    if material.document is not None:
        write_scores(folder / "scores.json", material.document)
    else:
        # Scores of an earlier run with gold would not belong to this page.
        (folder / "scores.json").unlink(missing_ok=True)
    write_text(folder / "checks.json", json.dumps(checks_of(material), ensure_ascii=False, indent=2) + "\n")
    write_text(folder / "summary.md", summary)
    write_text(folder / "index.html", page)


def checks_of(material: Material) -> dict[str, Any]:
    """Return what was checked besides the scores; what was not checked is null."""
    trip, ledger = material.round_trip, material.ledger
    scored = {sentence.article for sentence in material.gold}
    return {
        "format": CHECKS_FORMAT,
        "articles": [article.name for article in material.articles],
        "scored": [article.name for article in material.articles if article.id in scored],
        "round_trip_identical": None if trip is None else bool(trip["identical"]),
        "round_trip_whole": None if trip is None else is_whole(trip),
        "ledger_losses": None if ledger is None else len(losses(ledger)),
        "agreement": material.agreement,
        "bias": material.bias,
    }


def render(template: str, values: Mapping[str, Any]) -> str:
    """Fill a template of this package; everything is escaped in HTML, and a value that lacks is an error."""
    # Markdown is no HTML: its cells go through the filter `markdown` instead.
    environment = Environment(
        loader=PackageLoader("biaozhu.reporting.page"),
        autoescape=template.endswith(".html.j2"),
        undefined=StrictUndefined,
        # Whatever a template forgets to filter: no character of it may act.
        finalize=lambda value: (
            value if isinstance(value, Markup) or not isinstance(value, str) else shown_plain(value)
        ),
        keep_trailing_newline=True,
        trim_blocks=not template.endswith(".html.j2"),
    )
    environment.filters |= {
        "shown": shown_html,
        "plain": shown_plain,
        "markdown": shown_markdown,
        "figure": figure,
        "signed": signed,
        "interval": interval,
        "percent": percent,
        "p_value": p_value,
        "classes": lambda piece: classes_of(piece, values["label_numbers"]),
    }
    return environment.get_template(template).render(values)


def figure(value: float | None, digits: int = 3) -> str:
    """Return a share with its digits, or a dash where it is undefined."""
    return NOTHING if value is None else f"{value:.{digits}f}"


def signed(value: float | None) -> str:
    """Return a difference with its sign."""
    return NOTHING if value is None else f"{value:+.3f}".replace("-", "−")


def interval(value: Interval, *, sign: bool = False) -> str:
    """Return the bounds of an interval; a difference's with their signs."""
    if value.low is None or value.high is None:
        return NOTHING
    return f"{signed(value.low)} … {signed(value.high)}" if sign else f"{value.low:.3f}–{value.high:.3f}"


def percent(value: float | None) -> str:
    """Return a share in per cent."""
    return NOTHING if value is None else f"{value:.1%}".replace("%", " %")
