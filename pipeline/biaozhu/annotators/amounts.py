"""Amounts by grammar: a numeral with its measure word, unit, currency or percent sign, as the guideline's A and N say.

One regular expression reads a text once from left to right. Its first alternatives take what looks like an amount
and is none, so that no later alternative sees it. What follows the measure word and belongs to it (三斤二两, 一米八,
3000元港币, 12元/公斤) is added; then the text around decides.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from biaozhu.annotators.amount_grammar import context
from biaozhu.annotators.amount_grammar.forms import fold_text
from biaozhu.annotators.amount_grammar.skips import DIGITS, IDIOMS, SKIPPED, SMALL, read_patterns
from biaozhu.annotators.registry import Annotator
from biaozhu.annotators.repair.edit import Edit, Word
from biaozhu.annotators.repair.persons import is_in_name
from biaozhu.data.model import Span
from biaozhu.knowledge.division_names import COUNTY, PROVINCE, TOWNSHIP
from biaozhu.knowledge.measures import (
    ARABIC,
    ASCII_UNIT,
    CHINESE,
    DASH,
    EACH,
    FIGURES,
    MAGNITUDE,
    MEASURES,
    NOT_BEFORE_AFTER_FIGURES,
    NUMBER,
    NUMERAL,
    SMALLER,
    alternation,
    measure_kind,
    measure_pattern,
)
from biaozhu.knowledge.word_tables import read_words
from biaozhu.knowledge.world import KNOWN_PERSON, WELL_KNOWN_KINDS

_NUMERAL_IN = re.compile("[一二三四五六七八九十百千万两半]")
LABEL, SOURCE = "AMOUNT", "amounts"
# Start, end and score.
Found = tuple[int, int, float]
SLOGAN_LENGTH = 12
# How far around an amount its surroundings are read.
REACH_BEFORE, REACH_AFTER = 24, 6
LONGEST_NAME_CHARS = 15

_QUOTED = "|".join(
    f"{left}[^{left}{right}，。；：！？,;:!?\n]{{1,{SLOGAN_LENGTH}}}{right}"
    for left, right in ("“”", "‘’", "「」", "『』", "〝〞")
)
_PART = rf"(?:{ARABIC}|{CHINESE})[多余]?"
# 1/2茶匙, 3/4英寸; but 1/4 点评.
_DIVIDED = f"(?![级分点节转])[大小]?(?:{measure_pattern(MEASURES['unit'] + ' 茶匙 汤匙 勺 杯 碗 瓶 盒 袋 包 罐 桶 锅 个 片 块 颗 根 只 条')})"
_FRACTION = (
    rf"(?=[0-9.,{DIGITS}十百千万亿两]{{1,16}}+分之)(?:{ARABIC}[十百千万亿]*+|(?<![{DIGITS}十百千万亿两])[{DIGITS}十百千万亿两]++(?<=[十百千万亿]))分之{_PART}"
    rf"(?:{DASH}(?:[十百千万亿]++分之)?{_PART})?"
    rf"|[{DIGITS}十两]{{1,3}}分之[{DIGITS}十两]{{1,3}}(?:{DASH}[{DIGITS}十两]{{1,3}}分之[{DIGITS}十两]{{1,3}})?|(?=[0-9]/)(?<![0-9/.])(?<![0-9][ \t|])(?<![投罚三分]球)(?<!投篮|三分)[0-9]/(?:[0-9]|10|100)(?![0-9/.A-Za-z元年月]|,[0-9]|[ \t|][0-9])(?: ?{_DIVIDED})?"
)
_HALF = (
    r"(?=[一半个])(?:一半(?![径个年天路导岛是点以])|一半(?=以上|以下|是)|一整[天年晚夜周]|半世纪|个把月)|(?<!前)半数"
)
_ALL = " ".join(MEASURES.values())
_GROUPS = "大(?:类(?!别)|项|种|块|批|件|门类)"
_AFTER_ARABIC = (
    f"(?:{_GROUPS}|{measure_pattern(_ALL)}|{ASCII_UNIT}|{read_patterns('measures_in_context', 'after_figures')})"
)
_AFTER_CHINESE = f"(?:{_GROUPS}|{measure_pattern(_ALL, chinese=True)}|{ASCII_UNIT}|{read_patterns('measures_in_context', 'after_chinese')})"
# -5℃, 零下5℃, 负2%: not where the sign would be a dash.
_SIGN = r"(?:零[下上] ?|(?<![0-9A-Za-z%‰℃°度年月日元)\]）_¼-¾⅐-⅞])[-+±]|(?<![减担背抱欠肩税])负(?=[0-9]))?(?:[摄华]氏)?"
_TIMES = r"(?<![0-9.])(?:(?:[0-9]++(?:\.[0-9]++)? ?[×xX*] ?){1,2}|[0-9]{2,3}/(?=[0-9]{2,3} ?(?:mmHg|毫米汞柱)))?"


def _second(key: str) -> str:
    return rf"{DASH}(?P<second{key}>(?:零[下上]|[-+])?{NUMBER}) ?"


def _with_measure(number: str, measure: str, key: str, other: str = "(?!)") -> str:
    """Return the pattern of a number, or of two that share it, with a measure word, or with another word that begins like one."""
    return rf"{number}(?:{_second(key)})?(?:(?P<unit{key}>{measure})|(?P<other{key}>{other}))"


# What the network, too, takes for a measure word where it begins another: 升至, 包食宿.
_NO_MEASURE = f"(?={'|'.join(read_words('amounts', 'no_measures'))})"


_HALVES = "个|包(?=[，。；！？]|[烟纸饼药盐糖茶])|袋(?!装)|勺|[汤茶]匙|锅(?!炉)|筐|罐|年|小时|公?斤|英?亩|公?里|米|尺|寸|吨|分钟|刻|成|倍|周|圈|场(?!所)|升|碗|杯|瓶|页|辈子|天|日|英[里寸尺]"
_ARABIC_AMOUNT = _with_measure(
    rf"(?P<figures>{_TIMES}{FIGURES}(?:[wW](?=[多余+]?[元块人]))?(?: ?[余多来几]|\+(?!\w费))?) ?",
    _AFTER_ARABIC,
    "A",
    _NO_MEASURE,
)
_CHINESE_AMOUNT = _with_measure(
    rf"(?P<numeral>{NUMERAL}[余多来几]?|(?<![上下大多一小])半(?={_HALVES}))", _AFTER_CHINESE, "C"
)
_MONEY = alternation(MEASURES["money"].split())
_CURRENCY = (
    r"(?:(?<![A-Za-z])(?:US|HK|NT|CA|AU|SG|[ACS])?[$]|[¥€£₩₽฿]"
    r"|(?<![A-Za-z])(?:RM|RMB|CNY|USD|HKD|EUR|GBP|JPY|TWD|KRW|AUD|CAD|SGD|CHF|MOP|MYR|THB|IDR|INR|PHP|VND|NZD|RUB|BRL|ZAR|SEK|NOK|DKK)"
    r"(?![A-Za-z]| ?(?:[12][0-9]{3}年|[0-9]{1,3}岁))[¥$]?)"
)
_PRICE = (
    rf"(?=[-+$¥€£₩₽฿A-Z])[-+]?{_CURRENCY} ?{ARABIC}{MAGNITUDE}"
    rf"(?:{DASH}{_CURRENCY}? ?{ARABIC}{MAGNITUDE})?[余多]?(?: ?(?:{_MONEY})|[MBKWw](?![A-Za-z]))?"
)
# What can begin a match: most characters of a text are passed over at once.
_FIRSTS = "".join(
    {idiom[0] for idiom in IDIOMS}
    | set("《歼直运轰第公前头首周星礼初数几半百千万亿两廿卅〇零负个摄华“‘「『〝$¥€£₩₽฿+±" + SMALL)
)
PATTERN = re.compile(
    rf"(?=[{_FIRSTS}0-9A-Za-z-])(?:(?P<quoted>{_QUOTED})|(?P<price>{_PRICE})|(?P<part>{_FRACTION}|{_HALF})"
    rf"|(?P<skip>{SKIPPED})|(?P<amount>{_SIGN}(?:{_ARABIC_AMOUNT}|{_CHINESE_AMOUNT})))"
)
# Long patterns that few texts need are compiled when one does.
_compiled = cache(re.compile)
# The end of a range that has said its unit before: 4元至5元.
_RANGE_END = rf"(?:/{_AFTER_ARABIC})?{_second('')}(?P<unit>{_AFTER_ARABIC})"
_BEGINS_RANGE_END = re.compile(f"/|{DASH}")


def _smaller_parts() -> dict[str, str]:
    """Return for each unit the pattern of a smaller part that may follow it: 三斤 二两, 3个月 零5天."""
    parts: dict[str, set[str]] = {}
    for scale in SMALLER:
        for place, unit in enumerate(scale[:-1]):
            parts.setdefault(unit, set()).update(scale[place + 1 :])
    # 两 after 斤 is a weight whatever follows: 六斤六两的鸡.
    guards = {unit: guard for unit, guard in NOT_BEFORE_AFTER_FIGURES.items() if unit != "两"}
    return {
        # A numeral does not go on after 两, which may be a digit of it; a smaller weight does.
        unit: rf"[零又]?(?:{ARABIC}|{CHINESE}|半|(?<=[零又])两|(?<=两)[{SMALL}]{{1,2}})(?P<unit>{alternation(smaller, guards)})"
        for unit, smaller in parts.items()
    }


def _unsaid_part(count: int) -> str:
    """Return the pattern of digits whose unit is left unsaid: 一米八, 1米62, 三块五, 两块七八; but 两块五一斤 ends before 一斤."""
    return (
        rf"(?:[0-9]{{1,{count}}}|零?(?:[{SMALL[:-1]}]{{1,{count}}}|一二|二三|三四|四五|五六|六七|七八|八九)几?)"
        rf"(?=一(?![{DIGITS}十])|零[上下]|(?![0-9{DIGITS}十百千万亿两]|[.,][0-9])(?!{_AFTER_ARABIC}))"
    )


_SMALLER_PART = _smaller_parts()
# 一年365天 and 一天24小时 say how long a year is.
_WHOLE = re.compile("(?:年36[56]天|年12个月|天24个?小时|天二十四小时|周[7七]天|星期[7七]天|小时60分钟)")
_UNSAID = {"米": _unsaid_part(2), **dict.fromkeys("块毛角尺斤两度丈亩成", _unsaid_part(1))}
_UNSAID |= {"秒": r"[0-9]{1,3}(?![0-9.A-Za-z])", "分": rf"[{SMALL[:-1]}](?={EACH})"}
# 三里|半路 would be a strange 路.
_AND_A_HALF = re.compile("半(?![价数场年月日夜径导岛成山决球圆壁边挂自潜职封殖透程个小]|(?<!里半)路)")
# Of classifiers these alone: 一本半 and 1勺半, but 三个|半路.
_HALVED = frozenset("本场页勺杯碗瓶桶").union(("汤匙", "茶匙"))
_CURRENCY_NAME = re.compile(
    "现?大洋|[银鹰龙]洋|"
    + alternation(word for word in MEASURES["money"].split() if len(word) > 1 and word[0] not in "元块角毛分")
)
_AFTERWARDS = (
    rf"(?:(?<=[毛角分])钱)?(?:[（(](?:{measure_pattern(MEASURES['classifier'])})[）)])?"
    rf"(?>(?: ?[/·] ?(?:[0-9]++ ?)?(?:{_AFTER_ARABIC}|[月平$]|[胎生校课题](?!(?!的)[\u4e00-\u9fff])|(?:min|[hdsa]|(?<=/)[a-z]{{2,4}})(?![A-Za-z]))(?:(?<=[A-Za-z])(?:-[12](?![0-9.])|⁻[¹²]))?"
    "|每(?:小时|分钟|秒|平方米|立方米|公顷|[兆千]瓦时?|吨|公斤|千克|升))*)"
)
_BEGIN_AFTERWARDS = frozenset("钱（( /·每")
_BEGIN_MORE = frozenset(
    "0123456789零又半/（( ·每两几现大银鹰龙" + SMALL + "".join(word[0] for word in MEASURES["money"].split())
)
_IN_NUMBER = re.compile(f"[0-9{DIGITS}]{{2}}")
# “18条” is the name of a policy.
_BARE_COUNT = f"[0-9](?:{measure_pattern(MEASURES['classifier'])})$"
_EACH = re.compile(EACH)
_PRICED = re.compile(f"[元块钱角毛分][0-9{DIGITS}]{{0,2}}$|{_CURRENCY}")
# What the guideline's A3 leaves out.
_LIMIT = re.compile("起|以[上下]|左右|上下")
_TIMES_SIGN = re.compile(" ?[×xX*]")
_CHANGED = re.compile("(?:[下上]调|[减增]少|减|下[降跌滑]|上[升涨]|增加|回[落升])[了约近]?$")


def find_amounts(texts: Sequence[str]) -> list[tuple[Span, ...]]:
    """Return the amounts of each text, sorted and disjoint; the score is a stated confidence, not a probability."""
    return [
        tuple(Span(start, end, LABEL, SOURCE, score) for start, end, score in _read_text(fold_text(text))[0])
        for text in texts
    ]


def amount_borders(text: str, start: int, end: int) -> tuple[int, int] | None:
    """Return the borders of an amount of which text[start:end] is a part, or all.

    They are None where the grammar knows that it is none: 千百年来, 单位为万元, 一斤 in 两块五一斤.
    """
    first = max(0, start - REACH_BEFORE)
    amounts, refused = _read_text(fold_text(text[first : end + REACH_AFTER]))
    start, end = start - first, end - first
    begun = {left for left, *_ in (*amounts, *refused)}
    for left, right, _ in amounts:
        # 十元|一石, 6块|二两, 五毛三|一度: a price and what it buys; $110|升至.
        parted = left <= start < right < end and (right in begun or _EACH.match(text, first + right))
        if parted and _PRICED.search(text, first + left, first + right):
            return left + first, right + first
    if any(left < end and start < right for left, right in refused):
        return None
    for left, right, _ in amounts:
        # 42亩×300元/亩 is two; a figure ends at the comma of 介电常数2.9,200℃.
        whole = (
            end <= right or _LIMIT.fullmatch(text, first + right, first + end) or _TIMES_SIGN.match(text, first + right)
        )
        if (left <= start < right and whole) or (start < left < end <= right and text[first + left - 1] in ",，"):
            return left + first, right + first
    cut = start and _IN_NUMBER.match(text, first + start - 1)
    return None if cut else (first + start, first + end)


def _read_text(text: str) -> tuple[list[Found], list[tuple[int, int]]]:
    """Return the amounts of a text, and what is known to be none."""
    amounts: list[Found] = []
    refused: list[tuple[int, int]] = []
    position = 0
    while found := PATTERN.search(text, position):
        start, position = found.span()
        kind = found.lastgroup
        if kind == "skip" or found["otherA"] is not None:
            refused.append((start, position))
        elif kind == "amount":
            position = _read_match(text, found, amounts, refused)
        elif kind in ("part", "price"):
            position = _end_afterwards(text, position)
            amounts.append((start, position, 0.95))
            if _compiled(_NO_MEASURE).match(text, position):
                refused.append((position, position + 1))
        elif kind == "quoted" and text[start + 1] in "0123456789$¥€£-+":
            # “500万元” quotes a figure; everything else that short and quoted is a slogan or a fixed name.
            inner = text[start + 1 : position - 1]
            if [one[:2] for one in _read_text(inner)[0]] == [(0, len(inner))] and not re.search(_BARE_COUNT, inner):
                amounts.append((start + 1, position - 1, 0.8))
    return amounts, refused


def _read_match(text: str, found: re.Match[str], amounts: list[Found], refused: list[tuple[int, int]]) -> int:
    """Add what a match says to the amounts, or to what is refused; return where it ends with all that belongs to it."""
    key = "A" if found["figures"] else "C"
    first = measure = found[f"unit{key}"]
    start, end, second = *found.span(), found.start(f"second{key}")
    goes_on = second < 0 and _BEGINS_RANGE_END.match(text, end)
    further = _compiled(_RANGE_END).match(text, end) if goes_on else None
    if further:
        measure, end, second = further["unit"], further.end(), further.start("second")
    end = _whole_end(text, end, measure)
    kind = measure_kind(measure)
    if kind in ("classifier", "time") and text[start] in "-+±负":
        start += 1
    one = context.Counted(
        (found["figures"] or found["numeral"]).strip(),
        measure,
        kind,
        text[max(0, start - REACH_BEFORE) : start],
        text[end : end + REACH_AFTER],
    )
    if context.counts_nothing(one):
        # A header (单位:万元) has no number, a latitude is none, nor 售价200万起, nor 这5分钟; of a date or a rank the network may know better.
        if (
            not one.number.strip("十百千万亿")
            or measure in ("度", "°", "起")
            or context.says_each(one)
            or (kind == "time" and (one.before.endswith(("这", "那")) or context.follows_era(one)))
        ):
            refused.append((start, end))
        return end
    if found["figures"] and context.is_no_figure(one):
        return end
    if second >= 0:
        unlike = measure_kind(first) != kind or ("点" in first) != ("点" in measure)
        if further and (unlike or _is_change(one, text[second - 1])):
            # 上涨0.2%至9096.7亿元, 减少3吨至9吨, 回落0.3个百分点至5.2%: by so much to so much.
            amounts += (start, found.end(f"unit{key}"), 0.95), (second, end, 0.95)
        else:
            amounts.append((start, end, 0.95))
    elif found["figures"]:
        amounts.append((start, end, 0.97))
    elif (score := context.chinese_score(one, extended=end > found.end())) and not _in_a_name(text, start, found.end()):
        amounts.append((start, end, score))
    return end


def _whole_end(text: str, end: int, unit: str) -> int:
    if text[end : end + 1] not in _BEGIN_MORE or _WHOLE.match(text, end - len(unit)):
        return end
    while unit in _SMALLER_PART and (part := _compiled(_SMALLER_PART[unit]).match(text, end)):
        end, unit = part.end(), part["unit"]
    more = _compiled(_UNSAID[unit]).match(text, end) if unit in _UNSAID else None
    if not more and (measure_kind(unit) != "classifier" or unit in _HALVED):
        more = _AND_A_HALF.match(text, end)
    if not more and unit in "元圆块":
        more = _CURRENCY_NAME.match(text, end)
    return _end_afterwards(text, more.end() if more else end)


def _end_afterwards(text: str, position: int) -> int:
    if text[position : position + 1] not in _BEGIN_AFTERWARDS:
        return position
    found = _compiled(_AFTERWARDS).match(text, position)
    return found.end() if found else position


def _is_change(one: context.Counted, dash: str) -> bool:
    # 下降5%至8% is a range, 下调0.1%至6.2% is none.
    verb = one.before.endswith(("下调", "上调")) if one.kind == "ratio" else _CHANGED.search(one.before)
    return dash in "至到" and bool(verb)


def _in_a_name(text: str, start: int, end: int) -> bool:
    # 三门峡, 五台山镇, 三只松鼠: a name that holds what reads as an amount; 王七斤, a person's.
    if is_in_name(text, start, end):
        return True
    first = max(0, end - LONGEST_NAME_CHARS)
    near = Edit(text[first : start + LONGEST_NAME_CHARS])
    start, end = start - first, end - first
    return any(
        _holds_amount(word, near.text[word.start : word.end], start - word.start, end - word.start)
        for word in near.words
        if word.start <= start and end <= word.end and end - start < word.end - word.start
    )


def _holds_amount(word: Word, name: str, start: int, end: int) -> bool:
    """Return whether a word is the name of a division, or well known, and has an amount there."""
    certain = word.is_division(PROVINCE, TOWNSHIP, full=True) or word.is_division(PROVINCE, COUNTY)
    if not certain and not (word.is_of(WELL_KNOWN_KINDS) and _NUMERAL_IN.search(name)):
        return False
    # Short names are as often an amount: 五里, of townships 三只羊, of well-known ones 三棵树.
    shortest = 3 if start or certain or word.is_of(KNOWN_PERSON) else 4
    amounts = (one.span() for one in PATTERN.finditer(name) if one.lastgroup == "amount")
    return len(name) >= shortest and (start, end) in amounts


# Chinese numerals (一, 三面, 百年) count nothing more often than figures do: there the network has to see an amount, too.
SURE = 0.94
AMOUNTS = Annotator(SOURCE, find_amounts, proposes={LABEL: 40}, by_sentence=True, built_in=True, sure={LABEL: SURE})
