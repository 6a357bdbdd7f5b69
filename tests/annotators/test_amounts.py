from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from biaozhu.annotators.amount_grammar.forms import fold_text
from biaozhu.annotators.amounts import LABEL, LONGEST_NAME_CHARS, SOURCE, SURE, amount_borders, find_amounts
from biaozhu.knowledge.gazetteer import gazetteer
from biaozhu.knowledge.world import world_names

MARKED = [
    # A1: numeral and measure word
    "【26家】企业落户,【13个】村、【355户】【802人】、【60亩】地、【8栋】大棚、【200次】活动",
    "价格【0.7元】,贷款【500万元】,路长【10公里】,【18岁】,重【1.5吨】,剩【1户】【1人】",
    "【２０多万元】,【１２３，４５６名】,【1,234.5万千瓦时】,【3.5 万元】,【20 余万株】",
    "人口增加【13亿人】,13亿人口,【5kg】重的包,5G基站【12个】",
    # A2, A3
    "【20余万株】、【2400余亩】、【30多个】、来了【十几人】、花了【数千元】",
    "【三年】多、【10斤】多、约【2300元】、近【8000人】、达到【20万元】、【1000元】以上、不足【5%】、上【百人】",
    # A4
    "【4000—5000斤】、【18-45岁】、【10-20人】、【三至五年】、【5%~8%】、【5元到8元】、【0.8元至1元】",
    # A5
    "【50%】、【百分之三】、【百分之三点五】、【3倍】、【三成】、【三分之一】、【2个百分点】、【8折】、【3‰】",
    "概率【1772万分之一】、【两千万分之一】、降到【10万分之19】,【百分之三至百分之五】",
    # A6
    "【5元8角】、【1个半小时】、【2300元/亩】、用了【3小时20分钟】、【九点二万千瓦】",
    "等了【一个多钟头】、【三个半礼拜】,【220伏特】,【1000千伏】特高压,【12.3美仙】,【四万杜卡特】",
    # A7, A8
    "【六大类】项目、【三大项】、【万名】青年、【千名】党员、【百亩】果园",
    # N1
    "2020年、7月2日、16时22分、上午9点、90年代、2019年度、2018-2020年、5至8月、一九九八年、九七年、2020-07-02、16:22:00",
    "历时【3年】、连续【10天】、【两年】时间、【70年】来、97年以前",
    # N2
    "第一书记、第3名、第一个、第三、四批、一是、二是、首批、二号楼、三级、五星、一等奖、107国道、电话13812345678",
    # N3
    "一个、一条、一些、一批、一种、一项、一次、一笔、一支、一定、两个、两级、几个、几家、几次、这几年、几天、一天天",
    "【一亩】地、【两元】、【几百亩】、【几千元】、这一年",
    # N4
    "前10个月、头三个月、上半年、一季度",
    # N5
    "“五平台”、“三比拼”、“六个联动”、“七项举措”、“三种机制”、两委、四议两公开、一网三中心、“百名专家下乡”行动",
    "建成【4个】中心,他说:“今年种了【30亩】藕,收入不错。”",
    "所谓“【500万元】”",
    # N6, N7
    "四大基础、两大难题、六大领域、千百年来、千家万户、千里长廊、一站式、一线、一体化、双赢、每天、各村、三三两两、一心一意",
    "百年梦想、近【百年】历史、十分满意、红十字会、五花八门、千瓦时电价、三分球",
    # idioms that are amounts as well
    "歇了【十分钟】、【三轮】磋商、【四处】古井、【四周】后复查、【五味】药材、【三重】保障、【三节】课、【四起】案件、【四面】锦旗、【五元三角】",
    "十分满意、三轮摩托、四处奔走、四周都是山、五味杂陈、双重身份、四面环水、炮声四起,千里之外、千里旅游带、三角形、五味子、三人行",
    "【三件】衣服、【四件】套装、【万片】药、【百人】团队",
    # measure words after Arabic figures, whatever they begin with the next character
    "【2人】生还、【5人】为一组、【10家】具备条件、【200户】主要从事养蜂、【3种】植物、【3部】长篇小说、【5条】理由",
    "【3节】电池、【5起】诉讼、【2起】飞行事故、【1万元】首付、【100元】代金券、【30元】月租、【3天】下来、【3场】地震",
    "5人制、13亿人口、2020元旦、5次列车、3节目、2019种植、3部门、图3所示",
    "【十家】具备条件、【三种】植物、【三部】长篇小说",
    # thousands parted by a space
    "【3 000元】、【12\u00a0345.6亩】、【1\u2009234\u2009567人】、【2\u202f500名】、2020 【100元】、【3 000—5 000斤】",
    # superscripts: of ten a power, of a unit its measure, else the mark of a note
    "面积【10⁴平方米】、种树【3×10⁵棵】、占地【500米²】、30²亩、2.5¹万元、2¹⁰个",
    # capital numerals with smaller parts, hours and minutes in letters
    "今收到房租【肆仟捌佰元】整、【壹佰贰拾捌元伍角】、【叁佰贰拾圆陆角柒分】、收拾元气、大陆角落、队伍角色、三百二十圆",
    "干燥【12h】、【72 h】、【1h20min】、【30min】、【10s】、【1.5s】、90s怀旧、心率【75bpm】、电流【20mA】、5A级景区",
    # units of everyday speech, and what looks like them
    "【80平】的房子、【四十来平】的小屋、15胜10平，、【256G】内存、5G网络、【16A】的插座、16A航班、花了【300多刀】、【8单位】的胰岛素、【14家】单位",
    "首付36万起，先到先得、查处【1.3万起】案件、打了【二两】散装白酒、二两个人、【十载】春秋、千载难逢、四代同堂、一年半载",
    "住在12层、地上【32层】、第90+3分钟、45+2分钟、K712+300米处、比例1/10,000、每度【1块1】一度",
    # names and titles of works that hold what reads as an amount; runs, steps, stair and radiation
    "百里奚、三只松鼠、张一元、《长安三万里》、江南三部曲、一千零一夜、门前【三棵】树、《三百首》里【三首】",
    "一夜之间、一夜走红、下了【一夜】雨、看了半天、停留【半天】、大号三双，、【三双】鞋、一八五团附近、【三团】毛线、奶奶万岁！、【万岁】",
    "【九十五级】台阶、【六百大洋】替他赎身、【五百镑】、【两千欧】，、【一百四十文】。、【二十两】纹银、【十二元鹰洋】、【两亿两】，",
    "【45.22万高斯】、【4.2开尔文】、【945太瓦时】、【0.3微西弗】、【20艘】船、【137基】，35万基层农技员、卸任前【两周】否决、前两周",
    "东经87.45度、最大【4.4级】、减少【三成至五成】、【五千多发】子弹、茅台1935系列、冻梨【三块五】一斤",
    "我家院子258一晚、歼-20顶着、打到12平，、【两米零一】、【一万两千多字】的批语、【十八里】山路",
    # reign titles, those that are words or towns by what follows
    "至大二年、永始三年、太平兴国三年、绍兴十一年冬、大业二年（606年）、大同三年正月",
    "光绪十九年中举，二十一年赴日、宣统元年设厂，历时【三十一年】、咸丰十年至此，【三十年】间",
    "系统和【三年】质保、歌舞升平【三十年】、在武平【三年】、统和三年春、在绍兴【十三年】了、罚款【五万元】和【三年】有期徒刑、建国【七十年】来",
    # old measures
    "【两千石】粮、【五石二斗】、【二十贯钱】、【三十文钱】、【半个时辰】、【两个时辰】后",
    "一贯如此、三石村、一石二鸟、三斗坪镇、二千石以上官员、两石头",
    "厦门万石植物园、百石斋主人、墓前有两石人、立一石牌坊、一石激起浪花、三石公司、一草一石、八斗镇、三斗渠、五斗米道、八斗之才、5斗柜",
    "【三石】荞麦、【五贯文】、腰缠万贯、一文钱难倒英雄汉、【一贯钱】、【十万贯】、【三石】酒、【两千石】军粮、【五斗】米、【一石三斗】、【三石六斗】",
    # silver, orders, riders, written characters
    "捐银【三百两】,省银【四千余两】;房钱【六角】!",
    "捐银【三百两】、省银【四千余两】、猪油【二两】、糖【三两半】、【四两八】水、【八块大洋】、欠他【七百大洋】、【两块银元】、收费【六角】。",
    "库存【六百单】、【五百骑】去求援、共【九十七字】、【半袋】土豆、停留【四日】、【三天】下来、进了【三球】",
    "四大洋、三角形、桌子四角、缺了两角、八单元、三两个、五角大楼、一百单八将、他是三毛、全包和半包、十六字方针",
    "三百两会代表、近百两岸青年、五十两用车、两千文旅企业、百余文创产品、数百单车、二十单亲家庭、数十骑友、三百大洋彼岸的人、半锅炉",
    # years of a decade, of kings; floors of a thread, and litres
    "九几年下乡、五八年参军、零二年又来、楚惠王十年、汉高帝五年、在那里【五六年】、【三五年】后、称王【十年】",
    "公司在吴江办公【五年】、在周口办公【3年】、吴外公【五年】前去世、阳朔【三年】，我走遍了每个村子",
    "12L：楼上说得对，回6L",
    "【2L】 可乐一瓶【6元】，收回【5L】废油",
    # smaller parts whatever follows, halves of vessels, ages, the digit after 角 and 毛
    "【六斤六两】的土鸡、【三斤二两】牛肉、老抽【1勺半】、面粉【3杯半】、【1汤匙半】、【半茶匙】盐、【十六岁零四个月】、【2块7毛8】一片、【1元8角5】",
    "等了【一个半钟头】、【400国际单位】、投了【3个亿】、【60样】小菜、【3发】炮弹、【15幢】楼、【3分钱】",
    "钴-60样品、7字头、拍2发5、三分命中率、三分线、12幢304室、一寸光阴一寸金、一分钱一分货、三天打鱼两天晒网、十里不同天",
    # terms of days, and days of a month
    "期限为【90日】、逾期【15日】、经过【30日】、【3日】后、【三日】内、拘留【10日】、公示期为【7日】、期满【30日】、公告【45日】",
    "5日上午、于5日、7月3日至5日后、截至5日后、15日后半夜、26日前往、15日电、31日报道",
    # more than: within, after the unit outside; w is 万
    "捐款【5000+元】、【2000+人】、【2.3万+件】、【100-200+人】、厚【80mm】+、粉丝2.3万+、90+3分钟",
    "合同价【RMB 15.6w】、【3w块】、【2.5w元】、【2w多人】、灯泡【60W】、粉丝2w",
    # model years, numbered classes, flats, coordinates, units after codes, amperes
    "2024款、2023款轿车、【1200款】游戏、3班5组、三年级2班、高一3班、【3班】人马、5号楼2单元、3栋1单元",
    "（36°46′N，109°15′E）、36°46′12″N、30°N、109°15.5′E、转【36°】、【60°】的角",
    "【RMB 3.85/pcs】、【USD0.42/pcs】、【5 820 t·km-2·a-1】、【5mg·L-1】、【3mol·L⁻¹】、【1.8A】、【3.25A】、16A座、1.8A座",
    # hours from one to another, what follows a plus, flats and regiments, shots of a match, products
    "上午8点到10点、8点至10点、晚上7点—9点、涨【20点至24点】、升至【3200点至3300点】",
    "门票59.9+服务费【5块】、29.9+包邮、12+餐费、【1000+人】免费入场、【3服】中药",
    "住6号楼11层、晨光小区5栋，、竹苑12幢。、7栋业主群、6栋8层803室、在B座9层、停车场在负2层",
    "新建产业园【5栋】、【5栋】楼、【11层】高、共【15栋】【11层】小高层",
    "31师85团3营、3连2排、150团职工、【30团】游客、机型33H、【2P】空调",
    "周文清 24:10 19 4/7、周文清 4/7 19、三分球4/7，罚球5/6、占全国【1/4】以上、【2/3】的人",
    "【38亩】×【200元/亩】、【300g】×【4袋】、密度3.4,【150℃】时",
    # tickets of a lottery, units in letters, of Russia and of Malaysia
    "一等奖【7注】、【1,322注】、中了【五注】一等奖、2019注册会计师、2注意事项、20注资、图1注：村界、表2注",
    "增长【12pct】、下滑【80bp】、估值【38.1x】、从0.1x到0.9x的版本、纯度【99.5wt%】、【300r/min】、【15000TEU】、【20MWp】、水压【6.5巴】、5巴士",
    "菌落【2.3×10⁵CFU/g】,【10⁴CFU/g】、2.10⁴米、损失【RM 6万】、【MYR 300】、RM(【30岁】)、RM 1994年出生、USD 2020年、【七十巴仙】、【30巴仙】",
    "【二十戈比】、【一俄丈半】、【十五卢布二十戈比】、全【25话】、全【十二话】、第25话、共30话费、【2000元/胎】、【30元】/校区、【500元】/生活区、【500元/生】的",
    # old units and their smaller parts
    "每亩【三升三合五勺】、每丁银【二钱一分】、【六十四两三钱】、【一两三钱二分】、【三钱】大黄、三合一、3合1、一钱不取、三钱包",
    "【三十二顷四十六亩】、【四里二分】、【三尺六寸五分】、【八寸五分】厚",
    # days on end and days to keep something; halves
    "连【5日】豪雨、大连5日讯、连降【3日】、保存【30日】、抽了【半包】烟、全包和半包、【半个点】就到、【半吨】原料",
    # names that hold what reads as an amount
    "在三门峡市和五台山镇",
    "里氏【6.2级】地震、【八级】大风",
]


