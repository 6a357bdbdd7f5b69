"""The value of an amount: its figures, unit and dimension from the span, how exact it is and per what from around it.

The words for bounds are read as Article 1259 of the Civil Code reads them: 以上, 以下 and 以内 include the figure,
超过 and 不足 (不满) do not. Where a reading is likely but not certain, `doubt` says what it rests on.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Context, Decimal, Inexact
from fractions import Fraction
from typing import Literal

from biaozhu.annotators.amount_grammar.forms import fold_text
from biaozhu.knowledge.measures import ASCII_UNIT, FIGURES, MEASURES, NUMERAL, SUPERSCRIPTS, alternation
from biaozhu.normalization.context import approx_around, bound_around, per_around
from biaozhu.normalization.eras import is_of_another_era
from biaozhu.normalization.numerals import DIGITS, Approx, Numeral, read_numeral
from biaozhu.normalization.units import CURRENCY_FIRST, Dimension, Unit, part_of, split_measure, tenth_of, unit_of
from biaozhu.reading.simplified import to_half_width

Doubt = Literal["", "per", "unit", "era", "currency", "sign", "calendar", "product", "pair", "reading"]
# How far around an amount its sentence is read: what lies further says nothing about it.
REACH_BEFORE, REACH_AFTER = 120, 40
DISCOUNT_TENTHS = 10
# 八块大洋, 三百大洋: both are silver dollars.
_SILVER = re.compile("[块元]?(?:现?大洋|银洋)$")
_MANY = re.compile("[百千万]|[0-9]{3}")
_VULGAR = re.compile(" ?([¼-¾⅐-⅞])")
# 十有四 is 十四.
_AND = re.compile("(?<=[十百])有(?=[一二三四五六七八九])")
DAYS_A_MONTH, DAYS_A_YEAR, SECONDS_A_DAY = 30, 365, 86400
# More digits than the longest span can have, and nothing rounded to them.
_EXACT = Context(prec=5_000, traps=[Inexact])


@dataclass(frozen=True, slots=True)
class AmountValue:
    """Value of an amount, in exact decimals.

    `low` and `high` are the figure, or the ends of a range; with 余 the written figure itself. `unit` is canonical (元, 亩, 公斤, 家; 1/3 for
    thirds), `dimension` what it measures, count for classifiers. `approx` is 余 (and more: 余, 多), 几 (an unsaid digit: 几, 数), 约 (about),
    近 (nearly) or empty; `bound` has the words that make the figure a limit, in the order 最高, 最低, 以上, 超过, 以下, 不足; `per` is what it is
    counted for (亩 in 每亩2300元; 人·年 in 每人每年). `doubt` is what is not certain: `per` (carried over from an earlier clause), `unit` (块 may
    be money or pieces, 2万/平 money, 三百两 silver, 4寸 inches, 分地 Taiwan's), `era` (of copper cash or silver, or of a time when the unit was another; the unit is as today), `currency` ($ is a dollar of some
    country, 元 in a text of Taiwan or Hong Kong may be theirs), `sign` (零下5至8℃), `calendar` (a month is taken for 30 days), `product` (2×66万千瓦), `pair` (120/80mmHg), `reading` (六七折,
    二至三十万; a figure cut by the end of its line or a keycap).
    """

    low: Decimal
    high: Decimal
    unit: str
    dimension: Dimension
    approx: Approx = ""
    bound: tuple[str, ...] = ()
    per: str = ""
    doubt: Doubt = ""


@dataclass(frozen=True, slots=True)
class _Part:
    """A number with its unit, which may be said later, and the magnitude that its numeral ends in (万 in 10万).

    `is_whole` says that nothing but digits stands before the magnitude (百万 in 三百万, not in 一千三百万).
    """

    low: Fraction
    high: Fraction
    unit: Unit | None
    approx: Approx = ""
    doubt: Doubt = ""
    magnitude: str = ""
    is_whole: bool = False
    below_zero: bool = False


_WORDS = alternation(word for words in MEASURES.values() for word in words.split())
_MONEY = alternation(word for word in MEASURES["money"].split() if len(word) > 1 and word[-1] != "钱")
_PIECE = re.compile(
    r"[零又]?(?P<sign>零[下上]|[-+±负])? ?(?:[摄华]氏)?(?P<currency>[A-Z]{0,3}[$¥€£₩₽฿]|[A-Z]{3}[$¥]?|RM)? ?"
    rf"(?P<number>(?:[一二三四五六七八九两0-9]、)?(?:一整|{FIGURES}|{NUMERAL}|[几数])(?: ?[余多来几])?|半|(?<=[零又])两|(?<=两)[一二三四五六七八九](?=钱)) ?"
    rf"(?P<letter>[MBK](?![A-Za-z])|(?(currency)[wW]|[wW](?=[余多]?[+]?(?:{_MONEY}|[元块人户名位件份个条次字套台辆])|[+余多]|[0-9]$)))?"
    rf"(?P<more>[余多]?[+](?![0-9])|(?<=[wW])[余多])?(?P<measure>单位|大?(?:{_WORDS})|{ASCII_UNIT}"
    rf"|(?![{SUPERSCRIPTS}])[^0-9.,^+零一二三四五六七八九十百千万亿两\s/]+)?"
    rf"(?:(?P<unsaid>半|[0-9]{{1,3}}|[一二三四五六七八九]{{1,2}})?(?P<some>几)?(?P<named>{_MONEY}|钱)?(?:[（(].[）)])?$)?"
)
_TIMES = re.compile(r"(?:[0-9.]+ ?[×xX*] ?)+(?=[0-9])|[0-9]{2,3}/(?=[0-9]{2,3} ?(?:mmHg|毫米汞柱))")
# 5米×3米 as 5×3米; 4×100米接力 is a length.
_SAME_SIDE = re.compile(r"(?<=[0-9]) ?([^0-9.×xX* ]+)(?= ?[×xX*].*\1$)")
_RACE = re.compile("接力|自由|[男女泳跑]|间歇|冲刺|[决预]赛|训练")
_RANGE = re.compile(r"(?<=.) ?(?:[—–-]{1,2}|~|至|到) ?(?=.)")
_FRACTION = re.compile(
    r"(?:(?P<whole>[^又]+?)(?:又|(?<=\d) ))?(?:(?P<of>[零两一二三四五六七八九十百千万亿0-9.,]+)分之(?P<part>.+?)(?P<more>[多余])?"
    rf"|(?P<over>\d+)/(?P<under>\d+)) ?(?P<measure>{_WORDS}|{ASCII_UNIT})?"
)
_PERCENTS = {"百": "%", "千": "‰", "万": "‱"}
# Behind a slash also 100毫升, which no figure is: 100兆瓦/200兆瓦时 is two.
_UNIT_PER = re.compile(
    r"(?P<amount>.+?)(?:/|每)(?P<per>(?:(?<=[^\d /]/)10+ ?|(?<=[元块角分]/)\d+)?[^\d/]+(?:/[^\d/]+)?)"
)
# 2.4万元/吨至2.6万元/吨
_SAME_PER = re.compile(r"/([^0-9/]+)(?=[至到~—–-].*/\1$)")
_LETTERS = {"K": 3, "M": 6, "B": 9, "w": 4, "W": 4}
# 二亩七分, 比去年多|四分: of what was measured last.
_COMPARED = re.compile("[多少增减高低涨降贵]了?$")
_PARTED = re.compile("(?<=[0-9一二三四五六七八九十百千万半两])(?:亩|公顷|元|块|角|毛)")
# 总价200万起, 年薪50万: what makes money of a figure without a unit.
_PRICE = re.compile("[价费租薪付售卖]格?[^0-9,。;]{0,3}$")
_RENMINBI = re.compile(r"人民币[^0-9,。;]{0,4}\[|\[[^\]]*(?:人民币|RMB|CNY|¥|旧币)|\] ?\(?人民币")
# What makes money of 块.
_PRICED = re.compile("[币元毛角花卖价买付收钱贵涨降赚交欠给省补]")


def read_amount(text: str, start: int, end: int, *, year: int | None = None, dollar: str = "") -> AmountValue | None:
    """Return the value of the amount text[start:end], with approximation, bounds and `per` from around it.

    `year` is the one that the text before `text` is about, where that is known, and `dollar` is the currency that 元 may be short for in
    a text of Taiwan, Hong Kong or Macau, 元 itself where the text names none. It is None where the span holds no numeral that can be read.
    """
    first = max(0, start - REACH_BEFORE)
    plain = to_half_width(fold_text(text[first : end + REACH_AFTER]))
    before, after = plain[: start - first], plain[end - first :]
    span = _SILVER.sub("块银元", _AND.sub("", plain[start - first : end - first].strip()))
    span = _VULGAR.sub(lambda sign: f" {unicodedata.normalize('NFKC', sign[1])}".replace("⁄", "/"), span).lstrip()
    found = _UNIT_PER.fullmatch(_SAME_PER.sub("", span))
    own_per = "·".join(unit_of(word).name for word in found["per"].split("/")) if found else ""
    span = found["amount"].strip() if found else span
    named = CURRENCY_FIRST.match(span)
    if named:
        # 法币五百元, 美元500: not the guideline's border, but plain in meaning, as 三倍多 below.
        before, span = before + named.group(), span[named.end() :].lstrip()
    if _PRICE.search(before):
        # 到手价15.6w
        span = re.sub("(?<=[0-9])[wW]$", "万", span)
    read = _read_figures(span, before, after)
    if named and read is not None and read.unit is None:
        read = replace(read, unit=unit_of(named.group()))
    if read is None and span[-1:] in ("多", "余", "+"):
        read, after = _read_figures(span[:-1], before, after), span[-1]
    if read is not None and read.unit is None and ((own_per and read.magnitude) or _PRICE.search(before)):
        # 2万/平
        read = replace(read, unit=unit_of("元"), doubt=read.doubt or "unit")
    elif read is not None and read.unit is None and own_per == "升":
        # 11.2×10⁹/L are cells.
        read = replace(read, unit=unit_of("个"), doubt="unit")
    if read is None or (unit := read.unit) is None:
        return None
    low, high = _decimal(min(read.low, read.high)), _decimal(max(read.low, read.high))
    if low is None or high is None:
        return None
    per, carried = (own_per, False) if own_per else per_around(before, after, unit)
    approx = read.approx or approx_around(before, after, unit.dimension)
    era = is_of_another_era(unit, before, after, year)
    currency = dollar and unit.base == "CNY" and not _RENMINBI.search(f"{before[-8:]}[{span}]{after[:5]}")
    unit = unit_of(dollar) if currency and unit.name == "元" else unit
    said = "" if era and read.doubt == "unit" else read.doubt
    # In Taiwan ten 分 of land are one 甲.
    unsure: Doubt = "unit" if dollar and unit.name == "分地" else "per" if carried else "era" if era else ""
    doubt = said or ("currency" if currency else unsure)
    bound = bound_around(before, after, span, unit.dimension)
    return AmountValue(low, high, unit.name, unit.dimension, approx, bound, per, doubt)


def in_base(value: AmountValue) -> tuple[Fraction, Fraction, str] | None:
    """Return the bounds in the base unit of the dimension, exactly, with its name (m², kg, CNY); None: not fixed."""
    unit = unit_of(value.unit)
    if unit.factor is None:
        return None
    return Fraction(value.low) * unit.factor, Fraction(value.high) * unit.factor, unit.base


def _read_figures(span: str, before: str, after: str) -> _Part | None:
    if span in ("一半", "半数"):
        return _Part(Fraction(1), Fraction(1), unit_of("1/2"))
    if times := _TIMES.match(whole := _SAME_SIDE.sub("", span)):
        rest = whole[times.end() :]
        part = _read_figures(rest, before, after)
        is_power = re.match(rf"10[{SUPERSCRIPTS}\^]", rest) is not None
        is_race = _RACE.search(before[-8:] + after[:8]) is not None
        return part and _multiplied(times.group(), part, is_power=is_power, is_race=is_race)
    middle, _, spread = span.partition("±")
    if middle and spread:
        return _spread_around(_summed(_parts(middle, before, after)), _summed(_parts(spread, before, after)))
    cut = _RANGE.search(span, 1)
    sides = [span[: cut.start()], span[cut.end() :]] if cut else [span]
    if "分之" in span or "/" in span:
        # 百分之5—8: the second figure shares 百分之.
        sides[1:] = [
            side if re.search("分之|/", side) else f"{sides[0].split('分之')[0]}分之{side}" for side in sides[1:]
        ]
        parts = [_read_fraction(side) for side in sides]
    else:
        parts = [_summed(_parts(side, before, after)) for side in sides]
    first, last = parts[0], parts[-1]
    if first is None or last is None:
        return None
    if cut:
        return _ranged(first, last)
    heat = last.unit is not None and last.unit.name == "℃" and last.low >= 0
    cold = heat and before.endswith(("零下", "-"))
    return replace(last, low=-last.low, high=-last.high) if cold else last


def _parts(text: str, before: str, after: str) -> list[_Part]:
    parts: list[_Part] = []
    position = 0
    while position < len(text):
        found = _PIECE.match(text, position)
        numeral = read_numeral(found["number"].replace("一整", "一")) if found else None
        if not found or numeral is None:
            return []
        unit, doubt = _unit(found, parts[-1].unit if parts else None, before, after)
        parts.append(_make_part(found, numeral, unit, doubt))
        position = found.end()
    return parts


def _unit(found: re.Match[str], larger: Unit | None, before: str, after: str) -> tuple[Unit | None, Doubt]:
    measure, named, currency = split_measure(found["measure"] or "")[0], found["named"], found["currency"]
    dear = currency and unit_of(currency).dimension == "money"
    if (measure in ("元", "圆", "块") and (dear or named not in (None, "钱"))) or (currency and measure in ("", "起")):
        return unit_of(named or currency), "currency" if currency == "$" else ""
    if not measure or (measure == "起" and _PRICE.search(before)):
        return None, ""
    old = larger is not None and larger.base == "斗"
    tenth = tenth_of(larger, measure)
    foot = measure == "寸" and larger
    if tenth or foot or (measure == "分" and (larger or "秒" in found.string)) or (measure == "升" and old):
        return tenth or part_of(larger or unit_of("小时")) or unit_of(measure), ""
    if measure in ("角", "毛") and larger is not None and larger.dimension == "money":
        return part_of(larger, measure) or unit_of(measure), ""
    if measure == "分" and _COMPARED.search(before) and (compared := _PARTED.findall(before)):
        return part_of(unit_of(compared[-1])) or unit_of(measure), "unit"
    unit = unit_of(measure, before=before + (found["sign"] or ""), after=found.string[found.end() :] + after)
    priced = found["unsaid"] or named or larger or _PRICED.search(f"{before[-8:]}{found.string}{after[:1]}")
    many = _MANY.search(found["number"])
    if measure == "钱" and many and not larger:
        # 斗米千钱 are coins, a thousand 两 mostly silver; of figures an inch is mostly an English one.
        unit = unit_of("文")
    unsure = (
        (measure == "块" and unit.base == "CNY" and not priced)
        or (unit.name == "两" and many and "黄金" not in before[-4:] + after[:2])
        or (unit.name == "寸" and found["number"].isascii())
    )
    return unit, "unit" if unsure else "currency" if measure == "蚊" else ""


def _make_part(found: re.Match[str], numeral: Numeral, unit: Unit | None, doubt: Doubt) -> _Part:
    _, half, more = split_measure(found["measure"] or "")
    unsaid = "".join(str(DIGITS.get(digit, digit)) for digit in found["unsaid"] or "")
    half += Fraction(1, 2) if unsaid == "半" else Fraction(int(unsaid or 0), 10 ** len(unsaid))
    scale = 10 ** _LETTERS.get(found["letter"] or "", 0)
    low, high = ((Fraction(end) + half) * scale for end in (numeral.low, numeral.high))
    if unit is not None and unit.name == "折":
        # 八五折 is 8.5 of ten; 六七折 may be 6.7 or from 6 to 7.
        doubt = "reading" if low != high else doubt
        low, high = (end / 10 if end >= DISCOUNT_TENTHS else end for end in (low, high))
    if found["sign"] in ("零下", "-", "负"):
        low, high = -low, -high
    if found["some"]:
        # 一米八几: from 1.81 to 1.89
        low, high = (end + Fraction(digit, 10 ** (len(unsaid) + 1)) for end, digit in ((low, 1), (high, 9)))
    tail = re.fullmatch(r"(.*?)([十百千万亿]*)[余多]?", found["number"].rstrip()) or ["", "", ""]
    is_whole = not re.search("[十百千万亿]", tail[1])
    approx: Approx = "几" if found["some"] else "余" if more or found["more"] else numeral.approx
    doubt = "sign" if found["sign"] == "±" else doubt
    return _Part(low, high, unit, approx, doubt, tail[2], is_whole, found["sign"] == "零下")


def _summed(parts: Sequence[_Part]) -> _Part | None:
    """Add the parts of one quantity in the unit of the first, or of the last where that is not exact."""
    # 两天两夜 is two days.
    parts = [part for part in parts if part.unit is None or part.unit.name not in ("夜", "晚")] or parts
    if len(parts) < 2:  # noqa: PLR2004 — nothing to add
        return parts[0] if parts else None
    approx: Approx = next((part.approx for part in reversed(parts) if part.approx), "")
    doubt: Doubt = next((part.doubt for part in parts if part.doubt), "")
    for unit in (parts[0].unit, parts[-1].unit):
        ratios = [ratio for part in parts if (ratio := _ratio(part.unit, unit)) is not None]
        if len(ratios) == len(parts):
            low = sum((part.low * ratio for part, ratio in zip(parts, ratios, strict=True)), Fraction(0))
            high = sum((part.high * ratio for part, ratio in zip(parts, ratios, strict=True)), Fraction(0))
            if _decimal(low) is not None and _decimal(high) is not None:
                return _Part(low, high, unit, approx, doubt)
    days = [day for part in parts if (day := _days(part)) is not None]
    total = sum(days, Fraction(0))
    return _Part(total, total, unit_of("天"), approx, "calendar") if len(days) == len(parts) else None


def _days(part: _Part) -> Fraction | None:
    """Return a duration in days, a month for 30 and a year for 365 of them."""
    if part.unit is None or part.unit.factor is None or part.unit.dimension != "duration":
        return None
    if part.unit.base == "s":
        return part.low * part.unit.factor / SECONDS_A_DAY
    years, months = divmod(part.low * part.unit.factor, 12)
    return years * DAYS_A_YEAR + months * DAYS_A_MONTH


def _ranged(first: _Part, last: _Part) -> _Part | None:
    unit = last.unit or first.unit
    doubt = first.doubt or last.doubt
    approx = last.approx or first.approx
    start, low, high = first.low, last.low, last.high
    if first.unit is not None and last.unit is not None:
        ratio = _ratio(first.unit, last.unit)
        if ratio is None:
            return None
        start *= ratio
        if _decimal(start) is None:
            # In the first unit, then.
            start, low, high, unit = first.low, low / ratio, high / ratio, first.unit
    elif first.below_zero and not last.below_zero and last.low > 0:
        # 零下5至8℃ is mostly colder than 零下5℃.
        low, high, doubt = -low, -high, "sign"
    elif first.unit is None:
        # 10-20万, 三至五千万: the magnitude counts for both, or its end (五至十万), as long as the range still rises.
        tails = (last.magnitude[cut:] for cut in range(len(last.magnitude)))
        for tail in (one for one in tails if last.is_whole or not one.strip("万亿")):
            scale = read_numeral(tail)
            if scale and (scaled := first.low * Fraction(scale.low)) < high:
                # 二至三十万 may begin at 2万, too.
                unsure = tail[0] == "十" or (tail.strip("万亿") and 2 * scaled < high)
                start, doubt = scaled, doubt or ("reading" if unsure else "")
                break
    return _Part(min(start, low, high), max(start, low, high), unit, approx, doubt, last.magnitude)


def _spread_around(middle: _Part | None, spread: _Part | None) -> _Part | None:
    # 120±5℃ is from 115 to 125.
    if middle is None or spread is None or middle.unit not in (None, spread.unit):
        return None
    shared = read_numeral(spread.magnitude) if spread.magnitude and not middle.magnitude else None
    scale = Fraction(shared.low) if shared else 1
    return replace(spread, low=middle.low * scale - spread.high, high=middle.high * scale + spread.high)


def _multiplied(times: str, part: _Part, *, is_power: bool, is_race: bool) -> _Part | None:
    factors = [Fraction(factor) for factor in re.findall(r"[0-9]+(?:\.[0-9]+)?", times)]
    if times.endswith("/"):
        return replace(part, high=factors[0], doubt="pair")
    product, unit = math.prod(factors, start=Fraction(1)), part.unit
    if unit is not None and unit.dimension == "length" and not (is_power or is_race):
        # 3.5×4米 is an area, 32×22×15cm a volume.
        unit = unit_of(f"{'平方' if len(factors) == 1 else '立方'}{unit.name}")
        if unit.factor is None or len(factors) > 2:  # noqa: PLR2004 — beyond length, width and height
            return None
    doubt = part.doubt if is_power else "product"
    return replace(part, low=part.low * product, high=part.high * product, unit=unit, doubt=doubt)


def _read_fraction(text: str) -> _Part | None:
    found = _FRACTION.fullmatch(text)
    if not found:
        return None
    part, under = read_numeral(found["part"] or found["over"]), read_numeral(found["of"] or found["under"])
    whole = read_numeral(found["whole"] or "零")
    if (
        part is None
        or under is None
        or whole is None
        or any(one % 1 for one in (under.low, whole.low))
        or under.low < 1
    ):
        return None
    low, high = (Fraction(whole.low) * Fraction(under.low) + Fraction(end) for end in (part.low, part.high))
    approx: Approx = "余" if found["more"] else part.approx
    if found["measure"]:
        # 四分之三公里 is 0.75公里; 20/4℃ and 3/6升 are pairs.
        scale = Fraction(under.low)
        if found["over"] and (part.low >= under.low or math.gcd(int(part.low), int(under.low)) > 1):
            return None
        return _Part(low / scale, high / scale, unit_of(found["measure"]), approx)
    return _Part(low, high, unit_of(_PERCENTS.get(found["of"] or "", f"1/{int(under.low)}")), approx)


def _ratio(unit: Unit | None, other: Unit | None) -> Fraction | None:
    if unit is None or other is None:
        return None
    if unit.name == other.name:
        return Fraction(1)
    if unit.factor is None or other.factor is None or unit.base != other.base:
        return None
    return unit.factor / other.factor


def _decimal(value: Fraction) -> Decimal | None:
    """Return the exact decimal of a fraction, None where it never ends."""
    try:
        return _EXACT.divide(Decimal(value.numerator), Decimal(value.denominator))
    except Inexact:
        return None
