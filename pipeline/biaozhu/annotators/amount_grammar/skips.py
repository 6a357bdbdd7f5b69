"""Phrases that look like an amount and are none: set phrases, dates, clock times, ordinals, reign titles."""

from __future__ import annotations

from biaozhu.knowledge.measures import DASH, alternation
from biaozhu.knowledge.word_tables import read_words

DIGITS, SMALL = "〇零一二三四五六七八九", "一二三四五六七八九十"
# Set phrases in which a numeral and a measure word say no quantity.
IDIOMS = read_words("amounts", "idioms")
# 一八五团附近, 79团2营: a regiment or its farm.
_REGIMENT = f"(?=[0-9{SMALL}]{{0,2}}[连营]|职工|附近|农场|部|[的在]|$)"
# Idioms that are amounts as well: each with what makes it an idiom.
_IDIOMS_IN_CONTEXT = (
    r"十分(?!钟|之)",
    r"万分(?!之)",
    r"(?<=不远)千里|(?<=一泻)千里",
    r"千里(?=之外|之行|之遥|之堤|旅游|长廊|江山|山河|河山|海疆|边[关疆]|迢迢|冰封|飘香|沃野|平川|姻缘|单骑|奔袭|驰援|马|眼|寻|送)",
    r"四处(?=奔|逃|流[浪窜]|打[听探工]|寻|找|搜|散|飘|漂|飞|游|张[望罗贴]|求|蔓延|碰壁|躲|活动|走|借|乱|巡|弥漫|传|联系|筹|告|招|讨|乞|溢|都是|可见|皆|推销|化缘|漏风)",
    r"(?<![续期时近约足])四周(?!后|内|年|以[来上]|之[后内]|时间|左右|多|的(?:时间|培训|课程))",
    r"四面(?!锦旗|红旗|旗|彩旗|镜|鼓|锣|屏|墙)",
    r"(?<![元块\d])三角(?!钱|[五一二三四六七八九\d]分)",
    r"[两三四]轮(?=驱动|摩托|电动|机动|农用|马车|拖拉机|小货车)",
    r"(?<=[声烟火言歌])四起|四起(?=[，。；！？、]|$)",
    r"三双(?=[，。；！？、]|数据|表现|先生)",
    r"一夜(?=之间|走红|成名|暴富|爆红|闻名|成[为了]|未|没)",
    r"(?<=[了老大等])半天|(?<=看)半天(?![摊店门孩娃])|半天(?=没|说不|才|不|都)",
    r"(?<=[那奶爷王])万岁|万岁(?=[！!，”]|爷)",
    rf"(?<![{SMALL}百千万])[{SMALL}百]{{2,5}}团{_REGIMENT}",
    r"三人行(?=[，。；！？、”]|必|$)",
    r"二人转(?![移让入身为业学院向到])",
    r"百人团(?!队|体|圆|聚|结|员)",
    r"[三四]件套(?!装|餐|房)",
    r"一贯(?!钱)",
    r"一文钱(?=难倒)",
    r"五斗米(?=[道教]|折腰)",
    r"二千石(?=官|以[上下]|长吏)",
    # 五棵松, 六里桥: a stop or a hall is called by what once stood there.
    rf"[{SMALL}](?:[棵道里间眼孔])[松树口桥庄堡房井沟店湾坪](?=地铁|(?:火车|公交)?站|体育|[东西南北]?[路街桥]|小区|公园|广场|胡同|医院|[小中]学|街道|社区)",
)
_FIGURES, _NUMERAL = "[0-9]{1,2}", f"[{SMALL}]{{1,3}}"
# No month has more days.
_DAY = "(?:3[01]|[12][0-9]|0?[1-9])"
# Before a number of days they say how long: 提前十日, 逾期15日.
_TERMS = read_words("amounts", "terms")


def _day(number: str) -> str:
    """Return the pattern of a day of the month; 十日内, 提前十日 are terms."""
    terms = "".join(f"(?<!{word})" for word in _TERMS)
    dated = rf"{terms}{number} ?日(?!(?:以|之)?内|以[上下]|之?后(?!半)|之前)(?!\w?均)"
    return rf"(?={number} ?日)(?:{dated}|(?<=[至到于自从月—~-]){number} ?日(?=后))"


