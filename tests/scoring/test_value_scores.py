from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from scoring_layers import read_schema

from biaozhu.cli import run
from biaozhu.data.errors import BiaozhuError, LineError, ManyProblemsError, MeaningFileError
from biaozhu.data.layers import read_layer, write_layer
from biaozhu.data.model import Sentence, Span
from biaozhu.scoring.value_scores import GoldPlace, GoldValue, read_gold_lines, score_values

ROOT = Path(__file__).parent.parent.parent
GOLD = ROOT / "annotations/gold"
NAME = "handan-2020-07-02.jsonl"
SEED = ROOT / "seeds/handan-2020-07-02.txt"

TEXT = "平遥县洪善镇种红薯190亩，每亩约2300元。"
SENTENCE = Sentence("0123456789ab", 0, len(TEXT), TEXT, (Span(0, 3, "PLACE"), Span(3, 6, "PLACE"), Span(9, 13, "AMOUNT"), Span(17, 22, "AMOUNT")))  # fmt: skip


def value_line(start: int, end: int, **changes: Any) -> dict[str, Any]:
    line = {
        "sentence": SENTENCE.id,
        "start": start,
        "end": end,
        "text": TEXT[start:end],
        "low": "190",
        "high": "190",
    }
    rest = {
        "unit": "亩",
        "dimension": "area",
        "approx": "",
        "bound": [],
        "per": "",
        "place": "山西省/晋中市/平遥县/洪善镇",
    }
    return line | rest | changes


LINES = [
    value_line(9, 13),
    value_line(17, 22, low="2300", high="2300", unit="元", dimension="money", approx="约", per="亩"),
]
COUNTY = "山西省/晋中市/平遥县"
PLACES = [
    {"sentence": SENTENCE.id, "start": 0, "end": 3, "text": "平遥县", "path": COUNTY, "level": "county", "also": []},
    {"sentence": SENTENCE.id, "start": 3, "end": 6, "text": "洪善镇", "path": "x", "level": "township", "also": [f"{COUNTY}/洪善镇"]},
]  # fmt: skip


