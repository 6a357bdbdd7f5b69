"""Kinds of values that public bug reports name, in words of our own: [] marks the amount."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from biaozhu.annotators.amounts import find_amounts
from biaozhu.normalization.values import AmountValue, in_base, read_amount


def read(text: str) -> AmountValue:
    """Return the value of the last amount of a text."""
    span = find_amounts([text])[0][-1]
    value = read_amount(text, span.start, span.end)
    assert value is not None
    return value


def check(text: str, low: str, unit: str, high: str = "") -> AmountValue:
    value = read(text)
    assert (value.low, value.high, value.unit) == (Decimal(low), Decimal(high or low), unit)
    return value


@pytest.mark.parametrize(
    ("text", "low", "unit"),
    [
        ("一千两百吨", "1200", "吨"),
        ("四万两千六百户", "42600", "户"),
        ("两亿两千万元", "220000000", "元"),
        ("七千两百公斤", "7200", "公斤"),
        ("两百二十亩", "220", "亩"),
        ("三斤二两", "3.2", "斤"),
        ("两块七八一斤", "2.78", "元"),
        ("11.2×10⁹/L", "11200000000", "个"),
        ("16.8×10^9/L", "16800000000", "个"),
    ],
)
def test_cases_two_within_a_number(text: str, low: str, unit: str) -> None:
    check(text, low, unit)


@pytest.mark.parametrize(
    ("text", "low", "unit"),
    [
        ("四点五亿元", "450000000", "元"),
        ("零点八元", "0.8", "元"),
        ("两点五公里", "2.5", "公里"),
        ("六点三倍", "6.3", "倍"),
        ("九点二万千瓦", "92000", "千瓦"),
        ("3万2千元", "32000", "元"),
        ("1亿2000万元", "120000000", "元"),
        ("3万多亿元", "3000000000000", "元"),
        ("陆拾贰万元", "620000", "元"),
        ("三萬兩千元", "32000", "元"),
    ],
)
def test_cases_points_and_magnitudes(text: str, low: str, unit: str) -> None:
    check(text, low, unit)


@pytest.mark.parametrize(
    ("text", "share"), [("打九五折", "0.95"), ("打68折", "0.68"), ("打七折", "0.7"), ("打5.5折", "0.55")]
)
def test_cases_discounts(text: str, share: str) -> None:
    base = in_base(read(text))
    assert base == (Fraction(share), Fraction(share), "1")


@pytest.mark.parametrize(
    ("text", "low", "high", "doubt"),
    [
        ("零下18摄氏度", "-18", "-18", ""),
        ("零下12℃至零下8℃", "-12", "-8", ""),
        ("-5~3℃", "-5", "3", ""),
        ("零下8至5℃", "-8", "-5", "sign"),
        ("降到-15℃", "-15", "-15", ""),
    ],
)
def test_cases_temperatures_below_zero(text: str, low: str, high: str, doubt: str) -> None:
    assert check(text, low, "℃", high).doubt == doubt


def test_cases_sign_before_a_span_that_leaves_it_out() -> None:
    value = read_amount("气温零下7℃", 4, 6)
    assert value is not None
    assert value.low == -7


@pytest.mark.parametrize(
    ("text", "unit", "base", "doubt"),
    [
        ("3000元港币", "港元", "HKD", ""),
        ("500元美金", "美元", "USD", ""),
        ("2000元人民币", "元", "CNY", ""),
        ("售价€20", "欧元", "EUR", ""),
        ("票价HK$88", "港元", "HKD", ""),
        ("￥299", "元", "CNY", ""),
        ("$15", "美元", "USD", "currency"),
    ],
)
def test_cases_currencies(text: str, unit: str, base: str, doubt: str) -> None:
    value = read(text)
    assert (value.unit, value.doubt) == (unit, doubt)
    assert (in_base(value) or ("", "", ""))[2] == base


@pytest.mark.parametrize(
    ("text", "low", "unit", "doubt"),
    [
        ("3年6个月", "3.5", "年", ""),
        ("1小时20分", "80", "分钟", ""),
        ("两小时三十分", "2.5", "小时", ""),
        ("2分15秒", "2.25", "分钟", ""),
        ("3个月零5天", "95", "天", "calendar"),
        ("两天两夜", "2", "天", ""),
        ("一整天", "1", "天", ""),
        ("10秒26", "10.26", "秒", ""),
    ],
)
def test_cases_compound_durations(text: str, low: str, unit: str, doubt: str) -> None:
    assert check(text, low, unit).doubt == doubt


@pytest.mark.parametrize(
    ("text", "low", "unit"),
    [
        ("一米七五", "1.75", "米"),
        ("1米62", "1.62", "米"),
        ("三块五", "3.5", "元"),
        ("六块五毛", "6.5", "元"),
        ("两公里半", "2.5", "公里"),
        ("三成五", "3.5", "成"),
        ("万把块钱", "10000", "元"),
        ("个把月", "1", "个月"),
    ],
)
def test_cases_spoken_numbers(text: str, low: str, unit: str) -> None:
    check(text, low, unit)


@pytest.mark.parametrize(
    ("text", "low", "high", "unit"),
    [
        ("一两百户", "100", "200", "户"),
        ("二十七八度", "27", "28", "度"),
        ("有六、七十万辆", "600000", "700000", "辆"),
        ("百分之三到百分之五", "3", "5", "%"),
        ("2.4万元/吨至2.6万元/吨", "24000", "26000", "元"),
    ],
)
def test_cases_ranges(text: str, low: str, high: str, unit: str) -> None:
    check(text, low, unit, high)


@pytest.mark.parametrize(
    ("text", "low", "unit", "doubt"),
    [
        ("装机2×66万千瓦", "1320000", "千瓦", "product"),
        ("分了三块", "3", "元", "unit"),
        ("花了三块", "3", "元", ""),
        ("打六七折", "6", "折", "reading"),
    ],
)
def test_cases_what_is_not_certain_says_so(text: str, low: str, unit: str, doubt: str) -> None:
    value = read(text)
    assert (value.low, value.unit, value.doubt) == (Decimal(low), unit, doubt)


@pytest.mark.parametrize(
    ("text", "per", "doubt"),
    [
        ("时速300公里", "小时", ""),
        ("时速可达350公里", "小时", ""),
        ("人均月收入5000元", "人·月", ""),
        ("户均年收入2.3万元", "户·年", ""),
        ("月均消费800元", "月", ""),
        ("0.3mg/m³", "立方米", ""),
        ("60km/h", "小时", ""),
        ("98万欧元每兆瓦", "兆瓦", ""),
        ("每个大棚收入3万元", "大棚", ""),
        ("打车六块二一公里", "公里", ""),
        ("电费五毛六一度", "度", ""),
        # Over a comma only for what the whole sentence is about, and said to be so.
        ("每亩投入200元，产出1800元", "亩", "per"),
        ("每分钟处理3吨，一年要用5.5万吨", "", ""),
        ("每斤卖3元，毛收入近30万元", "", ""),
        ("每吨水价3.5元，利润20万元", "", ""),
        ("每月工资3000元，全年4万元", "", ""),
    ],
)
def test_cases_per_what(text: str, per: str, doubt: str) -> None:
    value = read(text)
    assert (value.per, value.doubt) == (per, doubt)


@pytest.mark.parametrize(
    ("text", "low", "unit", "base"),
    [
        ("损失法币三百万元。", "3000000", "法币", "法币"),
        ("损失三百万元法币。", "3000000", "法币", "法币"),
        ("损失三百万元(旧币)。", "3000000", "旧币", "CNY"),
        ("损失三百万元（旧人民币）。", "3000000", "旧币", "CNY"),
        ("借得银元三元五角。", "3.5", "银元", "银元"),
        ("付港币3元5角。", "3.5", "港元", "HKD"),
        ("付了3元5角。", "3.5", "元", "CNY"),
        ("发了金圆券三千元。", "3000", "金圆券", "金圆券"),
        ("交边币五百元，", "500", "边币", "边币"),
    ],
)
def test_cases_old_money_is_not_the_yuan_of_today(text: str, low: str, unit: str, base: str) -> None:
    value = check(text, low, unit)
    assert value.doubt == ""
    assert (in_base(value) or ("", "", ""))[2] == base


def test_cases_ten_thousand_old_yuan_are_one() -> None:
    value = read("寄回一万元(旧币)。")
    assert (in_base(value) or ())[:1] == (Fraction(1),)


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        ("共得银三十二两五钱。", "era"),
        ("送去二十两纹银。", "era"),
        ("康熙年间捐了二百两。", "era"),
        ("1951年分到三两油。", "era"),
        ("1978年分到三两油。", ""),
        ("黄金二两。", ""),
        ("1952年送礼两万元。", "era"),
        ("民国三十六年付了五百元。", "era"),
        ("一九五二年办厂，如今收入两万元。", ""),
        ("成立于1952年，收入两万元。", ""),
        ("到中国银行存了两万元。", ""),
        ("道光年间有地一千亩。", "era"),
        ("1951年有地一千亩。", ""),
    ],
)
def test_cases_units_of_another_era_are_in_doubt(text: str, doubt: str) -> None:
    assert read(text).doubt == doubt


@pytest.mark.parametrize(
    ("text", "low", "unit", "dimension", "doubt"),
    [
        ("割麦三亩五分，比昨天多二分。", "2", "分地", "area", "unit"),
        ("每斤三元五角，比去年贵二分。", "2", "分钱", "money", "unit"),
        ("家有三亩，只得了二分。", "2", "分", "other", ""),
        ("每户得了三分自留地。", "3", "分地", "area", ""),
        ("往来二十载。", "20", "年", "duration", ""),
    ],
)
def test_cases_units_that_what_was_measured_before_says(
    text: str, low: str, unit: str, dimension: str, doubt: str
) -> None:
    value = check(text, low, unit)
    assert (value.dimension, value.doubt) == (dimension, doubt)


def test_cases_a_numeral_may_hold_you() -> None:
    value = read_amount("越十有三月而成", 1, 5)
    assert value is not None
    assert (value.low, value.unit) == (13, "个月")


@pytest.mark.parametrize(
    ("text", "bound"),
    [("比去年最高纪录多三斤。", ()), ("较历年最低价低三元。", ()), ("最高奖励三百元。", ("最高",))],
)
def test_cases_what_an_amount_is_compared_with_bounds_nothing(text: str, bound: tuple[str, ...]) -> None:
    assert read(text).bound == bound