# By what they begin with, so that each is tried where it can match only.
_OF_FIGURES = (
    # 2024款 is a model year; 3班5组, 高一3班 and 5号楼2单元 are numbered.
    r"(?<![0-9.,])(?:19[5-9][0-9]|20[0-4][1-9]|20[1-4]0)款|(?<![0-9.])[0-9]{1,2}班[0-9]{1,2}组|(?:(?<=年级)|(?<=[高初][一二三]))[0-9]{1,2}班"
    r"|(?<![0-9.])[0-9]{1,3}(?:号[楼院]|[栋幢])[0-9]{1,2}单元"
    rf"|(?<![0-9.])(?:[0-9]{{2,3}}团{_REGIMENT}|[0-9]{{1,3}}[师旅团营连](?:[0-9]{{1,3}}[旅团营连排班])++)|(?<=[机车]型)[:：]?[0-9]++[A-Z]++"
    rf"|{_FIGURES}[:：][0-9]{{2}}(?:[:：][0-9]{{2}})?|{_FIGURES}[时点]{_FIGURES}分(?:{_FIGURES}秒)?"
    rf"|(?<![0-9])[12][0-9]{{3}}(?:{DASH}[0-9]{{2,4}})? ?年(?:{_FIGURES}月)?(?:{_FIGURES}日)?(?!期|的?历史)"
    rf"|(?<![0-9])[0-9]{{2}}年(?={_FIGURES}月|[底初末春夏秋冬度])|(?<![0-9.])0[0-9]年"
    rf"|(?:{_FIGURES}(?:{DASH}|、))?(?:{_FIGURES} ?[月号](?!\w?均)(?: ?{_FIGURES} ?日)?|{_day(_DAY)})"
    rf"|(?<![0-9])[0-9]{{4}}[-/.]{_FIGURES}[-/.]{_FIGURES}(?![0-9])|[0-9]{{1,4}} ?(?:年代|世纪|年级|年度|楼)"
    r"|(?<![0-9])[0-9]++[:：∶][0-9]++|(?<![0-9.元块角毛])[0-9]++(?:\.[0-9]++)?(?=一[晚斤碗份位杯只张条节串瓶])|(?<![0-9])(?:45|90|105|120)\+[0-9]{1,2}(?=分)"
    # Floors of a thread: 12L：…, 回6L.
    r"|(?<![^\n])[0-9]{1,4}L(?=[:：])|(?<=回)[0-9]{1,4}L(?=[:：，。！？ ]|$)"
)
# VIP9折 holds an amount; V9, iPhone 5s and K712+300米 none.
_OF_LETTERS = r"[A-Za-z]{1,2}[0-9]++\+[0-9]++(?:\.[0-9]++)?(?:米|m(?![A-Za-z]))?|[A-Za-z]++(?=[0-9.,]++[万亿]*(?:美?元|%|折))|[A-Za-z][A-Za-z0-9.\-]*+"
_OF_NUMERALS = (
    rf"(?<![{DIGITS}十百千万])[一二][{DIGITS}O]{{3}}(?:[—-]{{1,2}}[一二][{DIGITS}O]{{3}})?年"
    rf"|(?<![{SMALL}百千万])(?!二三|三四|三五|四五|五六|六七|七八|八九)[二三四五六七八九][{DIGITS}几]年|[零〇][一二三四五六七八九]年|[零{SMALL}]{{1,3}}[时点][零{SMALL}]{{1,3}}分"
    rf"|{_NUMERAL}(?:月(?:{_NUMERAL}日)?|号|年代|世纪|年级|年度|楼)|(?![四五六七八九]十){_day(_NUMERAL)}(?!前)"
    # 一百八|一双: a price without its unit.
    rf"|(?<![{SMALL}两百千万零])[{SMALL}两百千万零]*[百千万][{SMALL[:-1]}]一(?=[斤个张只条双件套亩台吨天晚年月])"
    r"|[一两](?:[这那]?年|天)(?=到头|又一|比一)"
)
_OF_WORDS = (
    # The title of a work.
    r"《[^《》\n]{1,30}》"
    r"|公元前? ?[0-9]++年|[歼直运轰]-[0-9]{1,3}"
    rf"|第 ?(?:[0-9]++|[{SMALL}百千零〇几]++)(?:[、和及—–\-至到](?:第?(?:[0-9]++|[{SMALL}百零]++)))*+(?:\+[0-9]{{1,2}}(?=分))?"
    rf"|[前头首](?:[0-9]++|[{SMALL}两几]++)个(?:多?月|季度)|(?:周|星期|礼拜|初)[{SMALL}日]+"
)
SKIPPED = (
    rf"(?=[0-9])(?:{_OF_FIGURES})|(?=[A-Za-z])(?:{_OF_LETTERS})|(?![0-9A-Za-z])(?:{alternation(IDIOMS)}|{_OF_WORDS})"
    rf"|(?=[零〇两半{SMALL}百千万])(?:{'|'.join(_IDIOMS_IN_CONTEXT)}|{_OF_NUMERALS})"
)

# Reign titles: 洪武九年 is a date.
ERAS = read_words("amounts", "eras")
# Of ordinary words or towns, too, or with 和 ("and") at the end: dates by what follows only.
WORD_ERAS = read_words("amounts", "word_eras")