GUIDELINE = Path(__file__).parents[2] / "annotations" / "guideline.md"
# What annotators read about amounts: its examples are marked as above.
RULES = [
    line
    for line in GUIDELINE.read_text(encoding="utf-8").split("## 四、数量")[1].split("\n## ")[0].splitlines()
    if line.startswith(("- ", "**N", "表示"))
]


def test_amounts_guideline_is_read() -> None:
    assert len(RULES) > 20
    assert sum(line.count("【") for line in RULES) > 50


@pytest.mark.parametrize("marked", [*MARKED, *RULES])
def test_amounts_follow_the_guideline(marked: str) -> None:
    parts = re.split("[【】]", marked)
    text = "".join(parts)
    expected = [part for number, part in enumerate(parts) if number % 2]
    (spans,) = find_amounts([text])
    assert [text[span.start : span.end] for span in spans] == expected


def test_amounts_score_figures_above_rhetoric() -> None:
    (spans,) = find_amounts(["30亩地、三十亩地和百亩果园"])
    scores = [span.score or 0 for span in spans]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == 3


@pytest.mark.parametrize(
    ("text", "seen", "wanted"),
    [
        ("密度3.4,150℃时", "3.4,150℃", "150℃"),
        ("4斤装79,6斤装118元", "79,6斤", "6斤"),
        ("租金38亩×200元/亩", "38亩×200元/亩", "38亩"),
        ("他等了三四年", "四年", "三四年"),
        ("刚刚这8分钟卖了90单", "8分钟", None),
        ("那两天有雨", "两天", None),
        ("光绪十九年中举，二十一年赴日", "二十一年", None),
        ("每8小时服一次", "8小时", "8小时"),
        ("米价十元一石", "十元一石", "十元"),
        ("五分钱一斤", "一斤", None),
        ("多少钱一斤", "一斤", "一斤"),
        ("电费五毛三一度", "五毛三一度", "五毛三"),
        ("目標價由$110升至$126.5", "$110升", "$110"),
        ("由2.1万升到2.6万", "2.1万升", None),
        ("总价118万包过户", "118万包", None),
        ("包吃住，6人间", "6人", "6人"),
        ("误差2千万分之一", "2千万分之一", "2千万分之一"),
        ("老白干6块二两", "6块二两", "6块"),
        ("一百八一双", "一百八一双", None),
        ("投资五百万元一年后", "一年", "一年"),
    ],
)
def test_amounts_borders_of_what_a_network_sees(text: str, seen: str, wanted: str | None) -> None:
    start = text.index(seen)
    borders = amount_borders(text, start, start + len(seen))
    assert (borders and text[slice(*borders)]) == wanted


