"""Words around an amount that change it: about, at least, at most, and per what."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from biaozhu.knowledge.measures import MEASURES, NOT_BEFORE, alternation
from biaozhu.normalization.units import Dimension, Unit, unit_of

_CLAUSE = re.compile(r"[,。;:、!?…()\"'《》\n]")
# Verbs that may stand between a qualifier and the figure: 约需, 超过了, 最高可达.
_VERB = "(?:有|为|需|要|达到?|占|计|合|可|在|是|了|到|共|补贴|补助|奖励|投入|支出|花费|收入|增收){0,2}"
_ABOUT = re.compile(rf"(?:大约|大概|约莫?|估计|差不多|大致){_VERB}$")
_NEARLY = re.compile(rf"(?<![附最邻靠临相远亲])(?:将近|接近|近){_VERB}$")
_ABOUT_AFTER = re.compile(r"(?:左右|上下(?!游|级)|前后)")
_MORE_AFTER = re.compile(r"(?:\+(?=$|[,。;:、!?)\s的以])|有余|余|多(?![次种样个名家年人方项条位元级]))")
_RECENT = re.compile(r"(?:^|[在从自的最对把为])近$")
_NOT = "(?:不[会得能可应宜准许要]?|未|没有?|(?<![分差级类个特识鉴辨告性区])别|勿)"
# 至少休, 最多可容纳: any verb, but no other amount, nor 最多时.
_ACT = "(?![时的])[^的0-9一二三四五六七八九十百千万亿两半几数]{0,5}"
_BOUND_BEFORE = (
    ("以上", re.compile(rf"(?:(?:至少|起码|最少){_ACT}|{_NOT}(?:少于|低于|小于|不足){_VERB})$")),
    ("以下", re.compile(rf"(?:(?:至多|最多){_ACT}|{_NOT}(?:超[过出]?|突破|高于|多于|大于|逾){_VERB})$")),
    ("超过", re.compile(rf"(?:超过|突破|超出|多于|高于|大于|不止|超|逾){_VERB}$")),
    ("不足", re.compile(rf"(?:不足|不到|低于|少于|小于|未满|不满|未达){_VERB}$")),
)
_BOUND_AFTER = (
    ("以上", re.compile(r"(?:\(含\))?(?:及|或|和)?(?:以上|之上)")),
    ("以下", re.compile(r"(?:\(含\))?(?:及|或|和)?(?:以下|以内|之内|之下)")),
    ("不足", re.compile(r"(?:不到|不足)(?=$|[,。;])")),
)
# 不足|总数的15%: of what the share is comes between; 上百家 reaches a hundred, 网上百家 does not.
_OF_WHOLE = re.compile("(?:(?<=不足|不到|超过|至少|至多)|(?<=不[高低多少]于))(?!位)[^0-9]{1,8}的$")
_REACHED = re.compile("(?<![以之网地早晚线街路村市世身手头台向往船车桌海江河湖天岛])上$")
_EXTREMES = (
    ("最高", re.compile(r"最(?:[高大长远重]|多的)[^0-9]{0,8}$")),
    ("最低", re.compile(r"最[低少小短轻][^0-9]{0,8}$")),
)

# Verbs as well: 每出动一次, 每开一次会, 每批准一家; 一次性 is once for all.
_VERBS = {word: f"{NOT_BEFORE[word]}|[一1]" for word in "出发开起批"} | {"次": "性"}
_MEASURE = alternation((w for words in MEASURES.values() for w in words.split() if w not in ("个", "点", "分")), _VERBS)
_NOUN_ENDS = "则|超|逾|不|最|至少|至多|[一二三四五六七八九十百千万亿两几数半]|均|必|又|还|会|将|可|能|平均|需|要|有|的|收|增|年|月|投|获|分|得|补|成|达|就|每|都|也|约|近|产|出|只|仅|为|是|由|从|在|,|、|[0-9]|$"
_EACH = re.compile(
    rf"每(?:(?!隔|[个月村乡镇县校班生]|{_MEASURE})[\u4e00-\u9fff]{{1,5}}(?=[一1](?![0-9])))?(?:(?:一|1)(?![0-9.]))?(?P<each>(?:[0-9.]+[百千万亿]*|[一二两三四五六七八九十百千万亿]+)?(?:{_MEASURE}|月|日|季度|学期|村|乡|镇|县|校|班|晚|平方英哩|生|工(?=日|[给付补约为按]|$))"
    rf"|个(?=人)人|个(?:[\u4e00-\u9fff]{{1,4}}?(?={_NOUN_ENDS}))?)"
)
# What a later clause is still about: not a price by the pound, nor a speed.
_LASTING = re.compile("人|户|亩|公顷|[棵株头只羽口个].*|家|村|年|季度?|生|学期")
_EVEN = re.compile(r"(?P<each>[人户亩村年月日头株棵周校班县省次件台])均(?!衡|匀|为|已|有|可(?!支配)|由|是|在|不)")
_YIELDS = "收入|产值|产量|产|租金|薪|销售|利润|增收|纯收入|营业额|工资|消费|支出|净利|补贴|补助|发电|接待|处理|加工|供|耗|用电|用水|吞吐"
# 每日工资加一成, 年产值增长5%: of what is earned in a day or a year, not each day.
_RATE_OF = re.compile(f"工资|薪|租金|(?<!每.)(?<!均)(?:{_YIELDS})")
_RATE = re.compile(
    "(?<![0-9今去前明每近全当同本多半整一二三四五六七八九十这那两几上下青少老壮周往来丰历常])(?P<each>[年月日])"
    f"(?={_YIELDS})"
    "|(?P<field>亩)(?=产(?!业)|收入|收益|效益|成本|投入|纯)|(?P<speed>[时秒])速"
)
_PER_AFTER = re.compile(rf"(?:/|每)(?P<each>{_MEASURE}|月|日)")
_TIME = "个?(?:月|小时|钟头|星期|学期|季度|工)|年|天|晚|分钟"
_THING = "公里|公?斤|平方米|平米|立方米?|[亩吨人只头张瓶袋碗份盒包件位条双根本套桶箱杯串枚颗片盆株棵桌克升米石斗尺匹平个把方]|度电?|节(?=课)|次(?![\u4e00-\u9fff])"
_PRICED_AFTER = re.compile(rf"一(?P<each>{_TIME}|{_THING})(?![多半来后前内])")
# 一张15块, 房租一年5万元, 一天能挣15块; 第一天150元 is one, 手机一部3000元 may be.
_PRICED_BEFORE = re.compile(
    rf"(?:(?<![第前后头另其中有某每这那同仅的年十百千零〇])一(?P<time>{_TIME})(?:[能可才就也只最多少]{{0,2}}[挣赚])?|(?<![\u4e00-\u9fff])一(?P<thing>{_THING}|次))$"
)
# A total, or a new count, ends what 每 began.
_TOTAL = re.compile(
    r"[。;!?]|共|(?<![预估设统会审])计(?![划算量酬件生])|总(?!体)|全[省市县区乡镇村国年]|目前|现有|已|均|今年|去年|其中|带动|毛收入|净收入|营业额"
    r"|[0-9一二两三四五六七八九十几半](?:年|个?月|天|周|小时)"
)
# 比去年最高纪录多四分: the highest is another amount.
_COMPARED = re.compile("[比较](?!重)[^比较]*最[^0-9]{0,8}$")

# 人均7268元,折合1021美元: the same amount once more.
_CONVERTED = re.compile("[,(](?:约合|折合|相当于)[约为]?(?:人民币)?$")
# Beyond these, a text is speech without punctuation, in which 每 does not reach on.
LONGEST_CLAUSE, SHORT = 48, 12


class _Per(NamedTuple):
    start: int
    end: int
    word: str
    lasting: bool


def approx_around(before: str, after: str, dimension: Dimension) -> Literal["", "约", "近", "余"]:
    """Return what the words around an amount say of its exactness; half-width text."""
    clause = _CLAUSE.split(before)[-1]
    if _ABOUT.search(clause) or _ABOUT_AFTER.match(after):
        return "约"
    # 近三年 is the last three years, not nearly three.
    if _NEARLY.search(clause) and not (dimension == "duration" and _RECENT.search(clause)):
        return "近"
    return "余" if _MORE_AFTER.match(after) else ""


def bound_around(before: str, after: str, span: str, dimension: Dimension) -> tuple[str, ...]:
    """Return the canonical words of the limits around an amount, `span`; half-width text."""
    clause = _CLAUSE.split(before)[-1]
    clause = _OF_WHOLE.sub("", clause) if dimension == "ratio" else clause
    after = _MORE_AFTER.sub("", after, count=1) if _MORE_AFTER.match(after) else after
    found = [name for name, pattern in _EXTREMES if pattern.search(clause) and not _COMPARED.search(clause)]
    found += [name for name, pattern in _BOUND_BEFORE if pattern.search(clause)][:1]
    found += ["以上"] * (span[:1] in tuple("百千万亿") and _REACHED.search(clause) is not None)
    found += [name for name, pattern in _BOUND_AFTER if pattern.match(after)][:1]
    return tuple(dict.fromkeys(found))


def per_around(before: str, after: str, unit: Unit) -> tuple[str, bool]:
    """Return what the amount is counted for (亩, 人·年), canonical or empty, and whether an earlier clause says so.

    The nearest 每…, …均 or 年/月/日 + a word of yield counts within its clause; 每亩 and 每人 reach on to later clauses
    of the sentence for what can be divided (money, mass), until a total, a time or another count begins.
    """
    behind = _PER_AFTER.match(after) or (_PRICED_AFTER.match(after) if unit.dimension == "money" else None)
    if behind:
        return _per_name(behind["each"], unit), False
    # 人均寿命78岁 is an age.
    found = [] if unit.dimension == "age" else sorted(_matches(before, unit))
    if not found:
        return "", False
    last, start = found[-1], len(before)
    # 人均收入的80%: a share is of the whole, unless it is one of each year.
    is_share = last.word not in ("年", "月", "日", "天", "季度") or _RATE_OF.match(before, last.end)
    if unit.dimension == "ratio" and is_share:
        return "", False
    names: list[str] = []
    for one in reversed(found):
        if names and one.end < start:
            break
        names.insert(0, _per_name(one.word, unit))
        start = one.start
    between = _CONVERTED.sub("", before[last.end :])
    if len(_CLAUSE.split(before)[-1]) > LONGEST_CLAUSE and len(between) > SHORT:
        return "", False
    later = bool(re.search("[,:]", between))
    ended = not last.lasting or unit.dimension in ("count", "age", "ratio", "duration") or _TOTAL.search(between)
    if (later and ended) or re.search("[。;!?]", between) or names == [unit.name]:
        return "", False
    return "·".join(names), later


def _per_name(word: str, unit: Unit) -> str:
    if word == "方" and unit.dimension in ("count", "duration"):
        return word  # 每方用时2小时: of a side, no cubic metre.
    # 每个村 is per village, 每个 per piece.
    name = word.removeprefix("个") or word
    return name if name[0] in "0123456789" else unit_of(name).name.removeprefix("个") or "个"


def _matches(before: str, unit: Unit) -> list[_Per]:
    each = [_Per(*m.span(), m["each"], bool(_LASTING.fullmatch(m["each"]))) for m in _EACH.finditer(before)]
    others = [_Per(*m.span(), m["each"], lasting=False) for m in _EVEN.finditer(before)]
    rates = ((rate.span(), rate.group(rate.lastgroup or 0)) for rate in _RATE.finditer(before))
    others += [_Per(*where, word.replace("时", "小时"), lasting=False) for where, word in rates]
    if unit.dimension == "money" and (priced := _PRICED_BEFORE.search(before)):
        others.append(_Per(*priced.span(), priced["time"] or priced["thing"], lasting=False))
    # 每亩产值 is 每亩, not 亩产值 as well.
    return each + [one for one in others if not any(e.start < one.end and one.start < e.end for e in each)]
