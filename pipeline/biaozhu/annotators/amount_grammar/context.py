"""Context rules that decide whether a numeral with a measure word is an amount: the guideline's N rules."""

from __future__ import annotations

import re
from dataclasses import dataclass

from biaozhu.annotators.amount_grammar.skips import DIGITS, ERAS, SMALL, WORD_ERAS
from biaozhu.knowledge.measures import EXACT_KINDS, EXACT_WORDS, Kind, alternation

# Longer figures without separators are telephone or registration numbers.
LONGEST_PLAIN_NUMBER = 9
HOURS = 25
# Between these a bare number of years is a date (97年, 846年); longer ones are read as dates before.
YEARS = range(51, 1000)

# 这五年, 每10天, 今明两天: which ones, not how long.
_WHICH = re.compile("(?:[这那每]|第[一二三四五六七八九十]{1,2}个|今明|(?<![学提目之世任婚赛考产])前|非凡|黄金|关键)$")
_RANK = re.compile("(?:排[名在行]?|位?[居列]|名列|跃[居升][至到]?|升[至到]|降[至到]|前|第|全[国省市球县]|世界)$")
# 36°46′, 109°E
_MINUTES = re.compile("[0-9]{1,2}[.′’']|[NSEW](?![A-Za-z])")
_COORDINATE = re.compile("(?:[东西]经|[南北]纬|赤纬|赤经|经度|纬度|经|纬)约?$")
# 首付36万起: a price and no cases.
_PRICED = re.compile("(?:首付|价[格位]?|[月年]薪|租金|[售卖租])[约为是只要从]{0,2}$")
# Right before the number and these measure words, they say that nothing is counted.
_REFUSED_AFTER = {
    **dict.fromkeys(("位", "名"), _RANK),
    **dict.fromkeys(("度", "°"), _COORDINATE),
    "起": _PRICED,
    **dict.fromkeys("ad注", re.compile("[图表][0-9]?$")),
    "层": re.compile(r"(?:住在?|位于|搬到|负|号[楼院]|[0-9A-Z]座)\Z"),
}
# 某某小区3栋: which one of an estate.
_ESTATE = re.compile("(?:小区|[苑庭邸]|花城|公馆|(?<![业创技流公校菜果庄化儿老产科])园)$")
# 新华村1组、2组
_OF_VILLAGE = re.compile(f"[村庄屯寨区](?:[0-9{SMALL}]{{1,3}}[组队]?[、和])*$")
_MEETING = re.compile("(?:届|人大|政协|纪委|大会|全会)$")
_HELD = re.compile("(?:办了?|行了?|连续|近|历|累计|过)$")
_FORCE = re.compile(
    "(?:里氏|震级|烈度|风力|风速|阵风|级风|级大风|级地震|瞬[间时])[^，,。；、]{0,12}[，,]?[^，,。；、震]{0,6}$|[台石]阶[^，。；、]{0,4}$"
)
_FORCED = re.compile("(?:以上)?(?:[台石]阶|石级|地震|余震|强震|大?风|强风|台风|飓风|阵风|狂风|巨?大?浪|海况)")
# 多少钱一斤 states no price.
_PRICE = re.compile(f"[{SMALL}]$|[0-9{SMALL}百千万亿两半几多余 ](?:[美欧日港澳加韩]?元|[块角毛分]?钱|[块角毛])$")
_HEADER = re.compile("(?:单位(?:[:：为是]|均为)?[^，,。；]{0,8}|[（(:：])$")
_NEARLY = re.compile("(?:近|上|约|逾|超|达)$")
_LASTING = re.compile(
    "(?:约|近|达|有|历时|历经|长达|长|超|超过|逾|过|了|存|跨|跨越|共|隔|距|距离|整整|持续|至少|满|需|要|用|的)[约近]?$"
)
_LASTED = re.compile("(?:以?来|的?(?:历史|周期|时间|时光|历程|奋斗|岁月)|之久|[间老左]|以上)")
# What follows the year of a date: 绍兴十一年冬, 永康元年正月, 大业二年（606年）.
_OF_YEAR = re.compile(rf"[春夏秋冬]|闰?[{SMALL}正腊]{{1,2}}月|[（(](?:公元|前)?[0-9]")
# 楚惠王十年, 汉高帝五年.
_RULER = re.compile("[楚秦齐燕赵韩魏晋宋鲁郑卫陈蔡吴越周汉隋唐梁][^，。；、老外叔舅阿天国女办][王公帝宗]$")
_IN_REIGN = re.compile(f"(?:{alternation(ERAS)})[元{SMALL}]+年[^。\n]*[，,、；;]$")
_SAME_YEAR = re.compile("[（(](?:公元)?前?[0-9]{1,4}年?[）)]")
_MOVED = re.compile("[跌涨升降高低逾][了约近]?$")
_POINTS = re.compile("[(（]指数|内容|希望|建议|倡议|意见|要求|主张|共识|[：:]")
# 这一年, 新的一天: a certain one, no duration.
_VAGUE = re.compile(
    "(?:[这那某新有头同当另整此上下又前后一每无哪是]|关键|重要|接着|比"
    "|(?<!过去)(?<!之后)(?<!来)(?<!未来)(?<!随后)(?<!最近)的)$"
)
_NOT_LASTING = re.compile("都没|也没|到晚|又一|比一")
# 一 before these does not count, even though they are units (一度, 一番, 一点, 滚在一块).
_NEVER_EXACT = frozenset(("度", "番", "点", "分", "块", "级", "节"))
_NOBODY = re.compile("(?:同|无|每|这|那|某|不落|没有|没|第|另)$")
# 半小时, 半个点: a quantity; 半天 may be some time, 半年 half of a certain year.
_SURELY_HALVED = frozenset(("小时", "分钟", "个小时", "个钟头", "个时辰", "个月", "个点"))
# Of 9时30分 the minutes; of 用时59分 none.
_CLOCK = re.compile(f"[0-9{DIGITS}十] ?[时点：]$")
_OPENING = ("", *"，,。；！？\n“")


