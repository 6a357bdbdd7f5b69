"""Verdicts on the layers, by rules that the report states beside them, and the sentences at the top of the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from biaozhu.data.layers import RUN_SUFFIX
from biaozhu.data.ledger import losses
from biaozhu.data.model import CONFIG_MARK
from biaozhu.reporting.authorship import MARKS, SOURCES, GoldAuthor
from biaozhu.reporting.content import ReportContent
from biaozhu.reporting.escaping import escape_plain
from biaozhu.reporting.page.strings import Words, format_difference
from biaozhu.reporting.page.table_rows import SIGNIFICANT, ArticleRow
from biaozhu.scoring.evaluation import ALL, Evaluation, compare_evaluations
from biaozhu.scoring.layer_scoring import Layer, ScoredLayers, name_layers
from biaozhu.scoring.significance import ARTICLES_NEEDED, Bounds, Difference, format_p

Trust = Literal["high", "limited", "some", "low", "unknown"]
Doubt = Literal["shown", "in_sample", "few_articles", "seen", "not_said", "models_only", "authors_unknown"]
Direction = Literal["better", "worse", "open", "unclear"]

# Lower bounds of the confidence interval of strict F1. At 0.90 at most every tenth span is wrong: samples of the
# output suffice. Under 0.75 correcting takes about as long as annotating from nothing.
HIGH = 0.90
SOME = 0.75
FEW_SPANS = 100
# All right, so many spans put the lower bound of their own F1 (Clopper and Pearson) above `HIGH`; fewer cannot.
FRESH_NEEDED = 36
# Share of the gold that may be kept of an automatic layer, and of sentences that may repeat: more are said.
MOST_KEPT = MOST_REPEATED = 0.1
MOST_NAMES = 8
MOST_SOURCES = 4


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement of a layer, and why its score says little about other articles, whatever its height."""

    trust: Trust
    doubts: tuple[Doubt, ...]


def judge_layer(
    evaluation: Evaluation,
    authors: Iterable[GoldAuthor],
    *,
    in_sample: bool,
    shown: bool = False,
    learned: bool = True,
    crossvalidated: bool = False,
) -> Verdict:
    """Judge a layer by the lower bound of its strict F1, and by the evidence; without an interval it is unknown.

    `high`, the only green verdict, needs enough articles, a blind layer, where it `learned` (or was `crossvalidated`) enough that training
    had not seen, gold whose annotators were `shown` no spans to keep, and a person among these.
    """
    fresh = evaluation.counts.fresh
    kinds = {author.kind for author in authors if author.kind != "pre"}
    found: dict[Doubt, bool] = {
        # First, as the score then says most of all how much the annotators kept.
        "shown": shown,
        "in_sample": in_sample,
        # An interval over sections or sentences says nothing about other articles.
        "few_articles": evaluation.units.kind != "article",
        "seen": learned and fresh is not None and fresh < FRESH_NEEDED,
        # Without --held-out it is not known what the model of each part had seen.
        "not_said": crossvalidated and fresh is None,
        "models_only": kinds == {"model"},
        "authors_unknown": "person" not in kinds and kinds != {"model"},
    }
    doubts = tuple(doubt for doubt, holds in found.items() if holds)
    return Verdict(_judge_bounds(evaluation.overall["strict"].f1.best, doubts), doubts)


def judge_labels(evaluation: Evaluation, doubts: Sequence[Doubt]) -> dict[str, Trust]:
    """Judge each label that a layer marks as the layer is judged, but call none bad that has too few spans to be shown good."""
    found: dict[str, Trust] = {}
    for label, by in evaluation.labels.items():
        f1, counts = by["strict"].f1, by["strict"].counts
        if counts.actual:
            # Copies of a sentence have many spans, of which one counts.
            few = (f1.value or 0) >= HIGH and (counts.possible < FRESH_NEEDED or (f1.exact or (1.0,))[0] < HIGH)
            found[label] = "limited" if few else _judge_bounds(f1.best, doubts)
    return found


def list_weak(verdict: Verdict, labels: Mapping[str, Trust]) -> list[str]:
    """Return the labels of a trusted layer of which every span is to be looked at."""
    return [label for label, trust in labels.items() if verdict.trust == "high" and trust in ("some", "low")]


def _judge_bounds(bounds: Bounds, doubts: Sequence[Doubt]) -> Trust:
    if not bounds:
        return "unknown"
    if bounds[0] >= HIGH:
        return "limited" if doubts else "high"
    return "some" if bounds[0] >= SOME else "low"


def judge_difference(difference: Difference, tests: int) -> tuple[Direction, Bounds, float | None]:
    """Return which of two layers is better, with the interval and the p-value that say so; `unclear` where only one does.

    Both are corrected for so many tests (Bonferroni): the interval must have been drawn at the confidence 1 - 0.05 / tests.
    """
    bounds = difference.difference.best
    p = None if difference.p is None else min(1.0, difference.p * tests)
    low, high = bounds or (0.0, 0.0)
    apart = not low <= 0 <= high
    significant = p is not None and p < SIGNIFICANT
    if apart and significant:
        return ("better" if (difference.difference.value or 0) > 0 else "worse"), bounds, p
    return ("unclear" if apart or significant else "open"), bounds, p


