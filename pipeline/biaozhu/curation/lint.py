"""Guideline lint: spans that a rule of annotations/guideline.md forbids by their form, each with the rule's number."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

from biaozhu.annotators.labelled import UNNAMED, is_refused
from biaozhu.annotators.repair.divisions import ANY_UNIT, is_certain
from biaozhu.curation.doubts import Doubt, make_doubt, overlapping
from biaozhu.data.model import Sentence, Span
from biaozhu.knowledge.gazetteer import gazetteer
from biaozhu.knowledge.word_tables import surname_length

_UNIT = (
    "自治区|自治州|自治县|街道|群岛|半岛|海峡|盆地|平原|高原|山脉|[省市县乡镇村屯]|[江河](?=两岸|流域|[上中下]游|沿岸)"
)
# 市委 and 省委 are words of their own (P4), 市区, 山区, 河边 and the like are none of the name (P6, P7).
_OTHER_WORD = "[委长级里内外中民场区域属管容郊花价情面立直辖政府际亲辈企落官医城上下派份试土仓门]"
_UNIT_AFTER = re.compile(f"(?:{_UNIT})(?!{_OTHER_WORD})")
_UNIT_END = re.compile("[省市县区州盟旗乡镇村庄屯寨道江河湖海山岛]$")
_TAIL = re.compile("(?:[东西南北中]部|境内|境外|沿岸|两岸|流域|以[东西南北]|[上中下]游|周边|附近|郊区|一带|内外|当局)$")
_AROUND_BEFORE = re.compile(
    "大约|约|近|将近|接近|超过|超|达到|达|不足|不到|不少于|逾|共计|共|一共|总计|至少|上(?=[百千万亿])"
)
_AROUND_AFTER = re.compile("(?:以上|以下|左右|上下|以内|之多|有余)$")
_DIGIT = "[0-9０-９〇零一二三四五六七八九十]"
_NUMBER = f"{_DIGIT}{{1,3}}"
_YEAR = f"(?:公元)?前?(?:1[0-9]|20|[一二][〇零一二三四五六七八九]){_DIGIT}{{2}}年"
_DATE = re.compile(
    f"{_YEAR}(?:{_NUMBER}月)?(?:{_NUMBER}[日号])?|{_NUMBER}月{_NUMBER}[日号]|{_NUMBER}[时点]{_NUMBER}分|{_DIGIT}{{2,4}}年代"
)
# Titles, roles and forms of address: those right before a full name or at its end, and those on one side only.
_TITLES = """
    [省市县区乡镇村州厅局处科部校院所厂店站队班组团连营排会社行馆台]长 书记 主任 主席 总理 总统 经理 委员 大使 司令员?
    教授 老师 医生 大夫 院士 博士 先生 女士 同志 老人 大爷 大妈 大娘 大嫂 老汉 同学 烈士
"""
_BEFORE_ONLY = """
    首相 总裁 总监 会计 出纳 代表 董事 法人 顾问 秘书 助理 参赞 领事 参谋 政委 指导员 辅导员 党员 干部 民警 警察 战士 讲师 教师 医师 护士
    记者 通讯员 编辑 主编 作者 作家 诗人 画家 书法家 导演 演员 歌手 教练 队员 选手 专家 学者 研究员 工程师 技术员 农艺师 设计师
    艺术家 企业家 科学家 负责人 带头人 传承人 继承人 代言人 发言人 发起人 主持人 候选人 联系人 业主 店主 户主 车主 老板 大户 能手
    模范 英雄 村民 居民 市民 农民 职工 工人 司机 社员 牧民 渔民 学生 丈夫 妻子 儿子 女儿 父亲 母亲 青年 小伙 姑娘 名叫 名为 叫做
