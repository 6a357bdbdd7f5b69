"""Kinds of amounts that public bug reports name, in words of our own; 【】 marks what is an amount."""

from __future__ import annotations

import re

import pytest

from biaozhu.annotators.amounts import find_amounts


def check(marked: str) -> None:
    parts = re.split("[【】]", marked)
    text = "".join(parts)
    (spans,) = find_amounts([text])
    found = [text[span.start : span.end] for span in spans]
    assert found == [part for number, part in enumerate(parts) if number % 2]


@pytest.mark.parametrize(
    "marked",
    [
        "人民币【贰仟叁佰元】整、共计【柒拾陆万伍仟元】、罚款【伍佰元】",
        "欠款【壹亿零叁佰万元】、补【壹角贰分】、分给【叁拾户】",
        "修路花了【陆拾几万元】、尾数【贰仟元零伍分】",
        "米价每石【四吊八百文】、铜钱【三十吊】、【二贯五百文】、享年【八十有三岁】、一吊灯、两吊车",
        "合计【12亿3456万7890元】、【3万零500元】、【1亿零500万元】,用电【18.5亿kW·h】,下了【六个昼夜】",
        "大陆【几亿人】、陆军【三万人】、队伍【五人】、收拾【三间】屋、伍先生、捌零后",
    ],
)
def test_cases_capital_numerals(marked: str) -> None:
    check(marked)


@pytest.mark.parametrize(
    "marked",
    [
        "门票【¥88】、罚【￥1,234.50】、油价【$3.2】、学费【£9000】、房租【₩50万】",
        "票价【HK$88】，约【US$1.5亿】，【NT$300】一份，【A$20】",
        "成交【USD 500万】、【CNY3亿元】、人民币【￥5000元】",
        "每股【US$3.2-3.5】，【￥299-￥399】，融资【$5M】",
        "【500万美元】、【3000元港币】、【8亿元人民币】、【1.5万日币】、【6亿人民币】",
        "iPhone 15，A4纸，V8发动机",
    ],
)
def test_cases_currency_signs_codes_and_names(marked: str) -> None:
    check(marked)


@pytest.mark.parametrize(
    "marked",
    [
        "【百分之五十到百分之六十】、【百分之3至5】、【千分之二至千分之五】、【百分之二十多】、【百分之两百】",
        "【三分之一到二分之一】、【5%到8%】、【3‰—5‰】、【30% 至 43%】",
        "【2.4万元/吨至2.6万元/吨】、【5角到1元】、【15至20公里】",
        # By so much to so much is no range.
        "上涨【0.2%】至【9096.7亿元】、库存减少【3吨】至【9吨】、下调【0.1%】至【6.2%】",
        "增速回落【0.3个百分点】至【5.2%】、利率降了【10个基点】到【1.8%】、提高【2个百分点至3个百分点】",
    ],
)
def test_cases_ranges(marked: str) -> None:
    check(marked)


@pytest.mark.parametrize(
    "marked",
    [
        "【5年零3个月】、【三年零六个月】、【2年6个月】、【一年零三天】、【两天两夜】、【4天3夜】",
        "【三十四年零两个月】、【三年零五个月零两天】、【三斤零二两】",
        "【1小时30分钟】、【2小时15分】、【两个小时二十分】、【2分15秒】、【7分06秒】",
        "16时22分、下午3点10分、零时9分9秒",
        "【5元8角】、【13万2千元】、【1亿2000万元】、【2万3000元】、【三亩二分】地、【3吨500公斤】",
        "【一年】【365天】、【一天】【24小时】",
    ],
)
def test_cases_compound_quantities(marked: str) -> None:
    check(marked)


