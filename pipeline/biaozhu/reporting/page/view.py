"""The values that the templates show: from the content of a report to names, rows, charts and marked-up text."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from biaozhu.data.ledger import count_by_reason, losses
from biaozhu.reporting.escaping import escape_plain
from biaozhu.reporting.page import figures, verdict
from biaozhu.reporting.page.error_list import group_errors, list_errors, make_bars
from biaozhu.reporting.page.number_formats import NOTHING, format_difference, format_p
from biaozhu.reporting.page.overlay import Mark, cut_article
from biaozhu.reporting.page.styling import STYLE, Lane, abbreviate_names
from biaozhu.reporting.page.table_rows import make_breakdowns, make_score_rows
from biaozhu.reporting.page.value_tables import make_value_view
from biaozhu.reporting.provenance import describe_provenance
from biaozhu.scoring.evaluation import ALL
from biaozhu.scoring.match import SCHEMES
from biaozhu.scoring.scores import pair_layers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from biaozhu.data.model import Sentence
    from biaozhu.reporting.content import ReportContent
    from biaozhu.reporting.page.error_list import ListedError
    from biaozhu.reporting.page.overlay import Bar, PageBlock
    from biaozhu.scoring.layer_scoring import ScoredLayers

    Words = Callable[..., str]
    Errors = Mapping[int, Sequence[ListedError]]

SECTIONS = (
    *("verdict", "scores", "text", "values", "errors", "breakdown", "confidence", "confusion", "learning"),
    *("agreement", "bias", "losses", "provenance"),
)
OPEN_ARTICLES = 5  # more than these are folded up at first
OPEN_ERRORS = 200
FEW_ARTICLES = 10  # as many as the bootstrap over articles needs


@dataclass(frozen=True, slots=True)
class ArticleView:
    """An article as the report shows it; `name` begins its anchors."""

    name: str
    title: str
    gold: bool
    open: bool
    blocks: tuple[PageBlock, ...]


def build_view(content: ReportContent, words: Words) -> dict[str, Any]:
    """Return the values that the templates name; `words` is the translator."""
    given = content.given
    layers = (given.gold, *given.layers.values(), *content.annotators.values())
    ids = [one.id for one in given.articles] + [one.article for layer in layers for one in layer]
    names = {article: f"a{number}" for number, article in enumerate(dict.fromkeys(ids), 1)}
    known = {article.id: article.metadata.title or article.name for article in given.articles}
    titles = {article: known.get(article, article) for article in names}
    lanes = _make_lanes(content, words)
    scored = [lane for lane in lanes if lane.number and lane.name in given.layers]
    pairs = {lane.number: pair_layers(given.gold, given.covered[lane.name]) for lane in scored if given.gold}
    errors = list_errors(pairs, names)
    label_names = {label.id: label.name for label in content.labels}
    ledger = content.ledger or ()
    view: dict[str, Any] = {
        **STYLE,
        "scored": content.scores is not None,
        "compared": content.scores is not None and bool(content.scores.comparisons),
        "title": next(iter(titles.values())) if len(titles) == 1 else words("articles", count=len(titles)),
        "titles": titles,
        "labels": content.labels,
        "label_shorts": abbreviate_names([label.name for label in content.labels]),
        "label_names": label_names,
        "label_numbers": {label.id: at for at, label in enumerate(content.labels)},
        "layer_names": list(given.layers),
        "lanes": lanes,
        "articles": _view_articles(content, lanes, errors, names, titles, words),
        "provenance": describe_provenance(content),
        "scope": words("scope.no_gold", articles=len(names)),
        "says": _list_findings(content, label_names, words),
        "alerts": list(_list_alerts(content, words)),
        "learning_chart": figures.chart_learning(content.curve, words) if content.curve else None,
        "learning_gain": figures.describe_gain(content.curve, words) if content.curve else "",
        "agreement": content.agreement,
        "bias": content.bias,
        "round_trip": content.round_trip,
        "ledger": content.ledger,
        "losses": losses(ledger),
        "decisions": count_by_reason(entry for entry in ledger if entry.severity == "decision"),
        **make_value_view(content, words),
    }
    if content.scores:
        view |= _view_scores(content.scores, view, {lane.name: lane.number for lane in scored}, errors, words)
    wanted = {
        "values": view["article_values"],
        "learning": view["learning_chart"],
        "agreement": content.agreement,
        "bias": content.bias,
    } | dict.fromkeys(("scores", "errors", "breakdown", "confidence", "confusion"), view["scored"])
    view["contents"] = [section for section in SECTIONS if wanted.get(section, True)]
    return view


def _make_lanes(content: ReportContent, words: Words) -> list[Lane]:
    names = [words("gold"), *content.given.layers, *content.annotators]
    return [
        Lane(number, name, short, number == 0 and bool(content.given.gold), name not in content.annotators)
        for number, (name, short) in enumerate(zip(names, abbreviate_names(names), strict=True))
    ]


def _view_articles(
    content: ReportContent,
    lanes: Sequence[Lane],
    errors: Errors,
    names: Mapping[str, str],
    titles: Mapping[str, str],
    words: Words,
) -> list[ArticleView]:
    files = {article.id: article for article in content.given.articles}
    layers = {**content.given.layers, **content.annotators}
    gold = {sentence.id: sentence for sentence in content.given.gold}
    covered = {sentence.article for sentence in content.given.gold}
    bars: dict[str, list[Bar]] = defaultdict(list)
    marks: dict[str, list[Mark]] = defaultdict(list)
    sentences: dict[str, dict[str, Sentence]] = defaultdict(dict)
    for lane in lanes:
        for sentence in layers[lane.name] if lane.number else content.given.gold:
            sentences[sentence.article].setdefault(sentence.id, sentence)
            truth = gold.get(sentence.id) if lane.number else None
            bars[sentence.article] += make_bars(lane.number, sentence, truth)
    for number, found in errors.items():
        for error in found:
            title = _describe_error(error, lanes[number].name, words)
            end = error.start + error.case.end - error.case.start
            mark = Mark(number, error.start, end, error.status, error.id, title)
            marks[error.case.sentence.partition(":")[0]].append(mark)
    return [
        ArticleView(
            name,
            titles[article],
            article in covered,
            len(names) <= OPEN_ARTICLES,
            cut_article(
                files.get(article) or tuple(sentences[article].values()),
                bars[article],
                marks[article],
                name=name,
            ),
        )
        for article, name in names.items()
    ]


def _describe_error(error: ListedError, layer: str, words: Words) -> str:
    gold, found = (" ".join(text for _, text in spans) or NOTHING for spans in (error.gold, error.predicted))
    return escape_plain(
        words("mark", layer=layer, what=words(f"status.{error.status}"), gold=gold, found=found)
    )


def _view_scores(
    scores: ScoredLayers, view: Mapping[str, Any], lanes: Mapping[str, int], errors: Errors, words: Words
) -> dict[str, Any]:
    evaluations, comparisons = scores.evaluations, scores.comparisons
    first = evaluations[0]
    names = {ALL: words("all"), **view["label_names"]}
    layers = [
        {
            "evaluation": one,
            "lane": lanes[one.name],
            "trust": verdict.judge_layer(one),
            "weakest": verdict.find_weakest(one),
            "error_count": len(errors[lanes[one.name]]),
            "error_groups": group_errors(errors[lanes[one.name]]),
            "confusion": figures.make_confusion_cells(one),
        }
        for one in evaluations
    ]
    return {
        "confidence": f"{first.sampling.confidence:.0%}",
        "units": first.units,
        "scope": words(
            "scope",
            gold=first.overall["strict"].counts.possible,
            sentences=first.sentences,
            characters=first.characters,
            articles=sum(article.gold for article in view["articles"]),
        ),
        "layers": layers,
        "rule": {"high": f"{verdict.HIGH:.2f}", "some": f"{verdict.SOME:.2f}"},
        "says": list(_list_conclusions(scores, sum(article.gold for article in view["articles"]), words)),
        "f1_chart": figures.chart_f1(evaluations, names, words),
        "label_rows": make_score_rows(
            evaluations, comparisons, [(label, "strict") for label in (ALL, *first.labels)]
        ),
        "scheme_rows": make_score_rows(evaluations, comparisons, [(ALL, scheme) for scheme in SCHEMES]),
        "errors_open": sum(map(len, errors.values())) <= OPEN_ERRORS,
        "breakdowns": make_breakdowns(evaluations, titles=view["titles"], words=words),
        "length_chart": figures.chart_lengths(evaluations, words),
        "threshold_chart": figures.chart_thresholds(evaluations, words),
        "reliability_chart": figures.chart_reliability(evaluations, words),
    }


def _list_findings(content: ReportContent, names: Mapping[str, str], words: Words) -> list[str]:
    said = []
    for name, layer in content.given.layers.items():
        counts = Counter(span.label for sentence in layer for span in sentence.spans)
        labels = words("stop").join(f"{names[label]} {counts[label]}" for label in names)
        said.append(
            words(
                "says.found",
                name=escape_plain(name),
                sentences=len(layer),
                count=counts.total(),
                labels=labels,
            )
        )
    return said


def _list_conclusions(scores: ScoredLayers, articles: int, words: Words) -> Iterator[str]:
    for comparison in scores.comparisons:
        found = next(one for one in comparison.differences if one.metric == f"{ALL} strict f1")
        value, bounds = found.difference.value, found.difference.best
        if value is None or not bounds:
            continue
        sure = found.p_holm is not None and found.p_holm < verdict.SIGNIFICANT
        direction = "better" if value > 0 else "worse"
        yield words(
            f"says.{direction}" if sure else "says.open",
            a=escape_plain(comparison.a),
            b=escape_plain(comparison.b),
            difference=format_difference(value),
            low=format_difference(bounds[0]),
            high=format_difference(bounds[1]),
            p=format_p(found.p_holm, sign=True),
        )
    if articles < FEW_ARTICLES:
        yield words("says.few_articles", count=articles)
    spans = scores.evaluations[0].overall["strict"].counts.possible
    if spans < verdict.FEW_SPANS:
        yield words("says.few_spans", count=spans)
    for one in scores.evaluations:
        if one.missing:
            yield words("says.missing", name=escape_plain(one.name), count=len(one.missing))


def _list_alerts(content: ReportContent, words: Words) -> Iterator[str]:
    """Yield the lines on red at the top of the report: losses, and a round trip that differs."""
    lost = losses(content.ledger or ())
    if lost:
        yield words("alert.losses", count=len(lost))
    if content.round_trip is not None and not content.round_trip.whole:
        yield words("alert.round_trip")
