from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from biaozhu.data.model import Span, with_spans
from biaozhu.reading.article import article_from_bytes
from biaozhu.reading.sentences import split_article
from biaozhu.reporting.page.strings import make_translator
from biaozhu.reporting.page.table_rows import make_value_view
from biaozhu.reporting.report import render_report

if TYPE_CHECKING:
    from biaozhu.reporting.content import ReportContent


def test_value_tables_show_every_amount_and_place_of_the_gold(material: ReportContent) -> None:
    view = make_value_view(material, make_translator("zh"))
    shown = view["article_values"]
    spans = [span for sentence in material.given.gold for span in sentence.spans]
    assert sum(len(one["rows"]) for one in shown) == sum(span.label == "AMOUNT" for span in spans)
    assert sum(one["tree"]["count"] for one in shown) == sum(span.label == "PLACE" for span in spans)
    assert view["values_from"] == ""
    page = render_report(material)[0]
    assert all(amount in page for one in shown for _, _, amount, _ in one["rows"])


def test_value_tables_give_values_with_their_units(material: ReportContent) -> None:
    rows = {
        row[2]: row for one in make_value_view(material, make_translator("zh"))["article_values"] for row in one["rows"]
    }
    assert rows["38.5万元"][3] == "385,000 元"
    assert rows["15方/亩"][3] == "15 立方米"
    assert rows["1042人"][0].endswith("柳树湾村")
    assert rows["1042人"][3] == "1,042 人"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("一半", "1/2"),
        ("半数", "1/2"),
        ("四分之三", "3/4"),
        ("三分之一至三分之二", "1/3–2/3"),
        ("百分之五", "5 %"),
        ("三成", "3 成"),
        ("-0.5℃", "-0.5 ℃"),
        ("12345.60元", "12,345.6 元"),
    ],
)
def test_value_tables_write_a_share_as_what_it_is(material: ReportContent, text: str, value: str) -> None:
    article = article_from_bytes(f"共有{text}。\n".encode(), name="made", where="made.txt")
    (plain,) = split_article(article)
    gold = [with_spans(plain, [Span(2, 2 + len(text), "AMOUNT")])]
    made = replace(material, given=replace(material.given, articles=(article,), gold=gold))
    ((row,),) = (one["rows"] for one in make_value_view(made, make_translator("zh"))["article_values"])
    assert row[2:] == (text, value)
