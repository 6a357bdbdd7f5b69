"""Read generated numerals with this project's reader and with cn2an, and print what each gets wrong.

`python benchmarks/numerals.py [COUNT]`, a million by default. The oracle is independent of both: each numeral is
built upwards from a number known beforehand, by a writer that shares no code with the readers (digits in groups of
four), and then disguised as texts disguise it: full width, mixed with 万 and 亿, thousands separators, formal digits,
unsaid last units, 廿 and 卅. cn2an must be installed: it is a development dependency.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from decimal import Decimal
from itertools import cycle
from typing import TYPE_CHECKING

import cn2an

from biaozhu.normalization.numerals import read_numeral

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FORMAL = str.maketrans("一二三四五六七八九十百千", "壹贰叁肆伍陆柒捌玖拾佰仟")
FULL = str.maketrans("0123456789.,", "０１２３４５６７８９．，")
DIGITS = "零一二三四五六七八九"
# The group that 亿 closes, counted from the right.
YI = 2
EXAMPLES = 3


def spoken(number: int) -> str:
    """Write a whole number in groups of four digits, each read digit by digit."""
    groups: list[str] = []
    digits = str(number)
    digits = digits.zfill(-(-len(digits) // 4) * 4)
    for position in range(0, len(digits), 4):
        group = digits[position : position + 4]
        written = ""
        for digit, unit in zip(group, ("千", "百", "十", ""), strict=True):
            written += "零" if digit == "0" else DIGITS[int(digit)] + unit
        while "零零" in written:
            written = written.replace("零零", "零")
        groups.append(written.rstrip("零"))
    text = ""
    for index, group in enumerate(groups):
        power = len(groups) - 1 - index
        # 万 and 亿 by turns: ten thousand of 亿 is 万亿.
        if group:
            text += group + ("亿" if power == YI else "万" if power % 2 else "")
        elif power == YI and text:
            text += "亿"
        if text and not group and index < len(groups) - 1 and not text.endswith("零"):
            text += "零"
    while "零零" in text:
        text = text.replace("零零", "零")
    text = text.strip("零").replace("零亿", "亿")
    return (text[1:] if text.startswith("一十") else text) or "零"


def numerals(count: int, seed: int = 1) -> Iterator[tuple[str, str, Decimal]]:
    """Yield kind, text and true value, the kinds by turns."""
    draw = random.Random(seed)  # noqa: S311 — a test's draw
    for _, (kind, write) in zip(range(count), cycle(WRITERS.items()), strict=False):
        yield kind, *write(draw)


def _whole(draw: random.Random) -> int:
    return draw.randrange(1, 10 ** draw.randint(1, 12))


def _as(form: Callable[[int], str]) -> Callable[[random.Random], tuple[str, Decimal]]:
    def write(draw: random.Random) -> tuple[str, Decimal]:
        whole = _whole(draw)
        return form(whole), Decimal(whole)

    return write


def _mixed(draw: random.Random) -> tuple[str, Decimal]:
    unit, power = draw.choice((("万", 4), ("亿", 8), ("千", 3)))
    figure = Decimal(draw.randrange(1, 1_000_000)) / 100
    return f"{figure}{unit}", figure * 10**power


def _decimal(draw: random.Random) -> tuple[str, Decimal]:
    value = Decimal(_whole(draw)) / 1000
    return f"{value:f}", value


def _colloquial(draw: random.Random) -> tuple[str, Decimal]:
    first, last = draw.randint(1, 9), draw.randint(1, 9)
    unit, power = draw.choice((("百", 2), ("千", 3), ("万", 4), ("亿", 8)))
    return DIGITS[first] + unit + DIGITS[last], Decimal(first * 10**power + last * 10 ** (power - 1))


def _twenties(draw: random.Random) -> tuple[str, Decimal]:
    (sign, tens), last = draw.choice((("廿", 20), ("卅", 30))), draw.randint(0, 9)
    return sign + (DIGITS[last] if last else ""), Decimal(tens + last)


def _positional(draw: random.Random) -> tuple[str, Decimal]:
    # At least three digits: two neighbours (七八) mean a range.
    digits = str(draw.randrange(100, 1_000_000))
    return "".join("〇一二三四五六七八九"[int(digit)] for digit in digits), Decimal(digits)


def _bare_unit(draw: random.Random) -> tuple[str, Decimal]:
    text, power = draw.choice((("百", 2), ("千", 3), ("万", 4), ("百万", 6), ("千万", 7)))
    return text, Decimal(10**power)


def _point(draw: random.Random) -> tuple[str, Decimal]:
    small, place, (unit, power) = (
        draw.randrange(1, 1000),
        draw.randint(1, 9),
        draw.choice((("", 0), ("万", 4), ("亿", 8))),
    )
    return f"{spoken(small)}点{DIGITS[place]}{unit}", (Decimal(small) + Decimal(place) / 10) * 10**power


WRITERS: dict[str, Callable[[random.Random], tuple[str, Decimal]]] = {
    "chinese": _as(spoken),
    "formal": _as(lambda whole: spoken(whole).translate(FORMAL)),
    "arabic": _as(str),
    "separators": _as(lambda whole: f"{whole:,}"),
    "full width": _as(lambda whole: f"{whole:,}".translate(FULL)),
    "mixed": _mixed,
    "decimal": _decimal,
    "colloquial": _colloquial,
    "廿 and 卅": _twenties,
    "positional": _positional,
    "bare unit": _bare_unit,
    "point": _point,
}


def ours(text: str) -> Decimal | None:
    """Read with this project; a range counts as wrong."""
    read = read_numeral(text)
    return read.low if read is not None and read.low == read.high and not read.approx else None


def theirs(text: str) -> Decimal | None:
    """Read with cn2an in its smart mode; what it gives as a float is taken as printed."""
    try:
        return Decimal(str(cn2an.cn2an(text, "smart")))
    except (ValueError, KeyError):
        return None


def main(count: int) -> None:
    """Read all numerals with both and print the errors by kind, with examples."""
    readers: tuple[tuple[str, Callable[[str], Decimal | None]], ...] = (("biaozhu", ours), ("cn2an", theirs))
    for name, read in readers:
        wrong: Counter[str] = Counter()
        all_of: Counter[str] = Counter()
        shown: dict[str, list[str]] = {}
        began = time.perf_counter()
        for kind, text, value in numerals(count):
            found = read(text)
            all_of[kind] += 1
            if found != value:
                wrong[kind] += 1
                shown.setdefault(kind, []).append(f"{text} is {value:f}, read {found}")
        seconds = time.perf_counter() - began
        print(f"{name}: {sum(wrong.values())} of {count} wrong, {seconds:.0f} s")
        for kind, number in wrong.items():
            print(f"  {kind}: {number} of {all_of[kind]}; {'; '.join(shown[kind][:EXAMPLES])}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=1_000_000, help="numerals of each kind")
    main(parser.parse_args().count)