@pytest.mark.parametrize("text", ["半吨原料", "半个点就到", "半个小时"])
def test_amounts_are_sure_of_half_a_unit(text: str) -> None:
    (spans,) = find_amounts([text])
    assert [(span.score or 0) >= SURE for span in spans] == [True]


def test_amounts_of_no_text_are_none() -> None:
    assert find_amounts([]) == []
    assert find_amounts([""]) == [()]


PIECES = st.sampled_from(
    [
        *"0123456789０９.,，点%％‰一二两三十百千万亿几数余多半来个元年月日人户亩斤公里分之第前大类“”-—～至到/ \n",
        "个月",
        "小时",
        "A",
        "😀",
        "度",
    ]
)


@given(st.text(max_size=60) | st.lists(PIECES, max_size=60).map("".join))
@example("一九十百千万亿几数余多半")
@example("1,234,567,89")
def test_amounts_are_sorted_disjoint_and_inside(text: str) -> None:
    (spans,) = find_amounts([text])
    reached = 0
    for span in spans:
        assert reached <= span.start < span.end <= len(text)
        assert text[span.start : span.end].strip() == text[span.start : span.end]
        assert (span.label, span.source) == (LABEL, SOURCE)
        assert 0 < (span.score or 0) <= 1
        reached = span.end


