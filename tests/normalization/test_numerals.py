from __future__ import annotations

import runpy
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biaozhu.normalization.numerals import Numeral, read_numeral, write_numeral

BENCHMARK = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "numerals.py"))


@pytest.mark.parametrize(
    ("text", "low", "high", "approx"),
    [
        ("三千五百万", "35000000", "35000000", ""),
        ("3.5万", "35000", "35000", ""),
        ("20余万", "200000", "200000", "余"),
        ("二百多", "200", "200", "余"),
        ("十来", "10", "10", "约"),
        ("２，４００", "2400", "2400", ""),
        ("1,234,567.5", "1234567.5", "1234567.5", ""),
        ("半", "0.5", "0.5", ""),
        ("两千三", "2300", "2300", ""),
        ("三万五", "35000", "35000", ""),
        ("一百零五", "105", "105", ""),
        ("一百五十", "150", "150", ""),
        ("廿三", "23", "23", ""),
        ("卅", "30", "30", ""),
        ("仨", "3", "3", ""),
        ("百", "100", "100", ""),
        ("万", "10000", "10000", ""),
        ("三万亿零五万", "3000000050000", "3000000050000", ""),
        ("1亿2000万", "120000000", "120000000", ""),
        ("三点五万", "35000", "35000", ""),
        ("二〇二〇", "2020", "2020", ""),
        ("壹佰贰拾", "120", "120", ""),
        ("十几", "11", "19", "几"),
        ("几百", "200", "900", "几"),
        ("数十万", "200000", "900000", "几"),
        ("20几万", "210000", "290000", "几"),
        ("二三十", "20", "30", ""),
        ("七八", "7", "8", ""),
        ("十七八", "17", "18", ""),
        ("三四百", "300", "400", ""),
        ("三五", "3", "5", ""),
        ("18万7千4百余", "187400", "187400", "余"),
        ("1万2,345", "12345", "12345", ""),
        ("百数十", "120", "190", "几"),
    ],
)
def test_numerals_read_what_texts_write(text: str, low: str, high: str, approx: str) -> None:
    assert read_numeral(text) == Numeral(Decimal(low), Decimal(high), approx)


@pytest.mark.parametrize("text", ["", "abc", "百百", "百千", "点五点", "1.2.3", "12,34", "亿" * 2000, "9" * 100])
def test_numerals_refuse_what_is_none(text: str) -> None:
    assert read_numeral(text) is None


@given(st.integers(0, 10**16 - 1))
def test_numerals_read_back_what_is_written(value: int) -> None:
    for text in (BENCHMARK["spoken"](value), str(value), f"{value:,}"):
        assert read_numeral(text) == Numeral(Decimal(value), Decimal(value))


@given(st.decimals(min_value=0, max_value=10**12, places=4))
def test_numerals_write_decimals_exactly(value: Decimal) -> None:
    text = write_numeral(value)
    assert Decimal(text) == value
    assert "E" not in text.upper()
    assert text == "0" or not (("." in text and text.endswith("0")) or text.endswith("."))


@given(st.text(alphabet="零〇一二两三五九十百千万亿点半几数余多来廿0123456789.,，．", max_size=20))
def test_numerals_take_any_mixture(text: str) -> None:
    read = read_numeral(text)
    assert read is None or read.low <= read.high or text[0] in "几数0123456789一二两三五九十百千万亿点零〇半余多来廿"


def test_numerals_agree_with_the_independent_writer() -> None:
    wrong = [
        (text, value) for kind, text, value in BENCHMARK["numerals"](6000, seed=2) if BENCHMARK["ours"](text) != value
    ]
    assert wrong == []
