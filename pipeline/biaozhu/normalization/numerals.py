"""Numerals as Chinese texts write them, read exactly: 2,400, 三千五百万, 3.5万, 20余万, 十几, 二三十, 两千三.

Own code, for cn2an 0.5 reads only some of these (`benchmarks/numerals.py` counts which) and some through floats.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact, InvalidOperation, localcontext
from typing import Literal

from biaozhu.reading.simplified import to_half_width

DIGITS = dict(zip("零一二三四五六七八九〇○两俩仨", (*range(10), 0, 0, 2, 2, 3), strict=True))
_FORMAL = zip("壹贰叁肆伍陆柒捌玖拾佰仟萬億兩貳參陸·", "一二三四五六七八九十百千万亿两二三六.", strict=True)
PLAIN = str.maketrans({**dict(_FORMAL), "廿": "二十", "卅": "三十", "卌": "四十"})
POWERS = {"兆": 12, "亿": 8, "万": 4, "千": 3, "百": 2, "十": 1}
# 余, 多 say "and something more"; 来, 把 say "about" (十来个, 万把块).
MORE, ABOUT = frozenset("余多"), frozenset("来把")
SOME = frozenset("几数")
# 十几二十 is from 11 to 20.
_FEW = re.compile("([二三四五六七八九]?)十几([二三四五六七八九])十")
# Set phrases, as ranges.
_PHRASES = {"千儿八百": (800, 1000), "百儿八十": (80, 100)}
# 几 by itself is 2 to 9, after 十 it is 1 to 9 (现代汉语词典: 大于一而小于十的不定数目).
SOME_LOW, SOME_HIGH = 2, 9
# Characters of a numeral, and digits of its value.
LONGEST, PRECISION = 64, 100
_ARABIC = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?|\d+\.\d+")
_POWER = re.compile(r"10(?:\^(?=[-+]?[0-9])|(?![-+0-9]))([⁺⁻+-]?[⁰¹²³⁴-⁹0-9]+)")
_EXPONENT = str.maketrans("⁺⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "+-0123456789")
_NEIGHBOURS = re.compile("([1-9])、([1-9])")
_CHINESE_DIGITS = str.maketrans("123456789", "一二三四五六七八九")

Approx = Literal["", "余", "几", "约", "近"]


@dataclass(frozen=True, slots=True)
class Numeral:
    """A number or a range of them; `approx` is 余 (and more), 几 (an unsaid digit), 约 (about) or empty.

    With 余 the bounds are the written number itself; with 几 they are its least and greatest reading.
    """

    low: Decimal
    high: Decimal
    approx: Approx = ""


def read_numeral(text: str) -> Numeral | None:
    """Return what a numeral says, None where it is none that this grammar knows."""
    plain = re.sub(r"\s", "", to_half_width(text)).translate(PLAIN)
    if plain in _PHRASES:
        low, high = map(Decimal, _PHRASES[plain])
        return Numeral(low, high, "约")
    if (few := _FEW.fullmatch(plain)) and DIGITS[few[2]] == DIGITS[few[1] or "一"] + 1:
        return Numeral(Decimal(DIGITS[few[2]] * 10 - 9), Decimal(DIGITS[few[2]] * 10), "几")
    approx: Approx = "余" if MORE.intersection(plain) else "约" if ABOUT.intersection(plain) else ""
    plain = re.sub("[余多来把]", "", plain)
    # 6、7: six or seven, as 六、七.
    plain = _NEIGHBOURS.sub(lambda pair: pair[0].translate(_CHINESE_DIGITS), plain).replace("、", "")
    plain = "一" if plain == "个" else plain
    approx = "几" if SOME.intersection(plain) else approx
    if len(plain) > LONGEST:
        return None
    try:
        # Exact or nothing.
        with localcontext(Context(prec=PRECISION, traps=[Inexact, InvalidOperation])):
            low, high = _range(plain)
    except (ValueError, Inexact, InvalidOperation):
        return None
    return Numeral(low, high, approx)


def write_numeral(value: Decimal) -> str:
    """Write a number in Arabic figures, exactly, without an exponent or needless zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _range(text: str) -> tuple[Decimal, Decimal]:
    if text == "半":
        return Decimal("0.5"), Decimal("0.5")
    return _pointed(text) if "点" in text else _read_digits(text) or _scaled(text)


