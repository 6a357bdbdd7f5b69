from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biaozhu.normalization.values import AmountValue, in_base, read_amount


def read(marked: str) -> AmountValue | None:
    start, end = marked.index("["), marked.index("]") - 1
    return read_amount(marked.replace("[", "").replace("]", ""), start, end)


@pytest.mark.parametrize(
    ("text", "low", "high", "unit", "dimension"),
    [
        ("[26家]店", "26", "26", "家", "count"),
        ("[3.5万元]", "35000", "35000", "元", "money"),
        ("[２３,４００．５元]", "23400.5", "23400.5", "元", "money"),
        ("[4000—5000斤]", "4000", "5000", "斤", "mass"),
        ("[18-45岁]", "18", "45", "岁", "age"),
        ("[十至二十人]", "10", "20", "人", "count"),
        ("[10⁴平方米]", "10000", "10000", "平方米", "area"),
        ("[3×10⁵棵]", "300000", "300000", "棵", "count"),
        ("[1.2×10⁻³克]", "0.0012", "0.0012", "克", "mass"),
        ("[500米²]", "500", "500", "平方米", "area"),
        ("[10-20万元]", "100000", "200000", "元", "money"),
        ("[0.5-1.5百分点]", "0.5", "1.5", "百分点", "ratio"),
        ("[5000-1万元]", "5000", "10000", "元", "money"),
        ("[5元到8元]", "5", "8", "元", "money"),
        ("[3个月至1年]", "0.25", "1", "年", "duration"),
        ("[5元8角]", "5.8", "5.8", "元", "money"),
        ("[八块大洋]", "8", "8", "银元", "money"),
        ("[三百大洋]。", "300", "300", "银元", "money"),
        ("银元[三百块]。", "300", "300", "银元", "money"),
        ("美元[五百块]", "500", "500", "美元", "money"),
        ("银元[三块]地", "3", "3", "块", "count"),
        ("花了[法币五百元]。", "500", "500", "法币", "money"),
        ("[美元500]", "500", "500", "美元", "money"),
        ("[新台币3万]", "30000", "30000", "新台币", "money"),
        ("[三石六斗]", "3.6", "3.6", "石", "volume"),
        ("[八斗七升]", "8.7", "8.7", "斗", "volume"),
        ("[两千石]", "2000", "2000", "石", "volume"),
        ("[两个时辰]", "2", "2", "个时辰", "duration"),
        ("[三升]", "3", "3", "升", "volume"),
        ("[5元3角2分]", "5.32", "5.32", "元", "money"),
        ("得了[6.9分]", "6.9", "6.9", "分", "other"),
        ("[3亩5分]地", "3.5", "3.5", "亩", "area"),
        ("[3小时20分钟]", "200", "200", "分钟", "duration"),
        ("[1个半小时]", "1.5", "1.5", "小时", "duration"),
        ("[两年半]", "2.5", "2.5", "年", "duration"),
        ("[半亩]地", "0.5", "0.5", "亩", "area"),
        ("[三成]", "3", "3", "成", "ratio"),
        ("[5‰]", "5", "5", "‰", "ratio"),
        ("[百分之三十五]", "35", "35", "%", "ratio"),
        ("[百分之5—8]", "5", "8", "%", "ratio"),
        ("[三分之二]", "2", "2", "1/3", "ratio"),
        ("[1/4]", "1", "1", "1/4", "ratio"),
        ("[2个百分点]", "2", "2", "百分点", "ratio"),
        ("[300万美元]", "3000000", "3000000", "美元", "money"),
        ("月薪新台币[二十万元]", "200000", "200000", "新台币", "money"),
        ("[六大类]", "6", "6", "类", "count"),
        ("[三两]茶", "3", "3", "两", "mass"),
        ("[5千克]", "5", "5", "公斤", "mass"),
        ("气温[38度]", "38", "38", "℃", "other"),
        ("用电[300度]", "300", "300", "千瓦时", "energy"),
        ("分了[三块]地", "3", "3", "块", "count"),
        ("花了[三块]", "3", "3", "元", "money"),
        # Regression tests: none of these was read, or not so.
        ("[1万2,345户]", "12345", "12345", "户", "count"),
        ("[3亿2,150万元]", "321500000", "321500000", "元", "money"),
        ("[18万7千4百余人]", "187400", "187400", "人", "count"),
        ("[百数十人]", "120", "190", "人", "count"),
        ("[五十四两五钱八分]", "54.58", "54.58", "两", "mass"),
        ("城周[三里七分]", "3.7", "3.7", "里", "length"),
        ("[九十又四分之三公里]", "90.75", "90.75", "公里", "length"),
        ("[1/2茶匙]", "0.5", "0.5", "茶匙", "count"),
        ("[1.8-2.2万/平]", "18000", "22000", "元", "money"),
        ("[￥1,299起]", "1299", "1299", "元", "money"),
        ("总价[200万起]", "2000000", "2000000", "元", "money"),
        ("判了[200万起]", "2000000", "2000000", "起", "count"),
        ("[RMB 15.6w]", "156000", "156000", "元", "money"),
        ("[2.5w元]", "25000", "25000", "元", "money"),
        ("首付[16w5]", "165000", "165000", "元", "money"),
        ("到手价[2w]左右", "20000", "20000", "元", "money"),
        ("[40w]灯泡", "40", "40", "瓦", "power"),
        ("[HK$18,000元]", "18000", "18000", "港元", "money"),
        ("[$18,000元]", "18000", "18000", "美元", "money"),
        ("[3.5×4米]", "14", "14", "平方米", "area"),
        ("[5米×3米]", "15", "15", "平方米", "area"),
        ("[800×600×2200毫米]", "1056000000", "1056000000", "立方毫米", "volume"),
        ("女子[4×100米]接力", "400", "400", "米", "length"),
        ("[3×10⁵米]", "300000", "300000", "米", "length"),
        ("[3公畝]", "3", "3", "公亩", "area"),
        ("[3公克]", "3", "3", "克", "mass"),
        ("[3方呎]", "3", "3", "平方英尺", "area"),
        ("总占地[5.6万方]", "56000", "56000", "平方米", "area"),
        ("土方量[5.6万方]", "56000", "56000", "立方米", "volume"),
        ("赠送[6平]", "6", "6", "平方米", "area"),
        ("[0.4兆帕]", "0.4", "0.4", "兆帕", "pressure"),
        ("[5mW]", "5", "5", "毫瓦", "power"),
        ("折银[五十三两六钱四分]", "53.64", "53.64", "银两", "money"),
        ("征银[二钱一分]", "2.1", "2.1", "钱银", "money"),
        ("当归[三钱五分]", "3.5", "3.5", "钱", "mass"),
        ("[三升三合五勺]", "3.35", "3.35", "升", "volume"),
        ("[三亩二分五厘]", "3.25", "3.25", "亩", "area"),
        ("[120±5℃]", "115", "125", "℃", "other"),
        ("[2.5±0.1万元]", "24000", "26000", "元", "money"),
        ("[十几二十块]", "11", "20", "元", "money"),
        ("[RM 6万]", "60000", "60000", "林吉特", "money"),
        ("[七十巴仙]", "70", "70", "%", "ratio"),
        ("利率下滑[80bp]", "80", "80", "基点", "ratio"),
        ("全长[160129bp]", "160129", "160129", "bp", "other"),
        ("[12pct]", "12", "12", "百分点", "ratio"),
        ("[38.1x]", "38.1", "38.1", "倍", "ratio"),
        ("[十五卢布二十戈比]", "15.2", "15.2", "卢布", "money"),
        ("[八块六毛钱]", "8.6", "8.6", "元", "money"),
        ("[三元二角五分钱]", "3.25", "3.25", "元", "money"),
    ],
)
def test_values_read_figures_units_and_dimensions(text: str, low: str, high: str, unit: str, dimension: str) -> None:
    value = read(text)
    assert value is not None
    assert (value.low, value.high, value.unit, value.dimension) == (
        Decimal(low),
        Decimal(high),
        unit,
        dimension,
    )