@pytest.mark.parametrize(
    "marked",
    [
        "【80㎡】、【5㎞】、【3㎏】、【30㎥】、【20m²】、【45 m3】",
        "【10KG】、【5Km】、【500ml】、【20CM】、【30MW】、【5GWh】、【16GB】、【100Mbps】、【5kΩ】",
        "【0.5mg/L】、【35μg/m3】、【6.1mmol/L】、【120/80mmHg】、【60km/h】、【5t/d】",
        "【0.5元/kWh】、【98万欧元每兆瓦】、【12元/公斤】、【78美元/桶】、时速【60公里/小时】",
        "【5英尺3英寸】、【40呎】、【15公分】、【35公尺】、【三十坪】",
        "【10万台（套）】农机、【7万套(间)】住房、【33.6万台套】",
        "5G、4K、A3景区、M1芯片、H7N9",
    ],
)
def test_cases_unit_spellings(marked: str) -> None:
    check(marked)


@pytest.mark.parametrize(
    "marked",
    [
        "单位:亩",
        "单位：万吨、亿元",
        "产值（亿元）",
        "单价(元/斤)",
        "面积(万亩)",
        "以万元为单位",
        "计量单位为千元",
    ],
)
def test_cases_unit_headers_are_no_amounts(marked: str) -> None:
    check(marked)


@pytest.mark.parametrize(
    "marked",
    [
        "【一米七五】、【1米8】、宽【两米三】、【三尺六】、【两丈五】",
        "【五块八】、【3块5】、【六块五毛钱】、【十二元五角】、【八毛钱】、【三块钱】",
        "【两斤三两】、【三斤半】、【五公里半】、【两成半】、【三成五】、【一斤八两】",
        "卖【三块二】一斤、【一块五】一尺、【十元】一石、一百八一双、三千五一亩、【6块】【二两】、【10秒26】、【38度5】",
        "白糖【五毛六】一斤、【一分二】一个、【六块二】一公里、【四块六】一把、【两块七八】一斤、一百二三一瓶、药20一罐",
        "【一米八一】、【一米七六】一百二十斤、挣【一块八毛六】【零下四十度】、【三块五】一直卖",
        # Not where a new amount begins.
        "长【5米】【3个】、宽【2米】【10层】、【三块】【五斤】重",
    ],
)
def test_cases_spoken_amounts(marked: str) -> None:
    check(marked)


@pytest.mark.parametrize(
    "marked",
    [
        "气温【零下二十度】、【-3℃】、【-20~-15℃】、【零下12℃至零下8℃】、【三十八度】、【二十七八度】",
        "【-2.5%】、【+3.5%】、【负0.3%】、【±800千伏】、利润【-361元/吨】",
        "2020-05-03、A-5、减负【1000亿元】、【5-10℃】",
        "东经120度、北纬30度20分、一度、再度、第三度",
    ],
)
def test_cases_signs_and_degrees(marked: str) -> None:
    check(marked)


@pytest.mark.parametrize(
    "marked",
    [
        "翻【一番】、翻了【两番】、再翻【三番】、翻番、另一番",
        "【百把户】、【千把斤】、【40来万张】、【万把块钱】、【个把月】、【个把小时】、【百十来户】、【十来个】、【一两百户】、【两三天】",
        "增至【六、七十万辆】、风力【5、6级】大风",
    ],
)
def test_cases_fold_and_about_so_many(marked: str) -> None:
    check(marked)


@pytest.mark.parametrize(
    "marked",
    [
        "【三萬五千元】、【三億株】、兩億",
        "【五十餘戶】、【八畝】、【十幾個】人、【三輛】車、【五張】票、【100萬港幣】、【三隻】貓",
        "【兩個小時】、【十分鐘】、【二十歲】、【三間】房、【500臺】、【3塊錢】",
        "【⼆⼗⼈】、【⼀百户】、【355⼾】",
        "兩岸、萬里長城、個體戶、幾個、一個",
    ],
)
def test_cases_traditional_characters(marked: str) -> None:
    check(marked)


