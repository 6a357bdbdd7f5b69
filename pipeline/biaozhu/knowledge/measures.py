"""Measure words of Chinese by kind, and the numerals before them.

A word that is mostly something else after a Chinese numeral (三方, 四面, 二手) is in `ARABIC_ONLY`: it measures only
after Arabic figures. All patterns read text that `amount_grammar.forms` has folded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from itertools import groupby
from types import MappingProxyType
from typing import Literal

from biaozhu.knowledge.word_tables import TABLES, read_words

Kind = Literal["classifier", "time", "unit", "money", "ratio"]

MEASURES: dict[Kind, str] = TABLES["measures"]
# 个半月, 个多小时.
MEASURES["time"] += "".join(
    f" 个{more}{word[1:]}" for word in MEASURES["time"].split() if word[0] == "个" for more in "半多"
)
ARABIC_ONLY = frozenset(read_words("amounts", "arabic_only"))
# Units in letters, whatever their case; a single letter only in its own.
ASCII_UNIT = (
    r"(?:(?i:[kmg]?bps?|pct|[kmgtp]b|[km]?cal|[kmgt]?w·?h|[kmg]wp?|[kmg]?hz|[kmcdnμµ]m|hm|[kmμµ]?mol|mmhg|[mhk]?pa|bar|psi|m?ah|[km]v(?:a|ar)?|"
    r"[kmnpμµ]g|[mdμµ]l|db|min|bpm|pp[mb]|cc|[km]ph|[kmg]?bq|rpm|fps|dpi|[tp]?flops|tops|teu|dwt|px|lbs?|oz|m?gy|[mμ]?sv|kgf|[npμ]f|iu|[km]ev|kj|kn|lx|lm|ms|mm|n·m|u(?=/)|r(?=/(?:min|s))|rad(?=/s)|[cp]fu|copies(?=/)|(?:wt|vol|mol)%)|[kMμ]?Ω|mA|[hmgtVWLJP]|(?<![05-9]0)s|(?:(?<=[0-9] )[ad]|(?:(?<=[1-9痛热促咳泻吐晕肿闷喘痒×][0-9])|(?<=术后[0-9]))d|d(?=入院|来院))(?! ?[A-Za-z])|[㎎-㏓ℓ])"
    r"(?:[²³]|(?<=m)[23]|(?<=h)[0-9]{1,2}min)?(?![A-Za-z0-9])"
    # Of blood: 11.2×10⁹/L.
    r"|(?:(?<=[⁰¹²³⁴-⁹])|(?<=\^[0-9])|(?<=\^1[0-9]))/[mμ]?[Ll](?![A-Za-z0-9])"
)
# 一 and 两 with these say a real quantity (一亩, 两年); with a classifier they say "a" or "some".
EXACT_KINDS = frozenset(("time", "unit", "money", "ratio"))
EXACT_WORDS = frozenset(("人", "户"))
# Parts of one quantity, larger first: 5元8角, 3小时20分钟.
SMALLER = tuple(tuple(scale.split("-")) for scale in read_words("amounts", "smaller"))
# 三石 and 五斗 are mostly a name or a thing, so after one numeral (万石植物园, 三斗渠) only what is measured may follow.
_ONE_NUMERAL = "(?<![数几百千万余二三四五六七八九][十百千万余多]{})"
_MEASURED = (
    "(?!$|[，。、；：！？,;)）》」”… \n]|多(?!鸟)|余|有余|左右|上下|以[上下]|[至—~-]|到(?!底)|每|[零又]?[一二两三四五六七八九半]十?[斗升合]"
    "|[粮米谷麦粟豆稻黍粱酒盐租弓俸漕糙]|[白大小糯粳精军]米|[存余军公皇口]粮|[大黄黑绿]豆|[小荞]麦|稻谷|高粱|玉米|杂粮|芝麻|花生|种子|食盐|水(?![电库利])|[老黄白烧]酒|强弓|等于|约合|折合|[（(“])"
)
# What makes another word of the measure word before it, after a Chinese numeral (四处理, 一家具).
NOT_BEFORE: dict[str, str] = TABLES["not_before"]
for _unit in "石斗":
    NOT_BEFORE[_unit] = f"{_ONE_NUMERAL.format(_unit)}{_MEASURED}|{NOT_BEFORE[_unit]}"
# After Arabic figures a measure word is what it seems (2人生还, 3天下来) but before these.
_AS_BEFORE = ARABIC_ONLY.union(("年", "日", "晚", "球", "个点", "发", "贯", "升")).intersection(NOT_BEFORE)
NOT_BEFORE_AFTER_FIGURES: dict[str, str] = {word: NOT_BEFORE[word] for word in _AS_BEFORE}
NOT_BEFORE_AFTER_FIGURES |= TABLES["not_before_after_figures"]
for _word in read_words("amounts", "no_measures"):
    _others = NOT_BEFORE_AFTER_FIGURES.get(_word[0])
    NOT_BEFORE_AFTER_FIGURES[_word[0]] = f"{_others}|{_word[1:]}" if _others else _word[1:]

_DIGIT = "一二三四五六七八九"
SUPERSCRIPTS = "⁺⁻⁰¹²³⁴-⁹"
_CHARACTERS = f"〇零{_DIGIT}十百千万亿廿卅"
ARABIC = (
    r"(?<![0-9.])(?:[0-9]{1,3}+(?>(?: [0-9]{3}(?![0-9])){1,5})|[0-9]++(?>(?:[,，][0-9]{3}(?![0-9]))*))"
    r"(?>(?:[.·][0-9]++)?)"
)
# In 万千瓦 and 5千克 千 belongs to the unit; in 几千米 to neither more than the other.
_THOUSAND = "(?:(?<![万亿])千(?![克米瓦伏帕赫卡焦])|(?<=[几数])(?<!十几)千)"
# 3万2千, 1亿2000万: smaller figures may follow a magnitude.
MAGNITUDE = (
    rf"(?>(?: ?(?:[余多几来]?(?>(?:[十万亿]|百(?!分[点之])|{_THOUSAND})+)(?:[余多][万亿]++)?|兆(?=元))"
    r"(?>(?:零?[0-9]++(?>(?:,[0-9]{3})*)(?:\.[0-9]++)?[十百千万]++)*)"
    r"(?:(?<=万)[0-9],?[0-9]{3}(?![0-9.,年 ])|(?<=[百千万])[0-9](?=[元块人户亩斤吨])|(?<=[百千万亿])零[0-9]{1,4}(?![0-9.,年]))?)?)"
)
# 数 and 几 count only as digits of something larger; 人数百人 is 人数 and 百人. Within a numeral 两 is a digit of what
# follows it (三千两百); else it is the unit (三千两).
CHINESE = (
    rf"(?<![{_CHARACTERS}两几0-9{SUPERSCRIPTS}])(?:(?<![人户总件次指函系参票岁])数(?=[十百千万亿])|几(?=[十百千万亿])|[{_CHARACTERS}两])"
    rf"(?>(?:[{_CHARACTERS.replace('千', '')}几]|{_THOUSAND}|两(?=[百千万亿])|(?<=[百千万])数(?=[十百千])|(?<=十)有(?=[{_DIGIT}]岁)"
    r"|(?<=一)两(?=[个天年人次家种户吨亩公米斤元块小分句层名位岁周件条]))*)"
    rf"(?>(?:点[〇零{_DIGIT}]++(?>(?:[十百万亿]|{_THOUSAND})*))?)(?>(?:[余多来][万亿]++)?)"
)
# 六、七十万: two neighbours; after a stop 三、 counts paragraphs.
_NEIGHBOURS = "二两三 三四 三五 四五 五六 六七 七八 八九 23 34 45 56 67 78 89"
_EITHER = "|".join(f"[{pair[:-1]}]、(?={pair[-1]})" for pair in _NEIGHBOURS.split())
_EITHER = rf"(?:(?<=[^\\s。；;：:，,、第0-9{_DIGIT}])(?:{_EITHER}))?"
FIGURES = (
    rf"{_EITHER}{ARABIC}(?:(?<![0-9.]10)(?<![0-9],10)(?<=10)(?:[⁺⁻]?[⁰¹²³⁴-⁹]{{1,2}}+|\^[-+]?[0-9]{{1,2}}))?{MAGNITUDE}"
)
NUMERAL = rf"(?:(?<![{_CHARACTERS}两0-9])[十百千万个]把|千儿八百|百儿八十|{_EITHER}{CHINESE})"
NUMBER = rf"(?:{FIGURES}|{NUMERAL})(?: ?[余多来几]|\+)?"
DASH = r"(?: ?(?:[-—–~]{1,2}|至|到) ?)"


def measure_pattern(words: str, *, chinese: bool = False) -> str:
    """Return the alternation of measure words, longest first, each with what must not follow it.

    After a Chinese numeral (`chinese`) fewer words measure, and more words undo them.
    """
    guards = NOT_BEFORE if chinese else NOT_BEFORE_AFTER_FIGURES
    return alternation((word for word in words.split() if not (chinese and word in ARABIC_ONLY)), guards)


def alternation(words: Iterable[str], guards: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return the alternation of words, the longest of those that begin alike first, each with what must not follow it.

    A branch for each first character, and one for all single characters: a long row of words is slow to compile and to fail.
    """
    ordered = sorted(set(words), key=lambda word: (word[0], -len(word), word))
    branches, alone = [], ""
    for first, same in groupby(ordered, key=lambda word: word[0]):
        rests = [re.escape(word[1:]) + (f"(?!{guards[word]})" if word in guards else "") for word in same]
        if rests == [""]:
            alone += re.escape(first)
        else:
            branches.append(f"{re.escape(first)}(?:{'|'.join(rests)})")
    return "|".join([*branches, *([f"[{alone}]"] if alone else [])])


# A piece of what a price is for: 两块五|一斤.
_PRICED_BY = f"{MEASURES['classifier']} {MEASURES['unit']} 天 年 月 周 晚 夜 小时 课时"
EACH = f"一(?:{alternation(_PRICED_BY.split())})"


@cache
def measure_kind(measure: str) -> Kind | None:
    """Return the kind of a measure word; 大 before it and a unit after a slash do not matter."""
    head = re.split("[/（(]", measure.removeprefix("大"), maxsplit=1)[0].strip()
    return _KINDS.get(head) or ("unit" if re.fullmatch(ASCII_UNIT, head) else None)


_KINDS: dict[str, Kind] = {
    word: kind for kind in ("classifier", "unit", "money", "time", "ratio") for word in MEASURES[kind].split()
}
