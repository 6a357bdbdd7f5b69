from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from biaozhu.cli import run
from biaozhu.data.layers import write_layer
from biaozhu.data.model import Span, with_spans
from biaozhu.reading.article import read_article
from biaozhu.reading.sentences import split_article
from biaozhu.scoring.significance import format_p

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("value", "cell", "sentence"),
    [
        (None, "–", "–"),
        (0.0001, "< 0.001", "< 0.001"),
        (0.001, "0.001", "= 0.001"),
        (0.25, "0.250", "= 0.250"),
    ],
)
def test_report_p_values_read_the_same_in_table_and_sentence(value: float | None, cell: str, sentence: str) -> None:
    assert format_p(value) == cell
    assert format_p(value, sign=True) == sentence


@pytest.mark.parametrize("language", ["zh", "en"])
def test_report_shows_how_often_values_are_right(tmp_path: Path, language: str) -> None:
    path = tmp_path / "field.txt"
    path.write_text("青岛的农民种了三亩草莓，收入5万元。\n", encoding="utf-8")
    (plain,) = split_article(read_article(path))
    at = [(plain.text.index(text), text) for text in ("三亩", "5万元")]
    gold = with_spans(plain, [Span(start, start + len(text), "AMOUNT") for start, text in at])
    for name, sentence in (("gold", gold), ("half", with_spans(gold, gold.spans[:1]))):
        write_layer(tmp_path / f"{name}/field.jsonl", [sentence])
    rows = [
        {"sentence": gold.id, "start": start, "end": start + len(text), "text": text, "low": low, "high": low,
         "unit": unit, "dimension": dimension, "per": "", "approx": "", "bound": [], "place": ""}
        for (start, text), (low, unit, dimension) in zip(
            at, [("3", "亩", "area"), ("99", "元", "money")], strict=True
        )
    ]  # fmt: skip
    values = tmp_path / ("values/field.jsonl" if language == "en" else "gold/values/field.jsonl")
    options = ["--values", str(tmp_path / "values")] if language == "en" else []
    values.parent.mkdir()
    values.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    report = tmp_path / "report"
    assert run([
        "report", "--article", str(path), "--gold", str(tmp_path / "gold"), "--layer", f"half={tmp_path / 'half'}",
        *options, "--lang", language, "--resamples", "100", "-o", str(report),
    ]) == 0  # fmt: skip
    scores = json.loads((report / "scores.json").read_text(encoding="utf-8"))
    found = {(row["layer"], row["field"]): (row["correct"], row["of"]) for row in scores["values"]}
    # The line on 5万元 is wrong on purpose; the layer lacks that amount altogether.
    assert found[None, "amount value"] == found["half", "amount value"] == (1, 2)
    assert found["half", "amount unit"] == (1, 2)
    assert found[None, "amount unit"] == (2, 2)
    page = (report / "index.html").read_text(encoding="utf-8")
    assert ("Amount: value" if language == "en" else "数量：数值") in page
    assert page.count("<td>1 / 2</td>") >= 2
    assert "values.field" not in page


def test_report_scores_the_places_of_amounts_only_where_their_article_is_given(tmp_path: Path) -> None:
    # A regression test: an amount of an article that was not given ended the report with a KeyError.
    gold, rows = tmp_path / "gold", []
    for name, amount in (("a", "三亩"), ("b", "五亩")):
        path = tmp_path / f"{name}.txt"
        path.write_text(f"农民种了{amount}草莓。\n", encoding="utf-8")
        (plain,) = split_article(read_article(path))
        write_layer(gold / f"{name}.jsonl", [with_spans(plain, [Span(4, 6, "AMOUNT")])])
        low = "3" if name == "a" else "5"
        rows.append({"sentence": plain.id, "start": 4, "end": 6, "text": amount, "low": low, "high": low,
                     "unit": "亩", "dimension": "area", "per": "", "approx": "", "bound": [], "place": ""})  # fmt: skip
    (gold / "values").mkdir()
    (gold / "values/all.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    given = ["--article", str(tmp_path / "a.txt"), "--gold", str(gold), "--layer", f"x={gold}", "--resamples", "100"]
    assert run(["report", *given, "-o", str(tmp_path / "report")]) == 0
    scores = json.loads((tmp_path / "report/scores.json").read_text(encoding="utf-8"))
    found = {row["field"]: (row["correct"], row["of"]) for row in scores["values"] if row["layer"] == "x"}
    assert found["amount value"] == (2, 2)
    assert found["amount place"] == (1, 1)