@pytest.mark.parametrize(
    "marked",
    [
        "停工【7日】，至今已届【十一日】，罢市【三日】，住院【十五日】，10月停工，7日复工",
        "寒战【5 d】、随访【28 d】、约【8 a】、术后【14d】，图3 a，表2 d，3d打印，第7 d",
        "帮我看【半天】摊，看半天没看懂",
        "【五年】前、【3年】后、【两年】内、【三天】后、近【十年】、过去的【一年】",
        "这五年、这5天、每两年、那三天、今明两天、前两天、几天、数年、数小时、【几十年】、【十几天】",
        "【5个工作日】、【三个交易日】、【半个月】、【半年】、【一半】、【半数】、【一整天】",
        "三年行动、三年攻坚行动、五年规划、九年义务教育、【10年】期国债",
        "【三十日】前、【十日】内、提前【五日】、拘留【五日】以下、7月5日前、三月五日",
        "洪武九年、民国三十年、康熙二十年（1681年）、846年、（250年）、前279年、2017 年、07年",
        "【74年】来、【52年】的历史、【100多年】、【300年】前、【800年】历史",
        "一天，他来了。有一天，新的一年，一年一度，一天天，关键一年",
    ],
)
def test_cases_durations_and_dates(marked: str) -> None:
    check(marked)


@pytest.mark.parametrize(
    "marked",
    [
        "【两人】、【两年】、【两吨】、【一亩】、【一户】、两项、两家、一个、一条、二次、二级、二段",
        "得了【8分】、考了【95分】、上午9点、涨了【20点】、【3点】希望、【七级】地震、升到了74级、三级",
        "居第5位、前10名、排名53位、提升【3位】、十四届三中全会、人大三次会议、【三次】会议、连续举办【七届】",
        "1　石迪　【2.08米】、12　单雄信、【三千多口子】、金丝猴【412群次】",
        "4.2亿、八十、1:3、比分3:2、电话13812345678、代码600519",
        "王小二面馆、李老三家、东河村三组、五道口、三棵树镇、百家姓",
        # Lines, rows of groups and buildings, floors of so many, carriages.
        "乘106路到底、转8路、25路，兵分【3路】，又分【12路】；东河村1、2、4组、西河村2组、3组，1、3、5栋，6/18层、12车8号",
        "【1,234.5万元】、【１２.５％】、【３００吨】、【500 棵】、【3 000元】、【2×66万千瓦】",
    ],
)
def test_cases_counts_scores_ranks_and_bare_numbers(marked: str) -> None:
    check(marked)


@pytest.mark.parametrize(
    "marked",
    [
        "目标价由【$110】升至【$126】、由3.2升到3.6、房贷5.1升幅不大、喝了【3.2升】水",
        "总价118万包过户、月薪8千包食宿、学费3万包教材、收费200包送上门、【300包】水泥、买【3包】送【1包】",
        "拿2万担保、花5000对付、再交3000排队、2000开户、罚了300场地费、扣了500手续费、借500转账、98名列前茅、满99起送",
        "8000张罗婚宴、360手机、36集团军、5份额、600开头、大约3000回国、给500道歉费、9车追尾",
        "【2担】谷子、【3对】夫妻、【3排】座位、【8张】床、【16次】日出、【5支】部队、【98名】列车员、【60本】人民画报、【5份】样品",
    ],
)
def test_cases_bare_figures_before_a_word_that_begins_like_a_measure(marked: str) -> None:
    check(marked)


@pytest.mark.parametrize(
    "marked",
    [
        "白细胞【11.2×10⁹/L】、血小板【210×10⁹/L】、【16.8×10^9/L】、红细胞【4.5×10¹²/L】",
        "头痛【3d】、术后【5d】、q12h×【7d】、发热【2d】入院、3d打印、2d、3d动画",
        "盐【1/2茶匙】、糖【1/4小勺】、【3/4英寸】管、占【1/4】以上、占【2/3】的人",
        "【两百金路易】、【三十埃居】、【五十皮阿斯特】、【六千弗罗林】、【九塔勒】、【四万杜卡特】",
    ],
)
def test_cases_units_of_medicine_kitchens_and_old_money(marked: str) -> None:
    check(marked)


def test_cases_of_a_second_round() -> None:
    for marked in (
        "用时【59分30秒】，9时30分出发，上午10点05分",
        "白菜【八毛】一斤，找回【五毛】，作家三毛，原名陈平，张三毛来了，【两块三毛五】，一毛不拔，五毛特效",
        "走了【三里半】路，半路遇见，还有【两公里半】",
        "在五棵松体育馆、六里桥地铁站；门前种了【五棵】松树",
    ):
        check(marked)