def list_unmarked(evaluation: Evaluation) -> dict[str, int]:
    """Return the labels of the gold that a layer never marks, with their gold spans: it does not err there, it cannot."""
    counts = {label: by["strict"].counts for label, by in evaluation.labels.items()}
    return {label: one.possible for label, one in counts.items() if one.possible and not one.actual}


def list_findings(content: ReportContent, names: Mapping[str, str], words: Words) -> list[str]:
    """Return what each layer found, for a report without gold."""
    said = []
    for name, layer in content.given.layers.items():
        counts = Counter(span.label for sentence in layer for span in sentence.spans)
        labels = words("stop").join(f"{names[label]} {counts[label]}" for label in names)
        sizes = {"sentences": len(layer), "count": counts.total(), "labels": labels}
        pre = words("layer.pre") if is_preannotation(content, name) else ""
        said.append(words("says.found", name=escape_plain(name), **sizes) + pre)
    return said


def list_conclusions(
    content: ReportContent, scores: ScoredLayers, rows: Sequence[ArticleRow], words: Words
) -> Iterator[str]:
    """Yield how the layers differ, which articles have no score, and what makes the scores imprecise."""
    yield from _compare_layers(content, scores, words)
    without = [row for row in rows if not row.gold]
    if without:
        names = words("comma").join(escape_plain(row.place.title) for row in without[:MOST_NAMES])
        more = words("and_more", count=len(without) - MOST_NAMES) if len(without) > MOST_NAMES else ""
        yield words("says.unscored", count=len(without), names=names + more)
    scored = len(rows) - len(without)
    if scored < ARTICLES_NEEDED:
        yield words("says.few_articles", count=scored)
    spans = scores.evaluations[0].overall["strict"].counts.possible
    if spans < FEW_SPANS:
        yield words("says.few_spans", count=spans)
    for one in scores.evaluations:
        if one.counts.repeated > MOST_REPEATED * one.sentences and not is_preannotation(content, one.name):
            figures = {"repeated": one.counts.repeated, "sentences": one.sentences}
            yield words("says.repeated", name=escape_plain(one.name), **figures)
        if one.missing:
            yield words("says.missing", name=escape_plain(one.name), count=len(one.missing))


def list_alerts(content: ReportContent, words: Words) -> Iterator[str]:
    """Yield the lines on red at the top of the report: losses, and a round trip that differs."""
    lost = losses(content.ledger or ())
    if lost:
        yield words("alert.losses", count=len(lost))
    if content.round_trip is not None and not content.round_trip.whole:
        yield words("alert.round_trip")


def choose_next_step(
    content: ReportContent, layers: Sequence[Mapping[str, Any]], rows: Sequence[ArticleRow], words: Words
) -> str:
    """Return the one thing to do next, in a sentence; a scored layer has its evaluation, verdict and errors."""
    if next(list_alerts(content, words), ""):
        return words("next.losses")
    scored = sum(bool(row.gold) for row in rows)
    if not layers:
        return words("next.no_gold", count=len(rows))
    # The first layer that a reader would use: the highest trust, but none that scores lower than the first, from which models start.
    order: tuple[Trust, ...] = ("high", "limited", "some", "low", "unknown")
    scores = [one["evaluation"].overall["strict"].f1.value or 0 for one in layers]
    usable = [one for one, f1 in zip(layers, scores, strict=True) if f1 >= scores[0]]
    layer = min(usable, key=lambda one: order.index(one["verdict"].trust))
    best, name = layer["verdict"], escape_plain(layer["evaluation"].name)
    if best.trust in ("some", "low") and layer["errors"]:
        return _advise_on_errors(layer, {one.id: escape_plain(one.name) for one in content.labels}, words)
    doubt = best.doubts[0] if best.doubts else ""
    if not {"in_sample", "few_articles"}.isdisjoint(best.doubts):
        hidden = words("next.hidden") if doubt == "shown" else ""
        return words("next.articles", count=max(1, ARTICLES_NEEDED - scored), without=len(rows) - scored) + hidden
    if doubt:
        by_doubt = {
            "seen": "next.other",
            "not_said": "next.held_out",
            "shown": "next.blind",
            "models_only": "next.person",
        }
        return words(by_doubt.get(doubt, "next.about"))
    return words("next.use", name=name) + layer["but"] if best.trust == "high" else words("next.more")


def _advise_on_errors(layer: Mapping[str, Any], names: Mapping[str, str], words: Words) -> str:
    errors, unmarked, name = layer["errors"], layer["unmarked"], escape_plain(layer["evaluation"].name)
    others = (one for one in errors if set(one.labels) - unmarked.keys())
    found = Counter((one.case.pattern, one.labels[0] if one.labels else "") for one in others)
    if 2 * found.total() <= len(errors):
        return words("next.unmarked", name=name, labels=words("comma").join(names[one] for one in unmarked))
    (pattern, label), count = found.most_common(1)[0]
    what = {"pattern": words(f"pattern.{pattern}"), "label": names.get(label) or escape_plain(label)}
    return words("next.errors", name=name, count=len(errors), most=count, **what)