@dataclass(frozen=True, slots=True)
class Counted:
    """A numeral with its measure word, the kind of that, and what stands before and after both."""

    number: str
    measure: str
    kind: Kind | None
    before: str
    after: str


def counts_nothing(one: Counted) -> bool:  # noqa: C901, PLR0911 — a line for each special measure word
    """Return whether the text around says that this is not an amount, whatever its figures are written in."""
    before, after = one.before, one.after
    if refused := _REFUSED_AFTER.get(one.measure):
        return bool(refused.search(before) or (one.measure == "°" and _MINUTES.match(after)))
    if says_each(one):
        return True
    match one.measure:
        case "年" | "周年" | "个月" | "天" | "日" | "周" | "小时" | "分钟" | "晚" | "夜" | "个季度":
            return bool(_WHICH.search(before)) or (one.measure == "年" and _is_date(one))
        case "组" | "队":
            return _OF_VILLAGE.search(before) is not None
        case "次":
            return bool(_MEETING.search(before)) or (after[:2] in ("会议", "全会") and "届" in before[-8:])
        case "届":
            return not _HELD.search(before) or after[:1] in tuple(SMALL)
        case "栋" | "幢":
            return bool(_ESTATE.search(before)) and not after[:1].isalnum()
        case "线":
            return before[-1:] != "面"
        case "级":
            return "." not in one.number and not (_FORCED.match(after) or _FORCE.search(before))
        case "系列":
            return one.number.isdecimal() and len(one.number) > 2  # noqa: PLR2004 — 茅台1935系列
    if one.number.strip("十百千万亿"):
        return False
    # (万元), 单位:万元
    header = _HEADER.search(before) and (after[:1] in ("", *"）)，,。；、\n") or "单位" in before)
    return bool(header) or after.startswith("为单位")


def says_each(one: Counted) -> bool:
    """Return whether 一 and its measure word say what a price is for: 两块五一斤, 三千元一个月."""
    return one.number == "一" and one.after[:1] not in tuple("后前内来多半") and _PRICE.search(one.before) is not None