def written(path: Path, lines: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    return path


def test_values_scores_count_each_field(tmp_path: Path) -> None:
    wrong = [LINES[0] | {"unit": "公顷"}, LINES[1] | {"per": ""}]
    values = read_gold_lines(written(tmp_path / "v.jsonl", wrong), [SENTENCE], GoldValue)
    places = read_gold_lines(written(tmp_path / "p.jsonl", PLACES), [SENTENCE], GoldPlace)
    scores = {s["field"]: (s["correct"], s["of"]) for s in score_values(values, places, [SENTENCE], layer=None)}
    assert scores == {
        "amount value": (2, 2),
        "amount unit": (1, 2),
        "amount dimension": (2, 2),
        "amount approx": (2, 2),
        "amount bound": (2, 2),
        "amount per": (1, 2),
        "amount all of these": (0, 2),
        "place path": (2, 2),
        "place level": (2, 2),
        "place path where one is given": (2, 2),
    }


def test_values_scores_of_one_place_are_numbers(tmp_path: Path) -> None:
    one = replace(SENTENCE, spans=SENTENCE.spans[:1])
    places = read_gold_lines(written(tmp_path / "p.jsonl", PLACES[:1]), [one], GoldPlace)
    scores = [row for row in score_values({}, places, [one], layer=None) if row["field"].startswith("place")]
    assert [(type(row["correct"]), type(row["of"])) for row in scores] == [(int, int)] * 3
    assert [(row["correct"], row["of"]) for row in scores] == [(1, 1)] * 3


def test_values_scores_of_spans_that_are_not_found_are_wrong(tmp_path: Path) -> None:
    values = read_gold_lines(written(tmp_path / "v.jsonl", LINES), [SENTENCE], GoldValue)
    # One amount is missing, the other has another border.
    layer = replace(SENTENCE, spans=(Span(9, 12, "AMOUNT"),))
    scores = score_values(values, {}, [layer], layer="found")
    assert {score["correct"] for score in scores} == {0}
    assert {score["accuracy"] for score in scores} == {0.0}


def test_values_scores_of_nothing_are_undefined() -> None:
    scores = score_values({}, {}, [SENTENCE], layer="x")
    assert scores == []


@pytest.mark.parametrize(
    ("lines", "where"),
    [
        (LINES[:1], "17-22"),
        ([*LINES, LINES[0]], "v.jsonl:3"),
        ([LINES[0] | {"text": "191亩"}, LINES[1]], "v.jsonl:1"),
        ([LINES[0] | {"start": 8}, LINES[1]], "v.jsonl:1"),
        ([{k: v for k, v in LINES[0].items() if k != "per"}, LINES[1]], "v.jsonl:1"),
        ([LINES[0], LINES[1] | {"low": "viel"}], "v.jsonl:2"),
        ([LINES[0] | {"bound": "以上"}, LINES[1]], "v.jsonl:1"),
        ([LINES[0] | {"unit": 3}, LINES[1]], "v.jsonl:1"),
        ([LINES[0] | {"sentence": ["x"]}, LINES[1]], "v.jsonl:1"),
        ([LINES[0] | {"start": {}}, LINES[1]], "v.jsonl:1"),
        ([LINES[0] | {"end": [13]}, LINES[1]], "v.jsonl:1"),
    ],
)
def test_values_scores_need_gold_that_fits(tmp_path: Path, lines: list[dict[str, Any]], where: str) -> None:
    with pytest.raises(MeaningFileError) as caught:
        read_gold_lines(written(tmp_path / "v.jsonl", lines), [SENTENCE], GoldValue)
    assert caught.value.where.endswith(where)


def test_values_scores_refuse_lines_that_are_no_json(tmp_path: Path) -> None:
    path = tmp_path / "v.jsonl"
    path.write_text("{}\nnot\n3\n", encoding="utf-8")
    with pytest.raises(ManyProblemsError) as caught:
        read_gold_lines(path, [SENTENCE], GoldValue)
    assert [one.code for one in caught.value.problems] == ["BZ053"] * 3
    # A regression test: an error for each line.
    for content in ('[{"text": "三斤"},\n{}]'.encode(), '{"text": "三斤"}\n{}'.encode("gb18030")):
        path.write_bytes(content)
        with pytest.raises(LineError):
            read_gold_lines(path, [SENTENCE], GoldValue)


def test_values_scores_of_the_first_article_fit_its_gold() -> None:
    gold = read_layer(GOLD / NAME)
    values = read_gold_lines(GOLD / "values" / NAME, gold, GoldValue)
    places = read_gold_lines(GOLD / "places" / NAME, gold, GoldPlace)
    counts = {label: sum(s.label == label for one in gold for s in one.spans) for label in ("AMOUNT", "PLACE")}
    assert (len(values), len(places)) == (counts["AMOUNT"], counts["PLACE"])
    # These floors lie under what was reached, so that a rule that loses much is seen.
    scores = {s["field"]: s["accuracy"] for s in score_values(values, places, gold, layer=None)}
    assert (scores["amount all of these"] or 0) >= 0.95
    assert (scores["place path"] or 0) >= 0.95


def test_values_scores_of_the_command_fit_the_schema(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    layer = tmp_path / "layer.jsonl"
    write_layer(layer, read_layer(GOLD / NAME))
    words = ["evaluate", "--gold", str(GOLD / NAME), "--layer", str(layer), "--article", str(SEED), "--json"]
    words += [
        "--values",
        str(GOLD / "values" / NAME),
        "--places",
        str(GOLD / "places" / NAME),
        "--resamples",
        "100",
    ]
    assert run(words) == 0
    document = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, read_schema())
    assert {row["layer"] for row in document["values"]} == {None, "layer"}
    assert len(document["values"]) == 2 * (8 + 3)


def test_values_of_a_folder_may_lack_articles_but_no_amount_of_one(tmp_path: Path) -> None:
    one, two = (
        Sentence(article * 12, 0, 4, "三亩五亩", (Span(0, 2, "AMOUNT"), Span(2, 4, "AMOUNT"))) for article in "ab"
    )
    rows = [
        {"sentence": one.id, "start": span.start, "end": span.end, "text": one.text[span.start : span.end], "low": "3",
         "high": "3", "unit": "亩", "dimension": "area", "per": "", "approx": "", "bound": [], "place": ""}
        for span in one.spans
    ]  # fmt: skip
    (tmp_path / "a.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    assert len(read_gold_lines(tmp_path, [one, two], GoldValue)) == 2
    assert read_gold_lines(tmp_path, [two], GoldValue) == {}
    with pytest.raises(BiaozhuError, match="BZ053"):
        read_gold_lines(tmp_path / "a.jsonl", [one, two], GoldValue)
    both = [*rows, *({**row, "sentence": two.id} for row in rows)]
    (tmp_path / "a.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in both), encoding="utf-8")
    assert {sentence for sentence, _, _ in read_gold_lines(tmp_path, [two], GoldValue)} == {two.id}
    (tmp_path / "a.jsonl").write_text(f"{json.dumps(rows[0])}\n", encoding="utf-8")
    with pytest.raises(MeaningFileError):
        read_gold_lines(tmp_path, [one, two], GoldValue)
