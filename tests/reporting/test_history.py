"""Runs side by side."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from biaozhu.cli import run
from biaozhu.reporting.history import list_history, read_reports, write_history
from biaozhu.reporting.report import write_report

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from biaozhu.reporting.content import ReportContent


def dated(material: ReportContent, date: str, gold: str = "a" * 64, f1: float | None = None) -> ReportContent:
    document = json.loads(json.dumps(material.scores.document))
    document["made"]["date"] = date
    for item in document["made"]["inputs"]:
        item["sha256"] = gold if item["role"] == "gold" else item["sha256"]
    if f1 is not None:
        document["layers"][0]["overall"]["strict"]["f1"]["value"] = f1
    return replace(material, scores=replace(material.scores, document=document))


@pytest.fixture
def reports(material: ReportContent, tmp_path: Path) -> Path:
    write_report(tmp_path / "late", dated(material, "2030-03-01T00:00:00+00:00", f1=0.5))
    write_report(tmp_path / "early", dated(material, "2030-01-01T00:00:00+00:00", f1=0.75))
    write_report(tmp_path / "other", dated(material, "2030-02-01T00:00:00+00:00", gold="b" * 64))
    return tmp_path


def test_history_is_by_date_and_compares_on_the_same_gold_only(reports: Path) -> None:
    rows = [row for row in list_history(read_reports(reports)) if row["layer"] == "规则"]
    assert [row["run"] for row in rows] == ["early", "other", "late"]
    assert [row["change"] for row in rows] == [None, None, pytest.approx(-0.25)]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_history_page_has_every_row_and_a_chart(reports: Path, read_page: Callable, language: str) -> None:
    rows = list_history(read_reports(reports))
    write_history(reports / "history.html", rows, language=language)
    html = (reports / "history.html").read_text("utf-8")
    page = read_page(html)
    assert page.elements["tr"] == 1 + len(rows)
    assert html.count("▼") == sum((row["change"] or 0) < 0 for row in rows)
    assert page.elements["desc"] == 1
    # Two layers on two golds: four series, none of which joins different golds.
    assert len(re.findall(r'<g class="n\d">', html)) == 4
    assert {html.count(f"{row['layer']} · {row['gold_sha'][:6]}") for row in rows} == {1}


def test_history_without_scores_says_why(reports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in reports.rglob("scores.json"):
        path.unlink()
    assert run(["history", str(reports)]) == 0
    said = capsys.readouterr()
    assert "no report has scores yet" in said.err
    assert not said.out


def test_summary_json_holds_scores_and_checks(reports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["summary", str(reports), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["report"] for one in found] == ["early", "other", "late"]
    assert found[0]["scores"][0]["f1"] == 0.75
    assert found[0]["ledger_losses"] is None
    assert {row["label"] for row in found[0]["scores"]} == {"ALL", "PLACE", "PERSON", "AMOUNT"}


def test_summary_table_names_every_layer(reports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["summary", str(reports)]) == 0
    out = capsys.readouterr().out
    assert out.count("yunling") == 3
    assert out.count("规则") == out.count("模型") == 3


def test_summary_counts_the_articles_that_were_scored(
    material: ReportContent, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = replace(material.given.articles[0], id="f" * 12, name="unscored")
    write_report(
        tmp_path / "two",
        replace(material, given=replace(material.given, articles=(*material.given.articles, other))),
    )
    assert run(["summary", str(tmp_path)]) == 0
    assert "1/2" in capsys.readouterr().out
    assert run(["summary", str(tmp_path), "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["articles"] == ["yunling", "unscored"]
    assert found["scored"] == ["yunling"]


def test_summary_of_an_empty_folder_is_one_clear_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["summary", str(tmp_path)]) == 2
    assert "BZ003" in capsys.readouterr().err


def test_summary_reports_every_broken_file_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "scores.json").write_text("{")
    assert run(["summary", str(tmp_path)]) == 2
    assert "BZ001" in capsys.readouterr().err
