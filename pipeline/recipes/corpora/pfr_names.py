"""PERSON and PLACE in a text of Peking University's tag set: nr, ns, nt and one-character j, under P1-P8 and R1-R5.

The corpus comes without its compound brackets, so names of several words are put together by their form.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from itertools import pairwise

from biaozhu.knowledge.division_names import COUNTY
from biaozhu.knowledge.gazetteer import gazetteer
from biaozhu.knowledge.word_tables import COMPOUND_SURNAMES
from recipes.corpora.tokens import Token, scan, text_at, words

_DOTS = "·•・．"
_NICK = "老小阿"
_NOT_FULL = ("某", "氏", "老", "帅", "总", "公", "工", "嫂", "婶", "婆", "姑", "母")
_NAMED_AFTER = words("奖 奖学金 文学奖 杯 基金会 大学 中学 小学 学院 医院 思想 理论 主义")
_GIVEN = 2
_TIMES = 2

_UNIT_WORDS = words(
    "行政区 自治区 自治州 自治县 自治旗 新区 省 群岛 半岛 列岛 海峡 平原 高原 盆地 山脉 草原 沙漠 三角洲 运河 大草原 大沙漠 大峡谷"
)
_INSIDE, _PEOPLES = words("特别"), words("维吾尔 哈萨克 柯尔克孜 蒙古 土家")
# Prefectures of the late 1990s, whose unit word 地区 belongs to the name; elsewhere 地区 is any area.
_PREFECTURES = words(
    "忻州 晋中 吕梁 临汾 运城 绥化 大兴安岭 丽水 巢湖 六安 宣城 池州 阜阳 宁德 宜春 上饶 吉安 抚州 赣州 滨州 菏泽 信阳 周口 "
    "驻马店 咸宁 零陵 娄底 怀化 南宁 柳州 百色 河池 贺州 达川 巴中 广安 雅安 眉山 资阳 铜仁 毕节 安顺 昭通 思茅 临沧 丽江 "
    "保山 昌都 山南 日喀则 那曲 阿里 林芝 商洛 安康 榆林 酒泉 张掖 武威 定西 陇南 平凉 庆阳 海东 固原 喀什 和田 阿克苏 塔城 "
    "阿勒泰 吐鲁番 哈密 遵义 黔江 涪陵 万县 黄冈 郧阳 恩施 商丘 许昌"
)
_FACILITIES = tuple(words("路 街 大道 胡同 寺 庙 宫 站 园 堂 馆 水库 机场 祠 陵 庵 观 公墓"))
_PORT = ("港", "站")
_NO_PLACES = words("伊斯兰 犹太 库尔德 哈尼 鄂温克 京城 神州 泉城 费加罗 萨伊德")
_TEAMS = ("队", "大学", "银行", "局", "党", "学院")
# One-character short forms of countries, continents, provinces and large cities.
_SHORT = frozenset(
    "中美俄日英法德韩朝印越泰以巴伊约阿哈塔吉土乌白意加菲马奥南欧亚华澳港台京沪津渝藏粤闽川晋冀鲁豫鄂湘赣皖苏浙桂琼黔滇陕甘宁新蒙辽黑"
    "贵杭深罗波尼孟拉摩捷匈圣贝格黎柬老缅希葡荷比瑞丹挪芬埃智秘非"
)
# With one of these the run is the name of a railway or road, or of peoples, and no list of places.
_OF_LINES = frozenset("九广昆海黄朔陇康汉回彝旧核淮兰固铁")
_LINES = words("线 铁路 公路 高速公路 高速 铁路线 大桥 航线 光缆 族")
# Two provinces or cities of the mainland side by side name a railway or a road (京沪、京哈三大干线), unless it is said
# that two places are meant.
_DOMESTIC = re.compile("[京沪津渝藏粤闽川晋冀鲁豫鄂湘赣皖苏浙桂琼黔滇陕甘宁新蒙辽吉黑贵杭深哈秦]+")
_BETWEEN = words("两 二 两地 一带 交界 边区 边界 之间 等 元旦 男排 女排")
_PAIR = 2
_REGIONS = words("亚太 拉美 江淮 黄淮 京津冀 晋察冀 陕甘宁 晋冀鲁豫 苏锡常 长三角 珠三角 环渤海 亚太地区 北爱")
# Verb and short form in one word: 驻华, 抵京.
_VERB_AND_PLACE = re.compile("[驻访来在对抵赴返离援旅留][华京沪美日俄英法德韩港澳]")


def given_names(paragraphs: Sequence[Sequence[Token]]) -> frozenset[str]:
    """Return the two-character words that stand again and again behind a surname: alone they are not full names."""
    counts = Counter(
        other.text
        for tokens in paragraphs
        for one, other in pairwise(tokens)
        if one.pos == other.pos == "nr" and len(one.text) == 1 and len(other.text) == _GIVEN
    )
    return frozenset(name for name, count in counts.items() if count >= _TIMES)


def persons(tokens: Sequence[Token], given: Collection[str] = ()) -> list[tuple[int, int]]:
    """Return the full names of a paragraph as half-open code point offsets; `given`: see `given_names`."""

    def person_at(tokens: Sequence[Token], first: int) -> tuple[int, list[tuple[int, int]]]:
        if tokens[first].pos != "nr":
            return first + 1, []
        end = _name_end(tokens, first)
        full = end > first + 1 or _is_full_name(tokens[first].text, given)
        named = full and text_at(tokens, end) not in _NAMED_AFTER
        return end, [(tokens[first].start, tokens[end - 1].end)] if named else []

    return scan(tokens, person_at)


def _name_end(tokens: Sequence[Token], first: int) -> int:
    size = [len(token.text) if token.pos == "nr" else 0 for token in tokens[first : first + 4]] + [0] * 4
    if tokens[first].text in COMPOUND_SURNAMES and size[1]:
        return first + 2
    if size[0] == 1:
        # 陈方安生: the husband's surname before one's own; four words would be two names.
        if size[1] == 1 and size[2] == _GIVEN and not size[3]:
            return first + 3
        return first + 2 if size[1] else first + 1
    end = first + 1
    while end + 1 < len(tokens) and tokens[end].text in _DOTS and tokens[end + 1].pos == "nr":
        end += 2
    return end


def _is_full_name(name: str, given: Collection[str]) -> bool:
    if len(name) == 1 or name in given or name[0] == name[-1]:
        return False
    return len(name) > _GIVEN or not (name[0] in _NICK or name.endswith(_NOT_FULL))


def places(tokens: Sequence[Token]) -> list[tuple[int, int]]:
    """Return the named places of a paragraph as half-open code point offsets."""
    return scan(tokens, _places_at)


def _places_at(tokens: Sequence[Token], first: int) -> tuple[int, list[tuple[int, int]]]:
    token = tokens[first]
    if token.pos == "ns":
        end = _place_end(tokens, first)
        whole = [(token.start, tokens[end - 1].end)]
        return end, whole if end > first + 1 else _single(token, text_at(tokens, end))
    if token.pos == "j":
        end = _short_end(tokens, first)
        return end, _short_forms(tokens[first:end], text_at(tokens, end))
    if token.pos in {"v", "vn"} and _VERB_AND_PLACE.fullmatch(token.text):
        return first + 1, [(token.start + 1, token.end)]
    return first + 1, _leading(token) if token.pos == "nt" else []


def _place_end(tokens: Sequence[Token], first: int) -> int:
    end = first + 1
    while end < len(tokens):
        word = tokens[end].text
        people = tokens[end].pos == "nz" and (word.endswith("族") or word in _PEOPLES)
        if word not in _INSIDE and not people:
            break
        end += 1
    word = text_at(tokens, end)
    if word in _UNIT_WORDS or (word == "乡" and end > first + 1):
        return end + 1
    if word == "地区" and end == first + 1 and tokens[first].text in _PREFECTURES:
        return end + 1
    return first + 1


def _known(name: str) -> bool:
    named = gazetteer().named.get(name)
    return named is not None and named.level < COUNTY + 1


def _single(token: Token, following: str) -> list[tuple[int, int]]:
    name = token.text
    if name in _NO_PLACES or following in {"族", "教", "语", "教徒"}:
        return []
    if _known(name):
        return [(token.start, token.end)]
    if name.endswith(_PORT) and _known(name[:-1]):
        return [(token.start, token.end - 1)]
    return [] if name.endswith(_FACILITIES) else [(token.start, token.end)]


def _leading(token: Token) -> list[tuple[int, int]]:
    """Return the place that begins the name of a team, bank, university or office in one word (P4)."""
    for suffix in _TEAMS:
        stem = token.text.removesuffix(suffix)
        if stem != token.text and (_known(stem) or stem in _COUNTRIES):
            return [(token.start, token.start + len(stem))]
    return []


_COUNTRIES = words(
    "中国 美国 英国 法国 德国 日本 韩国 朝鲜 俄罗斯 意大利 西班牙 葡萄牙 荷兰 比利时 瑞典 瑞士 挪威 丹麦 芬兰 波兰 捷克 匈牙利 "
    "罗马尼亚 保加利亚 希腊 土耳其 伊朗 伊拉克 以色列 埃及 摩洛哥 南非 肯尼亚 尼日利亚 巴西 阿根廷 乌拉圭 秘鲁 智利 墨西哥 "
    "加拿大 澳大利亚 新西兰 斐济 印度 巴基斯坦 泰国 越南 马来西亚 新加坡 菲律宾 印度尼西亚 斯里兰卡 哈萨克斯坦 乌克兰 "
    "南斯拉夫 苏联 津巴布韦 西萨摩亚 汤加 台北 华北 中南 奥地利 古巴"
)


def _short_end(tokens: Sequence[Token], first: int) -> int:
    end = first + 1
    if len(tokens[first].text) == 1:
        while end < len(tokens) and tokens[end].pos == "j" and len(tokens[end].text) == 1:
            end += 1
    return end


def _short_forms(run: Sequence[Token], following: str) -> list[tuple[int, int]]:
    word = "".join(token.text for token in run)
    if word in _REGIONS:
        return [(run[0].start, run[0].start + len(word.removesuffix("地区")))]
    if following in _LINES or any(character in _OF_LINES for character in word):
        return []
    if len(run) == _PAIR and _DOMESTIC.fullmatch(word) and following not in _BETWEEN:
        return []
    if len(run) == 1 and len(word) > 1 and not all(character in "港澳台京津沪渝" for character in word):
        return []
    start = run[0].start
    return [(start + at, start + at + 1) for at, character in enumerate(word) if character in _SHORT]
