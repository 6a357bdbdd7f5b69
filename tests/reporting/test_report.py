"""The written report: complete, harmless, and true to the scores."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import jsonschema
import msgspec
import pytest
from scoring_layers import read_schema

from biaozhu.cli import run
from biaozhu.data.diff import Change, Kind
from biaozhu.data.errors import ReportInputError
from biaozhu.data.layers import write_layer
from biaozhu.data.ledger import Entry, write_ledger
from biaozhu.data.model import Sentence, Span
from biaozhu.reporting.content import CurveFigures, ReportRequest, RoundTrip, gather_content
from biaozhu.reporting.page.strings import make_translator
from biaozhu.reporting.page.table_rows import make_breakdowns
from biaozhu.reporting.report import make_checks, render_report, write_report
from biaozhu.scoring.layer_scoring import ScoringRequest
from biaozhu.scoring.scores_document import read_scores
from biaozhu.scoring.significance import Sampling

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from biaozhu.reporting.content import ReportContent

HOSTILE = (
    "<script>alert(1)</script>\u202e县\x1b[31m:题目\n\n"
    "[PERSON 周\u202e望山]在[PLACE 云岭县]说“</div></style><img src=x onerror=alert(2)>”花了[AMOUNT 5万元]。\n\n"
    "零\u200b宽[AMOUNT 3台]水泵\x07。\n"
)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_report_links_lead_to_places_in_the_page(material: ReportContent, read_page: Callable, language: str) -> None:
    page = read_page(render_report(material, language=language)[0])
    assert len(page.ids) == len(set(page.ids))
    assert page.links
    assert {link for link in page.links if not link.startswith("#")} == set()
    assert {link[1:] for link in page.links} <= set(page.ids)
    errors = [one for one in page.ids if re.fullmatch(r"e\d+-\d+", one)]
    # Each error has a line with a link to its place, and a sign there with a link to its line.
    assert errors
    assert set(errors) <= {link[1:] for link in page.links}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_report_loads_nothing_from_outside(material: ReportContent, read_page: Callable, language: str) -> None:
    html = render_report(material, language=language)[0]
    page = read_page(html)
    assert not re.search(r"(?i)(https?:|//[a-z]|@import|url\()", re.sub(r"\n//[^\n]*", "", html))
    assert not [one for one in page.attributes if one[1] in {"src", "srcset", "data", "action", "poster"}]
    assert page.elements["link"] == 0
    assert page.elements["script"] == 1


def test_report_figures_are_those_of_the_scores(material: ReportContent, read_page: Callable, tmp_path: Path) -> None:
    write_report(tmp_path, material)
    page = read_page((tmp_path / "index.html").read_text("utf-8"))
    document = read_scores(tmp_path / "scores.json")
    jsonschema.validate(document, read_schema())
    layers = document["layers"]
    schemes = ("strict", "exact", "partial", "type")
    tables = [
        [layer["overall"]["strict"] for layer in layers],
        *([layer["labels"][label]["strict"] for layer in layers] for label in layers[0]["labels"]),
        *([layer["overall"][scheme] for layer in layers] for scheme in schemes),
    ]
    scores = [score for row in tables for score in row]
    assert page.figures["f1"] == [f"{score['f1']['value']:.3f}" for score in scores]
    assert page.figures["gold"] == [str(score["counts"]["possible"]) for score in scores]
    assert page.figures["found"] == [str(score["counts"]["actual"]) for score in scores]
    for lane, layer in enumerate(layers, 1):
        listed = [one for one in page.ids if one.startswith(f"e{lane}-")]
        assert len(listed) == sum(group["count"] for group in layer["errors"])


def test_report_shows_the_whole_text_once(material: ReportContent, read_page: Callable) -> None:
    page = read_page(render_report(material)[0])
    (article,) = material.given.articles
    shown = "".join("".join(page.article_text).split())
    assert shown == "".join("".join(article.raw[block.start : block.end] for block in article.blocks).split())


@pytest.mark.parametrize("with_article", [True, False])
def test_report_shows_hostile_text_harmlessly(
    tmp_path: Path, write_case: Callable, read_page: Callable, *, with_article: bool
) -> None:
    case = write_case(tmp_path / "in", HOSTILE)
    material = gather_content(
        ReportRequest(
            ScoringRequest(
                layers=(f"<b>层</b>={case['pre']}", f"</style>\x1b[2J\u202e={case['model']}"),
                articles=(case["article"],) if with_article else (),
                gold=(case["gold"],),
                sampling=Sampling(resamples=200),
                command=("biaozhu", "report", "</code><script>\u202e"),
            )
        )
    )
    html, summary, _ = render_report(material)
    page = read_page(html)
    assert page.elements["script"] == 1
    assert page.elements["img"] == page.elements["iframe"] == 0
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    assert "<script>alert(1)</script>" in "".join(page.article_text)
    for found in (html, summary):
        assert not set(found) & set("\u202e\x1b\x07\u200b")
    assert html.count("U+202E") >= 2
    assert "U+001B" in html
    assert "<b>" not in summary


def test_report_without_gold_shows_layers_and_no_scores(
    case: dict[str, Path], read_page: Callable, tmp_path: Path
) -> None:
    (tmp_path / "scores.json").write_text("{}")
    material = gather_content(
        ReportRequest(ScoringRequest(layers=(f"规则={case['pre']}",), articles=(case["article"],), gold=()))
    )
    write_report(tmp_path, material)
    html = (tmp_path / "index.html").read_text("utf-8")
    page = read_page(html)
    assert not (tmp_path / "scores.json").exists()
    assert "0.000" not in html
    assert "不是零" in html
    spans = sum(len(line.spans) for line in material.given.layers["规则"])
    assert len(re.findall(r'class="x l1c [^"]*\bw s1\b', html)) == spans
    assert f"标出 {spans} 个实体" in html
    assert "不是零" in (tmp_path / "summary.md").read_text("utf-8")
    assert {link[1:] for link in page.links} <= set(page.ids)


def test_report_names_the_labels_also_in_a_folder_without_a_label_set(
    case: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A regression test: outside the checkout the report said AMOUNT and PLACE, and had no colours.
    monkeypatch.chdir(tmp_path)
    request = ScoringRequest(layers=(f"pre={case['pre']}",), articles=(case["article"],), gold=())
    content = gather_content(ReportRequest(request))
    assert {label.name for label in content.labels} <= {"地点", "人物", "数量"}
    assert "预标注：" in render_report(content)[0]


def test_report_scores_only_articles_with_gold(tmp_path: Path, write_case: Callable, read_page: Callable) -> None:
    first = write_case(tmp_path / "in", "[PLACE 云岭县]有[AMOUNT 9个]乡。\n", name="one")
    second = write_case(tmp_path / "in", "[PERSON 何春生]种了[AMOUNT 7亩]地。\n", name="two")
    material = gather_content(
        ReportRequest(
            ScoringRequest(
                layers=(f"规则={first['pre']}", f"规则={second['pre']}"),
                articles=(first["article"], second["article"]),
                gold=(first["gold"],),
                sampling=Sampling(resamples=200),
            )
        )
    )
    assert material.scores.evaluations[0].sentences == 1
    html = render_report(material)[0]
    assert "".join(read_page(html).article_text).count("何春生") == 1
    assert html.count("无金标准</span>") == 1


def test_report_gives_labels_that_are_nowhere_no_zero(
    tmp_path: Path, write_case: Callable, read_page: Callable
) -> None:
    case = write_case(tmp_path / "in", "[PLACE 云岭县]开会。\n")
    material = gather_content(
        ReportRequest(
            ScoringRequest(layers=(f"规则={case['gold']}",), gold=(case["gold"],), sampling=Sampling(resamples=200))
        )
    )
    page = read_page(render_report(material)[0])
    # All and PLACE, then the four schemes: labels that neither side has are left out.
    assert page.figures["f1"] == ["1.000"] * 6


def test_report_summary_has_a_line_for_each_layer_and_label(material: ReportContent) -> None:
    summary = render_report(material, language="en")[1]
    # A regression test: the p of the table and that of the verdict contradicted each other, and nothing said why.
    assert f"\n\n{make_translator('en')('difference.note', name='规则')}\n\n" in summary
    rows = [line for line in summary.splitlines() if line.startswith("|")]
    assert len(rows) == 2 + len(material.scores.evaluations) * (1 + len(material.labels))
    assert len({row.replace("\\|", "").count("|") for row in rows}) == 1
    strict = material.scores.evaluations[1].overall["strict"].counts
    assert f"| **{strict.f1:.3f}** |" in summary


def test_report_checks_say_what_was_not_checked(material: ReportContent) -> None:
    assert make_checks(material)["round_trip_identical"] is None
    assert make_checks(material)["ledger_losses"] is None
    found = make_checks(replace(material, ledger=(), round_trip=RoundTrip(identical=True), agreement=None, bias=None))
    assert found | {"articles": []} == {
        "format": "biaozhu.checks.v1",
        "articles": [],
        "scored": ["yunling"],
        "round_trip_identical": True,
        "round_trip_whole": True,
        "ledger_losses": 0,
        "agreement": None,
        "bias": None,
    }


@pytest.mark.parametrize(
    ("kind", "lost", "status"), [(None, 0, 0), ("moved", 0, 0), ("provenance", 0, 1), (None, 2, 1)]
)
def test_report_command_exits_by_losses_and_round_trip(
    case: dict[str, Path], tmp_path: Path, kind: Kind | None, lost: int, status: int
) -> None:
    ledger, trip = tmp_path / "ledger.jsonl", tmp_path / "trip.json"
    write_ledger(ledger, [Entry("pull", "loss", "dropped", "x:0-3", 0, 2, "PLACE", "云岭<b>")] * lost)
    changes = [Change("x:0-3", kind, Span(0, 2, "PLACE"), Span(0, 3, "PLACE"), "云岭县<i>")] if kind else []
    trip.write_text(
        json.dumps(
            {
                "identical": kind is None,
                "sentences": 18,
                "changes": [asdict(one) for one in changes],
                "losses": [],
            }
        )
    )
    options = ["--gold", case["gold"], "--layer", f"规则={case['pre']}", "--ledger", ledger]
    options += ["--round-trip", trip, "--resamples", "200", "-o", tmp_path / "out"]
    assert run(["report", *map(str, options)]) == status
    html = (tmp_path / "out" / "index.html").read_text("utf-8")
    assert html.count('class="alert"') == status
    assert ("云岭&lt;b&gt;" in html) == bool(lost)
    assert ("云岭县&lt;i&gt;" in html) == bool(kind)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--layer", "missing.jsonl"], "BZ003"),
        (["--layer", "a=missing.jsonl"], "BZ003"),
        (["--layer", "a={pre}", "--layer", "a={pre}"], "BZ017"),
        (["--layer", "a={pre}", "--round-trip", "{pre}"], "BZ052"),
        (["--layer", "a={pre}", "--agreement", "{pre}", "--gold", "missing.jsonl"], "BZ001"),
    ],
)
def test_report_command_refuses_bad_input_and_writes_nothing(
    case: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    message: str,
) -> None:
    filled = [option.format(pre=case["pre"]) for option in options]
    assert run(["report", *filled, "-o", str(tmp_path / "out")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_report_refuses_a_layer_of_another_article_where_no_gold_is(
    case: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_layer(tmp_path / "other.jsonl", [Sentence("0" * 12, 0, 2, "北京", ())])
    options = ["--article", str(case["article"]), "--layer", f"a={tmp_path / 'other.jsonl'}"]
    assert run(["report", *options, "-o", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.startswith("BZ016 ")
    assert not (tmp_path / "out").exists()


CURVE = {
    "points": [
        {"sentences": 10, "mean": 0.4, "low": 0.3, "high": 0.5},
        {"sentences": 20, "mean": None, "low": None, "high": None},
        {"sentences": 40, "mean": 0.7, "low": None, "high": None},
        {"sentences": 80, "mean": 0.8, "low": 0.7, "high": 0.9},
    ],
    "fit": [{"sentences": 10, "f1": 0.41}, {"sentences": 180, "f1": 0.88}],
    "worth": 0.031,
}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "0.031, without an interval."),
        (
            {"worth_low": 0.01, "worth_high": 0.05, "distinguishable": True},
            "+0.031 (95% CI +0.010 to +0.050).",
        ),
        (
            {"worth_low": -0.01, "worth_high": 0.05, "distinguishable": False},
            "(95% CI −0.010 to +0.050): not distinguishable from nothing.",
        ),
        ({"worth": None, "fit": [], "failure": "misses"}, "cannot be estimated: even the best power law"),
    ],
)
def test_report_says_what_more_sentences_are_worth(
    material: ReportContent, read_page: Callable, more: dict[str, object], said: str
) -> None:
    html = render_report(replace(material, curve=msgspec.convert({**CURVE, **more}, CurveFigures)), language="en")[0]
    assert "learning" in read_page(html).ids
    assert said in html


@pytest.mark.parametrize(
    "broken",
    [
        {"points": [{"sentences": "10", "mean": 0.4, "low": 0.3, "high": 0.5}]},
        {"points": [{"sentences": 10, "mean": 0.4}]},
        {"points": [], "worth": "much"},
        {"points": [], "failure": "bad luck"},
        {"points": [], "fit": [{"sentences": 1}]},
    ],
)
def test_report_refuses_what_is_no_curve(case: dict[str, Path], tmp_path: Path, broken: dict[str, object]) -> None:
    (tmp_path / "curve.json").write_text(json.dumps(broken))
    with pytest.raises(ReportInputError, match="BZ052"):
        gather_content(
            ReportRequest(ScoringRequest(layers=(f"a={case['pre']}",), gold=()), curve=tmp_path / "curve.json")
        )


def test_report_puts_classes_in_order_whichever_layer_has_them(material: ReportContent) -> None:
    tables = make_breakdowns(material.scores.evaluations, make_translator("en"), single=False)
    reverse = make_breakdowns(material.scores.evaluations[::-1], make_translator("en"), single=False)
    assert {"length", "confidence", "sentence_length"} <= {table["aspect"] for table in tables}
    for table, other in zip(tables, reverse, strict=True):
        if table["aspect"] in ("length", "confidence", "sentence_length"):
            assert [row[0] for row in table["rows"]] == [row[0] for row in other["rows"]], table["aspect"]


def test_report_shows_seen_and_unseen_of_held_out_layers(
    case: dict[str, Path], read_page: Callable, tmp_path: Path
) -> None:
    options = ["--layer", f"a={case['model']}", "--gold", case["gold"], "--article", case["article"]]
    options += ["--held-out", "--resamples", "100", "--lang", "en", "-o", tmp_path]
    assert run(["report", *map(str, options)]) == 0
    html = (tmp_path / "index.html").read_text("utf-8")
    assert "unseen in training" in html
    assert "breakdown" in read_page(html).ids


def test_report_claims_no_certainty_for_a_layer_without_errors(
    tmp_path: Path, write_case: Callable, read_page: Callable
) -> None:
    case = write_case(tmp_path / "in", "[PLACE 云岭县]有[AMOUNT 9个]乡。[PERSON 何春生]种了[AMOUNT 7亩]地。\n")
    material = gather_content(
        ReportRequest(
            ScoringRequest(layers=(f"a={case['gold']}",), gold=(case["gold"],), sampling=Sampling(resamples=200))
        )
    )
    strict = material.scores.evaluations[0].overall["strict"]
    assert strict.f1.value == 1
    assert strict.f1.best[0] == pytest.approx(0.025 ** (1 / 4))
    html = render_report(material, language="en")[0]
    assert "0.398–1.000" in html
    assert "not fit for use" in html
    assert read_page(html).ids
