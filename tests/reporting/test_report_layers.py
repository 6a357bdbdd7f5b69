"""What a report says of its layers, its articles and its errors."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from biaozhu.curation.agreement import Agreement, GroupAgreement
from biaozhu.data.labels import read_labels
from biaozhu.data.layers import read_layer, write_layer
from biaozhu.reporting.content import ReportRequest, gather_content
from biaozhu.reporting.page.strings import make_translator
from biaozhu.reporting.page.verdict import (
    describe_layer,
)
from biaozhu.reporting.report import render_report, write_report
from biaozhu.scoring.layer_scoring import ScoringRequest
from biaozhu.scoring.significance import Sampling

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from biaozhu.reporting.content import ReportContent


@pytest.mark.parametrize("layer", ["a=gold", "pre=gold", "pre=model", "a=pre"])
def test_report_marks_a_layer_trained_on_the_gold(case: dict[str, Path], layer: str) -> None:
    name, _, file = layer.partition("=")
    request = ScoringRequest(
        layers=(f"{name}={case[file]}",),
        gold=(case["gold"],),
        train=(case["gold"],),
        sampling=Sampling(resamples=200),
    )
    html = render_report(gather_content(ReportRequest(request)), language="en")[0]
    assert "It was trained on this gold." in html
    assert "not trained on this gold" not in html
    assert 't-high"' not in html


def test_report_knows_the_preannotation_by_name_and_sources(case: dict[str, Path]) -> None:
    request = ScoringRequest((case["gold"],), (f"pre={case['pre']}",), train=(case["gold"],))
    request = replace(request, sampling=Sampling(resamples=200))
    html = render_report(gather_content(ReportRequest(request)), language="en")[0]
    assert "It was trained on this gold." not in html
    assert "not trained on this gold" in html


def test_report_takes_no_preannotation_for_a_cross_validated_model(case: dict[str, Path]) -> None:
    layers = tuple(f"{name}={case[name]}" for name in ("pre", "model"))
    request = ScoringRequest((case["gold"],), layers, (case["article"],), held_out=True)
    content = gather_content(ReportRequest(replace(request, sampling=Sampling(resamples=200))))
    words = make_translator("en")
    assert describe_layer(content, "pre", words).startswith(words("layer.pre"))
    assert describe_layer(content, "model", words).startswith(words("layer.held_out_section"))
    own = content.given.layers["model"]
    for layer, what in ((own, "layer.given"), ((*own, *content.given.layers["pre"]), "layer.pre_own")):
        foreign = replace(content.given, layers={**content.given.layers, "pre": layer})
        assert describe_layer(replace(content, given=foreign), "pre", words).startswith(words(what))


def test_report_names_unscored_articles_and_scores_each(tmp_path: Path, write_case: Callable) -> None:
    cases = [
        write_case(tmp_path / "in", f"标题{at}\n\n[PLACE 云岭县]有[AMOUNT {at + 2}个]乡。\n", name=f"n{at}")
        for at in range(3)
    ]
    request = ScoringRequest(
        layers=tuple(f"a={case['pre']}" for case in cases),
        articles=tuple(case["article"] for case in cases),
        gold=tuple(case["gold"] for case in cases[:2]),
        sampling=Sampling(resamples=200),
    )
    content = gather_content(ReportRequest(request))
    html = render_report(content)[0]
    assert "3 篇文章，其中 2 篇有金标准" in html
    assert "没有评分的文章 1 篇（没有金标准）：n2 · 标题2。" in html
    table = html[html.index('id="by_article"') : html.index('id="gold_authors"')]
    assert re.findall(r">n\d · (标题\d)</a>", table) == ["标题0", "标题1", "标题2"]
    assert table.count("<b>") == 2


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (True, "(33.3 % of the 12 sentences of these articles;"),
        (False, "(100.0 % of the 4 sentences of these articles that gold or a layer has;"),
    ],
)
def test_report_says_of_which_sentences_the_gold_is_a_share(
    tmp_path: Path,
    write_case: Callable,
    given: bool,  # noqa: FBT001 — a case of the table
    said: str,
) -> None:
    case = write_case(tmp_path, "[PLACE 云岭县]有[AMOUNT 2个]乡。" * 12)
    part = tmp_path / "part.jsonl"
    write_layer(part, read_layer(case["gold"])[:4])
    articles = (case["article"],) if given else ()
    request = ScoringRequest((part,), (f"a={part}",), articles, sampling=Sampling(resamples=200))
    assert said in render_report(gather_content(ReportRequest(request)), language="en")[0]


def test_report_shows_no_agreement_of_another_gold(material: ReportContent) -> None:
    agreement = Agreement(
        annotators=("a", "b"),
        pairs=(),
        mean_strict=0.5,
        mean_partial=0.5,
        alpha=0.123,
        alpha_by_label={},
        by_article={"other": GroupAgreement(1, 0.123)},
    )
    assert "属于另一份金标准" in render_report(replace(material, agreement=agreement))[0]
    assert "0.123" not in render_report(replace(material, agreement=agreement))[0]
    own = replace(agreement, by_article={material.given.gold[0].article: GroupAgreement(1, 0.123)})
    assert "一致性涉及金标准 1 篇文章中的 1 篇" in render_report(replace(material, agreement=own))[0]


def test_report_folds_rows_without_an_error(case: dict[str, Path]) -> None:
    request = ScoringRequest(layers=(f"a={case['gold']}",), gold=(case["gold"],), sampling=Sampling(resamples=200))
    html = render_report(gather_content(ReportRequest(request)), language="en")[0]
    breakdown = html[html.index('id="breakdown"') : html.index('id="confidence"')]
    outside = re.sub(r"<details.*?</details>", "", breakdown, flags=re.DOTALL)
    assert "1.000" in breakdown
    assert "<td>1.000" not in outside


def test_report_colour_of_errors_is_none_of_a_label(material: ReportContent) -> None:
    html = render_report(material)[0]
    error = re.search(r"--bad:(#[0-9a-f]{6})", html)[1]

    def mix(color: str) -> tuple[int, ...]:
        return tuple(int(color[at : at + 2], 16) for at in (1, 3, 5))

    for label in read_labels():
        apart = sum((one - other) ** 2 for one, other in zip(mix(error), mix(label.color), strict=True))
        assert apart > 75**2, label.id


def test_report_of_many_articles_puts_texts_on_pages_and_removes_old_ones(
    tmp_path: Path, write_case: Callable, read_page: Callable
) -> None:
    cases = [
        write_case(tmp_path / "in", f"标题{at}\n\n[PLACE 云岭县]有[AMOUNT {at + 2}个]乡。\n", name=f"n{at}")
        for at in range(45)
    ]

    def report(some: list[dict[str, Path]]) -> None:
        request = ScoringRequest(
            layers=tuple(f"a={case['pre']}" for case in some),
            articles=tuple(case["article"] for case in some),
            gold=tuple(case["gold"] for case in some),
            sampling=Sampling(resamples=200),
        )
        write_report(tmp_path / "out", gather_content(ReportRequest(request)))

    report(cases)
    pages = sorted((tmp_path / "out" / "text").iterdir())
    assert [page.name for page in pages] == ["001.html", "002.html", "003.html"]
    ids = {f"text/{page.name}": set(read_page(page.read_text("utf-8")).ids) for page in pages}
    index = read_page((tmp_path / "out" / "index.html").read_text("utf-8"))
    ids[""] = set(index.ids)
    for link in index.links:
        page, _, anchor = link.partition("#")
        assert not anchor or anchor in ids[page], link
    for page in pages:
        found = read_page(page.read_text("utf-8"))
        assert {link[1:] for link in found.links if link.startswith("#")} <= set(found.ids)
    assert sum(len(read_page(page.read_text("utf-8")).article_text) > 0 for page in pages) == 3
    (tmp_path / "out" / "text" / "004.html").write_text("not ours")
    report(cases[:2])
    assert [page.name for page in (tmp_path / "out" / "text").iterdir()] == ["004.html"]
