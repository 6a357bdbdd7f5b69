"""Full names of persons: LAC's PER words, corrected by surnames, titles and lists.

LAC finds most names. Each kind of its errors has a rule here: a given name cut in two (the last character is a word of
its own), a title or 夫人 inside the name, names joined by · taken apart, a name in a list or after a title read as
common words, and things called like persons: brands, quoted names, ordinary words. Only full names count: a surname
with a title (王主任) is none. The rules were made on a part of People's Daily of January 1998 (PFR corpus) that no score
is reported on.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from itertools import islice, takewhile
from operator import attrgetter
from typing import TYPE_CHECKING

from biaozhu.annotators.cover import Cover
from biaozhu.annotators.registry import Annotator
from biaozhu.data.model import Span
from biaozhu.knowledge.division_names import MINORITIES
from biaozhu.knowledge.gazetteer import gazetteer, villages
from biaozhu.knowledge.names import find_longest, make_finder
from biaozhu.knowledge.surnames import SURNAME_STARTS, surname_length

if TYPE_CHECKING:
    from collections.abc import Sequence

    from biaozhu.annotators.words import LacWord

SOURCE = "persons"

# Titles and roles as they stand right before a full name, by their last characters.
TITLE_BEFORE = re.compile(
    "(?:书记|主任|主席|[省市县区乡镇村州厅局处科股部校院所厂店站队班组团连营排会社行庭馆台]长|总理|总统|首相|总裁|总监|经理|会计|出纳"
    "|委员|代表|记者|通讯员|编辑|主编|作者|导演|演员|歌手|教练|队员|选手|教授|讲师|老师|教师|医生|医师|大夫|护士|院士|博士"
    "|专家|学者|研究员|工程师|技术员|农艺师|设计师|负责人|带头人|传承人|继承人|代言人|发言人|发起人|主持人|候选人|法人|联系人"
    "|业主|店主|户主|车主|老板|老汉|大爷|大妈|大娘|大嫂|村民|居民|市民|农民|职工|工人|司机|民警|警察|战士|党员|干部|社员|牧民|渔民"
    "|大户|能手|模范|标兵|英雄|烈士|学生|同学|董事|参赞|大使|领事|顾问|秘书|助理|参谋|司令员?|政委|指导员|辅导员|书法家|画家"
    "|作家|诗人|艺术家|企业家|科学家|名誉主任|同志|女士|先生|丈夫|妻子|儿子|女儿|父亲|母亲|老人|青年|小伙|姑娘|名叫|名为|叫做)$"
)
# What a title's last character can be: looked at before the pattern is tried.
TITLE_ENDS = frozenset(
    one
    for title in TITLE_BEFORE.pattern.removeprefix("(?:").removesuffix(")$").split("|")
    for one in (title[-3:-1] if title.endswith("?") else title[-1])
)
# No title above is longer; only so much of the text before a name is searched.
LONGEST_TITLE_CHARS = 8
# Titles and forms of address right after a name; LAC may take them into it.
TITLE_AFTER = re.compile(
    "(?:[总副老]?(?:书记|主任|主席|总理|总统|部长|省长|市长|县长|区长|乡长|镇长|村长|局长|处长|科长|所长|院长|校长|厂长|站长|队长|会长"
    "|经理|老总|教授|老师|医生|大夫|先生|女士|小姐|同志|夫人|委员|大使|将军|司令员?|老人|大爷|大妈|大娘|大嫂|老汉|伯伯|叔叔|大叔|阿姨|奶奶|爷爷|师傅|同学|烈士|博士|院士|组长|班长))"
)
TITLE_INSIDE = re.compile(f"{TITLE_AFTER.pattern}$")
# What a person does, right after the name.
SPEECH_AFTER = re.compile(
    "(?:说|告诉|表示|介绍|认为|指出|强调|谈到|坦言|回忆|解释|透露|感慨|笑着|高兴地|激动地|自豪地|信心|向记者|对记者|报道|摄|等[一二三四五六七八九十几多\\d]"
    "|[（(]女|[（(]\\S{1,4}族)"
)
# Sold, made or founded under a name: the name before it is a brand.
TRADE_AFTER = re.compile(
    "(?:牌|实业|商贸|贸易|大厦|广场|电器|建材|食品|乳业|酒业|药业|农业|牧业|林业|果业|鞋业|科技|机械|化工|纺织|印刷|传媒|物流|地产|置业|制衣|家具|杯|奖)"
    "(?!特派|专家|人员|工作|服务|骨干|能手|大户|示范|带头|标兵|副)"
)
# No more than a trade's name stands between a founder's name and what he founded: 高强服装有限公司.
_PLAIN = r"[^\W的地得了着过和与及同跟在是有也都就把被向对从到于给将要来去做当任带办开建创进入等]"
FIRM_AFTER = re.compile(
    rf"{_PLAIN}{{0,6}}?(?:(?:股份|有限|责任)*公司|集团|股份|超市|商[场店行城]|酒[店楼]|饭店|旅行社|合作社|农场|药[房店]|专卖店|厂(?!长))"
    rf"|{_PLAIN}{{1,4}}(?:、\w{{2,8}}){{0,30}}等\d*[一二三四五六七八九十两几多余百]*家"
)
# A village or road called like a person.
UNIT_AFTER = re.compile(
    r"[村镇乡](?![长民支委主干])|庄|屯|街|路|桥|山|河|湖|水库"
    r"|等\d*[一二三四五六七八九十两几多百]*个?(?:行政|自然)?[村镇乡县市区]"
)
# 王小明村里的地, 王小明等三个村的村民: these go before a unit as often as they are its name.
LOOSE_UNIT = re.compile(r"[村镇乡]|等")
IN_THE_VILLAGE = re.compile(r"村[里上中]")
QUOTES = {"“": "”", '"': '"', "‘": "’", "《": "》", "「": "」", "『": "』"}
# One-character words that follow a name far oftener than they end one.
FUNCTION_CHARACTERS = frozenset(
    "的地得了着过和与及或同跟等在是有也都就还又却则将要被把向对从到于给让使叫说道称讲谈问答看听想去来走做作当任带领带"
    "率率摄写画编著译唱演饰获得拿为因所以而且但并不没很最更已正曾刚才能会可应需只这那其该此各每某两一二三四五六七八九十"
    "上下里外前后内间时中出入进起住总副正、"
)
HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]+")
BRACKETED = re.compile(r"（[^（）]{1,12}）|\([^()]{1,12}\)")
LIST_GAP = re.compile(rf"(?:{BRACKETED.pattern})?(?:\s|[、，,]\s*)")
WEAK_SCORE, FAIR_SCORE, LIKELY_SCORE, SURE_SCORE = 0.45, 0.6, 0.7, 0.9
LIST_SCORE, TITLE_SCORE, SEEN_SCORE = 0.8, 0.7, 0.85
# A surname and one or two characters; two characters in all are too often part of something else.
GIVEN_NAME_CHARS, FULL_NAME_CHARS, LONG_NAME_CHARS = 2, 2, 3
WORD_START, WORD_END = attrgetter("start"), attrgetter("end")
# Borders of a name to its score.
Names = dict[tuple[int, int], float]
DOT = "·"
FAMILIAR = frozenset("小老")
CREDITS, CLOSING = frozenset("摄"), frozenset("）)")
# Words of these kinds go on after a name; a name's own characters are rarely taken for them.
GOING_ON = frozenset(("TIME", "t", "d", "p", "ad", "v", "vd"))
PREDICATES = frozenset(("v", "vd", "vn", "d", "p", "c", "u"))
# 中方, 美方: a state's side; 毛南族: a people.
NOBODY = re.compile(f"[中美俄英法德日韩朝越伊巴以印泰]方|(?:(?:{'|'.join(MINORITIES)}|汉)族)+")


def find_persons(texts: Sequence[str], words: Sequence[Sequence[LacWord]]) -> list[tuple[Span, ...]]:
    """Return the full names in each text, sorted and disjoint.

    Args:
        texts: the sentences of one article; a name of three characters or more that is sure in one of them is a
            name in all of them.
        words: LAC's words of each of them.
    """
    found = [_find(text, list(ones)) for text, ones in zip(texts, words, strict=True)]
    sure = {
        text[start:end]
        for text, names in zip(texts, found, strict=True)
        for (start, end), score in names.items()
        if score >= SURE_SCORE and end - start >= LONG_NAME_CHARS and surname_length(text[start:end])
    }
    if sure:
        find = make_finder(sure)
        found = [
            _with_sure(names, find_longest(find, text)) for text, names in zip(texts, found, strict=True)
        ]
    return [
        tuple(Span(start, end, "PERSON", SOURCE, score) for (start, end), score in sorted(names.items()))
        for names in found
    ]


def _find(text: str, words: list[LacWord]) -> Names:
    names = _from_lac(text, words)
    names = _with_listed(text, words, names)
    return _with_titled(text, words, names)


def _with_sure(names: Names, sure: Sequence[tuple[int, int]]) -> Names:
    if not sure:
        return names
    found = dict(names)
    cover = _cover(found)
    for start, end in sure:
        near = cover.find(start, end)
        if (start, end) in found or any(span[0] < start or end < span[1] for span in near):
            continue
        for span in near:
            del found[span]
            cover.remove(*span)
        found[start, end] = SEEN_SCORE
        cover.add(start, end, (start, end))
    return found


def _cover(names: Names) -> Cover[tuple[int, int]]:
    return Cover((start, end, (start, end)) for start, end in names)


def _from_lac(text: str, words: list[LacWord]) -> Names:
    names: Names = {}
    position = 0
    if "PER" not in [word.tag for word in words]:
        return names
    while position < len(words):
        last = position
        if words[position].tag == "PER":
            # 阿卜杜拉·买买提: LAC gives one word or three.
            while (
                last + 2 < len(words)
                and text[words[last + 1].start : words[last + 1].end] == DOT
                and words[last + 2].tag == "PER"
            ):
                last += 2
            found = _checked(text, words, position, last)
            if found is not None:
                start, end, score = found
                names[start, end] = score
                # A name that has taken the next word leaves it to no other.
                while last + 1 < len(words) and words[last + 1].start < end:
                    last += 1
        position = last + 1
    return names


def _checked(text: str, words: list[LacWord], first: int, last: int) -> tuple[int, int, float] | None:
    start, end = words[first].start, words[last].end
    score = min(word.score for word in words[first : last + 1])
    name = text[start:end]
    start += len(name) - len(name.lstrip())
    name = name.strip()
    end = start + len(name)
    title = TITLE_INSIDE.search(name)
    if title and title.start() > 0:
        end -= len(name) - title.start()
        name = name[: title.start()]
    if not name:
        return None
    if name[0] in FAMILIAR and surname_length(name[1:]) and len(name) >= LONG_NAME_CHARS:
        start, name = start + 1, name[1:]
    if name[-1] in CREDITS and len(name) >= LONG_NAME_CHARS and text[end : end + 1] in CLOSING:
        end, name = end - 1, name[:-1]
    surname = surname_length(name)
    following = words[last + 1 : last + 3]
    if surname and len(name) - surname < GIVEN_NAME_CHARS and end == words[last].end and following:
        grown = _grown(text, following, end, end - start - surname)
        name, end = text[start:grown], grown
    if _is_none(text, start, end, surname, score):
        return None
    return start, end, score


def _grown(text: str, following: Sequence[LacWord], end: int, given: int) -> int:
    # 张伟|之、: what stands alone before a mark, and is no word that follows names, is the end of the name.
    follower, after = following[0], following[1] if len(following) > 1 else None
    tail = text[follower.start : follower.end]
    if (
        len(tail) > GIVEN_NAME_CHARS - given
        or not HAN.fullmatch(tail)
        or any(c in FUNCTION_CHARACTERS for c in tail)
    ):
        return end
    if SPEECH_AFTER.match(text, end) or TITLE_AFTER.match(text, end):
        return end
    if follower.tag == "PER" and not _is_none(text, end, follower.end, surname_length(tail), follower.score):
        return end  # 明|徐娜: a name of its own
    if follower.score >= SURE_SCORE and given:
        return end
    goes_on = after is not None and after.tag in GOING_ON
    return follower.end if goes_on or _closed(text, follower.end) else end


def _closed(text: str, position: int) -> bool:
    return (
        position >= len(text)
        or not HAN.match(text, position)
        or bool(SPEECH_AFTER.match(text, position))
        or bool(TITLE_AFTER.match(text, position))
    )


def _is_none(text: str, start: int, end: int, surname: int, score: float) -> bool:
    name = text[start:end]
    if len(name) < FULL_NAME_CHARS or not HAN.match(name) or name in _ORDINARY or NOBODY.fullmatch(name):
        return True
    quoted = QUOTES.get(text[start - 1 : start]) == text[end : end + 1] != ""
    titled = bool(TITLE_BEFORE.search(text, max(0, start - LONGEST_TITLE_CHARS), start))
    if quoted or _is_unit(text, start, end, score, titled=titled):
        return True
    if titled or SPEECH_AFTER.match(text, end):
        return False
    if FIRM_AFTER.match(text, end) or (score < SURE_SCORE and TRADE_AFTER.match(text, end)):
        return True
    if surname and TITLE_AFTER.match(text, end):
        return False
    return score < _needed(text, start, end, surname)


def _is_unit(text: str, start: int, end: int, score: float, *, titled: bool) -> bool:
    unit = UNIT_AFTER.match(text, end)
    if not unit:
        return False
    if not LOOSE_UNIT.match(text, end) or not surname_length(text[start:end]):
        return True
    name = text[start:end]
    tables = (gazetteer().named, villages())
    if any(form in table for table in tables for form in (name, name + text[end], f"{name}村")):
        return True
    return not titled and score < (LIKELY_SCORE if IN_THE_VILLAGE.match(text, end) else SURE_SCORE)


def _needed(text: str, start: int, end: int, surname: int) -> float:
    """Return the score that a name needs which no title or verb of speech vouches for."""
    length = end - start
    if not surname:
        # Names of other peoples have three characters or more; two are mostly ordinary words.
        return 0 if DOT in text[start:end] else SURE_SCORE if length < LONG_NAME_CHARS else WEAK_SCORE
    return FAIR_SCORE if length - surname < GIVEN_NAME_CHARS else WEAK_SCORE


def _with_listed(text: str, words: list[LacWord], names: Names) -> Names:
    if not names:
        return names
    # A remark in brackets, 王小明（女）、李大海, is no member of the list.
    bare = BRACKETED.sub(lambda match: "（" * len(match.group()), text)
    runs = [match.span() for match in HAN.finditer(bare)]
    found = dict(names)
    cover = _cover(found)
    for position, (start, end) in enumerate(runs):
        if (
            (start, end) in found
            or DOT in (text[start - 1 : start], text[end : end + 1])
            or not _name_like(text[start:end])
        ):
            continue
        before = position > 0 and _listed(text, runs[position - 1][1], start)
        after = position + 1 < len(runs) and _listed(text, end, runs[position + 1][0])
        left = before and any(
            name[1] == runs[position - 1][1] for name in cover.find(runs[position - 1][1] - 1, start)
        )
        right = after and any(
            name[0] == runs[position + 1][0] for name in cover.find(end, runs[position + 1][0] + 1)
        )
        if not left and not right:
            continue
        if not (left and right) and _is_firm(words, start, end):
            continue
        for span in cover.find(start, end):
            del found[span]
            cover.remove(*span)
        found[start, end] = LIST_SCORE
        cover.add(start, end, (start, end))
    return found


def _listed(text: str, start: int, end: int) -> bool:
    return bool(LIST_GAP.fullmatch(text, start, end))


def _name_like(text: str) -> bool:
    surname = surname_length(text)
    return (
        surname > 0
        and 0 < len(text) - surname < GIVEN_NAME_CHARS + 1
        and text not in _ORDINARY
        and not TITLE_AFTER.search(text)
    )


def _is_firm(words: list[LacWord], start: int, end: int) -> bool:
    first = bisect_right(words, start, key=WORD_END)
    covering = takewhile(lambda word: word.start < end, islice(words, first, None))
    return min((word.score for word in covering), default=0.0) >= SURE_SCORE


def _is_predicate(words: list[LacWord], start: int, end: int) -> bool:
    at = bisect_left(words, start, key=WORD_START)
    return at < len(words) and words[at][:2] == (start, end) and words[at].tag in PREDICATES


def _with_titled(text: str, words: list[LacWord], names: Names) -> Names:
    found = dict(names)
    cover = _cover(found)
    ends: set[int] = set()
    for word in words:
        start = word.start
        if text[start] not in SURNAME_STARTS or not start or text[start - 1] not in TITLE_ENDS:
            continue
        if word.tag == "PER" or not surname_length(text[start : start + 2]):
            continue
        if not cover.is_free(start, start + 2):
            continue
        if not TITLE_BEFORE.search(text, max(0, start - LONGEST_TITLE_CHARS), start):
            continue
        surname = surname_length(text[start : start + 2])
        ends = ends or {one.end for one in words}
        for end in (start + surname + 2, start + surname + 1):
            name = text[start:end]
            if (
                end in ends
                and len(name) == end - start
                and cover.is_free(start, end)
                and HAN.fullmatch(name)
                and _name_like(name)
                and not any(c in FUNCTION_CHARACTERS for c in name[surname:])
                and not _is_firm(words, start, end)
                and _closed(text, end)
                and not _is_predicate(words, start, end)
            ):
                found[start, end] = TITLE_SCORE
                cover.add(start, end, (start, end))
                break
    return found


# Ordinary words that begin with a surname's character and are taken for names.
_ORDINARY = frozenset(
    (
        *("林林总总", "林果", "林牧", "林牧业", "林草", "桑蚕", "桑果"),
        *("年均", "月均", "日均", "户均", "鞠躬", "史诗", "韩元"),
    )
)

PERSONS = Annotator(SOURCE, find_persons, proposes={"PERSON": 30}, reads_words=True, built_in=True)
