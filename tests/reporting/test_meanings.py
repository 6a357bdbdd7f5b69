from __future__ import annotations

from typing import TYPE_CHECKING

from biaozhu.reporting.page.value_tables import meaning_view
from biaozhu.reporting.report import render_report

if TYPE_CHECKING:
    from biaozhu.reporting.inputs import Material


def test_meanings_show_every_amount_and_place_of_the_gold(material: Material) -> None:
    view = meaning_view(material, str)
    shown = view["meanings"]
    spans = [span for sentence in material.gold for span in sentence.spans]
    assert sum(len(one.rows) for one in shown) == sum(span.label == "AMOUNT" for span in spans)
    assert sum(one.tree["count"] for one in shown) == sum(span.label == "PLACE" for span in spans)
    assert view["meanings_from"] == ""
    page, _ = render_report(material)
    for one in shown:
        for row in one.rows:
            assert row.amount in page


def test_meanings_give_values_with_their_units(material: Material) -> None:
    rows = {row.amount: row for one in meaning_view(material, str)["meanings"] for row in one.rows}
    assert rows["38.5万元"].value == "385,000 元"
    assert rows["15方/亩"].value == "15 立方米"
    assert (rows["1042人"].place, rows["1042人"].value) == ("柳树湾村", "1,042 人")