@pytest.mark.parametrize(
    ("text", "approx", "bound"),
    [
        ("约[2300元]", "约", ()),
        ("大约需要[2300元]", "约", ()),
        ("增收[350元]左右", "约", ()),
        ("近[8000人]", "近", ()),
        ("历时近[三年]", "近", ()),
        ("近[三年]来", "", ()),
        ("附近[3家]店", "", ()),
        ("栽树[20余万株]", "余", ()),
        ("住了[三年]多", "余", ()),
        ("开了[3个]多种经营的店", "", ()),
        ("有[几百亩]", "几", ()),
        ("[1000元]以上", "", ("以上",)),
        ("[30天]以内", "", ("以下",)),
        ("不足[5%]", "", ("不足",)),
        ("超过了[两百人]", "", ("超过",)),
        ("不超过[30个]", "", ("以下",)),
        ("不得少于[3年]", "", ("以上",)),
        ("一般不会多于[10人]", "", ("以下",)),
        ("最多[20人]", "", ("以下",)),
        ("最高补贴[5000元]", "", ("最高",)),
        ("收益最高达[3500元]以上", "", ("最高", "以上")),
        ("自[14岁]起", "", ()),
        ("捐款[5000+元]", "余", ()),
        ("就业[2.3万+件]", "余", ()),
        ("厚[80mm+]", "余", ()),
        ("厚[80mm]+", "余", ()),
        ("[3元]+运费", "", ()),
        ("[3w多块]", "余", ()),
    ],
)
def test_values_read_how_exact_a_figure_is(text: str, approx: str, bound: tuple[str, ...]) -> None:
    value = read(text)
    assert value is not None
    assert (value.approx, value.bound) == (approx, bound)


