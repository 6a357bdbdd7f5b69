"""Write a report: index.html, scores.json, checks.json and summary.md in one folder."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from biaozhu.data.files import as_path, write_json, write_text
from biaozhu.data.ledger import losses
from biaozhu.data.outputs import Kind, identify_file
from biaozhu.reporting.content import ReportContent
from biaozhu.reporting.escaping import escape_html, escape_markdown, escape_plain
from biaozhu.reporting.page import strings
from biaozhu.reporting.page.overlay import list_classes, quote_css
from biaozhu.reporting.page.strings import Language, make_translator
from biaozhu.reporting.page.view import build_view, select_page
from biaozhu.scoring.scores_document import write_scores
from biaozhu.scoring.significance import format_p

CHECKS_FORMAT = "biaozhu.checks.v1"
FILES: dict[str, Kind] = {
    "index.html": "page", "summary.md": "summary", "checks.json": "checks", "scores.json": "scores",
}  # fmt: skip
FILTERS = {
    "html": escape_html,
    "plain": escape_plain,
    "markdown": escape_markdown,
    "css_string": quote_css,
    "classes": list_classes,
    "share": strings.format_share,
    "difference": strings.format_difference,
    "interval": strings.format_interval,
    "percent": strings.format_percent,
    "p_value": format_p,
}


def render_report(content: ReportContent, *, language: Language = "zh") -> tuple[str, str, dict[str, str]]:
    """Return the report in HTML, its summary in Markdown, and of many articles the pages of texts by relative path."""
    words = make_translator(language)
    if language != "zh":
        # Their names are Chinese, as annotators see them.
        content = replace(content, labels=tuple(replace(one, name=one.id) for one in content.labels))
    script = files("biaozhu.reporting.page").joinpath("templates", "script.js").read_text(encoding="utf-8")
    # Without its hash the page's policy would not let the script run.
    digest = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    view = build_view(content, words, language)
    view |= {"script_hash": f"sha256-{digest}", "script": Markup(script)}  # noqa: S704 — a file of ours
    texts = dict.fromkeys(page for page in view["page_names"].values() if page)
    pages = {page: render_template("text_page.html.j2", select_page(view, page)) for page in texts}
    return render_template("report.html.j2", view), render_template("summary.md.j2", view), pages


def write_report(folder: str | Path, content: ReportContent, *, language: Language = "zh") -> None:
    """Write index.html, summary.md, checks.json, where there is gold scores.json, of many articles text/*.html."""
    folder = as_path(folder)
    page, summary, texts = render_report(content, language=language)
    if content.scores:
        write_scores(folder / "scores.json", content.scores.document)
    else:
        # Scores of an earlier run with gold would not belong to this page.
        (folder / "scores.json").unlink(missing_ok=True)
    write_json(folder / "checks.json", make_checks(content))
    write_text(folder / "summary.md", summary)
    write_text(folder / "index.html", page)
    for name, text in texts.items():
        write_text(folder / name, text)
    for path in list_text_pages(folder):
        if f"text/{path.name}" not in texts and identify_file(path) == "page":
            path.unlink()


def list_text_pages(folder: Path) -> list[Path]:
    """Return the pages of texts that a report's folder holds from an earlier run."""
    return sorted((folder / "text").glob("[0-9][0-9][0-9].html"))


def make_checks(content: ReportContent) -> dict[str, Any]:
    """Return what was checked besides the scores; what was not checked is null."""
    trip = content.round_trip
    scored = {sentence.article for sentence in content.given.gold}
    return {
        "format": CHECKS_FORMAT,
        "articles": [article.name for article in content.given.articles],
        "scored": [article.name for article in content.given.articles if article.id in scored],
        "round_trip_identical": trip.identical if trip else None,
        "round_trip_whole": trip.whole if trip else None,
        "ledger_losses": None if content.ledger is None else len(losses(content.ledger)),
        "agreement": asdict(content.agreement) if content.agreement else None,
        "bias": asdict(content.bias) if content.bias else None,
    }


def render_template(template: str, values: Mapping[str, Any]) -> str:
    """Fill a template of this package; in HTML everything is escaped, and an unknown value is an error."""
    return _make_template_environment(template.endswith(".html.j2")).get_template(template).render(values)


@cache
def _make_template_environment(html: bool) -> Environment:  # noqa: FBT001 — functools.cache and one caller
    # Markdown is not HTML: its cells go through the filter `markdown` instead.
    environment = Environment(
        loader=PackageLoader("biaozhu.reporting.page"),
        autoescape=html,  # noqa: S701 — of HTML always; Markdown goes through its own filter
        undefined=StrictUndefined,
        # Whatever a template forgets to filter: no character of it may act.
        finalize=lambda value: (
            value if isinstance(value, Markup) or not isinstance(value, str) else escape_plain(value)
        ),
        keep_trailing_newline=True,
        trim_blocks=not html,
    )
    environment.filters |= FILTERS
    return environment
