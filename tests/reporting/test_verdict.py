"""The verdict: green only where the evidence suffices, and in agreement with the interval that stands beside it."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from typing import TYPE_CHECKING

import pytest

from biaozhu.data.errors import ReportInputError, UsageError
from biaozhu.data.layers import read_layer, write_layer
from biaozhu.data.model import IN_SAMPLE_MARK, Sentence, Span, with_spans
from biaozhu.reporting.authorship import About, Author, GoldAuthor, list_authors, read_about
from biaozhu.reporting.content import ReportRequest, gather_content
from biaozhu.reporting.page.strings import make_translator
from biaozhu.reporting.page.verdict import (
    MOST_KEPT,
    Trust,
    Verdict,
    choose_next_step,
    count_kept,
    judge_difference,
    judge_labels,
    judge_layer,
    list_unmarked,
    list_weak,
)
from biaozhu.reporting.report import render_report
from biaozhu.scoring.breakdown import SeenNames
from biaozhu.scoring.evaluation import EvaluationOptions, evaluate_layer
from biaozhu.scoring.layer_scoring import ScoringRequest, score_inputs
from biaozhu.scoring.significance import Difference, Estimate, Sampling

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from biaozhu.reporting.content import ReportContent

PERSON = (GoldAuthor("a", "person", "2026-01", 1, 1),)
KEPT = GoldAuthor("network", "pre", "", 1, 1)
MODEL = (GoldAuthor("a", "model", "2026-01", 1, 1), GoldAuthor("b", "model", "2026-01", 1, 1))


@pytest.mark.parametrize(
    ("authors", "in_sample", "kind", "expected"),
    [
        (PERSON, False, "article", Verdict("high", ())),
        (PERSON, True, "article", Verdict("limited", ("in_sample",))),
        (PERSON, False, "section", Verdict("limited", ("few_articles",))),
        (MODEL, False, "article", Verdict("limited", ("models_only",))),
        ((*MODEL, KEPT), False, "article", Verdict("limited", ("models_only",))),
        ((*PERSON, KEPT), False, "article", Verdict("high", ())),
        ((KEPT,), False, "article", Verdict("limited", ("authors_unknown",))),
        ((), False, "article", Verdict("limited", ("authors_unknown",))),
        ((*PERSON, *MODEL), False, "article", Verdict("high", ())),
    ],
)
def test_verdict_is_green_only_with_evidence(
    material: ReportContent,
    authors: tuple[GoldAuthor, ...],
    in_sample: bool,  # noqa: FBT001 — a case of the table
    kind: str,
    expected: Verdict,
) -> None:
    gold = material.given.gold
    perfect = evaluate_layer(gold, gold)
    perfect = replace(perfect, units=replace(perfect.units, kind=kind))
    assert judge_layer(perfect, authors, in_sample=in_sample) == expected
    # All right, but of each label there are too few to show it.
    assert set(judge_labels(perfect, expected.doubts).values()) == {"limited"}


def test_verdict_on_a_layer_that_the_golds_annotators_saw_is_not_green(material: ReportContent) -> None:
    gold = material.given.gold
    perfect = evaluate_layer(gold, gold)
    perfect = replace(perfect, units=replace(perfect.units, kind="article"))
    found = judge_layer(perfect, (*PERSON, KEPT), in_sample=False, shown=True)
    assert found == Verdict("limited", ("shown",))
    # A regression test: it stood behind all else, and the next step was to annotate more in the same way.
    few = replace(perfect, units=replace(perfect.units, kind="section"))
    found = judge_layer(few, (*PERSON, KEPT), in_sample=True, shown=True)
    assert found.doubts == ("shown", "in_sample", "few_articles")
    advice = choose_next_step(
        material, [{"verdict": found, "evaluation": few, "errors": ()}], (), make_translator("en")
    )
    assert "--blind 1" in advice


@pytest.mark.parametrize("worse", [False, True])
def test_verdict_recommends_no_layer_that_scores_lower_than_the_first(material: ReportContent, *, worse: bool) -> None:
    # A regression test: a narrower interval alone had a model recommended that its start surpassed.
    gold = material.given.gold
    whole, poor = (
        evaluate_layer(gold, gold, name="whole"),
        evaluate_layer(gold, [with_spans(one, ()) for one in gold], name="poor"),
    )
    pair = (whole, poor) if worse else (poor, whole)
    verdicts = (Verdict("unknown", ()), Verdict("high", ()))
    layers = [
        {"verdict": one, "evaluation": it, "errors": (), "but": ""} for one, it in zip(verdicts, pair, strict=True)
    ]
    words = make_translator("en")
    used = words("next.more") if worse else words("next.use", name="whole")
    assert choose_next_step(material, layers, (), words) == used


@pytest.mark.parametrize(
    ("source", "own", "shown"),
    [
        ("network>anna+ben", 0, True),
        # A regression test: one span of a person's own made a copied pre-annotation evidence for a model that begins from it.
        ("network>anna+ben", 1, True),
        ("network", 1, True),
        ("network>adjudicated:anna/chen", 1, True),
        ("model>anna+ben", 1, True),
        ("network>anna+ben", -1, False),
        ("anna+ben", 0, False),
    ],
)
def test_verdict_says_of_every_layer_how_much_of_the_gold_was_kept(
    case: dict[str, Path], tmp_path: Path, source: str, own: int, *, shown: bool
) -> None:
    gold, lines = tmp_path / "gold.jsonl", []
    number, total = 0, sum(len(one.spans) for one in read_layer(case["gold"]))
    for one in read_layer(case["gold"]):
        spans = []
        for span in one.spans:
            number += 1
            spans.append(replace(span, source="anna" if number <= own % total else source))
        lines.append(with_spans(one, spans))
    write_layer(gold, lines)
    layers = (f"pre={case['pre']}", f"model={case['model']}")
    request = ScoringRequest(layers=layers, gold=(gold,), sampling=Sampling(resamples=200))
    content = gather_content(ReportRequest(request))
    kept = count_kept(content)
    assert kept == (0 if source == "anna+ben" else total - own % total)
    for language in ("zh", "en"):
        said = make_translator(language)("doubt.shown", kept=kept, spans=total)
        assert unescape(render_report(content, language=language)[0]).count(said) == 2 * shown


def test_verdict_takes_gold_of_which_a_tenth_was_kept() -> None:
    assert all(kept <= MOST_KEPT * 10 * kept < kept + 1 for kept in range(1, 1000))


@pytest.mark.parametrize(("learned", "fresh", "doubts"), [(True, 35, ("seen",)), (True, 36, ()), (False, 0, ())])
def test_verdict_needs_spans_that_training_had_not_seen(
    material: ReportContent,
    learned: bool,  # noqa: FBT001 — a case of the table
    fresh: int,
    doubts: tuple[str, ...],
) -> None:
    gold = material.given.gold
    perfect = evaluate_layer(gold, gold, options=EvaluationOptions(seen=SeenNames([])))
    assert perfect.counts.fresh == perfect.overall["strict"].counts.possible
    perfect.counts.fresh = fresh
    perfect = replace(perfect, units=replace(perfect.units, kind="article"))
    assert judge_layer(perfect, PERSON, in_sample=False, learned=learned).doubts == doubts


TEMPLATES = ("[PERSON {0}]说,[PLACE {1}]今年收了[AMOUNT {2}斤]梨。", "去[PLACE {1}]的人里有[PERSON {0}]。")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_report_is_not_green_where_articles_are_filled_templates(
    tmp_path: Path, write_case: Callable, language: str
) -> None:
    # A regression test: ten templates in twelve articles, cross-validated article by article, were "can be trusted".
    names, places = ["周一", "吴二", "郑三", "王四"], ["云岭县", "青石乡", "沙坪村"]
    cases = [
        write_case(
            tmp_path,
            f"标题{at}\n\n" + "".join(one.format(names[at % 4], places[at % 3], 100 + at) for one in TEMPLATES * 3),
            name=f"n{at}",
        )
        for at in range(12)
    ]
    gold = tmp_path / "gold"
    for case in cases:
        lines = read_layer(case["gold"])
        spans = ([replace(span, source="anna") for span in line.spans] for line in lines)
        write_layer(gold / case["gold"].name, [with_spans(*one) for one in zip(lines, spans, strict=True)])
    (gold / "about.toml").write_text('[[annotator]]\nname = "anna"\nkind = "person"\n', encoding="utf-8")
    request = ScoringRequest((gold,), (f"ner={gold}",), tuple(case["article"] for case in cases))
    request = replace(request, sampling=Sampling(resamples=200))
    words = make_translator(language)
    for held_out in (False, True):
        content = gather_content(ReportRequest(replace(request, held_out=held_out)))
        html = unescape(render_report(content, language=language)[0])
        assert ('t-high"' in html.partition("how_judged")[0].partition('id="scores"')[0]) is not held_out
        figures = {"fresh": 0, "spans": 180, "needed": 36, "sentences": 84, "repeated": 72}
        assert (words("doubt.seen", **figures) in html) is held_out
        assert (words("next.other") in html) is held_out


def gather_scores(content: ReportContent) -> ReportContent:
    return replace(content, scores=score_inputs(content.request, content.given, content.labels, content.inputs))


@pytest.mark.parametrize(("trust", "weak"), [("high", ["A", "B"]), ("limited", []), ("low", [])])
def test_verdict_of_a_trusted_layer_names_the_labels_that_are_not(trust: Trust, weak: list[str]) -> None:
    # A regression test: the first line of the card and the next step said that samples suffice.
    labels: dict[str, Trust] = {"A": "some", "B": "low", "C": "high", "D": "limited"}
    assert list_weak(Verdict(trust, ()), labels) == weak


def test_verdict_of_a_bad_layer_stays_low_whoever_made_the_gold(material: ReportContent) -> None:
    (bad, _) = material.scores.evaluations
    assert judge_layer(bad, PERSON, in_sample=False).trust == "low"


@pytest.mark.parametrize(
    ("bounds", "p", "tests", "expected"),
    [
        ((0.005, 0.037), 0.01, 1, "better"),
        ((-0.037, -0.005), 0.01, 1, "worse"),
        ((-0.01, 0.02), 0.4, 1, "open"),
        # As the issue found: an interval without zero beside a p-value that shows no difference.
        ((-0.037, -0.005), 0.198, 1, "unclear"),
        ((-0.037, 0.001), 0.04, 1, "unclear"),
        ((-0.037, -0.001), 0.04, 2, "unclear"),
        ((-0.037, -0.001), 0.02, 2, "worse"),
    ],
)
def test_verdict_on_a_difference_agrees_with_interval_and_p(
    bounds: tuple[float, float], p: float, tests: int, expected: str
) -> None:
    value = sum(bounds) / 2
    found = Difference("ALL strict f1", 0.9, 0.9 + value, Estimate(value, bounds), p, 1.0, exact=False)
    assert judge_difference(found, tests)[0] == expected


@pytest.mark.parametrize(
    ("source", "record", "is_trained", "doubted"),
    [
        ("m@0123abcd", "", False, True),
        ("m@0123abcd", "m.m.run.json", False, False),
        ("m@0123abcd", "", True, False),
        ("m", "", False, False),
    ],
)
def test_verdict_doubts_a_layer_of_crossval_of_which_nothing_was_said(
    case: dict[str, Path],
    tmp_path: Path,
    source: str,
    record: str,
    *,
    is_trained: bool,
    doubted: bool,
) -> None:
    # A regression test: without --held-out the report called the evidence sufficient.
    gold = [with_spans(one, [replace(span, source=source) for span in one.spans]) for one in read_layer(case["gold"])]
    write_layer(tmp_path / "m.jsonl", gold)
    if record:
        (tmp_path / record).touch()
    train = (case["gold"],) if is_trained else ()
    request = ScoringRequest(
        (case["gold"],), (str(tmp_path / "m.jsonl"),), train=train, sampling=Sampling(resamples=200)
    )
    words = make_translator("en")
    html = render_report(gather_content(ReportRequest(request)), language="en")[0]
    assert (words("doubt.not_said") in html) is doubted


def test_verdict_says_that_layers_are_the_same(case: dict[str, Path]) -> None:
    layers = tuple(f"{name}={case[path]}" for name, path in (("a", "pre"), ("b", "pre"), ("c", "model")))
    request = ScoringRequest(layers=layers, gold=(case["gold"],), sampling=Sampling(resamples=200))
    html = render_report(gather_content(ReportRequest(request)), language="en")[0]
    assert re.search(r"<li>b and a have the same spans \(\d+\)", html)
    assert "between b and a" not in html
    assert "and a have" not in html.replace("b and a have", "")


def test_verdict_does_not_compare_a_layer_that_was_trained_on_the_gold(
    material: ReportContent, case: dict[str, Path], tmp_path: Path
) -> None:
    # A regression test: it was significantly better than all others, and nothing said why.
    marked = [
        with_spans(one, [replace(span, source=f"m{IN_SAMPLE_MARK}") for span in one.spans])
        for one in material.given.gold
    ]
    write_layer(tmp_path / "m.jsonl", marked)
    layers = (f"a={case['pre']}", str(tmp_path / "m.jsonl"))
    request = ScoringRequest(layers=layers, gold=(case["gold"],), sampling=Sampling(resamples=200))
    html, words = render_report(gather_content(ReportRequest(request)), language="en")[0], make_translator("en")
    assert words("in_sample.trained") in html
    assert words("says.in_sample", name="m") in html
    assert "m is better" not in html
    # `crossval` gives no such layer: what training had seen would be told wrongly.
    with pytest.raises(UsageError, match="trained on"):
        gather_content(ReportRequest(replace(request, held_out=True, articles=(case["article"],))))


def test_verdict_says_that_a_difference_has_no_interval(material: ReportContent) -> None:
    # A regression test: units that are all alike made a difference certain; of one unit nothing was said.
    gold = tuple(one for one in material.given.gold if one.spans)[:1]
    layers = {"a": (with_spans(gold[0], []),), "b": gold}
    given = replace(material.given, gold=gold, layers=layers, covered=layers)
    request = replace(material.request, layers=("a=x", "b=y"))
    html = render_report(gather_scores(replace(material, given=given, request=request)), language="en")[0]
    assert make_translator("en")("says.no_interval", a="a", b="b", difference="+1.000", p="= 1.000") in html


def test_verdict_calls_no_label_bad_that_stands_in_copies_of_a_sentence() -> None:
    copies = [Sentence("a" * 12, 9 * at, 9 * at + 2, "风吹", (Span(0, 1, "PLACE"),)) for at in range(40)]
    gold = [*copies, Sentence("a" * 12, 999, 1001, "雨下")]
    assert judge_labels(evaluate_layer(gold, gold), ()) == {"PLACE": "limited"}


def test_verdict_tells_labels_that_a_layer_never_marks_from_errors(material: ReportContent) -> None:
    gold = material.given.gold
    layer = [with_spans(one, [span for span in one.spans if span.label != "AMOUNT"]) for one in gold]
    found = evaluate_layer(gold, layer)
    amounts = sum(span.label == "AMOUNT" for one in gold for span in one.spans)
    assert (list_unmarked(found), {*judge_labels(found, ())}) == ({"AMOUNT": amounts}, {"PLACE", "PERSON"})
    given = replace(material.given, layers={"a": layer}, covered={"a": layer})
    content = gather_scores(replace(material, given=given, request=replace(material.request, layers=("a=x",))))
    # What it marks wrongly is low, whether or not the gold has the label; what it never marks is another matter.
    worse = [with_spans(one, [replace(span, label="ORG") for span in one.spans[:1]]) for one in layer]
    assert judge_labels(evaluate_layer(gold, worse), ())["ORG"] == "low"
    assert judge_labels(evaluate_layer([with_spans(one, []) for one in gold], worse), ()).keys() == {"ORG"}
    for language, name in (("zh", "数量"), ("en", "AMOUNT")):
        words, html = make_translator(language), render_report(content, language=language)[0]
        assert words("unmarked", label=name, count=amounts) in html
        assert words("next.unmarked", name="a", labels=name) in unescape(html)


def test_verdict_compares_several_layers_with_a_corrected_interval(case: dict[str, Path]) -> None:
    layers = tuple(f"{name}={case[path]}" for name, path in (("a", "pre"), ("b", "model"), ("c", "gold")))
    request = ScoringRequest(layers=layers, gold=(case["gold"],), sampling=Sampling(resamples=200))
    html = render_report(gather_content(ReportRequest(request)), language="en")[0]
    said = re.findall(r"<li>(?:b|c) [^<]*|<li>[^<]*between (?:b|c)[^<]*", html)
    assert len(said) == 2
    assert all("97.5% CI" in line or "(97.5%" in line for line in said)


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("a+b", {"a", "b"}),
        ("adjudicated:a:lin", {"a", "lin"}),
        ("adjudicated:a/lin", {"a", "lin"}),
        ("adjudicated:new/lin", {"lin"}),
        ("network>adjudicated:new", {"network"}),
        ("", set()),
        ("gold", set()),
    ],
)
def test_authorship_reads_names_from_sources(material: ReportContent, source: str, names: set[str]) -> None:
    line = next(line for line in material.given.gold if line.spans)
    line = replace(line, spans=(replace(line.spans[0], source=source),))
    about = About((Author("a", "person", "2026-03"),))
    found = {one.name: one for one in list_authors([line], about, {"lin": "2026-04"})}
    assert found.keys() == names
    assert "a" not in names or (found["a"].kind, found["a"].when) == ("person", "2026-03")
    assert "network" not in names or found["network"].kind == "pre"
    assert "lin" not in names or (found["lin"].kind, found["lin"].when) == ("unknown", "2026-04")


def test_authorship_is_read_beside_the_gold(case: dict[str, Path], tmp_path: Path) -> None:
    gold = tmp_path / "gold.jsonl"
    gold.write_bytes(case["gold"].read_bytes())
    (tmp_path / "about.toml").write_text(
        '[[annotator]]\nname = "lin"\nkind = "person"\n[in_sample]\n"*" = { en = "It was written beside it." }\n'
    )
    for path in (gold, tmp_path):
        about = read_about([path])
        assert about.annotator == (Author("lin", "person"),)
        assert about.explain_in_sample("any", "zh") == "It was written beside it."
    request = ScoringRequest(layers=(f"a={gold}",), gold=(gold,), sampling=Sampling(resamples=200))
    assert "It was written beside it." in render_report(gather_content(ReportRequest(request)))[0]


@pytest.mark.parametrize(
    "broken", ["name = ", "other = 1", '[[annotator]]\nname = "a"\nkind = "robot"', "[[annotator]]", "\udcff"]
)
def test_authorship_refuses_a_broken_file(tmp_path: Path, broken: str) -> None:
    (tmp_path / "about.toml").write_bytes(broken.encode("utf-8", "surrogateescape"))
    with pytest.raises(ReportInputError, match="BZ052"):
        read_about([tmp_path])