@pytest.mark.parametrize(
    ("text", "per"),
    [
        ("每亩投入[200元]", "亩"),
        ("每亩投入200元,产量[900斤]", "亩"),
        ("每亩产果900斤,按每斤[3元]的价格", "斤"),
        ("每人每年[1200元]", "人·年"),
        ("每个合作社增收[10万元]", "合作社"),
        ("平均每个家庭则有[3.3人]", "家庭"),
        ("人均收入[3.2万元]", "人"),
        ("人均收入3万元,全村收入[200万元]", ""),
        ("亩均收益300元,村集体收入[20万元]", ""),
        ("年产量[500吨]", "年"),
        ("2019年产量[500吨]", ""),
        ("亩产[1200斤]", "亩"),
        ("亩产业投入[1200元]", ""),
        ("[12元/公斤]", "公斤"),
        ("[¥12.8/斤]", "斤"),
        ("[$99/月]", "个月"),
        ("[1.8-2.2万/平]", "平方米"),
        ("每方用时[2小时]", "方"),
        ("每方水[3元]", "立方米"),
        ("摊到每户86块5,请人来修,质保[1年半]", ""),
        ("[300r/min]", "分钟"),
        ("[300元]一吨", "吨"),
        ("每户补助2000元,共发放[30万元]", ""),
        ("每亩增收1000元,带动[300户]", ""),
        ("每100克含糖[10克]", "100克"),
        ("人均纯收入的[80%]", ""),
        ("每年增长[8%]", "年"),
        ("每天吃饭。花了[10元]", ""),
        ("人口密度[16人/平方公里]", "平方公里"),
    ],
)
def test_values_read_what_a_figure_is_counted_for(text: str, per: str) -> None:
    value = read(text)
    assert value is not None
    assert value.per == per


@pytest.mark.parametrize(
    "text",
    ["[许多]人", "[元]", "[3]", "[1/0]", "[零分之三]", "[3元到5亩]", "[2000+]人", "[20/4℃]", "[3/6升]", "[3元±5%]"],
)
def test_values_of_what_is_no_amount_are_none(text: str) -> None:
    assert read(text) is None


@pytest.mark.parametrize(
    ("text", "low", "base"),
    [
        ("3亩", Fraction(2000), "m²"),
        ("3斤", Fraction(3, 2), "kg"),
        ("2公里", Fraction(2000), "m"),
        ("5‰", Fraction(1, 200), "1"),
        ("2/3", Fraction(2, 3), "1"),
        ("30美分", Fraction(3, 10), "USD"),
        ("2年", Fraction(24), "月"),
        ("1俄丈", Fraction(10668, 5000), "m"),
        ("99.5wt%", Fraction(199, 200), "1"),
        ("121坪", Fraction(400), "m²"),
        ("5台斤", Fraction(3), "kg"),
        ("32×22×15cm", Fraction(10560, 10**6), "m³"),
    ],
)
def test_values_convert_exactly(text: str, low: Fraction, base: str) -> None:
    value = read(f"[{text}]")
    assert value is not None
    assert in_base(value) == (low, low, base)


def test_values_of_units_without_a_fixed_size_are_not_converted() -> None:
    for text in ("3垧", "3家", "5加仑"):
        value = read(f"[{text}]")
        assert value is not None
        assert in_base(value) is None


@given(st.text(max_size=30), st.data())
def test_values_take_any_span(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    value = read_amount(text, start, end)
    assert value is None or value.low <= value.high


def test_values_are_the_same_wherever_the_amount_stands() -> None:
    # A regression test: 每亩成本 was read twice, as 每亩 and as 亩 before 成本.
    value = read("每亩成本投入约[2300元]")
    assert value is not None
    assert value.per == "亩"


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        ("拨款[1320万元](1953年)。", "era"),
        ("拨款[1320万元](民国二十年)。", "era"),
        ("拨款[1320万元](2003年)。", ""),
        ("总价[200万起]", "unit"),
        ("[3×10⁵棵]", ""),
        ("[2×66万千瓦]", "product"),
    ],
)
def test_values_say_what_is_not_certain(text: str, doubt: str) -> None:
    value = read(text)
    assert value is not None
    assert value.doubt == doubt
