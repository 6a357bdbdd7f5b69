"""The value of an amount: its figures, unit and dimension from the span, how exact it is and per what from around it.

The words for bounds are read as Article 1259 of the Civil Code reads them: 以上, 以下 and 以内 include the figure,
超过 and 不足 (不满) do not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

from biaozhu.knowledge.measures import MEASURES
from biaozhu.normalization.context import approx_around, bound_around, each_phrase, per_around
from biaozhu.normalization.numerals import Numeral, read_numeral, write_chinese, write_numeral
from biaozhu.normalization.units import Dimension, part_of, split_measure, unit_of
from biaozhu.reading.width import to_half_width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from biaozhu.normalization.units import Unit

Approx = Literal["", "余", "几", "约", "近"]


@dataclass(frozen=True, slots=True)
class AmountValue:
    """What an amount says, in exact decimals.

    Attributes:
        low: the figure, or the lower end of a range; with 余 the written figure itself.
        high: the same as low, or the upper end of a range.
        unit: canonical name (元, 亩, 公斤, 家; 1/3 for thirds).
        dimension: what the unit measures; count for classifiers.
        approx: 余 (and more: 余, 多), 几 (an unsaid digit: 几, 数), 约 (about), 近 (nearly) or empty.
        bound: the words that make the figure a limit, canonical, in the order 最高, 最低, 以上, 超过, 以下, 不足.
        per: what it is counted for (亩 in 每亩2300元; 人·年 in 每人每年), empty where nothing is said.
    """

    low: Decimal
    high: Decimal
    unit: str
    dimension: Dimension
    approx: Approx = ""
    bound: tuple[str, ...] = ()
    per: str = ""


@dataclass(frozen=True, slots=True)
class _Part:
    numeral: Numeral
    unit: Unit | None
    written: str
    half: Fraction = Fraction(0)
    more: bool = False


_NUMERAL = (
    "0-9,.〇○零一二三四五六七八九十百千万亿两俩仨廿卅卌半几数余多来壹贰叁肆伍陆柒捌玖拾佰仟萬億兩貳參陸"
)
_MEASURES = "|".join(
    re.escape(word)
    for word in sorted(
        {w for words in MEASURES.values() for w in to_half_width(words).split()}, key=lambda w: (-len(w), w)
    )
)
_PIECE = re.compile(
    rf"(?P<number>[{_NUMERAL}][{_NUMERAL} ]*?)\s*(?:(?P<measure>{_MEASURES}|[^{_NUMERAL}\s/]+)(?=[{_NUMERAL}]|$)|$)"
)
_DASH = re.compile(r"(?<=.)(?:[-—–~〜]{1,2}|至|到)(?=.)")
_FRACTION = re.compile(
    rf"(?P<of>[{_NUMERAL}]+)分之(?P<part>.+?)(?P<more>[多余]?)|(?P<over>\d+)/(?P<under>\d+)"
)
_PERCENTS = {"百": "%", "千": "‰", "万": "‱"}
_UNIT_PER = re.compile(r"(?P<amount>.+?[^\d/])(?:/|每)(?P<per>[^\d/]+)")


def read_amount(text: str, start: int, end: int) -> AmountValue | None:
    """Return the value of the amount text[start:end], with approximation, bounds and `per` from around it.

    Args:
        text: a sentence.
        start: code point where the amount begins.
        end: where it ends.

    Returns:
        None where the span holds no numeral that can be read.
    """
    plain = to_half_width(text)
    before, after = plain[:start], plain[end:]
    span = plain[start:end].strip()
    found = _UNIT_PER.fullmatch(span)
    own_per = unit_of(found["per"]).name if found else ""
    span = found["amount"] if found else span
    read = _read_span(span, before, after)
    if read is None and span[-1:] in ("多", "余"):
        # 三倍多: not the guideline's border, but plain in meaning.
        read, after = _read_span(span[:-1], before, after), span[-1]
    if read is None:
        return None
    low, high, unit, said = read
    approx = said or approx_around(before, after, unit.dimension)
    per = own_per or per_around(before, after, unit)
    return AmountValue(low, high, unit.name, unit.dimension, approx, bound_around(before, after), per)


def in_base(value: AmountValue) -> tuple[Fraction, Fraction, str] | None:
    """Return the bounds in the base unit of the dimension, exactly, with its name (m², kg, CNY); None: not fixed."""
    unit = unit_of(value.unit)
    if unit.factor is None:
        return None
    return Fraction(value.low) * unit.factor, Fraction(value.high) * unit.factor, unit.base


def render_amount(value: AmountValue) -> str:
    """Write a value in canonical form, which `read_phrase` reads back as the same value.

    Not so for pieces (块) without what they are pieces of, which read as money.
    """
    number = write_numeral(value.low)
    if value.low != value.high:
        number = _some(value) or f"{number}-{write_numeral(value.high)}"
    part = re.fullmatch(r"1/(\d+)", value.unit)
    body = f"{number}/{part[1]}" if part else number + ("余" if value.approx == "余" else "") + value.unit
    before = "".join(word for word in ("最高", "最低", "超过", "不足") if word in value.bound)
    before += value.approx if value.approx in ("约", "近") else ""
    after = "".join(word for word in ("以上", "以下") if word in value.bound)
    return each_phrase(value.per) + before + body + after


def read_phrase(phrase: str) -> AmountValue | None:
    """Read an amount that stands alone with its qualifiers: 每亩约2300元, 最高1000元以上."""
    plain = to_half_width(phrase)
    heads = [match.start() for match in re.finditer(rf"(?<![每{_NUMERAL}])[{_NUMERAL}]", plain)]
    tail = re.search(r"(?:以上|以下|左右)$", plain)
    end = tail.start() if tail else len(plain)
    # The first numeral that reads to the end counts; 每100克 in front of it holds one too.
    values = (read_amount(phrase, start, end) for start in heads)
    return next((value for value in values if value is not None), None)


def _some(value: AmountValue) -> str:
    # 几百, 十几万: the digit that is unsaid lies between the bounds.
    if value.approx != "几":
        return ""
    for power, sign in (
        (0, ""),
        (4, "万"),
        (8, "亿"),
        (1, "十"),
        (2, "百"),
        (3, "千"),
        (5, "十万"),
        (6, "百万"),
        (7, "千万"),
    ):
        unit = Decimal(10) ** power
        if value.low == 2 * unit and value.high == 9 * unit:
            return f"几{sign}"
        tens = value.low - unit
        if power % 4 == 0 and tens > 0 and tens % (10 * unit) == 0 and value.high == tens + 9 * unit:
            return f"{write_chinese(int(tens / unit))}几{sign}"
    return ""


def _read_span(span: str, before: str, after: str) -> tuple[Decimal, Decimal, Unit, Approx] | None:
    fraction = _FRACTION.fullmatch(span)
    if fraction:
        return _read_fraction(fraction)
    cut = _DASH.search(span)
    sides = [span[: cut.start()], span[cut.end() :]] if cut else [span]
    pieces = [_parts(side, before, after) for side in sides]
    if not all(pieces) or pieces[-1][-1].unit is None:
        return None
    approx: Approx = ""
    for part in (part for parts in pieces for part in parts):
        if part.numeral.approx or part.more:
            approx = "余" if part.more else part.numeral.approx  # type: ignore[assignment]
    ends = [_summed(parts) for parts in pieces]
    if ends[-1] is None:
        return None
    low, high, unit = ends[-1]
    if cut:
        shared = _lower_end(pieces[0], pieces[-1], ends[0], (low, high, unit))
        if shared is None:
            return None
        low, high, unit = shared
    lows, highs = _decimal(low), _decimal(high)
    return None if lows is None or highs is None else (lows, highs, unit, approx)


def _parts(text: str, before: str, after: str) -> list[_Part]:
    parts: list[_Part] = []
    position = 0
    while position < len(text):
        found = _PIECE.match(text, position)
        numeral = read_numeral(found["number"]) if found else None
        if not found or numeral is None:
            return []
        if found["measure"]:
            measure, half, more = split_measure(found["measure"])
            unit = part_of(parts[-1].unit) if measure == "分" and parts else None
            unit = unit or unit_of(measure, before=before, after=after)
            parts.append(_Part(numeral, unit, found["number"], half, more))
        else:
            parts.append(_Part(numeral, None, found["number"]))
        position = found.end()
    return parts


def _summed(parts: Sequence[_Part]) -> tuple[Fraction, Fraction, Unit] | None:
    """Add the parts of one quantity in the unit of the first, or of the last where that is not exact."""
    first = parts[0].unit
    if len(parts) == 1 or first is None:
        low, high = (Fraction(end) + parts[0].half for end in (parts[0].numeral.low, parts[0].numeral.high))
        return (low, high, first) if first is not None else None
    for unit in (first, parts[-1].unit):
        low = high = Fraction(0)
        for part in parts:
            ratio = _ratio(part.unit, unit)
            if ratio is None:
                return None
            low += (Fraction(part.numeral.low) + part.half) * ratio
            high += (Fraction(part.numeral.high) + part.half) * ratio
        if unit is not None and _decimal(low) is not None and _decimal(high) is not None:
            return low, high, unit
    return None


def _lower_end(
    left: Sequence[_Part],
    right: Sequence[_Part],
    lower: tuple[Fraction, Fraction, Unit] | None,
    upper: tuple[Fraction, Fraction, Unit],
) -> tuple[Fraction, Fraction, Unit] | None:
    low, high, unit = upper
    if lower is None:
        start = Fraction(left[0].numeral.low)
        # 10-20万: the magnitude counts for both, as long as the range still rises.
        magnitude = re.search(r"[十百千万亿]+(?=[余多]?$)", right[0].written.rstrip())
        if magnitude and not re.search(r"[十百千万亿]", left[0].written) and len(left) == len(right) == 1:
            scale = read_numeral(magnitude[0])
            scaled = start * Fraction(scale.low) if scale else start
            start = scaled if scaled < high else start
        return min(start, low), max(start, high), unit
    ratio = _ratio(lower[2], unit)
    if ratio is None:
        return None
    start = lower[0] * ratio
    if _decimal(start) is None:
        back = _ratio(unit, lower[2])
        return None if back is None else (lower[0], high * back, lower[2])
    return min(start, low), max(start, high), unit


def _read_fraction(found: re.Match[str]) -> tuple[Decimal, Decimal, Unit, Approx] | None:
    if found["over"]:
        value = Decimal(found["over"])
        return (value, value, unit_of(f"1/{int(found['under'])}"), "") if int(found["under"]) else None
    ends = [read_numeral(side) for side in _DASH.split(found["part"])]
    whole = read_numeral(found["of"])
    if whole is None or whole.low != whole.low.to_integral_value() or whole.low < 1:
        return None
    numerals = [end for end in ends if end is not None]
    if len(numerals) != len(ends):
        return None
    unit = unit_of(_PERCENTS.get(found["of"], f"1/{int(whole.low)}"))
    low, high = min(one.low for one in numerals), max(one.high for one in numerals)
    approx: Approx = "余" if found["more"] else numerals[-1].approx  # type: ignore[assignment]
    return low, high, unit, approx


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
    under, places = value.denominator, 0
    while under % 10 == 0 or under % 2 == 0 or under % 5 == 0:
        under = under // 10 if under % 10 == 0 else under // 2 if under % 2 == 0 else under // 5
        places += 1
    if under != 1:
        return None
    # From text, for arithmetic would round to the context's digits.
    return Decimal(f"{int(value * 10**places)}E-{places}") if places else Decimal(value.numerator)
