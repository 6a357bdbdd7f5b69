"""What the templates are filled with: from the material of a report to names, rows, charts and marked-up text."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from biaozhu.reporting import checks
from biaozhu.reporting.escaping import shown_plain
from biaozhu.reporting.inputs import restrict
from biaozhu.reporting.page import figures, table_rows, verdict
from biaozhu.reporting.page.error_list import bars_of, by_pattern, find_faults, mark_of
from biaozhu.reporting.page.overlay import lines_of
from biaozhu.reporting.page.styling import SIGNS, Lane, label_shorts, style_of
from biaozhu.reporting.page.value_tables import meaning_view
from biaozhu.reporting.provenance import how_made
from biaozhu.scoring.evaluation import ALL
from biaozhu.scoring.scores import pair_layers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from biaozhu.data.model import Article, Sentence
    from biaozhu.reporting.inputs import Material
    from biaozhu.reporting.page.error_list import Fault
    from biaozhu.reporting.page.overlay import Bar, Line, Mark

    Words = Callable[..., str]

OPEN_ARTICLES = 5  # more than these are folded up at first
OPEN_ERRORS = 200
NOTHING = "–"


@dataclass(frozen=True, slots=True)
class ShownLabel:
    """A label as the report names it."""

    id: str
    name: str
    short: str


@dataclass(frozen=True, slots=True)
class ShownArticle:
    """An article as the report shows it; `name` begins its anchors."""

    name: str
    title: str
    gold: bool
    open: bool
    lines: tuple[Line, ...]


def build_view(material: Material, words: Words) -> dict[str, Any]:
    """Return the values that the templates name.

    Args:
        material: everything to be shown.
        words: the translator.
    """
    names = {article: f"a{number}" for number, article in enumerate(_article_ids(material), 1)}
    titles = _titles(material, names)
    lanes = _lanes(material, words)
    scored_lanes = {lane.number: lane.name for lane in lanes if lane.name in material.layers and lane.number}
    pairs = {
        number: pair_layers(material.gold, restrict(material.layers[name], material.gold))
        for number, name in scored_lanes.items()
        if material.gold
    }
    faults = find_faults(pairs, names)
    label_names = {label.id: label.name for label in material.labels}
    shorts = label_shorts([label.name for label in material.labels])
    view: dict[str, Any] = {
        "scored": bool(material.evaluations),
        "compared": bool(material.comparisons),
        "title": _title(titles, words),
        "labels": [
            ShownLabel(label.id, label.name, short)
            for label, short in zip(material.labels, shorts, strict=True)
        ],
        "label_names": label_names,
        "label_colors": {label.id: f"L{at}" for at, label in enumerate(material.labels)},
        "label_numbers": {label.id: at for at, label in enumerate(material.labels)},
        "layer_names": list(material.layers),
        "lanes": lanes,
        "signs": SIGNS,
        "css": style_of(
            material.labels, shorts, lanes, words("only_here") if len(material.layers) > 1 else ""
        ),
        "articles": _articles(material, lanes, faults, names, titles, words),
        "made": how_made(material),
        "scope": words("scope.no_gold", articles=len(names)),
        "says": _found(material, label_names, words),
        **checks.shown_checks(material, label_names, titles, words),
        **meaning_view(material, words),
    }
    if material.evaluations:
        view |= _scores(material, view, faults, titles, words)
    view["alerts"] = checks.alerts(material, words)
    view["contents"] = _contents(view)
    return view


def _article_ids(material: Material) -> list[str]:
    layers = (material.gold, *material.layers.values(), *material.annotators.values())
    return list(
        dict.fromkeys(
            [
                *(article.id for article in material.articles),
                *(sentence.article for layer in layers for sentence in layer),
            ]
        )
    )


def _titles(material: Material, names: Mapping[str, str]) -> dict[str, str]:
    given = {article.id: article.metadata.title or article.name for article in material.articles}
    return {article: given.get(article, article) for article in names}


def _title(titles: Mapping[str, str], words: Words) -> str:
    if len(titles) == 1:
        return next(iter(titles.values()))
    return words("articles", count=len(titles))


def _lanes(material: Material, words: Words) -> list[Lane]:
    names = [words("gold"), *material.layers, *material.annotators]
    shorts = label_shorts(names)
    return [
        Lane(
            number,
            name,
            short,
            gold=number == 0 and bool(material.gold),
            shown=name not in material.annotators,
        )
        for number, (name, short) in enumerate(zip(names, shorts, strict=True))
    ]


def _articles(
    material: Material,
    lanes: Sequence[Lane],
    faults: Mapping[int, Sequence[Fault]],
    names: Mapping[str, str],
    titles: Mapping[str, str],
    words: Words,
) -> list[ShownArticle]:
    files: dict[str, Article] = {article.id: article for article in material.articles}
    layers = {**material.layers, **material.annotators}
    gold = {sentence.id: sentence for sentence in material.gold}
    covered = {sentence.article for sentence in material.gold}
    bars: dict[str, list[Bar]] = defaultdict(list)
    marks: dict[str, list[Mark]] = defaultdict(list)
    sentences: dict[str, dict[str, Sentence]] = defaultdict(dict)
    for lane in lanes:
        for sentence in layers[lane.name] if lane.number else material.gold:
            sentences[sentence.article].setdefault(sentence.id, sentence)
            bars[sentence.article] += bars_of(
                lane.number, sentence, gold.get(sentence.id) if lane.number else None
            )
    by_name = {name: article for article, name in names.items()}
    for number, found in faults.items():
        for fault in found:
            article = by_name[fault.anchor.partition("-")[0]]
            marks[article].append(mark_of(fault, _says(fault, lanes[number].name, words)))
    return [
        ShownArticle(
            name,
            titles[article],
            article in covered,
            len(names) <= OPEN_ARTICLES,
            lines_of(
                files.get(article) or tuple(sentences[article].values()),
                bars[article],
                marks[article],
                name=name,
            ),
        )
        for article, name in names.items()
    ]


def _says(fault: Fault, layer: str, words: Words) -> str:
    gold = " ".join(said.text for said in fault.gold) or NOTHING
    found = " ".join(said.text for said in fault.predicted) or NOTHING
    return shown_plain(
        words("mark", layer=layer, what=words(f"status.{fault.status}"), gold=gold, found=found)
    )


def _scores(
    material: Material,
    view: Mapping[str, Any],
    faults: Mapping[int, Sequence[Fault]],
    titles: Mapping[str, str],
    words: Words,
) -> dict[str, Any]:
    evaluations, comparisons = material.evaluations, material.comparisons
    lane_of = {lane.name: lane.number for lane in view["lanes"] if lane.number}
    first = evaluations[0]
    label_names = view["label_names"]
    judged = [verdict.judge(one) for one in evaluations]
    return {
        "confidence": f"{first.sampling.confidence:.0%}",
        "units": first.units,
        "scope": words(
            "scope",
            gold=judged[0].gold,
            sentences=first.sentences,
            characters=first.characters,
            articles=len({sentence.article for sentence in material.gold}),
        ),
        "verdicts": [
            {
                "name": one.name,
                "trust": one.trust,
                "f1": one.f1,
                "interval": one.interval,
                "precision": evaluation.overall["strict"].score.precision,
                "recall": evaluation.overall["strict"].score.recall,
                "weakest": one.weakest,
                "weakest_text": NOTHING if one.weakest_f1 is None else f"{one.weakest_f1:.3f}",
                "lane": lane_of[one.name],
                "errors": len(faults[lane_of[one.name]]),
            }
            for one, evaluation in zip(judged, evaluations, strict=True)
        ],
        "rule": {"high": f"{verdict.HIGH:.2f}", "some": f"{verdict.SOME:.2f}"},
        "says": _conclusions(material, judged, words),
        "f1_chart": figures.f1_chart(evaluations, label_names, words),
        "label_rows": table_rows.label_rows(
            evaluations,
            comparisons,
            names={ALL: words("all"), **label_names},
            colors=view["label_colors"],
        ),
        "scheme_rows": table_rows.scheme_rows(evaluations, comparisons),
        "error_lanes": [
            {
                "number": lane_of[one.name],
                "kind": kind % 6,
                "name": one.name,
                "count": len(faults[lane_of[one.name]]),
                "groups": by_pattern(faults[lane_of[one.name]]),
                "open": sum(map(len, faults.values())) <= OPEN_ERRORS,
            }
            for kind, one in enumerate(evaluations)
        ],
        "breakdowns": table_rows.breakdown_tables(evaluations, names=titles, words=words),
        "length_chart": figures.length_chart(evaluations, words),
        "threshold_chart": figures.threshold_chart(evaluations, words),
        "reliability_chart": figures.reliability_chart(evaluations, words),
        "confusions": [
            {"name": one.name, "labels": one.confusion.labels, "rows": figures.confusion_cells(one)}
            for one in evaluations
        ],
    }


def _found(material: Material, names: Mapping[str, str], words: Words) -> list[str]:
    said = []
    for name, layer in material.layers.items():
        counts = Counter(span.label for sentence in layer for span in sentence.spans)
        said.append(
            words(
                "says.found",
                name=shown_plain(name),
                sentences=len(layer),
                count=counts.total(),
                labels=words("stop").join(f"{names[label]} {counts[label]}" for label in names),
            )
        )
    return said


def _conclusions(material: Material, judged: Sequence[verdict.Verdict], words: Words) -> list[str]:
    said = []
    for comparison in material.comparisons:
        found = verdict.headline_difference(comparison)
        interval = found.difference.best
        if found.difference.value is None or interval.low is None or interval.high is None:
            continue
        sure = found.p_holm is not None and found.p_holm < verdict.SIGNIFICANT
        direction = "better" if found.difference.value > 0 else "worse"
        said.append(
            words(
                f"says.{direction}" if sure else "says.open",
                a=shown_plain(comparison.a),
                b=shown_plain(comparison.b),
                difference=f"{found.difference.value:+.3f}".replace("-", "−"),
                low=f"{interval.low:+.3f}".replace("-", "−"),
                high=f"{interval.high:+.3f}".replace("-", "−"),
                p=table_rows.p_value(found.p_holm, sign=True),
            )
        )
    articles = len({sentence.article for sentence in material.gold})
    if articles < 10:  # noqa: PLR2004 — as many as the bootstrap over articles needs
        said.append(words("says.few_articles", count=articles))
    if judged[0].few:
        said.append(words("says.few_spans", count=judged[0].gold))
    said += [
        words("says.missing", name=shown_plain(one.name), count=len(one.missing))
        for one in material.evaluations
        if one.missing
    ]
    return said


def _contents(view: Mapping[str, Any]) -> list[tuple[str, str]]:
    scored = view["scored"]
    wanted = [
        ("verdict", "verdict", True),
        ("scores", "scores", scored),
        ("text", "text", True),
        ("meaning", "meaning", bool(view["meanings"])),
        ("errors", "errors", scored),
        ("breakdown", "breakdown", scored),
        ("confidence", "confidence", scored),
        ("confusion", "confusion", scored),
        ("learning", "learning", view["learning_chart"] is not None),
        ("agreement", "agreement", view["agreement"] is not None),
        ("bias", "bias", view["bias"] is not None),
        ("losses", "losses", True),
        ("made", "made", True),
    ]
    return [(anchor, key) for anchor, key, there in wanted if there]
