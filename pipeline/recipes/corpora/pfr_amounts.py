"""AMOUNT in a segmented and tagged text of Peking University's tag set: m (numeral) and q (measure), under A1-A8, N1-N7.

What is written here holds for Chinese at large; it was checked on samples of the train part only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from recipes.corpora.tokens import Token, scan, text_at, words

_DIGITS = "0-9０-９"
_HAN = "〇○零一二三四五六七八九十百千万亿两廿卅"
# A numeral proper: ２０, １．５万, 三百, 十几, 数千, 几十万, 百分之三, 三分之一, ３０％, １／３.
_NUMERAL = re.compile(
    rf"[+＋\-－]?[{_DIGITS}{_HAN}几数半多余来点．.·，,／/]*"
    rf"[{_DIGITS}{_HAN}半几数](?:[{_HAN}几数半多余来]|分之)*[{_DIGITS}{_HAN}几]*[%％‰]?"
)
_FRACTION = re.compile(rf"(?:百分之|千分之|万分之|[{_HAN}几]+分之)[{_DIGITS}{_HAN}几点．.·]+|.*[{_DIGITS}][%％‰]")
_APPROACHING = "近约上逾超成"
_GOES_ON = re.compile(rf"[多余来半几数{_HAN}]+|[{_DIGITS}．.·]+[万亿]?")
_RANGE_MARKS = words("— － - ～ ~ —— －－ ――  ─ 至 到")
_ARABIC = re.compile(f"[{_DIGITS}]")
_YEAR = re.compile(f"[12１２][{_DIGITS}]{{3}}|[一二][{_HAN}]{{3}}")

# Units after a numeral that are not tagged as measures.
_UNIT_NOUNS = words("人 日元 港元 卢布 欧元 韩元 台币 新台币 小时 钟头 星期 礼拜 海里 摄氏度 华氏度 人次 平方公里 公顷")
# What 个 counts together with: 三个月, 两个小时, 2个百分点.
_AFTER_GE = words("月 小时 钟头 星期 礼拜 百分点 工作日 交易日 世纪 年头")
# Real units, for which 一 and 两 say how much: measures, money, time, people.
_REAL_UNITS = words(
    "元 美元 日元 港元 加元 澳元 欧元 韩元 卢布 马克 英镑 法郎 埃镑 里拉 比索 铢 盾 角 美分 便士 分 "
    "年 天 夜 周 周年 载 小时 钟头 星期 礼拜 分钟 秒 秒钟 月 "
    "吨 公斤 千克 克 斤 市斤 磅 盎司 担 毫升 升 桶 亩 公顷 米 公里 里 厘米 毫米 微米 千米 英里 英尺 英寸 海里 尺 寸 丈 "
    "平方米 平方公里 立方米 度 摄氏度 ℃ 千瓦 千瓦时 瓦 千伏 倍 成 折 人 户 岁 人次 架次 场次 辆次 台次 世纪 百分点 番"
)
# Measures of order, rank, clock and calendar, and of what cannot be counted.
_NOT_COUNTED = words("号 日 期 版 等 线 路 些 系列 种种 下 下子 阵 Ｋ·Ｄ")
_ORDER_BEFORE = words("第 前 头 首")
_DEICTIC = words("这 那 每 某 哪 同 另 任何 此 该 各 有 上 下")
_LARGE_KINDS = words("类 项 种 件 块 步 家 条 组")
_OPENING, _CLOSING = "“‘『「《", "”’』」》"
_QUOTED = 12
# Smaller units that go on a compound: 5元8角, 3小时20分.
_SMALLER = {
    "元": {"角", "分"}, "块": {"毛", "角"}, "角": {"分"}, "小时": {"分", "分钟"}, "分": {"秒"}, "分钟": {"秒"},
    "米": {"厘米"}, "尺": {"寸"}, "丈": {"尺"}, "斤": {"两"}, "公里": {"米"}, "度": {"分"}, "英尺": {"英寸"},
}  # fmt: skip


def amounts(tokens: Sequence[Token]) -> list[tuple[int, int]]:
    """Return the amounts of a paragraph as half-open code point offsets, in order and disjoint."""
    return scan(tokens, _amount_at)


def _amount_at(tokens: Sequence[Token], first: int) -> tuple[int, list[tuple[int, int]]]:
    """Return the position after what was read, and the span if it is an amount."""
    after_number = _number_end(tokens, first)
    if after_number == first:
        return first + 1, []
    after, unit = _unit_end(tokens, after_number)
    second = _number_end(tokens, after + 1)
    if text_at(tokens, after) in _RANGE_MARKS and second > after + 1:
        far, far_unit = _unit_end(tokens, second)
        if far_unit or _is_fraction(tokens, after + 1, second):
            after, unit = far, far_unit or unit
    while unit in _SMALLER:
        second = _number_end(tokens, after)
        far, smaller = _unit_end(tokens, second)
        if second == after or smaller not in _SMALLER[unit]:
            break
        after, unit = far, smaller
    number = "".join(token.text for token in tokens[first:after_number])
    fraction = _is_fraction(tokens, first, after_number)
    if not unit and not fraction:
        return after_number, []
    if not _counts(tokens, first, after, number, unit) or _is_slogan(tokens, first, after):
        return after, []
    return after, [(tokens[first].start + _approach(tokens[first].text), tokens[after - 1].end)]


def _approach(text: str) -> int:
    """Return how many characters before a numeral say that it is no exact one."""
    return int(text[0] in _APPROACHING and len(text) > 1)


def _number_end(tokens: Sequence[Token], first: int) -> int:
    """Return the position after the numeral that begins here, or `first` where none does."""
    if first >= len(tokens) or tokens[first].pos != "m":
        return first
    text = tokens[first].text
    text = text[_approach(text) :]
    if not _NUMERAL.fullmatch(text) and not _FRACTION.fullmatch(text):
        return first
    end = first + 1
    while end < len(tokens) and tokens[end].pos == "m" and _GOES_ON.fullmatch(tokens[end].text):
        end += 1
    return end


def _unit_end(tokens: Sequence[Token], first: int) -> tuple[int, str]:
    """Return the position after the unit that begins here and the unit, or `first` and nothing."""
    if first >= len(tokens):
        return first, ""
    token, following = tokens[first], text_at(tokens, first + 1)
    if token.text == "大" and following in _LARGE_KINDS and tokens[first + 1].pos == "q":
        return first + 2, following
    if token.pos != "q" and token.text not in _UNIT_NOUNS:
        return first, ""
    half = int(following == "半")
    if token.text == "个":
        counted = text_at(tokens, first + 1 + half)
        return (first + half + 2, counted) if counted in _AFTER_GE else (first + 1 + half, token.text)
    return first + 1 + (half and int(tokens[first + 1].pos == "m")), token.text


def _is_fraction(tokens: Sequence[Token], first: int, end: int) -> bool:
    return bool(_FRACTION.fullmatch("".join(token.text for token in tokens[first:end])))


def _counts(tokens: Sequence[Token], first: int, after: int, number: str, unit: str) -> bool:
    before, following = text_at(tokens, first - 1), text_at(tokens, after)
    if (
        before in _ORDER_BEFORE
        or unit in _NOT_COUNTED
        or number in {"数", "多", "来", "余", "点"}
        or (len(unit) > 1 and unit[: len(unit) // 2] * 2 == unit)
        or (unit == "级" and not re.search("[．.·]", number))
        or (unit == "届" and (number not in {"两", "三"} or following[:1] in "一二三四五六七八九十全"))
        or (unit == "年" and _YEAR.fullmatch(number))
        or (unit in {"点", "分", "秒", "时"} and _is_clock(tokens, first, after, number))
        or (unit == "里" and number in {"千", "万", "百"})
    ):
        return False
    if _ARABIC.search(number):
        return True
    bare = number.lstrip(_APPROACHING)
    if bare in {"几", "好几", "多", "半多"}:
        return False
    if bare in {"一", "两", "一两"} or (bare == "半" and unit not in _REAL_UNITS):
        if before in _DEICTIC or before.endswith(("这", "那", "每", "同")) or (before == "的" and bare == "一"):
            return False  # 那一年, 新的一年: which one, not how many
        return unit in _REAL_UNITS
    return True


def _is_clock(tokens: Sequence[Token], first: int, after: int, number: str) -> bool:
    if first and tokens[first - 1].pos == "t":
        return True
    following, unit = text_at(tokens, after), tokens[after - 1].text
    return unit in {"点", "时"} and (following in {"钟", "整", "多钟", "半"} or (len(number) == 1 and not following))


def _is_slogan(tokens: Sequence[Token], first: int, after: int) -> bool:
    """Tell whether the amount begins a short quotation, as in “三个有利于”: a saying, not a count (N5)."""
    if not first or tokens[first - 1].text not in _OPENING:
        return False
    quoted = 0
    for token in tokens[first:]:
        if token.text in _CLOSING:
            return quoted < _QUOTED and token.start > tokens[after - 1].end
        if token.pos == "w":
            return False
        quoted += len(token.text)
    return False