def describe_layer(content: ReportContent, name: str, words: Words) -> str:
    """Return in a sentence what a scored layer is: who proposed its spans, and what its model had seen."""
    layer = content.given.layers[name]
    sources = Counter(span.source or words("no_source") for sentence in layer for span in sentence.spans)
    most = sources.most_common(MOST_SOURCES)
    named = words("comma").join(f"{words(f'source.{one}') if one in SOURCES else one} {count}" for one, count in most)
    if is_preannotation(content, name):
        what = words("layer.pre")
    elif name == "pre" and not sources.keys().isdisjoint(SOURCES):
        what = words("layer.pre_own")
    elif content.request.held_out and name != "pre":
        # A pre-annotation with annotators of the user's own stands beside cross-validated models, too, and is none.
        articles = len({sentence.article for sentence in content.given.gold})
        what = words("layer.held_out_article" if articles > 1 else "layer.held_out_section")
    else:
        what = words("layer.given")
    return what + (words("layer.sources", names=escape_plain(named)) if named else "")


def explain_in_sample(content: ReportContent, evaluation: Evaluation, language: str, words: Words) -> str:
    """Return why a layer's score is not blind: what `about.toml` states, or that it was trained on this gold."""
    stated = content.about.explain_in_sample(evaluation.name, language)
    return stated or (words("in_sample.trained") if was_trained_here(content, evaluation) else "")


def was_trained_here(content: ReportContent, evaluation: Evaluation) -> bool:
    """Tell whether a layer's model was trained on sentences of this gold: its spans say so, or the command line does."""
    if evaluation.in_sample or content.request.held_out or is_preannotation(content, evaluation.name):
        return evaluation.in_sample > 0
    gold = {sentence.id for sentence in content.given.gold}
    return any(sentence.id in gold for layer in content.given.trained for sentence in layer)


def count_kept(content: ReportContent) -> int:
    """Return how many of the gold's spans are of automatic annotators: whoever made the gold saw what they proposed.

    Such gold says little of any layer: another may have learned from that one, as custom models do, or err as it does.
    """
    kept = {one.name for one in content.authors if one.kind == "pre" or (one.kind == "unknown" and one.name in SOURCES)}
    sources = (span.source for sentence in content.given.gold for span in sentence.spans)
    return sum(not kept.isdisjoint(MARKS.split(source)) for source in sources)


def is_preannotation(content: ReportContent, name: str) -> bool:
    """Tell whether a layer is the package's pre-annotation, by its name and sources."""
    # A trained model's layer may be called so, too, but its spans name the model; of other annotators nothing is known.
    sources = (span.source for sentence in content.given.layers[name] for span in sentence.spans)
    return name == "pre" and all(source in SOURCES for source in sources)


def is_crossvalidated(content: ReportContent, name: str) -> bool:
    """Tell whether `crossval` predicted a layer, as the sources of its spans say; of a language model's there is a record."""
    paths = name_layers(content.request.layers)[name]
    folders = {path if path.is_dir() else path.parent for path in paths}
    sources = {span.source for sentence in content.given.layers[name] for span in sentence.spans}
    is_marked = any(sources) and all(map(CONFIG_MARK.search, sources))
    return is_marked and not any(any(folder.glob(f"*{RUN_SUFFIX}")) for folder in folders)


def _compare_layers(content: ReportContent, scores: ScoredLayers, words: Words) -> Iterator[str]:
    tests = len(scores.comparisons)
    keys = {name: _list_span_keys(layer) for name, layer in content.given.covered.items()}
    for number, given in enumerate(scores.comparisons, 1):
        names = {"a": escape_plain(given.a), "b": escape_plain(given.b)}
        sides = scores.evaluations[0], scores.evaluations[number]
        if keys[given.a] == keys[given.b]:
            yield words("says.same", **names, count=len(keys[given.a]))
            continue
        if trained := [one for one in sides if was_trained_here(content, one)]:
            yield words("says.in_sample", name=escape_plain(trained[-1].name))
            continue
        comparison, confidence = given, given.sampling.confidence
        if tests > 1:
            confidence = 1 - (1 - confidence) / tests
            comparison = compare_evaluations(*sides, sampling=replace(given.sampling, confidence=confidence))
        found = next(one for one in comparison.differences if one.metric == f"{ALL} strict f1")
        direction, bounds, p = judge_difference(found, tests)
        if found.difference.value is None:
            continue
        if not bounds:
            figures = {"difference": format_difference(found.difference.value), "p": format_p(p, sign=True)}
            yield words("says.no_interval", **names, **figures)
            continue
        values = map(format_difference, (found.difference.value, *bounds))
        changes = dict(zip(("difference", "low", "high"), values, strict=True))
        sure = f"{confidence:.1%}".replace(".0%", "%")
        yield words(f"says.{direction}", **names, **changes, confidence=sure, p=format_p(p, sign=True))


def _list_span_keys(layer: Layer) -> set[tuple[str, int, int, str]]:
    return {(sentence.id, *span.key) for sentence in layer for span in sentence.spans}