PATTERNS = (
    *(
        "1元",
        "每人1元",
        "1%",
        "半个",
        "1℃",
        "1",
        "1、",
        "1-",
        "1×",
        "1:",
        "1 ",
        "$1",
        "一",
        "几百",
        "十余万",
        "壹",
        "壹万",
    ),
    *("三斤二两", "百分之", "第一、", "零下", "“", "A1", "1,234", "兩", "前1个月"),
)


def test_amounts_look_as_far_as_the_longest_name_reaches() -> None:
    assert max(map(len, [*gazetteer().named, *world_names()])) <= LONGEST_NAME_CHARS


@pytest.mark.parametrize("piece", PATTERNS)
def test_amounts_take_time_in_proportion_to_the_text(piece: str) -> None:
    find_amounts(["三门峡"])
    ratios = []
    # A machine that is busy with others slows one run down, not each of three.
    while len(ratios) < 3 and (not ratios or ratios[-1] >= 12):
        seconds = []
        for length in (40_000, 160_000):
            begun = time.process_time()
            find_amounts([piece * (length // len(piece))])
            seconds.append(time.process_time() - begun)
        ratios.append(seconds[1] / max(seconds[0], 0.05))
    # Four times the text; what grows with its square would take sixteen times as long.
    assert min(ratios) < 12


@given(st.text(max_size=60) | st.lists(PIECES, max_size=60).map("".join))
@example("（１２％）壹万贰仟元⼀兩")
def test_amounts_of_folded_text_are_the_same(text: str) -> None:
    folded = fold_text(text)
    assert len(folded) == len(text)
    assert fold_text(folded) == folded
    (spans,) = find_amounts([text])
    assert find_amounts([folded]) == [spans]
