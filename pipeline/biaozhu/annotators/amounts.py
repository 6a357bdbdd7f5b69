"""Amounts by grammar: a numeral with its measure word, unit, currency or percent sign, as the guideline's A and N say.

One regular expression reads a text once from left to right. Its first alternatives take what looks like an amount
and is none (dates, clock times, ordinals, idioms, quoted slogans), so that no later alternative sees it.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from biaozhu.annotators.registry import Annotator
from biaozhu.data.model import Span
from biaozhu.knowledge.gazetteer import gazetteer
from biaozhu.knowledge.measures import (
    ARABIC,
    CHINESE,
    DASH,
    EXACT_KINDS,
    MAGNITUDE,
    MEASURES,
    NUMBER,
    SMALLER,
    kind_of,
    measure_pattern,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

LABEL, SOURCE = "AMOUNT", "amounts"
SLOGAN_LENGTH = 12
# Longer figures without separators are telephone or registration numbers.
LONGEST_PLAIN_NUMBER = 9
HOURS = 25
# 一 before these is no count even though they are units (一度, 一番, 一点, 滚在一块).
NEVER_EXACT = ("大", "度", "番", "点", "分", "块")
# 这一年, 新的一天: a certain one, no duration.
VAGUE_BEFORE = tuple("这那每某新的有头同当另整此上下又前后")

_D, _DIGITS = "[0-9０-９]", "〇零一二三四五六七八九"
_SMALL = "一二三四五六七八九十"
# Set phrases in which a numeral and a measure word say no quantity.
_IDIOMS = (
    "千家万户 万里 千百年 千百万 成千上万 千千万万 三三两两 四面八方 五湖四海 百家争鸣 三番五次 "
    "三番两次 三天两头 一年一度 一年四季 百年大计 百年好合 百年树人 十年树木 十年寒窗 一日千里 "
    "三顾茅庐 三头六臂 八方 百般 万般 五角大楼 五角星 八路军 新四军 "
    "百里挑一 百尺竿头 六神无主 一五一十 三令五申 三言两语 千丝万缕 千层饼 万户侯 万元户 五保户 "
    "九牛一毛 一年之计 一分为二 三足鼎立 三位一体 五位一体 四位一体 两人三足 "
    "三级跳 百年老店 七十二行 三百六十行 三口之家 五口之家 四口之家 百科 百姓 百货 "
    "三轮车 两轮车 二轮 三维 二维 三班倒 半天 半路 半边天 上半年 下半年 半年报 半个月板 "
    "百分百 三合一 半斤八两 千瓦 千克 千米 千卡 千伏 千帕 千赫 千安 千焦 百帕 百分 一成不变 半封建 "
    "遗臭万年 五花八门 一日三餐 一分一秒 一点一滴 一元化 一元论 二元化 二元结构 二元论 万家灯火 "
    "千头万绪 家家户户 八一队 唯一 半数 成百上千 四伏 百折不挠 百孔千疮 千疮百孔 千奇百怪 万年青 "
    "三分球 二元对立 七夕 三人成虎 九层之台 万人空巷 十人九 五层次 万代"
)
IDIOMS = tuple(_IDIOMS.split())
# Idioms that are amounts as well: each with what tells them apart.
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
    r"三人行(?=[，。；！？、”]|必|$)",
    r"二人转(?![移让入身为业学院向到])",
    r"百人团(?!队|体|圆|聚|结|员)",
    r"[三四]件套(?!装|餐|房)",
)

_QUOTED = "|".join(
    f"{left}[^{left}{right}，。；：！？,;:!?\n]{{1,{SLOGAN_LENGTH}}}{right}"
    for left, right in ("“”", "‘’", "「」", "『』", "〝〞")
)
_CLOCK = rf"{_D}{{1,2}}[:：]{_D}{{2}}(?:[:：]{_D}{{2}})?|(?:{_D}{{1,2}}|[{_SMALL}]{{1,3}})[时点](?:{_D}{{1,2}}|[{_SMALL}]{{1,3}})分"
_DATE = (
    rf"(?<!{_D})[12１２]{_D}{{3}}(?:{DASH}{_D}{{2,4}})?年(?:{_D}{{1,2}}月)?(?:{_D}{{1,2}}日)?(?!期)"
    rf"|(?<![{_DIGITS}十百千万])[一二][{_DIGITS}○ＯO]{{3}}年"
    rf"|(?<!{_D}){_D}{{2}}年(?={_D}{{1,2}}月|底|初|末|春|夏|秋|冬|度)"
    rf"|(?<![{_SMALL}百千万])(?!六七|七八|八九)[六七八九][{_DIGITS}]年"
    rf"|(?:{_D}{{1,2}}(?:{DASH}|、))?{_D}{{1,2}}[月日号](?!\w?均)"
    rf"|[{_SMALL}]{{1,3}}[月日号]"
    rf"|(?<!{_D}){_D}{{4}}[-/.]{_D}{{1,2}}[-/.]{_D}{{1,2}}(?!{_D})"
    rf"|(?:{_D}{{1,4}}|[{_SMALL}]{{1,3}})(?:年代|世纪|年级|年度|楼)"
)
_ORDINAL = (
    rf"公元前? ?{_D}++年|{_D}++[:：∶]{_D}++|{_D}++[×xX*](?={_D})"
    rf"|第 ?(?:{_D}++|[{_SMALL}百千零〇几]++)(?:[、和及—–\-至到](?:第?(?:{_D}++|[{_SMALL}百零]++)))*+"
    rf"|[前头首](?:{_D}++|[{_SMALL}两几]++)个(?:多?月|季度)"
    rf"|(?:周|星期|礼拜|初)[一二三四五六七八九十日]+"
    rf"|[A-Za-zＡ-Ｚａ-ｚ][A-Za-zＡ-Ｚａ-ｚ0-9０-９.\-]*+"
    rf"|[一两](?:[这那]?年|天)(?=到头|又一|比一)"
)
_FRACTION = (
    rf"(?:百|千|万)分之(?:{ARABIC}(?:{DASH}{ARABIC})?|[{_DIGITS}十百]+(?:点[{_DIGITS}]+)?(?:{DASH}[{_DIGITS}十百]+)?)(?:多|余)?"
    rf"|[{_DIGITS}十两]{{1,3}}分之[{_DIGITS}十两]{{1,3}}|(?<![{_D[1:-1]}/／.]){_D}[/／](?:{_D}|10|100|１０)(?![{_D[1:-1]}/／.A-Za-z元年月])"
)
_ALL = " ".join(MEASURES.values())
_AFTER_ARABIC = f"(?:大(?:类|项|种|块|批|件)|{measure_pattern(_ALL)})"
# Measure words that after a Chinese numeral need their noun to be told from other words (三节, 三重, 五味).
_RARELY = (
    f"(?<=[元块][{_SMALL}])角|节(?=课|专?题?课|公开课|党课|电池|车厢|竹|藕)|味(?=中?草?药|调料|香料|佐料|食材)"
    "|重(?=保障|保险|保护|含义|意义|意思|压力|任务|困难|考验|挑战|身份|角色|防线|优惠|好礼|惊喜|功能|障碍|属性|标准|审核|把关|认证|难关|境界|因素|作用|效应|变化|矛盾)"
)
_AFTER_CHINESE = f"(?:大(?:类|项|种|块|批|件)|{measure_pattern(_ALL, chinese=True)}|级(?=地震|大?风|强风|台风|浪)|{_RARELY}|点(?=看法|意见|建议|要求|希望|体会|经验|启示|原因|理由|共识|说明|声明|感受))"
_PER = (
    r"(?:[/／](?:平方米|立方米|平方公里|公顷|公里|小时|分钟|千克|公斤|千瓦时|人次|个月|[亩斤吨年月天日人户度秒个棵株次米升克头只件套]"
    r"|kg|km|mL|ml|[hsLtgm](?![A-Za-z])))?"
)
_FIRST = rf"(?:{NUMBER} ?{_AFTER_ARABIC}?{DASH})?"
_ARABIC_AMOUNT = rf"{ARABIC}{MAGNITUDE}(?: ?[余多来几])? ?{_AFTER_ARABIC}{_PER}"
_CHINESE_AMOUNT = rf"(?:{CHINESE}[余多来]?|(?<![上下大多一])半(?=个|年|小时|公?斤|英?亩|公?里|米|尺|寸|吨|分钟|刻|成|倍|周|圈|场(?!所)|升|碗|杯|瓶|页|辈子)){_AFTER_CHINESE}{_PER}"

# What can begin a match: most characters of a text are passed over at once.
_FIRSTS = "".join(
    sorted(
        {idiom[0] for idiom in IDIOMS} | set("第公前头首周星礼初数几半百千万亿两廿卅○〇零“‘「『〝" + _SMALL)
    )
)
PATTERN = re.compile(
    rf"(?=[{_FIRSTS}0-9０-９A-Za-zＡ-Ｚａ-ｚ])(?:(?P<quoted>{_QUOTED})|(?P<fraction>{_FRACTION})"
    rf"|(?P<skip>{'|'.join((*sorted(IDIOMS, key=len, reverse=True), *_IDIOMS_IN_CONTEXT))}|{_CLOCK}|{_DATE}|{_ORDINAL})"
    rf"|(?P<amount>{_FIRST}(?:{_ARABIC_AMOUNT}|{_CHINESE_AMOUNT})))"
)
_PARTS = re.compile(rf"(?P<number>{NUMBER}|半) ?(?P<measure>{_AFTER_ARABIC}{_PER})$")
_ONLY_ARABIC = re.compile(_ARABIC_AMOUNT)


def find_amounts(texts: Sequence[str]) -> list[tuple[Span, ...]]:
    """Return the amounts of each text: spans labelled AMOUNT, sorted and disjoint, source `amounts`.

    The score is a stated confidence, not a probability: Arabic figures over Chinese numerals over bare 百, 千, 万.
    """
    return [tuple(_joined(text, _amounts(text))) for text in texts]


def _amounts(text: str) -> list[Span]:
    spans = []
    for match in PATTERN.finditer(text):
        start, end = match.span()
        if match.lastgroup == "quoted":
            # “500万元” quotes a figure; everything else that short and quoted is a slogan or a fixed name.
            if _ONLY_ARABIC.fullmatch(text, start + 1, end - 1):
                spans.append(Span(start + 1, end - 1, LABEL, SOURCE, 0.8))
        elif match.lastgroup == "fraction":
            spans.append(Span(start, end, LABEL, SOURCE, 0.95))
        elif match.lastgroup == "amount":
            score = _score(text, start, end)
            if score:
                spans.append(Span(start, end, LABEL, SOURCE, score))
    return spans


def _score(text: str, start: int, end: int) -> float:
    found = _PARTS.search(text, start, end)
    if not found:
        return 0.0
    number, measure = found["number"], found["measure"]
    if found.start() > start:
        return 0.95
    if number.strip()[0] in "0123456789０１２３４５６７８９":
        return _arabic_score(text, start, number, measure)
    if _in_a_name(text, start, end) or _says_no_number(text, start, end, number, measure):
        return 0.0
    if number in ("一", "两", "几"):
        return 0.7 if _exact(text, start, number, measure) else 0.0
    return 0.75 if number in ("百", "千", "万", "亿", "十", "半") else 0.9


def _says_no_number(text: str, start: int, end: int, number: str, measure: str) -> bool:
    doubled = text.startswith(measure, end)  # 一天天, 一块块
    before = text[max(0, start - 1) : start]
    # 百年 alone is rhetoric (百年梦想), 近百年 counts.
    rhetoric = number in ("百", "千", "万") and measure == "年" and (not before or before not in "近上约逾超")
    return doubled or rhetoric or number == "一一" or not number.strip("零〇")


def _exact(text: str, start: int, number: str, measure: str) -> bool:
    if number == "几" or kind_of(measure) not in EXACT_KINDS or measure.startswith(NEVER_EXACT):
        return False
    vague = number == "一" and text[max(0, start - 1) : start] in VAGUE_BEFORE
    return not (vague and kind_of(measure) == "time")


def _arabic_score(text: str, start: int, number: str, measure: str) -> float:
    digits = number.strip()
    before = text[start - 1 : start]
    plain = int(digits) if digits.isdecimal() else None
    no_amount = plain is not None and (
        len(digits) > LONGEST_PLAIN_NUMBER
        # 97年 is a date, 70年 and 24年 are durations.
        or (measure == "年" and plain in range(51, 100) and len(digits) == len("97") and plain % 10 > 0)
        # The points of an index are more than the hours of a day.
        or (measure == "点" and plain < HOURS)
    )
    return 0.0 if no_amount or (measure == "分" and before in ("时", "点", "：")) else 0.97


def _joined(text: str, spans: list[Span]) -> list[Span]:
    # 5元8角, 3小时20分钟: the parts of one quantity stand side by side.
    result: list[Span] = []
    for span in spans:
        last = result[-1] if result else None
        if last and last.end == span.start and _same_quantity(text, last, span):
            result[-1] = Span(last.start, span.end, LABEL, SOURCE, min(last.score or 0, span.score or 0))
        else:
            result.append(span)
    return result


def _same_quantity(text: str, left: Span, right: Span) -> bool:
    found = [_PARTS.search(text, span.start, span.end) for span in (left, right)]
    if not found[0] or not found[1]:
        return False
    larger, smaller = found[0]["measure"], found[1]["measure"]
    return any(
        larger in scale and smaller in scale and scale.index(larger) < scale.index(smaller)
        for scale in SMALLER
    )


def _in_a_name(text: str, start: int, end: int) -> bool:
    # 三门峡, 五台山镇: a division's name that holds what reads as an amount.
    return any(
        start >= offset and text.startswith(name, start - offset)
        for name, offset in _names_with_amounts().get(text[start:end], ())
    )


@cache
def _names_with_amounts() -> dict[str, tuple[tuple[str, int], ...]]:
    table: dict[str, list[tuple[str, int]]] = {}
    for name in gazetteer().named:
        if len(name) > 2:  # noqa: PLR2004 — two characters are as often an amount (五里, 三台)
            for match in PATTERN.finditer(name):
                if match.lastgroup == "amount" and match.end() - match.start() < len(name):
                    table.setdefault(match.group(), []).append((name, match.start()))
    return {amount: tuple(names) for amount, names in table.items()}


AMOUNTS = Annotator(SOURCE, find_amounts, proposes={LABEL: 40}, by_sentence=True, built_in=True)