def is_no_figure(one: Counted) -> bool:
    """Return whether Arabic figures are a telephone number, an hour or a minute."""
    if not one.number.isdecimal():
        return False
    hour = one.measure == "点" and int(one.number) < HOURS
    return (
        len(one.number) > LONGEST_PLAIN_NUMBER
        # The points of an index are more than the hours of a day.
        or (hour and not _MOVED.search(one.before) and not _POINTS.match(one.after))
        or (one.measure == "分" and bool(_CLOCK.search(one.before)))
    )


def chinese_score(one: Counted, *, extended: bool) -> float:
    """Return the score of a Chinese numeral with its measure word, 0 where it says no amount.

    `extended` says that something follows which belongs to it (一米八): then 一 is exact.
    """
    if _is_no_count(one):
        return 0.0
    if one.number.endswith("把"):
        return 0.95  # 千把斤 is nothing else.
    if one.number == "半" and (one.kind == "unit" or one.measure in _SURELY_HALVED):
        return 0.95
    if one.number not in ("一", "两", "几", "一两"):
        return 0.75 if one.number in ("百", "千", "万", "亿", "十", "半") else 0.9
    return 0.7 * (one.number != "几" and (extended or _is_exact(one)))


def _is_no_count(one: Counted) -> bool:
    """Return whether a Chinese numeral with its measure word is rhetoric, an ordinal, a name or no number at all."""
    number, measure, before = one.number, one.measure, one.before
    if one.after.startswith(measure) or number == "一一" or not number.strip("零〇"):
        return True  # 一天天, 一块块
    if number in ("百", "千", "万") and measure in ("年", "日", "天"):
        # 百年 alone is rhetoric (百年梦想), 近百年 counts.
        return not (_NEARLY.search(before) or re.match("来|以来|[老古]|历史", one.after))
    if len(number) > 1:
        return False
    # A thing is counted with 两; 二次, 二级, 二段 say which one.
    ordinal = number == "二" and one.kind == "classifier" and measure not in EXACT_WORDS
    named = before[-1:] in ("小", "老") and before[-2:] not in ("大小", "大老")
    degrees = measure == "度" and number in DIGITS and not re.search("[温热烧气度电]", before[-8:] + one.after)
    return ordinal or named or degrees or (number in ("数", "几") and one.kind == "time")


def _is_exact(one: Counted) -> bool:
    """Return whether 一 or 两 says a real quantity here (一亩, 两年), not "a" or "some"."""
    single, measure = one.number == "一", one.measure
    if measure in EXACT_WORDS:
        return not (_NOBODY.search(one.before) or (single and one.after[:1] in tuple("一公称身")))
    if measure == "番":
        return bool(re.search("翻了?[近约]?$", one.before))
    if one.kind not in EXACT_KINDS or measure in _NEVER_EXACT or measure.startswith("大"):
        return False
    if one.kind != "time":
        return True
    # 一天，他…: one day.
    story = single and measure in ("天", "日") and one.after[:1] in ("，", ",") and one.before[-1:] in _OPENING
    vague = single and _VAGUE.search(one.before) and not one.after.startswith("多")
    return not (story or vague or _NOT_LASTING.match(one.after))


def follows_era(one: Counted) -> bool:
    """Return whether a number of years is a date by the reign named before: 光绪二十九年中举，三十一年留学."""
    is_numeral = len(one.number) > 1 and not one.number.isdecimal()
    dated = one.measure == "年" and is_numeral and _IN_REIGN.search(one.before)
    return bool(dated) and not (one.after[:1] in tuple("前后之，,。；、") or _LASTED.match(one.after))


def _is_date(one: Counted) -> bool:
    number = one.number
    after, before = one.after, one.before
    dated = before.endswith(WORD_ERAS) and _OF_YEAR.match(after)
    ruled = not number.isdecimal() and _RULER.search(before)
    if dated or ruled or before.endswith(ERAS) or _SAME_YEAR.match(after) or follows_era(one):
        return True
    if not number.isdecimal() or int(number) not in YEARS or (len(number) == len("70") and number[1] == "0"):
        return False
    ago = number.endswith("0") and after[:1] in ("前", "后")
    return not (ago or _LASTED.match(after) or _LASTING.search(before))