"""
_INSIDE_ONLY = "老总 小姐 夫人 将军 伯伯 叔叔 大叔 阿姨 奶奶 爷爷 师傅"
_TITLE_BEFORE = re.compile("|".join((_TITLES + _BEFORE_ONLY).split()))
_TITLE_INSIDE = re.compile(f"[总副老]?(?:{'|'.join([*_TITLES.split(), *_INSIDE_ONLY.split()])})$")
_LASTING = re.compile("的?历史|以?来|前|后|间")
_ORDINAL = re.compile("第[0-9一二三四五六七八九十百千]+")
_TO_DATE = re.compile(r"(?:前|头)[0-9一二三四五六七八九十]+个?(?:月|季度)")
_BARE = re.compile(r"[0-9][0-9,.，]*(?:[0-9]|[百千万亿]+)?")
_NICKNAME = re.compile("[老小阿].")
# Of a name like 刚果（金） the bracket is a part.
_PAIRS = (("（", "）"), ("(", ")"), ("《", "》"), ("“", "”"))
_EDGE = "，。、；：！？“”‘’（）《》()[]【】,;!? \u3000"


class _Finding(NamedTuple):
    """A rule that a span breaks: what is wrong, how sure that is, and the correct spans."""

    rule: str
    what: str
    score: float
    right: tuple[tuple[int, int], ...] = ()


def lint_layer(layer: Sequence[Sentence]) -> Iterator[Doubt]:
    """Yield a doubt for each span that a rule of the guideline forbids."""
    checks = {"PLACE": _lint_place, "PERSON": _lint_person, "AMOUNT": _lint_amount}
    for sentence in layer:
        for span in sentence.spans:
            check = checks.get(span.label)
            finding = _lint_edges(sentence.text, span) or (check and check(sentence.text, span))
            if finding:
                right = [Span(start, end, span.label) for start, end in finding.right]
                # A longer span may reach into its neighbour: whoever decides sees both.
                wrong = [one for one in sentence.spans if overlapping(one, (span, *right))]
                reason = f"{finding.rule}: {finding.what}"
                yield make_doubt(sentence, wrong, right, reason=reason, score=finding.score, by="lint")


def _lint_edges(text: str, span: Span) -> _Finding | None:
    name = text[span.start : span.end]
    kept = name.strip(_EDGE)
    if kept == name or any(opening in name and closing in name for opening, closing in _PAIRS):
        return None
    start = span.start + len(name) - len(name.lstrip(_EDGE))
    return _Finding("一.3", "white space or punctuation at an end", 0.6, ((start, start + len(kept)),) if kept else ())


def _lint_place(text: str, span: Span) -> _Finding | None:
    name = text[span.start : span.end]
    if is_refused(text, span):
        return _Finding("P5", "a facility's name", 0.8)
    if ANY_UNIT.fullmatch(name) and not is_certain(name):
        return _Finding("P6", "no name of a certain place", 0.7)
    tail = _TAIL.search(name)
    if tail and tail.start() > 1:
        return _Finding("P7", f"{tail[0]} is not part of the name", 0.7, ((span.start, span.start + tail.start()),))
    unit = _UNIT_AFTER.match(text, span.end)
    if unit and len(name) > 1 and not _UNIT_END.search(name):
        return _Finding("P2", f"the unit word {unit[0]} belongs to the name", 0.6, ((span.start, unit.end()),))
    units = _cut_units(name)
    if len(units) > 1 and all(map(_UNIT_END.search, units)):
        ends = list(accumulate(map(len, units), initial=span.start))
        return _Finding("P1", "one span for each unit", 0.9, tuple(pairwise(ends)))
    return None


def _cut_units(name: str) -> list[str]:
    """Return the units of a name that begins with a division and goes on with a place: 曲阳县|灵山镇, 浙江|湖州; else all of it."""
    for end in () if is_certain(name) else range(len(name) - 2, 1, -1):
        above, rest = gazetteer().named.get(name[:end]), name[end:]
        # 丽江 is not above 古镇.
        if above and (above.full or (is_certain(name[:end]) and is_certain(rest))):
            return [name[:end], *_cut_units(rest)]
    return [name]


def _lint_person(text: str, span: Span) -> _Finding | None:
    name = text[span.start : span.end]
    if UNNAMED in name:
        return _Finding("R4", "no full name", 0.9)
    if _NICKNAME.fullmatch(name) and surname_length(name[1:]) and not surname_length(name[:1]):
        return _Finding("R4", "no full name", 0.7)
    after = _TITLE_INSIDE.search(name)
    if after and after.start() > 0:
        kept = name[: after.start()]
        right = ((span.start, span.start + len(kept)),) if len(kept) > 1 else ()
        return _Finding("R1" if right else "R4", f"{after[0]} is a title", 0.9, right)
    for length in range(len(name) - 2, 1, -1):
        if _TITLE_BEFORE.fullmatch(name[:length]):
            return _Finding("R1", f"{name[:length]} is a title", 0.9, ((span.start + length, span.end),))
    return None


def _lint_amount(text: str, span: Span) -> _Finding | None:
    name = text[span.start : span.end]
    before, after = _AROUND_BEFORE.match(name), _AROUND_AFTER.search(name)
    if before or after:
        start = span.start + (before.end() if before else 0)
        end = span.start + (after.start() if after else len(name))
        words = " and ".join(one[0] for one in (before, after) if one)
        return _Finding("A3", f"{words} is not part of the amount", 0.9, ((start, end),) if start < end else ())
    if _DATE.fullmatch(name) and not _LASTING.match(text, span.end):
        return _Finding("N1", "a date or a time of day", 0.9)
    if _ORDINAL.match(name):
        return _Finding("N2", "an ordinal", 0.8)
    if _TO_DATE.fullmatch(name):
        return _Finding("N4", "a period of the year so far", 0.8)
    if _BARE.fullmatch(name):
        return _Finding("A10", "a numeral without its unit", 0.8)
    return None