def _pointed(text: str) -> tuple[Decimal, Decimal]:
    # 三点五万: the digits after the point, then a magnitude for all of it.
    found = re.fullmatch(r"(.*?)点([零〇○一二三四五六七八九]+)([十百千万亿兆]*)", text)
    if not found:
        raise ValueError(text)
    whole, _ = _range(found[1]) if found[1] else (Decimal(0), None)
    places = "".join(str(DIGITS[digit]) for digit in found[2])
    value = _plain((whole + Decimal(f"0.{places}")).scaleb(sum(POWERS[sign] for sign in found[3])))
    return value, value


def _read_digits(text: str) -> tuple[Decimal, Decimal] | None:
    """Digits without a magnitude: 七八 is a range, 二〇二〇 and 一二三 are positional."""
    if len(text) < 2 or not all(sign in DIGITS for sign in text):  # noqa: PLR2004 — one digit is read by _leaf
        return None
    value = Decimal("".join(str(DIGITS[sign]) for sign in text))
    return _neighbours(text) or (value, value)


def _neighbours(text: str) -> tuple[Decimal, Decimal] | None:
    """Return the ends of a range that two digits say, 七八 or 三五; None of others."""
    found = [DIGITS.get(sign, 0) for sign in text]
    is_range = len(found) == 2 and found[0] > 0 and (found[1] == found[0] + 1 or found == [3, 5])  # noqa: PLR2004
    return (Decimal(found[0]), Decimal(found[1])) if is_range else None


def _scaled(text: str, limit: int | None = None) -> tuple[Decimal, Decimal]:
    """Read a numeral by its largest magnitude: what stands before it counts it, what stands after it is added."""
    for sign, power in POWERS.items():
        if sign not in text:
            continue
        large = power >= POWERS["万"]
        # 一千万亿 is counted by all that stands before its last magnitude; 千, 百 and 十 are counted by one digit.
        before, _, after = text.rpartition(sign) if large else text.partition(sign)
        if limit is not None and power >= limit:
            raise ValueError(text)
        low, high = (_scaled if large else _leaf)(before) if before.strip("零〇○") else (Decimal(1), Decimal(1))
        more = _rest(after, power)
        return _plain(low.scaleb(power) + more[0]), _plain(high.scaleb(power) + more[1])
    return _leaf(text)


def _rest(text: str, power: int) -> tuple[Decimal, Decimal]:
    if not text:
        return Decimal(0), Decimal(0)
    if text in SOME and power == 1:
        return Decimal(1), Decimal(SOME_HIGH)
    if power > 1 and len(text) == 1 and (text in DIGITS or text.isdecimal()) and text not in "零〇○":
        # 两千三, 三万五: the unit of the last digit is left unsaid.
        low, _ = _leaf(text)
        return low.scaleb(power - 1), low.scaleb(power - 1)
    return _scaled(text.lstrip("零〇○") or "零", power)


def _leaf(text: str) -> tuple[Decimal, Decimal]:
    if _ARABIC.fullmatch(text):
        return (value := Decimal(text.replace(",", ""))), value
    if power := _POWER.fullmatch(text):
        return (value := _plain(Decimal(1).scaleb(int(power[1].translate(_EXPONENT))))), value
    if text in SOME:
        return Decimal(SOME_LOW), Decimal(SOME_HIGH)
    if re.fullmatch(r"\d+[几]", text) and text[-2] == "0":
        return Decimal(text[:-1]) + 1, Decimal(text[:-1]) + SOME_HIGH
    text = text.lstrip("零〇○") or text[-1:]
    if between := _neighbours(text):
        return between
    if text not in DIGITS:
        raise ValueError(text)
    return Decimal(DIGITS[text]), Decimal(DIGITS[text])


def _plain(value: Decimal) -> Decimal:
    # Without an exponent, so that equal numbers print alike.
    return Decimal(f"{value:f}")
